// Package curses shows a machine in the terminal that the program was started from, by github.com/gdamore/tcell: screens of text as text, with the
// characters of code page 437, sixteen colours and the cursor; graphics as half blocks, two dots to a character. What is typed goes to the guest: a
// terminal says characters, not keys, so they are typed as the guest's layout has them. Alt with a digit changes between the heads.
//
// Left out: the mouse, and keys that a terminal cannot tell (modifiers alone, releases).
package curses

import (
	"fmt"
	"sync"
	"time"

	"github.com/gdamore/tcell/v2"

	"govm-desktop/display"
	"govm-desktop/display/window"
	"govm-desktop/input"
	"govm-desktop/input/layout"
)

// Config says what is shown.
type Config struct {
	Name   string
	Heads  []*display.Head // at least one: the first is shown first
	Layout *layout.Layout  // the guest's; nil: us
}

// frameTime is the pause between two pictures: terminals are slow.
const frameTime = 40 * time.Millisecond

// UI is a terminal taken over.
type UI struct {
	cfg    Config
	term   tcell.Screen
	feed   *window.Feed
	hands  []hands        // one for each head
	at     int            // the head that is shown
	frame  *display.Frame // its newest; nil: none yet
	news   chan struct{}
	done   chan struct{}
	once   sync.Once
	mapper mapper

	mu     sync.Mutex // guards everything below
	status string
}

// New takes the terminal over, until Run ends.
func New(cfg Config) (*UI, error) {
	term, err := tcell.NewTerminfoScreen()
	if err != nil {
		return nil, fmt.Errorf("no terminal to draw on: %w", err)
	}
	return newUI(cfg, term)
}

func newUI(cfg Config, term tcell.Screen) (*UI, error) {
	if cfg.Layout == nil {
		var err error
		if cfg.Layout, err = layout.Find("us"); err != nil {
			return nil, err
		}
	}
	if err := term.Init(); err != nil {
		return nil, fmt.Errorf("the terminal: %w", err)
	}
	u := &UI{cfg: cfg, term: term, news: make(chan struct{}, 1), done: make(chan struct{}), mapper: newMapper()}
	u.feed = window.NewFeed(u.wake)
	for _, h := range cfg.Heads {
		u.hands = append(u.hands, newHands(h, cfg.Layout))
	}
	return u, nil
}

func (u *UI) wake() {
	select {
	case u.news <- struct{}{}:
	default:
	}
}

// Quit ends Run. It may be called from any goroutine, and twice.
func (u *UI) Quit() { u.once.Do(func() { close(u.done) }) }

// SetStatus is what the terminal's title says of the machine. It may be called from any goroutine.
func (u *UI) SetStatus(s string) {
	u.mu.Lock()
	u.status = s
	u.mu.Unlock()
	u.wake()
}

// Run shows the machine until Quit, and gives the terminal back.
func (u *UI) Run() {
	events := make(chan tcell.Event, 64)
	go u.term.ChannelEvents(events, u.done)
	u.show(0)
	var later <-chan time.Time // when the next picture may be drawn
	news := u.news
	for {
		select {
		case <-u.done:
			u.feed.Show(nil)
			u.frame.Release()
			for i := range u.hands {
				u.hands[i].front.Close()
			}
			u.term.Fini()
			return
		case e, ok := <-events:
			if !ok {
				events = nil // the terminal is gone: the machine goes on without
				continue
			}
			u.handle(e)
		case <-news:
			u.draw(false)
			news, later = nil, time.After(frameTime)
		case <-later:
			news, later = u.news, nil
		}
	}
}

func (u *UI) show(i int) {
	u.hands[u.at].front.ReleaseAll()
	u.at = i
	u.frame.Release()
	u.frame = nil
	u.term.Clear()
	u.feed.Show(u.cfg.Heads[i].Screen)
	u.draw(true)
}

func (u *UI) handle(e tcell.Event) {
	switch e := e.(type) {
	case *tcell.EventResize:
		u.term.Sync()
		u.term.Clear()
		u.draw(true)
	case *tcell.EventKey:
		if n := int(e.Rune() - '1'); e.Key() == tcell.KeyRune && e.Modifiers()&tcell.ModAlt != 0 && n >= 0 && n < 9 {
			if n < len(u.cfg.Heads) && n != u.at {
				u.show(n)
			}
			return
		}
		u.hands[u.at].key(e)
	}
}

// title names the machine and what is shown of it.
func (u *UI) title() string {
	t := u.cfg.Name
	if u.at > 0 {
		t += " (" + u.cfg.Heads[u.at].Name + ")"
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.status != "" {
		t += " [" + u.status + "]"
	}
	return t
}

// hands type for the user at one head.
type hands struct {
	head  *display.Head
	front *input.Front
	typ   *layout.Resolver
}

func newHands(h *display.Head, l *layout.Layout) hands {
	f := h.Input.Front()
	send := func(c input.Code, down bool) { f.Send(input.Event{Kind: input.Key, Code: c, Down: down}) }
	return hands{h, f, l.Resolver(send, h.Input.LEDs)}
}
