; The guest of the RFB benchmark: a Multiboot kernel that plays a film, its module, on the linear frame buffer of Bochs VBE. film.go writes
; the film; its layout is described there. The PIT gives 60 ticks a second. A byte on the serial port chooses a part of the film; when a
; picture has been painted, its number goes to the debug console; a key is counted at once, in the stamp in the top left corner.

bits 32
org 0x100000

MAGIC   equ 0x1badb002
FLAGS   equ 0x00010003
OPS     equ 32                  ; bytes of an operation

start:
header: dd MAGIC, FLAGS, -(MAGIC+FLAGS), header, start, end, bssend, entry

entry:  cli
        cld
        mov esp, stack
        mov eax, [ebx+24]       ; mods_addr
        mov eax, [eax]          ; mod_start
        mov [film], eax
        lgdt [gdtr]
        jmp 8:.flat
.flat:  mov ax, 16
        mov ds, ax
        mov es, ax
        mov ss, ax
        call findvga
        call setmode
        call interrupts
        sti
        xor al, al
        call choose

main:   cli
        mov eax, [keys]
        cmp eax, [shown]
        jne .key
        mov eax, [ticks]
        cmp eax, [done]
        jne .tick
        sti
        hlt
        jmp main
.key:   sti
        mov [shown], eax
        mov ebx, eax
        mov edx, 16
        mov ecx, 8
        call stamp
        jmp main
.tick:  sti
        mov [done], eax
        call serial
        call play
        jmp main

; findvga leaves the frame buffer's address in [vram].
findvga:
        mov ebx, 0x80000000
.next:  mov eax, ebx
        or eax, 8
        mov dx, 0xcf8
        out dx, eax
        mov dx, 0xcfc
        in eax, dx
        shr eax, 16
        cmp ax, 0x0300
        je .found
        add ebx, 0x800
        jmp .next
.found: mov eax, ebx
        or eax, 0x10
        mov dx, 0xcf8
        out dx, eax
        mov dx, 0xcfc
        in eax, dx
        and eax, ~15
        mov [vram], eax
        ret

; setmode sets the film's mode.
setmode:
        mov esi, [film]
        mov ecx, [esi+4]
        mov [width], ecx
        shl ecx, 2
        mov [pitch], ecx
        mov eax, 4<<16 | 0
        call dispi
        mov eax, [esi+4]
        or eax, 1<<16
        call dispi
        mov eax, [esi+8]
        or eax, 2<<16
        call dispi
        mov eax, 3<<16 | 32
        call dispi
        mov eax, 4<<16 | 0x41
        call dispi
        ret

; dispi writes the low half of eax to the register that its high half names.
dispi:  mov ecx, eax
        shr eax, 16
        mov dx, 0x1ce
        out dx, ax
        mov eax, ecx
        mov dx, 0x1cf
        out dx, ax
        ret

interrupts:
        mov edi, idt
        mov ecx, 48
.fill:  mov eax, ignore
        mov [edi], ax
        mov word [edi+2], 8
        mov word [edi+4], 0x8e00
        shr eax, 16
        mov [edi+6], ax
        add edi, 8
        loop .fill
        mov eax, timer
        mov [idt+32*8], ax
        shr eax, 16
        mov [idt+32*8+6], ax
        mov eax, keyboard
        mov [idt+33*8], ax
        shr eax, 16
        mov [idt+33*8+6], ax
        lidt [idtr]
        mov al, 0x11            ; the 8259s, from vector 32 on
        out 0x20, al
        out 0xa0, al
        mov al, 32
        out 0x21, al
        mov al, 40
        out 0xa1, al
        mov al, 4
        out 0x21, al
        mov al, 2
        out 0xa1, al
        mov al, 1
        out 0x21, al
        out 0xa1, al
        mov al, 0xfc            ; timer and keyboard
        out 0x21, al
        mov al, 0xff
        out 0xa1, al
        mov al, 0x34
        out 0x43, al
        mov ax, 19886           ; 60 a second
        out 0x40, al
        mov al, ah
        out 0x40, al
        mov dx, 0x3f9           ; no interrupts of the serial port
        xor al, al
        out dx, al
        mov dx, 0x3fb
        mov al, 3
        out dx, al
        ret

ignore: iret

timer:  push eax
        inc dword [ticks]
        mov al, 0x20
        out 0x20, al
        pop eax
        iret

