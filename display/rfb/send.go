package rfb

import (
	"cmp"
	"encoding/binary"
	"image"
	"slices"
	"strings"
	"time"

	"govm-desktop/display/rfb/enc"
	"govm-desktop/display/rfb/picture"
)

// maxRects is what a client takes for any number of rectangles, up to a LastRect.
const maxRects = 0xffff

// flushAt is how much is gathered before it is written: it bounds the memory of a client that does not read.
const flushAt = 64 << 10

// How much an update may be, so that what comes after it is not late.
const (
	updateTime  = 30 * time.Millisecond // of a line that is slower than
	fastLine    = 16e6                  // bytes a second; once it is that fast it has to fall below
	slowLine    = 8e6
	minUpdate   = 16 << 10
	smallPiece  = 2048 // pixels: an answer to somebody rather than a film
	minPiece    = 64 * 64
	lossyPixels = 4 // pixels a byte, with JPEG
)

// speed is how many bytes a second the line carries, and how long it is to and back: by the fences where the client knows them, else by
// its requests. It has c.mu held.
func (c *client) speed() (float64, time.Duration) {
	if c.settings.can&canFence != 0 {
		return c.pace.Speed(), c.pace.Least()
	}
	return c.asks.Speed(), c.asks.Least()
}

// limit is how many bytes the next update should not exceed; 0: any number. What a client wants to see as it is comes as a whole.
func (u *updater) limit() int {
	switch {
	case u.speed == 0:
		u.fast = u.c.addr == "local" || strings.HasPrefix(u.c.addr, "127.") || strings.HasPrefix(u.c.addr, "[::1]")
	case u.fast:
		u.fast = u.speed > slowLine
	default:
		u.fast = u.speed > fastLine
	}
	switch {
	case !u.pending.full.Empty():
		return 0
	case u.speed > 0 && u.speed < slowLine:
		// Half of the line's time at least is used, where it is far to the client and back.
		most := max(int(u.speed*max(updateTime, u.trip).Seconds()), minUpdate)
		if u.stream.Empty() || !u.paced {
			return most
		}
		return max(min(most/2, u.room), minUpdate) // the next one follows at once
	case !u.stream.Empty() && u.paced:
		return max(u.room, minUpdate)
	}
	return 0
}

// cut makes pieces of what is to be sent: the small ones near the pointer first, then the others from where the last update ended.
func (u *updater) cut(e enc.Encoder, parts []picture.Part, limit int) {
	u.pieces = u.pieces[:0]
	area := 0
	if limit > 0 && u.speed > 0 && u.speed < slowLine {
		if area = max(limit/8, minPiece); u.set.tuning.Quality >= 0 {
			area = max(limit*lossyPixels/2, minPiece)
		}
	}
	for _, p := range parts {
		u.rects = enc.Split(u.rects[:0], e, p.Rects...)
		if area > 0 {
			u.rects = smaller(u.rects, area)
		}
		if t, ok := e.(*enc.Tight); ok && p.Frame.Stride > 0 {
			u.rects = t.Areas(p.Frame, u.rects)
		}
		for _, r := range u.rects {
			u.pieces = append(u.pieces, piece{p.Frame, r})
		}
	}
	if limit > 0 {
		slices.SortStableFunc(u.pieces, func(a, b piece) int { return cmp.Compare(u.order(a.rect), u.order(b.rect)) })
	}
}

// order is when a piece is sent.
func (u *updater) order(r image.Rectangle) int {
	const late = 1 << 40
	d := u.pointer.Sub(r.Min.Add(r.Size().Div(2)))
	switch area := r.Dx() * r.Dy(); {
	case area <= smallPiece:
		return area + (d.X*d.X+d.Y*d.Y)/16
	case r.Min.Y > u.next.Y || r.Min.Y == u.next.Y && r.Min.X >= u.next.X:
		return late + r.Min.Y<<16 + r.Min.X
	}
	return 2*late + r.Min.Y<<16 + r.Min.X
}

// smaller cuts rectangles into pieces of at most so many pixels.
func smaller(rects []image.Rectangle, area int) (out []image.Rectangle) {
	for _, r := range rects {
		if r.Dx()*r.Dy() <= area {
			out = append(out, r)
			continue
		}
		w := min(r.Dx(), max(64, area/64&^63))
		h := max(16, area/w&^15)
		for y := r.Min.Y; y < r.Max.Y; y += h {
			for x := r.Min.X; x < r.Max.X; x += w {
				out = append(out, image.Rect(x, y, min(x+w, r.Max.X), min(y+h, r.Max.Y)))
			}
		}
	}
	return out
}

