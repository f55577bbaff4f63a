package vga

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"govm-desktop/display"
)

// theirs is QEMU's VGA, driven through its test protocol with the processor stopped.
type theirs struct {
	t   *testing.T
	w   io.Writer
	r   *bufio.Reader
	mon net.Conn
	dir string
	n   int
}

func newTheirs(t *testing.T) *theirs {
	t.Helper()
	g := startQEMU(t, "-S", "-m", "16", "-qtest", "stdio", "-qtest-log", "none")
	place(g)
	return g
}

func startQEMU(t *testing.T, args ...string) *theirs {
	t.Helper()
	path, err := exec.LookPath("qemu-system-x86_64")
	if err != nil {
		t.Skip("QEMU, which we are compared with here, is not installed")
	}
	dir := t.TempDir()
	sock := filepath.Join(dir, "monitor")
	l, err := net.Listen("unix", sock)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	args = append([]string{"-accel", "tcg", "-machine", "pc", "-nodefaults", "-display", "none", "-vga", "std",
		"-monitor", "unix:" + sock}, args...)
	c := exec.Command(path, args...)
	in, _ := c.StdinPipe()
	out, _ := c.StdoutPipe()
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	g := &theirs{t: t, w: in, r: bufio.NewReader(out), dir: dir}
	_ = l.(*net.UnixListener).SetDeadline(time.Now().Add(20 * time.Second))
	if g.mon, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.mon.Close() })
	g.prompt()
	return g
}

// do sends a command and returns what comes after OK.
func (g *theirs) do(format string, args ...any) string {
	g.t.Helper()
	if _, err := fmt.Fprintf(g.w, format+"\n", args...); err != nil {
		g.t.Fatal(err)
	}
	s, err := g.r.ReadString('\n')
	if err != nil || !strings.HasPrefix(s, "OK") {
		g.t.Fatalf("QEMU answers %q (%v) to %s", s, err, fmt.Sprintf(format, args...))
	}
	return strings.TrimSpace(s[2:])
}

func (g *theirs) number(format string, args ...any) uint64 {
	n, err := strconv.ParseUint(g.do(format, args...), 0, 64)
	if err != nil {
		g.t.Fatal(err)
	}
	return n
}

func letter(size int) string { return map[int]string{1: "b", 2: "w", 4: "l", 8: "q"}[size] }

func (g *theirs) out(port uint16, size int, val uint32) {
	g.do("out%s %#x %#x", letter(size), port, val)
}
func (g *theirs) in(port uint16, size int) uint32 {
	return uint32(g.number("in%s %#x", letter(size), port))
}
func (g *theirs) store(addr uint64, size int, val uint64) {
	g.do("write%s %#x %#x", letter(size), addr, val)
}
func (g *theirs) load(addr uint64, size int) uint64 {
	return g.number("read%s %#x", letter(size), addr)
}
func (g *theirs) fill(addr uint64, data []byte) {
	for len(data) > 0 {
		n := min(len(data), 4096)
		g.do("write %#x %#x 0x%x", addr, n, data[:n])
		addr, data = addr+uint64(n), data[n:]
	}
}

func (g *theirs) prompt() string {
	g.t.Helper()
	var got []byte
	b := make([]byte, 4096)
	_ = g.mon.SetReadDeadline(time.Now().Add(20 * time.Second))
	for !bytes.HasSuffix(got, []byte("(qemu) ")) {
		n, err := g.mon.Read(b)
		if err != nil {
			g.t.Fatalf("QEMU's monitor: %v after %q", err, got)
		}
		got = append(got, b[:n]...)
	}
	return string(got)
}

// monitor gives a command to QEMU's monitor and returns what it prints.
func (g *theirs) monitor(format string, args ...any) string {
	g.t.Helper()
	fmt.Fprintf(g.mon, format+"\n", args...)
	return g.prompt()
}

// monitored reaches ports by the monitor, while a guest is stopped.
type monitored struct{ *theirs }

func (g monitored) out(port uint16, size int, val uint32) {
	g.monitor("o /%s %#x %#x", hmpSize(size), port, val)
}

