package export

import (
	"govm-desktop/hw/usb"
	"govm-desktop/usbredir"
)

// request does what the protocol has done one by one, with all that came before it done.
func (s *session) request(p *usbredir.Packet) {
	s.work.Lock()
	defer s.work.Unlock()
	switch p.Type {
	case usbredir.TypeReset:
		s.stopReceivers()
		s.cancelAll()
		s.x.reset()
		s.restore()
	case usbredir.TypeSetConfiguration:
		s.setConfiguration(p)
	case usbredir.TypeGetConfiguration:
		s.send(usbredir.Packet{Type: usbredir.TypeConfigurationStatus, ID: p.ID, Configuration: s.value()})
	case usbredir.TypeSetAltSetting:
		s.setAltSetting(p)
	case usbredir.TypeGetAltSetting:
		s.getAltSetting(p)
	case usbredir.TypeStartIsoStream:
		s.startIso(p)
	case usbredir.TypeStopIsoStream:
		s.stopIso(p.Endpoint)
		s.send(usbredir.Packet{Type: usbredir.TypeIsoStreamStatus, ID: p.ID, Endpoint: p.Endpoint})
	case usbredir.TypeStartInterruptReceiving, usbredir.TypeStartBulkReceiving:
		s.startReceiving(p)
	case usbredir.TypeStopInterruptReceiving, usbredir.TypeStopBulkReceiving:
		s.stopReceiving(p)
	case usbredir.TypeAllocBulkStreams, usbredir.TypeFreeBulkStreams:
		s.bulkStreams(p)
	}
}

// value is the configuration in force.
func (s *session) value() uint8 {
	if len(s.config) < 6 {
		return 0
	}
	return s.config[5]
}

// restore brings the device back to its settings after a reset, as an operating system does.
func (s *session) restore() {
	if v := s.value(); v != 0 {
		s.control(usb.Setup{Request: 9, Value: uint16(v)}, nil)
		for i, a := range s.alts {
			if a != 0 {
				s.control(usb.Setup{RequestType: 1, Request: 11, Value: uint16(a), Index: uint16(i)}, nil)
			}
		}
	}
}

func (s *session) setConfiguration(p *usbredir.Packet) {
	s.stopReceivers()
	s.cancelAll()
	_, st := s.control(usb.Setup{Request: 9, Value: uint16(p.Configuration)}, nil)
	if st == usb.OK {
		clear(s.alts)
		if p.Configuration == 0 {
			s.config = nil
		} else if !s.read(p.Configuration) {
			st = usb.IOError
		}
		s.describeAgain()
	}
	s.send(usbredir.Packet{Type: usbredir.TypeConfigurationStatus, ID: p.ID, Status: verdict(st), Configuration: s.value()})
}

func (s *session) setAltSetting(p *usbredir.Packet) {
	for a, e := range s.ends {
		if e.iface == p.Interface {
			s.endReceiver(a)
			s.stopIso(a)
		}
	}
	_, st := s.control(usb.Setup{RequestType: 1, Request: 11, Value: uint16(p.Alt), Index: uint16(p.Interface)}, nil)
	if st == usb.OK {
		s.alts[p.Interface] = p.Alt
		s.describeAgain()
	}
	s.send(usbredir.Packet{Type: usbredir.TypeAltSettingStatus, ID: p.ID, Status: verdict(st), Interface: p.Interface, Alt: s.alts[p.Interface]})
}

func (s *session) getAltSetting(p *usbredir.Packet) {
	r := usbredir.Packet{Type: usbredir.TypeAltSettingStatus, ID: p.ID, Interface: p.Interface}
	var b [1]byte
	_, st := s.control(usb.Setup{RequestType: usb.DirIn | 1, Request: 10, Index: uint16(p.Interface), Length: 1}, b[:])
	r.Status, r.Alt = verdict(st), b[0]
	s.send(r)
}

func (s *session) describeAgain() {
	infos, eps := s.describe()
	s.send(usbredir.Packet{Type: usbredir.TypeEPInfo, EPs: eps})
	s.send(usbredir.Packet{Type: usbredir.TypeInterfaceInfo, Interfaces: infos})
}

func (s *session) bulkStreams(p *usbredir.Packet) {
	r := usbredir.Packet{Type: usbredir.TypeBulkStreamsStatus, ID: p.ID, Endpoints: p.Endpoints, Streams: p.Streams}
	n := int(p.Streams)
	if p.Type == usbredir.TypeFreeBulkStreams {
		n, r.Streams = 0, 0
	}
	var list []uint8
	for i := range 32 {
		if p.Endpoints>>i&1 == 0 {
			continue
		}
		a := usbredir.EPAddress(i)
		if e, ok := s.ends[a]; !ok || e.kind != usbredir.EPBulk || n > int(e.streams) || e.streams == 0 && n > 0 {
			r.Status = usbredir.Invalid
		}
		list = append(list, a)
	}
	d, ok := s.dev.(usb.Streamer)
	if !ok && n > 0 {
		r.Status = usbredir.Invalid
	}
	if r.Status == usbredir.Success && ok {
		d.Streams(list, n)
	}
	s.send(r)
}
