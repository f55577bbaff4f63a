; keyboard.asm: scan codes (set 1), the US layout, the lights.

; Modifiers held, bits of [mods].
MOD_LSHIFT equ 1
MOD_RSHIFT equ 2
MOD_LCTRL  equ 4
MOD_RCTRL  equ 8
MOD_LALT   equ 16
MOD_RALT   equ 32
MOD_SHIFT  equ MOD_LSHIFT | MOD_RSHIFT
MOD_CTRL   equ MOD_LCTRL | MOD_RCTRL
MOD_ALT    equ MOD_LALT | MOD_RALT

; Locks, bits of [locks], in the order of command EDh.
LOCK_SCROLL equ 1
LOCK_NUM    equ 2
LOCK_CAPS   equ 4

SCAN_KEPT equ 16            ; scan codes remembered

; keyboard_work handles every byte waiting.
keyboard_work:
    pushad
.next:
    movzx ebx, byte [kbd_tail]
    cmp bl, [kbd_head]
    je .done
    mov al, [kbd_ring + ebx]
    inc byte [kbd_tail]
    call keyboard_byte
    jmp .next
.done:
    call scan_draw
    call lights_draw
    call editor_draw
    popad
    ret

; keyboard_byte handles byte AL.
keyboard_byte:
    pushad
    cmp byte [led_state], 0
    je .scan
    cmp al, 0xFA            ; ACK
    je .ack
    cmp al, 0xFE            ; resend: give up
    jne .scan
    mov byte [led_state], 0
    jmp .ret
.ack:
    call led_next
    jmp .ret
.scan:
    call scan_remember
    cmp byte [scan_skip], 0 ; within the code of Pause
    je .prefix
    dec byte [scan_skip]
    jmp .ret
.prefix:
    cmp al, 0xE1
    jne .not_pause
    mov byte [scan_skip], 2
    jmp .ret
.not_pause:
    cmp al, 0xE0
    jne .key
    mov byte [scan_e0], 1
    jmp .ret
.key:
    mov ah, [scan_e0]
    mov byte [scan_e0], 0
    call key
.ret:
    popad
    ret

; key handles key code AL (bit 7: released), AH=1 after E0h.
key:
    mov bl, al
    and bl, 0x7F
    call modifier
    jc .ret
    call lock_key
    jc .ret
    test al, 0x80
    jnz .ret
    cmp bl, 0x53            ; Del, and the one on the keypad
    jne .not_reset
    test byte [mods], MOD_CTRL
    jz .not_reset
    test byte [mods], MOD_ALT
    jnz power_reset
.not_reset:
    cmp bl, 0x01
    je .help
    cmp bl, 0x3B
    je .help
    cmp bl, 0x44
    jne .edit
    jmp power_off
.help:
    jmp help_toggle
.edit:
    test ah, ah
    jnz .extended
    cmp bl, 0x47            ; keypad: digits or movements
    jb .letter
    cmp bl, 0x53
    ja .letter
    cmp bl, 0x4A            ; - and + are always themselves
    je .letter
    cmp bl, 0x4E
    je .letter
    test byte [locks], LOCK_NUM
    jz .extended
.letter:
    call letter
    test al, al
    jz .ret
    jmp editor_key
.extended:
    movzx ebx, bl
    mov al, KEY_ENTER
    cmp bl, 0x1C
    je editor_key
    mov al, '/'
    cmp bl, 0x35
    je editor_key
    sub bl, 0x47
    cmp bl, EXTENDED_KEYS
    jae .ret
    mov al, [extended_keys + ebx]
    test al, al
    jnz editor_key
.ret:
    ret

; modifier keeps [mods].  Carry: the key was one.  Preserves AX, BL.
modifier:
    cmp bl, 0x2A
    je .lshift
    cmp bl, 0x36
    je .rshift
    cmp bl, 0x1D
    je .ctrl
    cmp bl, 0x38
    je .alt
    clc
    ret
.lshift:
    mov cl, MOD_LSHIFT
    jmp .shift
.rshift:
    mov cl, MOD_RSHIFT
.shift:
    test ah, ah             ; E0 2A, E0 36 frame the grey keys: no shift
    jz .set
    stc
    ret
.ctrl:
    mov cl, MOD_LCTRL
    jmp .side
.alt:
    mov cl, MOD_LALT
.side:
    test ah, ah
    jz .set
    shl cl, 1
.set:
    test al, 0x80
    jnz .released
    or [mods], cl
    stc
    ret
.released:
    not cl
    and [mods], cl
    stc
    ret

; lock_key toggles the locks, once however long the key repeats.  Carry: the
; key was one.  Preserves AX, BL.
lock_key:
    test ah, ah             ; E0 46 is Break
    jnz .no
    mov cl, LOCK_CAPS
    cmp bl, 0x3A
    je .lock
    mov cl, LOCK_NUM
    cmp bl, 0x45
    je .lock
    mov cl, LOCK_SCROLL
    cmp bl, 0x46
    je .lock
