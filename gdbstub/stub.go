// Package gdbstub lets gdb debug the guest: it speaks the remote serial protocol (Debugging with GDB, appendix E) with one debugger at a time. A
// processor is a thread; breakpoints and watchpoints are the accelerator's, so that the guest's memory and debug registers stay its own;
// `monitor COMMAND` reaches the machine's monitor.
//
// Registers are those of the description in target.go: the 64-bit set, whatever mode the processor is in, as QEMU's. Left out: non-stop mode,
// reverse execution, tracepoints, host file transfer.
package gdbstub

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"

	"govm-desktop/accel"
	"govm-desktop/memory"
	"govm-desktop/x86"
)

// Target is the machine as the debugger sees it.
type Target interface {
	CPUs() int
	State(cpu int, s *x86.State) error
	SetState(cpu int, s *x86.State) error
	SetStops(cpu int, s accel.Stops) error
	Memory() *memory.Space // physical
	Cont() error
	Stop()
	Reset()
	Quit()
	// Monitor runs a command of the monitor and returns what it prints.
	Monitor(line string) string
}

// Signals as gdb numbers them.
const (
	sigInt  = 2
	sigTrap = 5
)

// maxPacket is the longest packet taken or sent, in bytes between $ and #.
const maxPacket = 16 << 10

// Stub is the debugger's side of one machine.
type Stub struct {
	t   Target
	log *slog.Logger

	mu   sync.Mutex // guards everything below
	live *session   // the debugger that is connected
}

// New returns a stub.
func New(t Target, log *slog.Logger) *Stub { return &Stub{t: t, log: log} }

// ErrBusy is what a second debugger gets.
var ErrBusy = errors.New("gdbstub: another debugger is connected")

// Stopped is told why the machine has stopped. It does not block.
func (g *Stub) Stopped(s Stop) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.live != nil {
		select {
		case g.live.stops <- s:
		default: // one is waiting to be reported already
		}
	}
}

// Stop is a stop of the machine.
type Stop struct {
	CPU int
	accel.Stop
	Paused bool // by somebody else: no point and no step
	Ended  bool // for good
}

// Serve talks with one debugger until it goes. The machine stops when it comes, and runs on, without breakpoints, when it has gone.
func (g *Stub) Serve(rw io.ReadWriter) error {
	s := &session{t: g.t, log: g.log, w: rw, stops: make(chan Stop, 1), in: make(chan item, 1), done: make(chan struct{})}
	g.mu.Lock()
	if g.live != nil {
		g.mu.Unlock()
		return ErrBusy
	}
	g.live = s
	g.mu.Unlock()
	defer func() {
		close(s.done)
		g.mu.Lock()
		g.live = nil
		g.mu.Unlock()
		s.leave()
	}()
	g.t.Stop()
	go s.read(bufio.NewReaderSize(rw, maxPacket))
	return s.run()
}

// session is one debugger.
type session struct {
	t     Target
	log   *slog.Logger
	w     io.Writer
	stops chan Stop
	in    chan item
	done  chan struct{} // closed when the session ends

	noAck   bool
	last    []byte // the packet sent last, for a debugger that asks again
	cpu     int    // of g, m and the like
	runs    int    // of c and s; -1: all
	waits   bool   // the debugger waits to hear of a stop
	phys    bool   // m and M mean physical addresses
	points  []accel.Point
	listing int    // next processor that qsThreadInfo names
	why     string // the last stop's reply
	killed  bool
}

// item is one thing that the debugger has sent.
type item struct {
	kind itemKind
	data []byte
	err  error
}

type itemKind uint8

const (
	packet    itemKind = iota
	broken             // a packet with a wrong checksum
	resend             // it wants the last one again
	attention          // Ctrl-C
	gone
)

// read cuts what arrives into items.
func (s *session) read(r *bufio.Reader) {
	for {
		it := readItem(r)
		select {
		case s.in <- it:
		case <-s.done:
			return
		}
		if it.kind == gone {
			return
		}
	}
}

func readItem(r *bufio.Reader) item {
	for {
		b, err := r.ReadByte()
		if err != nil {
			return item{kind: gone, err: err}
		}
		switch b {
		case '$':
			return readPacket(r)
		case 3:
			return item{kind: attention}
		case '-':
			return item{kind: resend}
		}
	}
}

