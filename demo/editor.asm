; editor.asm: the text box.  One buffer of characters with a cursor in it, cut
; into rows where they end or the box does.

ED_SIZE   equ 4096
ED_STRIDE equ 128           ; cells in a row of the cell arrays
ED_ROWS   equ 32
ED_CURSOR equ 0x80          ; bit of a cell: the cursor is here

; editor_key handles character or KEY_ code AL.
editor_key:
    pushad
    mov ecx, [ed_cur]
    cmp al, KEY_LEFT
    je .left
    cmp al, KEY_RIGHT
    je .right
    cmp al, KEY_UP
    je .up
    cmp al, KEY_DOWN
    je .down
    cmp al, KEY_HOME
    je .home
    cmp al, KEY_END
    je .end
    cmp al, KEY_PAGEUP
    je .first
    cmp al, KEY_PAGEDOWN
    je .last
    cmp al, KEY_BACKSPACE
    je .backspace
    cmp al, KEY_DELETE
    je .delete
    cmp al, KEY_CLEAR
    je .clear
    cmp al, KEY_TAB
    je .tab
    cmp al, KEY_ENTER
    jne .insert
    mov al, 10
.insert:
    call editor_insert
    jmp .ret
.tab:
    mov al, ' '
    call editor_insert
    call editor_insert
    call editor_insert
    call editor_insert
    jmp .ret
.left:
    sub ecx, 1
    jc .ret
    jmp .move
.right:
    cmp ecx, [ed_len]
    jae .ret
    inc ecx
    jmp .move
.home:
    jecxz .move
    cmp byte [ed_text + ecx - 1], 10
    je .move
    dec ecx
    jmp .home
.end:
    cmp ecx, [ed_len]
    jae .move
    cmp byte [ed_text + ecx], 10
    je .move
    inc ecx
    jmp .end
.first:
    xor ecx, ecx
    jmp .move
.last:
    mov ecx, [ed_len]
    jmp .move
.up:
    mov eax, -1
    jmp .vertical
.down:
    mov eax, 1
.vertical:
    call editor_layout
    mov edx, [ed_row]
    add edx, eax
    js .ret
    mov [ed_want], edx
    mov eax, [ed_col]
    mov [ed_want_col], eax
    mov dword [ed_found], -1
    call editor_layout
    mov ecx, [ed_found]
    cmp ecx, -1
    je .ret
.move:
    mov [ed_cur], ecx
    jmp .ret
.backspace:
    sub ecx, 1
    jc .ret
    mov [ed_cur], ecx
.delete:
    call editor_delete
    jmp .ret
.clear:
    xor eax, eax
    mov [ed_cur], eax
    mov [ed_len], eax
.ret:
    mov dword [ed_want], -1
    popad
    ret

; editor_insert puts AL before the cursor.  A full buffer loses its oldest
; quarter.
editor_insert:
    pushad
    cmp dword [ed_len], ED_SIZE - 1
    jb .room
    mov esi, ed_text + ED_SIZE / 4
    mov edi, ed_text
    mov ecx, [ed_len]
    sub ecx, ED_SIZE / 4
    mov [ed_len], ecx
    rep movsb
    sub dword [ed_cur], ED_SIZE / 4
    jnc .room
    mov dword [ed_cur], 0
.room:
    mov ecx, [ed_len]
    lea edi, [ed_text + ecx]
    lea esi, [edi - 1]
    sub ecx, [ed_cur]
    std
    rep movsb
    cld
    mov [edi], al
    inc dword [ed_len]
    inc dword [ed_cur]
    popad
    ret

; editor_delete removes the character at the cursor.
editor_delete:
    pushad
    mov eax, [ed_cur]
    mov ecx, [ed_len]
    sub ecx, eax
    jz .ret
    dec ecx
    lea edi, [ed_text + eax]
    lea esi, [edi + 1]
    rep movsb
    dec dword [ed_len]
.ret:
    popad
    ret

; editor_layout walks the text: [ed_row], [ed_col] of the cursor; [ed_found],
; the last place in row [ed_want] that is not right of [ed_want_col]; and, if
; [ed_fill] is set, the cells of the rows visible.
editor_layout:
    pushad
    xor ebx, ebx                    ; place
    xor ecx, ecx                    ; row
    xor edx, edx                    ; column
.next:
    cmp ebx, [ed_cur]
    jne .not_cursor
    mov [ed_row], ecx
    mov [ed_col], edx
