package main

import (
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"govm-desktop/cmd/govm-desktop/options"
	"govm-desktop/input"
	"govm-desktop/machine"
	"govm-desktop/monitor"
)

// journal is what -d and -trace write, and the monitor's log and trace-event switch: to standard error, or to -D's file.
type journal struct {
	reset  atomic.Bool // item cpu_reset
	events []*traceEvent

	mu   sync.Mutex // guards everything below
	to   io.Writer
	file *os.File // nil: to is standard error
}

// traceEvent is a place in the program that can tell that it is passed.
type traceEvent struct {
	name string
	on   atomic.Bool
	j    *journal
}

// The events, in the order of newJournal's list. Names are QEMU's where QEMU has the place, too.
const (
	traceQMP = iota
	traceHMP
	traceEventSent
	traceRunState
	traceKey
	traceButton
	traceRel
	traceAbs
	traceSync
	traceIRQ
	traceRead
	traceWrite
	traceFlush
)

func newJournal() *journal {
	j := &journal{to: os.Stderr}
	for _, n := range []string{"handle_qmp_command", "handle_hmp_command", "monitor_protocol_event_emit", "runstate_set", "input_event_key_qcode", "input_event_btn", "input_event_rel", "input_event_abs",
		"input_event_sync", "pic_set_irq", "blk_co_preadv", "blk_co_pwritev", "blk_co_flush"} {
		j.events = append(j.events, &traceEvent{name: n, j: j})
	}
	return j
}

// printf writes one entry.
func (j *journal) printf(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	fmt.Fprintf(j.to, format, args...)
}

// traced reports whether an event is switched on: to be asked first where things happen often.
func (j *journal) traced(event int) bool { return j.events[event].on.Load() }

// trace writes an event, if it is switched on.
func (j *journal) trace(event int, format string, args ...any) {
	if e := j.events[event]; e.on.Load() {
		j.printf("%s %s\n", e.name, fmt.Sprintf(format, args...))
	}
}

// open sends what is written from now on to a file.
func (j *journal) open(name string) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644)
	if err != nil {
		return fmt.Errorf("the log cannot be written: %w", err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.file != nil {
		j.file.Close()
	}
	j.to, j.file = f, f
	return nil
}

func (j *journal) close() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.file != nil {
		j.file.Close()
	}
	j.to, j.file = io.Discard, nil
}

func (j *journal) items() []monitor.LogItem {
	return []monitor.LogItem{{Name: "cpu_reset", Help: "show the processors' registers at every reset", On: j.reset.Load()}}
}

// set switches on the items named, and off the others. trace:PATTERN adds events to those traced.
func (j *journal) set(words []string) error {
	on := map[string]bool{}
	for _, w := range words {
		if pattern, ok := strings.CutPrefix(w, "trace:"); ok {
			if !j.enable(pattern, true) {
				return fmt.Errorf("unknown event %q", pattern)
			}
			continue
		}
		if !slices.ContainsFunc(j.items(), func(i monitor.LogItem) bool { return i.Name == w }) && w != "none" {
			return fmt.Errorf("nothing called %q can be logged (help lists what can)", w)
		}
		on[w] = true
	}
	j.reset.Store(on["cpu_reset"])
	return nil
}

// enable switches the events that fit a pattern; false: none does.
func (j *journal) enable(pattern string, on bool) (found bool) {
	for _, e := range j.events {
		if ok, _ := path.Match(pattern, e.name); ok {
			e.on.Store(on)
			found = true
		}
	}
	return found
}

// irq traces an input of the interrupt controllers.
func (j *journal) irq(gsi int, high bool) {
	if j.traced(traceIRQ) {
		j.trace(traceIRQ, "irq %d level %t", gsi, high)
	}
}

// input traces what is pressed and moved.
func (j *journal) input(e input.Event, name func(input.Code) string) {
	switch e.Kind {
	case input.Key:
		j.trace(traceKey, "con 0, key qcode %s, down %t", name(e.Code), e.Down)
	case input.Button:
		j.trace(traceButton, "con 0, button %#x, down %t", uint16(e.Code), e.Down)
	case input.Rel:
		j.trace(traceRel, "con 0, x %d, y %d", e.X, e.Y)
	case input.Abs:
		j.trace(traceAbs, "con 0, x %d, y %d", e.X, e.Y)
	case input.Sync:
		j.trace(traceSync, "")
	}
}

// logEvent notes what has become of the machine.
func (p *program) logEvent(e machine.Event) {
	p.journal.trace(traceRunState, "new state %s after %s", p.pc.Status(), e.Kind)
	if e.Kind != machine.EventReset || !p.journal.reset.Load() {
		return
	}
	for i := range p.pc.CPUs() {
		s, err := (&control{p}).Registers(i)
		if err != nil {
			return
		}
		var b strings.Builder
		fmt.Fprintf(&b, "CPU Reset (CPU %d)\n", i)
		monitor.PrintRegisters(&b, &s)
		p.journal.printf("%s", b.String())
	}
}

// LogItems implements monitor.Control, as do the methods below.
func (c *control) LogItems() []monitor.LogItem     { return c.p.journal.items() }
func (c *control) SetLog(words []string) error     { return c.p.journal.set(words) }
func (c *control) SetLogFile(name string) error    { return c.p.journal.open(name) }
func (c *control) SingleStep() bool                { return c.p.stepping.Load() }
func (c *control) SetSingleStep(on bool)           { c.p.stepping.Store(on) }
func (c *control) SetTrace(p string, on bool) bool { return c.p.journal.enable(p, on) }

func (c *control) TraceEvents() (all []monitor.TraceEvent) {
	for _, e := range c.p.journal.events {
		all = append(all, monitor.TraceEvent{Name: e.name, On: e.on.Load()})
	}
	return all
}

// journals opens the log, and switches on what is to be written there.
func (p *program) journals() error {
	if f := p.s.logFile; f != "" {
		if err := p.journal.open(f); err != nil {
			return &machine.ConfigError{Option: "-D", Reason: err.Error()}
		}
	}
	if err := p.journal.set(p.s.logItems); err != nil {
		return &machine.ConfigError{Option: "-d", Value: strings.Join(p.s.logItems, ","), Reason: err.Error()}
	}
	for _, t := range p.s.traces {
		if err := p.traced(t); err != nil {
			return err
		}
	}
	p.table.Trace = func(line string) { p.journal.trace(traceHMP, "%q", line) }
	p.stepping.Store(p.s.singlestep)
	p.input.Tap(func(e input.Event) { p.journal.input(e, p.keys.Name) })
	for i := range p.meters {
		p.meters[i].journal = p.journal
	}
	return nil
}

// traced is one -trace.
func (p *program) traced(o *options.Opts) error {
	patterns := o.All("enable")
	if f, ok := o.Get("events"); ok {
		text, err := os.ReadFile(f)
		if err != nil {
			return o.Fail("%v", err)
		}
		patterns = append(patterns, strings.Fields(string(text))...)
	}
	if f, ok := o.Get("file"); ok {
		if err := p.journal.open(f); err != nil {
			return o.Fail("%v", err)
		}
	}
	for _, e := range patterns {
		name, off := strings.CutPrefix(e, "-")
		if !p.journal.enable(name, !off) {
			return o.Fail("no event is called %q (-trace help lists them)", name)
		}
	}
	return nil
}
