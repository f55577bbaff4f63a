package fwcfg

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"strings"
	"testing"

	"govm-desktop/hw"
	"govm-desktop/hw/hwtest"
	"govm-desktop/memory"
	"govm-desktop/snapshot"
)

const ramSize = 1 << 20

// bench is a device on ports, with memory to do DMA to.
type bench struct {
	*testing.T
	d     *Device
	ram   *memory.Region
	mem   *memory.Space
	ports *memory.Space
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{T: t, mem: memory.NewSpace("memory", 1<<52), ports: memory.NewSpace("ports", 1<<16)}
	ram, err := memory.NewRAM("ram", ramSize)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ram.Free() })
	rom, err := memory.NewROM("rom", make([]byte, 4096))
	if err != nil {
		t.Fatal(err)
	}
	b.ram = ram
	b.mem.Update(func(e *memory.Edit) { e.Map(nil, 0, ram, 0); e.Map(nil, 0xf0000000, rom, 0) })
	b.d = New(Config{DMA: b.mem})
	b.ports.Update(func(e *memory.Edit) {
		e.Map(nil, PortBase, memory.NewIO("fwcfg", PortCount, b.d, memory.Any), 0)
	})
	return b
}

func (b *bench) sel(key uint16) { b.ports.Store(0x510, 2, uint64(key)) }

func (b *bench) in(n int) []byte {
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(b.ports.Load(0x511, 1))
	}
	return out
}

// dma runs a descriptor that it puts at 100h and returns the control word.
func (b *bench) dma(control, n uint32, addr uint64) uint32 {
	m := b.ram.Bytes()[0x100:]
	binary.BigEndian.PutUint32(m, control)
	binary.BigEndian.PutUint32(m[4:], n)
	binary.BigEndian.PutUint64(m[8:], addr)
	b.ports.Store(0x514, 4, 0)
	b.ports.Store(0x518, 4, uint64(bits.ReverseBytes32(0x100)))
	return binary.BigEndian.Uint32(m)
}

func (b *bench) key(name string) uint16 {
	b.Helper()
	b.sel(KeyFileDir)
	for range binary.BigEndian.Uint32(b.in(4)) {
		e := b.in(64)
		if n, _, _ := strings.Cut(string(e[8:]), "\x00"); n == name {
			return binary.BigEndian.Uint16(e[4:])
		}
	}
	b.Fatalf("no file %s in the directory", name)
	return 0
}

func TestSignatureAndFeatures(t *testing.T) {
	b := newBench(t)
	if got := b.in(6); string(got) != "QEMU\x00\x00" {
		t.Errorf("key 0 after power-on: %q", got)
	}
	b.sel(KeyID)
	if got := b.in(4); got[0] != 3 {
		t.Errorf("features %v", got)
	}
	for i, want := range []uint64{0x554d4551, 0x47464320} { // "QEMU", " CFG" as a little-endian processor sees them
		if got := b.ports.Load(0x514+4*uint64(i), 4); got != want {
			t.Errorf("port %#x reads %#x, want %#x", 0x514+4*i, got, want)
		}
	}
	plain := New(Config{})
	plain.choose(KeyID)
	if plain.next() != featureTraditional || plain.Read(regDMAHigh, 4) != ^uint64(0) {
		t.Error("a device without DMA offers it")
	}
	plain.Write(regDMALow, 4, 0)
}

func TestDirectoryIsSorted(t *testing.T) {
	b := newBench(t)
	for _, n := range []string{"etc/e820", "bootorder", "opt/x", "etc/acpi/rsdp"} {
		b.d.AddFile(n, []byte("this is "+n))
	}
	b.sel(KeyFileDir)
	if n := binary.BigEndian.Uint32(b.in(4)); n != 4 {
		t.Fatalf("%d files", n)
	}
	for i, want := range []string{"bootorder", "etc/acpi/rsdp", "etc/e820", "opt/x"} {
		e := b.in(64)
		name, _, _ := strings.Cut(string(e[8:]), "\x00")
		size, key := binary.BigEndian.Uint32(e), binary.BigEndian.Uint16(e[4:])
		if name != want || int(size) != len("this is "+want) || key != FileFirst+uint16(i) {
			t.Errorf("entry %d: %s, %d bytes, key %#x", i, name, size, key)
		}
	}
	b.sel(b.key("etc/e820"))
	if got := b.in(18); string(got) != "this is etc/e820\x00\x00" {
		t.Errorf("contents %q", got)
	}
	b.d.AddFile("etc/e820", []byte("other"))
	b.d.Remove("bootorder")
	b.sel(b.key("etc/e820"))
	if got := b.in(5); string(got) != "other" {
		t.Errorf("replaced contents %q", got)
	}
}

