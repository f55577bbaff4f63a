package main

import (
	"encoding/binary"
	"image"
	"image/color"
	"image/draw"
	"math"
	"math/rand/v2"

	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"
)

// film is what is shown: parts made of pictures, pictures made of operations, and the images that those take pixels from.
type film struct {
	w, h   int
	images []*image.RGBA
	parts  []part
}

// part repeats its pictures, one every so many ticks of a sixtieth of a second.
type part struct {
	every    int
	prologue []op
	pictures [][]op // one without operations is none: nothing is painted, nor counted
}

// op paints the rectangle to: a piece of an image, a piece of the screen, or a colour.
type op struct {
	kind  opKind
	to    image.Rectangle
	image int
	from  image.Point
	rgb   uint32
}

type opKind uint32

const (
	blit opKind = 1 + iota
	move
	fill
)

// Parts of the film.
const (
	partStatic = iota
	partWindow
	partScroll
	partVideo
	partIdle
)

// Where things are. The stamp is above all of it.
const (
	screenW, screenH = 1024, 768
	top              = 32
	lineH            = 16
	lines            = (screenH - top) / lineH
	allLines         = 2 * lines
	videoFrames      = 24
)

var (
	videoAt  = image.Rect(192, 200, 192+640, 200+360)
	windowAt = image.Rect(0, 0, 320, 240)
	idleBox  = image.Rect(400, 300, 464, 316)
)

// stampBits are the squares of the stamp: the picture's number, and how many keys were pressed.
const (
	numberBits = 16
	stampBits  = 24
	square     = 8
)

// newFilm paints everything.
func newFilm() *film {
	f := &film{w: screenW, h: screenH}
	desk := f.add(desktop(screenW, screenH))
	whole := []op{{kind: blit, to: image.Rect(0, 0, screenW, screenH), image: desk}}
	f.parts = []part{
		{every: 60, prologue: whole},
		f.window(desk, whole),
		f.scroll(whole),
		f.video(whole),
		idle(whole),
	}
	return f
}

// newLarge is a film of any size: its static part, and one that is as busy as the window's.
func newLarge(w, h int) *film {
	still := part{every: 60, prologue: []op{
		{kind: fill, to: image.Rect(0, 0, w, h), rgb: 0x204060},
		{kind: fill, to: image.Rect(w-100, h-100, w-10, h-10), rgb: 0xffcc00},
	}}
	box := image.Rect(w-200, h-200, w-150, h-150)
	busy := part{every: 1, prologue: still.prologue, pictures: [][]op{{{kind: fill, to: box, rgb: 0xff}}, {{kind: fill, to: box, rgb: 0xff00}}}}
	return &film{w: w, h: h, parts: []part{still, busy}}
}

func (f *film) add(m *image.RGBA) int {
	f.images = append(f.images, m)
	return len(f.images) - 1
}

// window moves a window about, 60 times a second.
func (f *film) window(desk int, whole []op) part {
	win := image.NewRGBA(windowAt)
	draw.Draw(win, win.Rect, image.NewUniform(color.RGBA{250, 250, 245, 255}), image.Point{}, draw.Src)
	draw.Draw(win, image.Rect(0, 0, 320, 20), image.NewUniform(color.RGBA{40, 60, 110, 255}), image.Point{}, draw.Src)
	for y := 36; y < 236; y += 14 {
		write(win, 6, y, sentence(rand.New(rand.NewPCG(9, uint64(y))), 43), color.RGBA{20, 20, 20, 255})
	}
	n := f.add(win)
	const steps = 240
	at := func(i int) image.Rectangle {
		a := 2 * math.Pi * float64(i%steps) / steps
		return windowAt.Add(image.Pt(352+int(320*math.Sin(a)), 270+int(190*math.Cos(2*a))))
	}
	p := part{every: 1, prologue: append(whole[:1:1], op{kind: blit, to: at(0), image: n})}
	for i := 1; i <= steps; i++ {
		was, is := at(i-1), at(i)
		ops := []op{{kind: blit, to: is, image: n}}
		for _, r := range beside(was, is) {
			ops = append(ops, op{kind: blit, to: r, image: desk, from: r.Min})
		}
		p.pictures = append(p.pictures, ops)
	}
	return p
}

// beside is what of a lies outside b, if they have the same size.
func beside(a, b image.Rectangle) (out []image.Rectangle) {
	o := a.Intersect(b)
	if o.Empty() {
		return []image.Rectangle{a}
	}
	for _, r := range []image.Rectangle{
		{a.Min, image.Pt(a.Max.X, o.Min.Y)}, {image.Pt(a.Min.X, o.Max.Y), a.Max},
		{image.Pt(a.Min.X, o.Min.Y), image.Pt(o.Min.X, o.Max.Y)}, {image.Pt(o.Max.X, o.Min.Y), image.Pt(a.Max.X, o.Max.Y)},
	} {
		if !r.Empty() {
			out = append(out, r)
		}
	}
	return out
}

// scroll writes lines at the bottom, 30 a second.
func (f *film) scroll(whole []op) part {
	text := image.NewRGBA(image.Rect(0, 0, screenW, allLines*lineH))
	draw.Draw(text, text.Rect, image.NewUniform(color.RGBA{16, 16, 24, 255}), image.Point{}, draw.Src)
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range allLines {
		c := color.RGBA{210, 215, 220, 255}
		if i%7 == 3 {
			c = color.RGBA{120, 220, 120, 255}
		}
		write(text, 4, i*lineH+12, sentence(rnd, 30+rnd.IntN(100)), c)
	}
	n := f.add(text)
	area := image.Rect(0, top, screenW, top+lines*lineH)
	p := part{every: 2, prologue: append(whole[:1:1], op{kind: blit, to: area, image: n})}
	last := image.Rect(0, area.Max.Y-lineH, screenW, area.Max.Y)
	for i := range allLines {
		p.pictures = append(p.pictures, []op{
			{kind: move, to: image.Rect(0, top, screenW, last.Min.Y), from: image.Pt(0, top+lineH)},
			{kind: blit, to: last, image: n, from: image.Pt(0, (lines+i)%allLines*lineH)},
		})
	}
	return p
}

