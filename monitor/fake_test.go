package monitor_test

import (
	"errors"
	"io"
	"strings"
	"sync"
	"time"

	"govm-desktop/input"
	"govm-desktop/monitor"
	"govm-desktop/x86"
)

// fake is a machine that writes down what is asked of it.
type fake struct {
	mu     sync.Mutex
	log    []string
	status string
}

func (f *fake) say(s string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.log = append(f.log, s)
}

func (f *fake) said() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.log, " ")
}

func (f *fake) Name() string       { return "test" }
func (f *fake) UUID() string       { return "00000000-0000-0000-0000-000000000000" }
func (f *fake) Version() string    { return "1" }
func (f *fake) Status() string     { return f.status }
func (f *fake) Cont() error        { f.say("cont"); return nil }
func (f *fake) Stop()              { f.say("stop") }
func (f *fake) Reset()             { f.say("reset") }
func (f *fake) PowerDown()         { f.say("powerdown") }
func (f *fake) Wakeup()            { f.say("wakeup") }
func (f *fake) Quit()              { f.say("quit") }
func (f *fake) KeyNames() []string { return []string{"a", "ctrl"} }
func (f *fake) CPUs() int          { return 1 }

func (f *fake) Key(name string, down bool) bool {
	if name == "nokey" {
		return false
	}
	if down {
		f.say("+" + name)
	} else {
		f.say("-" + name)
	}
	return true
}

func (f *fake) Pointer(e input.Event) {
	if e.Kind == input.Rel && e.X == 3 && e.Y == -4 {
		f.say("move")
	}
}

func (f *fake) Screendump(w io.Writer, format string) error {
	_, err := io.WriteString(w, "picture as "+format)
	return err
}

func (f *fake) Registers(int) (x86.State, error) { return x86.Reset(true), nil }

func (f *fake) Blocks() []monitor.Block {
	return []monitor.Block{{Device: "ide0-hd0", File: "a.img", Format: "raw"}, {Device: "ide1-cd0", Removable: true}}
}

func (f *fake) Eject(device string, force bool) error {
	if device != "ide1-cd0" {
		return errors.New("no such drive")
	}
	f.say("eject")
	return nil
}

func (f *fake) Change(device, file, _ string) error {
	f.say("change " + device + " " + file)
	return nil
}
func (f *fake) VNC() []monitor.VNCInfo {
	return []monitor.VNCInfo{{ID: "default", Host: "127.0.0.1", Service: "5900", Auth: "vnc", Clients: []monitor.VNCClient{{Address: "127.0.0.1:4711", ViewOnly: true}}}}
}

func (f *fake) SetVNCPassword(id, password, connected string) error {
	f.say("password " + id + "/" + password + "/" + connected)
	return nil
}

func (f *fake) ExpireVNCPassword(id string, at time.Time) error {
	if at.IsZero() {
		f.say("never")
	} else {
		f.say("expires")
	}
	return nil
}

func (f *fake) Inspect(w io.Writer, device string) bool {
	io.WriteString(w, device+"\n")
	return device == "pci"
}
