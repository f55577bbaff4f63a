package vga

import (
	"bytes"
	"flag"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/image/font/basicfont"
	"govm-desktop/display"
)

var update = flag.Bool("update", false, "write the pictures in testdata anew")

// readable is a font for people: letters from x/image, and a few of IBM's line characters.
func readable(ch, row int) uint8 {
	switch {
	case ch >= 0xb0 && ch <= 0xb2: // shades
		return []uint8{0x22, 0x55, 0xdd}[ch-0xb0] >> (row & 1)
	case ch == 0xc4 && row == 7: // ─
		return 0xff
	case ch == 0xb3: // │
		return 0x18
	case ch == 0xdb: // █
		return 0xff
	case ch <= 0x20 || ch >= 0x7f || row < 1 || row > 13:
		return 0
	}
	f := basicfont.Face7x13
	mask := f.Mask.(*image.Alpha)
	var bits uint8
	for x := range f.Width {
		if mask.AlphaAt(x, (ch-0x20)*(f.Ascent+f.Descent)+row-1).A != 0 {
			bits |= 0x80 >> x
		}
	}
	return bits
}

func stdPalette(g guest) {
	g.out(0x3c8, 1, 0)
	for i := range 256 {
		rgb := [3]int{i * 63 / 255, i * i / 255 * 63 / 255, 63 - i*63/255}
		if i < 64 { // EGA: rgbRGB
			for c := range 3 {
				rgb[c] = i>>(2-c)&1*42 + i>>(5-c)&1*21
			}
		}
		for _, c := range rgb {
			g.out(0x3c9, 1, uint32(c))
		}
	}
}

func textPage(g guest, m *biosMode) {
	loadFont(g, 0, readable)
	cols := int(m.crtc[crHDispEnd]) + 1
	put := func(x, y int, attr uint8, s string) {
		for i := range len(s) {
			g.store(0xb8000+uint64(2*(y*cols+x+i)), 2, uint64(s[i])|uint64(attr)<<8)
		}
	}
	for i := range 50 * cols {
		g.store(0xb8000+uint64(2*i), 2, 0x0720)
	}
	put(1, 1, 0x1f, " "+m.name+" ")
	put(1, 3, 0x07, "\xc4\xc4\xc4 \xb3 \xb0\xb0\xb1\xb1\xb2\xb2\xdb\xdb")
	for a := range 256 {
		put(2+a%16*2, 5+a/16, uint8(a), fmt.Sprintf("%x", a%16))
	}
	crtc(g, crCursorLow, uint8(22*cols+3))
}

// pattern draws something that shows where the corners and the colours are.
func pattern(x, y, w, h, colours int) int {
	switch {
	case x == 0 || y == 0 || x == w-1 || y == h-1:
		return colours - 1
	case (x-w/2)*(x-w/2)+(y-h/2)*(y-h/2) < h*h/9:
		return 0
	}
	return (x*8/w + y*8/h*8) * colours / 64
}

// plot writes the pattern through the planes or bytes of a mode.
func plot(g guest, m *biosMode) {
	w, h := m.size.X/2, m.size.Y/2
	switch {
	case m.gfx[grMode]&0x40 != 0: // 256 colours
		for y := range h {
			line := make([]byte, w)
			for x := range line {
				line[x] = uint8(pattern(x, y, w, h, 256))
			}
			if m.seq[srMemMode]&sr4Chain4 != 0 {
				g.fill(0xa0000+uint64(y*w), line)
				continue
			}
			for x, c := range line {
				seq(g, srMapMask, 1<<(x&3))
				g.store(0xa0000+uint64(y*w/4+x/4), 1, uint64(c))
			}
		}
	case m.gfx[grMode]&0x20 != 0: // CGA, four colours
		for y := range h {
			for x := 0; x < w; x += 4 {
				b := 0
				for i := range 4 {
					b = b<<2 | pattern(x+i, y, w, h, 4)
				}
				g.store(0xb8000+uint64(y&1*0x2000+y/2*80+x/4), 1, uint64(b))
			}
		}
	case m.gfx[grMisc]>>2&3 == 3: // CGA, two colours
		for y := range h {
			for x := 0; x < 2*w; x += 8 {
				b := 0
				for i := range 8 {
					b = b<<1 | pattern(x+i, y, 2*w, h, 2)
				}
				g.store(0xb8000+uint64(y&1*0x2000+y/2*80+x/8), 1, uint64(b))
			}
		}
	default:
		if m.seq[srClocking]&sr1HalfClock == 0 {
			w, h = 2*w, 2*h
		}
		gfx(g, grMode, 2) // write mode 2: a colour to the pixels of the bit mask
		for y := range h {
			for x := range w {
				gfx(g, grBitMask, 0x80>>(x&7))
				a := 0xa0000 + uint64(y*w/8+x/8)
				g.load(a, 1)
				g.store(a, 1, uint64(pattern(x, y, w, h, 16)))
			}
		}
	}
}