func (g monitored) in(port uint16, size int) uint32 {
	s := g.monitor("i /%sx %#x", hmpSize(size), port)
	_, s, ok := strings.Cut(s, "] = ")
	n, err := strconv.ParseUint(strings.TrimPrefix(strings.Fields(s + " x")[0], "0x"), 16, 32)
	if !ok || err != nil {
		g.t.Fatalf("QEMU's monitor reads %q", s)
	}
	return uint32(n)
}

func hmpSize(size int) string { return map[int]string{1: "b", 2: "h", 4: "w"}[size] }

// bytes reads a block of memory.
func (g monitored) bytes(addr uint64, n int) []byte {
	name := filepath.Join(g.dir, "memory")
	g.monitor("pmemsave %#x %d \"%s\"", addr, n, name)
	data, err := os.ReadFile(name)
	if err != nil {
		g.t.Fatal(err)
	}
	return data
}

func (g *theirs) shot(t *testing.T) *display.Frame {
	t.Helper()
	g.n++
	name := filepath.Join(g.dir, fmt.Sprintf("%d.ppm", g.n))
	g.monitor("screendump %s", name)
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var w, h, depth int
	r := bytes.NewReader(data)
	if _, err := fmt.Fscanf(r, "P6\n%d %d\n%d\n", &w, &h, &depth); err != nil {
		t.Fatal(err)
	}
	data = data[len(data)-3*w*h:]
	f := display.NewFrame(w, h)
	for i := range w * h {
		f.Pix[4*i], f.Pix[4*i+1], f.Pix[4*i+2] = data[3*i+2], data[3*i+1], data[3*i]
	}
	return f
}

// both makes the same guest's steps on two machines.
type both struct {
	t    *testing.T
	a    *ours
	b    *theirs
	what string
}

func newBoth(t *testing.T) *both {
	b := newTheirs(t)
	return &both{t: t, a: newOurs(t, Config{}), b: b}
}

func (g *both) out(port uint16, size int, val uint32) {
	g.a.out(port, size, val)
	g.b.out(port, size, val)
}
func (g *both) in(port uint16, size int) uint32 {
	a, b := g.a.in(port, size), g.b.in(port, size)
	if a != b && port != 0x3da {
		g.t.Fatalf("%s: port %#x reads %#x, QEMU's %#x", g.what, port, a, b)
	}
	return a
}
func (g *both) store(addr uint64, size int, val uint64) {
	g.a.store(addr, size, val)
	g.b.store(addr, size, val)
}
func (g *both) load(addr uint64, size int) uint64 {
	a, b := g.a.load(addr, size), g.b.load(addr, size)
	if a != b {
		g.t.Fatalf("%s: address %#x reads %#x, QEMU's %#x", g.what, addr, a, b)
	}
	return a
}
func (g *both) fill(addr uint64, data []byte) {
	g.a.fill(addr, data)
	g.b.fill(addr, data)
}

func (g *both) shot(t *testing.T) *display.Frame {
	t.Helper()
	a, b := g.a.shot(t), g.b.shot(t)
	if a.Rect != b.Rect {
		t.Fatalf("%s: the picture is %v, QEMU's %v", g.what, a.Rect, b.Rect)
	}
	if bytes.Equal(a.Pix, b.Pix) {
		return a
	}
	wrong := 0
	for y := range a.Rect.Dy() {
		for x := range a.Rect.Dx() {
			if p, q := a.RGBAAt(x, y), b.RGBAAt(x, y); p != q {
				if wrong++; wrong <= 3 {
					t.Errorf("%s: (%d,%d) is %v, QEMU's %v", g.what, x, y, p, q)
				}
			}
		}
	}
	if wrong > 0 {
		t.Fatalf("%s: %d pixels differ", g.what, wrong)
	}
	return a
}

