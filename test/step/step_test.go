package step

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"govm-desktop/x86"
)

// maxSteps bounds an image; each ends with HLT.
const maxSteps = 20000

// Where prot.inc has its GDT, and paging.asm its PDPTEs.
const (
	pdptAt = 0x30000
	gdtAt  = 0x1000
	gdtEnd = 0x1200
)

// TestStep compares each image of testdata after every instruction.
func TestStep(t *testing.T) {
	if os.Getenv("GOVM_TEST_ALL") == "" {
		t.Skip("part of test-all: set GOVM_TEST_ALL=1")
	}
	for _, tool := range []string{"qemu-system-x86_64", "nasm"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	sources, err := filepath.Glob("testdata/*.asm")
	if err != nil || len(sources) == 0 {
		t.Fatal("no images", err)
	}
	for _, src := range sources {
		t.Run(strings.TrimSuffix(filepath.Base(src), ".asm"), func(t *testing.T) { compare(t, src) })
	}
}

func compare(t *testing.T, src string) {
	dir := t.TempDir()
	image := dir + "/image"
	if out, err := exec.Command("nasm", "-f", "bin", "-I", "testdata/", "-o", image, src).CombinedOutput(); err != nil {
		t.Fatalf("nasm: %v\n%s", err, out)
	}
	code, err := os.ReadFile(image)
	if err != nil || len(code) != imageSize {
		t.Fatalf("image of %d bytes: %v", len(code), err)
	}
	ours, err := newSoft(code)
	if err != nil {
		t.Fatal(err)
	}
	defer ours.ram.Free()
	theirs, err := newQEMU(image, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.close()
	n := walk(t, ours, theirs)
	t.Logf("%d instructions", n)
	mem, err := theirs.memory(0, lowRAM)
	if err != nil {
		t.Fatal(err)
	}
	if b := ours.ram.Bytes()[:lowRAM]; !bytes.Equal(b, mem) {
		for i := range mem {
			accessed := i >= gdtAt && i < gdtEnd && i&7 == 5 // QEMU does not set the bit when a return loads CS or SS
			pdpte := i >= pdptAt && i < pdptAt+32            // QEMU sets accessed bits there, which are reserved
			if b[i] != mem[i] && !pdpte && !(accessed && b[i] == mem[i]|1) {
				t.Fatalf("memory at %#x is %02x, QEMU's %02x", i, b[i], mem[i])
			}
		}
	}
}

// walk steps both sides to HLT.
func walk(t *testing.T, ours *soft, theirs *qemu) int {
	before := ours.regs()
	var recent []string
	defer func() {
		if t.Failed() {
			t.Logf("the last faults logged by prot.inc (vector, code, EIP, CS, EFLAGS, CR2):\n%s", ours.faults())
			t.Logf("the last instructions:\n%s", strings.Join(recent[max(0, len(recent)-12):], "\n"))
		}
	}()
	for n := range maxSteps {
		code := ours.code()
		cs, ip := before.seg[x86.CS], before.rip
		recent = append(recent, fmt.Sprintf("%x:%x % x", cs, ip, code))
		a, err := ours.run()
		if err != nil {
			t.Fatal(err)
		}
		if ours.state.Halted {
			if code[0] != 0xf4 {
				t.Fatalf("shut down after %d instructions", n)
			}
			return n
		}
		var b regs
		for {
			if err = theirs.step(); err == nil {
				b, err = theirs.regs()
			}
			if err != nil {
				t.Fatalf("QEMU, after %d instructions, at %x:%x (% x): %v", n, cs, ip, code, err)
			}
			if !repeated(code) || b.rip != ip || b.seg[x86.CS] != cs {
				break
			}
		}
		for repeated(code) && a.rip == ip && a.seg[x86.CS] == cs {
			if a, err = ours.run(); err != nil {
				t.Fatal(err)
			}
		}
		mask := defined(code)
		if d := a.diff(&b, mask); d != "" {
			t.Fatalf("instruction %d at %x:%x (% x): %s", n, cs, ip, code, d)
		}
		ours.state.RFLAGS = a.flags&mask | b.flags&^mask // what is undefined must not make a difference later
		before = a
	}
	t.Fatal("the image does not end")
	return 0
}

// faults prints the end of the log that the handlers of prot.inc keep.
func (s *soft) faults() string {
	u32 := func(at uint32) uint32 {
		if at > lowRAM-4 {
			return 0
		}
		return binary.LittleEndian.Uint32(s.ram.Bytes()[at:])
	}
	var out []string
	for at := u32(0x4000); at >= 0x4010+24 && len(out) < 8; at -= 24 {
		var w []string
		for i := uint32(24); i > 0; i -= 4 {
			w = append(w, fmt.Sprintf("%x", u32(at-i)))
		}
		out = append(out, strings.Join(w, " "))
	}
	return strings.Join(out, "\n")
}

// skipPrefixes is the instruction without its prefixes, but says whether one of them is REP.
func skipPrefixes(code []byte) (rest []byte, rep bool) {
	for i, b := range code {
		switch b {
		case 0xf2, 0xf3:
			rep = true
		case 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0:
		default:
			return code[i:], rep
		}
	}
	return nil, rep
}

// repeated reports whether the instruction is a string instruction with REP: QEMU's step is one iteration, ours as many as there is room for.
func repeated(code []byte) bool {
	rest, rep := skipPrefixes(code)
	if len(rest) > 1 && rest[0]&0xf0 == 0x40 {
		rest = rest[1:]
	}
	return rep && len(rest) > 0 && (rest[0] >= 0xa4 && rest[0] <= 0xaf || rest[0] >= 0x6c && rest[0] <= 0x6f)
}

// defined are the flags that count: QEMU and hardware differ in what they leave in AF and OF where these are undefined, and so may we.
func defined(code []byte) uint64 {
	const all = 1<<22 - 1
	rest, _ := skipPrefixes(code)
	if len(rest) == 0 {
		return all
	}
	switch op := rest[0]; {
	case op == 0xf6 || op == 0xf7 || op == 0x69 || op == 0x6b || op == 0xd4 || op == 0xd5, op == 0x0f && len(rest) > 1 && rest[1] == 0xaf:
		return all &^ x86.FlagsStatus
	case op == 0x0f && len(rest) > 1 && (rest[1] == 0xbc || rest[1] == 0xbd):
		return all&^x86.FlagsStatus | x86.FlagZF
	case op == 0x27 || op == 0x2f || op == 0x37 || op == 0x3f:
		return all &^ (x86.FlagAF | x86.FlagOF | x86.FlagSF | x86.FlagZF | x86.FlagPF)
	case op == 0x0f && len(rest) > 1 && (rest[1]&0xf7 == 0xa4 || rest[1]&0xf7 == 0xa5):
		return all &^ (x86.FlagAF | x86.FlagOF)
	case op == 0xc0 || op == 0xc1 || op >= 0xd0 && op <= 0xd3:
		return all &^ (x86.FlagAF | x86.FlagOF)
	}
	return all &^ x86.FlagAF
}
