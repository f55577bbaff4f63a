package gdbstub

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"govm-desktop/accel"
	"govm-desktop/memory"
	"govm-desktop/x86"
)

// fake is a machine with two processors, the first of which maps its page 1 to nothing and 4000h to 2000h.
type fake struct {
	mem *memory.Space

	mu      sync.Mutex
	cpus    [2]x86.State
	stops   [2]accel.Stops
	running bool
	quit    bool
	refuse  error
	resumed chan struct{}
}

func newFake(t testing.TB) *fake {
	ram, err := memory.NewRAM("ram", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ram.Free() })
	f := &fake{mem: memory.NewSpace("memory", 1<<52), running: true, resumed: make(chan struct{}, 100)}
	f.mem.Update(func(e *memory.Edit) { e.Map(nil, 0, ram, 0) })
	for i := range f.cpus {
		f.cpus[i] = x86.Reset(i == 0)
	}
	f.mem.Store(0x8000, 4, 0x9003)
	f.mem.Store(0x9000, 4, 0x0003)
	f.mem.Store(0x9000+4*4, 4, 0x2003)
	f.cpus[0].CR0 |= x86.CR0PE | x86.CR0PG
	f.cpus[0].CR3 = 0x8000
	f.cpus[0].FPU.MXCSRMask = 0xffff
	return f
}

func (f *fake) CPUs() int               { return 2 }
func (f *fake) Memory() *memory.Space   { return f.mem }
func (f *fake) Reset()                  {}
func (f *fake) Monitor(l string) string { return "did " + l + "\n" }

func (f *fake) State(cpu int, s *x86.State) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	*s = f.cpus[cpu]
	return nil
}

func (f *fake) SetState(cpu int, s *x86.State) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cpus[cpu] = *s
	return nil
}

func (f *fake) SetStops(cpu int, s accel.Stops) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refuse != nil && len(s.Points) > 0 {
		return f.refuse
	}
	f.stops[cpu] = s
	return nil
}

func (f *fake) Running() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.running
}

func (f *fake) Cont() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.running = true
	select {
	case f.resumed <- struct{}{}:
	default:
	}
	return nil
}

func (f *fake) Stop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.running = false
}

func (f *fake) Quit() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.quit = true
}

// gdb is the other end.
type gdb struct {
	t    *testing.T
	c    net.Conn
	r    *bufio.Reader
	stub *Stub
	end  chan error
}

func connect(t *testing.T, f *fake) *gdb {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	near, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	g := &gdb{t: t, c: near, r: bufio.NewReader(near), stub: New(f, slog.New(slog.DiscardHandler)), end: make(chan error, 1)}
	near.SetDeadline(time.Now().Add(time.Minute))
	go func() {
		g.end <- g.stub.Serve(far)
		far.Close()
	}()
	t.Cleanup(func() { near.Close() })
	return g
}

func frame(p string) string {
	var sum uint8
	for _, c := range []byte(p) {
		sum += c
	}
	return fmt.Sprintf("$%s#%02x", p, sum)
}

func (g *gdb) raw(p string) {
	g.t.Helper()
	if _, err := io.WriteString(g.c, p); err != nil {
		g.t.Fatal(err)
	}
}

// reply reads a packet, past acknowledgements, and acknowledges it.
func (g *gdb) reply() string {
	g.t.Helper()
	if _, err := g.r.ReadString('$'); err != nil {
		g.t.Fatal(err)
	}
	body, err := g.r.ReadString('#')
	if err != nil {
		g.t.Fatal(err)
	}
	body = body[:len(body)-1]
	var sum [2]byte
	io.ReadFull(g.r, sum[:])
	if want := frame(body); !strings.HasSuffix(want, string(sum[:])) {
		g.t.Errorf("checksum of %q is %s", body, sum)
	}
	g.raw("+")
	return string(unescape([]byte(body)))
}

func (g *gdb) ask(p string) string {
	g.t.Helper()
	g.raw(frame(p))
	return g.reply()
}

