// Package blocktest is what every implementation of block.Disk must pass: random operations against a model, the bounds, many callers at once.
package blocktest

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"

	"govm-desktop/block"
)

// Kit describes an implementation.
type Kit struct {
	// New returns a disk with the given contents, whose length is a whole number of sectors. The test closes it.
	New func(t *testing.T, contents []byte) block.Disk
}

const (
	size   = 5<<16 + 3*block.SectorSize // several clusters of most formats, the last one partial
	rounds = 400
)

// Run runs the kit.
func Run(t *testing.T, k Kit) {
	t.Helper()
	t.Run("read", k.read)
	t.Run("bounds", k.bounds)
	t.Run("write", k.write)
	t.Run("concurrent", k.concurrent)
	t.Run("closed", k.closed)
}

func contents() []byte {
	b := make([]byte, size)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func (k Kit) open(t *testing.T, b []byte) block.Disk {
	t.Helper()
	d := k.New(t, bytes.Clone(b))
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	if d.Size() != int64(len(b)) {
		t.Fatalf("Size is %d, want %d", d.Size(), len(b))
	}
	return d
}

func compare(t *testing.T, d block.Disk, model []byte, off, n int) {
	t.Helper()
	got := make([]byte, n)
	if k, err := d.ReadAt(got, int64(off)); k != n || err != nil {
		t.Fatalf("ReadAt(%d bytes, %d) = %d, %v", n, off, k, err)
	}
	if !bytes.Equal(got, model[off:off+n]) {
		for i := range got {
			if got[i] != model[off+i] {
				t.Fatalf("ReadAt(%d bytes, %d): byte %d is %#x, want %#x", n, off, off+i, got[i], model[off+i])
			}
		}
	}
}

// span is a random range.
func span(r *rand.Rand) (off, n int) {
	off = r.IntN(size + 1)
	n = r.IntN(min(size-off, 1<<(1+r.IntN(18))) + 1)
	if r.IntN(2) == 0 {
		off, n = off&^(block.SectorSize-1), n&^(block.SectorSize-1)
	}
	return off, n
}

func (k Kit) read(t *testing.T) {
	model := contents()
	d := k.open(t, model)
	compare(t, d, model, 0, size)
	r := rand.New(rand.NewPCG(3, 4))
	for range rounds {
		off, n := span(r)
		compare(t, d, model, off, n)
	}
}

func (k Kit) bounds(t *testing.T) {
	model := contents()
	d := k.open(t, model)
	for _, c := range []struct{ off, n int64 }{{size, 1}, {size - 1, 2}, {size + 1, 0}, {-1, 1}, {-1, 2}, {1 << 62, 512}, {0, size + 1}} {
		p := make([]byte, c.n)
		if _, err := d.ReadAt(p, c.off); err == nil {
			t.Errorf("ReadAt(%d bytes, %d) succeeded", c.n, c.off)
		}
		if _, err := d.WriteAt(p, c.off); err == nil {
			t.Errorf("WriteAt(%d bytes, %d) succeeded", c.n, c.off)
		}
		if z, ok := d.(block.Zeroer); ok && z.WriteZeroes(c.off, c.n) == nil {
			t.Errorf("WriteZeroes(%d, %d) succeeded", c.off, c.n)
		}
		if z, ok := d.(block.Discarder); ok && z.Discard(c.off, c.n) == nil {
			t.Errorf("Discard(%d, %d) succeeded", c.off, c.n)
		}
	}
	if n, err := d.ReadAt(nil, size); n != 0 || err != nil {
		t.Errorf("ReadAt(nothing, at the end) = %d, %v", n, err)
	}
	compare(t, d, model, 0, size)
}

func (k Kit) write(t *testing.T) {
	model := contents()
	d := k.open(t, model)
	if block.IsReadOnly(d) {
		if _, err := d.WriteAt(make([]byte, 512), 0); err == nil {
			t.Error("WriteAt succeeded though the disk is read-only")
		}
		if err := d.Sync(); err != nil {
			t.Errorf("Sync: %v", err)
		}
		compare(t, d, model, 0, size)
		return
	}
	r := rand.New(rand.NewPCG(5, 6))
	for i := range rounds {
		off, n := span(r)
		k.mutate(t, d, model, r, off, n)
		off, n = span(r)
		compare(t, d, model, off, n)
		if i%50 == 0 {
			if err := d.Sync(); err != nil {
				t.Errorf("Sync: %v", err)
			}
		}
	}
	compare(t, d, model, 0, size)
}

// mutate changes a range of disk and model.
func (Kit) mutate(t *testing.T, d block.Disk, model []byte, r *rand.Rand, off, n int) {
	t.Helper()
	switch z, ok := d.(block.Zeroer); {
	case ok && r.IntN(4) == 0:
		if err := z.WriteZeroes(int64(off), int64(n)); err != nil {
			t.Fatalf("WriteZeroes(%d, %d): %v", off, n, err)
		}
		clear(model[off : off+n])
		return
	}
	if z, ok := d.(block.Discarder); ok && r.IntN(8) == 0 {
		if err := z.Discard(int64(off), int64(n)); err != nil {
			t.Fatalf("Discard(%d, %d): %v", off, n, err)
		}
		// The range reads as anything now, but has to go on reading so only after it is written.
		if _, err := d.WriteAt(model[off:off+n], int64(off)); err != nil {
			t.Fatal(err)
		}
		return
	}
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(r.Uint32())
	}
	if k, err := d.WriteAt(p, int64(off)); k != n || err != nil {
		t.Fatalf("WriteAt(%d bytes, %d) = %d, %v", n, off, k, err)
	}
	copy(model[off:], p)
}

// concurrent has callers work on interleaved sectors, which share every larger unit of allocation.
func (k Kit) concurrent(t *testing.T) {
	model := contents()
	d := k.open(t, model)
	const callers = 4
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(7, uint64(c)))
			p := make([]byte, block.SectorSize)
			for range rounds {
				s := r.IntN(size/block.SectorSize/callers)*callers + c
				off := s * block.SectorSize
				mine := model[off : off+block.SectorSize]
				if !block.IsReadOnly(d) && r.IntN(2) == 0 {
					for i := range mine {
						mine[i] = byte(r.Uint32())
					}
					if _, err := d.WriteAt(mine, int64(off)); err != nil {
						t.Errorf("WriteAt: %v", err)
					}
				}
				if _, err := d.ReadAt(p, int64(off)); err != nil || !bytes.Equal(p, mine) {
					t.Errorf("sector %d does not read as written (%v)", s, err)
					return
				}
			}
		})
	}
	wg.Wait()
	compare(t, d, model, 0, size)
}

// closed wants an error, not a crash, from a disk that is closed.
func (k Kit) closed(t *testing.T) {
	d := k.New(t, contents())
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := d.ReadAt(make([]byte, size+1), 0); err == nil {
		t.Error("ReadAt out of bounds succeeded after Close")
	}
	if _, err := d.ReadAt(make([]byte, 512), size); !errors.Is(err, block.ErrRange) {
		t.Errorf("ReadAt beyond the end of a closed disk: %v", err)
	}
}
