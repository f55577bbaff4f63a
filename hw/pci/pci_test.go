package pci

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"govm-desktop/hw"
	"govm-desktop/memory"
	"govm-desktop/snapshot"
)

// dev is a device with nothing of its own.
type dev struct{ f *Function }

func (d *dev) Function() *Function       { return d.f }
func (d *dev) Reset(hw.Cause)            { d.f.Reset() }
func (d *dev) State(c *snapshot.Coder)   { d.f.State(c) }
func (d *dev) Read(uint64, int) uint64   { return 0x5a }
func (d *dev) Write(uint64, int, uint64) {}

type message struct {
	addr uint64
	data uint32
}

// bench is a bus with its spaces.
type bench struct {
	t          testing.TB
	mem, ports *memory.Space
	hole       *memory.Region
	ram        *memory.Region
	bus        *Bus

	mu   sync.Mutex
	msgs []message
	pins [4][Slots]bool
}

func (b *bench) Send(addr uint64, data uint32) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.msgs) < 1000 {
		b.msgs = append(b.msgs, message{addr, data})
	}
}

func newBench(t testing.TB) *bench {
	ram, err := memory.NewRAM("ram", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, mem: memory.NewSpace("mem", 1<<52), ports: memory.NewSpace("ports", 1<<16), hole: memory.NewGroup("pci", 1<<52), ram: ram}
	b.bus = NewBus(Config{Memory: b.mem, Hole: b.hole, Ports: b.ports, DMA: b.mem, MSI: b, Route: func(pin, slot int) hw.Line {
		return hw.LineFunc(func(high bool) { b.mu.Lock(); b.pins[pin-1][slot] = high; b.mu.Unlock() })
	}})
	b.mem.Update(func(e *memory.Edit) { e.Map(nil, 0, ram, 0); e.Map(nil, 0, b.hole, -1) })
	b.ports.Update(func(e *memory.Edit) { e.Map(nil, PortBase, b.bus.Ports(), 0) })
	return b
}

func (b *bench) write(slot, fn, reg, size int, val uint32) {
	b.ports.Store(0xcf8, 4, uint64(0x80000000|slot<<11|fn<<8|reg&0xfc))
	b.ports.Store(0xcfc+uint64(reg&3), size, uint64(val))
}

func (b *bench) read(slot, fn, reg, size int) uint32 {
	b.ports.Store(0xcf8, 4, uint64(0x80000000|slot<<11|fn<<8|reg&0xfc))
	return uint32(b.ports.Load(0xcfc+uint64(reg&3), size))
}

func (b *bench) want(what string, got, want uint32) {
	b.t.Helper()
	if got != want {
		b.t.Errorf("%s: %#x, want %#x", what, got, want)
	}
}

