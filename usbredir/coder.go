package usbredir

import "encoding/binary"

// A coder walks over a body in either direction, so that a layout is written down once.
type coder struct {
	b     []byte
	write bool
}

func (c *coder) u8(v *uint8) {
	if c.write {
		c.b[0] = *v
	} else {
		*v = c.b[0]
	}
	c.b = c.b[1:]
}

func (c *coder) u16(v *uint16) {
	if c.write {
		binary.LittleEndian.PutUint16(c.b, *v)
	} else {
		*v = binary.LittleEndian.Uint16(c.b)
	}
	c.b = c.b[2:]
}

func (c *coder) u32(v *uint32) {
	if c.write {
		binary.LittleEndian.PutUint32(c.b, *v)
	} else {
		*v = binary.LittleEndian.Uint32(c.b)
	}
	c.b = c.b[4:]
}

// low16 codes the lower half of a length.
func (c *coder) low16(v *uint32) {
	half := uint16(*v)
	c.u16(&half)
	if !c.write {
		*v = uint32(half)
	}
}

func (c *coder) bytes(v []uint8) {
	for i := range v {
		c.u8(&v[i])
	}
}

// body codes the fixed part of p, whose size bodySize has given.
func (c *coder) body(p *Packet, shared Caps) {
	switch p.Type {
	case TypeHello:
		c.hello(&p.Hello)
	case TypeDeviceConnect:
		c.device(&p.Device, shared)
	case TypeInterfaceInfo:
		c.interfaces(p.Interfaces)
	case TypeEPInfo:
		c.endpoints(p.EPs, shared)
	case TypeSetConfiguration:
		c.u8(&p.Configuration)
	case TypeConfigurationStatus:
		c.u8((*uint8)(&p.Status))
		c.u8(&p.Configuration)
	case TypeSetAltSetting:
		c.u8(&p.Interface)
		c.u8(&p.Alt)
	case TypeGetAltSetting:
		c.u8(&p.Interface)
	case TypeAltSettingStatus:
		c.u8((*uint8)(&p.Status))
		c.u8(&p.Interface)
		c.u8(&p.Alt)
	case TypeStartIsoStream:
		c.u8(&p.Endpoint)
		c.u8(&p.PacketsPerURB)
		c.u8(&p.URBs)
	case TypeStopIsoStream, TypeStartInterruptReceiving, TypeStopInterruptReceiving:
		c.u8(&p.Endpoint)
	case TypeIsoStreamStatus, TypeInterruptReceivingStatus:
		c.u8((*uint8)(&p.Status))
		c.u8(&p.Endpoint)
	default:
		c.streamsOrData(p, shared)
	}
}

func (c *coder) streamsOrData(p *Packet, shared Caps) {
	switch p.Type {
	case TypeAllocBulkStreams:
		c.u32(&p.Endpoints)
		c.u32(&p.Streams)
	case TypeFreeBulkStreams:
		c.u32(&p.Endpoints)
	case TypeBulkStreamsStatus:
		c.u32(&p.Endpoints)
		c.u32(&p.Streams)
		c.u8((*uint8)(&p.Status))
	case TypeStartBulkReceiving:
		c.u32(&p.Stream)
		c.u32(&p.Length)
		c.u8(&p.Endpoint)
		c.u8(&p.URBs)
	case TypeStopBulkReceiving:
		c.u32(&p.Stream)
		c.u8(&p.Endpoint)
	case TypeBulkReceivingStatus:
		c.u32(&p.Stream)
		c.u8(&p.Endpoint)
		c.u8((*uint8)(&p.Status))
	case TypeControlPacket:
		c.u8(&p.Endpoint)
		c.u8(&p.Request)
		c.u8(&p.RequestType)
		c.u8((*uint8)(&p.Status))
		c.u16(&p.Value)
		c.u16(&p.Index)
		c.low16(&p.Length)
	case TypeBulkPacket:
		c.bulk(p, shared)
	case TypeIsoPacket, TypeInterruptPacket:
		c.u8(&p.Endpoint)
		c.u8((*uint8)(&p.Status))
		c.low16(&p.Length)
	case TypeBufferedBulkPacket:
		c.u32(&p.Stream)
		c.u32(&p.Length)
		c.u8(&p.Endpoint)
		c.u8((*uint8)(&p.Status))
	}
}

func (c *coder) bulk(p *Packet, shared Caps) {
	high := uint16(p.Length >> 16)
	c.u8(&p.Endpoint)
	c.u8((*uint8)(&p.Status))
	c.low16(&p.Length)
	c.u32(&p.Stream)
	if shared&Cap32BitBulkLength == 0 {
		return
	}
	c.u16(&high)
	if !c.write {
		p.Length |= uint32(high) << 16
	}
}

// hello codes the version, NUL-padded to 64 bytes; the capabilities behind it vary in number and are the caller's.
func (c *coder) hello(h *Hello) {
	field := c.b[:64]
	c.b = c.b[64:]
	if c.write {
		clear(field[copy(field, h.Version):])
		return
	}
	n := 0
	for n < len(field)-1 && field[n] != 0 {
		n++
	}
	h.Version = string(field[:n])
}

func (c *coder) device(d *Device, shared Caps) {
	c.u8((*uint8)(&d.Speed))
	c.u8(&d.Class)
	c.u8(&d.SubClass)
	c.u8(&d.Protocol)
	c.u16(&d.Vendor)
	c.u16(&d.Product)
	if shared&CapDeviceVersion != 0 {
		c.u16(&d.Version)
	}
}

func (c *coder) interfaces(i *InterfaceInfo) {
	c.u32(&i.Count)
	c.bytes(i.Number[:])
	c.bytes(i.Class[:])
	c.bytes(i.SubClass[:])
	c.bytes(i.Protocol[:])
}

func (c *coder) endpoints(e *EPInfo, shared Caps) {
	for i := range e.Type {
		c.u8((*uint8)(&e.Type[i]))
	}
	c.bytes(e.Interval[:])
	c.bytes(e.Interface[:])
	if shared&(CapEPMaxPacketSize|CapBulkStreams) == 0 {
		return
	}
	for i := range e.MaxPacketSize {
		c.u16(&e.MaxPacketSize[i])
	}
	if shared&CapBulkStreams == 0 {
		return
	}
	for i := range e.MaxStreams {
		c.u32(&e.MaxStreams[i])
	}
}
