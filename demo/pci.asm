; pci.asm: enumeration by configuration mechanism #1 (ports CF8h and CFCh),
; and the panel with the devices found.

PCI_ADDRESS equ 0xCF8
PCI_DATA    equ 0xCFC
PCI_MAX     equ 64          ; devices kept
PCI_ENTRY   equ 12          ; configuration address, ID, class and revision

; pci_read: EAX = register EAX[7:0] of the function in EAX[31:8].
; pci_write writes EBX there.
pci_read:
    push edx
    mov dx, PCI_ADDRESS
    out dx, eax
    mov dx, PCI_DATA
    in eax, dx
    pop edx
    ret

pci_write:
    push eax
    push edx
    mov dx, PCI_ADDRESS
    out dx, eax
    mov dx, PCI_DATA
    mov eax, ebx
    out dx, eax
    pop edx
    pop eax
    ret

; pci_scan walks bus 0 and every bus behind a bridge it meets.
pci_scan:
    pushad
    mov dword [pci_bus_count], 1    ; bus 0, by the zeroed variables
    xor esi, esi
.bus:
    movzx eax, byte [pci_buses + esi]
    call pci_scan_bus
    inc esi
    cmp esi, [pci_bus_count]
    jb .bus
    popad
    ret

; pci_scan_bus walks bus EAX.
pci_scan_bus:
    pushad
    shl eax, 16
    or eax, 0x80000000
    mov ebx, eax                    ; EBX: the function
    mov ecx, 32
.device:
    push ebx
    mov edx, 1                      ; functions to look at
.function:
    mov eax, ebx
    call pci_read
    cmp ax, 0xFFFF
    je .absent
    mov edi, eax                    ; ID
    lea eax, [ebx + 0x0C]
    call pci_read
    test eax, 0x800000              ; multi-function, told by function 0
    jz .single
    test bh, 7
    jnz .single
    mov edx, 8
.single:
    call pci_found
.absent:
    add ebx, 0x100
    dec edx
    jnz .function
    pop ebx
    add ebx, 0x800
    loop .device
    popad
    ret

; pci_found keeps function EBX with ID EDI, and the bus behind a bridge; EAX
; is its register 0Ch.
pci_found:
    pushad
    mov esi, eax
    lea eax, [ebx + 8]
    call pci_read
    mov edx, eax                    ; class and revision
    mov ecx, [pci_count]
    inc dword [pci_count]
    cmp ecx, PCI_MAX
    jae .full
    imul ecx, PCI_ENTRY
    add ecx, pci_list
    mov [ecx], ebx
    mov [ecx + 4], edi
    mov [ecx + 8], edx
.full:
    shr edx, 16
    cmp edx, 0x0604                 ; PCI bridge
    jne .ret
    shr esi, 16
    and esi, 0x7F
    cmp esi, 1
    jne .ret
    lea eax, [ebx + 0x18]
    call pci_read
    movzx eax, ah                   ; secondary bus
    mov ecx, ebx
    shr ecx, 16
    cmp al, cl                      ; only downwards: no endless walk
    jbe .ret
    mov ecx, [pci_bus_count]
    cmp ecx, PCI_BUSES
    jae .ret
    mov [pci_buses + ecx], al
    inc dword [pci_bus_count]
.ret:
    popad
    ret

; pci_find: EAX = configuration address of the first function with ID EAX,
; 0 if there is none.
pci_find:
    push ecx
    push esi
    mov esi, pci_list
    mov ecx, PCI_MAX
.next:
    cmp [esi + 4], eax
    je .found
    add esi, PCI_ENTRY
    loop .next
    xor eax, eax
    jmp .ret
.found:
    mov eax, [esi]
.ret:
    pop esi
    pop ecx
    ret

pci_draw:
    pushad
    invoke rows_begin, lay_pci
    mov esi, pci_list
    mov ecx, [pci_count]
    jecxz .none
.next:
    mov eax, [row_y]                ; the last row tells of the rest
    add eax, 18
    cmp eax, [row_limit]
    jle .show
    cmp ecx, 1
    ja .more
.show:
    call pci_row
    add esi, PCI_ENTRY
    cmp esi, pci_list + PCI_MAX * PCI_ENTRY
    jae .more
    loop .next
    jmp .ret
