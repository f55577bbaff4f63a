// Package display is the contract between a video device and those who look at it: a Source draws on a Canvas, a Screen
// publishes what was drawn as immutable Frames, and any number of Viewers take the newest Frame with all damage since
// their last, each at its own pace. No viewer can stall the guest, and none sees half a change of mode.
//
// Pictures have 32 bits a pixel, bytes B, G, R and one unused (zero) in memory.
package display

import (
	"image"
	"time"
)

// Source is a video device.
type Source interface {
	// Draw brings the canvas, which holds the previous picture, up to date and says what it changed. It calls Resize first,
	// every time. It is called by the Screen's goroutine only.
	Draw(c *Canvas)
}

// Optional abilities of a Source, found by type assertion.
type (
	// Poller is a Source whose changes may have to be looked for by the clock, because nothing calls Wake for them
	// (KVM's dirty log). Poll reports whether that is so at present.
	Poller interface{ Poll() bool }
	// Notifier is a Source that says by itself when something changed: it is given the Screen's Wake, or nil when it is
	// taken off the Screen.
	Notifier interface{ Notify(wake func()) }
)

// Bounds of a picture, whatever a guest asks for.
const (
	MaxWidth  = 16384
	MaxHeight = 16384
	MaxBytes  = 256 << 20
)

// Options are the limits of a Screen; zero values mean the defaults.
type Options struct {
	Rate     int           // frames a second, at most; 60
	Poll     time.Duration // how often a Poller is asked while somebody watches; 8 ms
	Hurry    time.Duration // the same shortly after input; 2 ms
	HurryFor time.Duration // how long that lasts; 50 ms
	MaxBytes int           // size of a picture; MaxBytes
}

func (o *Options) fill() {
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	if o.Rate <= 0 {
		o.Rate = 60
	}
	if o.MaxBytes <= 0 || o.MaxBytes > MaxBytes {
		o.MaxBytes = MaxBytes
	}
	def(&o.Poll, 8*time.Millisecond)
	def(&o.Hurry, 2*time.Millisecond)
	def(&o.HurryFor, 50*time.Millisecond)
}

// Cursor is a hardware cursor: a small picture that the device shows over the frame without drawing it there. A Cursor is
// immutable once given to a Screen.
type Cursor struct {
	Pix     []byte      // B, G, R, A, not premultiplied, Size.X*4 bytes a row
	Size    image.Point // of the picture
	Hot     image.Point // the point of the picture that points
	Pos     image.Point // where that is on the screen
	Visible bool
}

// Blank is a Source of a black screen: what a Screen without a video device shows.
type Blank struct{}

// Draw implements Source.
func (Blank) Draw(c *Canvas) {
	if c.Resize(640, 480) {
		clear(c.Pix)
	}
}
