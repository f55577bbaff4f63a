package boot

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var (
	memtestNumber = regexp.MustCompile(`Test #(\d+)`)
	memtestErrors = regexp.MustCompile(`Errors: +(\d+)`)
	memtestSpeed  = regexp.MustCompile(`[0-9.]+ *(MHz|[KMG]B/s)`)
)

// memtestFacts are the lines on processor and memory, without the speeds that were measured. The last one, on memory, may differ from QEMU's,
// whose tables for ACPI leave the guest a little less.
func memtestFacts(text string) []string {
	var facts []string
	lines := strings.Split(text, "\n")
	for i, l := range lines[:min(6, len(lines))] {
		if i > 0 { // the right half shows progress
			l, _, _ = strings.Cut(l, "?")
		}
		facts = append(facts, strings.TrimSpace(memtestSpeed.ReplaceAllString(l, "")))
	}
	return facts
}

// TestMemtest compares what memtest86+ finds out about the machine with what it finds on QEMU's, and waits until tests 0 to 2 are over
// without an error.
func TestMemtest(t *testing.T) {
	f := font(t)
	p := both(t, []string{"-m", "16", "-cdrom", guest(t, "memtest/memtest86+x64.iso")})
	testing := func(s string) bool { return memtestNumber.MatchString(s) && memtestErrors.MatchString(s) }
	want, err := p.qemu.WaitText(f, medium, testing)
	must(t, err)
	p.qemu.Close()
	past := func(s string) bool {
		n := memtestNumber.FindStringSubmatch(s)
		e := memtestErrors.FindStringSubmatch(s)
		if n == nil || e == nil {
			return false
		}
		number, _ := strconv.Atoi(n[1])
		return number > 2 || e[1] != "0"
	}
	got, err := p.ours.WaitText(f, medium, past)
	must(t, err)
	if e := memtestErrors.FindStringSubmatch(got); e[1] != "0" {
		t.Errorf("memtest86+ found errors:\n%s", got)
	}
	ours, qemus := memtestFacts(got), memtestFacts(want)
	for i := range qemus[:len(qemus)-1] {
		if i >= len(ours) || ours[i] != qemus[i] {
			t.Errorf("line %d is not QEMU's:\n%s\n%s", i, strings.Join(ours, "\n"), strings.Join(qemus, "\n"))
			break
		}
	}
	if facts := strings.Join(ours, "\n"); !strings.Contains(facts, "QEMU Virtual CPU") || !strings.Contains(facts, "Memory  :   16MB") {
		t.Errorf("memtest86+ does not know the processor and the memory:\n%s", facts)
	}
}
