package enc

import (
	"bytes"
	"image"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"testing"

	"govm-desktop/display"
)

func TestSplit_coversAll(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		x, y := rnd.IntN(5000), rnd.IntN(5000)
		r := image.Rect(x, y, x+1+rnd.IntN(6000), y+1+rnd.IntN(6000))
		var g display.Region
		area := 0
		for _, p := range Split(nil, Raw{}, r) {
			if p.Empty() || !p.In(r) || p.Dx() > MaxWidth || p.Dy() > MaxHeight || p.Dx()*p.Dy() > maxArea {
				t.Fatalf("piece %v of %v", p, r)
			}
			area += p.Dx() * p.Dy()
			g.Add(p)
		}
		if area != r.Dx()*r.Dy() || !g.Contains(r) {
			t.Fatalf("%v: %d pixels of %d", r, area, r.Dx()*r.Dy())
		}
	}
}

func picture(w, h int, colour func(x, y int) uint32) *display.Frame {
	f := display.NewFrame(w, h)
	for y := range h {
		row := f.Row(y, 0, w)
		for x := range w {
			c := colour(x, y)
			row[4*x], row[4*x+1], row[4*x+2], row[4*x+3] = byte(c), byte(c>>8), byte(c>>16), byte(x)
		}
	}
	return f
}

// TestZRLE_chooses looks at the sub-encoding and the length of single tiles, in native format.
func TestZRLE_chooses(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	few := func(n int) func(x, y int) uint32 {
		return func(x, y int) uint32 { return uint32(rnd.IntN(n)) }
	}
	for _, c := range []struct {
		name    string
		w, h    int
		colour  func(x, y int) uint32
		kind    byte
		length  int
		lengths bool // the length is certain
	}{
		{"solid", 64, 64, func(x, y int) uint32 { return 0xabcdef }, 1, 1 + 3, true},
		{"one pixel", 1, 1, func(x, y int) uint32 { return 5 }, 1, 1 + 3, true},
		{"two colours", 64, 64, few(2), 2, 1 + 2*3 + 64*8, true},
		{"two colours, odd width", 13, 5, few(2), 2, 1 + 2*3 + 5*2, true},
		{"four colours", 64, 64, few(4), 4, 1 + 4*3 + 64*16, true},
		{"sixteen colours", 64, 64, few(16), 16, 1 + 16*3 + 64*32, true},
		{"two areas", 64, 64, func(x, y int) uint32 { return uint32(y / 32) }, 128, 1 + 2*(3+9), true},
		{"bands of two colours", 64, 64, func(x, y int) uint32 { return uint32(y / 8 % 2) }, 128 + 2, 1 + 2*3 + 8*(1+3), true},
		{"stripes", 64, 64, func(x, y int) uint32 { return uint32(y%32) * 0x10101 }, 128 + 32, 1 + 32*3 + 64*2, true},
		{"a hundred colours", 64, 64, few(100), 128 + 100, 0, false},
		{"a row of 64 each, all different", 64, 64, func(x, y int) uint32 { return uint32(y*2+x/32) * 0x3001 }, 128, 1 + 128*4, true},
		{"noise", 64, 64, func(x, y int) uint32 { return rnd.Uint32() }, 0, 1 + 64*64*3, true},
	} {
		f := picture(c.w, c.h, c.colour)
		z, p := NewZRLE(), NewPixels(Native())
		data := z.appendTile(nil, p, p.load(z.tile[:], f, f.Rect), c.w)
		if data[0] != c.kind || c.lengths && len(data) != c.length {
			t.Errorf("%s: sub-encoding %d of %d bytes, want %d of %d", c.name, data[0], len(data), c.kind, c.length)
		}
	}
}

func TestHextile_lengths(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		name   string
		colour func(x, y int) uint32
		length int
	}{
		{"solid", func(x, y int) uint32 { return 7 }, (1 + 4) + 3},
		// Each row of tiles: a plain one, and one of two halves. The second row knows both colours.
		{"two colours", func(x, y int) uint32 { return uint32(x / 24) }, (1 + 4) + (1 + 4 + 1 + 2) + 1 + (1 + 1 + 2)},
		{"noise", func(x, y int) uint32 { return rnd.Uint32() }, 4 * (1 + 1024)},
	} {
		f := picture(32, 32, c.colour)
		got := len(new(Hextile).Encode(nil, NewPixels(Native()), f, f.Rect))
		if got != c.length {
			t.Errorf("%s: %d bytes, want %d", c.name, got, c.length)
		}
	}
}

