; panels.asm: where everything is in each picture size, and all that is drawn
; once; the parts that change draw themselves (clock, box, lights, mouse).

COLOR_TOP     equ 0x0B1D3F  ; background, from top ...
COLOR_BOTTOM  equ 0x43205E  ; ... to bottom
COLOR_ACCENT  equ 0x3FD5E8
COLOR_TITLE   equ 0xA5EEF8
COLOR_LABEL   equ 0x86A7CF
COLOR_VALUE   equ 0xEAF2FF
COLOR_HINT    equ 0x5F7BA3
COLOR_CLOCK   equ 0xFFE08A
COLOR_INSET   equ 0x091122  ; behind what changes
COLOR_LIT     equ 0x7CF29A
COLOR_UNLIT   equ 0x22324E
COLOR_HELP    equ 0x0A1226

; x, y, width, height of: title bar, clock, panels, help line.
layouts:
    dd 1024, 768
    dd   0,   0, 1024, 72,     752,  12, 256,  48
    dd  16,  88, 488, 236,     520,  88, 488, 236
    dd  16, 340, 680, 300,     712, 340, 296, 300
    dd  16, 656, 992,  68,       0, 738, 1024, 30
    dd 940, 580
LAYOUT_SIZE equ $ - layouts
    dd 800, 600
    dd   0,   0, 800,  56,     540,   6, 248,  44
    dd  12,  68, 382, 196,     406,  68, 382, 196
    dd  12, 276, 512, 226,     536, 276, 252, 226
    dd  12, 514, 776,  48,       0, 572, 800,  28
    dd 740, 460
    dd 640, 480
    dd   0,   0, 640,  48,     384,   2, 248,  44
    dd   8,  56, 308, 148,     324,  56, 308, 148
    dd   8, 212, 380, 192,     396, 212, 236, 192
    dd   8, 412, 624,  34,       0, 454, 640,  26
    dd 600, 370
    dd 0

; rect loads the rectangle at ESI into EAX, EBX, ECX, EDX.
%macro rect 1
    mov eax, [%1]
    mov ebx, [%1 + 4]
    mov ecx, [%1 + 8]
    mov edx, [%1 + 12]
%endmacro

panels_draw:
    pushad
    invoke rrect, 0, 0, [scr_w], [scr_h], 0, COLOR_TOP, COLOR_BOTTOM, 256
    call title_draw
    invoke panel, lay_machine, title_machine
    call machine_draw
    invoke panel, lay_pci, title_pci
    call pci_draw
    invoke panel, lay_type, title_type
    call type_draw
    invoke panel, lay_input, title_input
    call input_draw
    invoke panel, lay_colors, empty_string
    call colors_draw
    call help_draw
    popad
    ret

title_machine db "Machine", 0
title_pci     db "PCI devices", 0
title_type    db "Type here", 0
title_input   db "Keyboard and mouse", 0

; panel(rect, title): soft shadow, border, body, title with a mark before it.
proc panel
    mov esi, arg(0)
    rect esi
    mov dword [rrect_edge], 16
    mov edi, 3
.shadow:                            ; three layers, the outer ones wider
    push eax
    push ebx
    push ecx
    push edx
    sub eax, edi
    sub ebx, edi
    add ebx, 3
    lea ecx, [ecx + edi * 2]
    lea edx, [edx + edi * 2]
    lea esi, [edi + 10]
    invoke rrect, eax, ebx, ecx, edx, esi, 0, 0, 44
    pop edx
    pop ecx
    pop ebx
    pop eax
    dec edi
    jns .shadow
    mov dword [rrect_edge], 0
    invoke rrect, eax, ebx, ecx, edx, 10, 0x5B86BC, 0x3A4A7C, 256
    inc eax
    inc ebx
    sub ecx, 2
    sub edx, 2
    invoke rrect, eax, ebx, ecx, edx, 9, 0x1B2F56, 0x151D3C, 256
    mov esi, arg(1)
    cmp byte [esi], 0
    je .done
    add eax, 13
    add ebx, 10
    invoke rrect, eax, ebx, 4, 16, 2, COLOR_ACCENT, 0x3A7BE0, 256
    add eax, 12
    invoke draw_bold, esi, eax, ebx, COLOR_TITLE, 60
