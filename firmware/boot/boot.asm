; boot.asm: the option ROM that starts a kernel given to the virtual machine.
;
; It is a boot entry (BIOS Boot Specification 1.01, BEV) that the BIOS calls when it boots. It looks for the file
; opt/govm-desktop/boot in fw_cfg, has fw_cfg's DMA put the pieces of the kernel where the file says, adds what only the BIOS
; knows (map of memory, ACPI's root pointer), and enters the kernel: in real mode for the Linux boot protocol, in 32-bit
; protected mode without paging for PVH and Multiboot. See plan.go for the file.
;
; Size and checksums are filled in by whoever embeds the image. Assemble: nasm -f bin -o boot.bin boot.asm

    cpu 486
    bits 16
    org 0

; fw_cfg
SELECTOR    equ 0x510
DATA        equ 0x511
DMA_HIGH    equ 0x514
DMA_LOW     equ 0x518
KEY_ID      equ 1
KEY_DIR     equ 0x19
DMA_READ    equ 2
DMA_SKIP    equ 4
DMA_SELECT  equ 8

; Memory below 8000h that is ours. The plan uses 8000h and up.
STACK       equ 0x7c00
desc        equ 0x7c00          ; DMA descriptor: control, length, address (64 bits), big-endian
key         equ 0x7c10          ; the file's, shifted to the upper half of a control word
count       equ 0x7c14          ; entries in the map of memory
rsdp        equ 0x7c18
upper       equ 0x7c1c          ; KiB from 1 MiB on
gdtr        equ 0x7c20
head        equ 0x7c30          ; header of the file, 32 bytes
h_kind      equ head + 8        ; 1 Linux, 2 PVH, 3 Multiboot
h_loads     equ head + 12
h_entry     equ head + 16       ; segment, or address
h_info      equ head + 20       ; stack pointer, or address of the structure for the kernel
h_map       equ head + 24       ; where the map of memory goes
h_mapmax    equ head + 28
load        equ 0x7c50          ; an entry: offset in the file, length, address, flags (1: zeros)
buffer      equ 0x7c60          ; 64 bytes
HEAD_SIZE   equ 32
LOAD_SIZE   equ 16

    db 0x55, 0xaa
    db 0                        ; size in 512 bytes
    jmp init
    times 0x18 - ($ - $$) db 0
    dw 0                        ; no PCI data
    dw pnp

    times 0x20 - ($ - $$) db 0
pnp:                            ; expansion header
    db '$PnP', 1, 2
    dw 0
    db 0
    db 0                        ; checksum
    dd 0
    dw maker, product
    db 0, 0, 0                  ; no type
    db 0
    dw 0, 0                     ; no BCV, no disconnect vector
    dw boot                     ; BEV
    dw 0, 0

maker:   db 'govm-desktop', 0
product: db 'kernel given on the command line', 0
name:    db 'opt/govm-desktop/boot', 0
NAME_SIZE equ $ - name
magic:   db 'GOVMBOOT'

no_dma:  db 'boot: fw_cfg has no DMA', 13, 10, 0
no_file: db 'boot: fw_cfg has no opt/govm-desktop/boot', 13, 10, 0
bad_dma: db 'boot: cannot load: the kernel does not fit in memory, or its file cannot be read', 13, 10, 0
bad_file: db 'boot: the boot file is of another version', 13, 10, 0

; The BIOS calls this when it finds the ROM.
init:
    mov ax, 0x0020              ; there is something to boot
    retf

; The BIOS calls this to boot. What cannot be booted goes on to the next device by INT 18h.
boot:
    cli
    cld
    xor ax, ax
    mov ss, ax
    mov sp, STACK
    mov ds, ax
    mov es, ax
    sti
    mov si, no_dma
    call check_fwcfg
    jc fail
    mov si, no_file
    call find_file
    jc fail
    xor eax, eax                ; the header
    mov ecx, HEAD_SIZE
    mov ebx, head
    call read_at
    mov si, magic
    mov di, head
    mov cx, 8
    cs rep cmpsb
    mov si, bad_file
    jne fail
    call load_all
    cmp byte [h_kind], 1
    je enter_linux
    call memory_map
    cmp byte [h_kind], 2
    je enter_pvh
    jmp enter_multiboot

; Prints the text at CS:SI and gives up.
fail:
    cs lodsb
    test al, al
    jz .done
    mov ah, 0x0e
    mov bx, 7
    int 0x10
    jmp fail
.done:
    int 0x18
    cli
    hlt
    jmp .done

; Sets CF unless there is a fw_cfg with DMA.
check_fwcfg:
    mov ax, KEY_ID
    mov dx, SELECTOR
    out dx, ax
    mov dx, DATA
    in al, dx
    and al, 0xfe                ; bit 0 is always set
    cmp al, 2                   ; ports without a device read as ones
    je .ok
    stc
.ok:
    ret

; Finds the file and keeps its key; sets CF if there is none.
find_file:
    mov ax, KEY_DIR
    mov dx, SELECTOR
    out dx, ax
    mov dx, DATA
    mov di, buffer
    mov cx, 4
    rep insb
    mov ebp, [buffer]
    bswap ebp
.next:
    test ebp, ebp
    jz .none
    dec ebp
    mov di, buffer
    mov cx, 64
    rep insb
    mov si, name
    mov di, buffer + 8
    mov cx, NAME_SIZE
    cs rep cmpsb
    jne .next
    mov ax, [buffer + 4]
    xchg al, ah
    mov [key + 2], ax
    mov word [key], 0
    clc
    ret
.none:
    stc
    ret

; Puts each piece of the kernel in its place.
load_all:
    mov ebp, HEAD_SIZE
.next:
    cmp dword [h_loads], 0
    je .done
    dec dword [h_loads]
    mov eax, ebp
    mov ecx, LOAD_SIZE
    mov ebx, load
    call read_at
    add ebp, LOAD_SIZE
    mov eax, [load]
    test byte [load + 12], 1
    jz .read
    mov eax, 0xffffffff         ; fw_cfg gives zeros past the end of a file
.read:
    mov ecx, [load + 4]
    mov ebx, [load + 8]
    call read_at
    jmp .next
.done:
    ret

; Copies ECX bytes from offset EAX of the file to address EBX.
read_at:
    push ecx
    push ebx
    mov ecx, eax
    mov eax, [key]
    or eax, DMA_SELECT | DMA_SKIP
    call dma
    pop ebx
    pop ecx
    mov eax, DMA_READ

; Carries out the request EAX on ECX bytes and address EBX.
dma:
    bswap eax
    bswap ecx
    bswap ebx
    mov [desc], eax
    mov [desc + 4], ecx
    mov dword [desc + 8], 0
    mov [desc + 12], ebx
    mov dx, DMA_HIGH
    xor eax, eax
    out dx, eax
    mov dx, DMA_LOW
    mov eax, desc
    bswap eax
    out dx, eax
.wait:
    mov eax, [desc]
    bswap eax
    test eax, ~1
    jnz .wait
    test al, al
    mov si, bad_dma
    jnz fail
    ret

; Writes the BIOS's map of memory: entries of 24 bytes, which for PVH are address, size, kind and nothing; for Multiboot the number
; 20, address, size and kind. Finds how much memory there is from 1 MiB on.
memory_map:
    mov word [count], 0
    mov dword [upper], 0
    mov di, [h_map]
    xor ebx, ebx
.next:
    mov ax, [count]
    cmp ax, [h_mapmax]
    jae .done
    push di
    mov dword [di + 20], 0
    cmp byte [h_kind], 3
    jne .ask
    mov dword [di], 20
    add di, 4
.ask:
    mov eax, 0xe820
    mov edx, 0x534d4150         ; "SMAP"
    mov ecx, 20
    int 0x15
    jc .end
    cmp eax, 0x534d4150
    jne .end
    cmp dword [di], 0x100000    ; memory from 1 MiB on?
    jne .keep
    cmp dword [di + 4], 0
    jne .keep
    cmp dword [di + 16], 1
    jne .keep
    mov eax, [di + 8]
    mov edx, [di + 12]
    shrd eax, edx, 10
    mov [upper], eax
.keep:
    mov eax, [di + 8]           ; empty entries are left out
    or eax, [di + 12]
    pop di
    jz .more
    inc word [count]
    add di, 24
.more:
    test ebx, ebx
    jnz .next
.done:
    ret
.end:
    pop di
    ret

; Finds ACPI's root pointer: in the first KiB of the extended BIOS data area, or from E0000h to FFFFFh. 0: none.
find_rsdp:
    mov dword [rsdp], 0
    mov ax, [0x40e]
    mov cx, 64
    test ax, ax
    jz .bios
    call .search
    je .found
.bios:
    mov ax, 0xe000
    mov cx, 0x2000
    call .search
    jne .none
.found:
    xor eax, eax
    mov ax, es
    shl eax, 4
    mov [rsdp], eax
.none:
    xor ax, ax
    mov es, ax
    ret
.search:                        ; CX paragraphs from segment AX; sets ZF if found, in ES
    mov es, ax
    cmp dword [es:0], 'RSD '
    jne .other
    cmp dword [es:4], 'PTR '
    je .same
.other:
    inc ax
    loop .search
    or cl, 1                    ; clears ZF
.same:
    ret

; Linux boot protocol, in real mode.
enter_linux:
    cli
    mov ax, [h_entry]
    mov bx, [h_info]
    mov ss, ax
    mov sp, bx
    mov ds, ax
    mov es, ax
    mov fs, ax
    mov gs, ax
    add ax, 0x20                ; the setup code begins after the first sector
    push ax
    push word 0
    retf

; PVH: EBX is the address of hvm_start_info.
enter_pvh:
    call find_rsdp
    mov bx, [h_info]
    mov eax, [rsdp]
    mov [bx + 32], eax          ; rsdp_paddr
    movzx eax, word [count]
    mov [bx + 48], eax          ; memmap_entries
    xor edi, edi
    jmp enter_32

; Multiboot: EBX is the address of the boot information, EAX its magic number.
enter_multiboot:
    mov si, [h_info]
    int 0x12
    movzx eax, ax
    mov [si + 4], eax           ; mem_lower
    mov eax, [upper]
    mov [si + 8], eax           ; mem_upper
    movzx eax, word [count]
    imul eax, eax, 24
    mov [si + 44], eax          ; mmap_length
    mov edi, 0x2badb002

; Enters at h_entry in flat 32-bit protected mode, EAX as EDI, EBX as h_info.
enter_32:
    cli
    in al, 0x92                 ; address line 20
    or al, 2
    and al, 0xfe
    out 0x92, al
    mov ebx, [h_info]
    mov esi, [h_entry]
    xor eax, eax
    mov ax, cs
    shl eax, 4
    lea ecx, [eax + flat]
    add eax, gdt
    mov word [gdtr], gdt_end - gdt - 1
    mov [gdtr + 2], eax
    o32 lgdt [gdtr]
    mov eax, cr0
    or al, 1
    mov cr0, eax
    push dword 0x08
    push ecx
    o32 retf

    bits 32
flat:
    mov eax, 0x10
    mov ds, eax
    mov es, eax
    mov fs, eax
    mov gs, eax
    mov ss, eax
    mov esp, STACK
    mov eax, edi
    xor ecx, ecx
    xor edx, edx
    xor edi, edi
    xor ebp, ebp
    jmp esi

    align 8
gdt:
    dq 0
    dq 0x00cf9b000000ffff       ; 08h: code
    dq 0x00cf93000000ffff       ; 10h: data
gdt_end:
