package monitor

import (
	"bufio"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func hasAll(text string, words ...string) bool {
	return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) })
}

// terminal is socat on a monitor's socket.
type terminal struct {
	t   *testing.T
	in  io.WriteCloser
	out chan string // what came, up to a prompt
}

func connect(t *testing.T, socket, prompt string) *terminal {
	t.Helper()
	cmd := exec.Command("socat", "-", "UNIX-CONNECT:"+socket)
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	x := &terminal{t, in, make(chan string, 16)}
	go func() {
		defer close(x.out)
		r := bufio.NewReader(out)
		var b []byte
		for {
			c, err := r.ReadByte()
			if err != nil {
				return
			}
			if b = append(b, c); strings.HasSuffix(string(b), "\n"+prompt) || len(b) == len(prompt) && string(b) == prompt {
				if !strings.Contains(string(b), "\x1b") || strings.Contains(string(b), "\n") {
					x.out <- string(b[:len(b)-len(prompt)])
					b = nil
				}
			}
		}
	}()
	x.answer() // the greeting
	return x
}

func (x *terminal) answer() string {
	select {
	case s := <-x.out:
		return s
	case <-time.After(limit):
		x.t.Fatal("no prompt")
		return ""
	}
}

// ask types a line; the answer is what stands between its echo and the next prompt.
func (x *terminal) ask(line string) string {
	_, err := io.WriteString(x.in, line+"\n")
	must(x.t, err)
	_, text, _ := strings.Cut(strings.ReplaceAll(x.answer(), "\r", ""), "\n")
	return text
}

// exact compares texts but for blanks.
func exact(text string) string { return strings.Join(strings.Fields(text), " ") }

// fields are all matches of an expression, in order; with groups, their contents.
func fields(expr string) func(string) string {
	re := regexp.MustCompile(expr)
	return func(text string) string {
		var all []string
		for _, m := range re.FindAllStringSubmatch(text, -1) {
			if len(m) > 1 {
				m = m[1:]
			}
			all = append(all, strings.Join(m, ":"))
		}
		return strings.Join(all, "\n")
	}
}

// sorted compares the same things in any order, in any case, however often.
func sorted(of func(string) string) func(string) string {
	return func(text string) string {
		lines := strings.Split(strings.ToLower(of(text)), "\n")
		slices.Sort(lines)
		return strings.Join(slices.Compact(lines), "\n")
	}
}

// without drops lines that begin with a word.
func without(word string, of func(string) string) func(string) string {
	return func(text string) string {
		var kept []string
		for l := range strings.Lines(text) {
			if !strings.HasPrefix(l, word) {
				kept = append(kept, l)
			}
		}
		return of(strings.Join(kept, ""))
	}
}

// complains is whether the answer is more than nothing: for mistakes, of which wording is free.
func complains(text string) string { return fmt.Sprint(strings.TrimSpace(text) != "") }

// mnemonics are addresses, bytes and the names of instructions, without the suffixes that one syntax has and another has not.
func mnemonics(text string) string {
	var out []string
	for _, m := range regexp.MustCompile(`(?m)^(0x[0-9a-f]+): +((?:[0-9a-f]{2} )+) *([a-z]+)`).FindAllStringSubmatch(text, -1) {
		out = append(out, m[1], strings.TrimSpace(m[2]), strings.TrimRight(m[3], "lqwb"))
	}
	return strings.Join(out, " ")
}

