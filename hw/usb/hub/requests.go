package hub

import "govm-desktop/hw/usb"

// Class requests (USB 2.0, table 11-15).
const (
	reqClearHub      = 0x2001
	reqSetHub        = 0x2003
	reqClearPort     = 0x2301
	reqSetPort       = 0x2303
	reqGetDescriptor = 0xa006
	reqHubStatus     = 0xa000
	reqPortStatus    = 0xa300
	reqClearTT       = 0x2308
	reqResetTT       = 0x2309
	reqStopTT        = 0x230b
)

// Features (table 11-17). Those from 16 on are changes, in the order of wPortChange.
const (
	featureEnable     = 1
	featureSuspend    = 2
	featureReset      = 4
	featurePower      = 8
	featureChange     = 16 // C_PORT_CONNECTION
	featureChangeLast = 20 // C_PORT_RESET
	featureIndicator  = 22
)

// Control implements usb.Function.
func (h *Hub) Control(s usb.Setup, _ []byte) ([]byte, bool) {
	if h.Config() == 0 && s.Kind() != reqGetDescriptor {
		return nil, false
	}
	switch s.Kind() {
	case reqGetDescriptor:
		return h.descriptor(), s.Value>>8 == usb.DescHub || s.Value == 0
	case reqHubStatus:
		return make([]byte, 4), true
	case reqClearHub, reqSetHub: // changes of local power and over-current
		return nil, s.Value <= 1
	case reqClearTT, reqResetTT, reqStopTT:
		return nil, true
	}
	i := int(s.Index&0xff) - 1
	if i < 0 || i >= len(h.ports) {
		return nil, false
	}
	switch s.Kind() {
	case reqPortStatus:
		p := h.state[i]
		return []byte{byte(p.status), byte(p.status >> 8), byte(p.change), byte(p.change >> 8)}, true
	case reqSetPort:
		return nil, h.set(i, s.Value)
	case reqClearPort:
		return nil, h.clear(i, s.Value)
	}
	return nil, false
}

// descriptor is the hub's own (11.23.2.1).
func (h *Hub) descriptor() []byte {
	n := len(h.ports)
	bitmap := (n + 8) / 8
	b := []byte{0, usb.DescHub, byte(n), 0x09, 0, 1, 0} // power switching and over-current by port; power is good after 2 ms
	b = append(b, make([]byte, bitmap)...)              // every device can be taken out
	for range bitmap {
		b = append(b, 0xff)
	}
	b[0] = byte(len(b))
	return b
}

// set is SET_FEATURE of a port (11.24.2.13).
func (h *Hub) set(i int, feature uint16) bool {
	p := &h.state[i]
	switch feature {
	case featurePower:
		if p.status&power == 0 {
			p.status |= power
			if d, _ := h.ports[i].Device(); d != nil {
				h.look(i)
				h.changed()
			}
		}
	case featureReset:
		if p.status&(power|connection) != power|connection {
			return true
		}
		p.status |= reset
		p.status &^= enable | suspend
		h.resetBelow(i, func() { h.hasReset(i) })
	case featureSuspend:
		if p.status&enable != 0 && p.status&suspend == 0 {
			p.status |= suspend
			h.tell(i, true)
		}
	case featureIndicator:
	default:
		return false
	}
	return true
}

// hasReset is the end of a port's reset.
func (h *Hub) hasReset(i int) {
	h.Lock()
	defer h.Unlock()
	p := &h.state[i]
	if p.status&reset == 0 {
		return
	}
	p.status &^= reset
	p.change |= reset
	if p.status&connection != 0 {
		p.status |= enable
	}
	h.changed()
}

// clear is CLEAR_FEATURE of a port (11.24.2.2).
func (h *Hub) clear(i int, feature uint16) bool {
	p := &h.state[i]
	switch {
	case feature == featureEnable:
		p.status &^= enable | suspend
	case feature == featureSuspend:
		if p.status&suspend != 0 {
			p.status &^= suspend
			p.change |= suspend
			h.tell(i, false)
			h.changed()
		}
	case feature == featurePower:
		if p.status&power != 0 {
			*p = portState{}
			h.resetBelow(i, func() {})
		}
	case feature >= featureChange && feature <= featureChangeLast:
		p.change &^= 1 << (feature - featureChange)
	case feature == featureIndicator:
	default:
		return false
	}
	return true
}
