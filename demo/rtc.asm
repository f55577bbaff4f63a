; rtc.asm: the MC146818 real-time clock, and the clock in the title bar.
;
; The date and time come from the chip, which interrupts once a second when
; it has counted (update-ended interrupt, IRQ 8).  The uptime comes from the
; ticks of the 8254.  Should the chip stay silent, its registers are read at
; the pace of the uptime.

RTC_SECONDS equ 0x00
RTC_MINUTES equ 0x02
RTC_HOURS   equ 0x04
RTC_DAY     equ 0x07
RTC_MONTH   equ 0x08
RTC_YEAR    equ 0x09
RTC_A       equ 0x0A        ; bit 7: update in progress
RTC_B       equ 0x0B        ; bit 7 SET, 4 UIE, 2 binary, 1 24 hours
RTC_C       equ 0x0C
RTC_CENTURY equ 0x32        ; where PCs keep it

; rtc_get: AL = register AL.
rtc_get:
    out 0x70, al
    in al, 0x71
    ret

; rtc_init allows the update-ended interrupt and no other.
rtc_init:
    push eax
    mov al, RTC_B
    call rtc_get
    and al, 0x07            ; keep the format bits
    or al, 0x10             ; UIE
    mov ah, al
    mov al, RTC_B
    out 0x70, al
    mov al, ah
    out 0x71, al
    mov al, RTC_C
    call rtc_get
    pop eax
    ret

; rtc_read reads the time into [now_*].  It waits for the end of an update,
; which lasts 2 ms at most.  Interrupts are off meanwhile, since the handler
; of IRQ 8 moves the index register.
rtc_read:
    pushad
    pushfd
    cli
    mov eax, 1193 * 3
    call timer_start
.wait:
    mov al, RTC_A
    call rtc_get
    test al, 0x80
    jz .stable
    call timer_expired
    jnc .wait
.stable:
    mov al, RTC_B
    call rtc_get
    mov bl, al
    mov esi, rtc_fields
    mov ecx, RTC_FIELDS
.next:
    lodsb                   ; register
    call rtc_get
    movzx edx, al
    lodsb                   ; variable
    movzx edi, al
    cmp byte [esi - 2], RTC_HOURS
    jne .plain
    test bl, 2              ; 12 hours: bit 7 is PM
    jnz .plain
    mov bh, dl
    and dl, 0x7F
    call .binary
    cmp edx, 12
    jne .not12
    xor edx, edx
.not12:
    test bh, 0x80
    jz .store
    add edx, 12
    jmp .store
.plain:
    call .binary
.store:
    mov [now + edi * 4], edx
    loop .next
    cmp dword [now_century], 19
    jb .assume
    cmp dword [now_century], 21
    jbe .ret
.assume:
    mov dword [now_century], 20
.ret:
    popfd
    popad
    ret
.binary:                    ; EDX from BCD, if the chip keeps BCD
    test bl, 4
    jnz .is
    mov eax, edx
    shr eax, 4
    imul eax, 10
    and edx, 15
    add edx, eax
.is:
    ret

rtc_fields:                 ; register, index into [now]
    db RTC_SECONDS, 0, RTC_MINUTES, 1, RTC_HOURS, 2, RTC_DAY, 3
    db RTC_MONTH, 4, RTC_YEAR, 5, RTC_CENTURY, 6
RTC_FIELDS equ ($ - rtc_fields) / 2

; clock_work handles the events in EAX: EVENT_RTC, EVENT_TICK.
clock_work:
    pushad
    test al, EVENT_RTC
    jz .tick
    call rtc_read
    call clock_show
.tick:
    mov eax, [ticks]        ; seconds = ticks * 65536 / PIT_HZ
    mov edx, eax
    shl eax, 16
    shr edx, 16
    mov ecx, PIT_HZ
    div ecx
    cmp eax, [uptime]
    je .ret
    mov [uptime], eax
    call uptime_show
    inc dword [rtc_quiet]
    cmp dword [rtc_quiet], 3
    jb .ret
    call rtc_read
    call clock_show
.ret:
    popad
    ret

; clock_draw and uptime_draw put the time into the back buffer; the *_show
; ones copy it to the screen as well.
clock_show:
    call clock_draw
    pushad
    mov eax, [lay_clock]
    mov ebx, [lay_clock + 4]
    invoke flush_rect, eax, ebx, 240, 40
    popad
    ret

clock_draw:
    pushad
    mov edi, strbuf         ; hh:mm:ss, large
    mov eax, [now_hours]
    call sb_dec2
    mov al, ':'
    stosb
    mov eax, [now_minutes]
    call sb_dec2
    mov al, ':'
    stosb
    mov eax, [now_seconds]
    call sb_dec2
    call sb_end
    mov eax, [lay_clock]
    add eax, 10
    mov ebx, [lay_clock + 4]
    add ebx, 4
    invoke draw_big, strbuf, eax, ebx, COLOR_CLOCK, COLOR_INSET
    mov edi, strbuf         ; yyyy-mm-dd
    mov eax, [now_century]
    call sb_dec2
    mov eax, [now_year]
    call sb_dec2
    mov al, '-'
    stosb
    mov eax, [now_month]
    call sb_dec2
    mov al, '-'
    stosb
    mov eax, [now_day]
    call sb_dec2
    call sb_end
    mov eax, [lay_clock]
    add eax, 150
    invoke draw_text, strbuf, eax, ebx, COLOR_VALUE, COLOR_INSET, 10
    popad
    ret

uptime_show:
    call uptime_draw
    pushad
    mov eax, [lay_clock]
    add eax, 150
    mov ebx, [lay_clock + 4]
    add ebx, 20
    invoke flush_rect, eax, ebx, 96, 16
    popad
    ret

uptime_draw:
    pushad
    mov edi, strbuf
    mov esi, uptime_label
    call sb_str
    mov eax, [uptime]
    xor edx, edx
    mov ecx, 3600
    div ecx
    call sb_dec
    mov al, ':'
    stosb
    mov eax, edx
    xor edx, edx
    mov ecx, 60
    div ecx
    call sb_dec2
    mov al, ':'
    stosb
    mov eax, edx
    call sb_dec2
    call sb_end
    mov eax, [lay_clock]
    add eax, 150
    mov ebx, [lay_clock + 4]
    add ebx, 20
    invoke draw_text, strbuf, eax, ebx, COLOR_LABEL, COLOR_INSET, 12
    popad
    ret

uptime_label db "up ", 0
