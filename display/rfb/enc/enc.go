// Package enc turns rectangles of a picture into RFB's encodings (RFC 6143, section 7.7), for any pixel format that a client
// asks for. An Encoder keeps what the protocol makes last for a connection (a deflate stream) and knows nothing of clients,
// sockets or when to send. Left out: the encodings with loss, CopyRect, RRE, Tight.
package enc

import (
	"image"

	"govm-desktop/display"
)

// Numbers of the encodings.
const (
	RawID     int32 = 0
	HextileID int32 = 5
	ZRLEID    int32 = 16
)

// Encoder appends the rectangle r of a frame to b, without the rectangle's header. It serves one connection, one call at a
// time. Preconditions: r lies in the frame, is not empty, and is at most MaxWidth × MaxHeight.
type Encoder interface {
	Encode(b []byte, p *Pixels, f *display.Frame, r image.Rectangle) []byte
}

// The largest rectangle that an Encoder is given: it bounds what one Encode appends.
const (
	MaxWidth  = 2048
	MaxHeight = 2048
	maxArea   = MaxWidth * 64
)

// New returns an Encoder for the encoding, nil if there is none.
func New(id int32) Encoder {
	switch id {
	case RawID:
		return Raw{}
	case HextileID:
		return new(Hextile)
	case ZRLEID:
		return NewZRLE()
	}
	return nil
}

// Split cuts rectangles into pieces that an Encoder takes, along ZRLE's tiles where it can, and appends them to out.
func Split(out []image.Rectangle, rects ...image.Rectangle) []image.Rectangle {
	for _, r := range rects {
		for x := r.Min.X; x < r.Max.X; x += MaxWidth {
			w := min(MaxWidth, r.Max.X-x)
			rows := min(MaxHeight, max(64, maxArea/w&^63))
			for y := r.Min.Y; y < r.Max.Y; y += rows {
				out = append(out, image.Rect(x, y, x+w, min(y+rows, r.Max.Y)))
			}
		}
	}
	return out
}

// Raw is the encoding 0 (7.7.1): the pixels as they are.
type Raw struct{}

// Encode implements Encoder.
func (Raw) Encode(b []byte, p *Pixels, f *display.Frame, r image.Rectangle) []byte {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		b = p.appendRow(b, f.Row(y, r.Min.X, r.Max.X))
	}
	return b
}
