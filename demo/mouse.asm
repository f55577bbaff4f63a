; mouse.asm: PS/2 mouse packets and the pointer.

POINTER_W equ 16
POINTER_H equ 24

; pointer_init draws the pointer's picture, colours with the weight in the top
; byte, from the art below: first a shadow two pixels off, then the arrow.
pointer_init:
    pushad
    mov eax, [lay_pointer]
    mov [ptr_x], eax
    mov eax, [lay_pointer + 4]
    mov [ptr_y], eax
    xor ebx, ebx                            ; pass
.pass:
    mov esi, pointer_art
    mov edi, ptr_image
    mov ecx, POINTER_ROWS * POINTER_W
.cell:
    lodsb
    cmp al, ' '
    je .next
    test ebx, ebx
    jnz .ink
    mov dword [edi + (2 * POINTER_W + 2) * 4], 0x58000000
    jmp .next
.ink:
    mov edx, 0xFF0A1020
    cmp al, 'X'
    je .store
    mov edx, 0xFFFFFFFF
.store:
    mov [edi], edx
.next:
    add edi, 4
    loop .cell
    inc ebx
    cmp ebx, 2
    jb .pass
    mov byte [ptr_shown], 1
    popad
    ret

; The last two columns and the rows below stay free for the shadow.
pointer_art:
    db "X               "
    db "XX              "
    db "X.X             "
    db "X..X            "
    db "X...X           "
    db "X....X          "
    db "X.....X         "
    db "X......X        "
    db "X.......X       "
    db "X........X      "
    db "X.........X     "
    db "X..........X    "
    db "X......XXXXXX   "
    db "X...X..X        "
    db "X..XX...X       "
    db "X.X  X..X       "
    db "XX   X...X      "
    db "X     X..X      "
    db "      X...X     "
    db "       X..X     "
    db "       XXXX     "
POINTER_ROWS equ ($ - pointer_art) / POINTER_W

; pointer_over: where the pointer covers EDX pixels of row EBX from column
; EAX on, copies them from ESI to a line buffer, lays the pointer over them
; and returns ESI there.  The rest is preserved.
pointer_over:
    cmp byte [ptr_shown], 0
    je .no
    push ecx
    mov ecx, ebx
    sub ecx, [ptr_y]
    cmp ecx, POINTER_H              ; unsigned: rows above fail as well
    jae .not_here
    push ebp
    push edi
    mov ebp, [ptr_x]
    sub ebp, eax                    ; first pixel of the pointer in the span
    cmp ebp, edx
    jge .beside
    cmp ebp, -POINTER_W
    jle .beside
    push eax
    push ebx
    push ecx
    mov edi, line_buffer
    mov ecx, edx
    rep movsd
    pop ecx
    shl ecx, 6                      ; 16 pixels of 4 bytes a row
    lea esi, [ptr_image + ecx]
    mov ebx, POINTER_W
.pixel:
    lodsd
    cmp ebp, edx
    jae .next
    lea edi, [line_buffer + ebp * 4]
    push edx
    mov edx, eax
    shr edx, 24
    jz .clear
    cmp edx, 255
    jne .blend
    inc edx
.blend:
    and eax, 0xFFFFFF
    mov ecx, 1
    call blend_span
.clear:
    pop edx
.next:
    inc ebp
    dec ebx
    jnz .pixel
    pop ebx
    pop eax
    mov esi, line_buffer
.beside:
    pop edi
    pop ebp
.not_here:
    pop ecx
.no:
    ret

; pointer_move(x, y) moves the pointer.  One flush of both places when they
; are near, so that it never blinks.
proc pointer_move
    mov eax, arg(0)
    mov ebx, arg(1)
    mov ecx, [ptr_x]
    mov edx, [ptr_y]
    mov [ptr_x], eax
    mov [ptr_y], ebx
    mov esi, eax                    ; ESI, EDI: distances
    sub esi, ecx
    jns .dx
    neg esi
.dx:
    mov edi, ebx
    sub edi, edx
    jns .dy
    neg edi
