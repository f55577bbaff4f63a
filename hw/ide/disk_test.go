package ide

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"govm-desktop/hw"
	"govm-desktop/hw/ata"
	"govm-desktop/hw/hwtest"
	"govm-desktop/snapshot"
)

func one(t testing.TB, sectors int) (*fixture, *memDisk) {
	m := newDisk(sectors)
	return newFixture(t, [2][2]*ata.Drive{{disk(m)}}), m
}

func TestSignatures(t *testing.T) {
	f := newFixture(t, [2][2]*ata.Drive{{disk(newDisk(64)), cdrom(nil)}, {nil, nil}})
	for _, c := range []struct {
		dev            uint8
		mid, high, sts uint8
	}{{0xa0, 0, 0, okay}, {0xb0, 0x14, 0xeb, 0}} {
		f.Out8(f.ctrl, 4)
		if st := f.In8(f.ctrl); st&ata.StatusBSY == 0 {
			t.Error("not busy during the reset")
		}
		f.Out8(f.ctrl, 0)
		f.put(ata.RegDevice, c.dev)
		hwtest.Want(t, "status", f.In8(f.ctrl), c.sts)
		hwtest.Want(t, "error", f.reg(ata.RegError), 1)
		hwtest.Want(t, "count", f.reg(ata.RegCount), 1)
		hwtest.Want(t, "low", f.reg(ata.RegLow), 1)
		hwtest.Want(t, "mid", f.reg(ata.RegMid), c.mid)
		hwtest.Want(t, "high", f.reg(ata.RegHigh), c.high)
	}
	f.put(ata.RegDevice, 0xb0)
	f.put(ata.RegStatus, ata.CmdDiagnose)
	f.wantIRQ("diagnostic")
	hwtest.Want(t, "device after the diagnostic", f.reg(ata.RegDevice)&0x10, 0)
	f.channel(1)
	f.put(ata.RegCount, 0x55)
	hwtest.Want(t, "empty channel's count", f.reg(ata.RegCount), 0)
	hwtest.Want(t, "empty channel's status", f.reg(ata.RegStatus), 0)
	f.put(ata.RegStatus, 0xec)
	f.WantLow(f.irq[1])
}

func TestAbsentSlave(t *testing.T) {
	f, _ := one(t, 64)
	f.put(ata.RegDevice, 0xb0)
	f.put(ata.RegCount, 0x55)
	hwtest.Want(t, "count", f.reg(ata.RegCount), 0)
	hwtest.Want(t, "status", f.reg(ata.RegStatus), 0)
	hwtest.Want(t, "alternate status", f.In8(f.ctrl), 0)
	hwtest.Want(t, "device", f.reg(ata.RegDevice), 0xb0)
	f.put(ata.RegStatus, 0xec)
	hwtest.Want(t, "status after a command", f.reg(ata.RegStatus), 0)
	f.WantLow(f.irq[0])
	f.put(ata.RegDevice, 0xa0)
	hwtest.Want(t, "master's status", f.reg(ata.RegStatus), okay)
}

func TestIdentify(t *testing.T) {
	f, _ := one(t, 20000)
	f.command(0xec, 0, 0)
	f.wantIRQ("identify")
	hwtest.Want(t, "status", f.In8(f.ctrl), okay|ata.StatusDRQ)
	id := f.words(512)
	hwtest.Want(t, "status at the end", f.In8(f.ctrl), okay)
	word := func(i int) uint16 { return binary.LittleEndian.Uint16(id[2*i:]) }
	for i, want := range map[int]uint16{0: 0x40, 1: 19, 3: 16, 6: 63, 49: 0xb00, 60: 20000, 61: 0, 88: 0x203f, 100: 20000, 101: 0, 83: 0x7400, 47: 0x8010, 169: 1} {
		hwtest.Want(t, fmt.Sprintf("word %d", i), word(i), want)
	}
	model := make([]byte, 40)
	for i := range 40 {
		model[i] = id[54+i^1]
	}
	hwtest.Want(t, "model", string(bytes.TrimRight(model, " ")), "GOVM HARDDISK")
	sum := byte(0)
	for _, b := range id {
		sum += b
	}
	hwtest.Want(t, "checksum", sum, 0)
	f.put(ata.RegError, 3)
	f.command(0xef, 0, 0x22)
	f.wantIRQ("set features")
	f.command(0xec, 0, 0)
	f.wait()
	id = f.words(512)
	hwtest.Want(t, "multiword DMA selected", word(63), 0x0407)
	hwtest.Want(t, "Ultra DMA not", word(88), 0x003f)
}

