package scsi

import (
	"bytes"
	"encoding/binary"
	"errors"
	"sync"
	"testing"

	"govm-desktop/block"
	"govm-desktop/snapshot"
)

// image is a disk in memory that can fail and forget.
type image struct {
	mu       sync.Mutex
	data     []byte
	bad      int64 // reads and writes that reach this byte fail; 0: none
	readOnly bool
	syncs    int
	trimmed  []int64
}

var errBroken = errors.New("broken")

func (d *image) Size() int64    { return int64(len(d.data)) }
func (d *image) ReadOnly() bool { return d.readOnly }
func (d *image) Close() error   { return nil }
func (d *image) Sync() error    { d.syncs++; return nil }
func (d *image) ReadAt(p []byte, off int64) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.check(p, off); err != nil {
		return 0, err
	}
	return copy(p, d.data[off:]), nil
}
func (d *image) WriteAt(p []byte, off int64) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.check(p, off); err != nil {
		return 0, err
	}
	return copy(d.data[off:], p), nil
}
func (d *image) check(p []byte, off int64) error {
	if d.bad > off && d.bad <= off+int64(len(p)) {
		return errBroken
	}
	return block.Check(d.Size(), off, int64(len(p)))
}
func (d *image) Discard(off, n int64) error {
	d.trimmed = append(d.trimmed, off, n)
	return nil
}

func newImage(sectors int) *image {
	d := &image{data: make([]byte, sectors*BlockSize)}
	for i := range d.data {
		d.data[i] = byte(i>>9) ^ byte(i)
	}
	return d
}

// bench is a target with one unit whose first UNIT ATTENTION has been taken.
type bench struct {
	t  *testing.T
	u  *Unit
	tg *Target
	r  Request
}

func newBench(t *testing.T, cfg Config) *bench {
	b := &bench{t: t, u: New(cfg)}
	b.tg = &Target{Units: []*Unit{b.u}}
	b.run(nil, 0x00, 0, 0, 0, 0, 0)
	if b.r.Sense != PowerOnReset {
		t.Errorf("the first command ends with %x", b.r.Sense)
	}
	return b
}

// run carries out a command, in pieces of odd size.
func (b *bench) run(out []byte, cdb ...byte) (in []byte) {
	b.t.Helper()
	b.tg.Start(&b.r, 0, cdb)
	piece := make([]byte, 777)
	for b.r.Dir == In && b.r.Left() > 0 {
		n := b.r.Read(piece)
		in = append(in, piece[:n]...)
	}
	for b.r.Dir == Out && b.r.Left() > 0 && len(out) > 0 {
		n := b.r.Write(out[:min(len(out), 777)])
		out = out[n:]
	}
	b.r.Finish()
	return in
}

func (b *bench) want(what string, s Sense) {
	b.t.Helper()
	if b.r.Sense != s || (b.r.Status == StatusGood) != (s == Good) {
		b.t.Errorf("%s: status %d, sense %05x, want %05x", what, b.r.Status, b.r.Sense, s)
	}
}

func be32(v uint32) []byte { return binary.BigEndian.AppendUint32(nil, v) }

// rw makes a command of ten bytes.
func rw(op byte, lba uint32, n uint16) []byte {
	return []byte{op, 0, byte(lba >> 24), byte(lba >> 16), byte(lba >> 8), byte(lba), 0, byte(n >> 8), byte(n), 0}
}

