; i8042.asm: the keyboard controller: set-up by polling, then one interrupt
; routine for both of its lines.

KBC_DATA   equ 0x60
KBC_STATUS equ 0x64         ; read: bit 0 output full, 1 input full, 5 mouse
KBC_OUT    equ 0x01
KBC_IN     equ 0x02
KBC_AUX    equ 0x20

MOUSE_NONE  equ 0           ; values of [mouse_kind]
MOUSE_PLAIN equ 3           ; bytes in a packet
MOUSE_WHEEL equ 4

TIMEOUT equ 1193 * 1000     ; 1 s: some mice and some hosts are slow

; i8042_init sets up the controller, the keyboard and the mouse; interrupts
; are off.
i8042_init:
    pushad
    in al, KBC_STATUS
    cmp al, 0xFF            ; nobody drives the bus
    je .ret
    mov al, 0xAD            ; both ports quiet while we work
    call kbc_command
    jc .ret
    mov al, 0xA7
    call kbc_command
    mov ecx, 64             ; drop what is waiting
.drain:
    in al, KBC_STATUS
    test al, KBC_OUT
    jz .drained
    in al, KBC_DATA
    loop .drain
.drained:
    mov al, 0x20            ; command byte: interrupts and translation to
    call kbc_command        ; set 1 on, clocks of both ports on
    call kbc_read
    jc .ret
    or al, 0x43
    and al, 0xCF
    mov bl, al
    mov al, 0x60
    call kbc_command
    mov al, bl
    call kbc_write
    mov byte [kbc_present], 1
    mov al, 0xA8
    call kbc_command
    call mouse_detect
    mov al, 0xAE
    call kbc_command
    mov al, 0xF4            ; keyboard: enable scanning
    call kbc_write
    call kbc_read           ; its ACK
.ret:
    popad
    ret

; kbc_room waits until the controller takes a byte.  Carry: it does not.
kbc_room:
    push eax
    mov eax, TIMEOUT
    call timer_start
.wait:
    in al, KBC_STATUS
    test al, KBC_IN
    jz .ret                 ; TEST cleared the carry
    call timer_expired
    jnc .wait
.ret:
    pop eax
    ret

; kbc_command sends command AL, kbc_write data byte AL.  Carry: no room.
kbc_command:
    call kbc_room
    jc .ret
    out KBC_STATUS, al
.ret:
    ret

kbc_write:
    call kbc_room
    jc .ret
    out KBC_DATA, al
.ret:
    ret

; kbc_read: AL = the next byte, AH = the status with it.  Carry: none came.
kbc_read:
    push eax
    mov eax, TIMEOUT
    call timer_start
    pop eax
.wait:
    in al, KBC_STATUS
    test al, KBC_OUT
    jnz .there
    call timer_expired
    jnc .wait
    ret
.there:
    mov ah, al
    in al, KBC_DATA
    clc
    ret

; aux_read: AL = the next byte from the mouse.  Carry: none came.
aux_read:
    push ecx
    mov ecx, 16
.next:
    call kbc_read
    jc .ret
    test ah, KBC_AUX        ; clears the carry
    jnz .ret
    loop .next
    stc
.ret:
    pop ecx
    ret

; aux_command sends AL to the mouse and takes its ACK.  Carry: no mouse.
aux_command:
    push eax
    push eax
    mov al, 0xD4
    call kbc_command
    pop eax
    jc .ret
    call kbc_write
    jc .ret
    call aux_read
    jc .ret
    cmp al, 0xFA
    je .ret                 ; equal: no carry
    stc
.ret:
    pop eax
    ret

; mouse_detect sets [mouse_kind].  Sample rates 200, 100, 80 turn on the wheel
; of an IntelliMouse, whose ID is then 3.
mouse_detect:
    pushad
    mov esi, mouse_setup
.next:
    lodsb
    test al, al
    jz .identify
    call aux_command
    jc .ret
    jmp .next
.identify:
    mov byte [mouse_kind], MOUSE_PLAIN
    mov al, 0xF2            ; read ID
    call aux_command
    jc .start
    call aux_read
    jc .start
    cmp al, 3
    jne .start
    mov byte [mouse_kind], MOUSE_WHEEL
.start:
    mov al, 0xF3            ; 60 packets a second
    call aux_command
    mov al, 60
    call aux_command
    mov al, 0xF4            ; enable reporting
    call aux_command
.ret:
    popad
    ret

mouse_setup db 0xF6, 0xF3, 200, 0xF3, 100, 0xF3, 80, 0

; irq_i8042 and irq_i8042_2 take what the controller has; the status, not the
; line, says whose byte it is.
irq_i8042_2:
    call kbc_take
    push eax
    mov al, 0x20
    out PIC2, al
    out PIC1, al
    pop eax
    iret

irq_i8042:
    call kbc_take
    push eax
    mov al, 0x20
    out PIC1, al
    pop eax
    iret

kbc_take:
    pushad
    mov ecx, 16
.next:
    in al, KBC_STATUS
    test al, KBC_OUT
    jz .ret
    mov ah, al
    in al, KBC_DATA
    test ah, KBC_AUX
    jnz .mouse
    movzx ebx, byte [kbd_head]
    mov [kbd_ring + ebx], al
    inc bl                  ; the rings have 256 bytes
    cmp bl, [kbd_tail]
    je .more                ; full: the byte is lost
    mov [kbd_head], bl
    jmp .more
.mouse:
    movzx ebx, byte [mouse_head]
    mov [mouse_ring + ebx], al
    inc bl
    cmp bl, [mouse_tail]
    je .more
    mov [mouse_head], bl
.more:
    loop .next
.ret:
    popad
    ret