.no:
    clc
    ret
.lock:
    test al, 0x80
    jnz .released
    test [locks_held], cl
    jnz .yes
    or [locks_held], cl
    xor [locks], cl
    call kbd_update_leds
.yes:
    stc
    ret
.released:
    not cl
    and [locks_held], cl
    stc
    ret

; letter: AL = the character of key BL, 0 for none.
letter:
    movzx ecx, bl
    xor eax, eax
    cmp cl, LAYOUT_KEYS
    jae .ret
    mov al, [layout_plain + ecx]
    test byte [mods], MOD_CTRL | MOD_ALT
    jnz .control
    cmp cl, 0x47            ; the keypad: NumLock chose already
    jb .shift
    cmp cl, 0x53
    jbe .ret
.shift:
    test byte [mods], MOD_SHIFT
    setnz dl
    cmp al, 'a'             ; CapsLock turns Shift round, for letters
    jb .choose
    cmp al, 'z'
    ja .choose
    test byte [locks], LOCK_CAPS
    jz .choose
    xor dl, 1
.choose:
    test dl, dl
    jz .ret
    mov al, [layout_shift + ecx]
.ret:
    ret
.control:                   ; Ctrl-L clears the box
    cmp al, 'l'
    mov al, 0
    jne .ret
    test byte [mods], MOD_CTRL
    jz .ret
    mov al, KEY_CLEAR
    ret

; ---- lights ---------------------------------------------------------------

; kbd_update_leds tells the keyboard the state of the locks: EDh, ACK, the
; bits, ACK.  The ACKs come by interrupt (led_next).
kbd_update_leds:
    pushad
    cmp byte [kbc_present], 0
    je .ret
    cmp byte [led_state], 0
    je .send
    mov eax, [ticks]        ; an exchange this old has failed
    sub eax, [led_since]
    cmp eax, 10
    jae .send
    mov byte [led_again], 1
    jmp .ret
.send:
    mov byte [led_again], 0
    mov byte [led_state], 1
    mov eax, [ticks]
    mov [led_since], eax
    mov al, 0xED
    call kbd_send
.ret:
    popad
    ret

; led_next goes on after an ACK.
led_next:
    push eax
    cmp byte [led_state], 1
    jne .done
    mov byte [led_state], 2
    mov al, [locks]
    call kbd_send
    jmp .ret
.done:
    mov byte [led_state], 0
    cmp byte [led_again], 0
    je .ret
    call kbd_update_leds
.ret:
    pop eax
    ret

; kbd_send sends AL to the keyboard.  Interrupts may be on: the timeout is
; counted in reads of the status port, some 1 us each on a real machine.
kbd_send:
    push ecx
    push eax
    mov ecx, 100000
.wait:
    in al, KBC_STATUS
    test al, KBC_IN
    loopnz .wait
    pop eax
    out KBC_DATA, al
    pop ecx
    ret

; ---- tables ---------------------------------------------------------------

; Keys that the text box takes besides the printable characters.
KEY_BACKSPACE equ 8
KEY_TAB       equ 9
KEY_CLEAR     equ 12
KEY_ENTER     equ 13
KEY_LEFT      equ 0x80
KEY_RIGHT     equ 0x81
KEY_UP        equ 0x82
KEY_DOWN      equ 0x83
KEY_HOME      equ 0x84
KEY_END       equ 0x85
KEY_DELETE    equ 0x86
KEY_PAGEUP    equ 0x87
KEY_PAGEDOWN  equ 0x88

; Codes 47h..53h after E0h, and on the keypad without NumLock.
extended_keys:
    db KEY_HOME, KEY_UP, KEY_PAGEUP, 0
    db KEY_LEFT, 0, KEY_RIGHT, 0
    db KEY_END, KEY_DOWN, KEY_PAGEDOWN, 0, KEY_DELETE
EXTENDED_KEYS equ $ - extended_keys

layout_plain:                       ; codes 00h..56h
    db 0, 0, "1234567890-=", KEY_BACKSPACE, KEY_TAB
    db "qwertyuiop[]", KEY_ENTER, 0
    db "asdfghjkl;'`", 0, "\"
    db "zxcvbnm,./", 0, "*", 0, " ", 0
    times 0x47 - ($ - layout_plain) db 0
    db "789-456+1230."
    times 0x56 - ($ - layout_plain) db 0
    db "\"
LAYOUT_KEYS equ $ - layout_plain

layout_shift:
    db 0, 0, "!@#$%^&*()_+", KEY_BACKSPACE, KEY_TAB
    db "QWERTYUIOP{}", KEY_ENTER, 0
    db 'ASDFGHJKL:"~', 0, "|"
    db "ZXCVBNM<>?", 0, "*", 0, " ", 0
    times 0x56 - ($ - layout_shift) db 0
    db "|"
