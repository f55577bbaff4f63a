package picture

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"image"

	"govm-desktop/display"
)

// What is worth a search, and a copy.
const (
	minSearch = 64 * 64 // pixels changed
	minScroll = 160 * 96
	minCopy   = 1024 // pixels that need not be sent
	minBand   = 4    // rows
	maxGroups = 3
	maxTwins  = 8  // rows that look the same, of which each may be the one
	nearby    = 24 // pixels between what may have moved together
)

// effort is how often a search is worth it: one that finds nothing is not made again for a while.
type effort struct{ misses, pause int }

// maxPause is how many updates a search is left out at most.
const maxPause = 7

func (e *effort) ready() bool {
	if e.pause > 0 {
		e.pause--
		return false
	}
	return true
}

func (e *effort) result(found bool) {
	if e.misses++; found {
		e.misses = 0
	}
	e.pause = min(e.misses/2, maxPause)
}

// scrolled finds in damage that was not compared yet what the client has higher or lower: by hashes of rows, of which those of the
// client's picture are known from the time before, so that less is read than a comparison would.
func (p *Picture) scrolled(allowed display.Region) []Copy {
	g := p.raw.Union(p.dirty)
	if g.Area() < minScroll || !p.moves.scrolls.ready() {
		return nil
	}
	b := groups(g)[0]
	found := p.moves.scroll(p.have, p.frame, b)
	if 4*covered(found) < b.Dx()*b.Dy() || !p.accept(found, g, allowed) {
		found = nil
	}
	p.moves.scrolls.result(found != nil)
	return found
}

// moved finds what of the region g, which changed, the client has elsewhere.
func (p *Picture) moved(g, allowed display.Region) []Copy {
	if g.Area() < minSearch || !p.moves.moves.ready() {
		return nil
	}
	for _, b := range groups(g) {
		// One search an update: the next would have to know what this one changed.
		if found := p.moves.find(p.have, p.frame, b); p.accept(found, g, allowed) {
			p.moves.moves.result(true)
			return found
		}
	}
	p.moves.moves.result(false)
	return nil
}

// accept takes copies for sent if they save something of the region g and are of what the client really has.
func (p *Picture) accept(found []Copy, g, allowed display.Region) bool {
	var to, from display.Region
	for _, c := range found {
		to.Add(c.To)
		from.Add(c.To.Add(c.From.Sub(c.To.Min)))
	}
	if to.Intersect(g).Area() < minCopy || !to.Subtract(allowed).Empty() || !from.Intersect(p.stale).Empty() ||
		!to.Union(from).Subtract(display.Region{p.bounds()}).Empty() {
		return false
	}
	// What was rough is rough where it goes.
	rough := p.young.Union(p.old)
	p.young, p.old = p.young.Subtract(to), p.old.Subtract(to)
	for _, c := range found {
		d := c.To.Min.Sub(c.From)
		for _, r := range rough.Intersect(display.Region{c.To.Sub(d)}) {
			p.young.Add(r.Add(d))
		}
	}
	p.dirty, p.raw = p.dirty.Subtract(to), p.raw.Subtract(to)
	return true
}

// groups are the bounds of what lies together, the largest first.
func groups(g display.Region) (out []image.Rectangle) {
	for _, r := range g {
		r = r.Inset(-nearby / 2)
		for joined := true; joined; {
			joined = false
			for i, o := range out {
				if o.Overlaps(r) {
					r = r.Union(o)
					out = append(out[:i], out[i+1:]...)
					joined = true
					break
				}
			}
		}
		out = append(out, r)
	}
	area := func(r image.Rectangle) int { return r.Dx() * r.Dy() }
	for i := range out { // a few largest come first
		for j := i + 1; i < maxGroups && j < len(out); j++ {
			if area(out[j]) > area(out[i]) {
				out[i], out[j] = out[j], out[i]
			}
		}
		out[i] = out[i].Inset(nearby / 2)
	}
	return out[:min(len(out), maxGroups)]
}

// mover searches a frame for what another shows elsewhere.
type mover struct {
	seed     maphash.Seed
	seeded   bool
	scrolls  effort
	moves    effort
	old, now []uint64
	prev     []int // the row before with the same hash
	votes    map[image.Point]int
	places   map[uint64]int
}

