package usbredir

import "fmt"

// MaxData is the longest payload of any implementation known, and the limit of a Decoder or Encoder that names none.
const MaxData = 128 << 20

const (
	maxVersion  = 63
	maxCapWords = 64
	maxFilter   = 1 << 16
)

// dataLimit is how many bytes may follow the body of a packet: what its length field can say, at most limit.
func dataLimit(t Type, shared Caps, limit uint32) uint32 {
	switch t {
	case TypeHello:
		return 4 * maxCapWords
	case TypeFilterFilter:
		return maxFilter
	case TypeControlPacket, TypeIsoPacket, TypeInterruptPacket:
		return min(limit, 0xffff)
	case TypeBulkPacket:
		if shared&Cap32BitBulkLength == 0 {
			return min(limit, 0xffff)
		}
	}
	return limit
}

// check is what a packet from the given end has to keep beyond its lengths; data is the number of bytes behind its body. "" is right.
func check(p *Packet, from Role, shared Caps, data, limit uint32) string {
	switch p.Type {
	case TypeHello:
		if data%4 != 0 {
			return "capabilities are not whole words"
		}
	case TypeInterfaceInfo:
		if p.Interfaces.Count > 32 {
			return fmt.Sprintf("%d interfaces, at most 32 fit", p.Interfaces.Count)
		}
	case TypeEPInfo:
		return checkEPs(p.EPs)
	case TypeStartIsoStream, TypeStopIsoStream, TypeIsoStreamStatus:
		return checkEndpoint(p.Endpoint, false)
	case TypeStartInterruptReceiving, TypeStopInterruptReceiving, TypeInterruptReceivingStatus, TypeStopBulkReceiving, TypeBulkReceivingStatus:
		return checkEndpoint(p.Endpoint, true)
	case TypeStartBulkReceiving:
		if p.Length > limit {
			return fmt.Sprintf("transfers of %d bytes, the limit is %d", p.Length, limit)
		}
		return checkEndpoint(p.Endpoint, true)
	case TypeControlPacket, TypeBulkPacket, TypeIsoPacket, TypeInterruptPacket, TypeBufferedBulkPacket:
		return checkData(p, from, shared, data, limit)
	}
	return ""
}

func checkEndpoint(ep uint8, in bool) string {
	switch {
	case ep&0x70 != 0:
		return fmt.Sprintf("endpoint %#02x has reserved bits", ep)
	case ep&0x0f == 0:
		return fmt.Sprintf("endpoint %#02x is the control endpoint", ep)
	case in && ep&0x80 == 0:
		return fmt.Sprintf("endpoint %#02x is no input", ep)
	}
	return ""
}

// checkEPs wants known types, and endpoint 0 to be the control endpoint that it always is.
func checkEPs(e *EPInfo) string {
	for i, t := range e.Type {
		if t > EPInterrupt && t != EPNone {
			return fmt.Sprintf("endpoint %#02x has unknown type %d", EPAddress(i), t)
		}
		if i&0x0f == 0 && t != EPControl && t != EPNone {
			return fmt.Sprintf("endpoint %#02x has type %d, not control", EPAddress(i), t)
		}
	}
	return ""
}

// checkData: bytes travel in the direction of the endpoint alone and are as many as the length says. Isochronous and buffered bulk packets have no
// other direction; interrupt packets have an answer to OUT, and no request for IN.
func checkData(p *Packet, from Role, shared Caps, data, limit uint32) string {
	if p.Type != TypeControlPacket {
		if why := checkEndpoint(p.Endpoint, false); why != "" {
			return why
		}
	} else if p.Endpoint&0x70 != 0 {
		return fmt.Sprintf("endpoint %#02x has reserved bits", p.Endpoint)
	}
	if most := dataLimit(p.Type, shared, limit); p.Length > most {
		return fmt.Sprintf("length %d, the limit is %d", p.Length, most)
	}
	if in := p.Endpoint&0x80 != 0; in == (from == Host) {
		if data != p.Length {
			return fmt.Sprintf("%d bytes of data, but length %d", data, p.Length)
		}
		return ""
	}
	if data != 0 {
		return fmt.Sprintf("%d bytes of data against the direction of endpoint %#02x", data, p.Endpoint)
	}
	if p.Type == TypeIsoPacket || p.Type == TypeBufferedBulkPacket || p.Type == TypeInterruptPacket && from == Guest {
		return fmt.Sprintf("endpoint %#02x has the other direction", p.Endpoint)
	}
	return ""
}
