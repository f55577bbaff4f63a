package main

import (
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"govm-desktop/chardev"
	"govm-desktop/chardev/file"
	"govm-desktop/chardev/null"
	"govm-desktop/chardev/pipe"
	"govm-desktop/chardev/pty"
	"govm-desktop/chardev/ringbuf"
	"govm-desktop/chardev/socket"
	"govm-desktop/chardev/telnet"
	"govm-desktop/chardev/tty"
	"govm-desktop/chardev/udp"
	"govm-desktop/chardev/websocket"
	"govm-desktop/cmd/govm-desktop/options"
	"govm-desktop/machine"
)

// backend opens the kind of stream that -chardev's first word names.
func (s *streams) backend(k *options.Opts) (c chardev.Stream, err error) {
	switch b := k.Str("backend", ""); b {
	case "null":
		return null.New(), nil
	case "stdio":
		signals, err := k.Bool("signal", true)
		if err != nil {
			return nil, err
		}
		return s.terminal(k.Option, signals)
	case "vc":
		return s.vc(k)
	case "pty":
		return s.pty(k)
	case "file":
		c, err = openFile(k)
	case "pipe":
		c, err = pipe.Open(k.Str("path", ""))
	case "serial", "tty":
		c, err = tty.Open(k.Str("path", ""))
	case "socket":
		c, err = openSocket(k)
	case "udp":
		c, err = openUDP(k)
	case "ringbuf", "memory":
		c, err = openRing(k)
	default:
		var names []string
		for _, kind := range chardevKinds() {
			names = append(names, kind.Name)
		}
		return nil, k.Fail("unknown backend %q: %s are there", b, strings.Join(names, ", "))
	}
	if err != nil {
		return nil, k.Fail("%v", err)
	}
	return c, nil
}

// pty makes a pseudo-terminal and says where it is.
func (s *streams) pty(k *options.Opts) (chardev.Stream, error) {
	c, err := pty.Open()
	if err != nil {
		return nil, k.Fail("%v", err)
	}
	label := k.Str("id", strings.TrimPrefix(k.Option, "-"))
	fmt.Fprintf(os.Stderr, "char device redirected to %s (label %s)\n", c.Path(), label)
	return c, nil
}

func openFile(k *options.Opts) (chardev.Stream, error) {
	add, err := k.Bool("append", false)
	if err != nil {
		return nil, err
	}
	return file.Open(k.Str("path", ""), add)
}

func openRing(k *options.Opts) (chardev.Stream, error) {
	size, err := k.Size("size", ringbuf.DefaultSize, 1)
	if err != nil {
		return nil, err
	}
	return ringbuf.New(int64(min(size, 1<<40)))
}

// network is "tcp" or "udp" with the family that ipv4= and ipv6= leave.
func network(k *options.Opts, kind string) (string, error) {
	four, err := k.Bool("ipv4", false)
	if err != nil {
		return "", err
	}
	six, err := k.Bool("ipv6", false)
	switch {
	case err != nil:
		return "", err
	case four && !six:
		return kind + "4", nil
	case six && !four:
		return kind + "6", nil
	}
	return kind, nil
}

func openUDP(k *options.Opts) (chardev.Stream, error) {
	n, err := network(k, "udp")
	if err != nil {
		return nil, err
	}
	local := ""
	if k.Has("localport") || k.Has("localaddr") {
		local = net.JoinHostPort(k.Str("localaddr", ""), k.Str("localport", "0"))
	}
	return udp.Open(n, net.JoinHostPort(k.Str("host", "localhost"), k.Str("port", "")), local)
}

func openSocket(k *options.Opts) (chardev.Stream, error) {
	var o socket.Options
	var tel, web bool
	for _, b := range []struct {
		name string
		to   *bool
		def  bool
	}{{"server", &o.Server, false}, {"wait", &o.Wait, true}, {"nodelay", &o.NoDelay, true}, {"telnet", &tel, false}, {"websocket", &web, false}} {
		v, err := k.Bool(b.name, b.def)
		if err != nil {
			return nil, err
		}
		*b.to = v
	}
	o.Wait = o.Wait && o.Server
	seconds, err := k.Number("reconnect", 0)
	if err != nil {
		return nil, err
	}
	o.Reconnect = time.Duration(min(max(seconds, 0), 86400)) * time.Second
	last, err := k.Number("to", 0)
	if err != nil {
		return nil, err
	}
	o.To = int(min(max(last, 0), 65535))
	switch {
	case tel && web, web && !o.Server:
		return nil, fmt.Errorf("telnet and websocket exclude each other, and websocket needs server=on")
	case web:
		o.Layer = websocket.Server
	case tel && o.Server:
		o.Layer = telnet.Server
	case tel:
		o.Layer = telnet.Client
	}
	o.Network, o.Address = "unix", k.Str("path", "")
	if o.Address == "" {
		if o.Network, err = network(k, "tcp"); err != nil {
			return nil, err
		}
		o.Address = net.JoinHostPort(strings.Trim(k.Str("host", ""), "[]"), k.Str("port", ""))
	}
	return socket.Open(o)
}

