; real.asm: the part that runs in real mode and asks the BIOS: memory map,
; font, graphics mode, A20; then the switch to protected mode.

    bits 16

real_start:
    call get_e820
    call get_font
    call set_graphics
    jc text_only
    call enable_a20
    cli
    lgdt [gdtr]
    mov eax, cr0
    or al, 1
    mov cr0, eax
    jmp 0x08:protected_start

; ---- memory ---------------------------------------------------------------

; get_e820 fills E820_BUF by INT 15h AX=E820h and finds out how much RAM lies
; in one piece from 1 MiB up (ram_high, bytes), where the back buffer goes.
get_e820:
    mov ax, E820_BUF >> 4
    mov es, ax
    xor di, di
    xor ebx, ebx
.next:
    mov dword [es:di + 20], 1       ; ACPI 3 attributes, if not written
    mov eax, 0xE820
    mov edx, 0x534D4150             ; "SMAP"
    mov ecx, 24
    int 0x15
    jc .done
    cmp eax, 0x534D4150
    jne .done
    mov eax, [es:di + 8]            ; skip empty ranges
    or eax, [es:di + 12]
    jz .skip
    call .high
    add di, 24
    inc word [e820_count]
    cmp word [e820_count], E820_MAX
    jae .done
.skip:
    test ebx, ebx
    jnz .next
.done:
    cmp dword [ram_high], 0
    jne .ret
    mov ah, 0x88                    ; an old BIOS: KiB above 1 MiB
    int 0x15
    jc .ret
    movzx eax, ax
    shl eax, 10
    mov [ram_high], eax
.ret:
    xor ax, ax
    mov es, ax
    ret
.high:                              ; does this range hold 1 MiB?
    cmp dword [es:di + 16], 1
    jne .no
    cmp dword [es:di + 4], 0
    jne .no
    mov eax, BACK
    sub eax, [es:di]
    jc .no                          ; it begins above
    cmp dword [es:di + 12], 0
    jne .huge
    mov edx, [es:di + 8]
    sub edx, eax
    jbe .no                         ; it ends below
    mov [ram_high], edx
.no:
    ret
.huge:
    mov dword [ram_high], 0x7FFFFFFF
    ret

; ---- font -----------------------------------------------------------------

; get_font copies the 8x16 font of the video BIOS to FONT.
get_font:
    push ds
    push bp
    mov ax, 0x1130
    mov bh, 6
    xor cx, cx
    int 0x10                        ; ES:BP
    mov ax, es
    mov ds, ax
    mov si, bp
    mov ax, FONT >> 4
    mov es, ax
    xor di, di
    mov cx, 4096 / 4
    rep movsd
    pop bp
    pop ds
    xor ax, ax
    mov es, ax
    ret

; ---- graphics mode --------------------------------------------------------

; set_graphics walks the list of VBE modes for the best one with a linear
; frame buffer and sets it; if the BIOS refuses, the next best.  Best: true
; colour before 16 bits, then the larger picture, then 32 bits before 24.
; Carry: there is none.
set_graphics:
    mov ax, VBE_INFO >> 4
    mov es, ax
    xor di, di
    mov dword [es:di], 0x32454256   ; "VBE2": tell us all
    mov ax, 0x4F00
    int 0x10
    cmp ax, 0x004F
    jne .none
    mov ax, VBE_INFO >> 4
    mov es, ax
    cmp dword [es:0], 0x41534556    ; "VESA"
    jne .none
    mov ax, [es:4]
    mov [vbe_version], ax
    cmp ax, 0x0200
    jb .none
    call copy_oem
.try:
    call find_mode
    cmp word [best_score], 0
    je .none
    mov bx, [best_mode]
    or bx, 0x4000                   ; linear frame buffer
    mov ax, 0x4F02
    int 0x10
    cmp ax, 0x004F
    jne .refused
    mov cx, [best_mode]
    call mode_info                  ; the block of the mode now set
    xor ax, ax
    mov es, ax
    clc
    ret
.refused:
    mov ax, [best_score]
    mov [score_limit], ax
    jmp .try
.none:
    xor ax, ax
    mov es, ax
    stc
    ret

; copy_oem copies the OEM string, which may lie in ROM, to VBE_OEM.
copy_oem:
    push ds
    lds si, [es:6]
    mov di, VBE_OEM - VBE_INFO
    mov cx, 63
.next:
    lodsb
    stosb
    test al, al
    loopnz .next
    mov byte [es:di], 0
    pop ds
    ret

; find_mode finds the mode with the best score below score_limit.
find_mode:
    mov word [best_score], 0
    mov ax, VBE_INFO >> 4
    mov es, ax
    mov si, [es:14]                 ; VideoModePtr
    mov fs, [es:16]
    mov bp, 512                     ; a list longer than this is broken
.next:
    mov cx, [fs:si]
    add si, 2
    cmp cx, 0xFFFF
    je .ret
    call mode_info
    jc .skip
    call score_mode
    cmp ax, [best_score]
    jbe .skip
    cmp ax, [score_limit]
    jae .skip
    mov [best_score], ax
    mov [best_mode], cx
.skip:
    dec bp
    jnz .next
.ret:
    ret