// find looks for something inside b that the frame was had elsewhere inside b: rows that scrolled, else anything that moved.
func (m *mover) find(was, is *display.Frame, b image.Rectangle) []Copy {
	rows := m.scroll(was, is, b)
	if 4*covered(rows) > b.Dx()*b.Dy() {
		return rows
	}
	if one := m.move(was, is, b); covered(one) > covered(rows) {
		return one
	}
	return rows
}

// covered is how many pixels copies make.
func covered(list []Copy) (n int) {
	for _, c := range list {
		n += c.To.Dx() * c.To.Dy()
	}
	return n
}

// scroll finds rows that are elsewhere in the same columns.
func (m *mover) scroll(was, is *display.Frame, b image.Rectangle) []Copy {
	if b = b.Intersect(is.Rect); b.Dx() < 16 || b.Dy() < 2*minBand {
		return nil
	}
	m.old = m.rows(m.old[:0], was, b)
	m.now = m.rows(m.now[:0], is, b)
	return m.shifted(b)
}

// rows hashes rows: by their sums where the columns are whole spans.
func (m *mover) rows(to []uint64, f *display.Frame, b image.Rectangle) []uint64 {
	if !m.seeded {
		m.seed, m.seeded = maphash.MakeSeed(), true
		m.votes, m.places = map[image.Point]int{}, map[uint64]int{}
	}
	if b.Min.X%display.SpanWidth != 0 || b.Max.X%display.SpanWidth != 0 && b.Max.X != f.Rect.Max.X {
		for y := b.Min.Y; y < b.Max.Y; y++ {
			to = append(to, maphash.Bytes(m.seed, f.Row(y, b.Min.X, b.Max.X)))
		}
		return to
	}
	t0, t1 := b.Min.X/display.SpanWidth, (b.Max.X-1)/display.SpanWidth+1
	for y := b.Min.Y; y < b.Max.Y; y++ {
		h := uint64(0)
		for _, v := range f.Sums(y, t0, t1) {
			h = (h ^ v) * prime
			h ^= h >> 32
		}
		to = append(to, h)
	}
	return to
}

// shifted finds the distance by which most rows went, and copies for all that went so far.
func (m *mover) shifted(b image.Rectangle) (out []Copy) {
	m.prev = m.prev[:0]
	clear(m.places)
	clear(m.votes)
	for y, h := range m.old {
		last, known := m.places[h]
		if !known {
			last = -1
		}
		m.prev = append(m.prev, last)
		m.places[h] = y
	}
	best, most := 0, 0
	for y, h := range m.now {
		at, known := m.places[h]
		if !known || h == m.old[y] {
			continue
		}
		for n := 0; n < maxTwins && at >= 0; n++ {
			d := image.Pt(0, y-at)
			if m.votes[d]++; m.votes[d] > most {
				best, most = d.Y, m.votes[d]
			}
			at = m.prev[at]
		}
	}
	if most < minBand {
		return nil
	}
	same := func(y int) bool {
		return y-best >= 0 && y-best < len(m.old) && m.now[y] == m.old[y-best]
	}
	for y := 0; y < len(m.now); {
		end := y
		for end < len(m.now) && same(end) {
			end++
		}
		if end-y >= minBand {
			to := image.Rect(b.Min.X, b.Min.Y+y, b.Max.X, b.Min.Y+end)
			out = append(out, Copy{to, to.Min.Sub(image.Pt(0, best))})
		}
		y = max(end, y+1)
	}
	if best > 0 { // downwards: the lowest first, so that none is overwritten before it is copied
		for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
			out[i], out[j] = out[j], out[i]
		}
	}
	return out
}

// Anchors are pieces of rows that the search goes by.
const (
	anchorLen  = 24
	maxAnchors = 48
	anchorBits = 12
	prime      = 0x9e3779b97f4a7c15 | 1
)

// rowHash is the hash of anchorLen pixels, which can be rolled on.
func rowHash(row []byte) (h uint64) {
	for i := range anchorLen {
		h = h*prime + uint64(binary.LittleEndian.Uint32(row[4*i:])&0xffffff)
	}
	return h
}

// anchor is where a piece of a row is now.
type anchor struct {
	hash uint64
	at   image.Point
}

