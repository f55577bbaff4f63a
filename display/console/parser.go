package console

import "unicode/utf8"

// state is where a parser is, after Paul Williams' diagram of DEC's VT500 parser (vt100.net/emu/dec_ansi_parser), with UTF-8 in place of 8-bit controls.
type state uint8

const (
	ground     state = iota
	escape           // ESC
	escInter         // ESC and intermediates
	csiParam         // CSI and parameters
	csiInter         // CSI, parameters and intermediates
	csiIgnore        // a control sequence that means nothing
	stringBody       // OSC, DCS, SOS, PM, APC: not shown
	stringEsc        // ESC in one of them
)

// Bounds on what a sequence can have.
const (
	maxParams = 32
	maxParam  = 1 << 15
	maxString = 64 << 10
)

// parser cuts what is written into characters, controls and sequences.
type parser struct {
	state  state
	params [maxParams]int // -1: left out
	n      int            // of params
	sub    uint32         // bit i: params[i] follows a colon
	prefix byte           // '?', '>', '=', '<' or 0
	inter  byte           // the last intermediate, or 0
	length int            // of a string
	osc    bool           // the string is an OSC, which BEL ends too
	utf    [utf8.UTFMax]byte
	nutf   int
}

// actor does what a parser has understood.
type actor interface {
	print(r rune)
	control(b byte)
	esc(inter, final byte)
	csi(p *parser, final byte)
}

// feed takes bytes in pieces of any size.
func (p *parser) feed(data []byte, a actor) {
	for _, b := range data {
		switch {
		case p.state == ground && p.nutf == 0 && b >= 0x20 && b < 0x7f:
			a.print(rune(b))
		case p.state == ground && (p.nutf > 0 || b >= 0x80):
			p.character(b, a)
		default:
			p.step(b, a)
		}
	}
}

// character collects UTF-8. What is none shows as U+FFFD, and starts anew where it can.
func (p *parser) character(b byte, a actor) {
	if p.nutf > 0 && b&0xc0 != 0x80 {
		p.nutf = 0
		a.print(utf8.RuneError)
		p.feed([]byte{b}, a)
		return
	}
	p.utf[p.nutf] = b
	p.nutf++
	if !utf8.FullRune(p.utf[:p.nutf]) && p.nutf < utf8.UTFMax {
		return
	}
	r, size := utf8.DecodeRune(p.utf[:p.nutf])
	rest := p.utf
	n := p.nutf
	p.nutf = 0
	if r >= 0x80 && r < 0xa0 {
		r = utf8.RuneError // C1 controls are not taken in this form
	}
	a.print(r)
	if size < n {
		p.feed(rest[size:n], a)
	}
}

func (p *parser) clear() {
	p.n, p.sub, p.prefix, p.inter = 0, 0, 0, 0
}

// step takes a byte outside of plain text.
func (p *parser) step(b byte, a actor) {
	switch p.state {
	case stringBody, stringEsc:
		p.inString(b, a)
		return
	}
	switch {
	case b == 0x1b:
		p.clear()
		p.state = escape
	case b == 0x18 || b == 0x1a: // CAN, SUB
		p.state = ground
	case b < 0x20:
		a.control(b)
	case b == 0x7f:
	case b >= 0x80 && p.state != ground:
		p.state = ground
		p.character(b, a)
	case p.state == escape || p.state == escInter:
		p.inEscape(b, a)
	case p.state != ground:
		p.inCSI(b, a)
	}
}

func (p *parser) inEscape(b byte, a actor) {
	switch {
	case b < 0x30:
		p.inter, p.state = b, escInter
	case p.state == escInter:
		p.state = ground
		a.esc(p.inter, b)
	case b == '[':
		p.state = csiParam
	case b == ']' || b == 'P' || b == 'X' || b == '^' || b == '_':
		p.state, p.length, p.osc = stringBody, 0, b == ']'
	default:
		p.state = ground
		a.esc(0, b)
	}
}

func (p *parser) inCSI(b byte, a actor) {
	switch {
	case b >= 0x40:
		done := p.state != csiIgnore
		p.state = ground
		if done {
			a.csi(p, b)
		}
	case p.state == csiIgnore:
	case b < 0x30:
		p.inter, p.state = b, csiInter
	case p.state == csiInter:
		p.state = csiIgnore
	case b >= 0x3c:
		if p.n > 0 || p.prefix != 0 {
			p.state = csiIgnore
			return
		}
		p.prefix = b
	default:
		p.param(b)
	}
}

// param takes a digit, a semicolon or a colon.
func (p *parser) param(b byte) {
	if p.n == 0 {
		p.params[0], p.n = -1, 1
	}
	if b >= ':' {
		if p.n == maxParams {
			p.state = csiIgnore
			return
		}
		p.params[p.n] = -1
		if b == ':' {
			p.sub |= 1 << p.n
		}
		p.n++
		return
	}
	v := &p.params[p.n-1]
	*v = min(max(*v, 0)*10+int(b-'0'), maxParam)
}

// inString passes over a string: up to ST, to BEL in an OSC, or to the bound.
func (p *parser) inString(b byte, a actor) {
	p.length++
	switch {
	case b == 0x18 || b == 0x1a || p.length > maxString || b == 0x07 && p.osc:
		p.state = ground
	case p.state == stringEsc:
		p.clear()
		p.state = escape
		if b != '\\' {
			p.step(b, a)
			return
		}
		p.state = ground
	case b == 0x1b:
		p.state = stringEsc
	}
}

// arg is a parameter, def when it is left out or (for counts and places, whose default is 1) zero.
func (p *parser) arg(i, def int) int {
	if i >= p.n || p.params[i] < 0 || p.params[i] == 0 && def == 1 {
		return def
	}
	return p.params[i]
}
