package vga

import (
	"context"
	"errors"
	"image"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"govm-desktop/clock"
	"govm-desktop/display"
	"govm-desktop/display/displaytest"
	"govm-desktop/hw"
	"govm-desktop/hw/hwtest"
	"govm-desktop/memory"
	"govm-desktop/snapshot"
)

func TestVGA_conformance(t *testing.T) {
	hwtest.TestDevice(t, func(b *hwtest.Bench) hw.Device {
		v := onBench(t, b, Config{MiB: 1})
		for _, base := range []uint16{portCRTCMono, portStatusMono, portAttr, portCRTC, portStatus} {
			b.MapPorts(uint64(base), map[uint16]uint64{portAttr: 16, portCRTC: 2, portCRTCMono: 2}[base]+1, portIO{v, base}, memory.Widths{Min: 1, Max: 1})
		}
		b.MapPorts(dispiPort, 4, dispiIO{v}, memory.Widths{Min: 1, Max: 2})
		b.MapMemory(0x200000, mmioSize, mmioIO{v}, memory.Widths{Min: 1, Max: 4})
		b.MapMemory(0x300000, WindowSize, planeIO{v}, memory.Any)
		return v
	})
}

// changed waits for the next picture after registers were written, which is looked at a moment later.
func changed(t *testing.T, g *ours, v *display.Viewer) (*display.Frame, display.Region) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	f, d, err := v.Next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return f, d
}

func TestDraw_source(t *testing.T) {
	g := newOurs(t, Config{MiB: 1})
	setPalette(g)
	var steps []func()
	for i := range biosModes {
		m := &biosModes[i]
		steps = append(steps, func() {
			setMode(g, m)
			g.Step(settle)
		}, func() {
			g.fill(0xb8000, noise(777, i))
			g.fill(0xa0000, noise(9999, i))
		}, func() {
			crtc(g, crStartLow, 40)
			attr(g, arPanning, 3)
			g.fill(0xb8123, noise(20, i+1))
			g.Step(settle)
		}, func() {
			g.out(0x3c8, 1, 7)
			g.out(0x3c9, 1, 1)
			g.out(0x3c9, 1, 2)
			g.out(0x3c9, 1, uint32(i))
			g.Step(settle)
		})
	}
	for _, bpp := range []uint16{4, 8, 15, 16, 24, 32} {
		steps = append(steps, func() {
			dispi(g, dispiEnable, 0)
			dispi(g, dispiXRes, 328)
			dispi(g, dispiYRes, 240)
			dispi(g, dispiBPP, bpp)
			dispi(g, dispiEnable, 0x41)
			g.Step(settle)
		}, func() { g.fill(lfb+5000, noise(5000, int(bpp))) },
			func() { g.fill(lfb+70000, noise(3, int(bpp))) },
			func() { dispi(g, dispiYOffset, 7); g.Step(settle) })
	}
	displaytest.TestSource(t, g.v, steps...)
}

func TestDraw_textDamage(t *testing.T) {
	g := newOurs(t, Config{MiB: 1})
	setPalette(g)
	setMode(g, modeNamed(t, "text80x25"))
	crtc(g, crCursorStart, 0x20)
	loadFont(g, 0, mess)
	v := g.s.Watch()
	f, d := changed(t, g, v)
	if d.Area() != 720*400 {
		t.Errorf("first damage %v", d)
	}
	f.Release()
	g.store(0xb8000+2*(80*3+10), 2, 0x1e41)
	f, d = changed(t, g, v)
	if want := image.Rect(90, 48, 99, 64); len(d) != 1 || d[0] != want {
		t.Errorf("one cell written: damage %v, want %v", d, want)
	}
	f.Release()
	g.store(0xb8000+2*(80*3+10), 2, 0x1e41)
	g.store(0xb8000+2*(80*30), 2, 0x1e41) // below the screen
	g.store(0xb8000+2*(80*5+79), 2, 0x1e42)
	f, d = changed(t, g, v)
	if want := image.Rect(711, 80, 720, 96); len(d) != 1 || d[0] != want {
		t.Errorf("last column written: damage %v, want %v", d, want)
	}
	f.Release()
}

