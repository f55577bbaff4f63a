; 32-bit and PAE paging: rights, error codes, CR2, accessed and dirty bits, large pages, global pages, INVLPG.
%include "frame.inc"
%include "prot.inc"
mov ax,TSS
ltr ax
PD equ 0x20000
PT equ 0x21000
; page table: identity for the first 4 MB, page directory entry 1: 4 MB page, entry 2: not present
mov edi,PT
mov eax,7
mov ecx,1024
pt1:
stosd
add eax,0x1000
loop pt1
mov edi,PD
xor eax,eax
mov ecx,1024
rep stosd
mov dword [PD],PT+7
mov dword [PD+4],0x00400087
mov dword [PD+12],PT+5  ; read-only at 00C00000
mov dword [PD+16],PT+3  ; supervisor at 01000000
mov dword [PD+20],0x00200087 ; reserved bit 21
mov dword [PT+0x50*4],0x50001+4 ; read-only user page
mov dword [PT+0x51*4],0x51003   ; supervisor page
mov dword [PT+0x52*4],0         ; not present
mov dword [PT+0x53*4],0x53107   ; global
mov dword [PT+0x54*4],0x50007   ; another name of page 50
mov eax,PD
mov cr3,eax
mov eax,0x90 ; PSE, PGE
mov cr4,eax
mov eax,cr0
or eax,0x80000000
mov cr0,eax
%macro kinds 0
mov esi,0x50000
fault mov eax,[esi]
fault mov [esi],eax
fault add dword [esi],1
fault mov eax,[0x51000]
fault mov [0x51000],eax
fault mov eax,[0x52000]
fault mov [0x52004],eax
fault mov eax,[0x53000]
fault mov [0x53ffe],eax
fault mov eax,[0x51ffe]
fault mov [0x51ffe],eax
fault push dword [0x52000]
fault mov eax,[0x400000]
fault mov [0x400010],eax
fault mov eax,[0x800000]
fault mov [0x800000],eax
fault mov eax,[0xc00000]
fault mov [0xc10000],eax
fault mov eax,[0x1000000]
fault mov [0x1001000],eax
fault mov eax,[0x1400000]
fault mov [0x1400000],eax
fault mov byte [0x54000],1
%endmacro
kinds
mov eax,cr0
or eax,0x10000
mov cr0,eax
kinds
; clearing a dirty bit and INVLPG
and dword [PT+0x54*4],~0x60
invlpg [0x54000]
mov eax,[PT+0x54*4]
mov ebx,[0x54000]
mov eax,[PT+0x54*4]
mov [0x54000],ebx
mov eax,[PT+0x54*4]
; global page outlives CR3, not INVLPG
mov eax,[0x53000]
mov dword [PT+0x53*4],0
mov eax,cr3
mov cr3,eax
invlpg [0x53000]
fault mov eax,[0x53000]
mov dword [PT+0x53*4],0x53107
; ring 3
push dword D3
push dword STK3
push dword 2
push dword C3
push dword user3
iretd
user3:
mov ax,D3
mov ds,ax
mov es,ax
kinds
fault jmp C3:user3b
user3b:
; rep movs into a fault
mov dword [resume],u4
mov esi,0x4f000
mov edi,0x51ff0
mov ecx,8
rep movsd
u4:
mov dword [resume],u5
mov esi,0x4f000
mov edi,0x54ff0
mov ecx,32
rep movsd
mov edi,0x50ff0
mov ecx,32
xor eax,eax
rep stosd
u5:
mov dword [resume],u6
mov edi,0x51ff0
mov ecx,32
repne scasd
u6:
int 0x80
mov word [GDTAT+GATE3-3],back
call GATE3:0
back:
mov ax,D0
mov ds,ax
mov es,ax
; paging off, PAE
mov eax,cr0
and eax,0x7fffffff
mov cr0,eax
PDPT equ 0x30000
PDA equ 0x31000
PTA equ 0x35000
mov edi,PDPT
mov ecx,0x2000
xor eax,eax
rep stosd
mov edi,PTA
mov eax,7
mov ecx,512
pta:
mov [edi],eax
mov dword [edi+4],0
add edi,8
add eax,0x1000
loop pta
mov dword [PDPT],PDA+1
mov dword [PDPT+8],PDA+0x1001
mov dword [PDPT+24],PDA+0x1001
mov dword [PDA],PTA+7
mov dword [PDA+8],0x00200087
mov dword [PDA+16],0x00400087
mov dword [PDA+20],0x80000000 ; NX
mov dword [PDA+24],PTA+7
mov dword [PDA+28],0x80000000
mov dword [PDA+32],0x00201087 ; PAT bit 12
mov dword [PDA+40],0x00202087 ; reserved
mov dword [PDA+48],PTA+7
mov dword [PDA+52],0x00000100 ; reserved: physical 2^40
mov dword [PDA+0x1000],PTA+3
mov dword [PTA+0x50*8],0x50005
mov dword [PTA+0x51*8],0x51003
mov dword [PTA+0x52*8],0
mov dword [PTA+0x53*8],0x53007
mov dword [PTA+0x53*8+4],0x80000000 ; reserved while NXE is off
mov dword [PTA+0x54*8],0x50007
mov byte [0x50100],0xc3
mov byte [0x200100],0xc3
mov byte [0x400100],0xc3
mov eax,0xb0
mov cr4,eax
mov eax,PDPT
mov cr3,eax
mov eax,cr0
or eax,0x80000000
mov cr0,eax
%macro kinds2 0
fault mov eax,[0x50000]
fault mov [0x50000],eax
fault mov eax,[0x51000]
fault mov [0x51000],eax
fault mov eax,[0x52000]
fault mov [0x52000],eax
fault mov eax,[0x53000]
fault mov [0x53000],eax
fault mov eax,[0x200000]
fault mov [0x400000],eax
fault mov eax,[0x600000]
fault mov [0x800000],eax
fault mov eax,[0xa00000]
fault mov [0xc00000],eax
fault mov eax,[0x40000000]
fault mov [0x40050000],eax
fault mov eax,[0x80000000]
fault mov [0xc0000000],eax
fault mov eax,[0xc0200000]
%endmacro
kinds2
mov ecx,0xc0000080
rdmsr
or eax,0x800
wrmsr
kinds2
; execution: code with base 0
%macro exec 1
mov dword [resume],%%n
push dword %%n+B
push dword %1
ret
%%n:
%endmacro
jmp CF0:flat+B
flat:
exec 0x200100
mov dword [resume],x1
push dword x1+B
push dword 0x50100
ret
x1:
jmp C0:x2
x2:
; ring 3 again
push dword D3
push dword STK3
push dword 2
push dword C3
push dword user4
iretd
user4:
mov ax,D3
mov ds,ax
kinds2
mov word [GDTAT+GATE3-3],back2
call GATE3:0
back2:
mov ax,D0
mov ds,ax
mov eax,cr0
and eax,0x7fffffff
mov cr0,eax
hlt
finish