func TestSession_answers(t *testing.T) {
	f := newFake(t)
	f.mem.Store(0x2000, 8, 0x8877665544332211)
	f.mem.Store(0x3000, 2, 0xbbaa)
	g := connect(t, f)
	if f.Running() && g.ask("?") == "" {
		t.Error("the machine runs on")
	}
	for _, c := range []struct{ ask, want string }{
		{"?", "T05thread:01;"},
		{"!", "OK"},
		{"vCont?", "vCont;c;C;s;S"},
		{"vMustReplyEmpty", ""},
		{"Zz", "E22"},
		{"qC", "QC01"},
		{"qAttached", "1"},
		{"qfThreadInfo", "m01"},
		{"qsThreadInfo", "m02"},
		{"qsThreadInfo", "l"},
		{"qThreadExtraInfo,2", hex.EncodeToString([]byte("CPU#1"))},
		{"T2", "OK"},
		{"T3", "E22"},
		{"Hg2", "OK"},
		{"Hg9", "E22"},
		{"m2000,4", "11223344"}, // the second processor has paging off
		{"Hg1", "OK"},
		{"m4000,8", "1122334455667788"},
		{"m4ffe,4", "0000"}, // up to the end of what is mapped
		{"m1000,4", "E14"},
		{"m4000", "E22"},
		{"mfffffffffffffff0,20", "E14"},
		{"M4001,2:aabb", "OK"},
		{"m4000,4", "11aabb44"},
		{"M4001,3:aabb", "E22"},
		{"X4000,2:}]#", "E22"},
		{"X4000,1:}]", "OK"}, // an escaped }
		{"m4000,1", "7d"},
		{"M1000,1:00", "E14"},
		{"Qqemu.PhyMemMode:1", "OK"},
		{"qqemu.PhyMemMode", "1"},
		{"m3000,2", "aabb"},
		{"Qqemu.PhyMemMode:0", "OK"},
		{"p10", "f0ff000000000000"},
		{"P10=0010000000000000", "OK"},
		{"p10", "0010000000000000"},
		{"P11=00000000", "OK"},
		{"p11", "02000000"}, // bit 1 is always set
		{"pffff", "E22"},
		{"P10=00", "E22"},
		{"qRcmd," + hex.EncodeToString([]byte("info x")), "O" + hex.EncodeToString([]byte("did info x\n"))},
	} {
		if strings.Contains(c.ask, "X4000,2") {
			continue // '#' ends a packet: it cannot stand there
		}
		if got := g.ask(c.ask); got != c.want {
			t.Errorf("%s: %q, want %q", c.ask, got, c.want)
		}
		if strings.HasPrefix(c.ask, "qRcmd") {
			if got := g.reply(); got != "OK" {
				t.Errorf("%s ends with %q", c.ask, got)
			}
		}
	}
}

// TestRegisters writes every register by number, and finds it in the block of all.
func TestRegisters(t *testing.T) {
	f := newFake(t)
	g := connect(t, f)
	var want string
	for i, r := range registers {
		val := make([]byte, r.bits/8)
		for j := range val {
			val[j] = byte(i*3 + j + 1)
		}
		switch r.name {
		case "eflags":
			val = []byte{0x46, 2, 0, 0}
		case "cs", "ss", "ds", "es", "fs", "gs", "fctrl", "fiseg", "foseg", "fop", "mxcsr":
			val[2], val[3] = 0, 0
		case "fstat": // TOP 0, so that st0 is R0
			val = []byte{0x12, 0x07, 0, 0}
		case "ftag":
			val = []byte{0, 0, 0, 0}
		}
		if got := g.ask(fmt.Sprintf("P%x=%x", i, val)); got != "OK" {
			t.Fatalf("%s: %s", r.name, got)
		}
		if r.name == "ftag" {
			val[0], val[1] = byte(fullTags(&f.cpus[0].FPU)), byte(fullTags(&f.cpus[0].FPU)>>8)
		}
		want += hex.EncodeToString(val)
	}
	got := g.ask("g")
	if got != want {
		t.Errorf("g gives\n%s, want\n%s", got, want)
	}
	if got := g.ask("G" + want[:64]); got != "OK" {
		t.Errorf("a short G: %s", got)
	}
	if got := g.ask("g"); got != want {
		t.Error("G changed what it did not name, or lost what it did")
	}
	s := f.cpus[0]
	if s.GPR[x86.RBX] != get([]byte{4, 5, 6, 7, 8, 9, 10, 11}) || s.Seg[x86.FS].Selector == 0 || s.FPU.XMM[15][1] == 0 || s.EFER == 0 {
		t.Errorf("registers went elsewhere: %+v", s)
	}
}

func TestDescription(t *testing.T) {
	f := newFake(t)
	g := connect(t, f)
	var xml string
	for off := 0; ; {
		part := g.ask(fmt.Sprintf("qXfer:features:read:target.xml:%x,400", off))
		xml += part[1:]
		off += len(part) - 1
		if part[0] == 'l' {
			break
		}
	}
	if xml != description || strings.Count(xml, "<reg ") != len(registers) {
		t.Errorf("the description arrives as %q", xml)
	}
	for _, bad := range []string{"target.xml:zz,1", "target.xml:100000,1", "other.xml:0,1"} {
		if got := g.ask("qXfer:features:read:" + bad); !strings.HasPrefix(got, "E") {
			t.Errorf("%s: %q", bad, got)
		}
	}
}

