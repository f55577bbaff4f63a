package export

import (
	"encoding/binary"
	"errors"
	"fmt"

	"govm-desktop/hw/usb"
	"govm-desktop/usbredir"
)

// endpoint is what the device says of one, in the settings in force.
type endpoint struct {
	kind      usbredir.EPType
	maxPacket uint16
	interval  uint8
	iface     uint8
	burst     int // packets in a service interval
	streams   uint32
}

func getDescriptor(kind uint8, index uint8, length uint16) usb.Setup {
	return usb.Setup{RequestType: usb.DirIn, Request: 6, Value: uint16(kind)<<8 | uint16(index), Length: length}
}

// announce brings the device into a state that can be used and tells the other end what it is.
func (s *session) announce(speed usb.Speed) error {
	s.work.Lock()
	defer s.work.Unlock()
	if !s.x.cfg.KeepState {
		s.x.reset()
	}
	var d [18]byte
	if n, st := s.control(getDescriptor(1, 0, 18), d[:]); st != usb.OK || n < 18 {
		return fmt.Errorf("the device does not describe itself: %v, %d bytes", st, n)
	}
	s.speed = speed
	clear(s.alts)
	if err := s.configured(); err != nil {
		return err
	}
	dev := usbredir.Device{Speed: usbredir.Speed(min(speed, usb.Super) - usb.Low), Class: d[4], SubClass: d[5], Protocol: d[6],
		Vendor: binary.LittleEndian.Uint16(d[8:]), Product: binary.LittleEndian.Uint16(d[10:]), Version: binary.LittleEndian.Uint16(d[12:])}
	infos, eps := s.describe()
	s.mu.Lock()
	filter, shared := s.filter, s.shared
	s.mu.Unlock()
	for _, f := range []usbredir.Filter{s.x.cfg.Filter, filter} {
		if f != nil && f.Check(dev, infos, 0) != usbredir.Allowed {
			return ErrRejected
		}
	}
	if shared&usbredir.CapDeviceVersion == 0 {
		dev.Version = 0
	}
	s.send(usbredir.Packet{Type: usbredir.TypeEPInfo, EPs: eps})
	s.send(usbredir.Packet{Type: usbredir.TypeInterfaceInfo, Interfaces: infos})
	s.mu.Lock()
	s.announced = true
	s.mu.Unlock()
	s.send(usbredir.Packet{Type: usbredir.TypeDeviceConnect, Device: dev})
	return nil
}

var errConfig = errors.New("the device has no configuration that can be read")

// configured finds out about the configuration in force, and chooses the first if there is none.
func (s *session) configured() error {
	var b [1]byte
	if n, st := s.control(usb.Setup{RequestType: usb.DirIn, Request: 8, Length: 1}, b[:]); st != usb.OK || n < 1 {
		b[0] = 0
	}
	if b[0] != 0 && s.read(b[0]) {
		return nil
	}
	var head [9]byte
	if n, st := s.control(getDescriptor(2, 0, 9), head[:]); st != usb.OK || n < 9 {
		return errConfig
	}
	if _, st := s.control(usb.Setup{Request: 9, Value: uint16(head[5])}, nil); st != usb.OK || !s.read(head[5]) {
		return errConfig
	}
	return nil
}

const maxConfigs = 8

// read gets the descriptor of a configuration by its value.
func (s *session) read(value uint8) bool {
	s.config = nil
	for i := range uint8(maxConfigs) {
		var head [9]byte
		if n, st := s.control(getDescriptor(2, i, 9), head[:]); st != usb.OK || n < 9 {
			return false
		}
		if head[5] != value {
			continue
		}
		size := binary.LittleEndian.Uint16(head[2:])
		b := make([]byte, size)
		n, st := s.control(getDescriptor(2, i, size), b)
		s.config = b[:n]
		return st == usb.OK && n >= 9
	}
	return false
}

// describe tells the interfaces and endpoints of the settings in force, and remembers the endpoints.
func (s *session) describe() (*usbredir.InterfaceInfo, *usbredir.EPInfo) {
	infos, eps := &usbredir.InterfaceInfo{}, &usbredir.EPInfo{}
	clear(s.ends)
	active, iface, last := false, uint8(0), uint8(0)
	for b := s.config; len(b) >= 2 && b[0] >= 2 && int(b[0]) <= len(b); b = b[b[0]:] {
		switch d := b[:b[0]]; {
		case d[1] == 4 && len(d) >= 9:
			iface, last = d[2], 0
			if active = s.alts[iface] == d[3]; active && infos.Count < 32 {
				i := infos.Count
				infos.Number[i], infos.Class[i], infos.SubClass[i], infos.Protocol[i] = iface, d[5], d[6], d[7]
				infos.Count++
			}
		case d[1] == 5 && len(d) >= 7 && active && d[2]&0x70 == 0 && d[2]&0x0f != 0 && d[3]&3 != 0:
			last = d[2]
			e := endpoint{kind: usbredir.EPType(d[3] & 3), maxPacket: binary.LittleEndian.Uint16(d[4:]), interval: d[6], iface: iface}
			e.burst = 1 + int(e.maxPacket>>11&3)
			s.ends[last] = e
		case d[1] == 0x30 && len(d) >= 6 && active && last != 0:
			e := s.ends[last]
			e.burst = 1 + int(d[2]&15)
			if e.kind == usbredir.EPBulk && d[3]&0x1f != 0 {
				e.streams = 1 << min(d[3]&0x1f, 16)
			} else if e.kind == usbredir.EPIso {
				e.burst *= 1 + int(d[3]&3)
			}
			s.ends[last] = e
		}
	}
	s.fill(eps)
	return infos, eps
}

// fill makes the table that is sent.
func (s *session) fill(eps *usbredir.EPInfo) {
	s.mu.Lock()
	shared := s.shared
	s.mu.Unlock()
	for i := range eps.Type {
		eps.Type[i] = usbredir.EPNone
	}
	eps.Type[0], eps.Type[16] = usbredir.EPControl, usbredir.EPControl
	for addr, e := range s.ends {
		i := usbredir.EPIndex(addr)
		eps.Type[i], eps.Interval[i], eps.Interface[i] = e.kind, e.interval, e.iface
		if shared&usbredir.CapEPMaxPacketSize != 0 {
			eps.MaxPacketSize[i] = e.maxPacket
		}
		if shared&usbredir.CapBulkStreams != 0 {
			eps.MaxStreams[i] = e.streams
		}
	}
}