// TestEncoders_noAllocs: updates come 60 times a second.
func TestEncoders_noAllocs(t *testing.T) {
	f := picture(256, 256, func(x, y int) uint32 { return uint32(x*y) / 50 })
	for _, id := range []int32{RawID, HextileID, ZRLEID, ZYWRLEID, RREID, CoRREID, ZlibID, TightID, TRLEID} {
		e, p := New(id), NewPixels(Native())
		r := Split(nil, e, f.Rect)[0]
		b := e.Encode([]byte{}, p, f, r)
		b = make([]byte, 0, max(2*len(b), 8*r.Dx()*r.Dy()))
		if n := testing.AllocsPerRun(10, func() { e.Encode(b, p, f, r) }); n > 0 {
			t.Errorf("encoding %d allocates %v times", id, n)
		}
	}
}

func TestParseFormat(t *testing.T) {
	for _, f := range []Format{Native(), {BPP: 16, Depth: 12, BigEndian: true, TrueColour: true, Max: [3]uint16{1, 2, 3}, Shift: [3]uint8{15, 1, 0}}, {BPP: 8}} {
		if got, err := ParseFormat(f.Append(nil)); got != f || err != nil {
			t.Errorf("%+v: %+v, %v", f, got, err)
		}
	}
	for _, f := range []Format{{}, {BPP: 24}, {BPP: 8, TrueColour: true, Shift: [3]uint8{8, 0, 0}}, {BPP: 255}} {
		if _, err := ParseFormat(f.Append(nil)); err == nil {
			t.Errorf("%+v was taken", f)
		}
	}
}

func FuzzFormat(f *testing.F) {
	f.Add(Native().Append(nil), []byte("some pixels of a picture"))
	f.Fuzz(func(t *testing.T, b, pix []byte) {
		if len(b) < FormatLen || len(pix) < 4 {
			return
		}
		format, err := ParseFormat(b)
		if err != nil {
			return
		}
		p := NewPixels(format)
		w := min(len(pix)/4, 300)
		fr := &display.Frame{Pix: pix, Stride: 4 * w, Rect: image.Rect(0, 0, w, len(pix)/4/w)}
		for _, id := range []int32{RawID, HextileID, ZRLEID, ZYWRLEID, RREID, CoRREID, ZlibID, TightID, TightPNGID, TRLEID} {
			e := New(id)
			if t, ok := e.(Tunable); ok {
				t.Set(Tuning{Level: 3, Quality: 70, Halved: len(pix)%2 == 0, Waves: len(pix) % 4, Fast: len(pix)%3 == 0})
			}
			for _, r := range Split(nil, e, fr.Rect) {
				e.Encode(nil, p, fr, r)
			}
		}
	})
}

// TestJPEG has the standard library decode what the encoder makes, and states how far it is off.
func TestJPEG(t *testing.T) {
	smooth := func(x, y int) uint32 { return uint32(x*2&0xff)<<16 | uint32(y*2&0xff)<<8 | uint32((x+y)&0xff) }
	photo := func(x, y int) uint32 {
		v := 128 + 100*math.Sin(float64(x)/9)*math.Cos(float64(y)/7)
		return uint32(v)<<16 | uint32(255-v)<<8 | uint32(math.Abs(v-128))
	}
	for _, c := range []struct {
		quality int
		halved  bool
		size    image.Point
		colour  func(x, y int) uint32
		psnr    float64
	}{
		{100, false, image.Pt(128, 96), photo, 45}, {90, false, image.Pt(117, 93), photo, 35}, {90, true, image.Pt(117, 93), photo, 28},
		{50, true, image.Pt(64, 64), photo, 26}, {10, true, image.Pt(33, 17), photo, 18}, {79, false, image.Pt(100, 100), smooth, 33},
		{100, false, image.Pt(1, 1), smooth, 40}, {100, true, image.Pt(8, 9), photo, 20},
	} {
		f := picture(c.size.X, c.size.Y, c.colour)
		j := newJPEG(c.quality, c.halved)
		b := j.appendFile(nil, f, f.Rect)
		img, err := jpeg.Decode(bytes.NewReader(b))
		if err != nil || img.Bounds().Size() != c.size {
			t.Fatalf("%+v: %v", c.size, err)
		}
		if j.vectors = false; len(b) == 0 || math.Abs(float64(len(j.appendFile(nil, f, f.Rect)))/float64(len(b))-1) > 0.05 {
			t.Errorf("%+v: %d bytes with vectors, %d without", c.size, len(b), len(j.appendFile(nil, f, f.Rect)))
		}
		sum := 0.0
		for y := range c.size.Y {
			for x := range c.size.X {
				r, g, bl, _ := img.At(x, y).RGBA()
				v := c.colour(x, y)
				for i, u := range []uint32{r, g, bl} {
					d := float64(u>>8) - float64(v>>(16-8*i)&0xff)
					sum += d * d
				}
			}
		}
		if psnr := 10 * math.Log10(255*255*3*float64(c.size.X*c.size.Y)/max(sum, 1e-9)); psnr < c.psnr {
			t.Errorf("quality %d, halved %v, %v: %.1f dB, want %v", c.quality, c.halved, c.size, psnr, c.psnr)
		}
	}
}

