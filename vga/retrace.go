package vga

import "govm-desktop/clock"

const (
	statusNotDisplaying = 0x01
	statusVRetrace      = 0x08

	lineTime = 31778 // nanoseconds: 31.469 kHz, the line rate of all VGA modes
)

// retrace is input status 1 as the beam would have it: frames by the CRT controller's vertical numbers, lines at VGA's rate.
func (r *regs) retrace(now clock.Time) uint8 {
	over := int(r.crtc[crOverflow])
	total := int(r.crtc[crVTotal]) | over<<8&0x100 | over<<4&0x200
	total += 2
	shown := r.vDispEnd()
	if r.vbe() || total < 300 || total > 800 {
		total, shown = 525, 480
	}
	if shown >= total {
		shown = total * 9 / 10
	}
	sync := int(r.crtc[crVSyncStart]) | over<<6&0x100 | over<<2&0x200
	if sync < shown || sync >= total {
		sync = shown + (total-shown)/4
	}
	pos := int(uint64(now) % uint64(total*lineTime))
	line, dot := pos/lineTime, pos%lineTime
	var s uint8
	if line >= shown || dot >= lineTime*4/5 {
		s |= statusNotDisplaying
	}
	if line >= sync {
		s |= statusVRetrace
	}
	return s
}

// vDispEnd is the number of lines shown.
func (r *regs) vDispEnd() int {
	over := int(r.crtc[crOverflow])
	return (int(r.crtc[crVDispEnd]) | over<<7&0x100 | over<<3&0x200) + 1
}