func TestPIO(t *testing.T) {
	f, m := one(t, 2000)
	for _, c := range []struct {
		name  string
		cmd   uint8
		ext   bool
		n     int
		lba   uint32
		block int
	}{
		{"sectors", 0x20, false, 3, 1000, 1},
		{"256 sectors", 0x20, false, 256, 5, 1},
		{"ext", 0x24, true, 300, 500, 1},
		{"multiple", 0xc4, false, 19, 700, 8},
		{"multiple ext", 0x29, true, 300, 700, 8},
	} {
		t.Run(c.name, func(t *testing.T) {
			f.command(0xc6, 0, 8)
			f.wantIRQ("set multiple")
			if c.ext {
				f.commandExt(c.cmd, uint64(c.lba), uint16(c.n))
			} else {
				f.command(c.cmd, c.lba, uint8(c.n))
			}
			for i := 0; i < c.n; i += c.block {
				f.wantIRQ("block")
				k := min(c.block, c.n-i)
				got := f.words(k * 512)
				for s := range k {
					if want := m.sector(int(c.lba) + i + s); !bytes.Equal(got[s*512:][:512], want) {
						t.Fatalf("sector %d differs", i+s)
					}
				}
			}
			f.wantStatus("end", okay, 0)
			hwtest.Want(t, "LBA of the last sector", f.reg(ata.RegLow), uint8(c.lba+uint32(c.n)-1))
			hwtest.Want(t, "word after the end", f.In16(f.base), 0)
			f.WantLow(f.irq[0])
		})
	}
}

func TestWidths(t *testing.T) {
	f, m := one(t, 64)
	f.command(0x20, 7, 2)
	f.wait()
	want := append(m.sector(7), m.sector(8)...)
	got := make([]byte, 1024)
	binary.LittleEndian.PutUint32(got, f.In32(f.base))
	n := f.Ports.View().ReadRepeated(uint64(f.base), 2, got[4:])
	hwtest.Want(t, "bytes at once", n, 1020)
	if !bytes.Equal(got, want) {
		t.Error("data differ")
	}
	hwtest.Want(t, "nothing left", f.Ports.View().ReadRepeated(uint64(f.base), 2, got), 0)
	hwtest.Want(t, "no string at the status port", f.Ports.View().ReadRepeated(uint64(f.base)+7, 1, got), 0)
	f.command(0x30, 3, 1)
	hwtest.Want(t, "bytes written at once", f.Ports.View().WriteRepeated(uint64(f.base), 4, want[:600]), 512)
	f.wantIRQ("write")
	if !bytes.Equal(m.sector(3), want[:512]) {
		t.Error("written data differ")
	}
}