// TestJPEG_vectors compares what the processor's vectors make with the plain way, which may round another way.
func TestJPEG_vectors(t *testing.T) {
	if !vectors() {
		return // there is nothing to compare
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	f := picture(8, 8, func(x, y int) uint32 { return rnd.Uint32() })
	j := newJPEG(95, false)
	for range 100 {
		for i := range f.Pix {
			f.Pix[i] = byte(rnd.Uint32())
		}
		var plain, fast [3]block
		loadBlock(&plain[0], &plain[1], &plain[2], func(v int) []byte { return f.Row(v, 0, 8) })
		loadAVX2(&fast[0], &fast[1], &fast[2], &f.Pix[0], f.Stride)
		for c := range 3 {
			for i, v := range fast[c] {
				if d := v - plain[c][i]; d < -0.01 || d > 0.01 {
					t.Fatalf("component %d, sample %d is %v, not %v", c, i, v, plain[c][i])
				}
			}
			var a, b [64]int16
			zb := quantiseAVX2(&b, &fast[c], &j.scale[min(c, 1)])
			quantiseBlock(&a, &plain[c], &j.scale[min(c, 1)])
			for i := range a {
				if d := int(a[i]) - int(b[i]); d < -1 || d > 1 || (zb>>i&1 != 0) != (b[i] == 0) {
					t.Fatalf("coefficient %d is %d, not %d, zeros %x", i, b[i], a[i], zb)
				}
			}
		}
	}
}

func BenchmarkJPEG(b *testing.B) {
	rnd := rand.New(rand.NewPCG(1, 2))
	f := picture(640, 360, func(x, y int) uint32 {
		v := 128 + 100*math.Sin(float64(x)/39)*math.Cos(float64(y)/27) + rnd.Float64()*9
		return uint32(v)<<16 | uint32(255-v)<<8 | uint32(math.Abs(v-128))
	})
	for name, halved := range map[string]bool{"whole": false, "halved": true} {
		b.Run(name, func(b *testing.B) {
			j := newJPEG(79, halved)
			var out []byte
			for b.Loop() {
				out = j.appendFile(out[:0], f, f.Rect)
			}
			b.ReportMetric(float64(len(out))/1000, "KB")
		})
	}
}

// undo turns coefficients back into pixels: the transform undoes itself.
func (z *zywrle) undo(coefs []uint32, w int) []uint32 {
	h := len(coefs) / w
	mask := 1<<z.level - 1
	aw, ah := w&^mask, h&^mask
	next := func() uint32 {
		v := coefs[0]
		coefs = coefs[1:]
		return v
	}
	place := func(l, part int) {
		for y := part >> 1 << l; y < ah; y += 2 << l {
			for x := part & 1 << l; x < aw; x += 2 << l {
				v := next()
				z.coefs[y*aw+x] = [3]int8{int8(v), int8(v >> 8), int8(v >> 16)}
			}
		}
	}
	for l := range z.level {
		for part := 3; part > 0; part-- {
			place(l, part)
		}
	}
	place(z.level-1, 0)
	for l := z.level - 1; l >= 0; l-- {
		for x := 0; x < aw; x += 1 << l {
			for y := 0; y < ah; y += 2 << l {
				haar(&z.coefs[y*aw+x], &z.coefs[(y+1<<l)*aw+x])
			}
		}
		for y := 0; y < ah; y += 1 << l {
			for x := 0; x < aw; x += 2 << l {
				haar(&z.coefs[y*aw+x], &z.coefs[y*aw+x+1<<l])
			}
		}
	}
	out := make([]uint32, w*h)
	for y := range ah {
		for x := range aw {
			c := z.coefs[y*aw+x]
			u, l, v := int(c[0])*2, int(c[1])+128, int(c[2])*2
			g := l - (u+v)>>2
			clamp := func(v int) uint32 { return uint32(max(0, min(v, 255))) }
			out[y*w+x] = clamp(v+g)<<16 | clamp(g)<<8 | clamp(u+g)
		}
	}
	for _, r := range []image.Rectangle{{image.Pt(aw, 0), image.Pt(w, ah)}, {image.Pt(0, ah), image.Pt(aw, h)}, {image.Pt(aw, ah), image.Pt(w, h)}} {
		for y := r.Min.Y; y < r.Max.Y; y++ {
			for x := r.Min.X; x < r.Max.X; x++ {
				out[y*w+x] = next()
			}
		}
	}
	return out
}

// TestZywrle states how far pictures are off after the transform and back, at each level, for tiles of all sizes.
func TestZywrle(t *testing.T) {
	smooth := func(x, y int) (r, g, b int) {
		return 128 + int(90*math.Sin(float64(x)/9)), 128 + int(90*math.Cos(float64(y)/11)), 40 + 2*y
	}
	for quality, least := range map[int]float64{0: 19, 3: 22, 6: 24} {
		for _, size := range []image.Point{{64, 64}, {63, 61}, {64, 9}, {8, 8}, {17, 64}} {
			z := newZywrle()
			z.level = Waves(quality)
			tile := make([]uint32, size.X*size.Y)
			for i := range tile {
				r, g, b := smooth(i%size.X, i/size.X)
				tile[i] = uint32(r)<<16 | uint32(g)<<8 | uint32(b)
			}
			coefs := append([]uint32(nil), tile...)
			z.analyse(coefs, size.X)
			sum := 0.0
			for i, v := range z.undo(coefs, size.X) {
				for s := 0; s < 24; s += 8 {
					d := float64(v>>s&255) - float64(tile[i]>>s&255)
					sum += d * d
				}
			}
			if psnr := 10 * math.Log10(255*255*3*float64(len(tile))/max(sum, 1)); psnr < least {
				t.Errorf("quality %d, %v: %.1f dB", quality, size, psnr)
			}
		}
	}
}

func TestZywrle_haarUndoesItself(t *testing.T) {
	for x := -127; x <= 127; x++ {
		for y := -127; y <= 127; y++ {
			a, b := [3]int8{int8(x)}, [3]int8{int8(y)}
			haar(&a, &b)
			haar(&a, &b)
			if int(a[0]) != x || int(b[0]) != y {
				t.Fatalf("%d, %d becomes %d, %d", x, y, a[0], b[0])
			}
		}
	}
}

// TestShared_history states what a history is worth: blocks without one are shared only where it is worth next to nothing.
func TestShared_history(t *testing.T) {
	for name, c := range map[string]struct {
		colour func(n, x, y int) uint32
		shared bool
	}{
		"text":  {func(n, x, y int) uint32 { return uint32((x*7+(y+n)*13)%5) / 4 * 0xffffff }, false},
		"noise": {func(n, x, y int) uint32 { return uint32(x*7919+y*104729+n*1299709) * 2654435761 >> 8 }, true},
	} {
		var s Shared
		s.SetUsers(2)
		one, two := NewZRLE(), NewZRLE()
		p := NewPixels(Native())
		with, without := 0, 0
		for n := range 4 {
			f := picture(128, 128, func(x, y int) uint32 { return c.colour(n, x, y) })
			with += len(one.Encode(nil, p, f, f.Rect))
			data, raw := two.appendTiles(nil, p, f, f.Rect)
			if photo := 4*raw > 3*len(data); photo != c.shared {
				t.Errorf("%s: a block of its own: %v", name, photo)
			}
			without += len(s.block(data))
		}
		t.Logf("%s: %d bytes with a history, %d without", name, with, without)
		if c.shared && without > with+with/50 {
			t.Errorf("%s: %d bytes without a history, %d with", name, without, with)
		}
	}
}