func TestDraw_linearDamage(t *testing.T) {
	g := newOurs(t, Config{})
	dispi(g, dispiXRes, 1024)
	dispi(g, dispiYRes, 768)
	dispi(g, dispiBPP, 32)
	dispi(g, dispiEnable, 0x41)
	g.out(portAttr, 1, arIndexEnable)
	v := g.s.Watch()
	f, _ := changed(t, g, v)
	f.Release()
	g.store(lfb+4*(1024*100+700), 4, 0xffabcdef)
	f, d := changed(t, g, v)
	if want := image.Rect(640, 100, 704, 101); len(d) != 1 || d[0] != want {
		t.Errorf("one pixel written: damage %v, want %v", d, want)
	}
	if p := f.Row(100, 700, 701); p[0] != 0xef || p[1] != 0xcd || p[2] != 0xab || p[3] != 0 {
		t.Errorf("pixel is %x", p)
	}
	f.Release()
}

func TestDraw_cursorBlinks(t *testing.T) {
	g := newOurs(t, Config{MiB: 1})
	setPalette(g)
	setMode(g, modeNamed(t, "text80x25"))
	g.store(0xb8000, 8, 0x0720_8741_0720_0720) // the third cell blinks
	crtc(g, crCursorLow, 1)
	v := g.s.Watch()
	f, _ := changed(t, g, v)
	lit := f.RGBAAt(9, 13)
	if lit == f.RGBAAt(9, 12) || lit == f.RGBAAt(9, 15) || lit != f.RGBAAt(17, 14) {
		t.Error("no cursor in lines 13 and 14 of the second cell")
	}
	f.Release()
	g.Step(settle)
	idle(t, v)
	g.Step(cursorHalf)
	f, d := changed(t, g, v)
	if want := image.Rect(9, 0, 18, 16); len(d) != 1 || d[0] != want || f.RGBAAt(9, 13) == lit {
		t.Errorf("cursor goes out: damage %v", d)
	}
	f.Release()
	g.Step(cursorHalf)
	f, d = changed(t, g, v)
	if want := image.Rect(9, 0, 27, 16); d.Bounds() != want {
		t.Errorf("cursor comes back, character hides: damage %v", d)
	}
	f.Release()
	crtc(g, crCursorStart, 0x20)
	g.Step(settle)
	f, d = changed(t, g, v)
	if want := image.Rect(9, 0, 18, 16); len(d) != 1 || d[0] != want {
		t.Errorf("cursor off: damage %v", d)
	}
	f.Release()
	v.Close()
	g.Step(10 * clock.Second) // fires once, finds nobody, and is not armed again
}

// idle wants silence.
func idle(t *testing.T, v *display.Viewer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Millisecond)
	defer cancel()
	if _, d, err := v.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("an idle screen: damage %v, %v", d, err)
	}
}

func TestDraw_panning(t *testing.T) {
	for _, c := range []struct {
		mode       string
		pan        uint8
		x, y, step int // where the pixel at (x, y) of the unmoved picture goes
	}{
		{"vga640x480x16", 3, 100, 50, 3}, {"ega320x200x16", 5, 200, 50, 10}, {"vga320x200x256", 4, 100, 50, 4},
		{"text80x50", 6, 200, 100, 6}, {"text80x25", 2, 200, 100, 3}, {"text80x25", 8, 200, 100, 0},
	} {
		g := newOurs(t, Config{MiB: 1})
		setPalette(g)
		m := modeNamed(t, c.mode)
		setMode(g, m)
		if m.gfx[grMisc]&1 == 0 {
			loadFont(g, 0, mess)
			crtc(g, crCursorStart, 0x20)
			g.fill(0xb8000, noise(0x8000, 1))
		} else {
			g.fill(0xa0000, noise(0x10000, 1))
		}
		base := uint8(0)
		if c.mode == "text80x25" {
			base = 8
		}
		attr(g, arPanning, base)
		before := g.shot(t)
		attr(g, arPanning, c.pan)
		after := g.shot(t)
		for x := range 300 {
			if before.RGBAAt(c.x+x, c.y) != after.RGBAAt(c.x+x-c.step, c.y) {
				t.Errorf("%s panned by %d: column %d is not %d to the left", c.mode, c.pan, c.x+x, c.step)
				break
			}
		}
		crtc(g, crVSyncEnd, 0)
		crtc(g, crOverflow, m.crtc[crOverflow]&^0x10)
		crtc(g, crMaxScan, m.crtc[crMaxScan]&^0x40)
		crtc(g, crLineCompare, 99)
		attr(g, arMode, m.attr[arMode]|ar10PanCompat)
		split := g.shot(t)
		for x := range 300 {
			if split.RGBAAt(x, 100) != before.RGBAAt(x, 0) {
				t.Errorf("%s: the part below the split is not the unmoved top of memory", c.mode)
				break
			}
		}
	}
}