func TestPIOWrite(t *testing.T) {
	f, m := one(t, 2000)
	data := bytes.Repeat([]byte{1, 2, 3, 4, 5, 6, 7, 8}, 512*20/8)
	for i := range data {
		data[i] ^= byte(i >> 9)
	}
	for _, c := range []struct {
		name  string
		cmd   uint8
		ext   bool
		block int
	}{{"sectors", 0x30, false, 1}, {"ext", 0x34, true, 1}, {"multiple", 0xc5, false, 16}, {"multiple ext", 0x39, true, 16}, {"FUA", 0xce, true, 16}} {
		t.Run(c.name, func(t *testing.T) {
			lba := uint32(100 + 30*int(c.cmd&7))
			syncs := m.syncs
			if c.ext {
				f.commandExt(c.cmd, uint64(lba), 20)
			} else {
				f.command(c.cmd, lba, 20)
			}
			f.WantLow(f.irq[0])
			for i := 0; i < 20; i += c.block {
				hwtest.Want(t, "status", f.wait(), uint8(okay|ata.StatusDRQ))
				f.putWords(data[i*512 : min(20, i+c.block)*512])
				f.wantIRQ("block")
			}
			f.wantStatus("end", okay, 0)
			for i := range 20 {
				if !bytes.Equal(m.sector(int(lba)+i), data[i*512:][:512]) {
					t.Fatalf("sector %d differs", i)
				}
			}
			hwtest.Want(t, "flushes", m.syncs-syncs, map[bool]int{true: 1}[c.cmd == 0xce])
		})
	}
	syncs := m.syncs
	f.command(0xe7, 0, 0)
	f.wantIRQ("flush")
	hwtest.Want(t, "flushes", m.syncs-syncs, 1)
	f.put(ata.RegError, 0x82)
	f.command(0xef, 0, 0)
	f.wait()
	f.command(0x30, 0, 1)
	f.wait()
	f.putWords(data[:512])
	f.wantStatus("write with no cache", okay, 0)
	hwtest.Want(t, "flushes with no cache", m.syncs-syncs, 3)
}

func TestCHS(t *testing.T) {
	f, m := one(t, 20000)
	read := func(cyl, head, sec uint8, want int) {
		t.Helper()
		f.put(ata.RegCount, 1)
		f.put(ata.RegLow, sec)
		f.put(ata.RegMid, cyl)
		f.put(ata.RegHigh, 0)
		f.put(ata.RegDevice, 0xa0|head)
		f.put(ata.RegStatus, 0x20)
		if st := f.wait(); want < 0 {
			if st&ata.StatusERR == 0 || f.reg(ata.RegError) != 0x10 {
				t.Errorf("%d/%d/%d: status %02x", cyl, head, sec, st)
			}
			return
		}
		if got := f.words(512); !bytes.Equal(got, m.sector(want)) {
			t.Errorf("%d/%d/%d is not sector %d", cyl, head, sec, want)
		}
	}
	read(0, 0, 1, 0)
	read(2, 3, 4, (2*16+3)*63+3)
	read(0, 0, 0, -1)
	read(0, 0, 64, -1)
	read(20, 0, 1, -1)
	f.put(ata.RegCount, 17)
	f.put(ata.RegDevice, 0xa7)
	f.put(ata.RegStatus, 0x91)
	f.wantStatus("initialize device parameters", okay, 0)
	read(2, 3, 4, (2*8+3)*17+3)
	read(0, 8, 1, -1)
}

func TestErrors(t *testing.T) {
	f, m := one(t, 2000)
	m.bad[1005] = true
	aborts := func(what string, err uint8) {
		t.Helper()
		f.wantStatus(what, okay|ata.StatusERR, err)
		f.wantIRQ(what)
	}
	f.command(0x20, 2000, 1)
	aborts("read beyond the end", 0x10)
	f.command(0x20, 1999, 2)
	aborts("read across the end", 0x10)
	f.commandExt(0x25, 1<<40, 1)
	aborts("DMA beyond the end", 0x10)
	f.command(0x20, 1004, 3)
	f.wantIRQ("the good sector")
	f.words(512)
	aborts("the bad sector", 0x40)
	hwtest.Want(t, "bad sector's address", f.reg(ata.RegLow), uint8(1005&0xff))
	f.command(0x40, 1000, 10)
	aborts("verify", 0x40)
	f.command(0x40, 900, 10)
	f.wantIRQ("verify good ones")
	f.wantStatus("verify good ones", okay, 0)
	f.command(0x30, 1005, 1)
	f.wait()
	f.putWords(make([]byte, 512))
	aborts("write", 0x04)
	for _, cmd := range []uint8{0x00, 0x08, 0xa0, 0xa1, 0xf1, 0xf6, 0x45, 0xff, 0xb0, 0xf9} {
		f.command(cmd, 0, 1)
		aborts(fmt.Sprintf("command %02x", cmd), 0x04)
	}
	f.command(0xc6, 0, 3)
	aborts("set multiple to 3", 0x04)
	f.command(0xc6, 0, 0)
	f.wantStatus("set multiple to 0", okay, 0)
	f.command(0xc4, 0, 1)
	aborts("read multiple when off", 0x04)
	m.readOnly = true
	f.command(0x30, 0, 1)
	aborts("write to a read-only disk", 0x04)
	f.put(ata.RegError, 3)
	f.command(0xef, 0, 0x46)
	aborts("UDMA 6", 0x04)
}

