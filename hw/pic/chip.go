package pic

import "govm-desktop/snapshot"

// Bits of the command words (8259A datasheet, figures 7 to 10).
const (
	icw1     = 1 << 4 // in a write to A0: this is ICW1
	icw1IC4  = 1 << 0
	icw1SNGL = 1 << 1
	icw1LTIM = 1 << 3
	icw4AEOI = 1 << 1
	icw4SFNM = 1 << 4
	ocw3     = 1 << 3 // in a write to A0: this is OCW3
	ocw3RIS  = 1 << 0
	ocw3RR   = 1 << 1
	ocw3P    = 1 << 2
	ocw3SMM  = 1 << 5
	ocw3ESMM = 1 << 6
)

// chip is one 8259A. The PIC's mu guards it.
type chip struct {
	slave bool

	irr, imr, isr uint8
	level         uint8 // of the inputs
	elcr          uint8 // inputs that are level-triggered
	base          uint8 // vector of input 0
	highest       uint8 // the input that has the highest priority; the others follow upwards
	expect        uint8 // the next initialisation word, 2 to 4; 0: none
	ltim          bool  // every input is level-triggered
	single        bool
	needICW4      bool
	readISR       bool
	poll          bool
	smm           bool // special mask mode
	aeoi          bool
	rotateAEOI    bool
	sfnm          bool // special fully nested mode
}

func (c *chip) state(s *snapshot.Coder) {
	snapshot.Field(s, "irr", &c.irr)
	snapshot.Field(s, "imr", &c.imr)
	snapshot.Field(s, "isr", &c.isr)
	snapshot.Field(s, "level", &c.level)
	snapshot.Field(s, "elcr", &c.elcr)
	snapshot.Field(s, "base", &c.base)
	snapshot.Field(s, "highest", &c.highest)
	snapshot.Field(s, "expect", &c.expect)
	snapshot.Field(s, "ltim", &c.ltim)
	snapshot.Field(s, "single", &c.single)
	snapshot.Field(s, "needicw4", &c.needICW4)
	snapshot.Field(s, "readisr", &c.readISR)
	snapshot.Field(s, "poll", &c.poll)
	snapshot.Field(s, "smm", &c.smm)
	snapshot.Field(s, "aeoi", &c.aeoi)
	snapshot.Field(s, "rotateaeoi", &c.rotateAEOI)
	snapshot.Field(s, "sfnm", &c.sfnm)
	c.highest &= 7
}

// levels are the inputs that are level-triggered.
func (c *chip) levels() uint8 {
	if c.ltim {
		return 0xff
	}
	return c.elcr
}

// input sets the level of an input.
func (c *chip) input(n uint, high bool) {
	bit := uint8(1) << n
	rose := high && c.level&bit == 0
	if high {
		c.level |= bit
	} else {
		c.level &^= bit
	}
	switch {
	case rose:
		c.irr |= bit
	case !high && c.levels()&bit != 0:
		c.irr &^= bit
	}
}

// cascaded is input 2 of the master: the slave's output holds it, unlike an edge it goes away with it.
func (c *chip) cascaded(high bool) {
	const bit = 1 << cascade
	if high {
		c.level |= bit
		c.irr |= bit
	} else {
		c.level &^= bit
		c.irr &^= bit
	}
}

// rank is the place of the first of the inputs in set in the present order of priority, 8 if there is none.
func (c *chip) rank(set uint8) uint8 {
	for i := range uint8(8) {
		if set&(1<<((c.highest+i)&7)) != 0 {
			return i
		}
	}
	return 8
}

// pending is the input whose interrupt is due, if any is.
func (c *chip) pending() (uint8, bool) {
	r := c.rank(c.irr &^ c.imr)
	if r == 8 {
		return 0, false
	}
	serving := c.isr
	if c.smm {
		serving &^= c.imr
	}
	if c.sfnm && !c.slave {
		serving &^= 1 << cascade // the slave sorts its own out
	}
	if c.smm {
		// Every input that is not itself in service may interrupt (datasheet, "special mask mode").
		r = c.rank(c.irr &^ c.imr &^ serving)
		if r == 8 {
			return 0, false
		}
	} else if r >= c.rank(serving) {
		return 0, false
	}
	return (c.highest + r) & 7, true
}

// take moves an input from request to service, as an INTA cycle does.
func (c *chip) take(n uint8) {
	bit := uint8(1) << n
	if c.levels()&bit == 0 {
		c.irr &^= bit
	}
	if !c.aeoi {
		c.isr |= bit
	} else if c.rotateAEOI {
		c.highest = (n + 1) & 7
	}
}

// pollRead is a read after the poll command: it takes the interrupt like an INTA cycle.
func (c *chip) pollRead() uint8 {
	c.poll = false
	n, ok := c.pending()
	if !ok {
		return 0
	}
	c.take(n)
	return 0x80 | n
}

// initialise is ICW1.
func (c *chip) initialise(v uint8) {
	c.irr &= c.levels() & c.level // the edge latches are cleared: a low-to-high transition is needed anew
	c.imr, c.isr, c.highest = 0, 0, 0
	c.smm, c.readISR, c.poll = false, false, false
	c.aeoi, c.rotateAEOI, c.sfnm = false, false, false
	c.ltim = v&icw1LTIM != 0
	c.single = v&icw1SNGL != 0
	c.needICW4 = v&icw1IC4 != 0
	c.expect = 2
	if c.ltim {
		c.irr = c.level
	}
}

// writeData is a write with A0 = 1: the initialisation word that is due, else OCW1.
func (c *chip) writeData(v uint8) {
	switch c.expect {
	case 2:
		c.base = v & 0xf8
		c.expect = 3
		if c.single {
			c.after3()
		}
	case 3:
		c.after3() // who hangs where is wired
	case 4:
		c.sfnm = v&icw4SFNM != 0
		c.aeoi = v&icw4AEOI != 0
		c.expect = 0
	default:
		c.imr = v
	}
}

func (c *chip) after3() {
	c.expect = 0
	if c.needICW4 {
		c.expect = 4
	}
}

// writeOCW2 ends interrupts and turns priorities (datasheet, figure 8).
func (c *chip) writeOCW2(v uint8) {
	n := v & 7
	switch v >> 5 {
	case 0: // rotate in automatic EOI mode: clear
		c.rotateAEOI = false
	case 4:
		c.rotateAEOI = true
	case 1, 5: // non-specific EOI, and rotate
		serving := c.isr
		if c.smm {
			serving &^= c.imr
		}
		r := c.rank(serving)
		if r == 8 {
			return
		}
		n = (c.highest + r) & 7
		c.isr &^= 1 << n
		if v>>5 == 5 {
			c.highest = (n + 1) & 7
		}
	case 3: // specific EOI
		c.isr &^= 1 << n
	case 7:
		c.isr &^= 1 << n
		c.highest = (n + 1) & 7
	case 6: // set priority
		c.highest = (n + 1) & 7
	}
}

// writeOCW3 chooses what reads return, and special mask mode.
func (c *chip) writeOCW3(v uint8) {
	if v&ocw3P != 0 {
		c.poll = true
	}
	if v&ocw3RR != 0 {
		c.readISR = v&ocw3RIS != 0
	}
	if v&ocw3ESMM != 0 {
		c.smm = v&ocw3SMM != 0
	}
}