// send encodes the pieces and writes all but the last of them, after n rectangles that are in the message at start already. An update that reaches the limit
// ends; the rest stays to be sent. The number of rectangles comes first, so what may be cut short is held back, or is open: up to a
// LastRect.
func (u *updater) send(e enc.Encoder, start, n, limit int, lossless bool) error {
	begin, sent := time.Now(), 0
	open := u.set.can&canLastRect != 0 && limit > 0 && len(u.pieces) > 1 || n+len(u.pieces) >= maxRects
	hold := limit > 0 && !open
	count := func(n int) { binary.BigEndian.PutUint16(u.buf[start+2:], uint16(n)) }
	switch {
	case open:
		count(maxRects)
	case !hold:
		count(n + len(u.pieces))
	}
	u.left, u.next = false, image.Point{}
	for i, p := range u.pieces {
		if limit > 0 && i > 0 && sent+len(u.buf) >= limit && n+i < maxRects {
			u.giveBack(u.pieces[i:], lossless)
			u.pieces = u.pieces[:i]
			break
		}
		u.appendPiece(e, p)
		if lossy, ok := e.(enc.Lossier); ok && lossy.Lossy() {
			if !u.pic.IsRough() {
				u.rest = time.Now().Add(restAfter)
			}
			u.pic.Rough(p.rect)
		}
		if hold || len(u.buf) < flushAt {
			continue
		}
		sent += len(u.buf)
		if err := u.flush(); err != nil {
			return err
		}
	}
	if hold {
		count(n + len(u.pieces))
	}
	if open {
		u.buf = appendRect(u.buf, image.Rectangle{}, encLastRect)
	}
	c := u.c
	c.mu.Lock()
	c.begun, c.flight = begin, c.flight+sent+len(u.buf)
	c.mu.Unlock()
	return nil
}

// giveBack returns pieces that were not sent.
func (u *updater) giveBack(pieces []piece, lossless bool) {
	u.left = true
	for _, p := range pieces {
		if lossless {
			u.pic.Rough(p.rect)
		} else {
			u.pic.Return(p.rect)
		}
		if u.next == (image.Point{}) && p.rect.Dx()*p.rect.Dy() > smallPiece {
			u.next = p.rect.Min
		}
	}
}

// appendPiece encodes a piece, as Raw where the client's encoding is no good.
func (u *updater) appendPiece(e enc.Encoder, p piece) {
	start := len(u.buf)
	if b := e.Encode(appendRect(u.buf, p.rect, u.set.encoding), u.pixels, p.frame, p.rect); b != nil {
		u.buf = b
		return
	}
	u.buf = appendRect(u.buf[:start], p.rect, enc.RawID)
	u.buf = enc.Raw{}.Encode(u.buf, u.pixels, p.frame, p.rect)
}

// ping writes the end of an update, and asks a client that knows fences to answer when it has got so far.
func (u *updater) ping() error {
	if u.paced {
		u.buf = appendFence(u.buf, fenceRequest|fenceBlockBefore, []byte{'p'})
		c := u.c
		c.mu.Lock()
		c.pace.Ping(time.Now(), c.begun, c.conn.Sent()+uint64(len(u.buf)))
		c.mu.Unlock()
	}
	return u.flush()
}

func (u *updater) flush() error {
	if len(u.buf) == 0 {
		return nil
	}
	_, err := u.c.conn.Write(u.buf)
	u.buf = u.buf[:0]
	return err
}

// encoder is the client's, which is kept even while it uses another: its stream goes on.
func (u *updater) encoder(lossless bool) enc.Encoder {
	id := u.set.encoding
	e := u.encoders[id]
	if e == nil {
		if u.encoders == nil {
			u.encoders = map[int32]enc.Encoder{}
		}
		e = enc.New(id)
		u.encoders[id] = e
		if s, ok := e.(enc.Sharer); ok && id != enc.ZYWRLEID {
			s.Share(&u.c.s.shared)
		}
	}
	if t, ok := e.(enc.Tunable); ok {
		tuning := u.set.tuning
		tuning.Fast = u.fast && tuning.Level < patient
		if lossless {
			tuning.Quality, tuning.Waves = -1, 0
		}
		t.Set(tuning)
	}
	return e
}

// patient is the level from which on a client wants few bytes whatever that takes.
const patient = 4
