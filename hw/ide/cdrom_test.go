package ide

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"

	"govm-desktop/hw/ata"
	"govm-desktop/hw/hwtest"
)

const dvdSectors = 400000 // of 2048 bytes: more than a CD holds

// sparseDisc is a large disc whose sectors hold their number.
type sparseDisc struct{ sectors int64 }

func (s sparseDisc) ReadAt(p []byte, off int64) (int, error) {
	clear(p)
	for i := 0; i+4 <= len(p); i += 2048 {
		binary.LittleEndian.PutUint32(p[i:], uint32((off+int64(i))/2048))
	}
	return len(p), nil
}
func (s sparseDisc) WriteAt([]byte, int64) (int, error) { return 0, errBad }
func (s sparseDisc) Size() int64                        { return s.sectors * 2048 }
func (s sparseDisc) Sync() error                        { return nil }
func (s sparseDisc) Close() error                       { return nil }
func (s sparseDisc) ReadOnly() bool                     { return true }

// newCD is a controller with a CD-ROM drive as secondary master.
func newCD(t testing.TB, sectors int) (*fixture, *memDisk, *ata.Drive) {
	m := newDisk(sectors)
	d := cdrom(m)
	f := newFixture(t, [2][2]*ata.Drive{{}, {d}})
	f.channel(1)
	return f, m, d
}

// packet sends a command packet.
func (f *fixture) packet(features uint8, limit int, cdb ...byte) {
	f.t.Helper()
	f.put(ata.RegError, features)
	f.put(ata.RegMid, uint8(limit))
	f.put(ata.RegHigh, uint8(limit>>8))
	f.put(ata.RegStatus, 0xa0)
	hwtest.Want(f.t, "status for the packet", f.In8(f.ctrl), uint8(okay|ata.StatusDRQ))
	hwtest.Want(f.t, "reason for the packet", f.reg(ata.RegCount)&3, 1)
	f.putWords(append(cdb, make([]byte, 12-len(cdb))...))
}

// data reads everything that a packet command returns by PIO.
func (f *fixture) data(limit int, cdb ...byte) (out []byte) {
	f.t.Helper()
	f.packet(0, limit, cdb...)
	for f.wait()&ata.StatusDRQ != 0 {
		hwtest.Want(f.t, "reason of data", f.reg(ata.RegCount)&3, 2)
		n := int(f.reg(ata.RegMid)) | int(f.reg(ata.RegHigh))<<8
		if n == 0 || n > limit {
			f.t.Fatalf("%d bytes, at most %d", n, limit)
		}
		f.wantIRQ("data")
		out = append(out, f.words(n)...)
	}
	hwtest.Want(f.t, "reason at the end", f.reg(ata.RegCount)&3, 3)
	f.wantIRQ("end")
	return out
}

// wantSense wants a CHECK CONDITION with the given sense.
func (f *fixture) wantSense(what string, key, asc, ascq uint8) {
	f.t.Helper()
	if st := f.wait(); st&ata.StatusERR == 0 || f.reg(ata.RegError)>>4 != key {
		f.t.Errorf("%s: status %02x error %02x, want sense key %x", what, st, f.reg(ata.RegError), key)
		return
	}
	f.wantIRQ(what)
	s := f.data(64, 0x03, 0, 0, 0, 18)
	if len(s) != 18 || s[2] != key || s[12] != asc || s[13] != ascq {
		f.t.Errorf("%s: sense % x, want %x/%x/%x", what, s, key, asc, ascq)
	}
}

func TestCDIdentify(t *testing.T) {
	f, _, _ := newCD(t, 64)
	f.put(ata.RegStatus, 0xec)
	f.wantStatus("IDENTIFY DEVICE", okay|ata.StatusERR, 4)
	hwtest.Want(t, "signature", uint16(f.reg(5))<<8|uint16(f.reg(4)), 0xeb14)
	f.put(ata.RegStatus, 0xa1)
	f.wantIRQ("IDENTIFY PACKET DEVICE")
	id := f.words(512)
	hwtest.Want(t, "word 0", binary.LittleEndian.Uint16(id), 0x85c0)
	f.put(ata.RegStatus, 0x08)
	hwtest.Want(t, "status after DEVICE RESET", f.reg(ata.RegStatus), 0)
	hwtest.Want(t, "signature", uint16(f.reg(5))<<8|uint16(f.reg(4)), 0xeb14)
}

