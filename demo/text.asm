; text.asm: drawing with the 8x16 font of the video BIOS, and a string
; builder.

; draw_char(char, x, y, fg, bg): one character cell; bg -1 leaves what is
; behind the letter.
proc draw_char
    mov eax, arg(1)
    mov ebx, arg(2)
    call pixel_address
    mov esi, arg(0)
    shl esi, 4
    add esi, FONT
    mov ebx, arg(3)
    mov edx, arg(4)
    mov ecx, 16
.row:
    push ecx
    push edi
    mov ah, [esi]
    inc esi
    mov ecx, 8
.pixel:
    shl ah, 1
    jc .ink
    cmp edx, -1
    je .skip
    mov [edi], edx
    jmp .skip
.ink:
    mov [edi], ebx
.skip:
    add edi, 4
    loop .pixel
    pop edi
    mov ecx, [scr_w]
    lea edi, [edi + ecx * 4]
    pop ecx
    loop .row
endproc 5

; draw_text(string, x, y, fg, bg, max): at most max characters.
proc draw_text
    mov esi, arg(0)
    mov ebx, arg(1)
    mov ecx, arg(5)
    test ecx, ecx
    jle .done
.next:
    movzx eax, byte [esi]
    inc esi
    test al, al
    jz .done
    invoke draw_char, eax, ebx, arg(2), arg(3), arg(4)
    add ebx, 8
    loop .next
.done:
endproc 6

; draw_bold(string, x, y, fg, max): twice, a pixel apart.
proc draw_bold
    mov eax, arg(1)
    invoke draw_text, arg(0), eax, arg(2), arg(3), -1, arg(4)
    inc eax
    invoke draw_text, arg(0), eax, arg(2), arg(3), -1, arg(4)
endproc 5

; draw_big(string, x, y, fg, bg): twice the size, corners rounded by Scale2x.
proc draw_big
    mov esi, arg(0)
    mov ebx, arg(1)
.next:
    movzx eax, byte [esi]
    inc esi
    test al, al
    jz .done
    invoke big_char, eax, ebx, arg(2), arg(3), arg(4)
    add ebx, 16
    jmp .next
.done:
endproc 5

; big_char(char, x, y, fg, bg).  Scale2x on whole rows of bits: with P the
; pixel and A above, B right, C left, D below it, the four new pixels are
;   C=A, C<>D, A<>B ? A : P      A=B, A<>C, B<>D ? B : P
;   D=C, D<>B, C<>A ? C : P      B=D, B<>A, D<>C ? D : P
proc big_char, 1
    mov eax, arg(1)
    mov ebx, arg(2)
    call pixel_address
    mov dword var(0), 0
.row:
    mov esi, arg(0)
    shl esi, 4
    add esi, FONT
    mov ecx, var(0)
    mov al, [esi + ecx]
    mov [big_p], al
    shl al, 1
    mov [big_b], al
    mov al, [big_p]
    shr al, 1
    mov [big_c], al
    xor eax, eax
    test ecx, ecx
    jz .no_above
    mov al, [esi + ecx - 1]
.no_above:
    mov [big_a], al
    xor eax, eax
    cmp ecx, 15
    je .no_below
    mov al, [esi + ecx + 1]
.no_below:
    mov [big_d], al

    mov ah, [big_c]
    mov al, [big_a]
    mov ch, [big_d]
    mov cl, [big_b]
    call .corner                    ; upper left
    mov dh, al
    mov ah, [big_a]
    mov al, [big_b]
    mov ch, [big_c]
    mov cl, [big_d]
    call .corner                    ; upper right
    mov dl, al
    call .put
    mov ah, [big_d]
    mov al, [big_c]
    mov ch, [big_b]
    mov cl, [big_a]
    call .corner                    ; lower left
    mov dh, al
    mov ah, [big_b]
    mov al, [big_d]
    mov ch, [big_a]
    mov cl, [big_c]
    call .corner                    ; lower right
    mov dl, al
    call .put
    inc dword var(0)
    cmp dword var(0), 16
    jb .row
    jmp .done

.corner:                            ; AL = AH=AL, AH<>CH, AL<>CL ? AL : P
    mov bl, ah
    xor bl, al
    not bl
    xor ah, ch
    and bl, ah
    mov bh, al
    xor bh, cl
    and bl, bh
    and al, bl
    not bl
    and bl, [big_p]
    or al, bl
    ret

.put:                               ; bits of DH and DL in turn, a row at EDI
    push edi
    mov ecx, 8
.two:
    shl dh, 1
    call .one
    shl dl, 1
    call .one
    loop .two
    pop edi
    mov ecx, [scr_w]
    lea edi, [edi + ecx * 4]
    ret
.one:
    mov eax, arg(3)
    jc .store
    mov eax, arg(4)
    cmp eax, -1
    je .skip
.store:
    mov [edi], eax
.skip:
    lea edi, [edi + 4]
    ret
.done:
endproc 5

; ---- strings --------------------------------------------------------------
; The sb_ routines write at EDI, which moves on; other registers survive.

; sb_str appends the string at ESI.
sb_str:
    push eax
    push esi
.next:
    lodsb
    test al, al
    jz .done
    stosb
    jmp .next
.done:
    pop esi
    pop eax
    ret

; sb_end closes the string.
sb_end:
    mov byte [edi], 0
    ret

; sb_dec appends EAX in decimal.
sb_dec:
    pushad
    xor ecx, ecx
    mov ebx, 10
.divide:
    xor edx, edx
    div ebx
    push edx
    inc ecx
    test eax, eax
    jnz .divide
.digit:
    pop eax
    add al, '0'
    stosb
    loop .digit
    mov [esp], edi                  ; PUSHAD's copy of EDI
    popad
    ret

; sb_dec2 appends EAX, 0..99, in two digits.
sb_dec2:
    pushad
    mov cl, 10
    div cl
    add ax, '00'
    stosw
    mov [esp], edi
    popad
    ret

; sb_hex appends the low ECX hexadecimal digits of EAX.
sb_hex:
    pushad
    mov edx, eax
.digit:
    dec ecx
    mov eax, edx
    push ecx
    shl ecx, 2
    shr eax, cl
    pop ecx
    and eax, 15
    mov al, [hex_digits + eax]
    stosb
    test ecx, ecx
    jnz .digit
    mov [esp], edi
    popad
    ret

; sb_pad appends blanks until the string from strbuf on has ECX characters.
sb_pad:
    push eax
    push edx
    mov al, ' '
.next:
    lea edx, [strbuf + ecx]
    cmp edi, edx
    jae .done
    stosb
    jmp .next
.done:
    pop edx
    pop eax
    ret

hex_digits db "0123456789ABCDEF"
