; 32-bit protected mode: descriptor loads, privilege, gates, tasks, faults and their error codes.
%include "frame.inc"
%include "prot.inc"
mov ax,TSS
ltr ax
str eax
str [0x5000]
fault ltr ax
sldt ax
; LDT
mov dword [LDTAT+8],0x0000ffff
mov dword [LDTAT+12],0x00cff300
mov dword [LDTAT+16],0x0000ffff
mov dword [LDTAT+20],0x00cf9200
mov ax,LDT
lldt ax
sldt ebx
mov ax,0xf
mov fs,ax
mov ax,0x14
mov gs,ax
fault mov gs,[cs:badldt]
; data segment loads
mov ax,RO0
mov es,ax
mov ax,NP0
fault mov es,ax
mov ax,XO0
fault mov es,ax
mov ax,C0
mov es,ax
mov ax,D3
mov es,ax
mov ax,D0+3
fault mov es,ax
mov ax,TSS
fault mov es,ax
mov ax,0x200
fault mov es,ax
mov ax,0xffff
fault mov fs,ax
xor ax,ax
mov es,ax
mov ax,3
mov es,ax
mov ax,D0
mov es,ax
; SS loads
xor ax,ax
fault mov ss,ax
mov ax,D3
fault mov ss,ax
mov ax,RO0
fault mov ss,ax
mov ax,NP0
fault mov ss,ax
mov ax,D0+1
fault mov ss,ax
mov ax,C0
fault mov ss,ax
push dword D0
pop ss
push word D0
o16 pop ds
push fs
pop gs
o16 push gs
o16 pop fs
; LES and friends
mov dword [0x5000],0x12345678
mov word [0x5004],D0
les eax,[0x5000]
lss esp,[cs:ssesp]
lfs bx,[0x5002]
lgs ecx,[0x5000]
mov word [0x5004],NP0
fault lds eax,[0x5000]
; LAR LSL VERR VERW ARPL
%macro look 1
mov cx,%1
lar eax,cx
lsl ebx,ecx
verr cx
verw cx
o16 lar ax,cx
%endmacro
look C0
look D0
look C3
look D3
look TSS
look LDT
look CC0
look NP0
look RO0
look XO0
look GATE3
look TSSB
look TSSC
look TGATE
look 0
look 0x200
look 0xf
mov ax,0x10
mov bx,0x13
arpl ax,bx
arpl bx,ax
mov word [0x5000],0x20
arpl [0x5000],bx
; far transfers
call C0:f1
call far [cs:f1p]
call CC0:f1
call C16:f16
jmp C0:j1
j1:
fault jmp 0:0
fault jmp D0:0
fault jmp C3:0
fault jmp 0x200:0
fault jmp C0:0x12345
fault jmp NP0:0
fault call XO0+1:0
fault call C0+3:0
fault call LDT:0
call GATE0:0
mov dword [gsave],esp
gsave equ 0x5100
mov word [GDTAT+GATE0],back0
jmp GATE0:0x1234
back0:
mov esp,[gsave]
fault call GATENP:0
; interrupts
int 0x80
int3
fault int 0x90
fault ud2
xor ecx,ecx
fault div ecx
mov al,0x7f
inc al
into
mov byte [IDTAT+0x81*8+5],0xef ; trap gate
sti
int 0x81
int 0x80
pushfd
pop eax
cli
mov byte [IDTAT+0x82*8+5],0x6e ; not present
fault int 0x82
mov byte [IDTAT+0x82*8+5],0xe5 ; task gate
mov word [IDTAT+0x82*8+2],TSSB
mov byte [IDTAT+0x83*8+5],0xe2
fault int 0x83
mov word [IDTAT+0x84*8+2],D0
fault int 0x84
mov word [IDTAT+0x85*8+2],0
fault int 0x85
mov byte [IDTAT+0x86*8+5],0xe6 ; 16-bit gate
mov word [IDTAT+0x86*8],i16
int 0x86
mov byte [IDTAT+0x87*8+5],0x8e
; control registers
mov eax,cr0
mov ecx,eax
or eax,0x80000000
and eax,0x7fffffff
mov cr0,eax
smsw ax
mov bx,ax
or bx,8
lmsw bx
smsw eax
clts
mov eax,cr0
fault db 0x0f,0x20,0xc8 ; mov eax,cr1
fault db 0x0f,0x22,0xe8 ; mov cr5,eax
mov eax,0x1234567
mov cr2,eax
mov ebx,cr2
mov cr3,ebx
mov ecx,cr3
mov eax,0x10
mov cr4,eax
mov ecx,cr4
mov dr0,eax
mov ebx,dr0
mov ebx,dr6
mov ebx,dr7
mov ebx,dr4
; MSRs
mov ecx,0xc0000080
rdmsr
mov ecx,0x174
mov eax,0
xor edx,edx
wrmsr
rdmsr
mov ecx,0x277
rdmsr
; flags at CPL 0
push dword 0x3202
popfd
pushfd
pop eax
push dword 2
popfd
; tasks: 32-bit by CALL
mov edi,TSSBAT
mov ecx,26
xor eax,eax
rep stosd
mov dword [TSSBAT+0x20],taskb
mov dword [TSSBAT+0x24],2
mov dword [TSSBAT+0x28],0xb1
mov dword [TSSBAT+0x38],STKB
mov dword [TSSBAT+0x48],D0
mov dword [TSSBAT+0x4c],C0
mov dword [TSSBAT+0x50],D0
mov dword [TSSBAT+0x54],D0
mov dword [TSSBAT+0x58],0
mov dword [TSSBAT+0x5c],D3
mov edi,TSSCAT
mov ecx,11
xor eax,eax
rep stosd
mov word [TSSCAT+0x0e],taskc
mov word [TSSCAT+0x10],2
mov word [TSSCAT+0x12],0xc1
mov word [TSSCAT+0x1a],STKC
mov word [TSSCAT+0x22],D0
mov word [TSSCAT+0x24],C16
mov word [TSSCAT+0x26],D16
mov word [TSSCAT+0x28],D0
call TSSB:0
call TSSB:0
call TGATE:0
int 0x82
call TSSC:0
fault jmp TSS:0
fault jmp TSSV:0
fault call TSSV:0
jmp TSSB:0
fromb:
mov eax,cr0
clts
str ax
; ring 3
push dword D3
push dword STK3
push dword 0x2
push dword C3
push dword ring3
iretd
badldt: dw 0x1c
ssesp: dd 0x6000
dw D0
f1p: dd f1
dw C0
f1:
retf
bits 16
f16:
mov ax,[esp]
o32 retf
i16:
db 0x66
iret
taskc:
mov bx,0x1234
push bx
pop cx
iret
jmp taskc
bits 32
taskb:
mov ebx,[0x4000]
push ebx
pop ecx
pushfd
pop edx
mov eax,cr0
test dh,0x40
jz near tbjmp
iretd
jmp taskb
tbjmp:
jmp TSS:0
jmp taskb
ring3:
mov ax,D3
mov ds,ax
mov es,ax
mov fs,ax
mov gs,ax
fault cli
fault sti
fault hlt
fault mov eax,cr0
fault mov cr3,eax
fault mov eax,dr0
fault lgdt [0x5000]
fault ltr ax
fault lmsw ax
fault clts
fault invlpg [0]
fault wbinvd
fault rdmsr
fault wrmsr
smsw eax
sgdt [0x5000]
str ax
pushfd
pop eax
or eax,0x3200
push eax
popfd
pushfd
pop eax
int 0x80
fault int 0x87
fault int 0x20
int3
mov ax,D0
fault mov ds,ax
mov ax,C0
fault mov es,ax
mov ax,CC0
mov es,ax
mov ax,D3
mov es,ax
look C0
look D0
look D3
look CC0
look TSS
look GATE3
look GATE0
; I/O bitmap
fault in al,0x10
mov byte [TSSAT+0x68],0xf0
mov byte [TSSAT+0x69],0xff
mov byte [TSSAT+0x6a],0x00
mov byte [TSSAT+0x6b],0x80
out 0x3,al
fault in al,0x4
fault in ax,0x3
out 0x10,eax
fault out 0x1e,ax
fault in ax,0x1f
mov dx,0xf8
out dx,al
mov dx,0x100
fault in al,dx
mov dx,0x108
fault in al,dx
; gates
push dword 0x11
push dword 0x22
call GATE3:0
o16 push word 0x33
call GATE16:0
call GATE1:0
fault call GATE0:0
fault jmp GATE3:0
fault call C0:0
fault jmp C0:0
call CC0:f1
fault call TSSB:0
; return to inner
push dword C0
push dword ring3
fault retf
add esp,8
push dword 2
push dword C0
push dword ring3
fault iretd
add esp,12
; end through a gate that stays in ring 0
mov word [GDTAT+0x68],ending
call GATE3:0
ending:
mov ax,D0
mov ds,ax
; VM86
push dword 0x1000 ; GS
push dword 0x1001
push dword 0x1002
push dword 0x1003
push dword 0x0700 ; SS
push dword 0x0100
push dword 0x20002 ; VM, IOPL 0
push dword 0xf000
push dword vm1
iretd
bits 16
vm1:
mov ax,ds
mov bx,es
mov cx,ss
mov dx,cs
mov [0x10],ax
push ax
pop es
mov es,dx
mov ax,[es:vm1]
int3
xor dx,dx
mov ds,dx
mov dword [resume],v1
pushf
v1: mov dword [resume],v2
popf
v2: mov dword [resume],v3
int 0x80
v3: mov dword [resume],v4
iret
v4: mov dword [resume],v5
cli
v5: mov dword [resume],v6
hlt
v6: mov dword [resume],v7
in al,0x10
v7:mov dword [resume],v8
smsw ax
lldt ax
v8: mov dword [resume],v9
mov eax,cr0
v9:
call 0xf000:vf
jmp vfd
vf: retf
vfd:
; the next fault's handler ends V86 mode
mov dword [resume],v10
jmp v10
v10:
mov dword [0x4008],1
mov word [IDTAT+0x80*8],leave86
mov byte [IDTAT+0x80*8+5],0x8e
mov word [IDTAT+13*8],leave86
int 0x80
bits 32
leave86:
mov ax,D0
mov ds,ax
mov es,ax
mov ss,ax
mov esp,0x6000
; V86 with IOPL 3
mov word [IDTAT+0x80*8],stubs+0x80*12
mov byte [IDTAT+0x80*8+5],0xee
mov word [IDTAT+13*8],stubs+13*12
push dword 0x1000
push dword 0x1001
push dword 0
push dword 0x1003
push dword 0x0700
push dword 0x0100
push dword 0x23002
push dword 0xf000
push dword vm3
iretd
bits 16
vm3:
pushf
pop ax
or ax,0x7000
push ax
popf
pushfd
pop eax
push eax
popfd
cli
sti
cli
int 0x80
pushf
push cs
push word vm4
iret
vm4:
mov word [IDTAT+0x80*8],done86
int 0x80
bits 32
done86:
mov ax,D0
mov ds,ax
mov es,ax
mov ss,ax
; leave protected mode
jmp C16:to16
bits 16
to16:
mov ax,D16
mov ds,ax
mov ss,ax
mov es,ax
mov esp,0x16000
push ax
pop bx
mov eax,cr0
and al,0xfe
mov cr0,eax
jmp 0xf000:real
real:
xor ax,ax
mov ds,ax
mov ss,ax
o32 lidt [cs:ridt]
mov eax,[0x4000]
hlt
ridt: dw 0x3ff
dd 0
finish