// script are the questions, and what of the answers has to be the same.
func script() []struct {
	line string
	of   func(string) string
} {
	board := `(?m)^ +[0-9a-f]{16}-[0-9a-f]{16} \(prio \d+, (?:ram|rom)\): (?:pc\.)?(?:ram|bios|vga\.vram)`
	return []struct {
		line string
		of   func(string) string
	}{
		{"info name", exact}, {"info uuid", exact}, {"info status", exact}, {"info version", complains}, {"info kvm", exact},
		{"info cpus", fields(`(?m)^([* ]) CPU #(\d+): thread_id=`)},
		// Of the LDT, which is null, QEMU keeps the type that it had before.
		{"info registers", without("LDT", fields(`\b(?:[A-Z][A-Z0-9]+ *=[0-9a-f ]*[0-9a-f](?: DPL=\d \S+(?: +\[...\])?)?|CPL=\d|II=\d|A20=\d|SMM=\d|HLT=\d|\[[A-Z-]{7}\])`))},
		{"info registers -a", fields(`CPU#\d+|R..=[0-9a-f]+`)},
		{"info mem", exact}, {"info tlb", exact},
		{"info pci", exact},
		{"info mtree -f", func(s string) string {
			_, s, _ = strings.Cut(s, `AS "memory"`)
			s, _, _ = strings.Cut(s, "FlatView")
			return span(s, board)
		}},
		{"info mtree", sorted(fields(`(?m)^ +(00000000(?:fec0|fed0|fd00|feb)[0-9a-f]+-[0-9a-f]{16}) \(prio \d+, (?:i/o|ram)\): (?:ioapic|hpet|vga.vram|vga.mmio)`))},
		{"info block", fields(`(?m)^(ide\d-..\d)\S*(?: \(\S+\))?: (\[not inserted\])?|Removable device: .*|Cache mode: +\S+`)},
		{"info blockstats", fields(`(?m)^ide\d-..\d|\b[a-z_]+(?:bytes|operations|ns|merged)=`)},
		{"info mice", fields(`(?m)^\* Mouse #\d+: .*(PS/2 Mouse)`)},
		{"info usb", exact}, {"info vnc", exact}, {"info spice", exact}, {"info balloon", exact}, {"info snapshots", complains}, {"info network", exact},
		{"info roms", sorted(fields(`addr=[0-9a-f]+ size=0x[0-9a-f]+ mem=rom|name="(etc/acpi/tables|etc/table-loader|etc/acpi/rsdp)"`))},
		{"info irq", fields(`IRQ statistics for (\S+):|(?m)^ (0):`)},
		{"info pic", sorted(fields(`(pic\d): irr=.. (imr=.. isr=.. hprio=\d irq_base=..)|ioapic`))},
		{"info lapic", sorted(fields(`(?i)\b(lvt|icr|esr|tpr|ppr|isr|irr|divide by \d|CPU \d)`))},
		{"info qtree", sorted(fields(`dev: (piix3-ide|PIIX4_PM|VGA|i440FX|hpet|mc146818rtc|i8042|isa-pit|ide-hd|ide-cd|fw_cfg_io)\b`))},
		{"info qom-tree", fields(`^/machine \(([^)]*)\)`)},
		{"info trace-events", sorted(fields(`(?m)^(input_event_btn|input_event_rel|handle_qmp_command|runstate_set) : state (\d)`))},
		{"x/5i $pc", mnemonics},
		{"x/4xb 0x5000", exact}, {"x/2xh 0x5000", exact}, {"x/2xw 0x5000", exact}, {"x/2xg 0x5000", exact}, {"x/2dw 0x5000", exact}, {"x/2uw 0x5008", exact}, {"x/ow 0x5000", exact},
		{"x/4cb 0x5010", exact}, {"xp/8xb 0x7c00", exact}, {"xp/4xw 0xfffffff0", exact}, {"x/xw 0x40000", exact},
		{"x/w 0xfee00030", exact},
		{"gva2gpa 0x20123", exact}, {"gva2gpa 0x40000", exact}, {"gva2gpa 0x345678", exact}, {"gva2gpa 0x123456789000", exact},
		{"print $rax", complains}, {"print $eip+4", exact}, {"print/x $pc & 0xfff0", exact}, {"p/d (2+3)*-4", exact}, {"p/u 7/2", exact}, {"p/c 65", exact}, {"p 1|6^3", exact},
		{"i/b 0x64", fields(`portb.0x0064. = 0x1`)}, {"i/h 0x1f6", complains}, {"i/w 0xcf8", exact}, {"o/w 0xcf8 0x80000000", exact}, {"i/w 0xcfc", exact},
		{"sendkey ctrl-alt-f1 10", exact}, {"mouse_move 3 4", exact}, {"mouse_button 1", exact}, {"mouse_button 0", exact},
		{"boot_set c", exact}, {"nmi", exact}, {"log cpu_reset", exact}, {"log none", exact}, {"log help", fields(`(?m)^(none|cpu_reset|trace:PATTERN) `)},
		{"trace-event runstate_set on", exact}, {"trace-event runstate_set off", exact},
		{"singlestep on", exact}, {"info status", exact}, {"singlestep off", exact},
		{"stop", exact}, {"info status", exact}, {"cont", exact}, {"info status", exact},
		{"info chardev", sorted(fields(`(?m)^(serial0|compat_monitor0|compat_monitor1|compat_monitor2): filename=`))},
		{"chardev-add ringbuf,id=r,size=16", exact}, {"ringbuf_write r abc", exact}, {"ringbuf_read r 10", exact}, {"chardev-remove r", exact}, {"chardev-remove r", exact}, {"chardev-remove serial0", exact},
		{"chardev-send-break serial0", exact}, {"chardev-send-break r", exact},
		// Mistakes.
		{"nosuch", exact}, {"p $nosuch", complains}, {"p 1/0", complains}, {"x", complains}, {"stop now", complains}, {"cpu 7", complains}, {"eject nosuch", exact}, {"eject ide0-hd0", exact},
		{"device_add nosuch", exact}, {"device_del nosuch", exact}, {"change nosuch x", exact}, {"sendkey nokey", complains}, {"mouse_set 99", complains},
		{"trace-event nosuch on", complains}, {"system_wakeup", complains}, {"set_password vnc x", complains}, {"screendump /no/such", complains}, {"boot_set z", complains}, {"logfile /no/such", complains},
		{"gdbserver none", exact},
	}
}

