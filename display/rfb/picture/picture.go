// Package picture keeps book of what one RFB client has of a screen: which frame is the newest, which part of it the client
// has not got, what it has only roughly, what of it can be made from what it has, and how large it believes the picture to be. It
// knows nothing of messages and encodings.
package picture

import (
	"context"
	"image"
	"time"

	"govm-desktop/display"
)

// Picture follows a Screen for one client. It is not safe for concurrent use.
type Picture struct {
	// Plain sends damage as it is told: no comparison with what the client has, no search for what moved.
	Plain bool

	s     *display.Screen
	v     *display.Viewer
	frame *display.Frame // the newest, nil before the first
	size  image.Point    // of the client's picture
	dirty display.Region // what the client has not got, in its picture or in the frame
	black *display.Frame // what there is beyond the frame

	have  *display.Frame // what the client's picture is, nil where that is not known
	stale display.Region // where it is not even so
	raw   display.Region // damage that was not compared with it yet

	young, old display.Region // what was sent with loss, since the last Rest and before
	moves      mover
}

// New follows a Screen.
func New(s *display.Screen) *Picture {
	return &Picture{s: s, v: s.Watch()}
}

// Close gives up everything.
func (p *Picture) Close() {
	p.v.Close()
	p.frame.Release()
	p.forget()
	p.frame = nil
}

func (p *Picture) forget() {
	p.have.Release()
	p.have, p.stale, p.raw, p.young, p.old = nil, nil, nil, nil, nil
}

// Wait waits for something new on the screen.
func (p *Picture) Wait(ctx context.Context) error {
	f, g, err := p.v.Next(ctx)
	if err == nil {
		p.take(f, g)
	}
	return err
}

// Poll takes what is new already.
func (p *Picture) Poll() error {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := p.Wait(ctx); err != nil && ctx.Err() != err {
		return err
	}
	return nil
}

// newest is how long a new picture is waited for while there is something of an old one to send.
const newest = 10 * time.Millisecond

// Newest takes what is new, or is so within moments.
func (p *Picture) Newest(ctx context.Context) error {
	f, g, err := p.v.Newest(ctx, newest)
	if f != nil {
		p.take(f, g)
	}
	return err
}

// Fresh makes the frame one that was drawn after the call.
func (p *Picture) Fresh(ctx context.Context) error {
	v := p.s.Watch()
	defer v.Close()
	f, _, err := v.Next(ctx)
	if err != nil {
		return err
	}
	f.Release()
	return p.Poll() // the damage of that frame is ours too
}

func (p *Picture) take(f *display.Frame, g display.Region) {
	switch {
	case p.frame == nil || p.frame.Rect != f.Rect:
		g = display.Region{f.Rect}.Union(display.Region{p.bounds()})
		p.dirty = nil
		p.forget()
	case p.have != nil && !p.Plain:
		p.raw, g = p.raw.Union(g), nil
	}
	p.frame.Release()
	p.frame = f
	p.dirty = p.dirty.Union(g)
}

// bounds is the client's picture.
func (p *Picture) bounds() image.Rectangle { return image.Rectangle{Max: p.size} }

// Size is the size of the frame. Preconditions: Wait, Poll or Fresh have succeeded once.
func (p *Picture) Size() image.Point { return p.frame.Rect.Max }

// ClientSize is the size of the client's picture.
func (p *Picture) ClientSize() image.Point { return p.size }

// SetClientSize says that the client knows of a size; it then has nothing of the picture.
func (p *Picture) SetClientSize(size image.Point) {
	p.size = size
	p.forget()
	p.dirty = display.Region{p.bounds()}
	if p.frame != nil {
		p.dirty = p.dirty.Union(display.Region{p.frame.Rect})
	}
}

// Part is some of what a client is to be sent.
type Part struct {
	Frame *display.Frame
	Rects []image.Rectangle // may overlap
}

// Copy is a part of the picture that a client has elsewhere.
type Copy struct {
	To   image.Rectangle
	From image.Point
}

