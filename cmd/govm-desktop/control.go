package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"govm-desktop/chardev"
	"govm-desktop/display"
	"govm-desktop/display/shot"
	"govm-desktop/input"
	"govm-desktop/machine"
	"govm-desktop/monitor"
	"govm-desktop/monitor/hmp"
)

// control is the program as the monitor sees it.
type control struct{ p *program }

// Name implements monitor.Control, as do the methods below.
func (c *control) Name() string { return c.p.s.name }

func (c *control) UUID() string {
	u := c.p.s.uuid
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[0:4], u[4:6], u[6:8], u[8:10], u[10:16])
}

func (c *control) Version() string    { return version() }
func (c *control) Status() string     { return string(c.p.pc.Status()) }
func (c *control) Cont() error        { return c.p.pc.Cont() }
func (c *control) Stop()              { c.p.pc.Stop() }
func (c *control) Reset()             { c.p.pc.RequestReset(false, "host-qmp-system-reset") }
func (c *control) PowerDown()         { c.p.pc.Machine.PowerButton() }
func (c *control) NMI()               { c.p.pc.NMI() }
func (c *control) Quit()              { c.p.pc.Quit("host-qmp-quit") }
func (c *control) KeyNames() []string { return c.p.keys.Names() }
func (c *control) CPUs() int          { return c.p.pc.CPUs() }

func (c *control) Wakeup() error {
	if c.p.pc.Status() != machine.Suspended {
		return errors.New("unable to wake up: guest is not in suspended state")
	}
	c.p.pc.RequestWakeup()
	return nil
}

func (c *control) SetAction(reboot, shutdown string) {
	noReboot, noShutdown := c.p.pc.Actions()
	if reboot != "" {
		noReboot = reboot == "shutdown"
	}
	if shutdown != "" {
		noShutdown = shutdown == "pause"
	}
	c.p.pc.SetActions(noReboot, noShutdown)
}

func (c *control) SetBootOrder(order string) error {
	if err := c.p.pc.SetBootOrder(order); err != nil {
		return fmt.Errorf("invalid boot device '%s': %w", order, err)
	}
	return nil
}

// Key presses or releases a key by name, or by number ("0x1e": QEMU's qnum).
func (c *control) Key(name string, down bool) bool {
	code, ok := c.p.keys.ByName(name)
	if !ok {
		digits, hex := strings.CutPrefix(name, "0x")
		q, err := strconv.ParseUint(digits, 16, 16)
		if err != nil || !hex {
			return false
		}
		if code, ok = c.p.keys.ByQnum(uint32(q)); !ok {
			return false
		}
	}
	c.p.input.Send(input.Event{Kind: input.Key, Code: code, Down: down})
	return true
}

func (c *control) Pointer(e input.Event) { c.p.input.Send(e) }

func (c *control) Mice() (all []monitor.Mouse) {
	for _, p := range c.p.input.Pointers() {
		all = append(all, monitor.Mouse{Name: p.Name, Index: p.Index, Current: p.Active, Absolute: p.Absolute})
	}
	return all
}

func (c *control) UseMouse(index int) error {
	if !c.p.input.Choose(index) {
		return fmt.Errorf("mouse at index '%d' not found", index)
	}
	return nil
}

// shotWait is how long a screenshot may take; the first one of a big screen takes some milliseconds.
const shotWait = 5 * time.Second

func (c *control) Screendump(w io.Writer, format, device string, head int) error {
	screen := c.p.pc.Screen()
	if device != "" {
		i := slices.IndexFunc(c.p.heads(), func(h *display.Head) bool { return strings.EqualFold(h.Name, device) })
		switch {
		case i < 0:
			return &monitor.Error{Class: monitor.DeviceNotFound, Desc: fmt.Sprintf("Device '%s' not found", device)}
		case head != 0:
			return fmt.Errorf("there is no head %d of device '%s': it has one", head, device)
		}
		screen = c.p.heads()[i].Screen
	}
	ctx, cancel := context.WithTimeout(context.Background(), shotWait)
	defer cancel()
	f, err := shot.Grab(ctx, screen)
	if err != nil {
		return err
	}
	defer f.Release()
	return shot.Write(w, f, format)
}

func (c *control) ScreenNames() (names []string) {
	for _, h := range c.p.heads() {
		names = append(names, h.Name)
	}
	return names
}

func (c *control) DisplayType() string {
	if c.p.ui != nil {
		return c.p.s.display
	}
	return "none"
}

// serve runs a monitor on a stream: where clients come and go, anew for each.
func (p *program) serve(c chardev.Stream, f func(io.ReadWriter) error) {
	calls, ok := c.(chardev.Caller)
	if !ok {
		go p.talk(c, f)
		return
	}
	go func() {
		for rw := calls.Next(); rw != nil; rw = calls.Next() {
			p.talk(rw, f)
			rw.Close()
		}
	}()
}

func (p *program) talk(rw io.ReadWriter, f func(io.ReadWriter) error) {
	if err := f(rw); err != nil && !closed(err) {
		p.log.Warn("monitor", "err", err)
	}
}

// closed reports whether a stream ended because we closed it.
func closed(err error) bool {
	return errors.Is(err, io.ErrClosedPipe) || errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrClosed)
}

func (p *program) hmp(rw io.ReadWriter) error { return hmp.Serve(p.table, &control{p}, rw) }

// vncHostPort is an address in two parts.
func vncHostPort(a net.Addr) (host, port string) {
	if h, p, err := net.SplitHostPort(a.String()); err == nil {
		return h, p
	}
	return a.String(), ""
}