// anchors chooses pieces of the frame that changed and are not of one colour.
func anchors(was, is *display.Frame, b image.Rectangle) (out []anchor) {
	cells := max(1, b.Dx()/anchorLen)
	rows := max(1, b.Dy()*cells/(4*maxAnchors))
	for y := b.Min.Y; y < b.Max.Y && len(out) < maxAnchors; y += rows {
		// Not always the same columns: what is striped is nothing to go by.
		for i := 0; i < 4 && len(out) < maxAnchors; i++ {
			x := b.Min.X + (i*cells/4+y%max(1, cells/4))*anchorLen
			if x+anchorLen > b.Max.X {
				continue
			}
			row := is.Row(y, x, x+anchorLen)
			if bytes.Equal(row[4:], row[:len(row)-4]) || bytes.Equal(row, was.Row(y, x, x+anchorLen)) {
				continue
			}
			out = append(out, anchor{rowHash(row), image.Pt(x, y)})
		}
	}
	return out
}

// move finds a rectangle that is elsewhere.
func (m *mover) move(was, is *display.Frame, b image.Rectangle) []Copy {
	b = b.Intersect(is.Rect)
	list := anchors(was, is, b)
	if len(list) < minBand || b.Dx() <= anchorLen {
		return nil
	}
	var table [1 << anchorBits]uint8 // index+1
	for i, a := range list {
		table[a.hash>>(64-anchorBits)] = uint8(i + 1)
	}
	power := uint64(1)
	for range anchorLen {
		power *= prime
	}
	clear(m.votes)
	var best image.Point
	most := 0
	for y := b.Min.Y; y < b.Max.Y; y++ {
		row := was.Row(y, b.Min.X, b.Max.X)
		h := rowHash(row)
		for x := 0; ; x++ {
			if i := table[h>>(64-anchorBits)]; i != 0 && list[i-1].hash == h {
				d := list[i-1].at.Sub(image.Pt(b.Min.X+x, y))
				if m.votes[d]++; m.votes[d] > most {
					best, most = d, m.votes[d]
				}
				if len(m.votes) > 4*maxAnchors {
					return nil // it looks the same everywhere
				}
			}
			if x+anchorLen >= b.Dx() {
				break
			}
			h = h*prime + uint64(binary.LittleEndian.Uint32(row[4*(x+anchorLen):])&0xffffff) - power*uint64(binary.LittleEndian.Uint32(row[4*x:])&0xffffff)
		}
	}
	if most < minBand || best == (image.Point{}) {
		return nil
	}
	var found image.Rectangle
	for _, a := range list {
		if a.at.In(found) {
			continue
		}
		r := grow(was, is, b, image.Rectangle{a.at, a.at.Add(image.Pt(anchorLen, 1))}, best)
		if r.Dx()*r.Dy() > found.Dx()*found.Dy() {
			found = r
		}
	}
	if found.Empty() {
		return nil
	}
	return []Copy{{found, found.Min.Sub(best)}}
}

// grow makes a rectangle as large as it stays the same but for the distance d, first in width or first in height.
func grow(was, is *display.Frame, b, r image.Rectangle, d image.Point) image.Rectangle {
	limit := b.Intersect(b.Add(d)) // both ends are in b
	same := func(r image.Rectangle) bool {
		if !r.In(limit) {
			return false
		}
		for y := r.Min.Y; y < r.Max.Y; y++ {
			if !bytes.Equal(is.Row(y, r.Min.X, r.Max.X), was.Row(y-d.Y, r.Min.X-d.X, r.Max.X-d.X)) {
				return false
			}
		}
		return true
	}
	if !same(r) {
		return image.Rectangle{}
	}
	wide := func(r image.Rectangle) image.Rectangle {
		for same(image.Rect(r.Min.X-1, r.Min.Y, r.Min.X, r.Max.Y)) {
			r.Min.X--
		}
		for same(image.Rect(r.Max.X, r.Min.Y, r.Max.X+1, r.Max.Y)) {
			r.Max.X++
		}
		return r
	}
	high := func(r image.Rectangle) image.Rectangle {
		for same(image.Rect(r.Min.X, r.Min.Y-1, r.Max.X, r.Min.Y)) {
			r.Min.Y--
		}
		for same(image.Rect(r.Min.X, r.Max.Y, r.Max.X, r.Max.Y+1)) {
			r.Max.Y++
		}
		return r
	}
	one, other := high(wide(r)), wide(high(r))
	if one.Dx()*one.Dy() >= other.Dx()*other.Dy() {
		return one
	}
	return other
}