.dy:
    cmp esi, 64
    ja .far
    cmp edi, 64
    ja .far
    cmp eax, ecx
    jle .left
    mov eax, ecx
.left:
    cmp ebx, edx
    jle .top
    mov ebx, edx
.top:
    add esi, POINTER_W
    add edi, POINTER_H
    invoke flush_rect, eax, ebx, esi, edi
    jmp .done
.far:
    invoke flush_rect, ecx, edx, POINTER_W, POINTER_H
    invoke flush_rect, eax, ebx, POINTER_W, POINTER_H
.done:
endproc 2

; mouse_work puts packets together from every byte waiting, then moves the
; pointer once.
mouse_work:
    pushad
    mov eax, [ptr_x]
    mov [mouse_x], eax
    mov eax, [ptr_y]
    mov [mouse_y], eax
.next:
    movzx ebx, byte [mouse_tail]
    cmp bl, [mouse_head]
    je .done
    mov al, [mouse_ring + ebx]
    inc byte [mouse_tail]
    call mouse_byte
    jmp .next
.done:
    mov eax, [mouse_x]
    mov ebx, [mouse_y]
    cmp eax, [ptr_x]
    jne .moved
    cmp ebx, [ptr_y]
    je .still
.moved:
    invoke pointer_move, eax, ebx
.still:
    call mouse_draw
    popad
    ret

; mouse_byte handles byte AL of a packet.  A packet that began long ago has
; lost its rest; a first byte always has bit 3.
mouse_byte:
    pushad
    mov edx, [ticks]
    mov ecx, edx
    sub ecx, [mouse_since]
    mov [mouse_since], edx
    cmp ecx, 4
    jb .in_time
    mov byte [mouse_fill], 0
.in_time:
    movzx ebx, byte [mouse_fill]
    test ebx, ebx
    jnz .store
    test al, 8
    jz .ret
.store:
    mov [mouse_packet + ebx], al
    inc ebx
    mov [mouse_fill], bl
    cmp bl, [mouse_kind]
    jb .ret
    mov byte [mouse_fill], 0
    mov al, [mouse_packet]
    mov ah, al
    and al, 7
    mov [mouse_buttons], al
    test ah, 0xC0                   ; overflow: no movement to be trusted
    jnz .wheel
    movzx ecx, byte [mouse_packet + 1]
    test ah, 0x10                   ; sign of X
    jz .x
    sub ecx, 256
.x:
    movzx edx, byte [mouse_packet + 2]
    test ah, 0x20
    jz .y
    sub edx, 256
.y:
    add ecx, [mouse_x]
    mov eax, [scr_w]
    call .clamp
    mov [mouse_x], ecx
    mov ecx, [mouse_y]              ; Y grows upwards
    sub ecx, edx
    mov eax, [scr_h]
    call .clamp
    mov [mouse_y], ecx
.wheel:
    cmp byte [mouse_kind], MOUSE_WHEEL
    jne .ret
    movsx eax, byte [mouse_packet + 3]
    sub [mouse_wheel], eax          ; away from the person counts up
.ret:
    popad
    ret
.clamp:                             ; ECX into 0..EAX-1
    test ecx, ecx
    jns .positive
    xor ecx, ecx
.positive:
    cmp ecx, eax
    jb .inside
    lea ecx, [eax - 1]
.inside:
    ret

; ---- what the panel shows -------------------------------------------------

; mouse_draw brings the panel up to date: texts when they changed, the picture
; of the mouse when a button did.
mouse_draw:
    pushad
    mov al, [mouse_buttons]
    cmp al, [shown_buttons]
    je .position
    mov [shown_buttons], al
    call mouse_picture
    invoke flush_rect, [pic_x], [pic_y], [pic_w], [pic_h]
.position:
    mov eax, [ptr_x]
    mov ebx, [ptr_y]
    cmp eax, [shown_x]
    jne .moved
    cmp ebx, [shown_y]
    je .wheel