; mode_info reads the ModeInfoBlock of mode CX to VBE_MODE; ES is its
; segment.  Carry: no such mode.  Preserves CX, SI, BP.
mode_info:
    push si
    push bp
    push cx
    mov ax, VBE_MODE >> 4
    mov es, ax
    xor di, di
    mov ax, 0x4F01
    int 0x10
    pop cx
    pop bp
    pop si
    push ax
    mov ax, VBE_MODE >> 4
    mov es, ax
    pop ax
    cmp ax, 0x004F
    je .ok
    stc
    ret
.ok:
    clc
    ret

; score_mode rates the mode in VBE_MODE: AX, 0 for one we cannot use.
; Preserves CX, SI, BP.
score_mode:
    mov ax, [es:0]
    and ax, 0x99                    ; there, colour, graphics, linear
    cmp ax, 0x99
    jne .no
    cmp byte [es:0x1B], 6           ; direct colour
    jne .no
    mov bx, 100 + 3
    mov al, [es:0x19]               ; bits a pixel
    cmp al, 32
    je .true
    mov bx, 100 + 2
    cmp al, 24
    je .true
    mov bx, 2
    cmp al, 16
    je .size
    mov bx, 1
    cmp al, 15
    je .size
.no:
    xor ax, ax
    ret
.true:                              ; the frame buffer must be B, G, R
    cmp byte [es:0x20], 16
    jne .no
    cmp byte [es:0x24], 0
    jne .no
.size:
    movzx eax, word [es:0x12]
    movzx edx, word [es:0x14]
    mov di, layouts
.look:
    cmp dword [di], 0
    je .no
    cmp [di], eax
    jne .other
    cmp [di + 4], edx
    je .found
.other:
    add di, LAYOUT_SIZE
    jmp .look
.found:
    push edx
    imul eax, edx
    pop edx
    shl eax, 2
    cmp eax, [ram_high]             ; room for the back buffer
    ja .no
    mov ax, dx                      ; 768, 600, 480
    shr ax, 3                       ; 96, 75, 60
    cmp bx, 100
    jb .add
    add bx, 100
.add:
    add ax, bx
    ret

; ---- A20 ------------------------------------------------------------------

; enable_a20 opens address line 20: by the BIOS, by port 92h, by the i8042,
; whichever works first.
enable_a20:
    call a20_open
    jnz .ret
    mov ax, 0x2401
    int 0x15
    call a20_open
    jnz .ret
    in al, 0x92
    or al, 2
    and al, 0xFE                    ; bit 0 would reset the machine
    out 0x92, al
    call a20_open
    jnz .ret
    cli
    call kbc_ready
    mov al, 0xD1                    ; write the output port
    out 0x64, al
    call kbc_ready
    mov al, 0xDF
    out 0x60, al
    call kbc_ready
    sti
.ret:
    ret

kbc_ready:
    xor cx, cx
.wait:
    in al, 0x64
    test al, 2
    loopnz .wait
    ret

; a20_open: ZF clear if 1 MiB + 0x500 is another byte than 0x500.
a20_open:
    push ds
    mov ax, 0xFFFF
    mov ds, ax
    mov bx, [0x510]
    mov cx, [ss:0x500]
    not cx
    mov [ss:0x500], cx
    cmp [0x510], cx
    not cx                          ; NOT leaves the flags
    mov [ss:0x500], cx
    mov [0x510], bx
    jne .differ
    mov [ss:0x500], cx              ; the same byte: its old value back
    xor ax, ax
    pop ds
    ret
.differ:
    pop ds
    or al, 1
    ret

; ---- no graphics ----------------------------------------------------------

; text_only says so, on the screen and on the first serial port, waits for a
; key and starts the machine again.
text_only:
    xor ax, ax
    mov ds, ax
    mov es, ax
    mov ax, 0x0003
    int 0x10
    mov dx, 0
    mov ax, 0x00E3                  ; 9600 baud, 8 bits, no parity
    cmp word [0x400], 0
    je .print
    int 0x14
.print:
    mov si, text_message
.next:
    lodsb
    test al, al
    jz .key
    push si
    push ax
    mov ah, 0x0E
    mov bx, 7
    int 0x10
    pop ax
    cmp word [0x400], 0
    je .shown
    mov ah, 1
    xor dx, dx
    int 0x14
.shown:
    pop si
    jmp .next
.key:
    xor ah, ah
    int 0x16
    mov word [0x472], 0x1234        ; warm start
    jmp 0xFFFF:0

text_message:
    db 13, 10, "  govm-desktop demo", 13, 10
    db "  -----------------", 13, 10
    db "  There is no picture to draw: the video card has no VBE mode with a", 13, 10
    db "  linear frame buffer (640x480, 800x600 or 1024x768 in direct colour),", 13, 10
    db "  or the machine has too little memory for it (8 MiB will do).", 13, 10
    db 13, 10, "  Press a key to start the machine again.", 13, 10, 0

; ---- data -----------------------------------------------------------------

    align 8, db 0
gdt:
    dq 0
    dq 0x00CF9A000000FFFF           ; 08: code, flat 4 GiB
    dq 0x00CF92000000FFFF           ; 10: data, flat 4 GiB
gdtr:
    dw gdtr - gdt - 1
    dd gdt

    align 4, db 0
ram_high    dd 0
e820_count  dw 0
vbe_version dw 0
best_mode   dw 0
best_score  dw 0
score_limit dw 0xFFFF