// Update is what a client is to be sent: the copies first, in their order.
type Update struct {
	Copies []Copy
	Parts  []Part
}

// Empty reports whether there is nothing to send.
func (u Update) Empty() bool { return len(u.Copies) == 0 && len(u.Parts) == 0 }

// Take returns all of full, and of changed what the client has not got, as far as its picture goes, and takes it for sent. What
// lies beyond the frame is black. The frames are valid until the next call of any method. With copy, some of it may be copies.
func (p *Picture) Take(full, changed display.Region, copy bool) (u Update) {
	if p.frame == nil {
		return u
	}
	copy = copy && !p.Plain && full.Empty() && p.have != nil && p.have.Rect == p.frame.Rect && p.have != p.frame
	if copy {
		u.Copies = p.scrolled(changed)
	}
	p.compare()
	g := changed.Intersect(p.dirty).Union(full).Intersect(display.Region{p.bounds()})
	if copy && len(u.Copies) == 0 {
		u.Copies = p.moved(g, changed)
		for _, c := range u.Copies {
			g = g.Subtract(display.Region{c.To})
		}
	}
	if g.Empty() && len(u.Copies) == 0 {
		return u
	}
	p.dirty = p.dirty.Subtract(g)
	if len(u.Copies) > 0 { // what is left is little, and can be looked at closely
		g = p.refine(p.frame, g).Intersect(g)
	}
	p.young, p.old = p.young.Subtract(g), p.old.Subtract(g)
	u.Parts = p.parts(g)
	p.have.Release()
	p.have, p.stale = p.frame.Retain(), p.dirty.Clone()
	return u
}

// compare makes damage of what really changed.
func (p *Picture) compare() {
	if !p.raw.Empty() {
		p.dirty, p.raw = p.dirty.Union(p.refine(p.frame, p.raw)), nil
	}
}

// parts are the frames' rectangles of a region.
func (p *Picture) parts(g display.Region) (parts []Part) {
	frame := display.Region{p.frame.Rect}
	if in := g.Intersect(frame); !in.Empty() {
		parts = append(parts, Part{p.frame, simplify(in)})
	}
	if out := g.Subtract(frame); !out.Empty() {
		if p.black == nil || p.black.Rect != p.bounds() {
			// One row serves for all of them.
			p.black = &display.Frame{Pix: make([]byte, 4*p.size.X), Rect: p.bounds()}
		}
		parts = append(parts, Part{p.black, out})
	}
	return parts
}

// Return says that something which was taken has not been sent after all.
func (p *Picture) Return(r image.Rectangle) {
	g := display.Region{r}
	p.dirty, p.stale = p.dirty.Union(g), p.stale.Union(g)
}

// Rough says that something which was taken has been sent with loss.
func (p *Picture) Rough(r image.Rectangle) {
	p.young = p.young.Union(display.Region{r})
	p.old = p.old.Subtract(display.Region{r})
}

// IsRough reports whether there is anything that Rest will return.
func (p *Picture) IsRough() bool { return !p.young.Empty() || !p.old.Empty() }

// Rest returns what has come to rest: what was sent with loss before the last Rest and not since.
func (p *Picture) Rest(allowed display.Region) Update {
	g := p.old.Subtract(p.dirty).Subtract(p.raw).Intersect(allowed).Intersect(display.Region{p.bounds()})
	rest := p.old.Subtract(g)
	p.old, p.young = p.young.Union(rest), nil
	if g.Empty() || p.frame == nil {
		return Update{}
	}
	return Update{Parts: p.parts(g)}
}

// simplify joins rectangles where that sends few pixels more: a rectangle has a price of its own.
func simplify(g display.Region) []image.Rectangle {
	const price = 512 // pixels
	area := func(r image.Rectangle) int { return r.Dx() * r.Dy() }
	var out []image.Rectangle
	for _, r := range g {
		for n := len(out); n > 0; n = len(out) {
			u := out[n-1].Union(r)
			if area(u) > area(out[n-1])+area(r)+price {
				break
			}
			r, out = u, out[:n-1]
		}
		out = append(out, r)
	}
	return out
}