func TestDraw_blank(t *testing.T) {
	g := newOurs(t, Config{MiB: 1})
	setPalette(g)
	m := modeNamed(t, "vga320x200x256")
	setMode(g, m)
	g.fill(0xa0000, noise(64000, 1))
	if f := g.shot(t); black(f) {
		t.Error("nothing is shown")
	}
	g.in(portStatus, 1)
	g.out(portAttr, 1, 0)
	if f := g.shot(t); !black(f) || f.Rect.Max != m.size {
		t.Error("with the palette address source off the screen is not black")
	}
	g.out(portAttr, 1, 0x20)
	g.out(portAttr, 1, 0x20)
	seq(g, srClocking, m.seq[srClocking]|sr1ScreenOff)
	if f := g.shot(t); !black(f) {
		t.Error("with the screen off bit set the screen is not black")
	}
}

func black(f *display.Frame) bool {
	for _, b := range f.Pix {
		if b != 0 {
			return false
		}
	}
	return true
}

func TestWindow_shortcut(t *testing.T) {
	g := newOurs(t, Config{})
	shows := func() *memory.Region {
		r, _ := g.Memory.View().Find(0xa1234)
		return r.Region
	}
	setMode(g, modeNamed(t, "vga320x200x256"))
	if shows() != g.v.vram {
		t.Error("mode 13h does not show video memory in the window")
	}
	seq(g, srMapMask, 7)
	if shows() != g.v.planes {
		t.Error("masked planes are written directly")
	}
	g.store(0xa0000, 4, 0x44332211)
	hwtest.Want(t, "video memory", g.load(lfb, 4), 0x00332211)
	dispi(g, dispiXRes, 640)
	dispi(g, dispiYRes, 480)
	dispi(g, dispiBPP, 8)
	dispi(g, dispiEnable, 0x41)
	dispi(g, dispiBank, 3)
	g.store(0xa0010, 4, 0xcafe)
	hwtest.Want(t, "bank 3", g.load(lfb+0x30010, 4), 0xcafe)
	hwtest.Want(t, "window is memory", shows() == g.v.vram, true)
	dispi(g, dispiEnable, 0)
	g.v.Reset(hw.Hard)
	g.v.Start()
	hwtest.Want(t, "window is memory after reset", shows() == g.v.vram, false)
}

func TestState_picture(t *testing.T) {
	for i := range biosModes {
		m := &biosModes[i]
		a, b := newOurs(t, Config{MiB: 1}), newOurs(t, Config{MiB: 1})
		setPalette(a)
		setMode(a, m)
		crtc(a, crCursorStart, 0x20)
		a.fill(0xb8000, noise(0x2000, i))
		a.fill(0xa0000, noise(0x8000, i))
		want := a.shot(t)
		if err := snapshot.Load(b.v, snapshot.Save(a.v)); err != nil {
			t.Fatal(err)
		}
		b.v.Start()
		if got := b.shot(t); string(got.Pix) != string(want.Pix) {
			t.Errorf("%s: the picture after loading is another", m.name)
		}
	}
}

