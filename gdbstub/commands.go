package gdbstub

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"govm-desktop/accel"
)

// Replies.
const (
	replyOK   = "OK"
	replyNone = ""    // the command is not known
	replyBad  = "E22" // EINVAL
	replyFail = "E14" // EFAULT
)

// command carries out a packet; ok is false where the reply comes later, or never.
func (s *session) command(p string) (reply string, ok bool) {
	if p == "" {
		return replyNone, true
	}
	arg := p[1:]
	switch p[0] {
	case '!':
		return replyOK, true
	case '?':
		return s.why, true
	case 'c', 'C', 's', 'S':
		return s.resumeOld(p[0], arg)
	case 'D':
		_ = s.send(replyOK) // a debugger that has gone shows itself at the next read
		s.detach()
		return "", false
	case 'g':
		return s.readRegisters(), true
	case 'G':
		return s.writeRegisters(arg), true
	case 'H':
		return s.selectThread(arg), true
	case 'k':
		s.killed = true
		s.t.Quit()
		return "", false
	case 'm':
		return s.readMemory(arg), true
	case 'M', 'X':
		return s.writeMemory(arg, p[0] == 'X'), true
	case 'p':
		return s.readRegister(arg), true
	case 'P':
		return s.writeRegister(arg), true
	case 'q', 'Q':
		return s.query(p), true
	case 'R':
		s.t.Reset()
		return "", false
	case 'T':
		return s.threadAlive(arg), true
	case 'v':
		return s.verbose(p)
	case 'z', 'Z':
		return s.point(arg, p[0] == 'Z'), true
	}
	return replyNone, true
}

// verbose is the packets with long names.
func (s *session) verbose(p string) (string, bool) {
	switch {
	case p == "vCont?":
		return "vCont;c;C;s;S", true
	case strings.HasPrefix(p, "vCont;"):
		return s.vCont(strings.Split(p[6:], ";"))
	case strings.HasPrefix(p, "vKill"):
		s.killed = true
		_ = s.send(replyOK)
		s.t.Quit()
		return "", false
	}
	return replyNone, true
}

// resumeOld is c, C, s and S: an optional signal, which a guest has no use for, and an optional address to go on from.
func (s *session) resumeOld(kind byte, arg string) (string, bool) {
	if kind == 'C' || kind == 'S' {
		_, arg, _ = strings.Cut(arg, ";")
	}
	cpu := max(s.runs, 0)
	if arg != "" {
		at, err := strconv.ParseUint(arg, 16, 64)
		if err != nil || !s.setPC(cpu, at) {
			return replyBad, true
		}
	}
	step := -1
	if kind == 's' || kind == 'S' {
		step = cpu
	}
	return s.resume(step)
}

// vCont resumes: the first action that fits a thread is its own. Processors share one clock and run together, so that one that has no action
// of its own runs along with those that continue.
func (s *session) vCont(actions []string) (string, bool) {
	step := -1
	for _, a := range actions {
		what, thread, named := strings.Cut(a, ":")
		if what == "" || !strings.Contains("cCsS", what[:1]) {
			return replyBad, true
		}
		cpu := max(s.cpu, 0)
		if named {
			n, ok := s.thread(thread)
			if !ok {
				return replyBad, true
			}
			cpu = max(n, 0)
		}
		if (what[0] == 's' || what[0] == 'S') && step < 0 {
			step = cpu
		}
	}
	return s.resume(step)
}

// resume lets the machine run, one processor for a step if step says which. The reply comes when it stops.
func (s *session) resume(step int) (string, bool) {
	for i := range s.t.CPUs() {
		if err := s.t.SetStops(i, accel.Stops{Step: i == step, Points: s.points}); err != nil {
			return s.fail(err), true
		}
	}
	select {
	case <-s.stops: // of before
	default:
	}
	s.waits = true
	if err := s.t.Cont(); err != nil {
		s.waits = false
		return s.fail(err), true
	}
	return "", false
}

// fail is an error with words. Not every gdb shows them, so that they are said here too.
func (s *session) fail(err error) string {
	s.log.Warn("gdb was refused", "err", err)
	return "E." + err.Error()
}

// detach lets the machine run on while the connection stays.
func (s *session) detach() {
	s.points = nil
	_, _ = s.resume(-1)
	s.waits = false
}

// selectThread is Hg and Hc.
func (s *session) selectThread(arg string) string {
	if arg == "" {
		return replyBad
	}
	cpu, ok := s.thread(arg[1:])
	switch {
	case !ok:
		return replyBad
	case arg[0] == 'g':
		s.cpu = max(cpu, 0)
	case arg[0] == 'c':
		s.runs = cpu
	default:
		return replyBad
	}
	return replyOK
}

// thread parses a thread id: a processor's number plus one; -1 (all) and 0 (any) give -1.
func (s *session) thread(arg string) (cpu int, ok bool) {
	if rest, multi := strings.CutPrefix(arg, "p"); multi {
		_, arg, ok = strings.Cut(rest, ".")
		if !ok {
			arg = "-1"
		}
	}
	n, err := strconv.ParseInt(arg, 16, 32)
	if err != nil || n < -1 || n > int64(s.t.CPUs()) {
		return 0, false
	}
	return int(max(n-1, -1)), true
}