func TestLegacyAndUnknownKeysReadZero(t *testing.T) {
	b := newBench(t)
	for _, k := range []uint16{KeyACPITables, KeySMBIOS, KeyE820, 0x1f, 0x20, 0x3fff, 0xffff} {
		b.sel(k)
		if got := b.in(4); !bytes.Equal(got, make([]byte, 4)) {
			t.Errorf("key %#x: %v", k, got)
		}
	}
	b.d.AddUint16(KeyNumCPUs, 2)
	b.sel(KeyNumCPUs | keyWrite)
	if got := b.in(3); !bytes.Equal(got, []byte{2, 0, 0}) {
		t.Errorf("key 5: %v", got)
	}
}

func TestDMA(t *testing.T) {
	b := newBench(t)
	b.d.AddBytes(KeyKernelData, []byte("0123456789"))
	b.d.AddReader(KeyInitrdData, strings.NewReader("abcdefghij"), 10)
	fill := func() { copy(b.ram.Bytes()[0x1000:], "................") }
	for _, c := range []struct {
		name       string
		control, n uint32
		addr       uint64
		want       uint32
		mem        string
		next       string // what the data port gives then
	}{
		{"select and read", KeyKernelData<<16 | dmaSelect | dmaRead, 4, 0x1000, 0, "0123....", "45"},
		{"select and skip", KeyKernelData<<16 | dmaSelect | dmaSkip, 3, 0x1000, 0, "........", "34"},
		{"read on", dmaRead, 2, 0x1000, 0, "56......", "78"},
		{"past the end", dmaRead, 4, 0x1000, 0, "9\x00\x00\x00....", "\x00\x00"},
		{"skip past the end", KeyKernelData<<16 | dmaSelect | dmaSkip, 0xffffffff, 0, 0, "........", "\x00\x00"},
		{"select alone", KeyKernelData<<16 | dmaSelect, 5, 0x1000, 0, "........", "01"},
		{"nothing", 0, 5, 0x1000, 0, "........", "23"},
		{"reader", KeyInitrdData<<16 | dmaSelect | dmaRead, 12, 0x1000, 0, "abcdefghij\x00\x00", "\x00\x00"},
		{"no such item", 0x1e<<16 | dmaSelect | dmaRead, 4, 0x1000, 0, "\x00\x00\x00\x00....", "\x00\x00"},
		{"write to no such item", dmaWrite, 4, 0x1000, dmaError, "........", "\x00\x00"},
		{"write to a fixed item", KeyKernelData<<16 | dmaSelect | dmaWrite, 4, 0x1000, dmaError, "........", "01"},
		{"into ROM", KeyKernelData<<16 | dmaSelect | dmaRead, 4, 0xf0000000, dmaError, "........", "45"},
		{"into nothing", KeyKernelData<<16 | dmaSelect | dmaRead, 4, 1 << 40, dmaError, "........", "45"},
		{"as long as can be", KeyKernelData<<16 | dmaSelect | dmaRead, 0xffffffff, ramSize - 2, dmaError, "........", "\x00\x00"},
		{"round the end", KeyKernelData<<16 | dmaSelect | dmaRead, 0x1000, ^uint64(0) - 1, dmaError, "........", "\x00\x00"},
	} {
		fill()
		if got := b.dma(c.control, c.n, c.addr); got != c.want {
			t.Errorf("%s: control %#x, want %#x", c.name, got, c.want)
		}
		if got := string(b.ram.Bytes()[0x1000 : 0x1000+len(c.mem)]); got != c.mem {
			t.Errorf("%s: memory %q, want %q", c.name, got, c.mem)
		}
		if got := string(b.in(2)); got != c.next {
			t.Errorf("%s: then %q, want %q", c.name, got, c.next)
		}
	}
}

func TestDescriptorOutsideRAM(t *testing.T) {
	b := newBench(t)
	for _, a := range []uint64{0xf0000000, ramSize - 8, 1 << 50, ^uint64(0) - 3} {
		b.ports.Store(0x514, 4, uint64(bits.ReverseBytes32(uint32(a>>32))))
		b.ports.Store(0x518, 4, uint64(bits.ReverseBytes32(uint32(a))))
	}
	if got := binary.BigEndian.Uint32(b.ram.Bytes()[ramSize-8:]); got != dmaError {
		t.Errorf("descriptor cut off by the end of memory: control %#x", got)
	}
}

