package xhci

import (
	"govm-desktop/hw"
	"govm-desktop/hw/usb"
)

// Bits of PORTSC (5.4.8).
const (
	scCCS = 1 << 0 // a device is connected
	scPED = 1 << 1 // enabled
	scPR  = 1 << 4 // reset
	scPP  = 1 << 9 // power
	scLWS = 1 << 16
	scCSC = 1 << 17
	scWRC = 1 << 19
	scPRC = 1 << 21
	scPLC = 1 << 22
	scWPR = 1 << 31 // warm reset

	scChanges = 0x7f << 17
	scStored  = 3<<14 | 7<<25 // indicators, wake enables
	scKeep    = scPP | scStored
	scSpeed   = 0xf << 10
	scLink    = 0xf << 5
)

// Port Link States.
const (
	linkU0       = 0
	linkU2       = 2 // of USB 2: L1
	linkU3       = 3
	linkDisabled = 4
	linkRxDetect = 5
	linkPolling  = 7
	linkResume   = 15
)

// Bits of the other port registers that software may write.
const (
	pmsc2 = 0xf001fff8
	pmsc3 = 0x1ffff
	hlpmc = 0x3fff
)

// port is a root hub port (4.15, 4.19). Two of them, one of each protocol, share a socket.
type port struct {
	worker
	c      *Controller
	n      int // from 1
	usb3   bool
	socket *usb.Port

	sc, pmsc, hlpmc uint32

	resetting bool // PR or WPR: the worker is to reset the device
	warm      bool
	fresh     bool // the device has been reset and nothing has been sent to it since
	traffic   bool
	suspended bool // as the device has been told
	wanted    bool // as it is to be told
}

// newPorts makes the sockets and the ports; those of USB 3 come first.
func (c *Controller) newPorts() {
	for i := range max(c.opt.USB2, c.opt.USB3) {
		var speeds usb.Speeds
		if i < c.opt.USB2 {
			speeds |= usb.SpeedSet(usb.Low, usb.Full, usb.High)
		}
		if i < c.opt.USB3 {
			speeds |= usb.SpeedSet(usb.Super)
		}
		c.sockets = append(c.sockets, usb.NewPort(c, i, speeds))
	}
	for i := range c.opt.USB3 {
		c.ports = append(c.ports, &port{c: c, usb3: true, socket: c.sockets[i]})
	}
	for i := range c.opt.USB2 {
		c.ports = append(c.ports, &port{c: c, socket: c.sockets[i]})
	}
	for i, p := range c.ports {
		p.n = i + 1
		c.employ(&p.worker, p.work)
	}
}

// portsBusy reports whether a port is being reset.
func (c *Controller) portsBusy() bool {
	for _, p := range c.ports {
		if p.active {
			return true
		}
	}
	return false
}

// PortEvent implements usb.Owner.
func (c *Controller) PortEvent(s *usb.Port, e usb.PortEvent) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.ports {
		if p.socket != s {
			continue
		}
		if e == usb.RemoteWakeup {
			p.wake()
		} else {
			p.look()
		}
	}
}

// reset puts the registers in their reset state: powered, nothing connected so far.
func (p *port) reset() {
	p.sc, p.pmsc, p.hlpmc = scPP|linkRxDetect<<5, 0, 0
	p.resetting, p.warm, p.fresh, p.wanted = false, false, false, false
}

func (p *port) link() uint32 { return p.sc & scLink >> 5 }

func (p *port) setLink(l uint32) { p.sc = p.sc&^scLink | l<<5 }

// changed sets change bits and tells software, once for each bit until it has cleared it.
func (p *port) changed(bits uint32) {
	fresh := bits &^ p.sc
	p.sc |= bits
	if fresh != 0 {
		p.report()
	}
}

// report writes a Port Status Change Event; while the controller stands, the change bits wait.
func (p *port) report() {
	c := p.c
	c.usbsts |= stsPCD
	if c.usbcmd&cmdRun != 0 && c.usbsts&stsHalted == 0 {
		c.post(0, trb{param: uint64(p.n) << 24, status: uint32(codeSuccess) << 24, control: control(kindPortStatus, 0)}, false)
	}
}

// reportPorts tells of what has changed before the controller ran.
func (c *Controller) reportPorts() {
	for _, p := range c.ports {
		if p.sc&scChanges != 0 {
			p.report()
		}
	}
}

// device is what shows itself at this port: by its speed at this one or at the other one of the socket.
func (p *port) device() (usb.Device, usb.Speed) {
	d, s := p.socket.Device()
	if d == nil || (s >= usb.Super) != p.usb3 {
		return nil, usb.SpeedNone
	}
	return d, s
}

// look brings the port in line with what is in the socket.
func (p *port) look() {
	d, s := p.device()
	there := d != nil && p.sc&scPP != 0 && p.link() != linkDisabled
	switch {
	case there && (p.sc&scCCS == 0 || p.sc&scSpeed>>10 != speedID(s)):
		p.sc = p.sc&^(scSpeed|scPED|scPR) | scCCS | speedID(s)<<10
		p.resetting, p.fresh, p.suspended, p.wanted = false, false, false, false
		p.setLink(linkPolling)
		if p.usb3 { // it trains by itself
			p.sc |= scPED
			p.setLink(linkU0)
		}
		p.changed(scCSC)
	case !there && p.sc&scCCS != 0:
		p.sc &^= scSpeed | scPED | scPR | scCCS
		p.resetting, p.suspended, p.wanted = false, false, false
		if p.link() != linkDisabled {
			p.setLink(linkRxDetect)
		}
		p.changed(scCSC)
	}
}

