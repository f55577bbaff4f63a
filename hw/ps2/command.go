package ps2

// Commands of the controller (port 64).
const (
	cmdReadRAM    = 0x20 // to 3f
	cmdWriteRAM   = 0x60 // to 7f
	cmdPassword   = 0xa4
	cmdAuxOff     = 0xa7
	cmdAuxOn      = 0xa8
	cmdAuxTest    = 0xa9
	cmdSelfTest   = 0xaa
	cmdKbdTest    = 0xab
	cmdKbdOff     = 0xad
	cmdKbdOn      = 0xae
	cmdReadInput  = 0xc0
	cmdReadOut    = 0xd0
	cmdWriteOut   = 0xd1
	cmdWriteObf   = 0xd2
	cmdWriteAux   = 0xd3
	cmdToAux      = 0xd4
	cmdA20Off     = 0xdd
	cmdA20On      = 0xdf
	cmdTestInputs = 0xe0
	cmdPulse      = 0xf0 // to ff
)

// command is a write to port 64. It reports whether the processor is reset.
// Preconditions: mu is held.
func (c *Controller) command(v uint8) (reset bool) {
	c.pending = 0
	switch {
	case v&0xe0 == cmdReadRAM:
		c.reply(c.ram[v&31], fromController)
		return false
	case v&0xe0 == cmdWriteRAM:
		c.pending = v
		return false
	case v >= cmdPulse:
		return v&outReset == 0 // bits that are 0 pulse low
	}
	switch v {
	case cmdPassword:
		c.reply(0xf1, fromController) // none is set
	case cmdAuxOff:
		c.ram[0] |= modeAuxOff
	case cmdAuxOn:
		c.ram[0] &^= modeAuxOff
	case cmdAuxTest, cmdKbdTest, cmdTestInputs:
		c.reply(0, fromController)
	case cmdSelfTest:
		c.ram[0] |= modeSYS
		c.reply(0x55, fromController)
	case cmdKbdOff:
		c.ram[0] |= modeKbdOff
	case cmdKbdOn:
		c.ram[0] &^= modeKbdOff
	case cmdReadInput:
		c.reply(inputPort, fromController)
	case cmdReadOut:
		c.reply(c.outputPort(), fromController)
	case cmdWriteOut, cmdWriteObf, cmdWriteAux, cmdToAux:
		c.pending = v
	case cmdA20Off:
		return c.writeOut(c.out &^ outA20)
	case cmdA20On:
		return c.writeOut(c.out | outA20)
	}
	return false
}

// writeData is a write to port 60: a command's data, else for the keyboard.
// Preconditions: mu is held.
func (c *Controller) writeData(v uint8) (reset bool) {
	cmd := c.pending
	c.pending = 0
	switch {
	case cmd&0xe0 == cmdWriteRAM:
		c.ram[cmd&31] = v
	case cmd == cmdWriteOut:
		return c.writeOut(v)
	case cmd == cmdWriteObf:
		c.reply(v, fromKeyboard)
	case cmd == cmdWriteAux:
		c.reply(v, fromMouse)
	case cmd == cmdToAux:
		c.ram[0] &^= modeAuxOff // talking to a device lets its clock run
		c.mouse.write(v)
	default:
		c.ram[0] &^= modeKbdOff
		c.holdBack()
		c.kbd.write(v)
	}
	return false
}

// holdBack takes a key's byte that nobody has read yet out of the buffer, until the command that is being written is answered: a driver that
// waits for the answer takes whatever comes first for it, and throws away what is none.
func (c *Controller) holdBack() {
	if c.obf && c.scan && !c.saved {
		c.saved, c.savedBy, c.savedAs, c.savedScan = true, fromKeyboard, c.data, true
		c.obf = false
		c.lines()
	}
}

// writeOut sets the output port.
func (c *Controller) writeOut(v uint8) (reset bool) {
	c.out = v | outPullUps
	c.cfg.A20.Set(v&outA20 != 0)
	return v&outReset == 0
}

// outputPort is the port as it reads back, with the interrupt requests on it.
func (c *Controller) outputPort() uint8 {
	v := c.out &^ (outKbdFull | outAuxFull)
	if c.obf {
		if c.obfFrom == fromMouse {
			v |= outAuxFull
		} else {
			v |= outKbdFull
		}
	}
	return v
}

// translation is the controller's table from scan set 2 to scan set 1, for codes below 80.
var translation = [128]uint8{
	0xff, 0x43, 0x41, 0x3f, 0x3d, 0x3b, 0x3c, 0x58, 0x64, 0x44, 0x42, 0x40, 0x3e, 0x0f, 0x29, 0x59,
	0x65, 0x38, 0x2a, 0x70, 0x1d, 0x10, 0x02, 0x5a, 0x66, 0x71, 0x2c, 0x1f, 0x1e, 0x11, 0x03, 0x5b,
	0x67, 0x2e, 0x2d, 0x20, 0x12, 0x05, 0x04, 0x5c, 0x68, 0x39, 0x2f, 0x21, 0x14, 0x13, 0x06, 0x5d,
	0x69, 0x31, 0x30, 0x23, 0x22, 0x15, 0x07, 0x5e, 0x6a, 0x72, 0x32, 0x24, 0x16, 0x08, 0x09, 0x5f,
	0x6b, 0x33, 0x25, 0x17, 0x18, 0x0b, 0x0a, 0x60, 0x6c, 0x34, 0x35, 0x26, 0x27, 0x19, 0x0c, 0x61,
	0x6d, 0x73, 0x28, 0x74, 0x1a, 0x0d, 0x62, 0x6e, 0x3a, 0x36, 0x1c, 0x1b, 0x75, 0x2b, 0x63, 0x76,
	0x55, 0x56, 0x77, 0x78, 0x79, 0x7a, 0x0e, 0x7b, 0x7c, 0x4f, 0x7d, 0x4b, 0x47, 0x7e, 0x7f, 0x6f,
	0x52, 0x53, 0x50, 0x4c, 0x4d, 0x48, 0x01, 0x45, 0x57, 0x4e, 0x51, 0x4a, 0x37, 0x49, 0x46, 0x54,
}
