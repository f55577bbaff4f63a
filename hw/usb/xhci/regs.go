package xhci

// registers is the memory window: capability, operational, runtime and doorbell registers.
type registers Controller

// Read implements memory.Handler.
func (r *registers) Read(off uint64, _ int) uint64 {
	c := (*Controller)(r)
	c.mu.Lock()
	defer c.mu.Unlock()
	return uint64(c.read(off &^ 3))
}

// Write implements memory.Handler. Registers are of 32 bits; what is narrower or across two of them is written part by part.
func (r *registers) Write(off uint64, size int, val uint64) {
	c := (*Controller)(r)
	c.mu.Lock()
	defer c.mu.Unlock()
	for size > 0 {
		at, shift := off&^3, 8*(off&3)
		n := min(size, int(4-off&3))
		mask := uint32(1<<(8*n)-1) << shift
		v := uint32(val) << shift & mask
		if n < 4 {
			v |= c.neutral(at) &^ mask
		}
		c.write(at, v)
		off, size, val = off+uint64(n), size-n, val>>(8*n)
	}
}

// neutral is what may be written to a register to leave it as it is.
func (c *Controller) neutral(off uint64) uint32 {
	v := c.read(off)
	switch {
	case off == offOper+opUSBSTS, off >= offDoor:
		return 0
	case off >= offPorts && off < offRuntime && off&0xf == 0:
		return v & scKeep
	case off >= offRuntime+0x20 && off&0x1f == irIMAN:
		return v &^ imanIP
	case off >= offRuntime+0x20 && off&0x1f == irERDP:
		return v &^ erdpBusy
	}
	return v
}

func (c *Controller) read(off uint64) uint32 {
	switch {
	case off < offOper:
		return c.readCapability(off)
	case off < offPorts:
		return c.readOperational(off - offOper)
	case off < offRuntime:
		return c.readPort(off - offPorts)
	case off < offDoor:
		return c.readRuntime(off - offRuntime)
	}
	return 0 // doorbells
}

func (c *Controller) write(off uint64, v uint32) {
	switch {
	case off < offOper:
	case off < offPorts:
		c.writeOperational(off-offOper, v)
	case off < offRuntime:
		c.writePort(off-offPorts, v)
	case off < offDoor:
		c.writeRuntime(off-offRuntime, v)
	default:
		c.doorbell(int(off-offDoor)/4, v)
	}
}

// What the capability registers say (5.3).
const (
	version      = 0x0110
	schedule     = 0x7<<0 | 1<<3 // Isochronous Scheduling Threshold: 7 frames
	maxSegments  = 8             // of an event ring: 2^3
	hcs2         = schedule | 3<<4
	maxPSA       = 7                                                // primary stream arrays have up to 2^(7+1) entries
	hcc1         = 1<<0 | 1<<3 | 1<<7 | 1<<8 | 1<<9 | 1<<10 | 1<<11 // AC64, PPC, NSS, PAE, SPC, SEC, CFC
	hcc2         = 1 << 2                                           // FSC
	capsProtocol = 0x20
	nameUSB      = 0x20425355
	usb2Features = 1<<19 | 1<<20 // hardware LPM, with BESL
)

func (c *Controller) readCapability(off uint64) uint32 {
	switch off {
	case 0x00:
		return offOper | version<<16
	case 0x04:
		return uint32(c.opt.Slots | c.opt.Interrupters<<8 | len(c.ports)<<24)
	case 0x08:
		return hcs2
	case 0x10:
		v := uint32(hcc1 | capsProtocol/4<<16)
		if c.opt.Streams {
			v |= maxPSA << 12
		}
		return v
	case 0x14:
		return offDoor
	case 0x18:
		return offRuntime
	case 0x1c:
		return hcc2
	}
	if off < capsProtocol {
		return 0
	}
	return c.readProtocol(int(off-capsProtocol)/16, off&0xf)
}

// readProtocol is a Supported Protocol capability (7.2). Ports of USB 3 come first.
func (c *Controller) readProtocol(n int, off uint64) uint32 {
	type protocol struct{ major, first, count, features uint32 }
	var list []protocol
	if c.opt.USB2 > 0 {
		list = append(list, protocol{2, uint32(c.opt.USB3) + 1, uint32(c.opt.USB2), usb2Features})
	}
	if c.opt.USB3 > 0 {
		list = append(list, protocol{3, 1, uint32(c.opt.USB3), 0})
	}
	if n >= len(list) {
		return 0
	}
	p, next := list[n], uint32(0)
	if n+1 < len(list) {
		next = 16 / 4
	}
	switch off {
	case 0:
		return 2 | next<<8 | p.major<<24
	case 4:
		return nameUSB
	case 8:
		return p.first | p.count<<8 | p.features
	}
	return 0
}

// Operational registers (5.4).
const (
	opUSBCMD   = 0x00
	opUSBSTS   = 0x04
	opPageSize = 0x08
	opDNCTRL   = 0x14
	opCRCR     = 0x18
	opDCBAAP   = 0x30
	opConfig   = 0x38
)

