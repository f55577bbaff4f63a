; video.asm: the back buffer, anti-aliased shapes drawn into it, and
; flush_rect, which alone writes the screen.
;
; All drawing goes to the back buffer in RAM, 32 bits a pixel (xRGB) whatever
; the mode is.  flush_rect copies a rectangle of it to the frame buffer,
; converts the pixels and lays the mouse pointer over them on the way: the
; screen never shows a half-drawn state, video memory is never read, and
; moving the pointer needs no copy of what lies under it.

; video_init takes over what the BIOS said about the mode.
video_init:
    pushad
    movzx eax, word [VBE_MODE + 0x12]
    mov [scr_w], eax
    movzx ebx, word [VBE_MODE + 0x14]
    mov [scr_h], ebx
    movzx ecx, byte [VBE_MODE + 0x19]
    mov [scr_bpp], ecx
    mov ecx, [VBE_MODE + 0x28]
    mov [lfb], ecx
    movzx ecx, word [VBE_MODE + 0x10]
    mov esi, VBE_MODE + 0x1F        ; mask sizes and positions
    cmp word [vbe_version], 0x0300
    jb .pitch
    cmp word [VBE_MODE + 0x32], 0   ; VBE 3: values of the linear mode
    je .pitch
    movzx ecx, word [VBE_MODE + 0x32]
    cmp byte [VBE_MODE + 0x36], 0
    je .pitch
    mov esi, VBE_MODE + 0x36
.pitch:
    mov [lfb_pitch], ecx
    mov edi, pack_drop              ; for 15 and 16 bits a pixel
    mov ecx, 3
.mask:
    lodsb
    mov ah, 8
    sub ah, al
    mov [edi], ah                   ; low bits a channel loses
    lodsb
    mov [edi + 3], al               ; where it goes
    inc edi
    loop .mask

    mov eax, [scr_w]
    mov esi, layouts                ; find_mode knew the size is in there
.layout:
    cmp [esi], eax
    jne .other
    cmp [esi + 4], ebx
    je .found
.other:
    add esi, LAYOUT_SIZE
    jmp .layout
.found:
    mov edi, lay
    mov ecx, LAYOUT_SIZE / 4
    rep movsd
    popad
    ret

; pixel_address: EDI = address of pixel (EAX, EBX) in the back buffer.
pixel_address:
    mov edi, ebx
    imul edi, [scr_w]
    add edi, eax
    lea edi, [BACK + edi * 4]
    ret

; lerp(c0, c1, n, d): EAX = the colour n/d of the way from c0 to c1.
proc lerp
    xor edi, edi
    mov ecx, 16
.channel:
    mov eax, arg(1)
    shr eax, cl
    and eax, 255
    mov ebx, arg(0)
    shr ebx, cl
    and ebx, 255
    sub eax, ebx
    imul dword arg(2)
    idiv dword arg(3)
    add eax, ebx
    shl eax, cl
    or edi, eax
    sub ecx, 8
    jns .channel
    mov eax, edi
    return_eax
endproc 4

; blend_span lays colour EAX with weight EDX (0..256) over ECX pixels from
; EDI on.  EDI moves on; the rest is preserved.
blend_span:
    test ecx, ecx
    jle .ret
    cmp edx, 256
    jae .opaque
    push eax
    push ebx
    push ecx
    push edx
    push esi
    push ebp
    mov ebx, eax                    ; red and blue, weighted
    and ebx, 0xFF00FF
    imul ebx, edx
    and eax, 0x00FF00               ; green, weighted
    imul eax, edx
    mov ebp, eax
    mov esi, 256
    sub esi, edx                    ; weight of what is there
.pixel:
    mov eax, [edi]
    mov edx, eax
    and eax, 0xFF00FF
    imul eax, esi
    add eax, ebx
    shr eax, 8
    and eax, 0xFF00FF
    and edx, 0x00FF00
    imul edx, esi
    add edx, ebp
    shr edx, 8
    and edx, 0x00FF00
    or eax, edx
    stosd
    dec ecx
    jnz .pixel
    pop ebp
    pop esi
    pop edx
    pop ecx
    pop ebx
    pop eax
.ret:
    ret
.opaque:
    push ecx
    rep stosd
    pop ecx
    ret

