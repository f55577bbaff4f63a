package boot

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const ram = 256 << 20

// bzImage makes a Linux image of a protocol version with a body of so many bytes.
func bzImage(version uint16, high bool, body int) []byte {
	b := make([]byte, 5*sector+body)
	le := binary.LittleEndian
	copy(b[hdrMagic:], "HdrS")
	le.PutUint16(b[hdrVersion:], version)
	if high {
		b[hdrLoadFlags] = loadedHigh
	}
	le.PutUint32(b[hdrInitrdMax:], 0x7fffffff)
	le.PutUint32(b[hdrCmdlineSize:], 2047)
	for i := range body {
		b[5*sector+i] = byte(i)
	}
	return b
}

type elfSegment struct {
	kind, off, vaddr, paddr, filesz, memsz uint32
}

// elf32 makes an ELF file: headers, then data.
func elf32(entry uint32, data []byte, segs ...elfSegment) []byte {
	b := append([]byte("\x7fELF\x01\x01\x01"), make([]byte, 9)...)
	le := binary.LittleEndian
	b = le.AppendUint16(le.AppendUint16(b, 2), machine386)
	for _, v := range []uint32{1, entry, elfHead32, 0, 0} {
		b = le.AppendUint32(b, v)
	}
	for _, v := range []uint16{elfHead32, 32, uint16(len(segs)), 0, 0, 0} {
		b = le.AppendUint16(b, v)
	}
	start := uint32(elfHead32 + 32*len(segs))
	for _, s := range segs {
		for _, v := range []uint32{s.kind, s.off + start, s.vaddr, s.paddr, s.filesz, s.memsz, 7, 0} {
			b = le.AppendUint32(b, v)
		}
	}
	return append(b, data...)
}

// pvhNote is Xen's note with an entry.
func pvhNote(entry uint32) []byte {
	le := binary.LittleEndian
	b := le.AppendUint32(le.AppendUint32(le.AppendUint32(nil, 4), 4), 1)
	b = append(b, "Xen\x00abcd"...) // another one first
	b = le.AppendUint32(le.AppendUint32(le.AppendUint32(b, 4), 4), notePhys32)
	return le.AppendUint32(append(b, "Xen\x00"...), entry)
}

func pvhImage(paddr uint32) []byte {
	note := pvhNote(paddr + 8)
	n := uint32(len(note))
	return elf32(0, append(note, "code"...), elfSegment{4, 0, 0, 0, n, n}, elfSegment{1, n, 0xc0000000, paddr, 4, 100})
}

// multibootImage makes a flat kernel.
func multibootImage(flags uint32, addrs ...uint32) []byte {
	le := binary.LittleEndian
	b := make([]byte, 64)
	for _, v := range append([]uint32{mbMagic, flags, -(mbMagic + flags)}, addrs...) {
		b = le.AppendUint32(b, v)
	}
	return append(b, make([]byte, 200)...)
}

func none(Kind) ([]module, error) { return nil, nil }

func one(size int) opener {
	return func(Kind) ([]module, error) { return []module{{bytesBlob(make([]byte, size)), "args"}}, nil }
}

func plannedBy(image []byte, cmdline string, mods opener) (*plan, error) {
	return newPlan(bytesBlob(image), cmdline, ram, mods)
}

func (p *plan) find(what string) *load {
	for i := range p.loads {
		if p.loads[i].what == what {
			return &p.loads[i]
		}
	}
	return nil
}

