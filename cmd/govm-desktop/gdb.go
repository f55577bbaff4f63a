package main

import (
	"bytes"
	"errors"
	"io"
	"sync"

	"govm-desktop/accel"
	"govm-desktop/chardev"
	"govm-desktop/cmd/govm-desktop/options"
	"govm-desktop/gdbstub"
	"govm-desktop/machine"
	"govm-desktop/memory"
	"govm-desktop/monitor"
	"govm-desktop/monitor/hmp"
	"govm-desktop/x86"
)

func debugOptions() []option {
	const part = "Debugging the guest"
	return []option{
		{Name: "gdb", Part: part, Arg: "DEV", Help: "let gdb in on a stream: tcp::1234, unix:PATH, stdio (with -S, before the first instruction)", Values: streamWords,
			Set: text(func(s *settings) *string { return &s.gdb })},
		{Name: "s", Part: part, Help: "-gdb tcp::1234", Set: func(s *settings, _ *options.Opts) error { s.gdb = gdbDefault; return nil }},
	}
}

const gdbDefault = "tcp::1234"

// debugged is the machine as gdb sees it.
type debugged struct{ p *program }

// CPUs implements gdbstub.Target, as do the methods below.
func (d debugged) CPUs() int                             { return d.p.pc.CPUs() }
func (d debugged) State(cpu int, s *x86.State) error     { return d.p.pc.State(cpu, s) }
func (d debugged) SetState(cpu int, s *x86.State) error  { return d.p.pc.SetState(cpu, s) }
func (d debugged) SetStops(cpu int, s accel.Stops) error { return d.p.pc.SetStops(cpu, s) }
func (d debugged) Memory() *memory.Space                 { return d.p.pc.Memory() }
func (d debugged) Cont() error                           { return d.p.pc.Cont() }
func (d debugged) Stop()                                 { d.p.pc.Stop() }
func (d debugged) Reset()                                { d.p.pc.RequestReset(false, "host-ui") }
func (d debugged) Quit()                                 { d.p.pc.Quit("host-ui") }

func (d debugged) Monitor(line string) string {
	var out bytes.Buffer
	hmp.Run(d.p.table, &control{d.p}, &monitor.Session{}, &out, line)
	return out.String()
}

// gdb opens the door that -gdb asks for.
func (p *program) gdb() error {
	if p.s.gdb == "" {
		return nil
	}
	return p.gdbServer("-gdb", p.s.gdb)
}

// gdbListener is the stream on which gdb is expected.
type gdbListener struct {
	mu     sync.Mutex // guards everything below
	stream chardev.Stream
}

// gdbControl is the monitor's gdbserver.
type gdbControl struct{ p *program }

// Listen implements monitor.Debugger.
func (g *gdbControl) Listen(device string) error {
	g.p.debugger.mu.Lock()
	defer g.p.debugger.mu.Unlock()
	if c := g.p.debugger.stream; c != nil {
		c.Close()
		g.p.debugger.stream = nil
	}
	if device == "none" {
		return nil
	}
	return g.p.gdbServer("gdbserver", device)
}

// gdbServer waits for debuggers on a stream; sockets listen, and start at once.
func (p *program) gdbServer(option, arg string) error {
	c, err := p.streams.gdbStream(option, arg)
	if err != nil || c == nil {
		return err
	}
	p.debugger.stream = c
	stub := gdbstub.New(debugged{p}, p.log)
	p.pc.OnDebug(func(s machine.DebugStop) { stub.Stopped(gdbstub.Stop{CPU: s.CPU, Stop: s.Stop}) })
	p.pc.Watch(func(e machine.Event) {
		switch {
		case e.Kind == machine.EventStop && p.pc.Status() != machine.Debugging:
			stub.Stopped(gdbstub.Stop{Paused: true})
		case e.Kind == machine.EventShutdown && !p.s.noShutdown:
			stub.Stopped(gdbstub.Stop{Ended: true})
		}
	})
	p.serve(c, func(rw io.ReadWriter) error {
		err := stub.Serve(rw)
		if errors.Is(err, gdbstub.ErrBusy) {
			return nil
		}
		return err
	})
	return nil
}