func TestDisk_readWrite(t *testing.T) {
	d := newImage(100)
	b := newBench(t, Config{Image: d})
	for name, c := range map[string]struct{ read, write []byte }{
		"6":  {[]byte{0x08, 0, 0, 10, 3, 0}, []byte{0x0a, 0, 0, 10, 3, 0}},
		"10": {rw(0x28, 10, 3), rw(0x2a, 10, 3)},
		"12": {[]byte{0xa8, 0, 0, 0, 0, 10, 0, 0, 0, 3, 0, 0}, []byte{0xaa, 0, 0, 0, 0, 10, 0, 0, 0, 3, 0, 0}},
		"16": {[]byte{0x88, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 0, 3, 0, 0}, []byte{0x8a, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 0, 3, 0, 0}},
	} {
		data := bytes.Repeat([]byte(name), 3*BlockSize)[:3*BlockSize]
		b.run(data, c.write...)
		b.want("write "+name, Good)
		got := b.run(nil, c.read...)
		b.want("read "+name, Good)
		if !bytes.Equal(got, data) || !bytes.Equal(d.data[10*BlockSize:13*BlockSize], data) {
			t.Errorf("read %s: %d bytes that differ", name, len(got))
		}
		b.run(data, 0x2f, 2, 0, 0, 0, 10, 0, 0, 3, 0)
		b.want("verify", Good)
		data[1000]++
		b.run(data, 0x2f, 2, 0, 0, 0, 10, 0, 0, 3, 0)
		b.want("verify what differs", Miscompare)
	}
	if d.syncs != 0 {
		t.Error("flushed for nothing")
	}
	b.run(make([]byte, 512), 0x2a, 8, 0, 0, 0, 1, 0, 0, 1, 0)
	b.run(nil, 0x35, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	b.run(nil, 0x1b, 0, 0, 0, 0, 0)
	if d.syncs != 3 {
		t.Errorf("%d flushes after FUA, SYNCHRONIZE CACHE and STOP", d.syncs)
	}
}

func TestDisk_errors(t *testing.T) {
	d := newImage(100)
	b := newBench(t, Config{Image: d})
	for _, c := range []struct {
		name string
		cdb  []byte
		want Sense
	}{
		{"beyond the end", rw(0x28, 99, 2), BadRange},
		{"at the end", rw(0x28, 100, 1), BadRange},
		{"nothing, at the end", rw(0x28, 100, 0), Good},
		{"far", []byte{0x88, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0}, BadRange},
		{"unknown", []byte{0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, BadOpcode},
		{"a page that is not there", []byte{0x12, 1, 0x77, 0, 255, 0}, BadField},
		{"a mode page that is not there", []byte{0x1a, 0, 0x22, 0, 255, 0}, BadField},
		{"saved values", []byte{0x1a, 0, 0xff, 0, 255, 0}, NoSaving},
		{"locking what stays", []byte{0x1e, 0, 0, 0, 1, 0}, BadField},
		{"cut short", []byte{0x28, 0, 0, 0}, BadField},
		{"UNMAP without parameters", []byte{0x42, 0, 0, 0, 0, 0, 0, 0, 0, 0}, Good},
		{"WRITE SAME of all", rw(0x41, 0, 0), BadField},
	} {
		b.run(nil, c.cdb...)
		b.want(c.name, c.want)
	}
	d.bad = 20*BlockSize + 5
	if got := b.run(nil, rw(0x28, 10, 20)...); len(got) < 9*BlockSize || len(got) > 10*BlockSize || !bytes.Equal(got, d.data[10*BlockSize:10*BlockSize+len(got)]) {
		t.Errorf("%d bytes before the bad block", len(got))
	}
	b.want("a bad block", ReadError)
	b.run(make([]byte, 20*BlockSize), rw(0x2a, 10, 20)...)
	b.want("a bad block, writing", WriteError)
	b.run(nil, rw(0x2f, 10, 20)...)
	b.want("a bad block, verifying", ReadError)
	b.r.Keep()
	if s := b.run(nil, 0x03, 0, 0, 0, 18, 0); len(s) != 18 || s[0] != 0x70 || s[2] != 3 || s[12] != 0x11 {
		t.Errorf("sense % x", s)
	}
	if s := b.run(nil, 0x03, 1, 0, 0, 18, 0); len(s) != 8 || s[0] != 0x72 || s[1] != 0 {
		t.Errorf("sense % x", s)
	}
	d.readOnly = true
	b.run(make([]byte, 512), rw(0x2a, 0, 1)...)
	b.want("a write to a disk that is read only", WriteProtected)
	if m := b.run(nil, 0x1a, 0, 0x3f, 0, 255, 0); m[2]&0x80 == 0 {
		t.Errorf("MODE SENSE says nothing of it: % x", m)
	}
}

func TestDisk_describes(t *testing.T) {
	b := newBench(t, Config{Image: newImage(100), Serial: "S123", Model: "STICK", Removable: true})
	if q := b.run(nil, 0x12, 0, 0, 0, 36, 0); len(q) != 36 || q[0] != 0 || q[1] != 0x80 || string(q[8:21]) != "GOVM    STICK" {
		t.Errorf("INQUIRY %q", q)
	}
	if q := b.run(nil, 0x12, 0, 0, 0, 5, 0); len(q) != 5 {
		t.Errorf("INQUIRY of 5 bytes gives %d", len(q))
	}
	if q := b.run(nil, 0x12, 1, 0x80, 0, 255, 0); string(q[4:]) != "S123" {
		t.Errorf("serial number %q", q)
	}
	pages := b.run(nil, 0x12, 1, 0, 0, 255, 0)
	for _, p := range pages[4:] {
		if q := b.run(nil, 0x12, 1, p, 0, 255, 0); len(q) < 8 || q[1] != p || int(q[3]) != len(q)-4 {
			t.Errorf("page %02x: % x", p, q)
		}
	}
	if c := b.run(nil, rw(0x25, 0, 0)...); !bytes.Equal(c, append(be32(99), be32(512)...)) {
		t.Errorf("READ CAPACITY % x", c)
	}
	if c := b.run(nil, 0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0); len(c) != 32 || c[7] != 99 || c[14] != 0x80 {
		t.Errorf("READ CAPACITY(16) % x", c)
	}
	if c := b.run(nil, rw(0x23, 0, 255)...); len(c) != 12 || c[7] != 100 {
		t.Errorf("READ FORMAT CAPACITIES % x", c)
	}
	if l := b.run(nil, 0xa0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0); len(l) != 16 || l[3] != 8 {
		t.Errorf("REPORT LUNS % x", l)
	}
	for _, m := range [][]byte{b.run(nil, 0x1a, 0, 0x3f, 0, 255, 0), b.run(nil, 0x5a, 0, 0x3f, 0, 0, 0, 0, 1, 0, 0)[4:]} {
		if i := bytes.Index(m, []byte{8, 18, 4}); i < 0 {
			t.Errorf("MODE SENSE % x", m)
		}
	}
}

func TestTarget_noUnit(t *testing.T) {
	b := newBench(t, Config{Image: newImage(1)})
	for _, c := range []struct {
		cdb  []byte
		want Sense
		n    int64
	}{{[]byte{0x12, 0, 0, 0, 36, 0}, Good, 36}, {[]byte{0x03, 0, 0, 0, 18, 0}, Good, 18}, {[]byte{0, 0, 0, 0, 0, 0}, BadUnit, 0}} {
		b.tg.Start(&b.r, 3, c.cdb)
		if b.r.Sense != c.want || b.r.Len != c.n {
			t.Errorf("command %02x: sense %x, %d bytes", c.cdb[0], b.r.Sense, b.r.Len)
		}
	}
}

func TestDisk_modeSelect(t *testing.T) {
	d := newImage(10)
	b := newBench(t, Config{Image: d})
	list := b.run(nil, 0x1a, 8, 0x08, 0, 255, 0)
	list[0] = 0
	list[4+2] &^= cachingWCE
	b.run(list, 0x15, 0x10, 0, 0, byte(len(list)), 0)
	b.want("MODE SELECT", Good)
	b.run(make([]byte, 512), rw(0x2a, 0, 1)...)
	if d.syncs != 1 {
		t.Error("a write is not flushed though the cache is off")
	}
	if m := b.run(nil, 0x1a, 8, 0x08, 0, 255, 0); m[6]&cachingWCE != 0 {
		t.Error("the cache is on")
	}
	list[4+3]++
	b.run(list, 0x15, 0x10, 0, 0, byte(len(list)), 0)
	b.want("a page that cannot be changed", BadParameter)
	b.run(list[:9], 0x15, 0x10, 0, 0, 9, 0)
	b.want("a page cut short", BadLength)
}

func TestDisk_unmap(t *testing.T) {
	d := newImage(100)
	b := newBench(t, Config{Image: d})
	list := append([]byte{0, 38, 0, 32, 0, 0, 0, 0}, make([]byte, 32)...)
	list[8+7], list[8+11] = 5, 10
	list[24+7], list[24+11] = 99, 1
	b.run(list, 0x42, 0, 0, 0, 0, 0, 0, 0, byte(len(list)), 0)
	b.want("UNMAP", Good)
	if want := []int64{5 * 512, 10 * 512, 99 * 512, 512}; len(d.trimmed) != 4 || d.trimmed[0] != want[0] || d.trimmed[3] != want[3] {
		t.Errorf("discarded %v", d.trimmed)
	}
	list[24+11] = 2
	b.run(list, 0x42, 0, 0, 0, 0, 0, 0, 0, byte(len(list)), 0)
	b.want("UNMAP beyond the end", BadRange)
	if len(d.trimmed) != 4 {
		t.Error("part of a bad list was carried out")
	}
	b.run(bytes.Repeat([]byte{7}, 512), rw(0x41, 50, 40)...)
	b.want("WRITE SAME", Good)
	if !bytes.Equal(d.data[50*512:90*512], bytes.Repeat([]byte{7}, 40*512)) || d.data[90*512] == 7 {
		t.Error("WRITE SAME has written something else")
	}
}

func TestRemovable(t *testing.T) {
	d, other := newImage(10), newImage(20)
	b := newBench(t, Config{Image: d, Removable: true})
	b.run(nil, 0x1e, 0, 0, 0, 1, 0)
	b.run(nil, 0x1b, 0, 0, 0, 2, 0)
	b.want("eject while locked", Prevented)
	if _, err := b.u.Eject(false); !errors.Is(err, ErrLocked) {
		t.Errorf("Eject of what is locked: %v", err)
	}
	if old, err := b.u.Eject(true); err != nil || old != block.Disk(d) {
		t.Errorf("Eject: %v", err)
	}
	b.run(nil, 0, 0, 0, 0, 0, 0)
	b.want("no medium", NoMedium)
	if _, err := b.u.SetMedium(other); err != nil {
		t.Fatal(err)
	}
	b.run(nil, 0, 0, 0, 0, 0, 0)
	b.want("another medium", MediumChanged)
	if c := b.run(nil, rw(0x25, 0, 0)...); c[3] != 19 {
		t.Errorf("READ CAPACITY % x", c)
	}
	b.run(nil, 0x1b, 0, 0, 0, 2, 0)
	b.want("eject", Good)
	b.run(nil, rw(0x28, 0, 1)...)
	b.want("an open tray", NoMedium)
	b.run(nil, 0x1b, 0, 0, 0, 3, 0)
	b.run(nil, 0, 0, 0, 0, 0, 0)
	b.want("loaded again", MediumChanged)
	if _, err := New(Config{Image: d}).Eject(true); !errors.Is(err, ErrNotRemovable) {
		t.Errorf("Eject of a disk: %v", err)
	}
}

func TestCDROM(t *testing.T) {
	d := newImage(41) // ten sectors and a quarter
	d.readOnly = true
	b := newBench(t, Config{Kind: CDROM, Image: d})
	if c := b.run(nil, rw(0x25, 0, 0)...); c[3] != 10 || c[6] != 8 {
		t.Errorf("READ CAPACITY % x", c)
	}
	got := b.run(nil, rw(0x28, 9, 2)...)
	if want := append(bytes.Clone(d.data[9*2048:]), make([]byte, 1536)...); !bytes.Equal(got, want) {
		t.Errorf("%d bytes that differ", len(got))
	}
	raw := b.run(nil, 0xbe, 0, 0, 0, 0, 3, 0, 0, 2, 0xf8, 0, 0)
	if len(raw) != 2*RawSector || raw[1] != 0xff || raw[15] != 1 || raw[14] != 3 || !bytes.Equal(raw[16:16+2048], d.data[3*2048:4*2048]) {
		t.Errorf("READ CD % x", raw[:20])
	}
	for _, c := range [][]byte{rw(0x43, 0, 255), rw(0x46, 0, 255), rw(0x4a, 0, 255), rw(0x51, 0, 255), rw(0x42, 0, 255), {0x5a, 0, 0x2a, 0, 0, 0, 0, 0, 255, 0}} {
		if c[0] == 0x4a {
			c[1], c[4] = 1, 0x10
		}
		if got := b.run(nil, c...); b.r.Status != StatusGood || len(got) < 4 {
			t.Errorf("command %02x: %x, % x", c[0], b.r.Sense, got)
		}
	}
	b.run(make([]byte, 2048), rw(0x2a, 0, 1)...)
	b.want("WRITE", BadOpcode)
	if _, err := b.u.Eject(false); err != nil {
		t.Fatal(err)
	}
	b.run(nil, 0, 0, 0, 0, 0, 0)
	b.want("an open tray", NoDisc(true))
}

func TestState(t *testing.T) {
	d := newImage(100)
	b := newBench(t, Config{Image: d, Removable: true})
	b.tg.Start(&b.r, 0, rw(0x28, 10, 4))
	half := make([]byte, 1000)
	b.r.Read(half)
	c := newBench(t, Config{Image: d, Removable: true})
	save := func(x *bench) []byte { return snapshot.Save(state{x}) }
	if err := snapshot.Load(state{c}, save(b)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(save(b), save(c)) {
		t.Error("the state differs")
	}
	rest := make([]byte, 2000)
	if n := c.r.Read(rest); n != 4*512-1000 || !bytes.Equal(rest[:n], d.data[10*512+1000:14*512]) {
		t.Errorf("%d bytes that differ", n)
	}
}

type state struct{ *bench }

func (s state) State(c *snapshot.Coder) {
	c.Group("unit", s.u.State)
	c.Group("request", func(c *snapshot.Coder) { s.r.State(c, s.tg) })
}

func FuzzCommand(f *testing.F) {
	f.Add([]byte{0x12, 0, 0, 0, 36, 0}, []byte{}, false)
	f.Add(rw(0x2a, 1, 2), make([]byte, 1024), false)
	f.Add([]byte{0x42, 0, 0, 0, 0, 0, 0, 0, 24, 0}, make([]byte, 24), false)
	f.Add([]byte{0x15, 0x10, 0, 0, 24, 0}, []byte{0, 0, 0, 0, 8, 18, 4}, false)
	f.Add([]byte{0xbe, 0, 0, 0, 0, 3, 0, 0, 2, 0xf8, 0, 0}, []byte{}, true)
	f.Add([]byte{0xb9, 0, 0, 0, 2, 0, 0, 3, 0, 0x10, 0, 0}, []byte{}, true)
	f.Fuzz(func(t *testing.T, cdb, out []byte, cd bool) {
		cfg := Config{Image: newImage(101), Removable: true}
		if cd {
			cfg.Kind = CDROM
		}
		tg := &Target{Units: []*Unit{New(cfg)}}
		tg.Units[0].attention = Good
		var r Request
		tg.Start(&r, 0, cdb)
		if r.Len < 0 || (r.Dir == NoData) != (r.Len == 0) && r.Status == StatusGood {
			t.Fatalf("direction %d, %d bytes", r.Dir, r.Len)
		}
		buf := make([]byte, 3000)
		for moved := 0; r.Dir == In && r.Left() > 0; moved++ {
			if n := r.Read(buf); n == 0 && r.Left() > 0 || moved > 1<<12 {
				t.Fatalf("%d bytes are left and nothing comes", r.Left())
			}
		}
		for r.Dir == Out && r.Left() > 0 && len(out) > 0 {
			n := r.Write(out)
			if n == 0 && r.Left() > 0 {
				t.Fatalf("%d bytes are left and nothing is taken", r.Left())
			}
			out = out[n:]
		}
		r.Finish()
		if (r.Status == StatusGood) != (r.Sense == Good) {
			t.Fatalf("status %d, sense %x", r.Status, r.Sense)
		}
	})
}