.done:
endproc 2

; inset(x, y, w, h): a dark field with a thin edge, for what changes.
proc inset
    mov eax, arg(0)
    mov ebx, arg(1)
    mov ecx, arg(2)
    mov edx, arg(3)
    invoke rrect, eax, ebx, ecx, edx, 7, 0x070B18, 0x40598A, 256
    inc eax
    inc ebx
    sub ecx, 2
    sub edx, 2
    invoke rrect, eax, ebx, ecx, edx, 6, COLOR_INSET, COLOR_INSET, 256
endproc 4

; ---- title bar ------------------------------------------------------------

title_draw:
    pushad
    rect lay_title
    invoke rrect, eax, ebx, ecx, edx, 0, 0x2A5A96, 0x12264E, 256
    mov esi, edx
    sub esi, 2
    invoke fill, 0, esi, ecx, 2, COLOR_ACCENT
    invoke rrect, 0, edx, ecx, 6, 0, 0, 0, 70
    mov ebx, edx                    ; the logo is 44 high
    sub ebx, 46
    shr ebx, 1
    invoke logo, 16, ebx
    mov ebx, edx
    sub ebx, 34
    shr ebx, 1
    cmp edx, 60
    jae .slogan
    invoke draw_big, title_name, 76, ebx, 0xFFFFFF, -1
    jmp .clock
.slogan:                            ; room for a line below the name
    sub ebx, 9
    invoke draw_big, title_name, 76, ebx, 0xFFFFFF, -1
    add ebx, 34
    invoke draw_text, title_slogan, 77, ebx, 0xB9D4F2, -1, 80
.clock:
    rect lay_clock
    invoke inset, eax, ebx, ecx, edx
    add dword [lay_clock + 4], 2    ; the texts stand in the middle
    cmp edx, 48
    jb .texts
    add dword [lay_clock + 4], 2
.texts:
    call clock_draw
    call uptime_draw
    popad
    ret

title_name   db "govm-desktop", 0
title_slogan db "the demo guest: BIOS, ports and interrupts, nothing else", 0

; logo(x, y): a screen on its stand with a prompt on it, 46x44.
proc logo
    mov eax, arg(0)
    mov ebx, arg(1)
    lea ecx, [ebx + 3]
    invoke rrect, eax, ecx, 46, 36, 8, 0, 0, 70
    lea ecx, [eax + 18]
    lea edx, [ebx + 34]
    invoke rrect, ecx, edx, 10, 8, 0, 0x2F7FBF, 0x2A6CB0, 256
    lea ecx, [eax + 10]
    lea edx, [ebx + 39]
    invoke rrect, ecx, edx, 26, 5, 2, 0x7FE9F2, 0x3FA9E0, 256
    invoke rrect, eax, ebx, 46, 36, 8, 0x8CF3F7, 0x2E86DE, 256
    lea ecx, [eax + 4]
    lea edx, [ebx + 4]
    invoke rrect, ecx, edx, 38, 28, 5, 0x0A1730, 0x16305C, 256
    lea ecx, [eax + 9]
    lea edx, [ebx + 9]
    invoke polygon, chevron_top, 4, ecx, edx, 14, 18, 0xFFE08A
    invoke polygon, chevron_bottom, 4, ecx, edx, 14, 18, 0xFFE08A
    lea ecx, [eax + 24]
    lea edx, [ebx + 23]
    invoke rrect, ecx, edx, 12, 4, 1, 0xFFFFFF, 0xFFFFFF, 256
endproc 2

chevron_top:                        ; in eighths of a pixel
    dd 0, 24,  24, 0,  96, 72,  48, 72
chevron_bottom:
    dd 48, 72,  96, 72,  24, 144,  0, 120

; ---- text box -------------------------------------------------------------

