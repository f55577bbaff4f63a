; demo.asm: the demo guest of govm-desktop, a flat disk image.
;
; Build: nasm -f bin -o demo.img demo.asm   (go generate does it)
;
; One flat binary: the first 512 bytes are the master boot record; it loads
; the sectors behind it to the addresses behind itself, so that the whole
; program has a single origin, 0x7C00.  It then asks the BIOS for what only
; the BIOS knows (memory map, font, graphics mode), goes to 32-bit protected
; mode and from there on talks to the hardware alone: two 8259s, the 8254,
; the MC146818, the i8042, PCI configuration mechanism #1 and ACPI.  Nothing
; here knows in which machine, real or not, it runs.
;
; Memory while it runs
;
;   0x00007C00  boot sector, then the program        (up to 0x1FFFF)
;   0x00020000  what the BIOS told us: E820 map, VBE blocks, font
;   0x00022000  variables (zeroed at the start)
;   0x00070000  top of the stack
;   0x00100000  back buffer: the picture, 32 bits a pixel, without the pointer

    org 0x7C00

SECTORS_PER_TRACK equ 63
HEADS             equ 16
IMAGE_SECTORS     equ SECTORS_PER_TRACK * HEADS     ; one whole cylinder

E820_BUF   equ 0x20000      ; 64 entries of 24 bytes
E820_MAX   equ 64
VBE_INFO   equ 0x20800      ; VbeInfoBlock, 512 bytes
VBE_MODE   equ 0x20C00      ; ModeInfoBlock, 256 bytes
VBE_OEM    equ 0x20E00      ; copy of the OEM string, 64 bytes
FONT       equ 0x21000      ; 256 glyphs of 8x16
BSS        equ 0x22000
STACK_TOP  equ 0x70000
BACK       equ 0x100000
PROGRAM_END_MAX equ 0x20000

%include "macros.asm"
%include "boot.asm"         ; master boot record
%include "real.asm"         ; real mode: BIOS services, mode switch
%include "main.asm"         ; protected mode: start and main loop
%include "irq.asm"          ; IDT, 8259, 8254, exceptions
%include "rtc.asm"          ; MC146818 and the clock in the title bar
%include "video.asm"        ; back buffer, shapes, copying to the screen
%include "text.asm"         ; font, strings
%include "machine.asm"      ; CPUID and the panel "Machine"
%include "pci.asm"          ; PCI enumeration and its panel
%include "i8042.asm"        ; controller, shared interrupt, set-up
%include "keyboard.asm"     ; scan codes, layout, lights
%include "mouse.asm"        ; packets, pointer
%include "editor.asm"       ; the text box
%include "power.asm"        ; reset, ACPI power off
%include "panels.asm"       ; layout and everything static
%include "vars.asm"         ; variables (no bytes in the image)

    times IMAGE_SECTORS * 512 - ($ - $$) db 0
