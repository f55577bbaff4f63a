package usb

// Standard requests (USB 3.2, table 9-4), as Setup.Kind has them.
const (
	reqDeviceStatus    = 0x8000
	reqInterfaceStatus = 0x8100
	reqEndpointStatus  = 0x8200
	reqClearDevice     = 0x0001
	reqClearInterface  = 0x0101
	reqClearEndpoint   = 0x0201
	reqSetDevice       = 0x0003
	reqSetInterfaceFtr = 0x0103
	reqSetEndpoint     = 0x0203
	reqSetAddress      = 0x0005
	reqGetDescriptor   = 0x8006
	reqGetConfig       = 0x8008
	reqSetConfig       = 0x0009
	reqGetInterface    = 0x810a
	reqSetInterface    = 0x010b
	reqSetSEL          = 0x0030
	reqIsochDelay      = 0x0031
)

// Features.
const (
	featureHalt     = 0
	featureWakeup   = 1
	featureFunction = 0  // FUNCTION_SUSPEND, of an interface
	featureU1       = 48 // to featureU2 and the LTM
	featureLTM      = 50
)

// control carries out a whole control transfer.
func (g *Gadget) control(p *Packet) {
	s := p.Setup
	var out []byte
	if !s.In() && s.Length > 0 {
		out = make([]byte, min(int(s.Length), p.Data.Len()))
		p.Data.CopyOut(out, 0)
	}
	in, ok, standard := g.standard(s)
	if !standard {
		in, ok = g.fn.Control(s, out)
	}
	switch {
	case !ok:
		g.ended(p, 0, Stall)
	case s.In():
		g.ended(p, p.Data.CopyIn(in[:min(len(in), int(s.Length))], 0), OK)
	default:
		g.ended(p, len(out), OK)
	}
}

// standard answers the requests that every device answers.
func (g *Gadget) standard(s Setup) (in []byte, ok, standard bool) {
	standard = true
	switch s.Kind() {
	case reqDeviceStatus:
		in, ok = g.deviceStatus(), true
	case reqInterfaceStatus:
		in, ok = []byte{0, 0}, g.hasInterface(s.Index)
		if c := g.active(); ok && g.speed >= Super && c.RemoteWakeup {
			in[0] = 1
			if g.wakeup {
				in[0] = 3
			}
		}
	case reqEndpointStatus:
		in, ok = g.endpointStatus(s.Index)
	case reqSetDevice, reqClearDevice:
		ok = g.deviceFeature(s.Value, s.Request == 3)
	case reqSetInterfaceFtr, reqClearInterface:
		ok = g.interfaceFeature(s)
	case reqSetEndpoint, reqClearEndpoint:
		ok = s.Value == featureHalt && g.setHalt(s.Index, s.Request == 3)
	case reqSetAddress: // the controller's business
		ok = true
	case reqGetDescriptor:
		in = g.descriptor(byte(s.Value>>8), int(s.Value&0xff))
		ok = in != nil
	case reqGetConfig:
		in, ok = []byte{g.config}, true
	case reqSetConfig:
		if v := uint8(s.Value); v == 0 || g.find(v) != nil {
			ok = true
			g.configure(v)
		}
	case reqGetInterface:
		if ok = g.hasInterface(s.Index); ok {
			in = []byte{g.alternate[s.Index]}
		}
	case reqSetInterface:
		if c := g.active(); g.hasInterface(s.Index) && s.Value < 256 && c.setting(uint8(s.Index), uint8(s.Value)) != nil {
			ok = true
			g.alter(c, uint8(s.Index), uint8(s.Value))
		}
	case reqSetSEL, reqIsochDelay:
		ok = g.speed >= Super
	default:
		return nil, false, false
	}
	return in, ok, standard
}

func (g *Gadget) hasInterface(i uint16) bool {
	c := g.active()
	return c != nil && int(i) < c.interfaces()
}

func (g *Gadget) deviceStatus() []byte {
	b := []byte{0, 0}
	c := g.active()
	if c == nil {
		c = &g.design.Configs[0]
	}
	if c.SelfPowered {
		b[0] |= 1
	}
	if g.wakeup && g.speed < Super { // SuperSpeed has it by interface
		b[0] |= 2
	}
	return b
}

func (g *Gadget) endpointStatus(index uint16) (in []byte, ok bool) {
	if index&0x7f == 0 && index < 256 {
		return []byte{0, 0}, true
	}
	p := g.endpoint(index)
	if p == nil {
		return nil, false
	}
	if p.halted {
		return []byte{1, 0}, true
	}
	return []byte{0, 0}, true
}

func (g *Gadget) endpoint(index uint16) *Pipe {
	if index&0xff70 != 0 {
		return nil
	}
	return g.Pipe(uint8(index))
}

// deviceFeature switches remote wake-up and, at SuperSpeed, the link's power states, which need nothing done.
func (g *Gadget) deviceFeature(f uint16, on bool) bool {
	switch {
	case f == featureWakeup:
		for _, c := range g.design.Configs {
			if c.RemoteWakeup && (c.Value == g.config || g.config == 0) {
				g.wakeup = on
				return true
			}
		}
		return false
	case f >= featureU1 && f <= featureLTM:
		return g.speed >= Super && g.config != 0
	}
	return false
}

// interfaceFeature is FUNCTION_SUSPEND, which is how SuperSpeed switches remote wake-up (USB 3.2, 9.4.9).
func (g *Gadget) interfaceFeature(s Setup) bool {
	if g.speed < Super || s.Value != featureFunction || !g.hasInterface(s.Index&0xff) {
		return false
	}
	g.wakeup = s.Request == 3 && s.Index>>9&1 != 0 && g.active().RemoteWakeup
	return true
}

// setHalt is SET_FEATURE and CLEAR_FEATURE of ENDPOINT_HALT. The control endpoint is never halted for longer than a transfer.
func (g *Gadget) setHalt(index uint16, on bool) bool {
	if index&0x7f == 0 && index < 256 {
		return !on
	}
	p := g.endpoint(index)
	switch {
	case p == nil || p.Type == Isochronous:
		return false
	case on:
		p.Halt()
	default:
		p.halted = false
		g.fn.Serve(p)
	}
	return true
}

// descriptor is what GET_DESCRIPTOR of the device gives; nil: there is none.
func (g *Gadget) descriptor(kind byte, i int) []byte {
	d := &g.design
	switch kind {
	case DescDevice:
		return d.deviceDescriptor(g.speed)
	case DescConfig:
		return d.configDescriptor(kind, i, g.speed)
	case DescOtherSpeed:
		return d.configDescriptor(kind, i, d.otherSpeed(g.speed))
	case DescString:
		return d.stringDescriptor(i)
	case DescQualifier:
		return d.qualifier(g.speed)
	case DescBOS:
		return d.bos()
	}
	return nil
}
