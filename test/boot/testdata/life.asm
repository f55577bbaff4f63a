; life.asm: a boot sector for tests of a machine's life. It writes LIFE and a dot for every tick of the BIOS's clock to the first serial port,
; and BUTTON when the power button is pressed. Keys: w writes sector 1 of the disk, o switches the machine off, t makes a triple fault.
        bits 16
        org 0x7c00

PM1_STS equ 0x600               ; SeaBIOS puts the power management of the PIIX4 there
PM1_CNT equ 0x604
TICKS   equ 0x46c

start:  xor ax, ax
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov sp, 0x7c00
        mov [drive], dl
        sti
        mov si, hello
        call print
        mov bx, [TICKS]
.loop:  hlt
        mov ax, [TICKS]
        cmp ax, bx
        je .loop
        mov bx, ax
        mov al, '.'
        call putc
        mov dx, PM1_STS
        in ax, dx
        test ah, 1
        jz .keys
        mov ax, 0x100
        out dx, ax
        mov si, button
        call print
.keys:  mov ah, 1
        int 0x16
        jz .loop
        xor ax, ax
        int 0x16
        cmp al, 'o'
        je .off
        cmp al, 't'
        je .fault
        cmp al, 'w'
        jne .loop
        push bx
        mov ax, 0x0301          ; write one sector, our own text in it
        mov cx, 2
        mov dh, 0
        mov dl, [drive]
        mov bx, 0x7c00
        int 0x13
        pop bx
        mov si, written
        jnc .said
        mov si, failed
.said:  call print
        jmp .loop
.off:   mov dx, PM1_CNT
        mov ax, 0x2001
        out dx, ax
        jmp .loop
.fault: lidt [none]
        int3

print:  lodsb
        test al, al
        jz .ret
        call putc
        jmp print
.ret:   ret

putc:   push ax
        mov dx, 0x3fd
.wait:  in al, dx
        test al, 0x20
        jz .wait
        pop ax
        mov dx, 0x3f8
        out dx, al
        ret

hello   db 'LIFE', 10, 0
button  db 'BUTTON', 10, 0
written db 'WRITTEN', 10, 0
failed  db 'FAILED', 10, 0
drive   db 0
none    dw 0
        dd 0
        times 510 - ($ - $$) db 0
        dw 0xaa55