.moved:
    mov [shown_x], eax
    mov [shown_y], ebx
    call position_text
    mov eax, [pic_text_x]
    mov ebx, [pic_y]
    invoke show_text, strbuf, eax, ebx
.wheel:
    mov eax, [mouse_wheel]
    cmp eax, [shown_wheel]
    je .ret
    mov [shown_wheel], eax
    call wheel_text
    mov eax, [pic_text_x]
    mov ebx, [pic_y]
    add ebx, 18
    invoke show_text, strbuf, eax, ebx
.ret:
    popad
    ret

; show_text(string, x, y) draws onto an inset and shows it.
proc show_text
    invoke draw_text, arg(0), arg(1), arg(2), COLOR_VALUE, COLOR_INSET, 40
    mov esi, arg(0)
    xor ecx, ecx
.length:
    add ecx, 8
    inc esi
    cmp byte [esi], 0
    jne .length
    invoke flush_rect, arg(1), arg(2), ecx, 16
endproc 3

position_text:
    pushad
    mov edi, strbuf
    mov esi, text_pointer
    call sb_str
    mov eax, [ptr_x]
    call sb_dec
    mov al, ','
    stosb
    mov eax, [ptr_y]
    call sb_dec
    mov ecx, 16
    call sb_pad
    call sb_end
    popad
    ret

wheel_text:
    pushad
    mov edi, strbuf
    mov esi, text_wheel
    call sb_str
    mov eax, [mouse_wheel]
    test eax, eax
    jns .positive
    neg eax
    mov byte [edi], '-'
    inc edi
.positive:
    call sb_dec
    mov ecx, 16
    call sb_pad
    call sb_end
    popad
    ret

text_pointer db "Pointer ", 0
text_wheel   db "Wheel   ", 0
text_mouse0  db "No PS/2 mouse", 0
text_mouse3  db "PS/2 mouse", 0
text_mouse4  db "PS/2 wheel mouse", 0

; mouse_picture draws the mouse, the buttons held down lit.
mouse_picture:
    pushad
    invoke fill, [pic_x], [pic_y], [pic_w], [pic_h], COLOR_INSET
    mov eax, [pic_x]
    mov ebx, [pic_y]
    mov ecx, [pic_w]
    mov edx, [pic_h]
    mov ebp, ecx                    ; radius: 3/8 of the width
    imul ebp, 3
    shr ebp, 3
    invoke rrect, eax, ebx, ecx, edx, ebp, 0x8FB4D8, 0x4C6C94, 256
    inc eax
    inc ebx
    sub ecx, 2
    sub edx, 2
    dec ebp
    invoke rrect, eax, ebx, ecx, edx, ebp, 0x33486A, 0x1A2740, 256
    push edx
    mov eax, ecx                    ; buttons: radius a fifth of the width
    xor edx, edx
    mov ebp, 5
    div ebp
    mov ebp, eax
    pop edx
    mov eax, [pic_x]
    add eax, 6                      ; left button
    add ebx, 5
    sub ecx, 10 + 2
    shr ecx, 1
    shr edx, 1
    sub edx, 6
    mov esi, 1
    call .button
    add eax, ecx                    ; right button
    add eax, 2
    mov esi, 2
    call .button
    mov ecx, [pic_w]                ; wheel: an eighth of the width, even
    shr ecx, 4
    mov ebp, ecx
    dec eax
    sub eax, ecx
    add ecx, ecx
    add ebx, 4
    sub edx, 8
    invoke rrect, eax, ebx, ecx, edx, ebp, 0x1A2740, 0x1A2740, 256
    inc eax
    inc ebx
    sub ecx, 2
    sub edx, 2
    dec ebp
    mov esi, 4
    call .button
    popad
    ret
.button:                            ; a button in EAX.., lit if bit ESI is set
    push edi
    push esi
    mov edi, 0x5A7AA6
    test [mouse_buttons], esi
    jz .up
    mov edi, COLOR_LIT
.up:
    invoke rrect, eax, ebx, ecx, edx, ebp, edi, edi, 256
    pop esi
    pop edi
    ret
