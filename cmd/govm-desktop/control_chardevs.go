package main

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"govm-desktop/chardev"
	"govm-desktop/chardev/ringbuf"
	"govm-desktop/cmd/govm-desktop/options"
	"govm-desktop/monitor"
)

// directory is what streams there are, for the monitor.
type directory struct {
	mu  sync.Mutex // guards everything below
	all []listed
}

type listed struct {
	label, filename string
	stream          chardev.Stream
	used            bool // something of the machine's, or a monitor, has it
}

// note lists what an option has opened. Labels are QEMU's: serial0, parallel0, compat_monitor0, a -chardev's id.
func (d *directory) note(option, arg string, c chardev.Stream) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if id, ok := strings.CutPrefix(arg, "chardev:"); ok {
		for i := range d.all {
			d.all[i].used = d.all[i].used || d.all[i].label == id
		}
		return
	}
	if option == "-chardev" {
		d.all = append(d.all, listed{label: options.Parse(option, arg, "backend").ID(), filename: filename(arg), stream: c})
		return
	}
	kind := map[string]string{"-serial": "serial", "-parallel": "parallel", "-monitor": "compat_monitor", "-qmp": "compat_monitor", "-qmp-pretty": "compat_monitor"}[option]
	if kind == "" {
		kind = strings.TrimLeft(option, "-")
	}
	n := 0
	for _, l := range d.all {
		if strings.HasPrefix(l.label, kind) {
			n++
		}
	}
	d.all = append(d.all, listed{fmt.Sprintf("%s%d", kind, n), filename(arg), c, true})
}

// filename is how a stream is shown: as it was asked for, without what is no part of its address.
func filename(arg string) string {
	if !strings.Contains(arg, "id=") {
		return arg
	}
	o := options.Parse("", arg, "backend")
	kind := o.Str("backend", "")
	rest := slices.DeleteFunc(slices.Clone(o.Pairs), func(p options.Pair) bool { return p.Key == "id" || p.Key == "backend" })
	if len(rest) == 0 {
		return kind
	}
	return kind + ":" + options.Of("", rest...).String()
}

// find is a stream by its label; nil: there is none.
func (d *directory) find(label string) *listed {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, l := range d.all {
		if l.label == label {
			return &l
		}
	}
	return nil
}

// chardevControl is the monitor's hand on the streams.
type chardevControl struct{ p *program }

// Chardevs implements monitor.Control.
func (c *control) Chardevs() monitor.Chardevs { return chardevControl{c.p} }

// List implements monitor.Chardevs, as do the methods below.
func (c chardevControl) List() (all []monitor.Chardev) {
	d := &c.p.streams.directory
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, l := range d.all {
		all = append(all, monitor.Chardev{Label: l.label, Filename: l.filename, FrontendOpen: l.used})
	}
	return all
}

func (c chardevControl) Backends() (names []string) {
	for _, k := range chardevKinds() {
		names = append(names, k.Name)
	}
	return names
}

func (c chardevControl) Add(id, kind string, properties [][2]string) (pty string, err error) {
	pairs := []options.Pair{{Key: "backend", Value: kind}, {Key: "id", Value: id}}
	for _, p := range properties {
		pairs = append(pairs, options.Pair{Key: p[0], Value: p[1]})
	}
	o := options.Of("chardev-add", pairs...)
	if err := table().Check("chardev", o); err != nil {
		return "", err
	}
	c.p.streams.changing.Lock()
	defer c.p.streams.changing.Unlock()
	if c.p.streams.directory.find(id) != nil {
		return "", monitor.Errorf(monitor.GenericError, "Chardev with id '%s' already exists", id)
	}
	if err := c.p.streams.chardev(o.Text); err != nil {
		return "", err
	}
	c.p.streams.startShared(id)
	if t, ok := c.p.streams.byID[id].(interface{ Path() string }); ok {
		return t.Path(), nil
	}
	return "", nil
}

// Change works on a stream that nobody has yet: whoever reads one that is in use holds it for good.
func (c chardevControl) Change(id, kind string, properties [][2]string) (pty string, err error) {
	if err := c.Remove(id); err != nil {
		return "", err
	}
	return c.Add(id, kind, properties)
}

func (c chardevControl) Remove(id string) error {
	s := c.p.streams
	s.changing.Lock()
	defer s.changing.Unlock()
	d := &s.directory
	d.mu.Lock()
	defer d.mu.Unlock()
	i := slices.IndexFunc(d.all, func(l listed) bool { return l.label == id })
	switch {
	case i < 0:
		return monitor.Errorf(monitor.GenericError, "Chardev '%s' not found", id)
	case d.all[i].used || s.byID[id] == nil:
		return monitor.Errorf(monitor.GenericError, "Chardev '%s' is busy", id)
	}
	err := d.all[i].stream.Close()
	d.all = slices.Delete(d.all, i, i+1)
	delete(s.byID, id)
	delete(s.muxes, id)
	return err
}

// SendBreak reaches the serial port that has the stream.
func (c chardevControl) SendBreak(id string) error {
	l := c.p.streams.directory.find(id)
	for i, s := range c.p.serials {
		if s != nil && l != nil && s == l.stream {
			c.p.pc.Break(i)
			return nil
		}
	}
	return nil // as in QEMU: what is no serial port takes no notice
}

func (c chardevControl) ring(id string) (*ringbuf.Stream, error) {
	if l := c.p.streams.directory.find(id); l != nil {
		if r, ok := l.stream.(*ringbuf.Stream); ok {
			return r, nil
		}
	}
	return nil, monitor.Errorf(monitor.GenericError, "%s is not a ringbuf device", id)
}

func (c chardevControl) RingRead(id string, size int) ([]byte, error) {
	r, err := c.ring(id)
	if err != nil {
		return nil, err
	}
	return r.Take(size), nil
}

func (c chardevControl) RingWrite(id string, data []byte) error {
	r, err := c.ring(id)
	if err == nil {
		_, err = r.Write(data)
	}
	return err
}