func TestOtherCommands(t *testing.T) {
	f, m := one(t, 2000)
	good := func(what string, cmd, feature, count uint8) {
		t.Helper()
		f.put(ata.RegError, feature)
		f.command(cmd, 0xc24f00, count)
		f.wantStatus(what, okay, 0)
		f.wantIRQ(what)
	}
	good("recalibrate", 0x10, 0, 0)
	good("seek", 0x70, 0, 0)
	good("read native max", 0xf8, 0, 0)
	hwtest.Want(t, "native max", uint32(f.reg(3))|uint32(f.reg(4))<<8|uint32(f.reg(5))<<16, 1999)
	good("standby", 0xe0, 0, 0)
	good("check power", 0xe5, 0, 0)
	hwtest.Want(t, "power", f.reg(ata.RegCount), 0)
	good("idle", 0xe1, 0, 0)
	good("check power", 0xe5, 0, 0)
	hwtest.Want(t, "power", f.reg(ata.RegCount), 0xff)
	good("SMART status", 0xb0, 0xda, 0)
	hwtest.Want(t, "no threshold exceeded", uint16(f.reg(5))<<8|uint16(f.reg(4)), 0xc24f)
	good("SMART off", 0xb0, 0xd9, 0)
	f.put(ata.RegError, 0xda)
	f.command(0xb0, 0xc24f00, 0)
	f.wantStatus("SMART while off", okay|ata.StatusERR, 4)
	good("SMART on", 0xb0, 0xd8, 0)
	for _, sub := range []uint8{0xd0, 0xd1, 0xd5} {
		f.put(ata.RegError, sub)
		f.command(0xb0, 0xc24f01, 1)
		f.wantStatus("SMART data", okay|ata.StatusDRQ, 0)
		sum := byte(0)
		for _, b := range f.words(512) {
			sum += b
		}
		hwtest.Want(t, "SMART checksum", sum, 0)
	}
	f.prd(atPRD, 512)
	f.Write64(atPRD, 100|8<<48)
	f.put(ata.RegError, 1)
	f.commandExt(0x06, 0, 1)
	f.Out8(f.bm, cmdStart)
	f.wantStatus("trim", okay, 0)
	hwtest.Want(t, "discarded", m.discarded, 8*512)
}

func TestDMA(t *testing.T) {
	f, m := one(t, 4000)
	ram := f.RAM.Bytes()
	for _, c := range []struct {
		name string
		ext  bool
		lba  uint32
		n    int
		prd  []uint32
		bm   uint8 // status at the end
	}{
		{"one region", false, 10, 4, []uint32{atPRD, 2048}, bmInterrupt},
		{"64 KiB", false, 10, 128, []uint32{atPRD, 0}, bmInterrupt},
		{"several", true, 1000, 300, []uint32{atPRD, 2, atPRD + 2, 510, atPRD + 512, 0xfe00, atPRD + 0x10000, 0, atPRD + 0x20000, 0x5800}, bmInterrupt},
		{"list longer than the transfer", false, 20, 1, []uint32{atPRD, 1024}, bmInterrupt | bmActive},
	} {
		t.Run(c.name, func(t *testing.T) {
			clear(ram[atPRD:])
			f.prd(c.prd...)
			if c.ext {
				f.commandExt(0x25, uint64(c.lba), uint16(c.n))
			} else {
				f.command(0xc8, c.lba, uint8(c.n))
			}
			hwtest.Want(t, "waits", f.In8(f.ctrl), uint8(okay|ata.StatusDRQ))
			f.Out8(f.bm, cmdStart|cmdToMemory)
			hwtest.Want(t, "bus master", f.waitDMA(), c.bm)
			f.Out8(f.bm, 0)
			f.wantIRQ("read")
			f.wantStatus("read", okay, 0)
			for i := range c.n {
				if !bytes.Equal(ram[atPRD+i*512:][:512], m.sector(int(c.lba)+i)) {
					t.Fatalf("sector %d differs", i)
				}
			}
			if ram[atPRD+c.n*512] != 0 {
				t.Error("more was written than read")
			}
			f.Out8(f.bm+2, bmInterrupt)
			hwtest.Want(t, "cleared", f.In8(f.bm+2), 0)
		})
	}
	t.Run("write", func(t *testing.T) {
		for i := range 300 * 512 {
			ram[atPRD+i] = byte(i*7) ^ byte(i>>9)
		}
		f.prd(atPRD, 0, atPRD+0x10000, 0, atPRD+0x20000, 0x5800)
		f.commandExt(0x35, 2000, 300)
		f.Out8(f.bm, cmdStart)
		hwtest.Want(t, "bus master", f.waitDMA(), bmInterrupt)
		f.Out8(f.bm, 0)
		f.wantIRQ("write")
		for i := range 300 {
			if !bytes.Equal(ram[atPRD+i*512:][:512], m.sector(2000+i)) {
				t.Fatalf("sector %d differs", i)
			}
		}
	})
}