func TestWritable(t *testing.T) {
	b := newBench(t)
	var told string
	b.d.AddWritable("etc/w", []byte("12345678"), func(p []byte) { told = string(p) })
	k := uint32(b.key("etc/w")) << 16
	copy(b.ram.Bytes()[0x1000:], "abc")
	b.dma(k|dmaSelect|dmaSkip, 2, 0)
	if c := b.dma(dmaWrite, 3, 0x1000); c != 0 || told != "12abc678" {
		t.Errorf("write: control %#x, contents %q", c, told)
	}
	if c := b.dma(dmaWrite, 4, 0x1000); c != dmaError || told != "12abc678" {
		t.Errorf("write past the end: control %#x, contents %q", c, told)
	}
	saved := snapshot.Save(b.d)
	b.d.Reset(hw.Hard)
	if got := b.d.File("etc/w"); string(got) != "12345678" {
		t.Errorf("after reset %q", got)
	}
	if got := string(b.in(2)); got != "QE" {
		t.Errorf("after reset the selected item reads %q", got)
	}
	if err := snapshot.Load(b.d, saved); err != nil {
		t.Fatal(err)
	}
	if got := string(b.in(3)); got != "678" {
		t.Errorf("loaded state goes on with %q", got)
	}
	if again := snapshot.Save(b.d); len(again) != len(saved) {
		t.Error("state does not come back")
	}
}

func TestFileFunc(t *testing.T) {
	b := newBench(t)
	n := 0
	b.d.AddFileFunc("etc/f", 4, func() []byte { n++; return bytes.Repeat([]byte{byte('0' + n)}, 2*n) })
	k := b.key("etc/f")
	for _, want := range []string{"11\x00\x00\x00", "2222\x00", "3333\x00"} {
		b.sel(k)
		if got := string(b.in(5)); got != want {
			t.Errorf("read %q, want %q", got, want)
		}
	}
}

func TestNames(t *testing.T) {
	for name, ok := range map[string]bool{
		"": false, "a": true, strings.Repeat("x", 55): true, strings.Repeat("x", 56): false, "a b": false, "é": false, "a\x00": false,
	} {
		if err := CheckName(name); (err == nil) != ok {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func FuzzRegisters(f *testing.F) {
	f.Add([]byte{0, 2, 0x20, 0, 0, 0, 8, 4, 0, 0, 1, 0}, []byte{0, 0x20, 0, 0x1a, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0x10, 0})
	f.Add([]byte{8, 4, 0, 0, 1, 0}, []byte{0, 0x20, 0, 0x18, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0x10, 0})
	f.Add([]byte{4, 8, 0, 0, 1, 0}, []byte{0, 0x11, 0, 0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xf0})
	f.Fuzz(func(t *testing.T, ops, desc []byte) {
		mem := memory.NewSpace("memory", 1<<52)
		ram, err := memory.NewRAM("ram", 64<<10)
		if err != nil {
			t.Fatal(err)
		}
		defer ram.Free()
		mem.Update(func(e *memory.Edit) { e.Map(nil, 0, ram, 0) })
		copy(ram.Bytes()[0x100:0x1000], desc)
		d := New(Config{DMA: mem})
		d.AddWritable("w", make([]byte, 16), nil)
		d.AddBytes(KeyKernelData, make([]byte, 100))
		d.AddReader(KeyInitrdData, strings.NewReader("short"), 50)
		for len(ops) >= 6 {
			off, size := uint64(ops[0]%PortCount), 1<<(ops[1]%4)
			if ops[1]&0x80 != 0 {
				d.Read(off, size)
			} else {
				d.Write(off, size, uint64(binary.LittleEndian.Uint32(ops[2:])))
			}
			ops = ops[6:]
		}
		if d.cur != nil && d.off > d.cur.size() {
			t.Fatalf("offset %d of %d", d.off, d.cur.size())
		}
		if got := len(d.File("w")); got != 16 {
			t.Fatalf("writable file grew to %d", got)
		}
	})
}

func TestConformance(t *testing.T) {
	hwtest.TestDevice(t, func(b *hwtest.Bench) hw.Device {
		d := New(Config{DMA: b.Memory})
		d.AddWritable("etc/w", make([]byte, 64), nil)
		d.AddFile("etc/f", []byte("a file"))
		b.MapPorts(PortBase, PortCount, d, memory.Any)
		return d
	})
}