func TestLinuxLayout(t *testing.T) {
	for _, c := range []struct {
		name                   string
		image                  []byte
		setup, cmdline, kernel uint64
		info                   uint32
	}{
		{"2.15", bzImage(0x20f, true, 1000), 0x10000, 0x20000, 0x100000, 0xfff0},
		{"2.01", bzImage(0x201, true, 1000), 0x90000, 0x9a000, 0x100000, 0x9ff0},
		{"zImage", bzImage(0x203, false, 1000), 0x90000, 0x9a000, 0x10000, 0x9ff0},
	} {
		p, err := plannedBy(c.image, "vga=0x344 x", one(5000))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		setup, cmd, kernel, initrd := p.find("setup code"), p.find("command line"), p.find("kernel"), p.find("initrd")
		if setup.addr != c.setup || cmd.addr != c.cmdline || kernel.addr != c.kernel || p.info != c.info || uint64(p.entry)<<4 != c.setup {
			t.Errorf("%s: setup %#x, command line %#x, kernel %#x, entry %#x, stack %#x", c.name, setup.addr, cmd.addr, kernel.addr, p.entry, p.info)
		}
		h := make([]byte, setup.data.Size())
		if _, err := setup.data.ReadAt(h, 0); err != nil {
			t.Fatal(err)
		}
		le := binary.LittleEndian
		if got := le.Uint32(h[hdrInitrd:]); uint64(got) != initrd.addr || got&0xfff != 0 || le.Uint32(h[hdrInitrdSize:]) != 5000 {
			t.Errorf("%s: initrd at %#x, header says %#x", c.name, initrd.addr, got)
		}
		if h[hdrLoader] != 0xff || h[hdrLoadFlags]&canUseHeap == 0 || le.Uint16(h[hdrVidMode:]) != 0x344 {
			t.Errorf("%s: loader %#x, flags %#x, video mode %#x", c.name, h[hdrLoader], h[hdrLoadFlags], le.Uint16(h[hdrVidMode:]))
		}
		body := make([]byte, 10)
		if _, err := kernel.data.ReadAt(body, 100); err != nil || body[0] != 100 {
			t.Errorf("%s: body % x, %v", c.name, body, err)
		}
	}
}

func TestLinuxInitrdPlace(t *testing.T) {
	for _, c := range []struct {
		name    string
		version uint16
		max     uint32
		xload   uint16
		ram     uint64
		want    uint64
	}{
		{"memory ends first", 0x20f, 0x7fffffff, 0, 512 << 20, 510 << 20},
		{"kernel's limit", 0x203, 0x07ffffff, 0, 512 << 20, 127 << 20},
		{"old kernel's limit", 0x202, 0, 0, 2 << 30, 0x37f00000},
		{"above 4 GiB allowed", 0x20c, 0x7fffffff, above4G, 3 << 30, 3<<30 - 2<<20},
	} {
		setup := bzImage(c.version, true, 10)
		binary.LittleEndian.PutUint32(setup[hdrInitrdMax:], c.max)
		binary.LittleEndian.PutUint16(setup[hdrXLoadFlags:], c.xload)
		if got, err := placeInitrd(setup, c.version, 1<<20, 0x200000, c.ram); err != nil || got != c.want {
			t.Errorf("%s: %#x, %v; want %#x", c.name, got, err, c.want)
		}
	}
}

func TestPVH(t *testing.T) {
	p, err := plannedBy(pvhImage(0x1000000), "cmd", one(5000))
	if err != nil {
		t.Fatal(err)
	}
	if p.kind != PVH || p.entry != 0x1000008 || p.info != infoBase {
		t.Errorf("%v, entry %#x, info %#x", p.kind, p.entry, p.info)
	}
	seg := p.find("segment 0")
	code := make([]byte, 4)
	if _, err := seg.data.ReadAt(code, 0); err != nil || string(code) != "code" || seg.addr != 0x1000000 || seg.zeros != 96 {
		t.Errorf("segment %q at %#x with %d zeros", code, seg.addr, seg.zeros)
	}
}

func TestMultibootFlat(t *testing.T) {
	p, err := plannedBy(multibootImage(mbAddresses, 0x100040, 0x100000, 0, 0x101000, 0x100080), "", none)
	if err != nil {
		t.Fatal(err)
	}
	k := p.find("kernel")
	if p.kind != Multiboot || p.entry != 0x100080 || k.addr != 0x100000 || k.data.Size() != 296 || k.end() != 0x101000 {
		t.Errorf("%v, entry %#x, kernel of %d bytes at %#x up to %#x", p.kind, p.entry, k.data.Size(), k.addr, k.end())
	}
}

