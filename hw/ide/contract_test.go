package ide

import (
	"math/rand/v2"
	"sync"
	"testing"

	"govm-desktop/hw"
	"govm-desktop/hw/ata"
	"govm-desktop/hw/hwtest"
	"govm-desktop/hw/pci"
	"govm-desktop/memory"
	"govm-desktop/snapshot"
)

// settled is a controller whose drives are always done when somebody looks, so that equal accesses have equal effects.
type settled struct {
	*Controller
	bus *pci.Bus
}

func (s settled) Start() { s.bus.Start(); s.Controller.Start() }

func (s settled) State(c *snapshot.Coder) { s.Drain(); s.Controller.State(c) }

func (s settled) Reset(c hw.Cause) { s.Drain(); s.Controller.Reset(c) }

// window is a view of a space that drains after each access.
type window struct {
	s     settled
	space *memory.Space
	at    uint64
}

func (w window) Read(off uint64, size int) uint64 {
	w.s.Drain()
	return w.space.Load(w.at+off, size)
}

func (w window) Write(off uint64, size int, val uint64) {
	w.space.Store(w.at+off, size, val)
	w.s.Drain()
}

func TestContract(t *testing.T) {
	hwtest.TestDevice(t, func(b *hwtest.Bench) hw.Device {
		m := newDisk(128)
		ctl := New(Config{Drives: [2][2]*ata.Drive{{disk(m)}, {cdrom(newDisk(128)), disk(newDisk(16))}}, IRQ: [2]hw.Line{b.Line("irq14"), b.Line("irq15")}})
		ports := memory.NewSpace("ports", 1<<16)
		bus := pci.NewBus(pci.Config{Memory: b.Memory, Ports: ports, DMA: b.Memory})
		if err := bus.Add(1, 1, ctl); err != nil {
			t.Fatal(err)
		}
		ports.Update(func(e *memory.Edit) { ctl.MapLegacy(e); e.Map(nil, pci.PortBase, bus.Ports(), 0) })
		ports.Store(0xcf8, 4, 0x80000920)
		ports.Store(0xcfc, 4, bmBase|1)
		ports.Store(0xcf8, 4, 0x80000904)
		ports.Store(0xcfc, 4, pci.CommandIO|pci.CommandMaster)
		s := settled{ctl, bus}
		for _, p := range []struct{ at, size uint64 }{{0x1f0, 8}, {0x3f6, 1}, {0x170, 8}, {0x376, 1}, {bmBase, 16}} {
			b.MapPorts(p.at, p.size, window{s, ports, p.at}, memory.Any)
		}
		return s
	})
}

// play is one pass of the fuzz target: two bytes make one access.
func play(f *fixture, script []byte) {
	for ; len(script) >= 2; script = script[2:] {
		op, val := script[0], script[1]
		base := uint16(0x1f0)
		if op&0x80 != 0 {
			base = 0x170
		}
		reg := uint16(op & 7)
		switch op >> 3 & 0xf {
		case 0, 1, 2:
			f.Out8(base+reg, val)
		case 3: // a command packet or a sector
			for range 6 + int(val&1)*250 {
				f.Out16(base, uint16(val)*0x101)
			}
		case 4:
			f.Out8(base+0x206, val)
		case 5, 6:
			f.Out8(bmBase+uint16(op>>7)*8+reg, val)
		case 7:
			f.Out32(bmBase+uint16(op>>7)*8+4, uint32(val)<<12)
		case 8:
			for range 300 {
				f.In16(base)
			}
		case 9:
			f.In8(base + reg)
			f.In32(bmBase + uint16(op>>7)*8)
		case 10:
			f.ctl.Drain()
		case 11:
			f.Write32(uint64(val)<<12|uint64(reg)*4, uint32(val)*0x01010101)
		case 12:
			f.packetRaw(base, val, script)
		case 13:
			var p [4096]byte
			f.Ports.View().ReadRepeated(uint64(base), 1<<(val&3), p[:])
			f.Ports.View().WriteRepeated(uint64(base), 1<<(val&3), p[:])
		default:
			f.Out16(base+reg, uint16(val)<<8|uint16(op))
		}
	}
}

// packetRaw sends the bytes that follow as a packet.
func (f *fixture) packetRaw(base uint16, features uint8, script []byte) {
	f.Out8(base+1, features)
	f.Out8(base+7, 0xa0)
	var cdb [12]byte
	copy(cdb[:], script[2:])
	for i := 0; i < 12; i += 2 {
		f.Out16(base, uint16(cdb[i])|uint16(cdb[i+1])<<8)
	}
}

func FuzzIDECommands(f *testing.F) {
	f.Add([]byte{0x02, 1, 0x07, 0x20, 0x50, 0, 0x40, 0, 0x40, 0})
	f.Add([]byte{0x38, 1, 0x02, 8, 0x07, 0xc8, 0x28, 9, 0x50, 0, 0x48, 0})
	f.Add([]byte{0xe0, 0, 0x28, 0, 0, 0, 0, 3, 0, 0, 2, 0, 0, 0, 0xd0, 0, 0xc0, 0})
	f.Add([]byte{0xe0, 1, 0xbe, 0, 0, 0, 0, 3, 0, 0, 2, 0xf8, 0xb8, 1, 0xa8, 9, 0xd0, 0})
	f.Add([]byte{0x02, 1, 0x01, 1, 0x07, 6, 0x28, 1, 0x20, 4, 0x20, 0})
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 2000 {
			return
		}
		x := newFixture(t, [2][2]*ata.Drive{{disk(newDisk(64)), disk(newDisk(3))}, {cdrom(newDisk(64))}})
		play(x, script)
		x.ctl.Drain()
		x.Out8(0x3f6, 4)
		x.Out8(0x3f6, 0)
		x.wantStatus("it lives", okay, 1)
		x.command(0x20, 1, 1)
		x.wantStatus("and reads", okay|ata.StatusDRQ, 0)
	})
}

// TestStorm is the fuzz target's play from several sides at once, while media change.
func TestStorm(t *testing.T) {
	cd := cdrom(newDisk(64))
	f := newFixture(t, [2][2]*ata.Drive{{disk(newDisk(64))}, {cd, disk(newDisk(128))}})
	var wg sync.WaitGroup
	for seed := range uint64(3) {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(seed, 9))
			script := make([]byte, 3000)
			for i := range script {
				script[i] = byte(r.Uint32())
			}
			play(f, script)
		})
	}
	wg.Go(func() {
		for i := range 40 {
			if _, err := cd.SetMedium(newDisk(8 * (i%3 + 1))); err != nil {
				t.Error(err)
			}
			if _, err := cd.Eject(true); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
	f.ctl.Drain()
}