.not_cursor:
    cmp ecx, [ed_want]
    jne .not_wanted
    cmp edx, [ed_want_col]
    ja .not_wanted
    mov [ed_found], ebx
.not_wanted:
    cmp ebx, [ed_len]
    jae .ret
    mov al, [ed_text + ebx]
    inc ebx
    cmp al, 10
    je .line
    call .cell
    inc edx
    cmp edx, [ed_cols]
    jb .next
.line:
    xor edx, edx
    inc ecx
    jmp .next
.ret:
    popad
    ret
.cell:
    cmp byte [ed_fill], 0
    je .done
    mov edi, ecx
    sub edi, [ed_top]
    cmp edi, [ed_rows]              ; unsigned: rows above fail as well
    jae .done
    imul edi, ED_STRIDE
    mov [ed_cells + edi + edx], al
.done:
    ret

; editor_draw brings the box on the screen up to date: only cells that have
; changed are drawn, and of each row only the changed part is copied.
editor_draw:
    pushad
    mov byte [ed_fill], 0
    call editor_layout
    mov eax, [ed_row]               ; keep the cursor in sight
    cmp eax, [ed_top]
    jae .below
    mov [ed_top], eax
.below:
    sub eax, [ed_rows]
    inc eax
    jle .fill
    cmp eax, [ed_top]
    jbe .fill
    mov [ed_top], eax
.fill:
    mov edi, ed_cells
    mov ecx, ED_STRIDE * ED_ROWS / 4
    mov eax, '    '
    rep stosd
    mov byte [ed_fill], 1
    call editor_layout
    mov byte [ed_fill], 0
    call editor_hint
    mov eax, [ed_row]
    sub eax, [ed_top]
    imul eax, ED_STRIDE
    add eax, [ed_col]
    or byte [ed_cells + eax], ED_CURSOR
    xor ecx, ecx
.row:
    call editor_draw_row
    inc ecx
    cmp ecx, [ed_rows]
    jb .row
    popad
    ret

; editor_hint fills an empty box with an invitation, in another colour.
editor_hint:
    pushad
    mov eax, COLOR_VALUE
    cmp dword [ed_len], 0
    jne .color
    mov eax, COLOR_HINT
.color:
    cmp eax, [ed_color]
    je .text
    mov [ed_color], eax             ; every cell has to be drawn again
    push eax
    mov edi, ed_shown
    mov ecx, ED_STRIDE * ED_ROWS / 4
    xor eax, eax
    rep stosd
    pop eax
.text:
    cmp eax, COLOR_HINT
    jne .ret
    mov esi, hint_text
    cmp byte [kbc_present], 0
    jne .copy
    mov esi, hint_none
.copy:
    mov edi, ed_cells
    mov ecx, [ed_cols]
.next:
    lodsb
    test al, al
    jz .ret
    stosb
    loop .next
.ret:
    popad
    ret

; editor_draw_row draws row ECX.
editor_draw_row:
    pushad
    mov esi, ecx
    imul esi, ED_STRIDE
    shl ecx, 4
    add ecx, [ed_y]                 ; ECX: y
    xor edx, edx                    ; column
    mov ebp, -1                     ; first one changed; EDI: last one
.column:
    lea ebx, [esi + edx]
    mov al, [ed_cells + ebx]
    cmp al, [ed_shown + ebx]
    je .same
    mov [ed_shown + ebx], al
    mov edi, edx
    cmp ebp, -1
    jne .draw
    mov ebp, edx
.draw:
    movzx eax, al
    lea ebx, [edx * 8]
    add ebx, [ed_x]
    test al, ED_CURSOR
    jnz .cursor
    invoke draw_char, eax, ebx, ecx, [ed_color], COLOR_INSET
    jmp .same
.cursor:
    and al, 0x7F
    invoke draw_char, eax, ebx, ecx, COLOR_INSET, COLOR_ACCENT
.same:
    inc edx
    cmp edx, [ed_cols]
    jb .column
    cmp ebp, -1
    je .ret
    sub edi, ebp
    inc edi
    shl edi, 3
    lea ebp, [ebp * 8]
    add ebp, [ed_x]
    invoke flush_rect, ebp, ecx, edi, 16
.ret:
    popad
    ret

hint_text db "Just type. Every key travels from the keyboard by IRQ 1.", 0
hint_none db "This machine has no i8042, so no keyboard for us.", 0