func TestRun(t *testing.T) {
	f := newFake(t)
	g := connect(t, f)
	brk := accel.Point{Kind: accel.BreakExec, Addr: 0x7c00, Len: 1}
	watch := accel.Point{Kind: accel.WatchWrite, Addr: 0x46c, Len: 4}
	for _, p := range []string{"Z0,7c00,1", "Z0,7c00,1", "Z2,46c,4", "Z4,500,1", "z4,500,1"} {
		if got := g.ask(p); got != "OK" {
			t.Errorf("%s: %s", p, got)
		}
	}
	run := func(p string) {
		t.Helper()
		for len(f.resumed) > 0 {
			<-f.resumed
		}
		g.raw(frame(p))
		<-f.resumed
	}
	run("vCont;s:2;c")
	if s := f.stops; s[0].Step || !s[1].Step || len(s[0].Points) != 2 || s[0].Points[0] != brk || s[1].Points[1] != watch {
		t.Errorf("stops %+v", s)
	}
	f.Stop()
	g.stub.Stopped(Stop{CPU: 1})
	if got := g.reply(); got != "T05thread:02;" {
		t.Errorf("a step ends with %q", got)
	}
	run("vCont;c")
	f.Stop()
	g.stub.Stopped(Stop{CPU: 0, Stop: accel.Stop{Found: true, Point: watch, At: 0x46d}})
	if got := g.reply(); got != "T05thread:01;watch:46d;" {
		t.Errorf("a watchpoint ends with %q", got)
	}
	run("c")
	g.raw("\x03")
	if got := g.reply(); got != "T02thread:01;" || f.Running() {
		t.Errorf("Ctrl-C ends with %q", got)
	}
	run("s7c10")
	if f.cpus[0].RIP != 0x7c10 || !f.stops[0].Step {
		t.Errorf("s with an address: %#x, %+v", f.cpus[0].RIP, f.stops[0])
	}
	f.Stop()
	g.stub.Stopped(Stop{Paused: true})
	if got := g.reply(); got != "T02thread:01;" {
		t.Errorf("a stop by the monitor: %q", got)
	}
	run("c")
	g.stub.Stopped(Stop{Ended: true})
	if got := g.reply(); got != "W00" {
		t.Errorf("the machine's end: %q", got)
	}
}

func TestRefusal(t *testing.T) {
	f := newFake(t)
	f.refuse = errors.New("kvm: four, no more")
	g := connect(t, f)
	if got := g.ask("Z1,1000,1"); got != "E.kvm: four, no more" {
		t.Errorf("%q", got)
	}
	if got := g.ask("Z5,1000,1"); got != "" {
		t.Errorf("an unknown kind: %q", got)
	}
}

// TestEnds: a debugger that goes leaves the machine running, without its breakpoints; one that kills ends it; a second one is refused.
func TestEnds(t *testing.T) {
	for _, how := range []string{"detach", "hang up", "kill"} {
		f := newFake(t)
		g := connect(t, f)
		g.ask("Z0,7c00,1")
		if err := g.stub.Serve(struct{ io.ReadWriter }{}); !errors.Is(err, ErrBusy) {
			t.Errorf("a second debugger: %v", err)
		}
		switch how {
		case "detach":
			if got := g.ask("D;1"); got != "OK" {
				t.Errorf("D: %q", got)
			}
			<-f.resumed
			g.c.Close()
		case "hang up":
			g.c.Close()
		case "kill":
			g.raw(frame("k"))
		}
		<-g.end
		f.mu.Lock()
		if f.running == (how == "kill") || f.quit != (how == "kill") || how != "kill" && len(f.stops[0].Points) > 0 {
			t.Errorf("after %s: running %v, quit %v, %+v", how, f.running, f.quit, f.stops)
		}
		f.mu.Unlock()
	}
}

func TestFraming(t *testing.T) {
	g := connect(t, newFake(t))
	g.raw("garbage$qC#00")
	if b, _ := g.r.ReadByte(); b != '-' {
		t.Errorf("a wrong checksum is answered by %q", b)
	}
	g.raw("$m00$qC#b4") // cut short, then whole
	if got := g.reply(); got != "QC01" {
		t.Errorf("%q", got)
	}
	g.raw("-")
	if got := g.reply(); got != "QC01" {
		t.Errorf("sent again: %q", got)
	}
	if got := g.ask("QStartNoAckMode"); got != "OK" {
		t.Errorf("%q", got)
	}
	g.raw(frame("qC"))
	if b, _ := g.r.Peek(1); b[0] != '$' {
		t.Errorf("%q before a reply without acknowledgements", b)
	}
	g.reply()
	g.raw("$" + strings.Repeat("m", 1<<20) + "#00") // no reply, no growth
	if got := g.ask("qC"); got != "QC01" {
		t.Errorf("after a packet too long: %q", got)
	}
}

// sink drops what is written and reads from what it is given.
type sink struct{ io.Reader }

func (sink) Write(p []byte) (int, error) { return len(p), nil }

func FuzzDebugger(f *testing.F) {
	for _, p := range []string{"g", "vCont;s:1;c", "Z0,7c00,1", "m4000,20", "X4000,1:}]", "qXfer:features:read:target.xml:0,fff", "P10=0011223344556677", "Hgp1.2", "D"} {
		f.Add([]byte(frame(p) + "\x03" + frame("?")))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m := newFake(t)
		if err := New(m, slog.New(slog.DiscardHandler)).Serve(sink{strings.NewReader(string(b))}); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Error(err)
		}
	})
}
