; Real mode: segments, far transfers, interrupts through the IVT, flags, stack wrap, strings, unreal limits' absence.
%include "frame.inc"
start:
cli
xor ax,ax
mov ss,ax
mov sp,0x7000
mov ds,ax
mov es,ax
; IVT: all entries to handler
mov di,0
mov cx,256
fill:
mov word [di],handler
mov word [di+2],cs
add di,4
loop fill
mov word [0x21*4],retf2
; segments
mov ax,0x1234
mov es,ax
mov word [es:0x10],0xbeef
mov ax,[es:0x10]
mov bx,es
push es
pop fs
mov gs,bx
mov eax,0xdeadbeef
mov [fs:0x20],eax
mov ecx,[gs:0x20]
mov dword [0x500],0x20005678
les di,[0x500]
lds si,[0x500]
xor ax,ax
mov ds,ax
mov dword [0x500],0x56781234
mov word [0x504],0x9abc
lfs ebx,[0x500]
lgs bx,[0x500]
lss sp,[stackptr]
mov ax,cs
mov ds,ax
lss sp,[stackptr]
xor ax,ax
mov ds,ax
; far call and return
call 0xf000:far1
call far [cs:farptr]
call dword far [cs:farptr32]
push cs
call near far1
call dword 0xf000:far32
; jmp far
jmp 0xf000:j1
j1:
jmp far [cs:j2ptr]
j2:
jmp dword 0xf000:j3
j3:
; interrupts
int 0x20
int 0x21
int3
mov al,0x7f
add al,1
into
mov al,1
add al,1
into
; divide error
xor bl,bl
mov ax,5
div bl
; invalid opcode
ud2
db 0x0f,0xff,0xc0
; bound
mov word [0x600],1
mov word [0x602],5
mov ax,7
bound ax,[0x600]
mov ax,3
bound ax,[0x600]
; flags
pushf
pop ax
or ax,0xf000
push ax
popf
pushf
pop ax
mov ax,0x0fd7
push ax
and word [esp],0xfeff
popf
pushfd
pop eax
or eax,0x3f0000
and eax,0xfffffeff
push eax
popfd
pushfd
pop eax
push dword 0x202
popfd
sti
nop
cli
cld
std
mov cx,5
mov si,0x500
mov di,0x800
rep movsb
cld
mov cx,0x10
mov di,0x900
mov eax,0x11223344
rep stosd
mov cx,0x20
mov di,0x8f0
mov al,0x33
repne scasb
mov cx,0x20
mov si,0x900
mov di,0x904
repe cmpsw
mov ecx,3
mov edi,0x1000
a32 rep stosw
; enter, leave
mov bp,0x6000
enter 0x20,0
leave
mov word [0x5ffe],0x1111
mov word [0x5ffc],0x2222
enter 0x10,3
leave
o32 enter 8,2
o32 leave
; pusha popa
pusha
popa
pushad
popad
; iret forms
pushf
push cs
push word i1
iret
i1:
pushfd
push dword 0xf000
push dword i2
iretd
i2:
; stack wrap
mov bx,sp
mov sp,2
push ax
push ax
push eax
pop ecx
pop dx
pop dx
mov sp,bx
; smsw, sgdt, sidt
smsw ax
smsw [0x700]
sgdt [0x710]
sidt [0x720]
str_ok:
; xlat, lea, movzx, bswap, shifts
mov bx,0x900
mov al,2
xlat
lea ax,[bx+si+5]
lea eax,[ebx+esi*4+0x12345]
shld ax,bx,3
shrd eax,ebx,9
bt ax,5
bts word [0x700],17
btr dword [0x700],33
bsf cx,ax
bsr ecx,eax
aam
aad
daa
das
aaa
aas
cbw
cwd
cwde
cdq
mov ecx,cr0
mov eax,cr0
; 16-bit addressing forms
mov bp,0x20
mov si,0x30
mov di,0x40
mov [bp+si],ax
mov [bx+di+0x7f],ax
mov [bp-2],cx
mov ax,[bp+di-0x10]
; QEMU does not check limits in real mode: none here
push dword [0x700]
; arpl, lldt in real mode
db 0x63,0xc0
db 0x0f,0x00,0xd0
loop_end:
mov cx,3
l1: loop l1
jcxz l2
l2:
mov ecx,2
l3: a32 loop l3
hlt

; skips the instruction at fault: for faults in this image by length table
handler:
push bp
mov bp,sp
push ax
push bx
mov bx,[bp+2]
mov al,[cs:bx]
cmp al,0xf6
je two
cmp al,0x0f
je second
cmp al,0x62
je four
cmp al,0x8b
je two
cmp al,0x89
je two
cmp al,0x66
je three
cmp al,0x67
je seven
cmp al,0xf0
je three
cmp al,0x63
je two
jmp done
second:
cmp byte [cs:bx+1],0x0b
je two
three:
add word [bp+2],1
two:
add word [bp+2],2
done:
pop bx
pop ax
pop bp
iret
four:
add word [bp+2],4
jmp done
seven:
add word [bp+2],7
jmp done

retf2:
; returns by RETF 2: the interrupt's flags are dropped
retf 2
far1:
retf
far32:
o32 retf
stackptr: dw 0x7000, 0
farptr: dw far1, 0xf000
farptr32: dd far32
dw 0xf000
j2ptr: dw j2, 0xf000
finish
