package snapshot

import (
	"bytes"
	"errors"
	"math"
	"testing"
)

type kind uint8

// all has a field of every type.
type all struct {
	b    bool
	u8   uint8
	u16  uint16
	u32  uint32
	u64  uint64
	i8   int8
	i16  int16
	i32  int32
	i64  int64
	i    int
	k    kind
	raw  [5]byte
	list []byte
	sub  struct{ x, y uint32 }
}

func (a *all) State(c *Coder) {
	Field(c, "b", &a.b)
	Field(c, "u8", &a.u8)
	Field(c, "u16", &a.u16)
	Field(c, "u32", &a.u32)
	Field(c, "u64", &a.u64)
	Field(c, "i8", &a.i8)
	Field(c, "i16", &a.i16)
	Field(c, "i32", &a.i32)
	Field(c, "i64", &a.i64)
	Field(c, "i", &a.i)
	Field(c, "k", &a.k)
	c.Bytes("raw", a.raw[:])
	c.Slice("list", &a.list, 8)
	c.Group("sub", func(c *Coder) {
		Field(c, "x", &a.sub.x)
		Field(c, "y", &a.sub.y)
	})
}

func sample() *all {
	a := &all{b: true, u8: 200, u16: 60000, u32: 4e9, u64: math.MaxUint64, i8: -100, i16: -30000, i32: math.MinInt32, i64: math.MinInt64, i: -1, k: 7,
		raw: [5]byte{1, 2, 3, 4, 5}, list: []byte("list")}
	a.sub.x, a.sub.y = 1, 2
	return a
}

func equal(a, b *all) bool { return bytes.Equal(Save(a), Save(b)) && a.i64 == b.i64 && a.i8 == b.i8 }

func TestRoundTrip(t *testing.T) {
	a, b := sample(), &all{}
	if err := Load(b, Save(a)); err != nil {
		t.Fatal(err)
	}
	if !equal(a, b) {
		t.Errorf("got %+v, want %+v", b, a)
	}
}

// older lacks most fields and has one more.
type older struct{ u8, gone uint8 }

func (o *older) State(c *Coder) {
	Field(c, "u8", &o.u8)
	Field(c, "gone", &o.gone)
}

func TestLoad_olderStream(t *testing.T) {
	a := sample()
	if err := Load(a, Save(&older{9, 9})); err != nil {
		t.Fatal(err)
	}
	want := sample()
	want.u8 = 9
	if !equal(a, want) {
		t.Errorf("got %+v, want %+v", a, want)
	}
}

type sized struct{ n int }

func (s *sized) State(c *Coder) { c.Bytes("raw", make([]byte, s.n)) }

type limited struct{ list []byte }

func (l *limited) State(c *Coder) { c.Slice("list", &l.list, 2) }

var errOwn = errors.New("own")

type failing struct{ loading bool }

func (f *failing) State(c *Coder) {
	c.Group("g", func(c *Coder) {
		if f.loading = c.Loading(); f.loading {
			c.Fail(errOwn)
			c.Fail(errors.New("second"))
		}
	})
}

func TestLoad_errors(t *testing.T) {
	stream := Save(sample())
	if Load(&sized{4}, stream) == nil {
		t.Error("a block of another length loads")
	}
	if Load(&limited{}, stream) == nil {
		t.Error("a block beyond its limit loads")
	}
	f := &failing{}
	if err := Load(f, Save(f)); !errors.Is(err, errOwn) || err.Error() != "snapshot: g/: own" {
		t.Errorf("error %v", err)
	}
	for n := range len(stream) {
		_ = Load(&all{}, stream[:n]) // must not panic; a cut between two fields is legal
	}
	if Load(&all{}, []byte{200}) == nil || Load(&all{}, []byte{5, 'a'}) == nil {
		t.Error("a stream cut short loads")
	}
}

type twice struct{ a uint8 }

func (w *twice) State(c *Coder) {
	Field(c, "a", &w.a)
	Field(c, "a", &w.a)
}

func TestSave_sameNameTwice(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a name used twice goes unnoticed")
		}
	}()
	Save(&twice{})
}

func FuzzLoad(f *testing.F) {
	f.Add(Save(sample()))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, stream []byte) {
		a := &all{}
		if Load(a, stream) != nil {
			return
		}
		if len(a.list) > 8 {
			t.Errorf("%d bytes loaded beyond the limit", len(a.list))
		}
		b := &all{}
		if err := Load(b, Save(a)); err != nil || !equal(a, b) {
			t.Errorf("what loads does not save and load again: %v", err)
		}
	})
}