func TestGolden(t *testing.T) {
	for i := range biosModes {
		m := &biosModes[i]
		t.Run(m.name, func(t *testing.T) {
			g := newOurs(t, Config{MiB: 1})
			stdPalette(g)
			setMode(g, m)
			if m.gfx[grMisc]&gr6Graphics == 0 {
				textPage(g, m)
			} else {
				plot(g, m)
			}
			f := g.shot(t)
			if f.Rect.Max != m.size {
				t.Errorf("the picture is %v, want %v", f.Rect.Max, m.size)
			}
			golden(t, m.name, f)
		})
	}
	t.Run("mono", func(t *testing.T) {
		g := newOurs(t, Config{MiB: 1})
		stdPalette(g)
		m := *modeNamed(t, "text80x25")
		m.attr = [21]uint8{0, 8, 8, 8, 8, 8, 8, 8, 0x10, 0x18, 0x18, 0x18, 0x18, 0x18, 0x18, 0x18, 0x0e, 0, 15, 8, 0}
		m.crtc[crUnderline] = 0x0d
		setMode(g, &m)
		textPage(g, &m)
		golden(t, "mono", g.shot(t))
	})
	t.Run("split", func(t *testing.T) {
		g := newOurs(t, Config{MiB: 1})
		stdPalette(g)
		m := *modeNamed(t, "text80x25")
		m.crtc[crOverflow] &^= 0x10
		m.crtc[crMaxScan] &^= 0x40
		m.crtc[crLineCompare] = 203
		m.crtc[crStartLow] = 160
		m.crtc[crPresetRow] = 5
		setMode(g, &m)
		textPage(g, &m)
		golden(t, "split", g.shot(t))
	})
	for _, bpp := range []uint16{4, 8, 15, 16, 24, 32} {
		name := fmt.Sprintf("vbe320x240x%d", bpp)
		t.Run(name, func(t *testing.T) {
			g := newOurs(t, Config{MiB: 1})
			stdPalette(g)
			setMode(g, modeNamed(t, "vga640x480x16"))
			dispi(g, dispiXRes, 320)
			dispi(g, dispiYRes, 240)
			dispi(g, dispiBPP, bpp)
			dispi(g, dispiEnable, 0x41)
			plotLinear(g, int(bpp))
			golden(t, name, g.shot(t))
		})
	}
}

func plotLinear(g guest, bpp int) {
	for y := range 240 {
		for x := range 320 {
			c := uint64(pattern(x, y, 320, 240, 256))
			at := lfb + uint64((y*320+x)*((bpp+7)/8))
			switch bpp {
			case 4:
				at = lfb + uint64(y*160+x/8*4)
				for p := range uint64(4) {
					bit := uint64(0x80) >> (x & 7)
					g.store(at+p, 1, g.load(at+p, 1)&^bit|bit*(c>>(4+p)&1))
				}
			case 8:
				g.store(at, 1, c)
			case 15:
				g.store(at, 2, c>>3<<10|uint64(x)>>4<<5|31-c>>3)
			case 16:
				g.store(at, 2, c>>3<<11|uint64(x)>>3<<5|31-c>>3)
			case 24:
				g.store(at, 1, 255-c)
				g.store(at+1, 1, uint64(x)>>1)
				g.store(at+2, 1, c)
			default:
				g.store(at, 4, c<<16|uint64(x)>>1<<8|255-c|0xaa000000)
			}
		}
	}
}

// golden compares a picture with the one in testdata.
func golden(t *testing.T, name string, f *display.Frame) {
	t.Helper()
	path := filepath.Join("testdata", name+".png")
	if *update {
		var out bytes.Buffer
		if err := png.Encode(&out, f); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	in, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	img, err := png.Decode(in)
	if err != nil {
		t.Fatal(err)
	}
	got, want := image.NewRGBA(f.Rect), image.NewRGBA(img.Bounds())
	draw.Draw(got, got.Rect, f, image.Point{}, draw.Src)
	draw.Draw(want, want.Rect, img, image.Point{}, draw.Src)
	if got.Rect != want.Rect || !bytes.Equal(got.Pix, want.Pix) {
		t.Errorf("%s is not as in %s (-update writes it anew)", name, path)
	}
}