func (s *session) threadAlive(arg string) string {
	if cpu, ok := s.thread(arg); !ok || cpu < 0 {
		return replyBad
	}
	return replyOK
}

// pointKinds are the types of Z packets: software and hardware breakpoints are the same to us.
var pointKinds = [...]accel.PointKind{accel.BreakExec, accel.BreakExec, accel.WatchWrite, accel.WatchRead, accel.WatchAccess}

// point sets or removes a breakpoint or watchpoint: type,addr,kind.
func (s *session) point(arg string, set bool) string {
	arg, _, _ = strings.Cut(arg, ";") // conditions are gdb's own to check
	f := strings.Split(arg, ",")
	if len(f) != 3 {
		return replyBad
	}
	kind, err1 := strconv.ParseUint(f[0], 16, 8)
	addr, err2 := strconv.ParseUint(f[1], 16, 64)
	size, err3 := strconv.ParseUint(f[2], 16, 16)
	if err1 != nil || err2 != nil || err3 != nil {
		return replyBad
	}
	if kind >= uint64(len(pointKinds)) {
		return replyNone
	}
	p := accel.Point{Kind: pointKinds[kind], Addr: addr, Len: size}
	return s.change(p, set)
}

// maxPoints bounds what a debugger can set.
const maxPoints = 4096

func (s *session) change(p accel.Point, set bool) string {
	var kept []accel.Point
	for _, q := range s.points {
		if q != p {
			kept = append(kept, q)
		}
	}
	if set {
		kept = append(kept, p)
	}
	if len(kept) > maxPoints {
		return replyFail
	}
	for i := range s.t.CPUs() { // now, so that what the processor cannot do is said of this point
		if err := s.t.SetStops(i, accel.Stops{Points: kept}); err != nil {
			return s.fail(err)
		}
	}
	s.points = kept
	return replyOK
}

// query is the q and Q packets.
func (s *session) query(p string) string {
	name, arg, _ := strings.Cut(p, ":")
	switch name {
	case "qSupported":
		return fmt.Sprintf("PacketSize=%x;QStartNoAckMode+;qXfer:features:read+;vContSupported+;hwbreak-;swbreak-", maxPacket)
	case "QStartNoAckMode":
		s.noAck = true
		return replyOK
	case "qXfer":
		return xfer(arg)
	case "qAttached":
		return "1"
	case "qC":
		return fmt.Sprintf("QC%02x", max(s.cpu, 0)+1)
	case "qfThreadInfo":
		s.listing = 0
		return s.nextThread()
	case "qsThreadInfo":
		return s.nextThread()
	case "qSymbol":
		return replyOK
	case "qqemu.sstepbits":
		return "ENABLE=1,NOIRQ=2,NOTIMER=4"
	case "qqemu.sstep":
		return "0x7"
	case "qqemu.PhyMemMode":
		return strconv.Itoa(number(s.phys))
	case "Qqemu.PhyMemMode":
		s.phys = arg != "" && arg != "0"
		return replyOK
	}
	if id, ok := strings.CutPrefix(p, "qThreadExtraInfo,"); ok {
		return s.threadInfo(id)
	}
	if line, ok := strings.CutPrefix(p, "qRcmd,"); ok {
		return s.monitor(line)
	}
	return replyNone
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (s *session) nextThread() string {
	if s.listing >= s.t.CPUs() {
		return "l"
	}
	s.listing++
	return fmt.Sprintf("m%02x", s.listing)
}

func (s *session) threadInfo(id string) string {
	cpu, ok := s.thread(id)
	if !ok || cpu < 0 {
		return replyBad
	}
	return hex.EncodeToString(fmt.Appendf(nil, "CPU#%d", cpu))
}

// monitor runs a command of the machine's monitor; its output goes to the debugger's console.
func (s *session) monitor(line string) string {
	b, err := hex.DecodeString(line)
	if err != nil {
		return replyBad
	}
	out := s.t.Monitor(string(b))
	for len(out) > 0 {
		n := min(len(out), maxPacket/2-8)
		if s.send("O"+hex.EncodeToString([]byte(out[:n]))) != nil {
			return replyFail
		}
		out = out[n:]
	}
	return replyOK
}

// xfer reads the target's description: features:read:target.xml:OFFSET,LENGTH.
func xfer(arg string) string {
	f := strings.Split(arg, ":")
	if len(f) != 4 || f[0] != "features" || f[1] != "read" {
		return replyNone
	}
	if f[2] != "target.xml" {
		return "E00"
	}
	from, size, ok := strings.Cut(f[3], ",")
	off, err1 := strconv.ParseUint(from, 16, 32)
	n, err2 := strconv.ParseUint(size, 16, 32)
	if !ok || err1 != nil || err2 != nil || off > uint64(len(description)) {
		return replyBad
	}
	rest := description[off:]
	n = min(n, maxPacket/2)
	if n >= uint64(len(rest)) {
		return "l" + rest
	}
	return "m" + rest[:n]
}
