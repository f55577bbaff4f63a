; main.asm: protected mode: set everything up, draw, then wait for events.

    bits 32

protected_start:
    mov ax, 0x10
    mov ds, ax
    mov es, ax
    mov fs, ax
    mov gs, ax
    mov ss, ax
    mov esp, STACK_TOP
    cld
    mov edi, BSS
    mov ecx, (BSS_END - BSS + 3) / 4
    xor eax, eax
    rep stosd

    call video_init
    call irq_init           ; after this the 8254 measures time
    call machine_init
    call pci_scan
    call i8042_init
    call pointer_init
    call rtc_init
    call rtc_read
    call panels_draw
    invoke flush_rect, 0, 0, [scr_w], [scr_h]
    call kbd_update_leds
    sti

; The processor sleeps in HLT unless there is work: STI takes effect after
; the next instruction, so no interrupt can slip between the test and HLT.
main_loop:
    cli
    mov al, [kbd_head]
    cmp al, [kbd_tail]
    jne .keyboard
    mov al, [mouse_head]
    cmp al, [mouse_tail]
    jne .mouse
    xor eax, eax
    xchg eax, [events]
    test eax, eax
    jnz .time
    sti
    hlt
    jmp main_loop
.keyboard:
    sti
    call keyboard_work
    jmp main_loop
.mouse:
    sti
    call mouse_work
    jmp main_loop
.time:
    sti
    call clock_work
    jmp main_loop