; fill(x, y, w, h, color)
proc fill
    mov eax, arg(0)
    mov ebx, arg(1)
    call pixel_address
    mov ebx, arg(3)
    mov esi, [scr_w]
    shl esi, 2
    mov eax, arg(4)
    test ebx, ebx
    jle .done
.row:
    mov edx, edi
    mov ecx, arg(2)
    rep stosd
    lea edi, [edx + esi]
    dec ebx
    jnz .row
.done:
endproc 5

; corner_cover: EAX = how much of pixel (ECX, EDX), counted from the corner
; of a rounded rectangle with radius EBX, lies inside: 0..16.
corner_cover:
    push esi
    push edi
    push ebp
    push ecx
    push edx
    push ebx
    shl ebx, 3                      ; eighths of a pixel
    neg ecx
    lea ecx, [ebx + ecx * 8]        ; distances to the centre of the arc
    neg edx
    lea edx, [ebx + edx * 8]
    imul ebx, ebx
    xor eax, eax
    mov esi, 1                      ; 4x4 samples at 1, 3, 5, 7 eighths
.row:
    mov ebp, 1
.sample:
    push ecx
    push edx
    sub ecx, ebp
    sub edx, esi
    imul ecx, ecx
    imul edx, edx
    add ecx, edx
    cmp ebx, ecx
    setge cl
    movzx ecx, cl
    add eax, ecx
    pop edx
    pop ecx
    add ebp, 2
    cmp ebp, 9
    jb .sample
    add esi, 2
    cmp esi, 9
    jb .row
    pop ebx
    pop edx
    pop ecx
    pop ebp
    pop edi
    pop esi
    ret

; rrect(x, y, w, h, radius, top, bottom, alpha): a rounded rectangle, colour
; running from top to bottom, laid over the picture with weight alpha/256.  If
; [rrect_edge] is set, rows without a corner have only so many pixels at either
; end: enough for a shadow, whose middle something else will cover.
proc rrect, 3
    mov eax, arg(2)                 ; no corner larger than half a side
    cmp eax, arg(3)
    jle .short_side
    mov eax, arg(3)
.short_side:
    shr eax, 1
    cmp arg(4), eax
    jle .radius
    mov arg(4), eax
.radius:
    mov dword var(0), 0             ; row
.row:
    mov esi, var(0)
    cmp esi, arg(3)
    jge .done
    invoke lerp, arg(5), arg(6), esi, arg(3)
    mov var(1), eax
    mov eax, arg(0)
    mov ebx, arg(1)
    add ebx, esi
    call pixel_address              ; EDI: start of the row
    mov edx, arg(3)                 ; EDX: rows from the nearer edge
    dec edx
    sub edx, esi
    cmp edx, esi
    jle .nearer
    mov edx, esi
.nearer:
    cmp edx, arg(4)
    jl .corners
    mov ecx, arg(2)
    mov eax, var(1)
    mov edx, arg(7)
    cmp dword [rrect_edge], 0
    je .whole
    lea ebx, [edi + ecx * 4]
    mov ecx, [rrect_edge]
    call blend_span
    lea edi, [ecx * 4]
    neg edi
    add edi, ebx
.whole:
    call blend_span
    jmp .next
.corners:
    mov var(2), edx
    mov esi, edi                    ; ESI: start of the row
    xor ecx, ecx
.corner:
    mov edx, var(2)
    mov ebx, arg(4)
    call corner_cover
    test eax, eax
    jz .outside
    imul eax, arg(7)
    shr eax, 4
    mov edx, eax
    mov eax, var(1)
    push ecx
    lea edi, [esi + ecx * 4]
    mov ebx, arg(2)
    dec ebx
    sub ebx, ecx
    mov ecx, 1
    call blend_span
    lea edi, [esi + ebx * 4]
    call blend_span
    pop ecx
.outside:
    inc ecx
    cmp ecx, arg(4)
    jl .corner
    lea edi, [esi + ecx * 4]
    mov ecx, arg(2)
    sub ecx, arg(4)
    sub ecx, arg(4)
    mov eax, var(1)
    mov edx, arg(7)
    call blend_span
.next:
    inc dword var(0)
    jmp .row
.done:
endproc 8

; polygon(points, n, x, y, w, h, color): a convex polygon inside the box at
; (x, y).  Points are pairs of dwords in eighths of a pixel from there,
; clockwise on the screen.
proc polygon, 5
    ; var 0 row, 1 column, 2 sample y, 3 sample x, 4 samples inside
    mov dword var(0), 0
