; power.asm: reset, and power off as ACPI describes it (ACPI 6, 4.8.3.2 and
; 7.4.2): sleep type and SLP_EN written to the PM1 control registers, whose
; addresses the FADT gives and whose sleep type the object _S5 in the DSDT.

SLP_EN equ 1 << 13
SCI_EN equ 1

; power_reset restarts the machine: the i8042's reset line, then port CF9h,
; then a triple fault.
power_reset:
    cli
    mov ecx, 100000
.wait:
    in al, KBC_STATUS
    test al, KBC_IN
    loopnz .wait
    mov al, 0xFE
    out KBC_STATUS, al
    call .pause
    mov dx, 0xCF9
    mov al, 2
    out dx, al
    mov al, 6
    out dx, al
    call .pause
    lidt [no_idt]
    int3
.pause:
    mov eax, 1193 * 50
    call timer_start
.still:
    call timer_expired
    jnc .still
    ret

no_idt:
    dw 0
    dd 0

; power_off tries the ACPI tables, then a PIIX4 found on the PCI bus.
power_off:
    pushad
    invoke help_note, text_off
    call acpi_find
    jc .piix4
    call acpi_off
.piix4:
    mov eax, 0x71138086             ; PIIX4 power management
    call pci_find
    test eax, eax
    jz .failed
    mov ebx, eax
    lea eax, [ebx + 0x80]           ; PMREGMISC: decoding on?
    call pci_read
    test al, 1
    jz .failed
    lea eax, [ebx + 0x40]           ; PMBA
    call pci_read
    and eax, 0xFFC0
    jz .failed
    lea edx, [eax + 4]              ; PMCNTRL; 0 is soft off here
    mov ax, SLP_EN
    out dx, ax
    call power_wait
.failed:
    invoke help_note, text_off_failed
    popad
    ret

text_off        db "Switching off ...", 0
text_off_failed db "This machine did not switch itself off. You may switch it off now.", 0

; power_wait gives the machine half a second to go.
power_wait:
    push eax
    push ecx
    mov ecx, 10
.part:
    mov eax, 1193 * 50
    call timer_start
.still:
    call timer_expired
    jnc .still
    loop .part
    pop ecx
    pop eax
    ret

; acpi_find finds the FADT: ESI.  Carry: there is none.
acpi_find:
    movzx esi, word [0x40E]         ; segment of the extended BIOS data area
    shl esi, 4
    mov ecx, 1024 / 16
    call find_rsdp
    jnc .rsdp
    mov esi, 0xE0000
    mov ecx, 0x20000 / 16
    call find_rsdp
    jc .ret
.rsdp:
    mov edx, 4                      ; size of an entry
    mov ebx, [esi + 16]             ; RSDT
    test ebx, ebx
    jnz .table
    mov edx, 8
    cmp byte [esi + 15], 2          ; revision: an XSDT is there
    jb .none
    cmp dword [esi + 28], 0
    jne .none
    mov ebx, [esi + 24]
    test ebx, ebx
    jz .none
.table:
    mov ecx, [ebx + 4]              ; length
    cmp ecx, 0x10000
    ja .none
    add ecx, ebx
    add ebx, 36                     ; entries follow the header
.entry:
    lea eax, [ebx + edx]
    cmp eax, ecx
    ja .none
    mov esi, [ebx]
    test esi, esi
    jz .next
    cmp dword [esi], 0x50434146     ; "FACP"
    je .ret                         ; equal: no carry
.next:
    add ebx, edx
    jmp .entry
.none:
    stc
.ret:
    ret

; find_rsdp looks for "RSD PTR " with a right sum in ECX paragraphs from ESI
; on.  Carry: it is not there.
find_rsdp:
.next:
    cmp dword [esi], 0x20445352
    jne .no
    cmp dword [esi + 4], 0x20525450
    jne .no
    xor eax, eax
    xor edx, edx
.sum:
    add al, [esi + edx]
    inc edx
    cmp edx, 20
    jb .sum
    test al, al                     ; clears the carry
    jz .ret
.no:
    add esi, 16
    loop .next
    stc
.ret:
    ret

; acpi_off uses the FADT at ESI.  It returns if the machine stays on.
acpi_off:
    pushad
    call find_s5                    ; BL, BH: sleep types
    jc .ret
    mov edx, [esi + 64]             ; PM1a_CNT_BLK
    test edx, edx
    jz .ret
    in ax, dx
    test al, SCI_EN
    jnz .enabled
    mov edx, [esi + 48]             ; SMI_CMD
    mov al, [esi + 52]              ; ACPI_ENABLE
    test edx, edx
    jz .enabled
    test al, al
    jz .enabled
    out dx, al
    call power_wait
.enabled:
    mov edx, [esi + 64]
    mov cl, bl
    call .sleep
    mov edx, [esi + 68]             ; PM1b_CNT_BLK
    test edx, edx
    jz .wait
    mov cl, bh
    call .sleep
.wait:
    call power_wait
.ret:
    popad
    ret
.sleep:
    in ax, dx
    and ax, ~(7 << 10 | SLP_EN) & 0xFFFF
    movzx cx, cl
    and cx, 7
    shl cx, 10
    or ax, cx
    out dx, ax
    or ax, SLP_EN
    out dx, ax
    ret

; find_s5 looks for Name (_S5, Package () { a, b, ...}) in the DSDT of the
; FADT at ESI: BL = a, BH = b.  Carry: it is not there.
find_s5:
    push ecx
    push edx
    push esi
    mov edx, [esi + 40]             ; DSDT
    test edx, edx
    jz .none
    mov ecx, [edx + 4]
    cmp ecx, 36 + 16
    jb .none
    cmp ecx, 0x400000
    ja .none
    sub ecx, 36 + 16
    add edx, 36
.next:
    cmp dword [edx], 0x5F35535F     ; "_S5_"
    jne .no
    cmp byte [edx + 4], 0x12        ; PackageOp
    jne .no
    cmp byte [edx - 1], 0x08        ; NameOp, or a root prefix after one
    je .found
    cmp word [edx - 2], 0x5C08
    je .found
.no:
    inc edx
    loop .next
.none:
    stc
    jmp .ret
.found:
    movzx eax, byte [edx + 5]       ; PkgLength, then the number of elements
    shr eax, 6
    lea esi, [edx + eax + 7]
    call .element
    mov bl, al
    call .element
    mov bh, al
    clc
.ret:
    pop esi
    pop edx
    pop ecx
    ret
.element:                           ; ZeroOp, OneOp, or a prefix and a value
    lodsb
    cmp al, 0x0A                    ; BytePrefix
    je .byte
    cmp al, 0x0B                    ; WordPrefix
    je .word
    cmp al, 0x0C                    ; DWordPrefix
    je .dword
    ret
.byte:
    lodsb
    ret
.word:
    lodsb
    inc esi
    ret
.dword:
    lodsb
    add esi, 3
    ret
