package usb

import (
	"math/bits"
	"slices"
)

// Type is how an endpoint moves data: the low bits of bmAttributes.
type Type uint8

// Types of endpoints. The control endpoint is every device's and not described.
const (
	Isochronous Type = 1 // asynchronous, data
	Bulk        Type = 2
	Interrupt   Type = 3
)

// Design is what a device says about itself. Descriptors of every speed are made from it.
type Design struct {
	Vendor, Product, Version  uint16
	Class, Subclass, Protocol uint8
	HighProtocol              uint8  // in place of Protocol at high speed; 0: the same
	Maker, Model, Serial      string // "": none
	Speeds                    Speeds
	Configs                   []Configuration
}

// Configuration is a choice of interfaces.
type Configuration struct {
	Value        uint8
	Name         string
	SelfPowered  bool
	RemoteWakeup bool
	MilliAmps    int
	Settings     []Setting // by interface number, the alternates of each from 0 on
}

// Setting is an interface in one of its alternate settings.
type Setting struct {
	Interface, Alternate      uint8
	Class, Subclass, Protocol uint8
	Name                      string
	Extra                     []byte // class descriptors, which follow the interface's
	Endpoints                 []Endpoint
}

// Endpoint is one end of a pipe. Numbers that a speed does not allow are cut to what it does.
type Endpoint struct {
	Address   uint8
	Type      Type
	MaxPacket int    // of the fastest speed; 0: the largest there is (bulk)
	Micros    int    // between services, in microseconds (interrupt and isochronous)
	Burst     uint8  // packets in a burst, less one (SuperSpeed)
	Streams   uint8  // bulk streams, as a power of two (SuperSpeed)
	Extra     []byte // class descriptors, which follow the endpoint's
}

// Descriptor types (USB 3.2, table 9-6).
const (
	DescDevice     = 1
	DescConfig     = 2
	DescString     = 3
	DescInterface  = 4
	DescEndpoint   = 5
	DescQualifier  = 6
	DescOtherSpeed = 7
	DescBOS        = 15
	DescCapability = 16
	DescHID        = 0x21
	DescReport     = 0x22
	DescPipe       = 0x24 // pipe usage (UAS)
	DescHub        = 0x29
	DescCompanion  = 0x30
)