// span joins ranges that follow one another with the same kind of memory, so that maps compare that are cut at other places.
func span(text, expr string) string {
	re := regexp.MustCompile(`^ +([0-9a-f]{16})-([0-9a-f]{16}) \(prio \d+, (ram|rom)\)`)
	match := regexp.MustCompile(expr)
	var out []string
	last, kind := uint64(0), ""
	for l := range strings.Lines(text) {
		m := re.FindStringSubmatch(l)
		if m == nil || !match.MatchString(l) {
			continue
		}
		var from, to uint64
		fmt.Sscanf(m[1]+" "+m[2], "%x %x", &from, &to)
		if len(out) > 0 && from == last && kind == m[3] {
			out[len(out)-1] = strings.Fields(out[len(out)-1])[0] + fmt.Sprintf(" %x %s", to, kind)
		} else {
			out = append(out, fmt.Sprintf("%x %x %s", from, to, m[3]))
		}
		last, kind = to+1, m[3]
	}
	slices.Sort(out)
	return strings.Join(slices.Compact(out), "\n")
}

// difference are the lines that one has and the other has not.
func difference(ours, qemus string) string {
	a, b := strings.Split(ours, "\n"), strings.Split(qemus, "\n")
	var out []string
	for _, l := range a {
		if !slices.Contains(b, l) {
			out = append(out, "ours: "+l)
		}
	}
	for _, l := range b {
		if !slices.Contains(a, l) {
			out = append(out, "QEMU: "+l)
		}
	}
	return strings.Join(out, "\n")
}

func TestHMP_likeQEMU(t *testing.T) {
	p := startPair(t)
	ours, qemu := connect(t, p.ourDir+"/"+p.hmp, "(govm) "), connect(t, p.qDir+"/"+p.hmp, "(qemu) ")
	all := script()
	for _, q := range all {
		a, b := ours.ask(q.line), qemu.ask(q.line)
		got, want := q.of(a), q.of(b)
		if got != want {
			t.Errorf("%s: %s", q.line, difference(got, want))
		}
		if want == "" && strings.TrimSpace(b) != "" {
			t.Errorf("%s: nothing of QEMU's answer is compared:\n%s", q.line, b)
		}
	}
	if len(all) < 60 {
		t.Errorf("%d commands, want 60", len(all))
	}
}
