; Long mode: entry, 64-bit gates and interrupt stacks, privilege, SYSCALL, call gates, compatibility mode, non-canonical addresses.
%include "frame.inc"
%include "prot.inc"
PML4 equ 0x20000
PDP equ 0x21000
PD equ 0x22000
PTL equ 0x23000
LSTK equ 0x6800
IST1 equ 0x9800
IST2 equ 0xa000
IDT64 equ 0x24000
mov edi,PML4
mov ecx,0x1400
xor eax,eax
rep stosd
mov dword [PML4],PDP+7
mov dword [PML4+8*511],PDP+7
mov dword [PDP],PD+7
mov dword [PDP+8*511],PD+7
mov dword [PD],PTL+7
mov dword [PD+8],0x200087
mov dword [PD+16],0x400087
mov dword [PD+20],0x80000000
mov dword [PD+8*511],0x87
mov dword [PDP+8],0x87 ; 1 GB pages: qemu64 has none
mov edi,PTL
mov eax,7
mov ecx,512
pl: mov [edi],eax
add eax,0x1000
add edi,8
loop pl
mov dword [PTL+0x51*8],0x51003
mov dword [PTL+0x52*8],0
mov dword [PTL+0x53*8],0x53005
; 64-bit IDT
mov edi,IDT64
xor ecx,ecx
mov ebx,stubs64+B
il:
mov eax,ebx
and eax,0xffff
or eax,C64<<16
mov [edi],eax
mov eax,ebx
and eax,0xffff0000
or eax,0x8e00
cmp ecx,3
je iu
cmp ecx,0x20
jb is
iu: or eax,0x6000
is:
mov [edi+4],eax
mov dword [edi+8],0
mov dword [edi+12],0
add ebx,12
add edi,16
inc ecx
cmp ecx,0x28
jne il
mov byte [IDT64+6*16+4],1   ; #UD on IST 1
mov byte [IDT64+0x21*16+4],2
mov byte [IDT64+0x22*16+5],0xe5 ; bad type
mov byte [IDT64+0x23*16+5],0x6e
mov word [IDT64+0x24*16+2],C0   ; not 64-bit code
mov byte [IDT64+0x25*16+5],0xef
mov dword [IDT64+0x26*16+8],0x1234000 ; not canonical
; TSS
mov edi,TSS64AT
xor eax,eax
mov ecx,26
rep stosd
mov dword [TSS64AT+4],LSTK
mov dword [TSS64AT+0x24],IST1
mov dword [TSS64AT+0x2c],IST2
mov word [TSS64AT+0x66],0x68
; gate
mov eax,g64+B
mov [GDTAT+G64-3],ax
shr eax,16
mov [GDTAT+G64-3+6],ax
; into long mode
mov eax,0x20
mov cr4,eax
mov eax,PML4
mov cr3,eax
mov ecx,0xc0000080
mov eax,0x901
xor edx,edx
wrmsr
rdmsr
mov eax,cr0
or eax,0x80010000
mov cr0,eax
mov ecx,0xc0000080
rdmsr
; compatibility mode: a few things before 64-bit mode
lar eax,ecx
mov ax,TSS
fault push dword 5
add esp,4
jmp C64:go+B
align 4
idt64p: dw 0x28*16-1
dq IDT64
gdt64p: dw gdtend-gdt-1
dq GDTAT
bits 64
%macro f64 1+
mov dword [resume],%%next+B
%1
%%next:
%endmacro
stubs64:
%assign v 0
%rep 0x28
%if v==8 || v==10 || v==11 || v==12 || v==13 || v==14 || v==17
nop
nop
%else
push byte 0
%endif
push strict dword v
jmp strict near handle64
%assign v v+1
%endrep
; rax rdi at rsp, vector +16, code +24, rip +32, cs +40, rflags +48, rsp +56, ss +64
handle64:
push rdi
push rax
and dword [rsp+48],~0x10000
mov edi,[abs logp]
mov eax,[rsp+16]
mov [rdi],eax
cmp eax,14
jne n64
test byte [rsp+24],8
jz n64
or byte [rsp+24],1
n64:
mov eax,[rsp+24]
mov [rdi+4],eax
mov eax,[rsp+32]
mov [rdi+8],eax
mov eax,[rsp+40]
mov [rdi+12],eax
mov eax,[rsp+48]
mov [rdi+16],eax
mov rax,cr2
mov [rdi+20],eax
add dword [abs logp],24
cmp dword [rsp+16],0x20
jae r64
cmp dword [rsp+16],3
je r64
mov eax,[abs resume]
mov [rsp+32],rax
r64:
pop rax
pop rdi
add rsp,16
iretq
go:
mov ax,D0
mov ds,ax
mov es,ax
mov fs,ax
mov gs,ax
mov ss,ax
mov rsp,0x6000
o64 lidt [rel idt64p]
o64 lgdt [rel gdt64p]
sgdt [abs 0x5000]
sidt [abs 0x5010]
mov rax,[abs 0x5012]
mov word [abs GDTAT+TSS64+5],0x89
mov ax,TSS64
ltr ax
str rbx
mov ax,LDT
mov dword [abs GDTAT+LDT+8],0
mov dword [abs GDTAT+LDT+12],0
mov dword [abs GDTAT+TSSB],0 
f64 lldt ax
xor ax,ax
lldt ax
; segment loads
mov ss,ax