// strings are the texts that descriptors name, from index 1 on.
func (d *Design) strings() []string {
	var list []string
	add := func(s string) {
		if s != "" && !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	add(d.Maker)
	add(d.Model)
	add(d.Serial)
	for _, c := range d.Configs {
		add(c.Name)
		for _, s := range c.Settings {
			add(s.Name)
		}
	}
	return list
}

// stringIndex is the number by which descriptors name a text.
func (d *Design) stringIndex(s string) byte { return byte(slices.Index(d.strings(), s) + 1) }

// stringDescriptor is a text in UTF-16, or for index 0 the list of languages: American English.
func (d *Design) stringDescriptor(i int) []byte {
	if i == 0 {
		return []byte{4, DescString, 0x09, 0x04}
	}
	list := d.strings()
	if i > len(list) {
		return nil
	}
	b := []byte{0, DescString}
	for _, r := range list[i-1] {
		if r > 0xffff || len(b) > 252 {
			break
		}
		b = append(b, byte(r), byte(r>>8))
	}
	b[0] = byte(len(b))
	return b
}

// release is bcdUSB. What can run at SuperSpeed says 2.1 at lower speeds, where that points to the BOS descriptor (USB 3.2, 9.6.1).
func (d *Design) release(s Speed) uint16 {
	switch {
	case s >= Super:
		return 0x0300
	case d.Speeds.Has(Super):
		return 0x0210
	case s == Low:
		return 0x0110
	}
	return 0x0200
}

// maxPacket0 is of the control endpoint: for SuperSpeed the power of two.
func maxPacket0(s Speed) byte {
	switch s {
	case Low:
		return 8
	case Super, SuperPlus:
		return 9
	}
	return 64
}

// deviceDescriptor is the standard one (USB 3.2, 9.6.1).
func (d *Design) deviceDescriptor(s Speed) []byte {
	r := d.release(s)
	return []byte{18, DescDevice, byte(r), byte(r >> 8), d.Class, d.Subclass, d.protocol(s), maxPacket0(s),
		byte(d.Vendor), byte(d.Vendor >> 8), byte(d.Product), byte(d.Product >> 8), byte(d.Version), byte(d.Version >> 8),
		d.stringIndex(d.Maker), d.stringIndex(d.Model), d.stringIndex(d.Serial), byte(len(d.Configs))}
}

func (d *Design) protocol(s Speed) uint8 {
	if s == High && d.HighProtocol != 0 {
		return d.HighProtocol
	}
	return d.Protocol
}

// otherSpeed is the one of full and high speed that the device is not at; none for devices that have not both (USB 2.0, 9.6.2).
func (d *Design) otherSpeed(s Speed) Speed {
	switch {
	case s == High && d.Speeds.Has(Full):
		return Full
	case s == Full && d.Speeds.Has(High):
		return High
	}
	return SpeedNone
}

// qualifier says what the device would be at the other speed.
func (d *Design) qualifier(s Speed) []byte {
	o := d.otherSpeed(s)
	if o == SpeedNone {
		return nil
	}
	r := d.release(o)
	return []byte{10, DescQualifier, byte(r), byte(r >> 8), d.Class, d.Subclass, d.protocol(o), maxPacket0(o), byte(len(d.Configs)), 0}
}

// Configuration attributes.
const (
	attrOne    = 0x80
	attrSelf   = 0x40
	attrWakeup = 0x20
)

// configDescriptor is a configuration with all that belongs to it.
func (d *Design) configDescriptor(kind uint8, i int, s Speed) []byte {
	if i >= len(d.Configs) || s == SpeedNone {
		return nil
	}
	c := &d.Configs[i]
	attr := byte(attrOne)
	if c.SelfPowered {
		attr |= attrSelf
	}
	if c.RemoteWakeup {
		attr |= attrWakeup
	}
	unit := 2
	if s >= Super {
		unit = 8
	}
	b := []byte{9, kind, 0, 0, byte(c.interfaces()), c.Value, d.stringIndex(c.Name), attr, byte(min(c.MilliAmps/unit, 255))}
	for k := range c.Settings {
		t := &c.Settings[k]
		b = append(b, 9, DescInterface, t.Interface, t.Alternate, byte(len(t.Endpoints)), t.Class, t.Subclass, t.Protocol, d.stringIndex(t.Name))
		b = append(b, t.Extra...)
		for _, e := range t.Endpoints {
			b = append(b, e.descriptor(s)...)
		}
	}
	b[2], b[3] = byte(len(b)), byte(len(b)>>8)
	return b
}

// interfaces is how many the configuration has, alternates not counted.
func (c *Configuration) interfaces() (n int) {
	for _, t := range c.Settings {
		n = max(n, int(t.Interface)+1)
	}
	return n
}

// setting finds an interface's alternate; nil: there is none.
func (c *Configuration) setting(iface, alt uint8) *Setting {
	for i := range c.Settings {
		if t := &c.Settings[i]; t.Interface == iface && t.Alternate == alt {
			return t
		}
	}
	return nil
}

// PacketAt is the largest packet at a speed (USB 2.0, 5.5 to 5.8; USB 3.2, 8.12).
func (e *Endpoint) PacketAt(s Speed) int {
	var limit int
	switch {
	case e.Type == Bulk:
		return [...]int{Low: 8, Full: 64, High: 512, Super: 1024, SuperPlus: 1024}[s]
	case s == Low:
		limit = 8
	case s == Full && e.Type == Interrupt:
		limit = 64
	case s == Full:
		limit = 1023
	default:
		limit = 1024
	}
	return min(e.MaxPacket, limit)
}

// interval is bInterval: frames for interrupts at low and full speed, else a power of two, of microframes or (isochronous, full speed) frames.
func (e *Endpoint) interval(s Speed) byte {
	switch {
	case e.Type == Bulk:
		return 0
	case s <= Full && e.Type == Interrupt:
		return byte(max(1, min(e.Micros/1000, 255)))
	case s <= Full:
		return byte(max(1, min(bits.Len(uint(e.Micros/1000)), 16)))
	}
	return byte(max(1, min(bits.Len(uint(e.Micros/125)), 16)))
}

func (e *Endpoint) descriptor(s Speed) []byte {
	size := e.PacketAt(s)
	b := []byte{7, DescEndpoint, e.Address, byte(e.Type), byte(size), byte(size >> 8), e.interval(s)}
	if s >= Super {
		attr, perInterval := byte(0), 0
		if e.Type == Bulk {
			attr = e.Streams
		} else {
			perInterval = size * (int(e.Burst) + 1)
		}
		b = append(b, 6, DescCompanion, e.Burst, attr, byte(perInterval), byte(perInterval>>8))
	}
	return append(b, e.Extra...)
}

// bos is the binary object store (USB 3.2, 9.6.2): link power management, and the speeds of what can run at SuperSpeed.
func (d *Design) bos() []byte {
	if !d.Speeds.Has(Super) {
		return nil
	}
	speeds, least := byte(1<<3), byte(3)
	for s, bit := range map[Speed]byte{Low: 0, Full: 1, High: 2} {
		if d.Speeds.Has(s) {
			speeds |= 1 << bit
			least = min(least, bit)
		}
	}
	b := []byte{5, DescBOS, 0, 0, 2,
		7, DescCapability, 2, 0x02, 0, 0, 0, // USB 2.0 extension: LPM
		10, DescCapability, 3, 0, speeds, 0, least, 0x0a, 0xff, 0x07} // SuperSpeed: 10 and 2047 µs to leave U1 and U2
	b[2] = byte(len(b))
	return b
}