// wake is a device that signals resume.
func (p *port) wake() {
	if d, _ := p.device(); d == nil || p.link() != linkU3 {
		return
	}
	p.setLink(linkResume) // software ends it by writing U0
	p.changed(scPLC)
}

func (c *Controller) readPort(off uint64) uint32 {
	n := int(off / 16)
	if n >= len(c.ports) {
		return 0
	}
	switch p := c.ports[n]; off & 0xf {
	case 0:
		return p.sc
	case 4:
		return p.pmsc
	case 12:
		return p.hlpmc
	}
	return 0
}

func (c *Controller) writePort(off uint64, v uint32) {
	n := int(off / 16)
	if n >= len(c.ports) || c.usbsts&stsCNR != 0 {
		return
	}
	switch p := c.ports[n]; {
	case off&0xf == 0:
		p.write(v)
	case off&0xf == 4 && p.usb3:
		p.pmsc = v & pmsc3
	case off&0xf == 4:
		p.pmsc = p.pmsc&7 | v&pmsc2
	case off&0xf == 12 && !p.usb3:
		p.hlpmc = v & hlpmc
	}
}

// write is a write to PORTSC.
func (p *port) write(v uint32) {
	p.sc &^= v & scChanges
	p.sc = p.sc&^scStored | v&scStored
	if (v^p.sc)&scPP != 0 {
		p.power(v&scPP != 0)
		return
	}
	if p.sc&scPP == 0 {
		return
	}
	switch {
	case v&scPR != 0, v&scWPR != 0 && p.usb3:
		p.startReset(v&scWPR != 0)
	case v&scPED != 0 && p.sc&scPED != 0:
		p.disable()
	case v&scLWS != 0:
		p.writeLink(v & scLink >> 5)
	}
}

// power switches the port on or off.
func (p *port) power(on bool) {
	p.sc &^= scCCS | scPED | scPR | scPP | scSpeed
	p.resetting = false
	p.setLink(linkRxDetect)
	if !on {
		p.setLink(linkDisabled)
		return
	}
	p.sc |= scPP
	p.look()
}

// disable takes the port out of service: of USB 3 until the link is told to look for a device again.
func (p *port) disable() {
	p.sc &^= scPED
	if !p.usb3 {
		p.setLink(linkPolling)
		return
	}
	p.sc &^= scCCS | scSpeed
	p.setLink(linkDisabled)
}

// writeLink is a write of the link state.
func (p *port) writeLink(l uint32) {
	now := p.link()
	switch {
	case l == linkDisabled && p.usb3:
		p.disable()
	case l == linkRxDetect && p.usb3 && now == linkDisabled:
		p.setLink(linkRxDetect)
		p.look()
	case p.sc&scPED == 0:
	case l == linkU3 && (now == linkU0 || now == linkU2):
		p.setLink(linkU3)
		p.suspend(true)
	case l == linkU2 && !p.usb3 && now == linkU0: // L1: the device agrees
		p.setLink(linkU2)
		p.pmsc = p.pmsc&^7 | 1
	case l == linkU0 && now == linkU2:
		p.setLink(linkU0)
	case l == linkResume && !p.usb3 && now == linkU3:
		p.setLink(linkResume)
	case l == linkU0 && (now == linkU3 || now == linkResume):
		p.setLink(linkU0)
		p.suspend(false)
		p.changed(scPLC)
	}
}

// suspend has the worker tell the device.
func (p *port) suspend(on bool) {
	p.wanted = on
	p.c.kick(&p.worker)
}

// startReset begins a reset of the port. Without a device there is nothing to reset.
func (p *port) startReset(warm bool) {
	d, _ := p.device()
	if d == nil {
		return
	}
	p.sc |= scPR
	p.sc &^= scPED
	p.resetting, p.warm = true, p.warm || warm
	p.c.kick(&p.worker)
}

// work tells the device what has been done to its port, off the processors.
func (p *port) work() {
	for {
		d, _ := p.device()
		switch {
		case p.resetting && d != nil:
			p.resetDevice(d)
		case p.suspended != p.wanted && d != nil:
			p.suspended = p.wanted
			if s, ok := d.(usb.Suspender); ok {
				on := p.wanted
				p.c.mu.Unlock()
				s.Suspend(on)
				p.c.mu.Lock()
			}
		default:
			return
		}
	}
}

// resetDevice resets the device, unless nothing has been sent to it since the last time: some do not survive, all take their time.
func (p *port) resetDevice(d usb.Device) {
	p.resetting = false
	if !p.fresh || p.traffic {
		p.traffic = false
		p.c.mu.Unlock()
		d.Reset(hw.BusReset)
		p.c.mu.Lock()
		p.fresh = true
	}
	if p.sc&scPR == 0 { // the device has gone, or the controller has been reset, meanwhile
		return
	}
	p.socket.SetAddress(0)
	p.sc = p.sc&^scPR | scPED
	p.setLink(linkU0)
	p.suspended, p.wanted = false, false
	bits := uint32(scPRC)
	if p.warm {
		bits |= scWRC
	}
	p.warm = false
	p.changed(bits)
}
