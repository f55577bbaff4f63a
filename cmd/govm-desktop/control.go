package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"govm-desktop/block"
	"govm-desktop/chardev"
	"govm-desktop/display/shot"
	"govm-desktop/input"
	"govm-desktop/monitor"
	"govm-desktop/monitor/hmp"
	"govm-desktop/x86"
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
func (c *control) Wakeup()            { c.p.pc.RequestWakeup() }
func (c *control) Quit()              { c.p.pc.Quit("host-qmp-quit") }
func (c *control) KeyNames() []string { return c.p.keys.Names() }
func (c *control) CPUs() int          { return c.p.pc.CPUs() }

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

// shotWait is how long a screenshot may take; the first one of a big screen takes some milliseconds.
const shotWait = 5 * time.Second

func (c *control) Screendump(w io.Writer, format string) error {
	ctx, cancel := context.WithTimeout(context.Background(), shotWait)
	defer cancel()
	f, err := shot.Grab(ctx, c.p.pc.Screen())
	if err != nil {
		return err
	}
	defer f.Release()
	return shot.Write(w, f, format)
}

func (c *control) Registers(cpu int) (s x86.State, err error) {
	err = c.p.pc.State(cpu, &s)
	return s, err
}

func (c *control) Inspect(w io.Writer, device string) bool { return c.p.pc.Inspect(w, device) }

var errNoDrive = errors.New("no such drive with removable media (info block lists the drives)")

func (c *control) Blocks() []monitor.Block {
	var out []monitor.Block
	for i, d := range c.p.drives {
		if d == nil {
			continue
		}
		b := monitor.Block{Device: d.ID, Removable: d.CD, File: c.p.fileOf(i), Format: "raw"}
		if d.Disk != nil {
			b.ReadOnly = block.IsReadOnly(d.Disk)
		}
		if d.CD {
			b.TrayOpen, b.Locked = c.p.pc.Drive(i).TrayOpen()
		}
		out = append(out, b)
	}
	return append(out, c.p.looseBlocks()...)
}

// drive finds a CD drive by name.
func (c *control) drive(name string) (int, error) {
	for i, d := range c.p.drives {
		if d != nil && d.ID == name && d.CD {
			return i, nil
		}
	}
	return 0, errNoDrive
}

func (c *control) Eject(device string, force bool) error {
	if l := c.p.looseDrive(device); l != nil {
		return c.p.exchange(l, nil, "", force)
	}
	i, err := c.drive(device)
	if err != nil {
		return err
	}
	return c.p.swap(i, nil, "", force)
}

func (c *control) Change(device, file, format string) error {
	if format != "" && format != "raw" {
		return fmt.Errorf("format %s: raw is there", format)
	}
	if l := c.p.looseDrive(device); l != nil {
		d, err := (&driveSpec{file: file, cd: l.cd, readonly: l.readonly, snapshot: l.snapshot}).open(c.p.s.snapshot)
		if err != nil {
			return err
		}
		return c.p.exchange(l, d, file, false)
	}
	i, err := c.drive(device)
	if err != nil {
		return err
	}
	d, err := (&driveSpec{file: file, cd: true}).open(false)
	if err != nil {
		return err
	}
	return c.p.swap(i, d, file, false)
}

// media guards what is in the CD drives.
type media struct {
	mu    sync.Mutex
	files [4]string
	disks [4]block.Disk // put in by the monitor: ours to close
}

func (p *program) fileOf(i int) string {
	p.media.mu.Lock()
	defer p.media.mu.Unlock()
	return p.media.files[i]
}

// swap puts another medium in a drive, or takes the one there out (nil). The old one is closed, if it came from here.
func (p *program) swap(i int, d block.Disk, file string, force bool) error {
	p.media.mu.Lock()
	defer p.media.mu.Unlock()
	drive := p.pc.Drive(i)
	if _, err := drive.Eject(force); err != nil {
		if d != nil {
			d.Close()
		}
		return err
	}
	if d != nil {
		if _, err := drive.SetMedium(d); err != nil {
			d.Close()
			return err
		}
	}
	if old := p.media.disks[i]; old != nil {
		old.Close()
	}
	p.media.files[i], p.media.disks[i] = file, d
	return nil
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
