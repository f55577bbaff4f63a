package main

import (
	"os"
	"strings"
	"sync"

	"govm-desktop/chardev"
	"govm-desktop/chardev/mux"
	"govm-desktop/chardev/stdio"
	"govm-desktop/cmd/govm-desktop/options"
	"govm-desktop/machine"
)

// streams opens the byte streams that options name, and closes them at the end.
type streams struct {
	byID   map[string]chardev.Stream
	open   []chardev.Stream
	stdio  string              // the option that uses standard input
	mux    *mux.Mux            // on standard input
	muxes  map[string]*mux.Mux // of -chardev …,mux=on
	quit   func()
	escape byte                                        // of shared streams
	save   func() string                               // what Ctrl-A s does, and its answer
	vc     func(*options.Opts) (chardev.Stream, error) // opens a text console

	changing  sync.Mutex // held by monitors that add and remove streams
	directory directory
}

func newStreams(quit func()) *streams {
	return &streams{byID: map[string]chardev.Stream{}, muxes: map[string]*mux.Mux{}, quit: quit}
}

func (s *streams) keep(c chardev.Stream) chardev.Stream {
	s.open = append(s.open, c)
	return c
}

// close gives everything back, the terminal's modes above all.
func (s *streams) close() {
	for i := len(s.open) - 1; i >= 0; i-- {
		s.open[i].Close()
	}
}

// chardev opens what -chardev describes.
func (s *streams) chardev(arg string) error {
	k := options.Parse("-chardev", arg, "backend")
	id := k.Str("id", "")
	if id == "" {
		return k.Fail("needs id=ID")
	}
	if s.byID[id] != nil {
		return k.Fail("id %q is there already", id)
	}
	c, err := s.backend(k)
	if err != nil {
		return err
	}
	s.byID[id] = s.keep(c)
	s.directory.note("-chardev", arg, c)
	share, err := k.Bool("mux", false)
	if err != nil {
		return err
	}
	if share {
		s.muxes[id] = mux.New(c, s.quit)
		s.prepare(s.muxes[id])
	}
	return k.Rest()
}

// terminal opens standard input and output, once.
func (s *streams) terminal(option string, signals bool) (chardev.Stream, error) {
	if s.stdio != "" {
		return nil, &machine.ConfigError{Option: option, Value: "stdio", Reason: "in use by " + s.stdio + " (mon:stdio shares it)"}
	}
	s.stdio = option
	c, err := stdio.Open(os.Stdin, os.Stdout, signals)
	if err != nil {
		return nil, &machine.ConfigError{Option: option, Value: "stdio", Reason: err.Error()}
	}
	return c, nil
}

// shared is one more stream on the terminal, switched by Ctrl-A c.
func (s *streams) shared(option string) (chardev.Stream, error) {
	if s.mux == nil {
		c, err := s.terminal(option, false)
		if err != nil {
			return nil, err
		}
		s.mux = mux.New(s.keep(c), s.quit)
		s.prepare(s.mux)
	}
	return s.keep(s.mux.Stream()), nil
}

// device opens what -serial, -monitor, -qmp and -debugcon name; nil: none.
func (s *streams) device(option, arg string) (chardev.Stream, error) {
	c, err := s.find(option, arg)
	if err == nil && c != nil {
		s.directory.note(option, arg, c)
	}
	return c, err
}

func (s *streams) find(option, arg string) (chardev.Stream, error) {
	kind, rest, _ := strings.Cut(arg, ":")
	switch {
	case kind == "none":
		return nil, nil
	case kind == "mon" && rest == "stdio":
		return s.shared(option)
	case kind == "mon":
		return nil, &machine.ConfigError{Option: option, Value: arg, Reason: "only mon:stdio is there (any other: -chardev …,mux=on and chardev:ID for both)"}
	case kind == "chardev":
		return s.named(option, arg, rest)
	}
	k, err := shortForm(option, arg)
	if err != nil {
		return nil, err
	}
	return s.kept(k)
}

// named is the stream of a -chardev. One with mux=on has another for each who asks.
func (s *streams) named(option, arg, id string) (chardev.Stream, error) {
	if m := s.muxes[id]; m != nil {
		return s.keep(m.Stream()), nil
	}
	c := s.byID[id]
	if c == nil {
		return nil, &machine.ConfigError{Option: option, Value: arg, Reason: "no -chardev has this id"}
	}
	return c, nil
}

// start lets those read that share a stream, once all are there.
func (s *streams) start() {
	if s.mux != nil {
		s.mux.Start()
	}
	for _, m := range s.muxes {
		m.Start()
	}
}

// startShared is start for one that came later.
func (s *streams) startShared(id string) {
	if m := s.muxes[id]; m != nil {
		m.Start()
	}
}

// gdbStream opens what -gdb names: a socket is a server that does not hold the machine up.
func (s *streams) gdbStream(option, arg string) (chardev.Stream, error) {
	kind, _, _ := strings.Cut(arg, ":")
	if kind != "tcp" && kind != "unix" {
		return s.device(option, arg)
	}
	k, err := shortForm(option, arg)
	if err != nil {
		return nil, err
	}
	for _, d := range []options.Pair{{Key: "server", Value: "on"}, {Key: "wait", Value: "off"}} {
		if _, given := k.Get(d.Key); !given {
			k.Pairs = append(k.Pairs, d)
		}
	}
	return s.kept(k)
}

func (s *streams) kept(k *options.Opts) (chardev.Stream, error) {
	c, err := s.backend(k)
	if err != nil {
		return nil, err
	}
	return s.keep(c), k.Rest()
}