// shortForm turns what -serial and the like take into -chardev's form: "tcp:HOST:PORT,server", "pipe:PATH", "/dev/ttyS0" …
func shortForm(option, arg string) (*options.Opts, error) {
	kind, rest, _ := strings.Cut(arg, ":")
	with := func(first string, more ...options.Pair) *options.Opts {
		k := options.Parse(option, rest, first)
		k.Text = arg
		k.Pairs = append(k.Pairs, more...)
		return k
	}
	backend := func(name string) options.Pair { return options.Pair{Key: "backend", Value: name} }
	switch word, _, _ := strings.Cut(kind, ","); {
	case word == "vc":
		return vcArg(option, rest)
	case slices.Contains([]string{"null", "stdio", "pty"}, word):
		return options.Parse(option, arg, "backend"), nil
	case kind == "file" || kind == "pipe":
		return with("path", backend(kind)), nil
	case strings.HasPrefix(arg, "/dev/"):
		rest = arg
		return with("path", backend("serial")), nil
	case kind == "unix":
		return with("path", backend("socket")), nil
	case kind == "tcp":
		return address(with("host", backend("socket"))), nil
	case kind == "telnet" || kind == "websocket":
		return address(with("host", backend("socket"), options.Pair{Key: kind, Value: "on"})), nil
	case kind == "udp":
		return fromTo(with("host", backend("udp"))), nil
	}
	return nil, &machine.ConfigError{Option: option, Value: arg, Reason: "stdio, vc, pty, file:PATH, pipe:PATH, /dev/TTY, null, none, tcp:HOST:PORT, telnet:HOST:PORT, websocket:HOST:PORT, udp:HOST:PORT, unix:PATH, chardev:ID or mon:stdio belongs there"}
}

// address parts host=HOST:PORT into host= and port=.
func address(k *options.Opts) *options.Opts {
	if len(k.Pairs) == 0 || k.Pairs[0].Key != "host" {
		return k
	}
	host, port := split(k.Pairs[0].Value)
	k.Pairs[0].Value = host
	k.Pairs = append(k.Pairs, options.Pair{Key: "port", Value: port})
	return k
}

// fromTo is address for [HOST]:PORT@[ADDR]:PORT: where to send, and where from.
func fromTo(k *options.Opts) *options.Opts {
	if len(k.Pairs) == 0 || k.Pairs[0].Key != "host" {
		return k
	}
	to, from, both := strings.Cut(k.Pairs[0].Value, "@")
	k.Pairs[0].Value = to
	if both {
		host, port := split(from)
		k.Pairs = append(k.Pairs, options.Pair{Key: "localaddr", Value: host}, options.Pair{Key: "localport", Value: port})
	}
	if k = address(k); k.Pairs[0].Value == "" {
		k.Pairs[0].Value = "localhost"
	}
	return k
}

// split cuts HOST:PORT at the last colon.
func split(s string) (host, port string) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return s, ""
	}
	return strings.Trim(s[:i], "[]"), s[i+1:]
}

// chardevKinds are the backends of -chardev.
func chardevKinds() []options.Kind {
	onOff := func(name, help string) options.Key { return options.Key{Name: name, Type: options.Bool, Help: help} }
	share := onOff("mux", "several may use it: Ctrl-A c goes from one to the next")
	path := func(help string) options.Key { return options.Key{Name: "path", Type: options.File, Help: help} }
	host := []options.Key{{Name: "host"}, {Name: "port"}, onOff("ipv4", "over IPv4 alone"), onOff("ipv6", "over IPv6 alone")}
	kinds := []options.Kind{
		{Name: "null", Help: "nothing"},
		vcKind(),
		{Name: "stdio", Help: "standard input and output", Keys: []options.Key{onOff("signal", "Ctrl-C ends the program")}},
		{Name: "pty", Help: "a pseudo-terminal, whose name is printed"},
		{Name: "file", Help: "a file that output goes to", Keys: []options.Key{path(""), onOff("append", "keep what is in it")}},
		{Name: "pipe", Help: "named pipes PATH.in and PATH.out, or PATH for both", Keys: []options.Key{path("")}},
		{Name: "serial", Help: "a serial port of the host", Keys: []options.Key{path("/dev/ttyS0 or the like")}},
		{Name: "ringbuf", Help: "the last bytes written, for the monitor", Keys: []options.Key{{Name: "size", Type: options.Size, Help: "a power of two"}}},
		{Name: "udp", Help: "datagrams", Keys: append(slices.Clone(host), options.Key{Name: "localaddr"}, options.Key{Name: "localport"})},
		{Name: "socket", Help: "TCP or a Unix socket", Keys: append(slices.Clone(host), path("of a Unix socket"), onOff("server", "wait for somebody to connect"),
			onOff("wait", "the guest starts when somebody is there"), onOff("nodelay", "no gathering of small packets"),
			options.Key{Name: "to", Type: options.Number, Help: "the last port to try to listen on"}, options.Key{Name: "reconnect", Type: options.Number, Help: "seconds"},
			onOff("telnet", "for telnet clients"), onOff("websocket", "for browsers"))},
	}
	for i := range kinds {
		kinds[i].Keys = append(kinds[i].Keys, share)
	}
	return kinds
}