type_draw:
    pushad
    rect lay_type
    add eax, 12
    add ebx, 36
    sub ecx, 24
    sub edx, 48
    invoke inset, eax, ebx, ecx, edx
    sub ecx, 16                     ; whole characters, in the middle
    mov esi, ecx
    and esi, 7
    shr esi, 1
    lea eax, [eax + esi + 8]
    mov [ed_x], eax
    shr ecx, 3
    mov [ed_cols], ecx
    sub edx, 8
    mov esi, edx
    and esi, 15
    shr esi, 1
    lea ebx, [ebx + esi + 4]
    mov [ed_y], ebx
    shr edx, 4
    mov [ed_rows], edx
    mov dword [ed_want], -1
    call editor_draw
    popad
    ret

; ---- keyboard and mouse ---------------------------------------------------

; input_draw places what the panel shows: scan codes, two rows of lights, the
; mouse and its texts.
input_draw:
    pushad
    rect lay_input
    add eax, 12
    add ebx, 36
    sub ecx, 24
    sub edx, 48
    invoke inset, eax, ebx, ecx, edx
    add eax, 10
    sub ecx, 20
    mov [in_x], eax
    mov [in_w], ecx
    lea esi, [ebx + edx - 10]       ; ESI: the lower edge
    add ebx, 8
    cmp edx, 160
    jb .compact
    invoke draw_text, text_scan, eax, ebx, COLOR_LABEL, COLOR_INSET, 40
    add ebx, 18
.compact:
    mov [scan_y], ebx
    add ebx, 24
    mov [lights_y], ebx
    add ebx, 44
    mov [pic_y], ebx
    mov [pic_x], eax
    sub esi, ebx
    mov [pic_h], esi
    cmp esi, 120
    jbe .fits
    mov esi, 120
    mov [pic_h], esi
.fits:
    imul esi, 43                    ; two thirds of the height, even
    shr esi, 6
    and esi, ~1
    mov [pic_w], esi
    lea eax, [eax + esi + 14]
    mov [pic_text_x], eax

    mov byte [lights_shown], 0xFF
    call lights_draw
    call mouse_picture
    mov eax, [pic_text_x]
    mov ebx, [pic_y]
    call position_text
    invoke draw_text, strbuf, eax, ebx, COLOR_VALUE, COLOR_INSET, 40
    add ebx, 18
    call wheel_text
    invoke draw_text, strbuf, eax, ebx, COLOR_VALUE, COLOR_INSET, 40
    add ebx, 18
    mov esi, text_mouse4
    cmp byte [mouse_kind], MOUSE_WHEEL
    je .kind
    mov esi, text_mouse3
    cmp byte [mouse_kind], MOUSE_PLAIN
    je .kind
    mov esi, text_mouse0
.kind:
    invoke draw_text, esi, eax, ebx, COLOR_LABEL, COLOR_INSET, 40
    mov eax, [ptr_x]
    mov [shown_x], eax
    mov eax, [ptr_y]
    mov [shown_y], eax
    popad
    ret

text_scan db "Scan codes, newest last", 0

; scan_remember keeps code AL.
scan_remember:
    pushad
    mov esi, scan_codes + 1
    mov edi, scan_codes
    mov ecx, SCAN_KEPT - 1
    rep movsb
    mov [edi], al
    cmp dword [scan_count], SCAN_KEPT
    jae .ret
    inc dword [scan_count]
.ret:
    mov byte [scan_changed], 1
    popad
    ret

; scan_draw shows the newest codes, as many as there is room for.
scan_draw:
    pushad
    cmp byte [scan_changed], 0
    je .ret
    mov byte [scan_changed], 0
    mov eax, [in_w]
    xor edx, edx
    mov ecx, 24
    div ecx
    cmp eax, [scan_count]
    jbe .have
    mov eax, [scan_count]
.have:
    mov ebx, eax
    mov esi, scan_codes + SCAN_KEPT
    sub esi, eax
    mov edi, strbuf
    mov ecx, 2
.next:
    lodsb
    call sb_hex
    mov al, ' '
    stosb
    dec ebx
    jnz .next
    call sb_end
    invoke show_text, strbuf, [in_x], [scan_y]
