package hwtest

import (
	"bytes"
	"io"
	"math/rand/v2"
	"sync"
	"testing"

	"govm-desktop/clock"
	"govm-desktop/hw"
	"govm-desktop/snapshot"
)

// TestDevice holds a device to the contract of hw.Device: make wires a fresh one to the bench it is given and maps its registers there.
func TestDevice(t *testing.T, make func(b *Bench) hw.Device) {
	t.Run("RoundTrip", func(t *testing.T) { testRoundTrip(t, make) })
	t.Run("Mutation", func(t *testing.T) { testMutation(t, make) })
	t.Run("Reset", func(t *testing.T) { testReset(t, make) })
	t.Run("Hammer", func(t *testing.T) { testHammer(t, make) })
	t.Run("Inspect", func(t *testing.T) {
		b := New(t)
		d := make(b)
		PowerOn(d)
		if i, ok := d.(hw.Inspector); ok {
			var out bytes.Buffer
			i.Inspect(&out)
			Want(t, "Inspect prints something", out.Len() > 0, true)
		}
	})
}

// closeDevice ends what a device may have running.
func closeDevice(t *testing.T, d hw.Device) {
	if c, ok := d.(io.Closer); ok {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

// storm makes n random accesses and returns what was read. Equal seeds make equal storms.
func (b *Bench) storm(seed uint64, n int, step bool) []uint64 {
	r := rand.New(rand.NewPCG(seed, 77))
	var reads []uint64
	for range n {
		w := b.mapped[r.IntN(len(b.mapped))]
		size := []int{1, 1, 1, 2, 4, 4, 8}[r.IntN(7)]
		off := r.Uint64N(w.size)
		if r.IntN(2) == 0 {
			off = off % min(w.size, 64)
		}
		if r.IntN(4) > 0 {
			off &^= uint64(size - 1)
		}
		addr := w.at + off
		switch r.IntN(5) {
		case 0, 1:
			reads = append(reads, w.space.Load(addr, size))
		case 2:
			w.space.Store(addr, size, r.Uint64()>>r.IntN(64))
		case 3:
			w.space.Store(addr, size, r.Uint64N(16))
		case 4:
			w.space.Store(addr, size, uint64(1)<<r.IntN(32))
		}
		if step && r.IntN(8) == 0 {
			b.Step(clock.Time(r.Int64N(1 << r.IntN(22))))
		}
	}
	return reads
}

// testRoundTrip saves a device after a storm, loads it into a fresh one, and wants both to be equal: in what they save, and in
// how they answer from then on.
func testRoundTrip(t *testing.T, make func(b *Bench) hw.Device) {
	changed := false
	for seed := range uint64(8) {
		a := New(t)
		da := make(a)
		defer closeDevice(t, da)
		PowerOn(da)
		fresh := snapshot.Save(da)
		a.storm(seed, 400, true)
		saved := snapshot.Save(da)
		changed = changed || !bytes.Equal(fresh, saved)

		b := New(t)
		db := make(b)
		defer closeDevice(t, db)
		b.Clock.Step(a.Clock.Now())
		copy(b.RAM.Bytes(), a.RAM.Bytes())
		db.Reset(hw.PowerOn)
		if err := snapshot.Load(db, saved); err != nil {
			t.Fatal(err)
		}
		if again := snapshot.Save(db); !bytes.Equal(saved, again) {
			t.Fatalf("seed %d: state saved, loaded and saved again differs:\n%q\n%q", seed, saved, again)
		}
		Start(db)
		ra, rb := a.storm(seed+100, 400, true), b.storm(seed+100, 400, true)
		for i := range ra {
			if ra[i] != rb[i] {
				t.Fatalf("seed %d: read %d after loading gives %#x, the original gives %#x", seed, i, rb[i], ra[i])
			}
		}
	}
	if !changed {
		t.Error("no storm changed the saved state: is it saved at all?")
	}
}

// testMutation loads damaged states: any may be refused, none may hurt.
func testMutation(t *testing.T, make func(b *Bench) hw.Device) {
	b := New(t)
	d := make(b)
	defer closeDevice(t, d)
	PowerOn(d)
	r := rand.New(rand.NewPCG(5, 6))
	for seed := range uint64(60) {
		b.storm(seed, 60, true)
		saved := snapshot.Save(d)
		for range 1 + r.IntN(12) {
			saved[r.IntN(len(saved))] ^= byte(1 << r.IntN(8))
		}
		d.Reset(hw.PowerOn)
		if snapshot.Load(d, saved) != nil {
			d.Reset(hw.PowerOn)
		}
		Start(d)
	}
}

// testReset wants Reset to give one and the same state whatever went before, and to touch nothing outside.
func testReset(t *testing.T, make func(b *Bench) hw.Device) {
	for _, cause := range []hw.Cause{hw.PowerOn, hw.Hard, hw.WakeUp} {
		b := New(t)
		d := make(b)
		defer closeDevice(t, d)
		PowerOn(d)
		b.storm(uint64(cause)+9, 300, true)
		calls := b.calls()
		d.Reset(cause)
		first := snapshot.Save(d)
		d.Reset(cause)
		if second := snapshot.Save(d); !bytes.Equal(first, second) {
			t.Errorf("two resets leave different states:\n%q\n%q", first, second)
		}
		Want(t, "wires set by Reset", b.calls()-calls, 0)
		b.Step(2 * clock.Second)
		Want(t, "wires set by a timer left armed", b.calls()-calls, 0)
		Start(d)
		b.storm(3, 100, true)
	}
}

// testHammer plays on the device from several goroutines at once while time goes on: for the race detector.
func testHammer(t *testing.T, make func(b *Bench) hw.Device) {
	b := New(t)
	d := make(b)
	defer closeDevice(t, d)
	PowerOn(d)
	var wg sync.WaitGroup
	for i := range 3 {
		wg.Go(func() { b.storm(uint64(i)+40, 1500, false) })
	}
	for range 300 {
		b.Step(300 * clock.Microsecond)
	}
	wg.Wait()
	if len(snapshot.Save(d)) == 0 {
		t.Error("empty state")
	}
}
