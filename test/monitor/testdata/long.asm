; A boot sector that goes to long mode, puts known values into registers and memory, and halts: what monitors are asked about.
; Page tables: 1 GiB in 2 MiB pages at 0, the first of them in 4 KiB pages, of which one is read-only, one for users and one not there.

	org 0x7c00
	bits 16

pml4	equ 0x10000
pdpt	equ 0x11000
pd	equ 0x12000
pt	equ 0x13000

start:	cli
	xor ax, ax
	mov ds, ax
	mov ss, ax
	mov sp, 0x7c00
	mov ax, 0x1000
	mov es, ax
	xor di, di
	mov cx, 0x4000 / 2
	xor ax, ax
	rep stosw
	mov word [es:0x0000], pdpt & 0xffff | 7
	mov word [es:0x0002], pdpt >> 16
	mov word [es:0x1000], pd & 0xffff | 7
	mov word [es:0x1002], pd >> 16
	mov word [es:0x2000], pt & 0xffff | 7
	mov word [es:0x2002], pt >> 16
	mov di, 0x2008		; 2 MiB pages from the second on
	mov eax, 0x200083
.big:	mov [es:di], eax
	add eax, 0x200000
	add di, 8
	cmp di, 0x2100
	jb .big
	mov di, 0x3000		; 4 KiB pages
	mov eax, 3
.small:	mov [es:di], eax
	add eax, 0x1000
	add di, 8
	cmp di, 0x4000
	jb .small
	mov byte [es:0x3000 + 8 * 0x20], 1	; read-only
	mov byte [es:0x3000 + 8 * 0x30], 7	; for users
	mov byte [es:0x3000 + 8 * 0x40], 0	; not there
	mov eax, pml4
	mov cr3, eax
	mov eax, 0x20		; PAE
	mov cr4, eax
	mov ecx, 0xc0000080
	rdmsr
	or eax, 0x100		; LME
	wrmsr
	lgdt [gdtr]
	mov eax, cr0
	or eax, 0x80000001
	mov cr0, eax
	jmp 8:wide

	bits 64
wide:	mov eax, 0x10
	mov ds, eax
	mov es, eax
	mov ss, eax
	mov fs, eax
	mov gs, eax
	xor eax, eax
	lldt ax
	fninit
	mov rax, 0x1122334455667788
	mov rbx, 0xdeadbeefcafef00d
	mov ecx, 0x12345678
	mov edx, 0x80000001
	mov esi, 0x5000
	mov edi, 0x6000
	mov ebp, 0x7000
	mov esp, 0x7b00
	mov r8, 0x88
	mov r9, 0x99
	mov r10, 0xaa
	mov r11, 0xbb
	mov r12, 0xcc
	mov r13, 0xdd
	mov r14, 0xee
	mov r15, 0xffffffffffffffff
	mov qword [0x5000], rax
	mov qword [0x5008], rbx
	mov dword [0x5010], 'abcd'
	lidt [idtr]
	add ecx, ecx
stop:	hlt
	jmp stop		; after an NMI
	mov eax, [rbx + 4 * rcx + 0x10]
	call wide
	jmp $

nmi:	iretq

	align 8
idt:	times 2 dq 0, 0
	dw nmi, 8, 0x8e00, 0, 0, 0, 0, 0
idtr:	dw $ - idt - 1
	dq idt
	align 8
gdt:	dq 0, 0x00af9b000000ffff, 0x00cf93000000ffff
gdtr:	dw $ - gdt - 1
	dd gdt

	times 510 - ($ - $$) db 0
	dw 0xaa55
