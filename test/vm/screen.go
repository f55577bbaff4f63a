package vm

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"time"
)

// Screenshot is the guest's screen as the machine itself writes it to a file.
func (m *Machine) Screenshot() (*image.RGBA, error) {
	name := m.path("screen.png")
	if _, err := m.Execute("screendump", map[string]any{"filename": name, "format": "png"}); err != nil {
		return nil, err
	}
	return ReadPNG(name)
}

// ReadPNG reads a picture.
func ReadPNG(name string) (*image.RGBA, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	p, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	out := image.NewRGBA(image.Rect(0, 0, p.Bounds().Dx(), p.Bounds().Dy()))
	draw.Draw(out, out.Rect, p, p.Bounds().Min, draw.Src)
	return out, nil
}

// WritePNG writes a picture.
func WritePNG(name string, p image.Image) error {
	var b bytes.Buffer
	if err := png.Encode(&b, p); err != nil {
		return err
	}
	return os.WriteFile(name, b.Bytes(), 0o644)
}

// pollEvery is the pause between two looks at a screen.
const pollEvery = 150 * time.Millisecond

// WaitScreen looks at the screen until it is as wanted, and returns that picture.
func (m *Machine) WaitScreen(limit time.Duration, ok func(*image.RGBA) bool) (*image.RGBA, error) {
	for deadline := time.Now().Add(limit); ; time.Sleep(pollEvery) {
		p, err := m.Screenshot()
		if err != nil {
			return nil, err
		}
		if ok(p) {
			return p, nil
		}
		if time.Now().After(deadline) {
			return p, fmt.Errorf("%s: the screen was not as wanted within %v", m.Kind, limit)
		}
	}
}

// cursorCell is the size up to which a change is a text cursor that blinks.
var cursorCell = image.Pt(9, 16)

// small reports whether a change may be a cursor's.
func small(r image.Rectangle) bool { return r.Dx() <= cursorCell.X && r.Dy() <= cursorCell.Y }

// Settle waits until nothing but a text cursor has moved on the screen for the time quiet. It returns the picture and the cell of the
// cursor, which is empty if none blinks.
func (m *Machine) Settle(quiet, limit time.Duration, ok func(*image.RGBA) bool) (*image.RGBA, image.Rectangle, error) {
	var first *image.RGBA
	var cursor image.Rectangle
	var since time.Time
	p, err := m.WaitScreen(limit, func(p *image.RGBA) bool {
		diff := image.Rectangle{}
		if first != nil {
			diff = cell(Diff(first, p))
		}
		if first == nil || !small(cursor.Union(diff)) {
			first, cursor, since = p, image.Rectangle{}, time.Now()
			return false
		}
		cursor = cursor.Union(diff)
		return time.Since(since) >= quiet && (ok == nil || ok(p))
	})
	return p, cursor, err
}

// cell grows a small rectangle on a text screen to the character cell around it.
func cell(r image.Rectangle) image.Rectangle {
	if r.Empty() || !small(r) {
		return r
	}
	x, y := r.Min.X/cursorCell.X*cursorCell.X, r.Min.Y/cursorCell.Y*cursorCell.Y
	if c := (image.Rectangle{image.Pt(x, y), image.Pt(x, y).Add(cursorCell)}); r.In(c) {
		return c
	}
	return r
}

// Diff is the smallest rectangle with all pixels that differ outside the masks. Pictures of different sizes differ everywhere.
func Diff(a, b *image.RGBA, masks ...image.Rectangle) image.Rectangle {
	if a.Rect != b.Rect {
		return a.Rect.Union(b.Rect)
	}
	if len(masks) == 0 && bytes.Equal(a.Pix, b.Pix) {
		return image.Rectangle{}
	}
	var out image.Rectangle
	for y := a.Rect.Min.Y; y < a.Rect.Max.Y; y++ {
		ra, rb := a.Pix[y*a.Stride:(y+1)*a.Stride], b.Pix[y*b.Stride:(y+1)*b.Stride]
		if bytes.Equal(ra, rb) {
			continue
		}
		for x := range a.Rect.Dx() {
			if [4]byte(ra[4*x:]) != [4]byte(rb[4*x:]) && !inside(image.Pt(x, y), masks) {
				out = out.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	return out
}

func inside(p image.Point, masks []image.Rectangle) bool {
	for _, m := range masks {
		if p.In(m) {
			return true
		}
	}
	return false
}

// Differ writes both pictures and their difference to a new folder and returns an error that says where.
func Differ(what string, got, want *image.RGBA, masks ...image.Rectangle) error {
	r := Diff(got, want, masks...)
	if r.Empty() {
		return nil
	}
	dir, err := os.MkdirTemp("", "govm-screens")
	if err != nil {
		return err
	}
	diff := image.NewRGBA(got.Rect.Union(want.Rect))
	count := 0
	for y := range diff.Rect.Dy() {
		for x := range diff.Rect.Dx() {
			g, w := got.RGBAAt(x, y), want.RGBAAt(x, y)
			switch {
			case inside(image.Pt(x, y), masks):
				diff.SetRGBA(x, y, color.RGBA{0, 0, 128, 255})
			case g != w || !image.Pt(x, y).In(got.Rect) || !image.Pt(x, y).In(want.Rect):
				count++
				diff.SetRGBA(x, y, color.RGBA{255, 0, 0, 255})
			default:
				diff.SetRGBA(x, y, color.RGBA{w.R / 3, w.G / 3, w.B / 3, 255})
			}
		}
	}
	for name, p := range map[string]image.Image{"got.png": got, "want.png": want, "diff.png": diff} {
		err = errors.Join(err, WritePNG(filepath.Join(dir, name), p))
	}
	return errors.Join(fmt.Errorf("%s: %d pixels differ, all in %v (sizes %v, %v); see %s", what, count, r, got.Rect.Max, want.Rect.Max, dir), err)
}

// patience is how long a screen that is not the one wanted may stand still: then nothing more is to be expected of it.
const patience = 40 * time.Second

// WaitPicture waits until the screen equals a picture but for the masks. It gives up early on a screen on which nothing moves but a cursor.
func (m *Machine) WaitPicture(what string, want *image.RGBA, limit time.Duration, masks ...image.Rectangle) error {
	var last *image.RGBA
	var moved time.Time
	_, err := m.WaitScreen(limit, func(p *image.RGBA) bool {
		if last == nil || !small(Diff(p, last, masks...)) {
			moved = time.Now()
		}
		last = p
		return Diff(p, want, masks...).Empty() || time.Since(moved) > patience
	})
	if err != nil && last == nil {
		return err
	}
	return Differ(m.Kind.String()+": "+what, last, want, masks...)
}

// Plain reports whether the picture has one colour only.
func Plain(p *image.RGBA) bool {
	for i := 4; i < len(p.Pix); i += 4 {
		if [4]byte(p.Pix[i:]) != [4]byte(p.Pix) {
			return false
		}
	}
	return true
}