func TestDMAFaults(t *testing.T) {
	for _, c := range []struct {
		name   string
		prd    []uint32
		start  uint8
		bm     uint8
		status uint8
		err    uint8
	}{
		{"wrong direction", []uint32{atPRD, 512}, cmdStart, bmError | bmInterrupt, okay | ata.StatusERR, 0x84},
		{"no RAM there", []uint32{0xe0000000, 512}, cmdStart | cmdToMemory, bmError | bmInterrupt, okay | ata.StatusERR, 0x84},
		{"list too short", []uint32{atPRD, 510}, cmdStart | cmdToMemory, 0, okay | ata.StatusDRQ, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, _ := one(t, 64)
			f.prd(c.prd...)
			f.command(0xc8, 1, 1)
			f.Out8(f.bm, c.start)
			f.wait()
			f.wantStatus("end", c.status, c.err)
			hwtest.Want(t, "bus master", f.In8(f.bm+2), c.bm)
			f.Out8(f.bm, 0)
			f.Out8(f.bm, c.start) // starting anew does not hurt
			f.Out8(f.ctrl, 4)
			f.Out8(f.ctrl, 0)
			f.wantStatus("after SRST", okay, 1)
			f.command(0x20, 1, 1)
			f.wantStatus("and it lives", okay|ata.StatusDRQ, 0)
		})
	}
	t.Run("bus mastering off", func(t *testing.T) {
		f, _ := one(t, 64)
		f.config(0x04, 1)
		f.prd(atPRD, 512)
		f.command(0xc8, 1, 1)
		f.Out8(f.bm, cmdStart|cmdToMemory)
		hwtest.Want(t, "bus master", f.waitDMA(), bmError|bmInterrupt)
	})
	t.Run("bad sector", func(t *testing.T) {
		f, m := one(t, 64)
		m.bad[3] = true
		f.prd(atPRD, 4096)
		f.command(0xc8, 1, 8)
		f.Out8(f.bm, cmdStart|cmdToMemory)
		f.waitDMA()
		f.wantStatus("end", okay|ata.StatusERR, 0x40)
		hwtest.Want(t, "its address", f.reg(ata.RegLow), 3)
	})
}

func TestInterruptGating(t *testing.T) {
	f := newFixture(t, [2][2]*ata.Drive{{disk(newDisk(64)), disk(newDisk(64))}})
	f.Out8(f.ctrl, ctlNIEN)
	f.command(0x20, 0, 1)
	f.wait()
	f.WantLow(f.irq[0])
	f.Out8(f.ctrl, 0)
	f.WantIRQ(f.irq[0])
	f.put(ata.RegDevice, 0xb0)
	f.WantLow(f.irq[0])
	f.put(ata.RegDevice, 0xa0)
	f.WantIRQ(f.irq[0])
	f.In8(f.ctrl)
	f.WantIRQ(f.irq[0])
	f.reg(ata.RegStatus)
	f.WantLow(f.irq[0])
}

