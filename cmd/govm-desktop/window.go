package main

import (
	"fmt"
	"os"
	"runtime"

	"govm-desktop/cmd/govm-desktop/options"
	"govm-desktop/display"
	"govm-desktop/display/sdl"
	"govm-desktop/display/window"
	"govm-desktop/machine"
)

// windowSettings are what the options say of the window.
type windowSettings struct {
	grab       window.GrabKey
	showCursor bool
	fullScreen bool
	noClose    bool
}

// userInterface is a display that needs the program's main thread.
type userInterface interface {
	Run()
	Quit() // ends Run; from any goroutine
	SetStatus(string)
}

// windowOptions are those of the window and of the terminal.
func windowOptions() []option {
	const part = "Display"
	display := func(name string) func(*settings, *options.Opts) error {
		return func(s *settings, _ *options.Opts) error { s.display = name; return nil }
	}
	grab := func(name string) func(*settings, *options.Opts) error {
		return func(s *settings, _ *options.Opts) (err error) {
			s.window.grab, err = window.ParseGrabKey(name)
			return err
		}
	}
	return []option{
		{Name: "sdl", Part: part, Help: "the same as -display sdl", Set: display("sdl")},
		{Name: "curses", Part: part, Help: "the same as -display curses", Set: display("curses")},
		{Name: "full-screen", Part: part, Help: "the window begins as the full screen", Set: flag(func(s *settings) *bool { return &s.window.fullScreen })},
		{Name: "alt-grab", Part: part, Help: "Ctrl-Alt-Shift begins the window's commands, in place of Ctrl-Alt", Set: grab("lshift-lctrl-lalt")},
		{Name: "ctrl-grab", Part: part, Help: "the right Ctrl key begins the window's commands, in place of Ctrl-Alt", Set: grab("rctrl")},
		{Name: "no-quit", Part: part, Help: "closing the window does not end the machine", Set: flag(func(s *settings) *bool { return &s.window.noClose })},
	}
}

// sdlDisplay is -display sdl.
func sdlDisplay() displayKind {
	onOff := func(name, help string) options.Key { return options.Key{Name: name, Type: options.Bool, Help: help} }
	return displayKind{options.Kind{Name: "sdl", Help: "a window on the desktop", Keys: []options.Key{
		{Name: "grab-mod", Values: []string{"lctrl-lalt", "lshift-lctrl-lalt", "rctrl"}, Help: "what begins the window's commands"}, onOff("show-cursor", "the desktop's pointer is seen over the guest too"),
		onOff("window-close", "closing the window ends the machine (on)"), onOff("full-screen", "begin as the full screen"), onOff("alt_grab", "-alt-grab"), onOff("ctrl_grab", "-ctrl-grab"),
	}}, (*settings).sdl}
}

func (s *settings) sdl(o *options.Opts) error {
	w := &s.window
	s.display = "sdl"
	grab, alone := o.Get("grab-mod")
	for name, value := range map[string]string{"alt_grab": "lshift-lctrl-lalt", "ctrl_grab": "rctrl"} {
		if on, err := o.Bool(name, false); err != nil {
			return err
		} else if on {
			grab, alone = value, true
		}
	}
	var err error
	if alone {
		if w.grab, err = window.ParseGrabKey(grab); err != nil {
			return o.Fail("%v", err)
		}
	}
	if w.showCursor, err = o.Bool("show-cursor", w.showCursor); err != nil {
		return err
	}
	if w.fullScreen, err = o.Bool("full-screen", w.fullScreen); err != nil {
		return err
	}
	closes, err := o.Bool("window-close", !w.noClose)
	w.noClose = !closes
	return err
}

// takeMainThread keeps the calling goroutine, the program's first, on its thread where a window may be opened.
func takeMainThread() {
	if sdl.Built {
		runtime.LockOSThread()
	}
}

// chooseDisplay decides what shows the screen where nobody has said: a window on a desktop, else VNC.
func (s *settings) chooseDisplay() {
	if s.display != "" || s.nographic || s.vga != "std" || s.nodefaults || s.wantsScreen() {
		return
	}
	s.display = "vnc"
	if sdl.Built && (os.Getenv("DISPLAY") != "" || os.Getenv("WAYLAND_DISPLAY") != "") {
		s.display = "sdl"
	}
	s.displayChosen = true
}

// interactive reports whether a display shows text consoles too.
func (s *settings) interactive() bool { return s.display == "sdl" || s.display == "curses" }

// window opens the display that the program's main thread serves.
func (p *program) window() error {
	var err error
	switch p.s.display {
	case "sdl":
		if err = p.sdl(); err != nil && p.s.displayChosen {
			fmt.Fprintf(os.Stderr, "govm-desktop: %v\n", err)
			return p.oneVNC(defaultVNC)
		}
	case "curses":
		err = p.curses()
	}
	if err != nil {
		return &machine.ConfigError{Option: "-display", Value: p.s.display, Reason: err.Error()}
	}
	if p.s.window.fullScreen && p.s.display != "sdl" && !p.s.displayChosen {
		return &machine.ConfigError{Option: "-full-screen", Reason: "makes sense with -display sdl alone"}
	}
	return nil
}

// sdlUI is SDL's window as the program sees it.
type sdlUI struct{ *sdl.UI }

func (u sdlUI) SetStatus(s string) { u.Post(func(w *window.Window) { w.SetStatus(s) }) }

func (p *program) sdl() error {
	o := p.s.window
	if o.grab.String() == "" {
		o.grab, _ = window.ParseGrabKey("")
	}
	cfg := sdl.Config{Config: window.Config{Name: p.s.name, Heads: p.heads(), GrabKey: o.grab, ShowCursor: o.showCursor, FullScreen: o.fullScreen}, Keys: p.keys}
	if !o.noClose {
		cfg.Close = func() { p.pc.Quit("host-ui") }
	}
	ui, err := sdl.New(cfg)
	if err != nil {
		return err
	}
	p.ui = sdlUI{ui}
	return nil
}

// heads are what a display shows by turns: the guest's screen, the monitors, the serial ports, others.
func (p *program) heads() []*display.Head {
	all := []*display.Head{{Name: "VGA", Screen: p.pc.Screen(), Input: p.input}}
	return append(all, p.consoles.heads()...)
}

// serveUI runs the machine while the display has the main thread.
func (p *program) serveUI(stopped bool) error {
	if p.ui == nil {
		return p.run(stopped)
	}
	result := make(chan error, 1)
	go func() {
		err := p.run(stopped)
		p.ui.Quit()
		result <- err
	}()
	p.showStatus()
	p.ui.Run()
	p.ui = nil
	return <-result
}

// showStatus tells the display how the machine is.
func (p *program) showStatus() {
	if p.ui == nil {
		return
	}
	text := map[machine.Status]string{machine.Paused: "Paused", machine.Debugging: "Paused", machine.Suspended: "Asleep", machine.ShutDown: "Switched off",
		machine.InternalError: "Stopped by an error"}[p.pc.Status()]
	p.ui.SetStatus(text)
}
