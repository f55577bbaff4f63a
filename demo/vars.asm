; vars.asm: variables.  They take no room in the image; protected_start zeroes
; them.  Above it, a check that the program fits where it is loaded.

program_end:
PROGRAM_SECTORS equ (program_end - $$ - 512 + 511) / 512

%if (program_end - $$) + 0x7C00 > PROGRAM_END_MAX
  %error "the program runs into the buffers at 0x20000"
%endif

    absolute BSS

; screen
scr_w       resd 1
scr_h       resd 1
scr_bpp     resd 1
lfb         resd 1
lfb_pitch   resd 1
rrect_edge  resd 1
pack_drop   resb 3
pack_place  resb 3
            resb 2

; layout, copied from its table; the order is the table's
lay:        resd 2
lay_title   resd 4
lay_clock   resd 4
lay_machine resd 4
lay_pci     resd 4
lay_type    resd 4
lay_input   resd 4
lay_colors  resd 4
lay_help    resd 4
lay_pointer resd 2
LAY_END:

; interrupts and time
idt         resq 48
ticks       resd 1
events      resd 1
timer_left  resd 1
timer_last  resd 1
now:
now_seconds resd 1
now_minutes resd 1
now_hours   resd 1
now_day     resd 1
now_month   resd 1
now_year    resd 1
now_century resd 1
uptime      resd 1
rtc_quiet   resd 1

; machine
cpu_max       resd 1
cpu_vendor    resd 4
cpu_brand     resd 13
cpu_signature resd 1
cpu_features  resd 5
row_x       resd 1
row_y       resd 1
row_max     resd 1
row_limit   resd 1

; PCI
PCI_BUSES   equ 32
pci_count     resd 1
pci_bus_count resd 1
pci_buses   resb PCI_BUSES
pci_list    resb PCI_MAX * PCI_ENTRY

; keyboard
kbd_ring    resb 256
kbd_head    resb 1
kbd_tail    resb 1
kbc_present resb 1
mods        resb 1
locks       resb 1
locks_held  resb 1
led_state   resb 1          ; 0 idle, 1 EDh sent, 2 its bits sent
led_again   resb 1          ; the locks changed meanwhile
led_since   resd 1
scan_e0     resb 1
scan_skip   resb 1
scan_changed resb 1
lights_shown resb 1
scan_count  resd 1
scan_codes  resb SCAN_KEPT

; mouse
mouse_ring  resb 256
mouse_head  resb 1
mouse_tail  resb 1
mouse_kind  resb 1
mouse_fill  resb 1
mouse_packet resb 4
mouse_since resd 1
mouse_buttons resd 1
shown_buttons resd 1
mouse_x     resd 1
mouse_y     resd 1
mouse_wheel resd 1
shown_x     resd 1
shown_y     resd 1
shown_wheel resd 1
ptr_x       resd 1
ptr_y       resd 1
ptr_shown   resd 1
ptr_image   resd POINTER_W * POINTER_H
line_buffer resd 1024

; panel "Keyboard and mouse"
in_x        resd 1
in_w        resd 1
scan_y      resd 1
lights_y    resd 1
pic_x       resd 1
pic_y       resd 1
pic_w       resd 1
pic_h       resd 1
pic_text_x  resd 1
help_long   resd 1

; text
strbuf      resb 256
big_p       resb 1
big_a       resb 1
big_b       resb 1
big_c       resb 1
big_d       resb 1
            resb 3

; text box
ed_x        resd 1
ed_y        resd 1
ed_cols     resd 1
ed_rows     resd 1
ed_top      resd 1
ed_len      resd 1
ed_cur      resd 1
ed_row      resd 1
ed_col      resd 1
ed_want     resd 1
ed_want_col resd 1
ed_found    resd 1
ed_color    resd 1
ed_fill     resd 1
ed_text     resb ED_SIZE
ed_cells    resb ED_STRIDE * ED_ROWS
ed_shown    resb ED_STRIDE * ED_ROWS

    alignb 4
BSS_END:

%if LAY_END - lay != LAYOUT_SIZE
  %error "the layout table and its variables differ"
%endif

    section .text
