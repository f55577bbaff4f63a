package layout

import "govm-desktop/input"

// Char is the character that a key gives with these modifiers; false: it gives none, as a dead key does.
func (l *Layout) Char(c input.Code, shift, altGr, caps bool) (rune, bool) {
	if int(c) >= len(l.syms) || l.syms[c] == nil {
		return 0, false
	}
	level := 0
	if shift {
		level |= 1
	}
	if altGr {
		level |= 2
	}
	if caps {
		level |= 4
	}
	sym := l.syms[c][level]
	switch {
	case sym >= ' ' && sym < 0x7f, sym >= 0xa0 && sym <= 0xff:
		return rune(sym), true
	case sym >= unicode+0x100 && sym <= unicode+0x10ffff:
		return rune(sym - unicode), true
	}
	return 0, false
}

// AltGr is the key that chooses the third level; 0: the layout has none.
func (l *Layout) AltGr() input.Code { return l.level3 }