// TestQEMU_modes compares the pictures of all kinds of modes, pixel by pixel.
func TestQEMU_modes(t *testing.T) {
	g := newBoth(t)
	setPalette(g)
	for i := range biosModes {
		m := &biosModes[i]
		g.what = m.name
		setMode(g, m)
		if m.gfx[grMisc]&gr6Graphics == 0 {
			crtc(g, crCursorStart, 0x20) // it blinks by another clock
			loadFont(g, 0, mess)
			loadFont(g, 0x4000, func(ch, row int) uint8 { return mess(ch+1, row+5) })
			g.fill(0xb8000, noise(0x4000, i))
			attr(g, arMode, m.attr[arMode]&^ar10Blink)
			g.shot(t)
			seq(g, srCharMap, 0x04) // characters with bit 3 from the other font
			g.shot(t)
			crtc(g, crStartLow, 0x51)
			crtc(g, crOffset, m.crtc[crOffset]+3)
			g.shot(t)
			attr(g, arColourSelect, 5)
			attr(g, 3, 0x2a)
			g.shot(t)
			attr(g, arMode, 0x80)
			g.shot(t)
			continue
		}
		switch m.gfx[grMisc] >> 2 & 3 {
		case 1:
			g.fill(0xa0000, noise(0x10000, i))
		default:
			g.fill(0xb8000, noise(0x8000, i))
		}
		g.shot(t)
		for plane := range uint8(4) {
			if m.seq[srMemMode]&sr4Chain4 == 0 && m.gfx[grMode]&gr5OddEven == 0 && m.seq[srMapMask] == 15 {
				seq(g, srMapMask, 1<<plane)
				g.fill(0xa0000, noise(0x10000, i*4+int(plane)))
			}
		}
		g.shot(t)
		crtc(g, crStartHigh, 0x03)
		crtc(g, crStartLow, 0x7b)
		g.shot(t)
		crtc(g, crVSyncEnd, 0x0c)
		crtc(g, crOverflow, m.crtc[crOverflow]&^0x10)
		crtc(g, crMaxScan, m.crtc[crMaxScan]&^0x40)
		crtc(g, crLineCompare, 151)
		g.shot(t)
		attr(g, arColourSelect, 6)
		g.shot(t)
	}
}

// TestQEMU_dispi compares the pictures of the display interface's modes.
func TestQEMU_dispi(t *testing.T) {
	g := newBoth(t)
	setMode(g, modeNamed(t, "vga320x200x256"))
	setPalette(g)
	data := noise(600<<10, 3)
	for _, m := range []struct{ w, h, bpp, virt, x, y uint16 }{
		{640, 480, 32, 0, 0, 0}, {320, 200, 32, 500, 30, 40}, {640, 480, 24, 0, 0, 0}, {320, 240, 24, 344, 8, 20},
		{800, 600, 16, 0, 0, 0}, {640, 480, 16, 800, 80, 9}, {640, 400, 15, 0, 0, 0}, {1024, 768, 8, 0, 0, 0},
		{640, 480, 8, 1024, 64, 100}, {800, 600, 4, 0, 0, 0}, {640, 480, 4, 800, 16, 20},
		{1001, 333, 77, 0, 0, 0},
	} {
		g.what = fmt.Sprint(m)
		dispi(g, dispiEnable, 0)
		dispi(g, dispiXRes, m.w)
		dispi(g, dispiYRes, m.h)
		dispi(g, dispiBPP, m.bpp)
		dispi(g, dispiEnable, 0x41)
		g.shot(t) // cleared
		g.fill(lfb, data)
		g.shot(t)
		if m.virt != 0 {
			dispi(g, dispiVirtW, m.virt)
			dispi(g, dispiXOffset, m.x)
			dispi(g, dispiYOffset, m.y)
			g.shot(t)
		}
		if m.bpp != 4 { // QEMU forgets it for 16 colours
			dispi(g, dispiEnable, 0x61) // the palette with 8 bits
			g.shot(t)
		}
		for i := range uint16(12) {
			g.out(0x1ce, 2, uint32(i))
			g.in(0x1cf, 2)
		}
		for i := range uint64(11) {
			g.load(regw+mmioDispi+2*i, 2)
		}
	}
	g.what = "big endian"
	for _, bpp := range []uint16{15, 16, 24, 32} {
		dispi(g, dispiEnable, 0)
		dispi(g, dispiBPP, bpp)
		dispi(g, dispiEnable, 0xc1)
		g.store(regw+mmioExt+4, 4, orderBig)
		g.load(regw+mmioExt, 4)
		g.load(regw+mmioExt+4, 4)
		g.shot(t)
		g.store(regw+mmioExt+4, 4, orderLittle)
	}
}