func TestRetrace(t *testing.T) {
	g := newOurs(t, Config{MiB: 1})
	setMode(g, modeNamed(t, "vga640x480x16"))
	var on, dark, edges int
	last := false
	const n = 100000 // ten microseconds each: a second
	for range n {
		s := g.in(portStatus, 1)
		if s&statusVRetrace != 0 {
			on++
			if !last {
				edges++
			}
			if s&statusNotDisplaying == 0 {
				t.Fatal("retrace while displaying")
			}
		}
		last = s&statusVRetrace != 0
		if s&statusNotDisplaying != 0 {
			dark++
		}
		g.Step(10 * clock.Microsecond)
	}
	if edges < 59 || edges > 61 {
		t.Errorf("%d frames a second", edges)
	}
	if on == 0 || on > n/10 || dark < n/5 || dark > n/3 {
		t.Errorf("of %d looks %d in retrace, %d not displaying", n, on, dark)
	}
}

// TestSuggest has the monitor become another, as far as it can.
func TestSuggest(t *testing.T) {
	g := newOurs(t, Config{MiB: 8})
	preferred := func() image.Point {
		d := func(i uint64) int { return int(g.load(regw+54+i, 1)) }
		return image.Pt(d(2)|d(4)<<4&0xf00, d(5)|d(7)<<4&0xf00)
	}
	for _, c := range []struct {
		w, h int
		ok   bool
	}{{1366, 768, true}, {1920, 1080, true}, {1920, 1200, false}, {4096, 200, false}, {100, 400, false}, {640, 100, false}, {640, 480, true}} {
		before := preferred()
		if ok := g.v.Suggest(c.w, c.h); ok != c.ok {
			t.Errorf("%dx%d: %v", c.w, c.h, ok)
		}
		want := before
		if c.ok {
			want = image.Pt(c.w, c.h)
		}
		hwtest.Want(t, "preferred mode", preferred(), want)
	}
}

func TestEDID(t *testing.T) {
	for _, c := range []struct{ w, h, khz10 int }{{0, 0, 7100}, {1920, 1080, 13850}, {1024, 768, 5600}, {4095, 4095, 0}, {1, 1, 0}} {
		g := newOurs(t, Config{MiB: 1, XRes: c.w, YRes: c.h})
		var e [256]byte
		sum := byte(0)
		for i := range e {
			e[i] = byte(g.load(regw+uint64(i), 1))
			if i < 128 {
				sum += e[i]
			}
		}
		hwtest.Want(t, "header and all sum", sum, 0)
		hwtest.Want(t, "header", g.load(regw, 4), uint64(0xffffff00))
		d := e[54:72]
		w, h := int(d[2])|int(d[4])<<4&0xf00, int(d[5])|int(d[7])<<4&0xf00
		clk := int(le.Uint16(d))
		if c.w == 0 {
			c.w, c.h = 1280, 800
		}
		if c.khz10 != 0 {
			hwtest.Want(t, "size", image.Pt(w, h), image.Pt(c.w, c.h))
			hwtest.Want(t, "pixel clock", clk, c.khz10)
		}
		if w < 320 || h < 200 || clk == 0 {
			t.Errorf("%d×%d at %d", w, h, clk)
		}
	}
}

func TestPCI(t *testing.T) {
	g := newOurs(t, Config{ROM: []byte{0x55, 0xaa, 1}})
	config := func(reg uint32) uint32 {
		g.out(0xcf8, 4, 0x80000000|slot<<11|reg)
		return g.in(0xcfc, 4)
	}
	hwtest.Want(t, "id", config(0), 0x11111234)
	hwtest.Want(t, "class, revision", config(8), 0x03000002)
	hwtest.Want(t, "subsystem", config(0x2c), 0x11001af4)
	hwtest.Want(t, "BAR 0", config(0x10), lfb|8)
	g.out(0xcfc, 4, 0xffffffff)
	hwtest.Want(t, "size of BAR 0", config(0x10), 0xff000008)
	g.out(0xcfc, 4, lfb)
	config(0x30)
	g.out(0xcfc, 4, 0xfeb00001)
	hwtest.Want(t, "ROM", g.load(0xfeb00000, 4), uint64(0x1aa55))
}

