package usbredir

import (
	"encoding/binary"
	"slices"
)

// An Encoder turns packets into bytes for the other end. It is not safe for use by several goroutines at once.
type Encoder struct {
	role     Role
	own      Caps
	peer     Caps
	peerSaid bool
	limit    uint32
}

// NewEncoder makes the sending half of the end that cfg describes.
func NewEncoder(cfg Config) *Encoder {
	return &Encoder{role: cfg.Role, own: cfg.Caps.Normal(), limit: cfg.limit()}
}

// SetPeer tells the capabilities of the other end, from its hello. Before that nothing but a hello can be sent, since the other end knows our capabilities from
// our hello on and would read a different header.
func (e *Encoder) SetPeer(caps Caps) { e.peer, e.peerSaid = caps.Normal(), true }

// Append puts p behind dst. With an error, dst comes back as it was. The capabilities in a hello are those of the Config, whatever p says.
func (e *Encoder) Append(dst []byte, p *Packet) ([]byte, error) {
	out, err := e.AppendHeader(dst, p)
	if err != nil {
		return dst, err
	}
	out = append(out, p.Data...)
	if p.Type == TypeFilterFilter {
		out = append(out, 0)
	}
	return out, nil
}

// AppendHeader puts all of p but its Data behind dst, for writers that gather: the caller sends the Data (and the NUL behind that of a filter_filter) next.
func (e *Encoder) AppendHeader(dst []byte, p *Packet) ([]byte, error) {
	shared := e.own & e.peer
	l, why := e.verify(p, shared)
	if why != "" {
		return dst, &Error{p.Type, p.ID, why}
	}
	head := 12
	if e.peerSaid && shared&Cap64BitIDs != 0 && p.Type != TypeHello {
		head = 16
	}
	size := bodySize(p.Type, l, shared)
	at, total := len(dst), size+len(p.Data)
	switch p.Type {
	case TypeHello:
		total += 4
		size += 4
	case TypeFilterFilter:
		total++
	}
	dst = slices.Grow(dst, head+size)[:at+head+size]
	b := dst[at:]
	binary.LittleEndian.PutUint32(b, uint32(p.Type))
	binary.LittleEndian.PutUint32(b[4:], uint32(total))
	if head == 16 {
		binary.LittleEndian.PutUint64(b[8:], p.ID)
	} else {
		binary.LittleEndian.PutUint32(b[8:], uint32(p.ID))
	}
	c := coder{b[head:], true}
	c.body(p, shared)
	if p.Type == TypeHello {
		caps := uint32(e.own)
		c.u32(&caps)
	}
	return dst, nil
}

// verify is what is wrong with sending p.
func (e *Encoder) verify(p *Packet, shared Caps) (l layout, why string) {
	l, ok := layoutOf(p.Type)
	switch {
	case !ok:
		return l, "unknown type"
	case p.Type != TypeHello && !e.peerSaid:
		return l, "before the hello of the other end"
	case l.by&(1<<e.role) == 0:
		return l, "is not for the " + e.role.String() + " to send"
	case l.need&^e.peer != 0:
		return l, "the other end has not the capability"
	case p.Type == TypeHello && (len(p.Hello.Version) > maxVersion || len(p.Data) != 0):
		return l, "version too long, or data"
	case !l.data && len(p.Data) != 0:
		return l, "has no data"
	case p.Type == TypeFilterFilter && (len(p.Data) >= maxFilter || slices.Contains(p.Data, 0)):
		return l, "filter too long, or with a NUL"
	case p.Type == TypeInterfaceInfo && p.Interfaces == nil, p.Type == TypeEPInfo && p.EPs == nil:
		return l, "has no body"
	case uint64(len(p.Data)) > uint64(e.limit):
		return l, "data too long"
	case e.peerSaid && shared&Cap64BitIDs == 0 && p.ID>>32 != 0:
		return l, "the id does not fit into 32 bits"
	}
	return l, check(p, e.role, shared, uint32(len(p.Data)), e.limit)
}