// Bits of USBCMD and USBSTS.
const (
	cmdRun     = 1 << 0
	cmdReset   = 1 << 1
	cmdINTE    = 1 << 2
	cmdSave    = 1 << 8
	cmdRestore = 1 << 9
	cmdEWE     = 1 << 10 // Enable Wrap Event
	cmdStored  = cmdRun | cmdINTE | 1<<3 | cmdEWE | 1<<11

	stsHalted  = 1 << 0
	stsHSE     = 1 << 2
	stsEINT    = 1 << 3
	stsPCD     = 1 << 4
	stsSRE     = 1 << 10
	stsCNR     = 1 << 11
	stsW1C     = stsHSE | stsEINT | stsPCD | stsSRE
	configBits = 0x3ff
)

func (c *Controller) readOperational(off uint64) uint32 {
	switch off {
	case opUSBCMD:
		return c.usbcmd
	case opUSBSTS:
		return c.usbsts
	case opPageSize:
		return 1
	case opDNCTRL:
		return c.dnctrl
	case opCRCR: // pointer and flags read as zeros
		if c.cmd.running {
			return crRunning
		}
	case opDCBAAP:
		return uint32(c.dcbaap)
	case opDCBAAP + 4:
		return uint32(c.dcbaap >> 32)
	case opConfig:
		return c.config
	}
	return 0
}

func (c *Controller) writeOperational(off uint64, v uint32) {
	if c.usbsts&stsCNR != 0 { // it is being reset
		return
	}
	switch off {
	case opUSBCMD:
		c.command(v)
	case opUSBSTS:
		c.usbsts &^= v & stsW1C
		c.updateLine()
	case opDNCTRL:
		c.dnctrl = v & 0xffff
	case opCRCR:
		c.cmd.writeLow(c, v)
	case opCRCR + 4:
		c.cmd.writeHigh(v)
	case opDCBAAP:
		c.dcbaap = c.dcbaap>>32<<32 | uint64(v&^0x3f)
	case opDCBAAP + 4:
		c.dcbaap = c.dcbaap&0xffffffff | uint64(v)<<32
	case opConfig:
		c.config = v & configBits
	}
}

// command is a write to USBCMD.
func (c *Controller) command(v uint32) {
	was := c.usbcmd
	if v&cmdReset != 0 {
		c.usbcmd = was&^cmdRun | cmdReset
		c.usbsts |= stsCNR
		c.wantReset = true
		c.kick(&c.chores)
		return
	}
	c.usbcmd = v & cmdStored
	switch {
	case c.usbsts&stsHSE != 0 && c.usbsts&stsHalted != 0:
		c.usbcmd &^= cmdRun // only a reset helps
	case v&^was&cmdRun != 0:
		c.wantHalt = false
		c.usbsts &^= stsHalted
		c.reportPorts()
		c.kickAll()
	case was&^v&cmdRun != 0:
		c.wantHalt = true
		c.cmd.rung = false
		c.kick(&c.chores)
	}
	if c.usbcmd&cmdRun == 0 {
		if v&cmdSave != 0 {
			c.save()
		}
		if v&cmdRestore != 0 {
			c.restore()
		}
	}
	c.armWrap()
	c.deliverAll()
}

// doChores halts and resets, which takes as long as devices take to give back what they have.
func (c *Controller) doChores() {
	for c.wantReset || c.wantHalt {
		reset := c.wantReset
		for c.cmd.active {
			c.cond.Wait()
		}
		c.quiesce(c.endpoints()...)
		switch {
		case reset && c.wantReset:
			c.clear()
			for _, p := range c.ports {
				p.reset()
				p.look()
			}
			c.updateLine()
		case c.wantHalt && !c.wantReset:
			c.wantHalt, c.cmd.running = false, false
			c.usbsts |= stsHalted
		}
	}
}

// fail is a Host System Error (4.10.2.6): memory that the controller cannot do without is not there.
func (c *Controller) fail(what string) {
	if c.usbsts&stsHSE != 0 {
		return
	}
	if c.opt.Log != nil {
		c.opt.Log.Warn("xhci: host system error", "what", what)
	}
	c.usbsts |= stsHSE | stsHalted
	c.usbcmd &^= cmdRun
	c.cmd.rung, c.cmd.running = false, false
}

// Runtime registers (5.5): MFINDEX, and 32 bytes for each interrupter.
const (
	rtInterrupters = 0x20
	irIMAN         = 0x00
	irIMOD         = 0x04
	irERSTSZ       = 0x08
	irERSTBA       = 0x10
	irERDP         = 0x18
)

func (c *Controller) readRuntime(off uint64) uint32 {
	if off == 0 {
		return c.mfindex()
	}
	if n := int(off-rtInterrupters) / 32; off >= rtInterrupters && n < len(c.irs) {
		return c.irs[n].read(c, off&0x1f)
	}
	return 0
}

func (c *Controller) writeRuntime(off uint64, v uint32) {
	if n := int(off-rtInterrupters) / 32; off >= rtInterrupters && n < len(c.irs) {
		c.irs[n].write(c, off&0x1f, v)
	}
}

// messages reports whether interrupts go out as messages.
func (c *Controller) messages() bool { return c.fn.MSIXEnabled() || c.fn.MSIEnabled() }
