package rfb

import (
	"encoding/binary"
	"image"

	"govm-desktop/display"
)

// Why an ExtendedDesktopSize is sent, and what became of a SetDesktopSize.
const (
	sizeByServer = 0 // the guest has set another mode
	sizeByClient = 1 // the answer to this client
	sizeByOther  = 2

	sizeDone       = 0
	sizeProhibited = 1
	sizeResources  = 2
	sizeInvalid    = 3
	sizeForwarded  = 4 // the guest has been told, and may follow
)

// maxScreens bounds the screens of a layout.
const maxScreens = 16

// head is a part of the picture that is a screen of its own for clients with several.
type head struct {
	id, flags uint32
	r         image.Rectangle
}

// arrangement is how clients have divided a picture of some size among their screens. The video device has one picture, so this is
// theirs alone; it is used when the guest has set that size.
type arrangement struct {
	size  image.Point
	heads []head
	by    *client
	count uint // of arrangements
}

// setDesktopSize passes a client's wish on to the guest.
func (c *client) setDesktopSize() error {
	b, err := c.conn.Take(7)
	if err != nil {
		return err
	}
	size := image.Pt(int(binary.BigEndian.Uint16(b[1:])), int(binary.BigEndian.Uint16(b[3:])))
	n := int(b[5])
	var heads []head
	for range n {
		if b, err = c.conn.Take(16); err != nil {
			return err
		}
		at := func(i int) int { return int(binary.BigEndian.Uint16(b[i:])) }
		heads = append(heads, head{binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[12:]), image.Rect(at(4), at(6), at(4)+at(8), at(6)+at(10))})
	}
	status := c.s.arrange(c, size, heads)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.resized = 1 + status
	c.pingLocked()
	return nil
}

// arrange is what becomes of a client's wish.
func (s *Server) arrange(c *client, size image.Point, heads []head) int {
	switch {
	case c.hands.to == nil:
		return sizeProhibited
	case len(heads) > maxScreens || size.X > display.MaxWidth || size.Y > display.MaxHeight:
		return sizeResources
	case !valid(size, heads):
		return sizeInvalid
	}
	w, h := s.cfg.Screen.Size()
	status := sizeDone
	if size != image.Pt(w, h) {
		if !s.cfg.Screen.Suggest(size.X, size.Y) {
			return sizeProhibited
		}
		status = sizeForwarded
	}
	s.mu.Lock()
	s.arranged = arrangement{size, heads, c, s.arranged.count + 1}
	s.mu.Unlock()
	if status == sizeDone {
		s.pingAll()
	}
	return status
}

// valid reports whether a layout is one: at least one screen, none of them empty or outside, each with a number of its own.
func valid(size image.Point, heads []head) bool {
	ids := map[uint32]bool{}
	for _, h := range heads {
		if ids[h.id] || h.r.Empty() || !h.r.In(image.Rectangle{Max: size}) {
			return false
		}
		ids[h.id] = true
	}
	return len(heads) > 0
}

// arrangement is that for a picture of a size, or one screen.
func (s *Server) arrangement(size image.Point) arrangement {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.arranged; a.size == size {
		return a
	}
	return arrangement{size: size, heads: []head{{r: image.Rectangle{Max: size}}}, count: s.arranged.count}
}

// appendSize appends the size of the picture.
func (u *updater) appendSize(first bool) (n int, resized bool) {
	can, size := u.set.can, u.pic.Size()
	resized = size != u.pic.ClientSize() && can&(canResize|canExtResize) != 0
	switch {
	case can&canExtResize != 0:
		a := u.c.s.arrangement(size)
		changed := a.count != u.arranged && a.by != nil && a.by != u.c
		u.arranged = a.count
		if u.resized != 0 {
			u.appendHeads(sizeByClient, u.resized-1, a)
			n++
		}
		switch {
		case resized || first:
			u.appendHeads(sizeByServer, 0, a)
			n++
		case changed:
			u.appendHeads(sizeByOther, 0, a)
			n++
		}
	case resized:
		u.buf = appendRect(u.buf, image.Rectangle{Max: size}, encDesktopSize)
		n++
	}
	u.resized = 0
	if resized {
		u.pic.SetClientSize(size)
	}
	return n, resized
}

// appendHeads is an ExtendedDesktopSize, whose position says why it comes and what became of a wish.
func (u *updater) appendHeads(why, status int, a arrangement) {
	u.buf = appendRect(u.buf, image.Rectangle{Max: a.size}.Add(image.Pt(why, status)), encExtDesktopSize)
	u.buf = append(u.buf, byte(len(a.heads)), 0, 0, 0)
	for _, h := range a.heads {
		u.buf = binary.BigEndian.AppendUint32(u.buf, h.id)
		u.buf = appendRect(u.buf, h.r, int32(h.flags))
	}
}