// video shows a film of plasma with grain, 30 pictures a second.
func (f *film) video(whole []op) part {
	p := part{every: 2, prologue: whole}
	for i := range videoFrames {
		n := f.add(plasma(videoAt.Dx(), videoAt.Dy(), i))
		p.pictures = append(p.pictures, []op{{kind: blit, to: videoAt, image: n}})
	}
	return p
}

func plasma(w, h, n int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	rnd := rand.New(rand.NewPCG(5, uint64(n)))
	t := 2 * math.Pi * float64(n) / videoFrames
	for y := range h {
		for x := range w {
			fx, fy := float64(x), float64(y)
			v := math.Sin(fx/37+t) + math.Sin(fy/29-t) + math.Sin((fx+fy)/53+t)
			g := float64(rnd.IntN(9)) - 4
			set(m, x, y, 128+40*v+g, 128+40*math.Sin(v*2+t)+g, 128-40*v+30*math.Cos(fy/41)+g)
		}
	}
	return m
}

func set(m *image.RGBA, x, y int, c ...float64) {
	p := m.Pix[m.PixOffset(x, y):]
	for i, v := range c {
		p[i] = uint8(max(0, min(v, 255)))
	}
	p[3] = 255
}

// idle changes a small thing after one to four seconds.
func idle(whole []op) part {
	p := part{every: 1, prologue: whole}
	for i, ticks := range []int{60, 75, 97, 240, 120, 171} {
		for range ticks - 1 {
			p.pictures = append(p.pictures, nil)
		}
		p.pictures = append(p.pictures, []op{{kind: fill, to: idleBox, rgb: uint32(i+1) * 0x213141}})
	}
	return p
}

// desktop has what desktops have: a smooth background, a photo, icons and text.
func desktop(w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			set(m, x, y, 40, 70+float64(y)*60/float64(h), 110+float64(y)*50/float64(h))
		}
	}
	draw.Draw(m, image.Rect(0, 0, w, top), image.NewUniform(color.RGBA{46, 52, 64, 255}), image.Point{}, draw.Src)
	draw.Draw(m, image.Rect(680, 460, 980, 660), plasma(300, 200, 3), image.Point{}, draw.Src)
	rnd := rand.New(rand.NewPCG(7, 7))
	for i := range 12 {
		at := image.Pt(20, top+20+58*i)
		draw.Draw(m, image.Rectangle{at, at.Add(image.Pt(32, 32))}, plasma(32, 32, i), image.Point{}, draw.Src)
		write(m, at.X-4, at.Y+46, sentence(rnd, 8), color.RGBA{240, 240, 240, 255})
	}
	return m
}

func write(m draw.Image, x, y int, s string, c color.Color) {
	d := font.Drawer{Dst: m, Src: image.NewUniform(c), Face: basicfont.Face7x13, Dot: fixed.P(x, y)}
	d.DrawString(s)
}

func sentence(rnd *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		if b[i] = byte('a' + rnd.IntN(26)); rnd.IntN(6) == 0 {
			b[i] = ' '
		}
	}
	return string(b)
}

// module is the film as the guest's player takes it: 32-bit words, all offsets from the start. 16 bytes of which the second and third word
// are the screen's width and height; for each part four words: ticks a picture, pictures, offset of a table of their offsets, offset of
// the prologue. Operations are eight words: kind, x, y, width, height; image's offset and bytes a row, or x and y on the screen, or the
// colour. The kind 0 ends a picture.
func (f *film) module() []byte {
	b := make([]byte, 16+16*len(f.parts))
	le := binary.LittleEndian
	le.PutUint32(b[4:], uint32(f.w))
	le.PutUint32(b[8:], uint32(f.h))
	images := make([]uint32, len(f.images))
	for i, m := range f.images {
		images[i] = uint32(len(b))
		for p := m.Pix; len(p) > 0; p = p[4:] {
			b = append(b, p[2], p[1], p[0], 0)
		}
	}
	ops := func(list []op) uint32 {
		at := uint32(len(b))
		for _, o := range list {
			words := []uint32{uint32(o.kind), uint32(o.to.Min.X), uint32(o.to.Min.Y), uint32(o.to.Dx()), uint32(o.to.Dy()), o.rgb, 0, 0}
			switch o.kind {
			case blit:
				stride := 4 * f.images[o.image].Rect.Dx()
				words[5], words[6] = images[o.image]+uint32(o.from.Y*stride+4*o.from.X), uint32(stride)
			case move:
				words[5], words[6] = uint32(o.from.X), uint32(o.from.Y)
			}
			for _, w := range words {
				b = le.AppendUint32(b, w)
			}
		}
		b = append(b, make([]byte, 32)...)
		return at
	}
	for i, p := range f.parts {
		var table []uint32
		for _, pic := range p.pictures {
			table = append(table, ops(pic))
		}
		prologue, at := ops(p.prologue), uint32(len(b))
		for _, o := range table {
			b = le.AppendUint32(b, o)
		}
		for j, v := range []uint32{uint32(p.every), uint32(len(table)), at, prologue} {
			le.PutUint32(b[16+16*i+4*j:], v)
		}
	}
	return b
}