// readPacket reads the rest of a packet and undoes its escapes.
func readPacket(r *bufio.Reader) item {
	var data []byte
	var sum, want uint8
	for {
		b, err := r.ReadByte()
		if err != nil {
			return item{kind: gone, err: err}
		}
		if b == '#' {
			break
		}
		if b == '$' { // the last one was cut short
			data, sum = data[:0], 0
			continue
		}
		sum += b
		if len(data) <= maxPacket {
			data = append(data, b)
		}
	}
	var hex [2]byte
	if _, err := io.ReadFull(r, hex[:]); err != nil {
		return item{kind: gone, err: err}
	}
	if _, err := fmt.Sscanf(string(hex[:]), "%02x", &want); err != nil || want != sum || len(data) > maxPacket {
		return item{kind: broken}
	}
	return item{kind: packet, data: unescape(data)}
}

func unescape(p []byte) []byte {
	out := p[:0]
	for i := 0; i < len(p); i++ {
		if p[i] == '}' && i+1 < len(p) {
			i++
			p[i] ^= 0x20
		}
		out = append(out, p[i])
	}
	return out
}

// run serves until the debugger goes.
func (s *session) run() error {
	s.why = fmt.Sprintf("T%02xthread:%02x;", sigTrap, 1)
	for {
		select {
		case it := <-s.in:
			if it.kind == gone {
				if errors.Is(it.err, io.EOF) {
					return nil
				}
				return it.err
			}
			if err := s.take(it); err != nil || s.killed {
				return err
			}
		case st := <-s.stops:
			if err := s.report(st); err != nil {
				return err
			}
		}
	}
}

func (s *session) take(it item) error {
	switch it.kind {
	case broken:
		if s.noAck {
			return nil
		}
		_, err := s.w.Write([]byte{'-'})
		return err
	case resend:
		_, err := s.w.Write(s.last)
		return err
	case attention:
		return s.interrupt()
	}
	if !s.noAck {
		if _, err := s.w.Write([]byte{'+'}); err != nil {
			return err
		}
	}
	reply, ok := s.command(string(it.data))
	if !ok {
		return nil
	}
	return s.send(reply)
}

// send frames a reply.
func (s *session) send(reply string) error {
	var b bytes.Buffer
	b.WriteByte('$')
	var sum uint8
	for _, c := range []byte(reply) {
		if strings.IndexByte("$#}*", c) >= 0 {
			b.WriteByte('}')
			sum += '}'
			c ^= 0x20
		}
		b.WriteByte(c)
		sum += c
	}
	fmt.Fprintf(&b, "#%02x", sum)
	s.last = b.Bytes()
	_, err := s.w.Write(s.last)
	return err
}

// interrupt is Ctrl-C: the machine stops, and the debugger hears of it if it waits.
func (s *session) interrupt() error {
	s.t.Stop()
	if !s.waits {
		return nil
	}
	s.waits = false
	s.why = fmt.Sprintf("T%02xthread:%02x;", sigInt, max(s.cpu, 0)+1)
	return s.send(s.why)
}

// report tells of a stop.
func (s *session) report(st Stop) error {
	if !s.waits {
		return nil
	}
	s.waits = false
	switch {
	case st.Ended:
		s.killed = true
		return s.send("W00")
	case st.Paused:
		s.why = fmt.Sprintf("T%02xthread:%02x;", sigInt, max(s.cpu, 0)+1)
		return s.send(s.why)
	}
	s.cpu = st.CPU
	s.why = fmt.Sprintf("T%02xthread:%02x;%s", sigTrap, st.CPU+1, reason(st.Stop))
	return s.send(s.why)
}

// reason is the stop reply's word for a point.
func reason(st accel.Stop) string {
	if !st.Found {
		return ""
	}
	switch st.Point.Kind {
	case accel.WatchWrite:
		return fmt.Sprintf("watch:%x;", st.At)
	case accel.WatchRead:
		return fmt.Sprintf("rwatch:%x;", st.At)
	case accel.WatchAccess:
		return fmt.Sprintf("awatch:%x;", st.At)
	}
	return ""
}

// leave lets the machine run on without us.
func (s *session) leave() {
	if s.killed {
		return
	}
	s.points = nil
	for i := range s.t.CPUs() {
		if s.t.SetStops(i, accel.Stops{}) != nil {
			return // the machine has ended
		}
	}
	_ = s.t.Cont() // a machine that cannot run on stays as it is
}