// TestDraw_anything draws whatever random registers make of random memory, while they change.
func TestDraw_anything(t *testing.T) {
	b := hwtest.New(t)
	v := onBench(t, b, Config{MiB: 1})
	s := display.NewScreen(v, display.Options{Rate: 1000})
	defer s.Close()
	g := &ours{b, v, s}
	place(g)
	setPalette(g)
	copy(v.mem, noise(len(v.mem), 1))
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		w := s.Watch()
		for {
			f, _, err := w.Next(ctx)
			if err != nil {
				return
			}
			f.Release()
		}
	})
	r := rand.New(rand.NewPCG(9, 9))
	for range 30 {
		setMode(g, &biosModes[r.IntN(len(biosModes))])
		for range 200 {
			nonsense(g, r.IntN(256), r.IntN(65536), r.IntN(1<<17))
		}
		g.shot(t).Release()
		b.Step(3 * clock.Millisecond)
	}
	cancel()
	wg.Wait()
}

// nonsense makes one access.
func nonsense(g guest, what, val, where int) {
	switch {
	case what < 60:
		crtc(g, uint8(what%0x19), uint8(val))
	case what < 80:
		attr(g, uint8(what%0x15), uint8(val))
	case what < 100:
		gfx(g, uint8(what%9), uint8(val))
	case what < 110:
		seq(g, uint8(what%5), uint8(val))
	case what < 130:
		dispi(g, uint16(what%10), uint16(val))
	case what < 134:
		dispi(g, dispiEnable, uint16(val)&0xe1)
	case what < 138:
		dispi(g, dispiBPP, uint16(val)%40)
	case what < 150:
		g.store(regw+uint64(where)%mmioSize, 1<<(what%3), uint64(val))
	case what < 160:
		g.out(0x3c0+uint16(what%16), 1, uint32(val))
	case what < 200:
		g.load(0xa0000+uint64(where), 1<<(what%4))
	default:
		g.store(0xa0000+uint64(where), 1<<(what%4), uint64(val)*0x10001)
	}
}

func FuzzDraw(f *testing.F) {
	f.Add([]byte{0, 3, 77, 200, 1, 2, 120, 9, 9})
	f.Add(noise(400, 1))
	f.Add(noise(1200, 2))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<12 {
			return
		}
		g := newOurs(t, Config{MiB: 1})
		for ; len(data) >= 6; data = data[6:] {
			if data[0] == 255 {
				setMode(g, &biosModes[int(data[1])%len(biosModes)])
			}
			nonsense(g, int(data[0]), int(data[1])|int(data[2])<<8, int(data[3])|int(data[4])<<8|int(data[5])<<16&0x10000)
			if data[5] == 255 {
				g.shot(t).Release()
			}
		}
		g.shot(t).Release()
	})
}

func BenchmarkDraw(b *testing.B) {
	for _, c := range []struct {
		name string
		bpp  uint16
		all  bool
	}{{"1280x800x32 all", 32, true}, {"1280x800x32 one page", 32, false}, {"1280x800x16 all", 16, true}} {
		b.Run(c.name, func(b *testing.B) {
			bench := hwtest.New(b)
			v := onBench(b, bench, Config{})
			g := &ours{bench, v, nil}
			dispi(g, dispiXRes, 1280)
			dispi(g, dispiYRes, 800)
			dispi(g, dispiBPP, c.bpp)
			dispi(g, dispiEnable, 0x41)
			g.out(portAttr, 1, arIndexEnable)
			s := display.NewScreen(v, display.Options{Rate: 1e9, Poll: 1})
			defer s.Close()
			w := s.Watch()
			for b.Loop() {
				f, _, err := w.Next(context.Background())
				if err != nil {
					b.Fatal(err)
				}
				f.Release()
				if c.all {
					for i := 0; i < 1280*800*int(c.bpp)/8; i += 4096 {
						v.mem[i]++
					}
					v.vram.Wrote(0, 1280*800*uint64(c.bpp)/8)
				} else {
					v.mem[5000]++
					v.vram.Wrote(5000, 1)
				}
			}
		})
	}
}
