; machine.asm: what CPUID, the E820 map and VBE tell, and the panel with it.

; machine_init asks CPUID.
machine_init:
    pushad
    pushfd                          ; a CPU with CPUID lets EFLAGS.ID change
    pop eax
    mov ecx, eax
    xor eax, 1 << 21
    push eax
    popfd
    pushfd
    pop eax
    push ecx
    popfd
    cmp eax, ecx
    je .ret
    xor eax, eax
    cpuid
    mov [cpu_max], eax
    mov [cpu_vendor], ebx
    mov [cpu_vendor + 4], edx
    mov [cpu_vendor + 8], ecx
    mov eax, 1
    cpuid
    mov [cpu_signature], eax
    mov [cpu_features], edx
    mov [cpu_features + 4], ecx
    cmp dword [cpu_max], 7
    jb .extended
    mov eax, 7
    xor ecx, ecx
    cpuid
    mov [cpu_features + 8], ebx
.extended:
    mov eax, 0x80000000
    cpuid
    mov esi, eax
    cmp esi, 0x80000001
    jb .ret
    mov eax, 0x80000001
    cpuid
    mov [cpu_features + 12], edx
    mov [cpu_features + 16], ecx
    cmp esi, 0x80000004
    jb .ret
    mov edi, cpu_brand
    mov esi, 0x80000002
.brand:
    mov eax, esi
    cpuid
    stosd
    mov eax, ebx
    stosd
    mov eax, ecx
    stosd
    mov eax, edx
    stosd
    inc esi
    cmp esi, 0x80000004
    jbe .brand
.ret:
    popad
    ret

; rows_begin(rect) sets the pen of kv_row to the first row of a panel.
proc rows_begin
    mov esi, arg(0)
    mov eax, [esi]
    add eax, 14
    mov [row_x], eax
    mov eax, [esi + 4]
    mov ebx, eax
    add eax, 36
    mov [row_y], eax
    add ebx, [esi + 12]
    sub ebx, 22
    mov [row_limit], ebx
    mov eax, [esi + 8]
    sub eax, 28
    shr eax, 3
    mov [row_max], eax
endproc 1

VALUE_COLUMN equ 10                 ; characters from the label to the value

; kv_row(label, value): a row of the panel, if there is room for it.
proc kv_row
    mov eax, [row_y]
    cmp eax, [row_limit]
    jg .ret
    mov ebx, [row_x]
    mov ecx, [row_max]
    invoke draw_text, arg(0), ebx, eax, COLOR_LABEL, -1, ecx
    sub ecx, VALUE_COLUMN
    add ebx, VALUE_COLUMN * 8
    invoke draw_text, arg(1), ebx, eax, COLOR_VALUE, -1, ecx
    add dword [row_y], 18
.ret:
endproc 2

machine_draw:
    pushad
    invoke rows_begin, lay_machine
    mov esi, no_cpuid
    cmp byte [cpu_vendor], 0
    je .vendor
    mov esi, cpu_vendor
.vendor:
    invoke kv_row, label_cpu, esi
    mov esi, cpu_brand              ; some are set flush right
.trim:
    cmp byte [esi], ' '
    jne .trimmed
    inc esi
    jmp .trim
.trimmed:
    cmp byte [esi], 0
    je .signature
    invoke kv_row, label_model, esi
.signature:
    call signature_row
    call memory_row
    call video_row
    invoke kv_row, label_vbe, VBE_OEM
    call boot_row
    call feature_rows
    popad
    ret

; signature_row: family, model and stepping, the extended fields added as
; CPUID leaf 1 says.
signature_row:
    pushad
    mov edx, [cpu_signature]
    mov ecx, edx
    shr ecx, 8
    and ecx, 15                     ; family
    mov ebx, edx
    shr ebx, 4
    and ebx, 15                     ; model
    cmp ecx, 6
    je .wide
    cmp ecx, 15
    jne .have
    mov eax, edx
    shr eax, 20
    and eax, 255
    add ecx, eax
.wide:
    mov eax, edx
    shr eax, 12
    and eax, 0xF0
    or ebx, eax
.have:
    mov edi, strbuf
    mov eax, ecx
    call sb_dec
    mov esi, text_model
    call sb_str
    mov eax, ebx
    call sb_dec
    mov esi, text_stepping
    call sb_str
    mov eax, edx
    and eax, 15
    call sb_dec
    call sb_end
    invoke kv_row, label_family, strbuf
    popad
    ret

; memory_row adds up the usable ranges of the E820 map.
memory_row:
    pushad
    xor ebx, ebx                    ; EDX:EBX bytes
    xor edx, edx
    mov esi, E820_BUF
    movzx ecx, word [e820_count]
    jecxz .old
.next:
    cmp dword [esi + 16], 1
    jne .skip
    add ebx, [esi + 8]
    adc edx, [esi + 12]
.skip:
    add esi, 24
    loop .next
    jmp .show
.old:
    mov ebx, [ram_high]
    add ebx, 0xA0000