func TestRefused(t *testing.T) {
	cutELF := pvhImage(0x1000000)
	for name, c := range map[string]struct {
		image   []byte
		cmdline string
		mods    opener
		err     string
	}{
		"text":              {[]byte("#!/bin/sh"), "", none, "not a kernel"},
		"old protocol":      {bzImage(0x105, true, 10), "", none, "boot protocol 1.05"},
		"cut bzImage":       {bzImage(0x20f, true, 10)[:5*sector], "", none, "bzImage of 2560 bytes"},
		"long command line": {bzImage(0x20f, true, 10), strings.Repeat("x", 2048), none, "command line of 2048 bytes, the kernel takes 2047"},
		"huge initrd":       {bzImage(0x20f, true, 10), "", one(ram), "initrd of 256 MiB does not fit"},
		"failing initrd":    {bzImage(0x20f, true, 10), "", func(Kind) ([]module, error) { return nil, errors.New("gone") }, "gone"},
		"ELF without note":  {elf32(0x100000, nil, elfSegment{1, 0, 0, 0x100000, 0, 100}), "", none, "without a PVH entry"},
		"cut ELF":           {cutELF[:len(cutELF)-1], "", none, "cut off"},
		"ELF over firmware": {pvhImage(0xf0000), "", none, "lies where the firmware is"},
		"ELF above memory":  {pvhImage(0x20000000), "", none, "does not fit in the memory below 4 GiB (256 MiB)"},
		"PVH huge initrd":   {pvhImage(0x1000000), "", one(ram), "does not fit"},
		"PVH command line":  {pvhImage(0x1000000), strings.Repeat("x", 30000), none, "too long"},
		"overlap": {
			elf32(0, pvhNote(0x100000), elfSegment{4, 0, 0, 0, 40, 40}, elfSegment{1, 0, 0, 0x100000, 4, 100}, elfSegment{1, 0, 0, 0x100050, 4, 4}),
			"", none, "segment 1 at 0x100050 overlaps segment 0",
		},
		"ELF for others":         {[]byte("\x7fELF\x02\x02\x01" + strings.Repeat("\x00", 100)), "", none, "another kind of machine"},
		"unknown feature":        {multibootImage(1 << 5), "", none, "not known (0x20)"},
		"video mode":             {multibootImage(mbGraphics), "", none, "video mode"},
		"neither ELF nor flat":   {multibootImage(0), "", none, "no ELF file"},
		"contradicting":          {multibootImage(mbAddresses, 0x100000, 0x100040, 0, 0, 0), "", none, "contradict"},
		"load end before start":  {multibootImage(mbAddresses, 0x100040, 0x100000, 0xff000, 0, 0), "", none, "contradict"},
		"zeros end before data":  {multibootImage(mbAddresses, 0x100040, 0x100000, 0, 0x100001, 0), "", none, "contradict"},
		"load end after the end": {multibootImage(mbAddresses, 0x100040, 0x100000, 0x200000, 0, 0), "", none, "contradict"},
	} {
		if _, err := plannedBy(c.image, c.cmdline, c.mods); err == nil || !strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %q", name, err, c.err)
		}
	}
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	empty, kernel := filepath.Join(dir, "empty"), filepath.Join(dir, "kernel")
	for file, data := range map[string][]byte{empty: nil, kernel: bzImage(0x20f, true, 100)} {
		if err := os.WriteFile(file, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ kernel, initrd, err string }{
		{filepath.Join(dir, "none"), "", "no such file"},
		{dir, "", "not a regular file"},
		{empty, "", "empty"},
		{kernel, filepath.Join(dir, "none"), "no such file"},
	} {
		if _, err := Open(Options{Kernel: c.kernel, Initrd: c.initrd, RAMBelow4G: ram}); err == nil || !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s %s: %v, want %q", c.kernel, c.initrd, err, c.err)
		}
	}
	img, err := Open(Options{Kernel: kernel, RAMBelow4G: ram})
	if err != nil {
		t.Fatal(err)
	}
	if img.Kind != Linux || len(img.Keys) != 10 {
		t.Errorf("%v with %d keys", img.Kind, len(img.Keys))
	}
	if err := img.Close(); err != nil {
		t.Error(err)
	}
}

func TestBlob(t *testing.T) {
	var b Blob
	b.append(bytesBlob([]byte("abc")))
	b.append(fileBlob(strings.NewReader("0123456789"), 3, 4))
	b.append(bytesBlob(nil))
	b.append(bytesBlob([]byte("xyz")))
	all, err := io.ReadAll(io.NewSectionReader(&b, 0, b.Size()))
	if string(all) != "abc3456xyz" || err != nil {
		t.Fatalf("%q, %v", all, err)
	}
	for off := range 12 {
		for n := range 12 {
			p := make([]byte, n)
			k, err := b.ReadAt(p, int64(off))
			want := all[min(off, 10):min(off+n, 10)]
			if !bytes.Equal(p[:k], want) || (err == io.EOF) != (k < n) {
				t.Errorf("%d bytes from %d: %q, %v", n, off, p[:k], err)
			}
		}
	}
	short := fileBlob(strings.NewReader("01"), 0, 4) // a file that has shrunk
	if n, err := short.ReadAt(make([]byte, 4), 0); n != 2 || err == nil {
		t.Errorf("%d, %v", n, err)
	}
}

