; kernel.asm: a kernel that says on the first serial port what its loader told it. Assembled by boot_test.go as
; -DFLAT (Multiboot, addresses in the header), -DELF (Multiboot in an ELF file) or -DPVH.

    bits 32
    org 0x200000

base:
%ifndef FLAT
    db 0x7f, 'ELF', 1, 1, 1, 0
    times 8 db 0
    dw 2, 3                     ; executable, 386
    dd 1, start, phdrs - base, 0, 0
    dw 52, 32, PHNUM, 0, 0, 0
phdrs:
    dd 1, 0, base, base, end - base, bss_end - base, 7, 0x1000
%ifdef PVH
PHNUM equ 2
    dd 4, note - base, note, note, note_end - note, note_end - note, 4, 4
note:
    dd 4, 4, 18
    db 'Xen', 0
    dd start
note_end:
%else
PHNUM equ 1
%endif
%endif

%ifndef PVH
%ifdef FLAT
FLAGS equ 0x10003
%else
FLAGS equ 3
%endif
    align 4
header:
    dd 0x1badb002, FLAGS, -(0x1badb002 + FLAGS)
%ifdef FLAT
    dd header, base, end, bss_end, start
%endif
%endif

start:
    mov esp, stack
    mov ebp, ebx                ; what the loader left
    push eax
    mov eax, [bss]
    mov esi, s_bss
    call print
    call hex
    pop eax
    mov esi, s_eax
    call print
    call hex
%ifdef PVH
    mov esi, s_magic
    mov eax, [ebp]
    call field
    mov esi, s_cmdline
    call print
    mov esi, [ebp + 24]
    call print
    mov esi, s_module
    call print
    mov esi, [ebp + 16]         ; the list
    mov esi, [esi]              ; the first one's address
    call print
    mov esi, s_rsdp
    call print
    mov esi, [ebp + 32]
    mov ecx, 8
    call printn
    mov eax, [ebp + 48]
    mov edx, [ebp + 40]
    mov ebx, [edx + 16]         ; kind of the first entry
%else
    mov esi, s_cmdline
    call print
    mov esi, [ebp + 16]
    call print
    mov esi, s_module
    call print
    mov edi, [ebp + 24]
    add edi, 16                 ; the second module
    mov esi, [edi + 8]
    call print
    mov esi, s_is
    call print
    mov esi, [edi]
    mov ecx, [edi + 4]
    sub ecx, esi
    call printn
    mov esi, s_lower
    mov eax, [ebp + 4]
    call field
    mov esi, s_upper
    mov eax, [ebp + 8]
    call field
    mov eax, [ebp + 44]
    xor edx, edx
    mov ecx, 24
    div ecx
    mov edx, [ebp + 48]
    mov ebx, [edx + 20]
%endif
    cmp eax, 3                  ; how many there are depends on the firmware
    jb .few
    mov esi, s_map
    mov eax, ebx
    call field
.few:
    mov esi, s_end
    call print
    mov dx, 0x501
    mov al, 0
    out dx, al
    cli
    hlt

field:                          ; text at ESI, number EAX
    call print
hex:
    mov ecx, 8
.next:
    rol eax, 4
    push eax
    and al, 15
    add al, '0'
    cmp al, '9'
    jbe .digit
    add al, 'a' - '9' - 1
.digit:
    call put
    pop eax
    loop .next
    ret

print:                          ; up to the NUL
    push eax
.next:
    lodsb
    test al, al
    jz .done
    call put
    jmp .next
.done:
    pop eax
    ret

printn:                         ; ECX bytes
    lodsb
    call put
    loop printn
    ret

put:
    push edx
    mov dx, 0x3f8
    out dx, al
    pop edx
    ret

s_bss:     db 'bss=', 0
s_eax:     db ' eax=', 0
s_magic:   db ' magic=', 0
s_cmdline: db ' cmdline=', 0
s_module:  db ' module=', 0
s_is:      db ' is ', 0
s_lower:   db ' lower=', 0
s_upper:   db ' upper=', 0
s_rsdp:    db ' rsdp=', 0
s_map:     db ' map=', 0
s_end:     db ' end', 10, 0
    align 4
end:
bss equ end
stack equ end + 0x2000
bss_end equ end + 0x3000