.more:
    mov edi, strbuf
    push esi
    mov esi, text_and
    call sb_str
    mov eax, ecx
    call sb_dec
    mov esi, text_more
    call sb_str
    call sb_end
    pop esi
    invoke draw_text, strbuf, [row_x], [row_y], COLOR_LABEL, -1, [row_max]
    jmp .ret
.none:
    invoke draw_text, text_no_pci, [row_x], [row_y], COLOR_LABEL, -1, [row_max]
.ret:
    popad
    ret

; pci_row writes the row of the entry at ESI: where it is in one colour, what
; it is in another.
pci_row:
    pushad
    mov edi, strbuf
    mov ebx, [esi]
    mov eax, ebx
    shr eax, 16
    mov ecx, 2
    call sb_hex                     ; bus
    mov al, ':'
    stosb
    mov eax, ebx
    shr eax, 11
    and eax, 31
    call sb_hex                     ; device
    mov al, '.'
    stosb
    mov eax, ebx
    shr eax, 8
    and eax, 7
    add al, '0'
    stosb                           ; function
    mov al, ' '
    stosb
    mov eax, [esi + 4]
    mov ecx, 4
    call sb_hex                     ; vendor
    mov al, ':'
    stosb
    mov eax, [esi + 4]
    shr eax, 16
    call sb_hex                     ; device
    cmp dword [row_max], 45         ; the class only where there is room
    jb .narrow
    mov al, ' '
    stosb
    mov eax, [esi + 8]
    shr eax, 16
    call sb_hex
.narrow:
    call sb_end
    mov ecx, [row_max]
    invoke draw_text, strbuf, [row_x], [row_y], COLOR_LABEL, -1, ecx
    sub edi, strbuf
    inc edi
    sub ecx, edi
    lea ebx, [edi * 8]
    add ebx, [row_x]
    call pci_name
    invoke draw_text, eax, ebx, [row_y], COLOR_VALUE, -1, ecx
    add dword [row_y], 18
    popad
    ret

; pci_name: EAX = name of the entry at ESI, by its ID or else by its class.
pci_name:
    push ebx
    push ecx
    push esi
    mov ebx, [esi + 4]
    mov ecx, [esi + 8]
    shr ecx, 16
    mov esi, pci_names
.device:
    lodsd
    test eax, eax
    jz .by_class
    cmp eax, ebx
    je .found
    call .skip
    jmp .device
.by_class:
    mov esi, pci_classes
.class:
    lodsw
    cmp ax, 0xFFFF                  ; ends with a name that fits all
    je .found
    cmp ax, cx
    je .found
    cmp al, 0xFF                    ; any subclass
    jne .other
    cmp ah, ch
    je .found
.other:
    call .skip
    jmp .class
.found:
    mov eax, esi
    pop esi
    pop ecx
    pop ebx
    ret
.skip:
    lodsb
    test al, al
    jnz .skip
    ret

text_and    db "and ", 0
text_more   db " more", 0
text_no_pci db "No PCI bus answers at port CF8h.", 0

%macro pci_id 3                     ; vendor, device, name
    dw %1, %2
    db %3, 0
%endmacro