func TestModuleList(t *testing.T) {
	for list, want := range map[string][]moduleSpec{
		"":           nil,
		"a":          {{"a", "a"}},
		"a b=x,b":    {{"a", "a b=x"}, {"b", "b"}},
		"a x=1,,2,b": {{"a", "a x=1,2"}, {"b", "b"}},
	} {
		got := splitModules(list)
		if len(got) != len(want) {
			t.Errorf("%q: %v", list, got)
			continue
		}
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("%q: %v", list, got)
			}
		}
	}
}

func TestVideoMode(t *testing.T) {
	for cmdline, want := range map[string]uint16{"vga=normal": 0xffff, "a vga=ext b": 0xfffe, "vga=ask": 0xfffd, "vga=0x344": 0x344, "vga=788": 788} {
		if got, ok := videoMode(cmdline); !ok || got != want {
			t.Errorf("%s: %#x %v", cmdline, got, ok)
		}
	}
	for _, cmdline := range []string{"", "quiet", "xvga=1", "vga=", "vga=70000"} {
		if got, ok := videoMode(cmdline); ok {
			t.Errorf("%q: %#x", cmdline, got)
		}
	}
}

func TestROM(t *testing.T) {
	rom := ROM()
	if rom[0] != 0x55 || rom[1] != 0xaa || int(rom[2])*512 != len(rom) || sum(rom) != 0 || sum(rom[0x20:0x40]) != 0 || string(rom[0x20:0x24]) != "$PnP" {
		t.Errorf("head % x, sums %d %d", rom[:0x40], sum(rom), sum(rom[0x20:0x40]))
	}
	if _, err := exec.LookPath("nasm"); err != nil {
		t.Skip("no nasm here: apt-get install nasm")
	}
	out := filepath.Join(t.TempDir(), "boot.bin")
	if msg, err := exec.Command("nasm", "-f", "bin", "-o", out, "boot.asm").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, msg)
	}
	if built, err := os.ReadFile(out); err != nil || !bytes.Equal(built, romImage) {
		t.Errorf("boot.bin is not what boot.asm makes: go generate (%v)", err)
	}
}

// checkPlan is what holds of every plan that is not refused.
func checkPlan(t *testing.T, p *plan) {
	t.Helper()
	f := p.file()
	head := make([]byte, headSize)
	if _, err := f.ReadAt(head, 0); err != nil {
		t.Fatal(err)
	}
	n := binary.LittleEndian.Uint32(head[12:])
	table := make([]byte, loadSize*n)
	if _, err := f.ReadAt(table, headSize); err != nil {
		t.Fatal(err)
	}
	for ; len(table) > 0; table = table[loadSize:] {
		le := binary.LittleEndian
		off, size, addr, flags := uint64(le.Uint32(table)), uint64(le.Uint32(table[4:])), uint64(le.Uint32(table[8:])), le.Uint32(table[12:])
		if flags == 0 && off+size > uint64(f.Size()) {
			t.Fatalf("load of %d bytes at %d of a file of %d", size, off, f.Size())
		}
		if addr < infoBase || addr+size > ram {
			t.Fatalf("load of %#x bytes to %#x", size, addr)
		}
	}
}

func fuzz(f *testing.F, seeds ...[]byte) {
	for _, s := range seeds {
		f.Add(s, "quiet vga=ask")
	}
	f.Fuzz(func(t *testing.T, image []byte, cmdline string) {
		if p, err := plannedBy(image, cmdline, one(5000)); err == nil {
			checkPlan(t, p)
		}
	})
}

func FuzzBzImage(f *testing.F) {
	fuzz(f, bzImage(0x20f, true, 100), bzImage(0x201, true, 100), bzImage(0x203, false, 100))
}

func FuzzELF(f *testing.F) { fuzz(f, pvhImage(0x1000000), pvhImage(0x20000)) }

func FuzzMultiboot(f *testing.F) {
	head := multibootImage(0)
	fuzz(f, multibootImage(mbAddresses, 0x100040, 0x100000, 0, 0x101000, 0x100080),
		elf32(0x100000, head, elfSegment{1, 0, 0x100000, 0x100000, uint32(len(head)), 1000}))
}
