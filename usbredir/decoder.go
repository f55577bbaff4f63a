package usbredir

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
)

// A Config describes our end of a connection.
type Config struct {
	Role Role
	Caps Caps // what our hello offers
	// MaxData is the longest payload taken or sent, and the longest that may be asked for; 0 is the constant MaxData.
	MaxData uint32
	// Place, when not nil, may give the memory for the n bytes of a data packet whose body is known and right: segments of n bytes in all, filled
	// without another copy. Anything else, nil above all, leaves the payload to the Decoder. A connection that ends midway leaves them partly filled.
	Place func(p *Packet, n int) [][]byte
}

func (c *Config) limit() uint32 {
	if c.MaxData == 0 || c.MaxData > MaxData {
		return MaxData
	}
	return c.MaxData
}

// A Decoder turns the bytes of the other end into packets. The memory it holds grows with what has arrived, not with what a header announces, up to
// the limit of its Config. After an error it only repeats that error. It is not safe for use by several goroutines at once.
type Decoder struct {
	cfg    Config
	limit  uint32
	shared Caps
	hello  bool // the other end has said hello
	err    error

	state  state
	head   [16]byte
	body   [288]byte
	layout layout
	size   int // of the body
	data   int // bytes behind the body
	got    int // bytes of the present state

	packet     Packet
	interfaces InterfaceInfo
	eps        EPInfo
	buf        []byte   // payload
	segments   [][]byte // what is left of the payload's place, when it has one
	places     [][]byte // memory of segments

	in   []byte // what Next has read ahead
	rest []byte // the part of in not taken yet
}

type state uint8

const (
	inHead state = iota
	inBody
	inData
)

const (
	readAhead  = 64 << 10
	keepBuffer = 1 << 20
)

// NewDecoder makes the receiving half of the end that cfg describes.
func NewDecoder(cfg Config) *Decoder {
	cfg.Caps = cfg.Caps.Normal()
	return &Decoder{cfg: cfg, limit: cfg.limit()}
}

// Feed takes the next bytes of the stream, in portions of any size, and calls each for every packet that is complete with them. The packet and all it points to
// are valid during the call. An error of each ends the Decoder.
func (d *Decoder) Feed(b []byte, each func(*Packet) error) error {
	for d.err == nil {
		p, rest := d.take(b)
		b = rest
		if p == nil {
			return d.err
		}
		if err := each(p); err != nil {
			d.err = err
		}
	}
	return d.err
}

// Next reads from r until a packet is complete. It reads ahead, long payloads straight to where they belong; the same r has to come each time. The packet and
// all it points to are valid until the next call. The error at the end of r is io.EOF between packets and io.ErrUnexpectedEOF inside one.
func (d *Decoder) Next(r io.Reader) (*Packet, error) {
	if d.in == nil {
		d.in = make([]byte, readAhead)
	}
	for empty := 0; d.err == nil; {
		var p *Packet
		if p, d.rest = d.take(d.rest); p != nil {
			return p, nil
		}
		if d.err != nil {
			break
		}
		dst := d.in
		direct := d.state == inData && d.data-d.got >= readAhead
		if direct {
			dst = d.room()
		}
		n, err := r.Read(dst)
		if direct {
			p = d.advance(n)
		} else {
			d.rest = d.in[:n]
		}
		if n > 0 {
			empty = 0
		} else if empty++; err != nil {
			d.err = d.ended(err)
		} else if empty == 100 {
			d.err = io.ErrNoProgress
		}
		if p != nil {
			return p, nil
		}
	}
	return nil, d.err
}

