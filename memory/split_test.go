package memory

import "testing"

func TestSplit(t *testing.T) {
	ram, err := NewRAM("ram", 0x10000)
	if err != nil {
		t.Fatal(err)
	}
	rom, err := NewROM("rom", []byte{1, 2, 3, 4, 5, 6, 7, 8})
	if err != nil {
		t.Fatal(err)
	}
	pci := NewGroup("pci", 0x10000)
	s := NewSpace("mem", 1<<16)
	readOnly := NewSplit("ro", ram, 0x4000, nil, 0, 0x1000)
	shadow := NewSplit("shadow", pci, 0x5000, ram, 0x5000, 0x2000) // ROM in the first page, nothing in the second
	s.Update(func(e *Edit) {
		e.Map(pci, 0x5000, rom, 0)
		e.Map(nil, 0, ram, 0)
		e.Map(nil, 0x4000, readOnly, 1)
		e.Map(nil, 0x5000, shadow, 1)
	})
	ram.Bytes()[0x4010] = 0x77
	for _, c := range []struct {
		addr, val, reads uint64
		ram              byte
	}{
		{0x4010, 0x55, 0x77, 0x77},
		{0x5001, 0x55, 2, 0x55},
		{0x6001, 0x66, 0xff, 0x66},
		{0x7001, 0x11, 0x11, 0x11},
	} {
		s.Store(c.addr, 1, c.val)
		if got := s.Load(c.addr, 1); got != c.reads {
			t.Errorf("%#x reads %#x, want %#x", c.addr, got, c.reads)
		}
		if got := ram.Bytes()[c.addr]; got != c.ram {
			t.Errorf("RAM under %#x is %#x, want %#x", c.addr, got, c.ram)
		}
	}
	if r, _ := s.View().Find(0x4000); r.Writable() || !r.ReadOnly || !r.Region.IsRAM() {
		t.Errorf("read-only RAM shows as %+v", r)
	}
	if n, err := s.WriteAt([]byte{1, 2}, 0x4000); n != 2 || err == nil || ram.Bytes()[0x4000] != 0 {
		t.Errorf("DMA into read-only RAM: %d, %v", n, err)
	}
	if _, err := s.WriteAt([]byte{9}, 0x5002); err != nil || ram.Bytes()[0x5002] != 9 {
		t.Errorf("DMA into shadow RAM: %v", err)
	}
}
