package window

import (
	"image"

	"govm-desktop/display"
)

// Painter brings a window's surface up to date: what the guest changed, the black around the picture, and the guest's hardware cursor where the host
// does not show it.
type Painter struct {
	scale  scaler
	g      Geometry
	whole  bool // the next time everything is painted
	shadow *display.Frame
	cursor image.Rectangle // where it was painted, in dots
}

// Redraw has everything painted the next time: the surface has lost what it had.
func (p *Painter) Redraw() { p.whole = true }

// Paint paints what has changed and returns where, in pixels. A cursor that is not nil is painted too.
func (p *Painter) Paint(dst *Surface, g Geometry, f *display.Frame, damage display.Region, cursor *display.Cursor) []image.Rectangle {
	if g != p.g {
		p.g, p.whole = g, true
	}
	all := image.Rectangle{Max: g.Guest}
	if p.whole {
		damage = display.Region{all}
	}
	f, damage = p.withCursor(f, damage, cursor)
	var out []image.Rectangle
	if p.whole {
		p.whole = false
		p.border(dst)
		p.scale.paint(dst, f, g, g.Picture())
		return append(out, image.Rectangle{Max: dst.Size})
	}
	for _, r := range damage {
		if r = g.Cover(r.Intersect(all)); !r.Empty() {
			p.scale.paint(dst, f, g, r)
			out = append(out, r)
		}
	}
	return out
}

// border blackens what is beside the picture.
func (p *Painter) border(dst *Surface) {
	around := display.Region{image.Rectangle{Max: dst.Size}}.Subtract(display.Region{p.g.Picture()})
	for _, r := range around {
		for y := r.Min.Y; y < r.Max.Y; y++ {
			clear(dst.Pix[y*dst.Stride+4*r.Min.X : y*dst.Stride+4*r.Max.X])
		}
	}
}

// withCursor returns the picture with the cursor in it, and the damage with those of the cursor's coming and going.
func (p *Painter) withCursor(f *display.Frame, damage display.Region, c *display.Cursor) (*display.Frame, display.Region) {
	if c != nil && (!c.Visible || len(c.Pix) < 4*c.Size.X*c.Size.Y) {
		c = nil
	}
	if c == nil && p.cursor.Empty() {
		p.shadow = nil
		return f, damage
	}
	if p.shadow == nil || p.shadow.Rect != f.Rect {
		p.shadow, p.cursor = display.NewFrame(f.Rect.Dx(), f.Rect.Dy()), image.Rectangle{}
		copyRect(p.shadow, f, f.Rect)
	}
	damage = damage.Union(display.Region{p.cursor})
	p.cursor = image.Rectangle{}
	for _, r := range damage {
		copyRect(p.shadow, f, r.Intersect(f.Rect))
	}
	if c != nil {
		at := c.Pos.Sub(c.Hot)
		p.cursor = image.Rectangle{at, at.Add(c.Size)}.Intersect(f.Rect)
		copyRect(p.shadow, f, p.cursor)
		mix(p.shadow, c, at, p.cursor)
		damage.Add(p.cursor)
	}
	return p.shadow, damage
}

func copyRect(dst, src *display.Frame, r image.Rectangle) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		copy(dst.Row(y, r.Min.X, r.Max.X), src.Row(y, r.Min.X, r.Max.X))
	}
}

// mix puts a cursor's picture, whose corner lies at a place, over the part r of a frame.
func mix(f *display.Frame, c *display.Cursor, at image.Point, r image.Rectangle) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := f.Row(y, r.Min.X, r.Max.X)
		dots := c.Pix[4*((y-at.Y)*c.Size.X+r.Min.X-at.X):]
		for i := 0; i < len(row); i += 4 {
			a := uint32(dots[i+3])
			for k := range 3 {
				row[i+k] = uint8((uint32(row[i+k])*(255-a) + uint32(dots[i+k])*a + 127) / 255)
			}
		}
	}
}