pci_names:
    pci_id 0x8086, 0x1237, "440FX host bridge"
    pci_id 0x8086, 0x7000, "PIIX3 ISA bridge"
    pci_id 0x8086, 0x7010, "PIIX3 IDE"
    pci_id 0x8086, 0x7020, "PIIX3 USB (UHCI)"
    pci_id 0x8086, 0x7113, "PIIX4 power management"
    pci_id 0x8086, 0x29C0, "Q35 host bridge"
    pci_id 0x8086, 0x2918, "ICH9 LPC bridge"
    pci_id 0x8086, 0x2922, "ICH9 SATA (AHCI)"
    pci_id 0x8086, 0x2930, "ICH9 SMBus"
    pci_id 0x8086, 0x2934, "ICH9 USB (UHCI) 1"
    pci_id 0x8086, 0x2935, "ICH9 USB (UHCI) 2"
    pci_id 0x8086, 0x2936, "ICH9 USB (UHCI) 3"
    pci_id 0x8086, 0x293A, "ICH9 USB 2 (EHCI)"
    pci_id 0x8086, 0x293E, "ICH9 HD audio"
    pci_id 0x8086, 0x2668, "ICH6 HD audio"
    pci_id 0x8086, 0x2415, "82801AA AC'97 audio"
    pci_id 0x8086, 0x100E, "82540EM Ethernet (e1000)"
    pci_id 0x8086, 0x10D3, "82574L Ethernet (e1000e)"
    pci_id 0x8086, 0x244E, "82801 PCI bridge"
    pci_id 0x8086, 0x3420, "5520 PCIe root port"
    pci_id 0x10EC, 0x8139, "RTL8139 Ethernet"
    pci_id 0x10EC, 0x8029, "RTL8029 Ethernet"
    pci_id 0x10EC, 0x8168, "RTL8168 Ethernet"
    pci_id 0x1022, 0x2000, "PCnet Ethernet"
    pci_id 0x1033, 0x0194, "uPD720200 USB 3 (xHCI)"
    pci_id 0x1013, 0x00B8, "Cirrus GD5446"
    pci_id 0x1234, 0x1111, "Bochs VBE display"
    pci_id 0x1274, 0x5000, "ES1370 audio"
    pci_id 0x15AD, 0x0405, "VMware SVGA II"
    pci_id 0x1AF4, 0x1000, "virtio network"
    pci_id 0x1AF4, 0x1001, "virtio disk"
    pci_id 0x1AF4, 0x1002, "virtio balloon"
    pci_id 0x1AF4, 0x1003, "virtio console"
    pci_id 0x1AF4, 0x1004, "virtio SCSI"
    pci_id 0x1AF4, 0x1005, "virtio entropy"
    pci_id 0x1AF4, 0x1009, "virtio 9P"
    pci_id 0x1AF4, 0x1041, "virtio network"
    pci_id 0x1AF4, 0x1042, "virtio disk"
    pci_id 0x1AF4, 0x1043, "virtio console"
    pci_id 0x1AF4, 0x1044, "virtio entropy"
    pci_id 0x1AF4, 0x1045, "virtio balloon"
    pci_id 0x1AF4, 0x1048, "virtio SCSI"
    pci_id 0x1AF4, 0x1050, "virtio display"
    pci_id 0x1AF4, 0x1052, "virtio input"
    pci_id 0x1AF4, 0x1053, "virtio socket"
    pci_id 0x1B36, 0x0001, "Red Hat PCI bridge"
    pci_id 0x1B36, 0x0008, "Red Hat PCIe host bridge"
    pci_id 0x1B36, 0x000C, "Red Hat PCIe root port"
    pci_id 0x1B36, 0x000D, "Red Hat USB 3 (xHCI)"
    pci_id 0x1B36, 0x0010, "Red Hat NVMe"
    pci_id 0x1B36, 0x0100, "QXL display"
    dd 0

%macro pci_class 2                  ; class and subclass, name
    dw %1
    db %2, 0
%endmacro

pci_classes:
    pci_class 0x0100, "SCSI controller"
    pci_class 0x0101, "IDE controller"
    pci_class 0x0104, "RAID controller"
    pci_class 0x0106, "SATA controller"
    pci_class 0x0108, "NVMe controller"
    pci_class 0x01FF, "storage controller"
    pci_class 0x0200, "Ethernet controller"
    pci_class 0x02FF, "network controller"
    pci_class 0x0300, "VGA display"
    pci_class 0x03FF, "display controller"
    pci_class 0x0401, "audio device"
    pci_class 0x0403, "HD audio"
    pci_class 0x04FF, "multimedia device"
    pci_class 0x05FF, "memory controller"
    pci_class 0x0600, "host bridge"
    pci_class 0x0601, "ISA bridge"
    pci_class 0x0604, "PCI bridge"
    pci_class 0x06FF, "bridge"
    pci_class 0x07FF, "communication controller"
    pci_class 0x08FF, "system peripheral"
    pci_class 0x09FF, "input device"
    pci_class 0x0C03, "USB controller"
    pci_class 0x0C05, "SMBus controller"
    pci_class 0x0CFF, "serial bus controller"
    pci_class 0x0DFF, "wireless controller"
    pci_class 0xFFFF, "PCI device"