func TestHOB(t *testing.T) {
	f, _ := one(t, 64)
	f.put(ata.RegLow, 0x12)
	f.put(ata.RegLow, 0x34)
	hwtest.Want(t, "low", f.reg(ata.RegLow), 0x34)
	f.Out8(f.ctrl, ctlHOB)
	hwtest.Want(t, "previous", f.reg(ata.RegLow), 0x12)
	f.put(ata.RegMid, 0)
	hwtest.Want(t, "low again", f.reg(ata.RegLow), 0x34)
}

// TestResetDuringIO resets while the worker reads: what it brings later is dropped.
func TestResetDuringIO(t *testing.T) {
	f, m := one(t, 64)
	m.gate = make(chan struct{})
	for range 20 {
		f.command(0x20, 5, 1)
		hwtest.Want(t, "busy", f.In8(f.ctrl)&ata.StatusBSY, ata.StatusBSY)
		f.command(0x20, 6, 1) // ignored
		f.Out8(f.ctrl, 4)
		f.Out8(f.ctrl, 0)
		f.wantStatus("after SRST", okay, 1)
		f.WantLow(f.irq[0])
	}
	f.command(0x20, 9, 1)
	close(m.gate)
	f.wait()
	if !bytes.Equal(f.words(512), m.sector(9)) {
		t.Error("data of another command")
	}
	f.command(0xc8, 1, 1)
	f.prd(atPRD, 512)
	f.Out8(f.bm, cmdStart|cmdToMemory)
	f.Out8(f.bm, 0)
	f.ctl.Drain()
	f.ctl.Reset(hw.Hard)
	f.bus.Start()
	f.ctl.Start()
	f.wantStatus("after a hard reset", okay, 1)
}

func TestSnapshotMidway(t *testing.T) {
	f, m := one(t, 64)
	f.command(0x20, 5, 3)
	f.wait()
	f.words(700 - 700%2)
	f.ctl.Drain()
	saved := snapshot.Save(f.ctl)
	f.powerOn()
	if err := snapshot.Load(f.ctl, saved); err != nil {
		t.Fatal(err)
	}
	f.bus.Start()
	f.ctl.Start()
	rest := append(append(m.sector(5), m.sector(6)...), m.sector(7)...)[700:]
	if got := f.words(len(rest)); !bytes.Equal(got, rest) {
		t.Error("data differ after loading")
	}
	f.wantStatus("end", okay, 0)
	f.prd(atPRD, 1024)
	f.command(0xc8, 5, 2)
	saved = snapshot.Save(f.ctl)
	f.powerOn()
	if err := snapshot.Load(f.ctl, saved); err != nil {
		t.Fatal(err)
	}
	f.bus.Start()
	f.ctl.Start()
	f.Out8(f.bm+2, bmInterrupt)
	f.Out8(f.bm, cmdStart|cmdToMemory)
	f.waitDMA()
	if !bytes.Equal(f.RAM.Bytes()[atPRD:][:512], m.sector(5)) {
		t.Error("data differ by DMA after loading")
	}
}

// BenchmarkDataPort is what a boot loader without REP INS pays for a word.
func BenchmarkDataPort(b *testing.B) {
	f, _ := one(b, 2000)
	for b.Loop() {
		if f.In8(f.ctrl)&ata.StatusDRQ == 0 {
			f.command(0x20, 0, 128)
			f.wait()
		}
		for range 256 {
			f.In16(f.base)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/256, "ns/word")
}

// BenchmarkDataPortRepeated is what one pays with REP INS, in DRQ blocks.
func BenchmarkDataPortRepeated(b *testing.B) {
	f, _ := one(b, 2000)
	v := f.Ports.View()
	var p [512]byte
	for b.Loop() {
		if v.ReadRepeated(uint64(f.base), 2, p[:]) == 0 {
			f.command(0x20, 0, 128)
			f.wait()
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/256, "ns/word")
}
