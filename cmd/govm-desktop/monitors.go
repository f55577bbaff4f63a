package main

import (
	"time"

	"govm-desktop/cmd/govm-desktop/options"
	"govm-desktop/machine"
	"govm-desktop/monitor"
)

// lastWords is how long the monitors' clients may take to read the last answers and events.
const lastWords = time.Second

// later has f called by the goroutine that tells of events. It may be called with locks held, and never blocks.
func (p *program) later(f func()) {
	select {
	case p.events <- f:
	default: // nobody takes them
	}
}

// settleLimit is how long an answer waits for events, which are being told all the time once the machine has started.
const settleLimit = 50 * time.Millisecond

// settle waits until what has been left for later is done.
func (p *program) settle() {
	done := make(chan struct{})
	p.later(func() { close(done) })
	select {
	case <-done:
	case <-p.pc.Ended():
	case <-time.After(settleLimit):
	}
}

// post sends QMP an event of the program's own.
func (p *program) post(name string, data any) { p.later(func() { p.event(name, data) }) }

// event sends QMP an event at once.
func (p *program) event(name string, data any) {
	p.journal.trace(traceEventSent, "event %s", name)
	p.qmp.Event(name, data)
}

// tellEvents carries the machine's events to QMP, off the goroutine that they happen on, to the last one.
func (p *program) tellEvents() {
	for {
		select {
		case tell := <-p.events:
			tell()
		case <-p.pc.Ended():
			for {
				select {
				case tell := <-p.events:
					tell()
				default:
					return
				}
			}
		}
	}
}

func (p *program) tell(e machine.Event) {
	if e.Kind == machine.EventReset {
		p.input.ReleaseAll() // what was held belongs to the guest before
	}
	p.logEvent(e)
	if e.Kind == machine.EventShutdown || e.Kind == machine.EventReset {
		p.event(string(e.Kind), monitor.ShutdownData{Guest: e.Guest, Reason: e.Reason})
		return
	}
	p.event(string(e.Kind), nil)
	p.showStatus()
}

// monitors opens the monitors.
func (p *program) monitors() error {
	for _, arg := range p.s.monitors {
		if err := p.monitor("-monitor", arg); err != nil {
			return err
		}
	}
	if p.s.nographic && len(p.s.monitors) == 0 && len(p.s.serials) == 0 {
		if err := p.monitor("-monitor", "mon:stdio"); err != nil {
			return err
		}
	}
	if p.s.interactive() && len(p.s.monitors) == 0 && !p.s.nodefaults {
		if err := p.monitor("-monitor", "vc"); err != nil {
			return err
		}
	}
	for _, arg := range p.s.qmps {
		c, err := p.streams.device("-qmp", arg)
		if err != nil {
			return err
		}
		if c != nil {
			p.serve(c, p.qmp.Serve)
		}
	}
	for _, arg := range p.s.prettyQMPs {
		c, err := p.streams.device("-qmp-pretty", arg)
		if err != nil {
			return err
		}
		if c != nil {
			p.serve(c, p.qmp.ServePretty)
		}
	}
	for _, o := range p.s.mons {
		if err := p.mon(o); err != nil {
			return err
		}
	}
	p.streams.start()
	return nil
}

// mon is one -mon.
func (p *program) mon(o *options.Opts) error {
	c, err := p.streams.device("-mon", "chardev:"+o.Str("chardev", ""))
	if err != nil {
		return err
	}
	pretty, err := o.Bool("pretty", false)
	switch {
	case err != nil:
		return err
	case o.Str("mode", "readline") == "readline":
		p.serve(c, p.hmp)
	case pretty:
		p.serve(c, p.qmp.ServePretty)
	default:
		p.serve(c, p.qmp.Serve)
	}
	return nil
}

func (p *program) monitor(option, arg string) error {
	c, err := p.streams.device(option, arg)
	if err != nil || c == nil {
		return err
	}
	p.serve(c, p.hmp)
	return nil
}