keyboard:
        push eax
        in al, 0x60
        test al, 0x80
        jnz .up
        inc dword [keys]
.up:    mov al, 0x20
        out 0x20, al
        pop eax
        iret

; serial takes the number of a part.
serial: mov dx, 0x3fd
        in al, dx
        test al, 1
        jz .none
        mov dx, 0x3f8
        in al, dx
        sub al, '0'
        jmp choose
.none:  ret

; choose begins the part al.
choose: movzx eax, al
        mov esi, [film]
        shl eax, 4
        lea esi, [esi+eax+16]   ; divisor, pictures, table, prologue
        mov [part], esi
        mov dword [count], 1
        mov dword [frame], 0
        mov eax, [esi+12]
        call run
        mov eax, [pictures]
        call stampframe
        ret

; play paints the next picture if it is due.
play:   dec dword [count]
        jnz .out
        mov esi, [part]
        mov eax, [esi]
        mov [count], eax
        cmp dword [esi+4], 0
        je .out
        mov eax, [frame]
        mov ecx, eax
        inc ecx
        cmp ecx, [esi+4]
        jb .within
        xor ecx, ecx
.within:
        mov [frame], ecx
        mov edx, [esi+8]
        add edx, [film]
        mov eax, [edx+4*eax]
        mov ecx, eax
        add ecx, [film]
        cmp dword [ecx], 0      ; nothing in this picture
        je .out
        call run
        inc dword [pictures]
        mov eax, [pictures]
        call stampframe
        mov eax, [pictures]
        mov dx, 0xe9
        out dx, al
        mov dx, 0x402
        out dx, al
.out:   ret

; run carries out the operations at the film's offset eax.
run:    add eax, [film]
        mov ebp, eax
.next:  mov eax, [ebp]
        test eax, eax
        jz .out
        mov ecx, [ebp+8]        ; y
        imul ecx, [pitch]
        mov edi, [ebp+4]        ; x
        lea edi, [ecx+4*edi]
        add edi, [vram]
        mov ebx, [ebp+16]       ; h
        cmp eax, 2
        je .move
        cmp eax, 3
        je .fill
        mov esi, [ebp+20]
        add esi, [film]
.row:   mov ecx, [ebp+12]
        push edi
        push esi
        rep movsd
        pop esi
        pop edi
        add edi, [pitch]
        add esi, [ebp+24]
        dec ebx
        jnz .row
        jmp .done
.move:  mov ecx, [ebp+24]       ; from y
        imul ecx, [pitch]
        mov esi, [ebp+20]       ; and x
        lea esi, [ecx+4*esi]
        add esi, [vram]
.mrow:  mov ecx, [ebp+12]
        push edi
        push esi
        rep movsd
        pop esi
        pop edi
        add edi, [pitch]
        add esi, [pitch]
        dec ebx
        jnz .mrow
        jmp .done
.fill:  mov eax, [ebp+20]
.frow:  mov ecx, [ebp+12]
        push edi
        rep stosd
        pop edi
        add edi, [pitch]
        dec ebx
        jnz .frow
.done:  add ebp, OPS
        jmp .next
.out:   ret

; stampframe stamps the number eax.
stampframe:
        mov ebx, eax
        xor edx, edx
        mov ecx, 16
; stamp paints ecx bits of ebx, the lowest first, as squares of 8 pixels from the square edx on.
stamp:  xor eax, eax
        shr ebx, 1
        jnc .dark
        mov eax, 0xffffff
.dark:  push ecx
        push edx
        shl edx, 5
        add edx, [vram]
        mov ecx, 8
.row:   push ecx
        mov edi, edx
        mov ecx, 8
        rep stosd
        pop ecx
        add edx, [pitch]
        loop .row
        pop edx
        pop ecx
        inc edx
        loop stamp
        ret

align 8
gdt:    dq 0, 0x00cf9a000000ffff, 0x00cf92000000ffff
gdtr:   dw 23
        dd gdt
idtr:   dw 48*8-1
        dd idt
end:

section .bss
alignb 4096                     ; data that changes lies on no page of code
idt:    resb 48*8
film:   resd 1
vram:   resd 1
width:  resd 1
pitch:  resd 1
part:   resd 1
ticks:  resd 1
done:   resd 1
keys:   resd 1
shown:  resd 1
count:  resd 1
frame:  resd 1
pictures: resd 1
        resb 4096
stack:
bssend:
