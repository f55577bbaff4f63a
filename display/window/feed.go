package window

import (
	"context"
	"sync"

	"govm-desktop/display"
)

// Feed carries pictures from a Screen to the goroutine of a toolkit, which cannot wait for them: it is woken, and takes what there is. While nobody takes
// anything the Screen gathers the damage.
type Feed struct {
	wake func()

	mu     sync.Mutex // guards everything below
	screen *display.Screen
	stop   context.CancelFunc
	next   *picture
	taken  chan struct{} // the waiting picture was taken
}

type picture struct {
	frame  *display.Frame
	damage display.Region
}

// NewFeed returns a Feed of nothing. wake must not block.
func NewFeed(wake func()) *Feed { return &Feed{wake: wake} }

// Show makes another Screen the source; nil: none, as for a window that nobody sees.
func (f *Feed) Show(s *display.Screen) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s == f.screen {
		return
	}
	f.screen = s
	if f.stop != nil {
		f.stop()
	}
	f.drop()
	if f.stop = nil; s == nil {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	f.stop, f.taken = stop, make(chan struct{}, 1)
	go f.run(ctx, s, f.taken)
}

// drop lets go of a picture that waits.
// Preconditions: mu is held.
func (f *Feed) drop() {
	if f.next != nil {
		f.next.frame.Release()
		f.next = nil
	}
}

func (f *Feed) run(ctx context.Context, s *display.Screen, taken chan struct{}) {
	v := s.Watch()
	defer v.Close()
	for {
		frame, damage, err := v.Next(ctx)
		if err != nil {
			return
		}
		f.mu.Lock()
		if ctx.Err() != nil {
			f.mu.Unlock()
			frame.Release()
			return
		}
		f.next = &picture{frame, damage}
		f.mu.Unlock()
		f.wake()
		select {
		case <-taken:
		case <-ctx.Done():
			return
		}
	}
}

// Take returns the newest picture, for the caller to Release, and what changed since the last one taken from this Screen; nil: nothing has.
func (f *Feed) Take() (*display.Frame, display.Region) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.next
	if p == nil {
		return nil, nil
	}
	f.next = nil
	f.taken <- struct{}{}
	return p.frame, p.damage
}
