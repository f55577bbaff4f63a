// Package snapshot carries the state of chips in and out: a Coder visits every field of a device once, by name, and the
// same visit saves and loads, so that the two directions cannot drift apart.
//
// The format is ours: names are the contract. A field that the stream lacks keeps its reset value, a field that the
// device no longer has is ignored, so that old streams load into newer devices.
package snapshot

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Scalar is every type that Field can carry.
type Scalar interface {
	~bool | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~int8 | ~int16 | ~int32 | ~int64 | ~int | ~uint
}

// State is what can be saved and loaded by one visit.
type State interface{ State(*Coder) }

// Coder is one visit over a state, saving or loading.
type Coder struct {
	loading bool
	prefix  string
	values  map[string][]byte
	order   []string
	err     error
}

// Loading reports the direction of the visit, for the few places that must rebuild what they derived.
func (c *Coder) Loading() bool { return c.loading }

// Fail makes the visit fail with the first error given: a loaded value that cannot be.
func (c *Coder) Fail(err error) {
	if c.err == nil {
		c.err = fmt.Errorf("snapshot: %s: %w", c.prefix, err)
	}
}

// Field saves or loads *p under the given name.
func Field[T Scalar](c *Coder, name string, p *T) {
	if b := c.field(name, encode(*p)); b != nil {
		decode(b, p)
	}
}

// Bytes saves or loads a block of fixed length.
func (c *Coder) Bytes(name string, p []byte) {
	if b := c.field(name, p); b != nil {
		if len(b) != len(p) {
			c.Fail(fmt.Errorf("%s: %d bytes where %d belong", name, len(b), len(p)))
			return
		}
		copy(p, b)
	}
}

// Slice saves or loads a block whose length varies up to limit, which bounds what a hostile stream can make us hold.
func (c *Coder) Slice(name string, p *[]byte, limit int) {
	if b := c.field(name, *p); b != nil {
		if len(b) > limit {
			c.Fail(fmt.Errorf("%s: %d bytes, at most %d belong", name, len(b), limit))
			return
		}
		*p = append([]byte(nil), b...)
	}
}

// Group visits the fields of f under a name of their own.
func (c *Coder) Group(name string, f func(*Coder)) {
	old := c.prefix
	c.prefix += name + "/"
	f(c)
	c.prefix = old
}

// field stores b when saving, and returns what the stream holds, or nil, when loading.
func (c *Coder) field(name string, b []byte) []byte {
	key := c.prefix + name
	if c.loading {
		return c.values[key]
	}
	if _, twice := c.values[key]; twice {
		panic("snapshot: field named twice: " + key)
	}
	c.values[key] = append([]byte{}, b...)
	c.order = append(c.order, key)
	return nil
}

func encode[T Scalar](v T) []byte { return binary.AppendUvarint(nil, bits(v)) }

// Save visits s and returns its state as a stream.
func Save(s State) []byte {
	c := &Coder{values: map[string][]byte{}}
	s.State(c)
	var out []byte
	for _, k := range c.order {
		out = binary.AppendUvarint(out, uint64(len(k)))
		out = append(out, k...)
		out = binary.AppendUvarint(out, uint64(len(c.values[k])))
		out = append(out, c.values[k]...)
	}
	return out
}

var errShort = errors.New("snapshot: stream ends early")

// Load visits s with the values of a stream made by Save.
func Load(s State, stream []byte) error {
	c := &Coder{loading: true, values: map[string][]byte{}}
	for len(stream) > 0 {
		var k, v []byte
		var err error
		if k, stream, err = take(stream); err != nil {
			return err
		}
		if v, stream, err = take(stream); err != nil {
			return err
		}
		c.values[string(k)] = v
	}
	s.State(c)
	return c.err
}

func take(b []byte) (head, rest []byte, err error) {
	n, w := binary.Uvarint(b)
	if w <= 0 || n > math.MaxInt32 || uint64(len(b)-w) < n {
		return nil, nil, errShort
	}
	return b[w : w+int(n) : w+int(n)], b[w+int(n):], nil
}
