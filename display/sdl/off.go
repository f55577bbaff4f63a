//go:build !sdl

package sdl

import (
	"errors"

	"govm-desktop/display/window"
)

// Built says whether SDL is in this program.
const Built = false

// UI is a window.
type UI struct{}

// New says what is missing.
func New(Config) (*UI, error) {
	return nil, errors.New("this program was built without SDL: install libsdl2-dev and run make, or use -vnc")
}

// Run does nothing, as do the methods below.
func (*UI) Run() {}

// Quit ends Run.
func (*UI) Quit() {}

// Post has f called by Run.
func (*UI) Post(func(*window.Window)) {}
