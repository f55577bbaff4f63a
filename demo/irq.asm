; irq.asm: interrupt descriptor table, 8259 pair, 8254 channel 0, exceptions.

PIC1     equ 0x20
PIC2     equ 0xA0
PIT_CH0  equ 0x40
PIT_MODE equ 0x43
PIT_HZ   equ 1193182

IRQ_BASE equ 0x20           ; vectors 20h..2Fh

EVENT_TICK equ 1            ; bits of [events]
EVENT_RTC  equ 2

; irq_init builds the IDT, moves the 8259s away from the exceptions and
; starts channel 0 of the 8254 with its longest period, 65536 clocks: 18.2
; interrupts a second cost an idle machine little, and the uptime counted
; from them is exact (clock_work).
irq_init:
    pushad
    mov edi, idt
    mov esi, exception_stubs
    mov ecx, 32
.exceptions:
    mov eax, esi
    call set_gate
    add esi, EXCEPTION_STUB_SIZE
    loop .exceptions
    mov ecx, 16
    mov esi, irq_handlers
.irqs:
    lodsd
    call set_gate
    loop .irqs
    lidt [idtr]

    mov al, 0x11            ; ICW1: edge triggered, cascade, ICW4 follows
    out PIC1, al
    out PIC2, al
    mov al, IRQ_BASE        ; ICW2: vectors
    out PIC1 + 1, al
    mov al, IRQ_BASE + 8
    out PIC2 + 1, al
    mov al, 4               ; ICW3: the slave is on line 2
    out PIC1 + 1, al
    mov al, 2
    out PIC2 + 1, al
    mov al, 1               ; ICW4: 8086 mode
    out PIC1 + 1, al
    out PIC2 + 1, al
    mov al, 0xF8            ; OCW1: lines 0, 1, 2 and 8, 12 open
    out PIC1 + 1, al
    mov al, 0xEE
    out PIC2 + 1, al

    mov al, 0x34            ; channel 0, low then high byte, mode 2
    out PIT_MODE, al
    xor al, al
    out PIT_CH0, al
    out PIT_CH0, al
    popad
    ret

; set_gate writes an interrupt gate for routine EAX at EDI, which moves on.
set_gate:
    mov [edi], ax
    mov word [edi + 2], 0x08
    mov word [edi + 4], 0x8E00
    shr eax, 16
    mov [edi + 6], ax
    add edi, 8
    ret

; pit_count returns EAX = the current count of channel 0, 0..65535, falling.
pit_count:
    xor eax, eax
    out PIT_MODE, al        ; latch channel 0
    in al, PIT_CH0
    mov ah, al
    in al, PIT_CH0
    xchg al, ah
    ret

; Timeouts while interrupts are off: timer_start with EAX = clocks of the
; 8254 to wait (1193 a millisecond), then timer_expired until carry.
timer_start:
    mov [timer_left], eax
    push eax
    call pit_count
    mov [timer_last], eax
    pop eax
    ret

timer_expired:
    push eax
    push edx
    call pit_count
    mov edx, [timer_last]
    mov [timer_last], eax
    sub edx, eax
    and edx, 0xFFFF
    sub [timer_left], edx   ; carry when it falls below zero
    jnc .ret
    mov dword [timer_left], 0
    stc
.ret:
    pop edx
    pop eax
    ret

irq_handlers:
    dd irq_timer, irq_i8042, irq_ignore, irq_ignore
    dd irq_ignore, irq_ignore, irq_ignore, irq_spurious
    dd irq_rtc, irq_ignore2, irq_ignore2, irq_ignore2
    dd irq_i8042_2, irq_ignore2, irq_ignore2, irq_spurious2

irq_timer:
    inc dword [ticks]
    or dword [events], EVENT_TICK
irq_ignore:
    push eax
    mov al, 0x20
    out PIC1, al
    pop eax
    iret

irq_rtc:
    push eax
    mov al, 0x0C            ; reading register C takes the request back
    out 0x70, al
    in al, 0x71
    mov dword [rtc_quiet], 0
    or dword [events], EVENT_RTC
    pop eax
irq_ignore2:
    push eax
    mov al, 0x20
    out PIC2, al
    out PIC1, al
    pop eax
    iret

; A request that vanished before it was acknowledged shows as line 7 of its
; 8259, which then expects no end of interrupt (the master does, for line 2).
irq_spurious2:
    push eax
    mov al, 0x20
    out PIC1, al
    pop eax
irq_spurious:
    iret

; ---- exceptions -----------------------------------------------------------

; All of them are mistakes of this program.  The stubs make the stack equal:
; vector, error code (0 where there is none), EIP, CS, EFLAGS.
exception_stubs:
%assign vector 0
%rep 32
  %if vector = 8 || (vector >= 10 && vector <= 14) || vector = 17
    nop
    nop
  %else
    push byte 0
  %endif
    push byte vector
    jmp near exception
  %if vector = 0
EXCEPTION_STUB_SIZE equ $ - exception_stubs
  %endif
  %assign vector vector + 1
%endrep

exception:
    pop eax                 ; vector
    pop ebx                 ; error code
    pop edx                 ; EIP
    mov edi, strbuf
    mov esi, exception_text
    call sb_str
    mov ecx, 2
    call sb_hex
    mov esi, exception_code
    call sb_str
    mov eax, ebx
    mov ecx, 4
    call sb_hex
    mov esi, exception_at
    call sb_str
    mov eax, edx
    mov ecx, 8
    call sb_hex
    call sb_end
    invoke help_note, strbuf
.stop:
    cli
    hlt
    jmp .stop

exception_text db "Stopped by exception ", 0
exception_code db ", code ", 0
exception_at   db ", at ", 0

    align 4, db 0
idtr:
    dw 48 * 8 - 1
    dd idt