.show:
    shrd ebx, edx, 10               ; KiB, 32 bits reach 4 TiB
    mov edi, strbuf
    mov eax, ebx
    shr eax, 10
    call sb_dec
    mov al, '.'
    stosb
    mov eax, ebx
    and eax, 1023
    imul eax, 10
    shr eax, 10
    call sb_dec
    mov esi, text_usable
    call sb_str
    movzx eax, word [e820_count]
    call sb_dec
    mov esi, text_ranges
    call sb_str
    call sb_end
    invoke kv_row, label_memory, strbuf
    popad
    ret

video_row:
    pushad
    mov edi, strbuf
    mov eax, [scr_w]
    call sb_dec
    mov al, 'x'
    stosb
    mov eax, [scr_h]
    call sb_dec
    mov al, 'x'
    stosb
    mov eax, [scr_bpp]
    call sb_dec
    mov esi, text_at
    call sb_str
    mov eax, [lfb]
    mov ecx, 8
    call sb_hex
    cmp dword [row_max], 44         ; the mode only where there is room
    jb .short
    mov esi, text_mode
    call sb_str
    movzx eax, word [best_mode]
    mov ecx, 3
    call sb_hex
    mov al, 'h'
    stosb
.short:
    call sb_end
    invoke kv_row, label_video, strbuf
    popad
    ret

boot_row:
    pushad
    mov edi, strbuf
    mov esi, text_drive
    call sb_str
    movzx eax, byte [boot_drive]
    mov ecx, 2
    call sb_hex
    mov esi, text_lba
    cmp byte [boot_lba], 0
    jne .how
    mov esi, text_chs
.how:
    call sb_str
    call sb_end
    invoke kv_row, label_boot, strbuf
    popad
    ret

; feature_rows writes the names of the features there, wrapped.
feature_rows:
    pushad
    mov ebx, label_features
    mov esi, feature_table
    mov edi, strbuf
.next:
    movzx eax, byte [esi]           ; word of [cpu_features], 255 ends
    cmp al, 255
    je .end
    movzx ecx, byte [esi + 1]       ; bit
    add esi, 2
    mov edx, esi
.length:
    inc edx
    cmp byte [edx - 1], 0
    jne .length
    bt [cpu_features + eax * 4], ecx
    jnc .absent
    mov eax, edi                    ; room in this row?
    sub eax, strbuf
    add eax, edx
    sub eax, esi
    add eax, VALUE_COLUMN
    cmp eax, [row_max]
    jbe .fits
    call .emit
.fits:
    call sb_str
    mov al, ' '
    stosb
.absent:
    mov esi, edx
    jmp .next
.end:
    cmp edi, strbuf
    je .ret
    call .emit
.ret:
    popad
    ret
.emit:
    call sb_end
    invoke kv_row, ebx, strbuf
    mov ebx, empty_string
    mov edi, strbuf
    ret

label_cpu      db "Processor", 0
label_model    db "Model", 0
label_family   db "Family", 0
label_memory   db "Memory", 0
label_video    db "Video", 0
label_vbe      db "VBE", 0
label_boot     db "Started", 0
label_features db "Features", 0
no_cpuid       db "without CPUID", 0
text_model     db ", model ", 0
text_stepping  db ", stepping ", 0
text_usable    db " MiB, ", 0
text_ranges    db " E820 ranges", 0
text_mode      db ", mode ", 0
text_at        db " at ", 0
text_drive     db "drive ", 0
text_lba       db "h, INT 13h AH=42h", 0
text_chs       db "h, INT 13h AH=02h", 0
empty_string   db 0

; Word: 0 leaf 1 EDX, 1 leaf 1 ECX, 2 leaf 7 EBX, 3 and 4 leaf 80000001 EDX
; and ECX.
feature_table:
    db 3, 29, "lm", 0,     3, 20, "nx", 0,      0, 0, "fpu", 0
    db 0, 4, "tsc", 0,     0, 5, "msr", 0,      0, 6, "pae", 0
    db 0, 8, "cx8", 0,     0, 9, "apic", 0,     0, 11, "sep", 0
    db 0, 13, "pge", 0,    0, 15, "cmov", 0,    0, 16, "pat", 0
    db 0, 23, "mmx", 0,    0, 24, "fxsr", 0,    0, 25, "sse", 0
    db 0, 26, "sse2", 0,   1, 0, "sse3", 0,     1, 9, "ssse3", 0
    db 1, 19, "sse4.1", 0, 1, 20, "sse4.2", 0,  1, 13, "cx16", 0
    db 1, 23, "popcnt", 0, 3, 11, "syscall", 0, 4, 0, "lahf", 0
    db 1, 1, "pclmul", 0,  1, 25, "aes", 0,     1, 22, "movbe", 0
    db 1, 12, "fma", 0,    1, 28, "avx", 0,     2, 5, "avx2", 0
    db 2, 3, "bmi1", 0,    2, 8, "bmi2", 0,     1, 30, "rdrand", 0
    db 1, 5, "vmx", 0,     4, 2, "svm", 0,      1, 21, "x2apic", 0
    db 2, 7, "smep", 0,    2, 20, "smap", 0
    db 255