// TestQEMU_dispiRegisters writes nonsense to the display interface and wants the same answers.
func TestQEMU_dispiRegisters(t *testing.T) {
	g := newBoth(t)
	r := rand.New(rand.NewPCG(3, 4))
	for n := range 3000 {
		i, val := uint16(r.IntN(12)), uint16(r.Uint32())
		switch r.IntN(3) {
		case 0:
			val = uint16(r.IntN(2000))
		case 1:
			val = []uint16{0, 1, 4, 8, 15, 16, 24, 32, 0x41, 0x81, 2, 0xb0c0, 0xb0c4, 0xb0c6}[r.IntN(14)]
		}
		if i == dispiEnable {
			val &= 0xe3
		}
		g.what = fmt.Sprintf("step %d: register %d = %#x", n, i, val)
		dispi(g, i, val)
		j := uint16(r.IntN(12))
		g.out(0x1ce, 2, uint32(j))
		g.what += fmt.Sprintf(", then read %d", j)
		g.in(0x1d0, 2)
	}
}

// TestQEMU_registers writes all bits of the VGA's registers and wants to read the same.
func TestQEMU_registers(t *testing.T) {
	g := newBoth(t)
	r := rand.New(rand.NewPCG(5, 6))
	for n := range 2500 {
		val := uint32(r.IntN(256))
		port := []uint16{0x3c0, 0x3c2, 0x3c4, 0x3c5, 0x3c7, 0x3c8, 0x3c9, 0x3ce, 0x3cf, 0x3d4, 0x3d5, 0x3b4, 0x3b5, 0x3da, 0x3ba}[r.IntN(15)]
		if port == 0x3d5 && r.IntN(2) == 0 || port == 0x3b5 {
			g.out(port-1, 1, uint32(r.IntN(26)))
		}
		g.what = fmt.Sprintf("step %d: port %#x = %#x", n, port, val)
		g.out(port, 1, val)
		g.in([]uint16{0x3c0, 0x3c1, 0x3c4, 0x3c5, 0x3c7, 0x3c8, 0x3c9, 0x3cc, 0x3ce, 0x3cf, 0x3d4, 0x3d5, 0x3b4, 0x3b5, 0x3da}[r.IntN(15)], 1)
	}
}

// TestQEMU_planes compares what the graphics controller does to memory.
func TestQEMU_planes(t *testing.T) {
	g := newBoth(t)
	setMode(g, modeNamed(t, "vga640x480x16"))
	r := rand.New(rand.NewPCG(7, 8))
	for n := range 6000 {
		switch r.IntN(5) {
		case 0:
			i := r.IntN(9)
			val := uint8(r.IntN(256))
			switch i {
			case grMode:
				val &= 0x0b
			case grMisc:
				val = val&0x0c | 1
			}
			g.what = fmt.Sprintf("step %d: GR%d = %#x", n, i, val)
			gfx(g, uint8(i), val)
			seq(g, srMapMask, uint8(r.IntN(16)))
		case 1, 2:
			a := 0xa0000 + r.Uint64N(32)*2047
			val := r.Uint64N(256)
			g.what += fmt.Sprintf(" [%#x]=%#x", a, val)
			g.store(a, 1, val)
		default:
			a := 0xa0000 + r.Uint64N(32)*2047
			g.load(a, 1)
		}
	}
	g.what = "odd/even and chain 4"
	for _, mem := range []uint8{2, 14} {
		for i, val := range []uint8{0, 0, 0, 0, 0, 0x10, 5, 0, 0xff} {
			gfx(g, uint8(i), val)
		}
		seq(g, srMemMode, mem)
		for range 2000 {
			seq(g, srMapMask, uint8(r.IntN(4)))
			a := 0xa0000 + r.Uint64N(4096)
			if r.IntN(2) == 0 {
				g.store(a, []int{1, 2, 4}[r.IntN(3)], r.Uint64()&0xff)
			} else {
				g.load(a, []int{1, 2, 4}[r.IntN(3)])
			}
		}
		g.shot(t)
	}
}