.ret:
    popad
    ret

; lights_draw draws the lights whose state has changed: Caps, Num, Scroll;
; Shift, Ctrl, Alt.
lights_draw:
    pushad
    xor ebx, ebx                    ; one bit a light
    mov al, [locks]
    test al, LOCK_CAPS
    setnz bl
    test al, LOCK_NUM
    jz .scroll
    or bl, 2
.scroll:
    test al, LOCK_SCROLL
    jz .shift
    or bl, 4
.shift:
    mov al, [mods]
    test al, MOD_SHIFT
    jz .ctrl
    or bl, 8
.ctrl:
    test al, MOD_CTRL
    jz .alt
    or bl, 16
.alt:
    test al, MOD_ALT
    jz .compare
    or bl, 32
.compare:
    mov bh, [lights_shown]
    mov [lights_shown], bl
    xor bh, bl
    xor ecx, ecx
.light:
    shr bh, 1
    jnc .next
    call light
.next:
    shr bl, 1
    inc ecx
    cmp ecx, 6
    jb .light
    popad
    ret

; light draws light ECX, lit if BL bit 0 is set.
light:
    pushad
    mov ebp, COLOR_UNLIT
    mov esi, COLOR_LABEL
    test bl, 1
    jz .state
    mov ebp, COLOR_LIT
    mov esi, COLOR_VALUE
.state:
    mov edi, [light_names + ecx * 4]
    mov eax, ecx
    xor edx, edx
    mov ecx, 3
    div ecx
    imul eax, 20
    add eax, [lights_y]
    mov ebx, eax                    ; EBX: y
    mov eax, [in_w]
    push edx
    xor edx, edx
    div ecx
    pop edx
    mov ecx, eax                    ; ECX: width
    imul eax, edx
    add eax, [in_x]                 ; EAX: x
    invoke fill, eax, ebx, ecx, 18, COLOR_INSET
    push eax
    push ebx
    add ebx, 2
    invoke rrect, eax, ebx, 13, 13, 6, 0x6A86B2, 0x3A5078, 256
    inc eax
    inc ebx
    invoke rrect, eax, ebx, 11, 11, 5, ebp, ebp, 256
    add eax, 2
    add ebx, 2
    invoke rrect, eax, ebx, 4, 3, 1, 0xFFFFFF, 0xFFFFFF, 90
    pop ebx
    pop eax
    push eax
    add eax, 18
    invoke draw_text, edi, eax, ebx, esi, COLOR_INSET, 8
    pop eax
    invoke flush_rect, eax, ebx, ecx, 18
    popad
    ret

light_names dd .caps, .num, .scroll, .shift, .ctrl, .alt
.caps   db "Caps", 0
.num    db "Num", 0
.scroll db "Scroll", 0
.shift  db "Shift", 0
.ctrl   db "Ctrl", 0
.alt    db "Alt", 0

; ---- test pattern ---------------------------------------------------------

; colors_draw: above, the eight corners of the colour cube; below, ramps of
; red, green, blue and grey through all 256 values.
colors_draw:
    pushad
    rect lay_colors
    add eax, 8
    add ebx, 8
    sub ecx, 16
    sub edx, 16
    shr edx, 1                      ; EDX: height of a row
    shr ecx, 3                      ; ECX: width of a bar
    mov esi, bar_colors
    mov edi, 8
.bar:
    push dword [esi]
    pop ebp
    invoke fill, eax, ebx, ecx, edx, ebp
    add eax, ecx
    add esi, 4
    dec edi
    jnz .bar
    lea edi, [ecx * 8]
    sub eax, edi
    add ebx, edx
    shl ecx, 1                      ; ECX: width of a ramp
    mov esi, ramp_colors
    mov edi, 4
.ramp:
    push edi
    xor edi, edi
