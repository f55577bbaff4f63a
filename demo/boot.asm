; boot.asm: the master boot record.
;
; The BIOS loads it to 0:7C00 with the drive number in DL.  It reads the
; sectors that follow, one at a time (so that no transfer crosses a 64 KiB
; boundary), to the addresses that follow: by LBA with INT 13h AH=42h where
; the extensions are there, else by cylinder, head and sector with AH=02h.

    bits 16

boot:
    cli
    cld
    xor ax, ax
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov sp, boot
    jmp 0:.here             ; some BIOSes start us at 07C0:0000
.here:
    sti
    mov [boot_drive], dl

    mov ah, 0x41            ; extensions there?
    mov bx, 0x55AA
    int 0x13
    jc .geometry
    cmp bx, 0xAA55
    jne .geometry
    test cl, 1              ; extended read among them?
    jz .geometry
    mov byte [boot_lba], 1
    jmp .load

.geometry:                  ; AH=08h: DH last head, CL[5:0] sectors a track
    mov dl, [boot_drive]
    mov ah, 0x08
    xor di, di
    push es                 ; it answers a floppy with a pointer in ES:DI
    int 0x13
    pop es
    jc .load                ; keep the defaults
    and cx, 0x3F
    jz .load
    mov [geo_sectors], cx
    mov dl, dh
    xor dh, dh
    inc dx
    mov [geo_heads], dx

.load:
    mov cx, PROGRAM_SECTORS
.next:
    mov byte [tries], 4
.again:
    call read_sector
    jnc .ok
    xor ah, ah              ; reset the drive and try again
    mov dl, [boot_drive]
    int 0x13
    dec byte [tries]
    jnz .again
    mov si, boot_failed
    jmp boot_print
.ok:
    inc dword [dap_lba]
    add word [dap_segment], 512 / 16
    loop .next
    jmp real_start

; read_sector reads sector dap_lba to dap_segment:0.  Carry: it failed.
; Preserves CX.
read_sector:
    push cx
    cmp byte [boot_lba], 0
    je .chs
    mov si, dap
    mov dl, [boot_drive]
    mov ah, 0x42
    int 0x13
    pop cx
    ret
.chs:
    mov ax, [dap_lba]
    xor dx, dx
    div word [geo_sectors]
    mov cx, dx
    inc cx                  ; sectors count from 1
    xor dx, dx
    div word [geo_heads]    ; AX cylinder, DX head
    mov ch, al
    shl ah, 6
    or cl, ah
    mov dh, dl
    mov dl, [boot_drive]
    push es
    mov es, [dap_segment]
    xor bx, bx
    mov ax, 0x0201
    int 0x13
    pop es
    pop cx
    ret

; boot_print writes the string at SI and stops.
boot_print:
    lodsb
    test al, al
    jz .stop
    mov ah, 0x0E
    mov bx, 7
    int 0x10
    jmp boot_print
.stop:
    hlt                     ; interrupts stay on: Ctrl-Alt-Del works
    jmp .stop

boot_failed  db 13, 10, "govm-desktop demo: the disk cannot be read.", 13, 10, 0
boot_drive   db 0
boot_lba     db 0
tries        db 0
geo_sectors  dw SECTORS_PER_TRACK
geo_heads    dw HEADS

    align 4, db 0
dap:                        ; disk address packet of AH=42h
    db 16, 0
    dw 1                    ; one sector
    dw 0                    ; to dap_segment:0
dap_segment dw (0x7C00 + 512) / 16
dap_lba     dd 1, 0

    times 440 - ($ - $$) db 0
    dd 0x4D564F47           ; disk signature, "GOVM"
    dw 0
; One active partition over all but the first sector, its end on the last
; sector of cylinder 0: from it a BIOS derives 16 heads and 63 sectors.
    db 0x80, 0, 2, 0
    db 0xDA, HEADS - 1, SECTORS_PER_TRACK, 0    ; type DAh: no file system
    dd 1, IMAGE_SECTORS - 1
    times 510 - ($ - $$) db 0
    dw 0xAA55