// TestQEMU_guests lets real guests run under QEMU, takes over registers and video memory, and compares the pictures.
func TestQEMU_guests(t *testing.T) {
	cache, _ := os.UserCacheDir()
	guests := filepath.Join(cache, "govm-desktop", "guests")
	for _, c := range []struct {
		name, image string
		wait        time.Duration
	}{
		{"seabios", "", time.Second},
		{"grub", "grubiso/grub.iso", 2 * time.Second},
		{"isolinux", "isolinux/isolinux.iso", 3 * time.Second},
		{"memtest", "memtest/memtest86+x64.iso", 3 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := []string{"-m", "128", "-serial", "null"}
			if c.image != "" {
				path := filepath.Join(guests, c.image)
				if _, err := os.Stat(path); err != nil {
					t.Skipf("%s is not there", path)
				}
				if testing.Short() {
					t.Skip("takes seconds")
				}
				args = append(args, "-cdrom", path)
			}
			b := startQEMU(t, args...)
			time.Sleep(c.wait)
			b.monitor("stop")
			g := &both{t: t, a: newOurs(t, Config{}), b: b, what: c.name}
			takeOver(g.a, monitored{b})
			f := g.shot(t)
			if black(f) {
				t.Errorf("%s shows nothing", c.name)
			}
			t.Log(f.Rect)
		})
	}
}

// takeOver gives one machine the state of the other's VGA.
func takeOver(to *ours, from monitored) {
	regs := func(index, data uint16, n int) {
		for i := range n {
			from.out(index, 1, uint32(i))
			to.out(index, 1, uint32(i))
			to.out(data, 1, from.in(data, 1))
		}
	}
	from.out(0x3d4, 2, 0x200a) // no cursor: it blinks by another clock
	from.in(0x3da, 1)
	enabled := from.in(0x3c0, 1)
	to.out(0x3c2, 1, from.in(0x3cc, 1))
	regs(0x3c4, 0x3c5, 5)
	to.out(0x3d4, 2, 0x0011)
	regs(0x3d4, 0x3d5, 25)
	regs(0x3ce, 0x3cf, 9)
	for i := range uint32(21) {
		from.in(0x3da, 1)
		from.out(0x3c0, 1, i)
		to.in(0x3da, 1)
		to.out(0x3c0, 1, i)
		to.out(0x3c0, 1, from.in(0x3c1, 1))
	}
	from.in(0x3da, 1)
	from.out(0x3c0, 1, enabled)
	to.out(0x3c0, 1, enabled)
	from.out(0x3c7, 1, 0)
	to.out(0x3c8, 1, 0)
	for range 768 {
		to.out(0x3c9, 1, from.in(0x3c9, 1))
	}
	for _, i := range []uint16{1, 2, 3, 4, 6, 8, 9} {
		from.out(0x1ce, 2, uint32(i))
		dispi(to, i, uint16(from.in(0x1cf, 2))|map[uint16]uint16{dispiEnable: enableNoClear}[i])
	}
	for _, i := range []uint16{6, 8, 9} { // lost when it was switched on
		from.out(0x1ce, 2, uint32(i))
		dispi(to, i, uint16(from.in(0x1cf, 2)))
	}
	from.out(0xcf8, 4, 0x80000000|slot<<11|0x10)
	bar := uint64(from.in(0xcfc, 4) &^ 0xf)
	copy(to.v.mem, from.bytes(bar, len(to.v.mem)))
	to.v.vram.Wrote(0, uint64(len(to.v.mem)))
}
