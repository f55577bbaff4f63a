// Package enc turns rectangles of a picture into RFB's encodings (RFC 6143, section 7.7), for any pixel format that a client
// asks for. An Encoder keeps what the protocol makes last for a connection (a deflate stream) and knows nothing of clients,
// sockets or when to send. Left out: H.264.
package enc

import (
	"image"

	"govm-desktop/display"
)

// Numbers of the encodings.
const (
	RawID      int32 = 0
	CopyRectID int32 = 1
	RREID      int32 = 2
	CoRREID    int32 = 4
	HextileID  int32 = 5
	ZlibID     int32 = 6
	TightID    int32 = 7
	TRLEID     int32 = 15
	ZRLEID     int32 = 16
	ZYWRLEID   int32 = 17
	TightPNGID int32 = -260
)

// Encoder appends the rectangle r of a frame to b, without the rectangle's header. It serves one connection, one call at a
// time. It may return nil where Raw is better. Preconditions: r lies in the frame, is not empty, and is at most what Split makes.
type Encoder interface {
	Encode(b []byte, p *Pixels, f *display.Frame, r image.Rectangle) []byte
}

// Tuning is what a client says of how it wants its pictures.
type Tuning struct {
	Level   int  // of compression, 0 to 9; -1: not said
	Quality int  // of JPEG, 1 to 100; -1: nothing may be lost
	Halved  bool // JPEG's chrominance
	Waves   int  // levels of ZYWRLE's transform, 0 to 3; 0: nothing may be lost
	Fast    bool // the line carries more than can be compressed in the time
}

func (t Tuning) level(def int) int {
	if t.Level < 0 {
		return def
	}
	return t.Level
}

// Optional abilities of an Encoder.
type (
	// Tunable is an Encoder that heeds a Tuning.
	Tunable interface{ Set(Tuning) }
	// Limited is an Encoder that takes only rectangles up to a size.
	Limited interface{ Limit() (w, h int) }
	// Lossier is an Encoder that may lose something, and says whether the last Encode did.
	Lossier interface{ Lossy() bool }
)

// Quality is the JPEG quality of a client's level from 0 to 9, and whether the chrominance is halved.
func Quality(level int) (quality int, halved bool) {
	return int([10]byte{15, 29, 41, 50, 62, 77, 79, 86, 92, 98}[level]), level < 6
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
	case RREID:
		return new(RRE)
	case CoRREID:
		return &RRE{Compact: true}
	case ZlibID:
		return NewZlib()
	case TightID, TightPNGID:
		return NewTight(id == TightPNGID)
	case TRLEID:
		return new(TRLE)
	case HextileID:
		return new(Hextile)
	case ZRLEID:
		return NewZRLE()
	case ZYWRLEID:
		z := NewZRLE()
		z.wave = newZywrle()
		return z
	}
	return nil
}

// Split cuts rectangles into pieces that an Encoder takes, along ZRLE's tiles where it can, and appends them to out.
func Split(out []image.Rectangle, e Encoder, rects ...image.Rectangle) []image.Rectangle {
	width, height := MaxWidth, MaxHeight
	if l, ok := e.(Limited); ok {
		width, height = l.Limit()
	}
	for _, r := range rects {
		for x := r.Min.X; x < r.Max.X; x += width {
			w := min(width, r.Max.X-x)
			rows := min(height, max(64, maxArea/w&^63))
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