mov ax,3
mov ds,ax
mov es,ax
mov ax,D0
mov ss,ax
mov ax,NP0
f64 mov ds,ax
mov ax,XO0
f64 mov es,ax
mov ax,TSS64
f64 mov fs,ax
lsl eax,ax
lar ebx,ax
; bases
mov ecx,0xc0000100
mov eax,0x1000
mov edx,0
wrmsr
mov ecx,0xc0000101
mov eax,0x2000
mov edx,0xffffffff
f64 wrmsr
mov edx,0xffff8000
wrmsr
mov edx,0
wrmsr
mov ecx,0xc0000102
mov eax,0x3000
wrmsr
mov rax,[fs:0x4000]
mov rax,[gs:0x4000]
swapgs
mov rax,[gs:0x4000]
lea rax,[gs:0x4000]
mov ax,D0
mov fs,ax
mov gs,ax
; non-canonical
mov rax,0x800000000000
f64 mov rbx,[rax]
f64 mov [rax],rbx
mov rbx,0x7ffffffffffe
f64 mov eax,[rbx]
; paging
f64 mov eax,[abs 0x51000]
f64 mov eax,[abs 0x52000]
f64 mov [abs 0x53000],eax
f64 mov eax,[abs 0x600000]
mov rax,0xffffff8000000000
mov rbx,0x1234567890
mov rax,0xffffffffc0050000
f64 mov eax,[rax]
mov rax,0xffffffffffe50000
f64 mov eax,[rax]
mov qword [abs 0x50100],0xc3
mov eax,0x50100
call rax
mov eax,0x400100
mov byte [rax],0xc3
f64 call rax
mov rsp,0x6000
; gates; QEMU makes SS null for an interrupt stack at the same privilege
xor eax,eax
mov ss,ax
f64 ud2
f64 int 0x20
f64 int 0x21
f64 int 0x24
sti
int 0x25
cli
int3
mov rsp,0x5ffb
int 0x20
mov rsp,0x6000
mov ax,D0
mov ss,ax
; invalid in 64-bit mode
mov byte [abs IDT64+6*16+4],0
f64 db 0x06
f64 db 0x27
f64 db 0x60
f64 db 0xea
nop
nop
nop
nop
nop
nop
f64 db 0xce
f64 sysenter
; far transfers
mov dword [abs 0x5000],cc+B
mov word [abs 0x5004],C64
call far dword [abs 0x5000]
mov qword [abs 0x5000],cc+B
mov word [abs 0x5008],C64
o64 call far [abs 0x5000]
mov word [abs 0x5008],D0
f64 db 0x48,0xff,0x1c,0x25,0,0x50,0,0
; RETF to compatibility mode and back
mov ax,D0
mov ds,ax
mov es,ax
push qword CF0
push qword compat+B
db 0x48
retf
bits 32
compat:
mov eax,esp
mov ebx,cs
push ebx
pop ecx
inc eax
mov dword [resume],c1+B
ud2
c1:
mov ax,D0
mov ds,ax
mov dword [resume],c2+B
mov eax,[0x52000]
c2:
int 0x20
call C64:cc2+B
jmp C64:long2+B
bits 64
cc2:
retf
cc:
mov rax,rsp
cmp dword [rsp+4],C64
je cc32
o64 retf
cc32:
retf
long2:
; IRETQ to the same privilege, with its stack
push qword D0
push qword 0x5f00
push qword 0x246
push qword C64
lea rax,[rel long3]
push rax
iretq
long3:
mov rsp,0x6000
mov qword [abs 0x5000],0
; SYSCALL
mov ecx,0xc0000081
xor eax,eax
mov edx,((U32&0xfff8)<<16)|K64
wrmsr
inc ecx
lea rax,[rel sysc]
xor edx,edx
wrmsr
inc ecx
lea rax,[rel sysc32]
wrmsr
inc ecx
mov eax,0x47700
wrmsr
; ring 3
mov ax,TSS64
push qword U64D
push qword 0x8000
push qword 0x3002
push qword U64
lea rax,[rel user64]
push rax
iretq
sysc:
mov rax,rsp
cmp rcx,0
o64 sysret
sysc32:
mov eax,0x77
sysret
g64:
mov rax,rsp
mov rbx,[rsp]
mov rbx,[rsp+8]
mov rbx,[rsp+16]
mov rbx,[rsp+24]
mov bx,ss
o64 retf
user64:
syscall
user65:
mov ax,U64D
mov ds,ax
mov es,ax
mov rsp,0x8000
f64 cli
sti
cli
pushfq
pop rax
mov ax,C64
f64 hlt
f64 mov rax,cr0
f64 swapgs
f64 sysret
f64 rdmsr
f64 mov eax,[abs 0x51000]
f64 mov [abs 0x51000],eax
f64 mov [abs 0x52000],eax
f64 mov [abs 0x53000],eax
f64 ud2
int 0x20
int 0x21
int3
mov qword [abs 0x5000],0
mov word [abs 0x5004],G64
call far dword [abs 0x5000]
mov word [abs 0x5008],G64
o64 call far [abs 0x5000]
mov word [abs 0x5004],C64
f64 db 0xff,0x1c,0x25,0,0x50,0,0
in al,0x80
push qword 0x3202
popfq
push qword 2
popfq
pushfq
pop rbx
f64 in al,0x80
push qword C64
lea rax,[rel user65]
push rax
f64 db 0x48,0xcb
; compatibility mode at ring 3
push qword U32
lea rax,[rel compat3]
push rax
o64 retf
bits 32
compat3:
mov ax,U64D
mov ds,ax
mov ss,ax
mov esp,0x8000
syscall
mov eax,esp
mov dword [resume],c4+B
mov eax,[0x51000]
c4:
int 0x20
mov dword [resume],c5+B
ud2
c5:
call G64:0
jmp U64:back64+B
bits 64
back64:
mov dword [abs resume],fin+B
mov byte [abs 0x5000],1
; leave: gate to ring 0
lea rax,[rel fin]
mov [abs GDTAT+G64-3],ax
call far dword [rel finp]
finp: dd 0
dw G64
fin:
mov ax,D0
mov ss,ax
mov rsp,0x6000
; out of long mode
mov ecx,0xc0000080
rdmsr
mov rax,cr8
lea rax,[rel finp2]
jmp far dword [rax]
finp2: dd off+B
dw CF0
bits 32
off:
mov ax,D0
mov ds,ax
mov es,ax
mov eax,cr0
and eax,0x7fffffff
mov cr0,eax
mov ecx,0xc0000080
rdmsr
and eax,~0x100
wrmsr
hlt
finish