.column:
    push eax
    mov ebp, ecx
    dec ebp
    push dword [esi]
    invoke lerp, 0, [esp + 8], edi, ebp
    add esp, 4
    mov ebp, eax
    pop eax
    invoke fill, eax, ebx, 1, edx, ebp
    inc eax
    inc edi
    cmp edi, ecx
    jb .column
    pop edi
    add esi, 4
    dec edi
    jnz .ramp
    popad
    ret

bar_colors  dd 0xFFFFFF, 0xFFFF00, 0x00FFFF, 0x00FF00
            dd 0xFF00FF, 0xFF0000, 0x0000FF, 0x000000
ramp_colors dd 0xFF0000, 0x00FF00, 0x0000FF, 0xFFFFFF

; ---- help line ------------------------------------------------------------

; help_draw draws the line: names of the keys, or the explanation.
help_draw:
    pushad
    call help_clear
    cmp byte [help_long], 0
    jne .long
    mov eax, 14
    mov esi, help_keys
.key:
    cmp byte [esi], 0
    je .ret
    call key_cap
    jmp .key
.long:
    mov esi, help_text
    mov ecx, [scr_w]
    cmp ecx, 800
    jae .write
    mov esi, help_text_short
.write:
    call help_write
.ret:
    popad
    ret

help_clear:
    pushad
    rect lay_help
    invoke fill, eax, ebx, ecx, edx, COLOR_HELP
    invoke fill, eax, ebx, ecx, 1, 0x33507E
    popad
    ret

; help_write writes the string at ESI onto the line.
help_write:
    pushad
    mov eax, [scr_w]
    shr eax, 3
    sub eax, 3
    mov ebx, [lay_help + 12]
    sub ebx, 15
    shr ebx, 1
    add ebx, [lay_help + 4]
    invoke draw_text, esi, 16, ebx, COLOR_CLOCK, -1, eax
    popad
    ret

; key_cap draws a key and what it does, two strings at ESI, at x EAX; both
; move on.
key_cap:
    push ebx
    push ecx
    push edx
    mov ebx, [lay_help + 12]
    sub ebx, 18
    shr ebx, 1
    add ebx, [lay_help + 4]
    inc ebx
    call .length
    lea ecx, [ecx * 8 + 12]
    invoke rrect, eax, ebx, ecx, 18, 4, 0x8FA9CC, 0x4A6288, 256
    push eax
    push ebx
    push ecx
    inc eax
    inc ebx
    sub ecx, 2
    invoke rrect, eax, ebx, ecx, 15, 3, 0xE4EDFA, 0xB7C7E0, 256
    pop ecx
    pop ebx
    pop eax
    push eax
    add eax, 6
    invoke draw_text, esi, eax, ebx, 0x14213D, -1, 20
    pop eax
    lea eax, [eax + ecx + 8]
    mov esi, edx
    call .length
    invoke draw_text, esi, eax, ebx, COLOR_LABEL, -1, 40
    lea eax, [eax + ecx * 8 + 20]
    mov esi, edx
    pop edx
    pop ecx
    pop ebx
    ret
.length:                            ; ECX characters at ESI; EDX behind them
    mov edx, esi
    xor ecx, ecx
.next:
    inc edx
    cmp byte [edx - 1], 0
    je .end
    inc ecx
    jmp .next
.end:
    ret

help_keys:
    db "F1", 0, "help", 0
    db "F10", 0, "power off", 0
    db "Ctrl-Alt-Del", 0, "restart", 0
    db "Ctrl-L", 0, "clear the box", 0
    db 0
help_text:
    db "Type, edit with the arrows, Home, End, Backspace, Delete. "
    db "Move the mouse. F10 off, Esc back.", 0
help_text_short:
    db "Type; edit with arrows, Backspace, Delete. F10 off, Esc back.", 0

; help_toggle changes between the two.
help_toggle:
    pushad
    xor byte [help_long], 1
    call help_draw
    rect lay_help
    invoke flush_rect, eax, ebx, ecx, edx
    popad
    ret

; help_note(string) shows a message on the line.
proc help_note
    call help_clear
    mov esi, arg(0)
    call help_write
    rect lay_help
    invoke flush_rect, eax, ebx, ecx, edx
endproc 1
