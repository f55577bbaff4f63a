// Package sdl shows a machine in a window of SDL 2, by github.com/veandco/go-sdl2. It is in the program with the build tag sdl alone, since it takes cgo
// and libsdl2. How the window behaves is display/window's matter: here SDL's events become its calls, and what it wants is asked of SDL.
//
// Painted is the window's own surface (shared memory under X11), and only what has changed is sent to the screen: for a picture that the processor draws
// anyway that takes less than a texture, which has to be presented whole. SDL belongs to one thread: New and Run are to be called on the same, locked one,
// and on macOS that has to be the main thread.
package sdl

import (
	"govm-desktop/display/window"
	"govm-desktop/input/keycodemap"
)

// Config is a window's with the table of keys. Its Wake is set by New.
type Config struct {
	window.Config
	Keys *keycodemap.Map
}
