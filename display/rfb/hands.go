package rfb

import (
	"fmt"
	"log/slog"
	"time"

	"govm-desktop/display"
	"govm-desktop/input"
	"govm-desktop/input/keycodemap"
	"govm-desktop/input/layout"
)

// KeyMode says what is believed of clients' keys.
type KeyMode uint8

// Modes.
const (
	KeysAuto   KeyMode = iota // the place of a key, where the client says it and it is known; else its keysym
	KeysRaw                   // the place only
	KeysKeysym                // the keysym only
)

// hands are what one client holds down: it is let go when the client leaves. All of it is of one goroutine.
type hands struct {
	to     input.Sink // nil: the client only looks
	abs    func() bool
	keys   *keycodemap.Map
	screen *display.Screen

	mode KeyMode
	typ  *layout.Resolver // what is held down, too

	front *input.Front // nil: the router has none
	log   *slog.Logger

	buttons uint16
	x, y    int
	known   bool // x, y
}

func (h *hands) init(cfg *Config, l *layout.Layout) {
	h.keys, h.screen, h.mode, h.log = cfg.Keys, cfg.Screen, cfg.KeyMode, cfg.Log
	if cfg.Input == nil {
		return
	}
	h.to, h.abs = cfg.Input, cfg.Input.Absolute
	if r, ok := cfg.Input.(interface{ Front() *input.Front }); ok { // several clients may hold the same key
		h.front = r.Front()
		h.to = h.front
	}
	leds := cfg.Input.LEDs
	if cfg.NoLockSync {
		leds = func() input.LEDs { return cfg.Input.LEDs() &^ input.LEDCaps }
	}
	h.typ = l.Resolver(func(c input.Code, down bool) { h.send(input.Event{Kind: input.Key, Code: c, Down: down}) }, leds)
	h.typ.Settle = func() { time.Sleep(cfg.KeyDelay) }
	h.typ.Wait = func(shown func() bool) {
		for end := time.Now().Add(lightsLimit); !shown() && time.Now().Before(end); {
			time.Sleep(2 * time.Millisecond)
		}
	}
}

// lightsLimit is how long a guest may take to switch a light that a key has switched. It has switched it before, so only one that is in trouble takes
// that long.
const lightsLimit = 2 * time.Second

func (h *hands) send(e input.Event) { h.to.Send(e) }

// key is a key by its place on the keyboard, which needs no guessing; where the place is not known, by its keysym.
func (h *hands) key(sym, qnum uint32, down bool) {
	if h.to == nil {
		return
	}
	c, ok := h.keys.ByQnum(qnum)
	switch {
	case h.mode == KeysKeysym, (!ok || qnum == 0) && h.mode == KeysAuto:
		h.keysym(sym, down)
		return
	case !ok:
		h.log.Debug("a viewer's key is unknown", "number", qnum, "keysym", sym)
		return
	}
	h.typ.Set(c, down)
	h.screen.Hurry()
}

// keysym is a key by what the client's keyboard makes of it. It comes out as the guest's layout has it (see input/layout).
func (h *hands) keysym(sym uint32, down bool) {
	if h.to == nil || h.mode == KeysRaw {
		return
	}
	if !h.typ.Keysym(sym, down) && down {
		h.log.Debug("the guest's layout has no key for a viewer's keysym", "keysym", fmt.Sprintf("%#x", sym))
	}
	h.screen.Hurry()
}

// releaseAll lets go of everything.
func (h *hands) releaseAll() {
	if h.to == nil {
		return
	}
	h.typ.ReleaseAll()
	if h.buttons != 0 {
		h.press(0)
		h.send(input.Event{Kind: input.Sync})
	}
}
