package main

import (
	"os"
	"strings"
	"time"

	"govm-desktop/chardev"
	"govm-desktop/chardev/file"
	"govm-desktop/chardev/mux"
	"govm-desktop/chardev/null"
	"govm-desktop/chardev/socket"
	"govm-desktop/chardev/stdio"
	"govm-desktop/cmd/govm-desktop/options"
	"govm-desktop/machine"
)

// streams opens the byte streams that options name, and closes them at the end.
type streams struct {
	byID  map[string]chardev.Stream
	open  []chardev.Stream
	stdio string // the option that uses standard input
	mux   *mux.Mux
	quit  func()
	vc    func(*options.Opts) (chardev.Stream, error) // opens a text console
}

func newStreams(quit func()) *streams { return &streams{byID: map[string]chardev.Stream{}, quit: quit} }

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
	if err := k.Rest(); err != nil {
		return err
	}
	s.byID[id] = s.keep(c)
	return nil
}

func (s *streams) backend(k *options.Opts) (chardev.Stream, error) {
	switch b := k.Str("backend", ""); b {
	case "null":
		return null.New(), nil
	case "stdio":
		signals, err := k.Bool("signal", true)
		if err != nil {
			return nil, err
		}
		return s.terminal(k.Option, signals)
	case "file":
		add, err := k.Bool("append", false)
		if err != nil {
			return nil, err
		}
		f, err := file.Open(k.Str("path", ""), add)
		if err != nil {
			return nil, k.Fail("%v", err)
		}
		return f, nil
	case "socket":
		return s.socket(k)
	case "vc":
		return s.vc(k)
	default:
		return nil, k.Fail("unknown backend %q: stdio, file, null, socket and vc are there", b)
	}
}

func (s *streams) socket(k *options.Opts) (chardev.Stream, error) {
	var o socket.Options
	var err error
	if o.Server, err = k.Bool("server", false); err != nil {
		return nil, err
	}
	if o.Wait, err = k.Bool("wait", o.Server); err != nil {
		return nil, err
	}
	if o.NoDelay, err = k.Bool("nodelay", true); err != nil {
		return nil, err
	}
	seconds, err := k.Number("reconnect", 0)
	if err != nil {
		return nil, err
	}
	o.Reconnect = time.Duration(min(max(seconds, 0), 86400)) * time.Second
	o.Network, o.Address = "unix", k.Str("path", "")
	if o.Address == "" {
		o.Network, o.Address = "tcp", k.Str("host", "")+":"+k.Str("port", "")
	}
	c, err := socket.Open(o)
	if err != nil {
		return nil, k.Fail("%v", err)
	}
	return c, nil
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
	}
	return s.keep(s.mux.Stream()), nil
}

// device opens what -serial, -monitor, -qmp and -debugcon name; nil: none.
func (s *streams) device(option, arg string) (chardev.Stream, error) {
	kind, rest, _ := strings.Cut(arg, ":")
	switch kind {
	case "none":
		return nil, nil
	case "mon":
		if rest != "stdio" {
			return nil, &machine.ConfigError{Option: option, Value: arg, Reason: "only mon:stdio is there"}
		}
		return s.shared(option)
	case "chardev":
		c := s.byID[rest]
		if c == nil {
			return nil, &machine.ConfigError{Option: option, Value: arg, Reason: "no -chardev has this id"}
		}
		return c, nil
	case "null", "stdio":
		return s.kept(options.Parse(option, arg, "backend"))
	case "file":
		k := options.Parse(option, rest, "path")
		k.Pairs = append(k.Pairs, options.Pair{Key: "backend", Value: "file"})
		return s.kept(k)
	case "unix", "tcp":
		return s.kept(socketArg(option, kind, rest))
	case "vc":
		k, err := vcArg(option, rest)
		if err != nil {
			return nil, err
		}
		return s.kept(k)
	}
	return nil, &machine.ConfigError{Option: option, Value: arg, Reason: "stdio, vc, file:PATH, null, none, tcp:HOST:PORT, unix:PATH, chardev:ID or mon:stdio belongs there"}
}

// gdbStream opens what -gdb names: a socket is a server that does not hold the machine up.
func (s *streams) gdbStream(option, arg string) (chardev.Stream, error) {
	kind, rest, _ := strings.Cut(arg, ":")
	if kind != "tcp" && kind != "unix" {
		return s.device(option, arg)
	}
	k := socketArg(option, kind, rest)
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

// socketArg turns "HOST:PORT,server" and "PATH,server" into -chardev's form.
func socketArg(option, kind, rest string) *options.Opts {
	k := options.Parse(option, rest, "path")
	k.Text = kind + ":" + rest
	k.Pairs = append(k.Pairs, options.Pair{Key: "backend", Value: "socket"})
	if kind == "tcp" && len(k.Pairs) > 0 {
		at := k.Pairs[0].Value
		i := strings.LastIndexByte(at, ':')
		if i < 0 {
			i = len(at)
		}
		k.Pairs[0] = options.Pair{Key: "host", Value: at[:i]}
		k.Pairs = append(k.Pairs, options.Pair{Key: "port", Value: strings.TrimPrefix(at[i:], ":")})
	}
	return k
}

// chardevKinds are the backends of -chardev.
func chardevKinds() []options.Kind {
	onOff := func(name, help string) options.Key { return options.Key{Name: name, Type: options.Bool, Help: help} }
	return []options.Kind{
		{Name: "null", Help: "nothing"},
		vcKind(),
		{Name: "stdio", Help: "standard input and output", Keys: []options.Key{onOff("signal", "Ctrl-C ends the program")}},
		{Name: "file", Help: "a file that output goes to", Keys: []options.Key{{Name: "path", Type: options.File}, onOff("append", "keep what is in it")}},
		{Name: "socket", Help: "TCP or a Unix socket", Keys: []options.Key{{Name: "path", Type: options.File, Help: "of a Unix socket"}, {Name: "host"}, {Name: "port"}, onOff("server", "wait for somebody to connect"),
			onOff("wait", "the guest starts when somebody is there"), onOff("nodelay", "no gathering of small packets"), {Name: "reconnect", Type: options.Number, Help: "seconds"}}},
	}
}