// newDev is a device with a window of each kind, MSI and MSI-X.
func newDev(t testing.TB) *dev {
	d := &dev{NewFunction(ID{Vendor: 0x1234, Device: 0x5678, Revision: 9, Class: 0x020000, SubVendor: 0x1af4, SubsystemID: 0x1100, Pin: 1})}
	d.f.SetBAR(0, IO, memory.NewIO("io", 0x18, d, memory.Any))
	d.f.SetBAR(1, Mem32, memory.NewIO("regs", 0x1000, d, memory.Any))
	ram, err := memory.NewRAM("vram", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	d.f.SetBAR(2, Mem64|Prefetch, ram)
	d.f.AddMSI(4)
	d.f.AddMSIX(MSIX{Vectors: 70, BAR: 4, Table: 0, PBA: 0x800})
	if err := d.f.SetROM(append([]byte{0x55, 0xaa}, make([]byte, 5000)...)); err != nil {
		t.Fatal(err)
	}
	return d
}

func (b *bench) add(slot, fn int, d Device) {
	b.t.Helper()
	if err := b.bus.Add(slot, fn, d); err != nil {
		b.t.Fatal(err)
	}
}

func TestConfig(t *testing.T) {
	b := newBench(t)
	b.add(3, 0, newDev(t))
	b.want("ID", b.read(3, 0, 0, 4), 0x56781234)
	b.want("device as a word", b.read(3, 0, 2, 2), 0x5678)
	b.want("class", b.read(3, 0, 0xb, 1), 2)
	b.want("subsystem", b.read(3, 0, 0x2c, 4), 0x11001af4)
	b.want("absent", b.read(4, 0, 0, 4), 0xffffffff)
	b.want("absent function", b.read(3, 1, 0, 2), 0xffff)
	b.write(3, 0, VendorID, 4, 0)
	b.want("ID after a write", b.read(3, 0, 0, 4), 0x56781234)
	b.ports.Store(0xcf8, 4, 0x80011800) // bus 1
	b.want("bus 1", uint32(b.ports.Load(0xcfc, 4)), 0xffffffff)
	b.ports.Store(0xcf8, 4, 0x1800) // not enabled
	b.want("disabled", uint32(b.ports.Load(0xcfc, 4)), 0xffffffff)
	b.ports.Store(0xcf8, 1, 0)
	b.want("address after a byte", uint32(b.ports.Load(0xcf8, 4)), 0x1800)
	b.want("header", b.read(3, 0, HeaderType, 1), 0)
	b.add(3, 2, newDev(t))
	b.want("header with a second function", b.read(3, 0, HeaderType, 1), 0x80)
	b.want("in a dword", b.read(3, 0, CacheLine, 4)>>16&0xff, 0x80)
	b.bus.Remove(3, 2)
	b.want("header without it", b.read(3, 0, HeaderType, 1), 0)
	b.write(3, 0, Command, 2, 0xffff)
	b.want("command", b.read(3, 0, Command, 2), commandMask)
}

func TestBARs(t *testing.T) {
	b := newBench(t)
	b.add(3, 0, newDev(t))
	for _, c := range []struct {
		reg       int
		size, val uint32
	}{{0x10, 0xffffffe1, 1}, {0x14, 0xfffff000, 0}, {0x18, 0xfff0000c, 0xc}, {0x1c, 0xffffffff, 0}, {0x20, 0xfffff000, 0}, {0x24, 0, 0}, {0x30, 0xffffe001, 0}} {
		b.write(3, 0, c.reg, 4, 0xffffffff)
		b.want(fmt.Sprintf("sizing %#x", c.reg), b.read(3, 0, c.reg, 4), c.size)
		b.write(3, 0, c.reg, 4, 0)
		b.want(fmt.Sprintf("zero %#x", c.reg), b.read(3, 0, c.reg, 4), c.val)
	}
	b.write(3, 0, 0x10, 4, 0xc001)
	b.write(3, 0, 0x14, 4, 0xfebf0000)
	b.want("ports before enabling", uint32(b.ports.Load(0xc000, 1)), 0xff)
	b.write(3, 0, Command, 2, CommandIO|CommandMemory)
	b.want("ports", uint32(b.ports.Load(0xc000, 1)), 0x5a)
	b.want("memory", uint32(b.mem.Load(0xfebf0010, 1)), 0x5a)
	b.write(3, 0, 0x14, 4, 0xfebe0000)
	b.want("memory moved from", uint32(b.mem.Load(0xfebf0010, 1)), 0xff)
	b.want("memory moved to", uint32(b.mem.Load(0xfebe0010, 1)), 0x5a)
	b.write(3, 0, 0x18, 4, 0x00000000)
	b.write(3, 0, 0x1c, 4, 0x1)
	b.mem.Store(0x100000020, 4, 0x1234)
	b.want("64-bit memory", uint32(b.mem.Load(0x100000020, 4)), 0x1234)
	b.write(3, 0, 0x30, 4, 0xfe000001)
	b.want("ROM", uint32(b.mem.Load(0xfe000000, 2)), 0xaa55)
	b.write(3, 0, 0x30, 4, 0xfe000000)
	b.want("ROM off", uint32(b.mem.Load(0xfe000000, 2)), 0xffff)
	b.write(3, 0, 0x14, 4, 0x1000) // over RAM, which stays in sight
	b.mem.Store(0x1000, 1, 0x77)
	b.want("RAM under a window", uint32(b.mem.Load(0x1000, 1)), 0x77)
	b.write(3, 0, 0x10, 4, 0xffffffff)
	b.want("ports while sizing", uint32(b.ports.Load(0xffe0, 1)), 0xff)
	d := b.bus.Remove(3, 0)
	b.want("memory of a device gone", uint32(b.mem.Load(0x100000020, 4)), 0xffffffff)
	b.add(5, 0, d)
	b.want("and back elsewhere", uint32(b.mem.Load(0x100000020, 4)), 0x1234)
	d.Reset(hw.Hard)
	b.bus.Start()
	b.want("after reset", uint32(b.mem.Load(0x100000020, 4)), 0xffffffff)
}

func TestINTx(t *testing.T) {
	b := newBench(t)
	d, e := newDev(t), newDev(t)
	b.add(3, 0, d)
	b.add(3, 1, e)
	l, m := d.f.Interrupt(0), e.f.Interrupt(1)
	pin := func(what string, want bool) {
		t.Helper()
		if b.pins[0][3] != want {
			t.Errorf("%s: pin is %v", what, !want)
		}
	}
	l.Set(true)
	pin("one source", true)
	b.want("status", b.read(3, 0, Status, 2)&StatusINTx, StatusINTx)
	m.Set(true)
	l.Set(false)
	pin("the other", true)
	b.write(3, 1, Command, 2, CommandINTxDisable)
	pin("disabled", false)
	b.want("status", b.read(3, 1, Status, 2)&StatusINTx, StatusINTx)
	b.write(3, 1, Command, 2, 0)
	pin("enabled", true)
	b.bus.Remove(3, 1)
	pin("unplugged", false)
	l.Set(true)
	saved := snapshot.Save(d)
	d.Reset(hw.Hard)
	b.bus.Start()
	pin("reset", false)
	if err := snapshot.Load(d, saved); err != nil {
		t.Fatal(err)
	}
	b.bus.Start()
	pin("loaded", true)
}

func TestMSI(t *testing.T) {
	b := newBench(t)
	d := newDev(t)
	b.add(3, 0, d)
	b.want("capabilities", b.read(3, 0, Status, 2)&StatusCaps, StatusCaps)
	at := int(b.read(3, 0, CapPointer, 1))
	b.want("MSI", b.read(3, 0, at, 1), capMSI)
	b.want("control", b.read(3, 0, at+2, 2), 0x184)
	b.write(3, 0, at+4, 4, 0xfee01003)
	b.write(3, 0, at+12, 2, 0x4043)
	b.write(3, 0, at+2, 2, 1|1<<4) // two vectors
	b.write(3, 0, Command, 2, CommandMaster)
	l := d.f.Interrupt(1)
	l.Set(true)
	l.Set(true)
	if b.pins[0][3] || len(b.msgs) != 1 || b.msgs[0] != (message{0xfee01000, 0x4043}) {
		t.Fatalf("pin %v, messages %x", b.pins[0][3], b.msgs)
	}
	b.write(3, 0, at+16, 4, 1)
	d.f.Notify(2) // becomes vector 0, which is masked
	b.want("pending", b.read(3, 0, at+20, 4), 1)
	b.write(3, 0, at+16, 4, 0)
	if len(b.msgs) != 2 || b.msgs[1].data != 0x4042 {
		t.Errorf("messages %x", b.msgs)
	}
	b.want("pending", b.read(3, 0, at+20, 4), 0)
	b.write(3, 0, Command, 2, 0)
	d.f.Notify(0)
	if len(b.msgs) != 2 {
		t.Error("a message though bus mastering is off")
	}
}

func TestMSIX(t *testing.T) {
	b := newBench(t)
	d := newDev(t)
	b.add(3, 0, d)
	at := int(b.read(3, 0, CapPointer, 1))
	at = int(b.read(3, 0, at+1, 1))
	b.want("MSI-X", b.read(3, 0, at, 4), (69<<16)|capMSIX)
	b.want("table", b.read(3, 0, at+4, 4), 4)
	b.want("PBA", b.read(3, 0, at+8, 4), 0x804)
	b.want("end of list", b.read(3, 0, at+1, 1), 0)
	b.write(3, 0, 0x20, 4, 0xfe000000)
	b.write(3, 0, Command, 2, CommandMaster|CommandMemory)
	b.write(3, 0, at+2, 2, msixEnable)
	entry := uint64(0xfe000000 + 65*16)
	b.want("vector control", uint32(b.mem.Load(entry+12, 4)), 1)
	b.mem.Store(entry, 8, 0xfee00000)
	b.mem.Store(entry+8, 4, 0x31)
	if !d.f.Notify(65) || len(b.msgs) != 0 {
		t.Error("a masked vector sent")
	}
	b.want("pending", uint32(b.mem.Load(0xfe000808, 4)), 2)
	b.mem.Store(entry+12, 4, 0)
	if len(b.msgs) != 1 || b.msgs[0] != (message{0xfee00000, 0x31}) {
		t.Errorf("messages %x", b.msgs)
	}
	b.want("pending", uint32(b.mem.Load(0xfe000808, 4)), 0)
	b.write(3, 0, at+2, 2, msixEnable|msixMaskAll)
	d.f.Notify(65)
	d.f.Notify(1000)
	b.want("pending under the mask of all", uint32(b.mem.Load(0xfe000808, 4)), 2)
	saved := snapshot.Save(d)
	d.Reset(hw.Hard)
	if err := snapshot.Load(d, saved); err != nil {
		t.Fatal(err)
	}
	b.write(3, 0, at+2, 2, msixEnable)
	if len(b.msgs) != 2 {
		t.Errorf("messages %x", b.msgs)
	}
}

func TestDMA(t *testing.T) {
	b := newBench(t)
	d := newDev(t)
	b.add(3, 0, d)
	dma := d.f.DMA()
	p := make([]byte, 4)
	if _, err := dma.ReadAt(p, 0); err == nil || !bytes.Equal(p, []byte{255, 255, 255, 255}) {
		t.Errorf("read without bus mastering: %x, %v", p, err)
	}
	if dma.Slice(0, 4, true) != nil {
		t.Error("a slice without bus mastering")
	}
	b.write(3, 0, Command, 2, CommandMaster)
	if _, err := dma.WriteAt([]byte{1, 2, 3, 4}, 0x100); err != nil || binary.LittleEndian.Uint32(b.ram.Bytes()[0x100:]) != 0x04030201 {
		t.Errorf("write: %v", err)
	}
	if _, err := dma.WriteAt(p, 0xf0000000); err == nil {
		t.Error("wrote to nothing")
	}
	b.want("master abort", b.read(3, 0, Status, 2)&StatusMasterAbort, StatusMasterAbort)
	b.write(3, 0, Status, 2, StatusMasterAbort)
	b.want("cleared", b.read(3, 0, Status, 2)&StatusMasterAbort, 0)
}

func TestAdd(t *testing.T) {
	b := newBench(t)
	d := newDev(t)
	b.add(3, 0, d)
	if err := b.bus.Add(3, 0, newDev(t)); err == nil {
		t.Error("two in one place")
	}
	if err := b.bus.Add(4, 0, d); err == nil {
		t.Error("one in two places")
	}
	if slot, err := b.bus.AddFree(3, newDev(t)); err != nil || slot != 4 {
		t.Errorf("free slot %d, %v", slot, err)
	}
	if err := b.bus.Add(32, 0, newDev(t)); err == nil {
		t.Error("slot 32")
	}
	var w strings.Builder
	b.bus.Inspect(&w)
	if !strings.Contains(w.String(), "03.0 1234:5678 class 020000 INTA") {
		t.Error(w.String())
	}
}

// TestStorm writes at random from several sides while a device comes and goes.
func TestStorm(t *testing.T) {
	b := newBench(t)
	b.add(2, 0, newDev(t))
	d := newDev(t)
	var wg sync.WaitGroup
	for seed := range uint64(3) {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(seed, 1))
			for range 3000 {
				b.ports.Store(0xcf8, 4, uint64(0x80000000|r.Uint32N(64)<<10|r.Uint32N(256)))
				b.ports.Store(0xcfc+uint64(r.Uint32N(4)), 1<<r.Uint32N(3), r.Uint64()>>r.Uint32N(64))
				b.ports.Load(0xcf8+uint64(r.Uint32N(8)), 1<<r.Uint32N(3))
				b.mem.Store(uint64(r.Uint32()), 1<<r.Uint32N(4), r.Uint64())
				d.f.Interrupt(int(r.Uint32N(100))).Set(r.Uint32N(2) == 0)
			}
		})
	}
	wg.Go(func() {
		for range 50 {
			b.add(3, 0, d)
			b.bus.Remove(3, 0)
		}
	})
	wg.Wait()
	for _, x := range []Device{b.bus.Device(2, 0), d} {
		x.Reset(hw.Hard)
	}
	b.bus.Start()
	b.want("the device stands", b.read(2, 0, 0, 4), 0x56781234)
	for _, r := range b.mem.View().Ranges() {
		if r.Region.Name() != "ram" {
			t.Errorf("%s is still mapped at %#x", r.Region.Name(), r.Addr)
		}
	}
}