func TestCDRead(t *testing.T) {
	f, m, _ := newCD(t, 4*200+1) // the last sector of the disc is partial
	whole := append(bytes.Clone(m.data), make([]byte, 2048-512)...)
	for _, c := range []struct {
		name  string
		limit int
		lba   int
		n     int
		cdb   []byte
	}{
		{"READ(10)", 2048, 20, 5, []byte{0x28, 0, 0, 0, 0, 20, 0, 0, 5}},
		{"READ(12)", 0xfffe, 3, 150, []byte{0xa8, 0, 0, 0, 0, 3, 0, 0, 0, 150}},
		{"small limit", 1000, 20, 2, []byte{0x28, 0, 0, 0, 0, 20, 0, 0, 2}},
		{"the last, partial one", 4096, 199, 2, []byte{0x28, 0, 0, 0, 0, 199, 0, 0, 2}},
		{"READ CD", 2048, 7, 2, []byte{0xbe, 0, 0, 0, 0, 7, 0, 0, 2, 0x10}},
		{"READ CD MSF", 2048, 7, 2, []byte{0xb9, 0, 0, 0, 2, 7, 0, 2, 9, 0x10}},
		{"nothing", 2048, 7, 0, []byte{0x28, 0, 0, 0, 0, 7, 0, 0, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := f.data(c.limit, c.cdb...); !bytes.Equal(got, whole[c.lba*2048:(c.lba+c.n)*2048]) {
				t.Errorf("%d bytes differ", len(got))
			}
		})
	}
	raw := f.data(0xfffe, 0xbe, 0, 0, 0, 0, 80, 0, 0, 2, 0xf8)
	if len(raw) != 2*2352 || !bytes.Equal(raw[2352+16:][:2048], whole[81*2048:][:2048]) || !bytes.Equal(raw[2352:2352+16],
		[]byte{0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 3, 6, 1}) {
		t.Errorf("raw sectors: % x", raw[2352:2352+16])
	}
	cap := f.data(64, 0x25)
	hwtest.Want(t, "last sector", binary.BigEndian.Uint32(cap), 200)
	hwtest.Want(t, "sector size", binary.BigEndian.Uint32(cap[4:]), 2048)
}

func TestCDDMA(t *testing.T) {
	f, m, _ := newCD(t, 800)
	for range 2 {
		f.prd(atPRD, 0, atPRD+0x10000, 0x8000)
		f.packet(1, 0, 0x28, 0, 0, 0, 0, 10, 0, 0, 48)
		f.Out8(f.bm, cmdStart|cmdToMemory)
		hwtest.Want(t, "bus master", f.waitDMA(), bmInterrupt)
		f.Out8(f.bm, 0)
		f.wantIRQ("end")
		hwtest.Want(t, "reason", f.reg(ata.RegCount)&3, 3)
		if !bytes.Equal(f.RAM.Bytes()[atPRD:][:48*2048], m.data[10*2048:58*2048]) {
			t.Error("data differ")
		}
		f.Out8(f.bm+2, bmInterrupt)
	}
	f.prd(atPRD, 36)
	f.packet(1, 0, 0x12, 0, 0, 0, 36)
	f.Out8(f.bm, cmdStart|cmdToMemory)
	f.waitDMA()
	if got := string(f.RAM.Bytes()[atPRD+8:][:20]); got != "GOVM    GOVM DVD-ROM" {
		t.Errorf("inquiry by DMA: %q", got)
	}
	f.Out8(f.bm, 0)
	m.bad[44] = true
	f.prd(atPRD, 8192)
	f.packet(1, 0, 0x28, 0, 0, 0, 0, 11, 0, 0, 2)
	f.Out8(f.bm, cmdStart|cmdToMemory)
	f.wantSense("bad sector", 3, 0x11, 0)
}