func (d *Decoder) ended(err error) error {
	if err == io.EOF && (d.state != inHead || d.got != 0) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Caps are the capabilities both ends have, none before the other's hello.
func (d *Decoder) Caps() Caps { return d.shared }

// take consumes b up to the end of a packet.
func (d *Decoder) take(b []byte) (*Packet, []byte) {
	for d.err == nil && len(b) > 0 {
		n := copy(d.room(), b)
		b = b[n:]
		if p := d.advance(n); p != nil {
			return p, b
		}
	}
	return nil, b
}

// room is where the next bytes go; it is never empty.
func (d *Decoder) room() []byte {
	switch d.state {
	case inHead:
		return d.head[d.got:d.headSize()]
	case inBody:
		return d.body[d.got:d.size]
	}
	if d.segments != nil {
		for len(d.segments[0]) == 0 {
			d.segments = d.segments[1:]
		}
		return d.segments[0]
	}
	if d.got == len(d.buf) {
		bigger := make([]byte, min(d.data, max(4096, 2*d.got)))
		copy(bigger, d.buf)
		d.buf = bigger
	}
	return d.buf[d.got:min(len(d.buf), d.data)]
}

func (d *Decoder) headSize() int {
	if d.hello && d.shared&Cap64BitIDs != 0 {
		return 16
	}
	return 12
}

// advance takes note of n bytes in the room and gives the packet that they complete.
func (d *Decoder) advance(n int) *Packet {
	d.got += n
	if d.state == inHead && d.got == d.headSize() {
		d.got, d.state = 0, inBody
		d.fail(d.header())
	}
	if d.err == nil && d.state == inBody && d.got == d.size {
		d.got, d.state = 0, inData
		d.fail(d.decodeBody())
		d.place()
	} else if d.state == inData && d.segments != nil {
		d.segments[0] = d.segments[0][n:]
	}
	if d.err != nil || d.state != inData || d.got != d.data {
		return nil
	}
	d.got, d.state = 0, inHead
	if d.fail(d.finish()); d.err != nil {
		return nil
	}
	return &d.packet
}

func (d *Decoder) fail(why string) {
	if why != "" {
		d.err = &Error{d.packet.Type, d.packet.ID, why}
	}
}

// header judges a packet by its header, before anything is stored for it.
func (d *Decoder) header() string {
	t, length := Type(binary.LittleEndian.Uint32(d.head[:])), binary.LittleEndian.Uint32(d.head[4:])
	d.packet = Packet{Type: t, ID: uint64(binary.LittleEndian.Uint32(d.head[8:]))}
	if d.headSize() == 16 {
		d.packet.ID = binary.LittleEndian.Uint64(d.head[8:])
	}
	if cap(d.buf) > keepBuffer {
		d.buf = nil // one long packet does not hold its memory for ever
	}
	var ok bool
	d.layout, ok = layoutOf(t)
	from := d.cfg.Role.Peer()
	switch {
	case !ok:
		return "unknown type"
	case t != TypeHello && !d.hello:
		return "before hello"
	case t == TypeHello && d.hello:
		return "a second hello"
	case d.layout.by&(1<<from) == 0:
		return "is not for the " + from.String() + " to send"
	case d.layout.need&^d.cfg.Caps != 0:
		return "the capability was not offered"
	}
	d.size = bodySize(t, d.layout, d.shared)
	most := uint32(d.size)
	if d.layout.data {
		most += dataLimit(t, d.shared, d.limit)
	}
	if length < uint32(d.size) || length > most {
		return fmt.Sprintf("%d bytes long, which should be %d to %d", length, d.size, most)
	}
	d.data = int(length) - d.size
	return ""
}

func (d *Decoder) decodeBody() string {
	p := &d.packet
	switch p.Type {
	case TypeInterfaceInfo:
		d.interfaces = InterfaceInfo{}
		p.Interfaces = &d.interfaces
	case TypeEPInfo:
		d.eps = EPInfo{}
		p.EPs = &d.eps
	}
	c := coder{d.body[:d.size], false}
	c.body(p, d.shared)
	return check(p, d.cfg.Role.Peer(), d.shared, uint32(d.data), d.limit)
}

// place asks the owner for memory for a payload.
func (d *Decoder) place() {
	d.segments = nil
	if d.err != nil || d.data == 0 || d.packet.Type < TypeControlPacket || d.cfg.Place == nil {
		return
	}
	segments, n := d.cfg.Place(&d.packet, d.data), 0
	for _, s := range segments {
		n += len(s)
	}
	if n == d.data {
		d.places = append(d.places[:0], segments...)
		d.segments = d.places
	}
}

// finish ends a packet whose bytes are all there.
func (d *Decoder) finish() string {
	p := &d.packet
	if d.segments != nil {
		clear(d.places)
		d.segments, p.Placed = nil, true
		return ""
	}
	if d.data > 0 {
		p.Data = d.buf[:d.data]
	}
	switch p.Type {
	case TypeHello:
		if len(p.Data) >= 4 {
			p.Hello.Caps = Caps(binary.LittleEndian.Uint32(p.Data)).Normal()
		}
		p.Data = nil
		d.hello, d.shared = true, p.Hello.Caps&d.cfg.Caps
	case TypeFilterFilter:
		if i := bytes.IndexByte(p.Data, 0); i < 0 || i != len(p.Data)-1 {
			return "the text does not end with its only NUL"
		}
		p.Data = p.Data[:len(p.Data)-1]
	}
	return ""
}