.row:
    mov dword var(1), 0
.column:
    mov dword var(4), 0
    mov dword var(2), 1
.sample_row:
    mov dword var(3), 1
.sample:
    mov esi, arg(0)
    mov ecx, arg(1)
.edge:
    mov edi, arg(0)                 ; EDI: the point that follows
    cmp ecx, 1
    je .wrap
    lea edi, [esi + 8]
.wrap:
    mov eax, var(0)                 ; (x1-x0)(y-y0) - (y1-y0)(x-x0)
    shl eax, 3
    add eax, var(2)
    sub eax, [esi + 4]
    mov edx, [edi]
    sub edx, [esi]
    imul eax, edx
    mov ebx, var(1)
    shl ebx, 3
    add ebx, var(3)
    sub ebx, [esi]
    mov edx, [edi + 4]
    sub edx, [esi + 4]
    imul ebx, edx
    cmp eax, ebx
    jl .out
    add esi, 8
    dec ecx
    jnz .edge
    inc dword var(4)
.out:
    add dword var(3), 2
    cmp dword var(3), 9
    jb .sample
    add dword var(2), 2
    cmp dword var(2), 9
    jb .sample_row
    cmp dword var(4), 0
    je .empty
    mov eax, arg(2)
    add eax, var(1)
    mov ebx, arg(3)
    add ebx, var(0)
    call pixel_address
    mov eax, arg(6)
    mov edx, var(4)
    shl edx, 4
    mov ecx, 1
    call blend_span
.empty:
    inc dword var(1)
    mov eax, var(1)
    cmp eax, arg(4)
    jl .column
    inc dword var(0)
    mov eax, var(0)
    cmp eax, arg(5)
    jl .row
endproc 7

; ---- to the screen --------------------------------------------------------

; flush_rect(x, y, w, h) copies a rectangle of the back buffer to the frame
; buffer, the pointer over it.  It clips.
proc flush_rect, 3
    ; var 0 row, 1 last row + 1, 2 first column; EDX keeps the width
    mov eax, arg(0)
    mov edx, arg(2)
    add edx, eax
    test eax, eax
    jns .left
    xor eax, eax
.left:
    cmp edx, [scr_w]
    jle .right
    mov edx, [scr_w]
.right:
    sub edx, eax
    jle .done
    mov var(2), eax
    mov eax, arg(1)
    mov ecx, arg(3)
    add ecx, eax
    test eax, eax
    jns .top
    xor eax, eax
.top:
    cmp ecx, [scr_h]
    jle .bottom
    mov ecx, [scr_h]
.bottom:
    mov var(0), eax
    mov var(1), ecx
.row:
    mov ebx, var(0)
    cmp ebx, var(1)
    jge .done
    mov eax, var(2)
    call pixel_address
    mov esi, edi
    call pointer_over               ; ESI: the same pixels with the pointer
    mov edi, [scr_bpp]
    add edi, 7
    shr edi, 3
    imul edi, var(2)
    mov eax, ebx
    imul eax, [lfb_pitch]
    add edi, eax
    add edi, [lfb]
    call put_pixels
    inc dword var(0)
    jmp .row
.done:
endproc 4

; put_pixels converts EDX pixels from ESI to the screen at EDI.  Changes EAX,
; EBX, ECX, ESI, EDI.
put_pixels:
    mov ecx, edx
    cmp dword [scr_bpp], 24
    ja .bits32
    je .bits24
.bits16:
    push edx
    push ebp
    mov ebp, ecx
.pixel16:
    lodsd
    xor ebx, ebx
    %assign channel 0
    %rep 3
    mov edx, eax
    shr edx, 16 - 8 * channel
    and edx, 255
    mov cl, [pack_drop + channel]
    shr edx, cl
    mov cl, [pack_place + channel]
    shl edx, cl
    or ebx, edx
    %assign channel channel + 1
    %endrep
    mov eax, ebx
    stosw
    dec ebp
    jnz .pixel16
    pop ebp
    pop edx
    ret
.bits24:
    lodsd
    stosw
    shr eax, 16
    stosb
    loop .bits24
    ret
.bits32:
    rep movsd
    ret