func TestCDErrors(t *testing.T) {
	f, _, _ := newCD(t, 800)
	for _, c := range []struct {
		name           string
		key, asc, ascq uint8
		cdb            []byte
	}{
		{"unknown", 5, 0x20, 0, []byte{0xff}},
		{"mode select", 5, 0x20, 0, []byte{0x55, 0x10}},
		{"beyond the end", 5, 0x21, 0, []byte{0x28, 0, 0, 0, 0, 200, 0, 0, 1}},
		{"across the end", 5, 0x21, 0, []byte{0xa8, 0, 0, 0, 0, 199, 0, 0, 0, 2}},
		{"huge", 5, 0x21, 0, []byte{0xa8, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
		{"seek", 5, 0x21, 0, []byte{0x2b, 0, 0, 0, 1, 0}},
		{"track 2", 5, 0x24, 0, []byte{0x43, 0, 0, 0, 0, 0, 2, 0, 100}},
		{"TOC format 5", 5, 0x24, 0, []byte{0x43, 0, 5, 0, 0, 0, 0, 0, 100}},
		{"saved pages", 5, 0x39, 0, []byte{0x5a, 0, 0xea, 0, 0, 0, 0, 0, 100}},
		{"unknown page", 5, 0x24, 0, []byte{0x5a, 0, 0x2b, 0, 0, 0, 0, 0, 100}},
		{"audio track", 5, 0x64, 0, []byte{0xbe, 4, 0, 0, 0, 0, 0, 0, 1, 0x10}},
		{"DVD structure of a CD", 5, 0x30, 2, []byte{0xad, 0, 0, 0, 0, 0, 0, 0, 100}},
		{"events, asynchronous", 5, 0x24, 0, []byte{0x4a, 0, 0, 0, 0x10, 0, 0, 0, 8}},
	} {
		f.packet(0, 2048, c.cdb...)
		f.wantSense(c.name, c.key, c.asc, c.ascq)
	}
}

func TestCDAnswers(t *testing.T) {
	f, _, _ := newCD(t, 800)
	want := func(what string, got []byte, want string) {
		t.Helper()
		if s := fmt.Sprintf("% x", got); s != want {
			t.Errorf("%s:\n  %s, want\n  %s", what, s, want)
		}
	}
	want("TOC", f.data(100, 0x43, 0, 0, 0, 0, 0, 0, 0, 100), "00 12 01 01 00 14 01 00 00 00 00 00 00 14 aa 00 00 00 00 c8")
	want("TOC, MSF", f.data(100, 0x43, 2, 0, 0, 0, 0, 1, 0, 100), "00 12 01 01 00 14 01 00 00 00 02 00 00 14 aa 00 00 00 04 32")
	want("TOC, lead-out", f.data(100, 0x43, 0, 0, 0, 0, 0, 0xaa, 0, 100), "00 0a 01 01 00 14 aa 00 00 00 00 c8")
	want("sessions", f.data(100, 0x43, 0, 1, 0, 0, 0, 0, 0, 100), "00 0a 01 01 00 14 01 00 00 00 00 00")
	want("sessions, the old way", f.data(100, 0x43, 0, 0, 0, 0, 0, 0, 0, 100, 0x40), "00 0a 01 01 00 14 01 00 00 00 00 00")
	want("short TOC", f.data(100, 0x43, 0, 0, 0, 0, 0, 0, 0, 4), "00 12 01 01")
	hwtest.Want(t, "raw TOC", len(f.data(100, 0x43, 2, 2, 0, 0, 0, 0, 0, 100)), 48)
	want("disc information", f.data(100, 0x51, 0, 0, 0, 0, 0, 0, 0, 8), "00 20 0e 01 01 01 01 20")
	want("mechanism", f.data(100, 0xbd, 0, 0, 0, 0, 0, 0, 0, 0, 8), "00 00 00 00 00 01 00 00")
	want("sub-channel", f.data(100, 0x42, 0, 0, 0, 0, 0, 0, 0, 4), "00 15 00 00")
	want("configuration", f.data(100, 0x46, 2, 0, 0x1e, 0, 0, 0, 0, 100), "00 00 00 0c 00 00 00 08 00 1e 09 04 00 00 00 00")
	want("mode page 2a", f.data(100, 0x5a, 0, 0x2a, 0, 0, 0, 0, 0, 16), "00 1a 01 00 00 00 00 00 2a 12 3b 00 70 60 29 00")
	hwtest.Want(t, "all mode pages", len(f.data(200, 0x1a, 0, 0x3f, 0, 200)), 4+8+16+20)
	hwtest.Want(t, "vital data", string(f.data(100, 0x12, 1, 0x80, 0, 100)[4:11]), "GV00001")
	want("no sense", f.data(100, 0x03, 0, 0, 0, 18), "f0 00 00 00 00 00 00 0a 00 00 00 00 00 00 00 00 00 00")
	f.put(ata.RegStatus, 0xe5)
	f.wantStatus("check power mode", okay, 0)
	for _, op := range []byte{0x00, 0x35, 0xbb, 0x1e, 0x1b} {
		if got := f.data(100, op); got != nil {
			t.Errorf("packet %02x returns data", op)
		}
	}
}

func TestDVD(t *testing.T) {
	d := cdrom(sparseDisc{dvdSectors})
	f := newFixture(t, [2][2]*ata.Drive{{}, {nil, d}})
	f.channel(1)
	f.put(ata.RegDevice, 0xb0)
	if got := f.data(2048, 0xa8, 0, 0, 5, 0, 0, 0, 0, 0, 1); binary.LittleEndian.Uint32(got) != 0x50000 {
		t.Errorf("sector reads %x", got[:4])
	}
	if got := f.data(100, 0x46, 2, 0, 0x1f, 0, 0, 0, 0, 100); got[7] != 0x10 || got[10]&1 != 1 {
		t.Errorf("configuration % x", got)
	}
	if got := f.data(4096, 0xad, 0, 0, 0, 0, 0, 0, 0, 8, 4); len(got) != 0x804 || binary.BigEndian.Uint32(got[12:]) != 0x30000+dvdSectors-1 {
		t.Errorf("physical format % x", got[:20])
	}
}

func TestTray(t *testing.T) {
	f, m, d := newCD(t, 800)
	ready := func() { t.Helper(); f.data(10, 0x00) }
	event := func(what string, code, status byte) {
		t.Helper()
		if e := f.data(100, 0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8); len(e) != 8 || e[4] != code || e[5] != status {
			t.Errorf("%s: event % x, want %x %x", what, e, code, status)
		}
	}
	ready()
	event("at first", 0, 2)
	f.data(10, 0x1e, 0, 0, 0, 1)
	f.packet(0, 0, 0x1b, 0, 0, 0, 2)
	f.wantSense("eject while locked", 5, 0x53, 2)
	if _, err := d.Eject(false); !errors.Is(err, ata.ErrLocked) {
		t.Errorf("the monitor's eject while locked: %v", err)
	}
	event("after the wish", 1, 2)
	f.data(10, 0x1e)
	f.data(10, 0x1b, 0, 0, 0, 2)
	event("ejected", 3, 1)
	f.packet(0, 0, 0x00)
	f.wantSense("tray open", 2, 0x3a, 2)
	f.data(10, 0x1b, 0, 0, 0, 3)
	f.packet(0, 0, 0x00)
	f.wantSense("closed again", 6, 0x28, 0)
	ready()
	old, err := d.Eject(false)
	if old != m || err != nil {
		t.Errorf("eject: %v", err)
	}
	f.packet(0, 0, 0x25)
	f.wantSense("ejected by the monitor", 2, 0x3a, 2)
	if _, err := d.SetMedium(newDisk(40)); err != nil {
		t.Error(err)
	}
	event("new medium", 2, 2)
	f.packet(0, 0, 0x25)
	f.wantSense("new medium", 6, 0x28, 0)
	hwtest.Want(t, "its size", binary.BigEndian.Uint32(f.data(64, 0x25)), 9)
	if _, err := d.SetMedium(nil); err != nil {
		t.Error(err)
	}
	f.packet(0, 0, 0x28, 0, 0, 0, 0, 0, 0, 0, 1)
	f.wantSense("taken out", 2, 0x3a, 1)
	h, _ := one(t, 64)
	if _, err := h.ctl.Drive(0, 0).Eject(true); err == nil {
		t.Error("ejected a disk")
	}
}

// TestChangeMidway puts a shorter disc in while a read waits for its next block.
func TestChangeMidway(t *testing.T) {
	f, _, d := newCD(t, 4*400)
	f.packet(0, 0xfffe, 0xa8, 0, 0, 0, 0, 0, 0, 0, 1, 0x40)
	f.wait()
	if _, err := d.SetMedium(newDisk(8)); err != nil {
		t.Fatal(err)
	}
	for f.wait()&ata.StatusDRQ != 0 {
		f.In16(f.base)
	}
	if f.In8(f.ctrl)&ata.StatusERR == 0 {
		t.Error("the rest of the old disc was read from the new one")
	}
}
