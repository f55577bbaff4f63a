package cpu

import (
	"bufio"
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/arch/x86/x86asm"
)

// allOn is a decoder with every row.
func allOn() *decoder { return newDecoder(rows(), func(feature) bool { return true }) }

var decodeModes = []struct {
	bits int
	mode mode
	flag string // objdump's
}{
	{16, modeProtected, "i8086"},
	{32, modeProtected | modeCode32 | modeStack32 | modeFlat, "i386"},
	{64, modeProtected | modeLong | mode64 | modeFlat, "i386:x86-64"},
}

// asmDisagrees names bytes on which x86asm is known to be wrong or of another mind.
func asmDisagrees(b []byte, bits int, theirs x86asm.Inst) bool {
	op, i := b, 0
	var opsz, rep bool
	for i < len(b) && strings.IndexByte("\x26\x2e\x36\x3e\x64\x65\x66\x67\xf0\xf2\xf3", b[i]) >= 0 {
		opsz = opsz || b[i] == 0x66
		rep = rep || b[i] == 0xf2 || b[i] == 0xf3
		i++
	}
	if bits == 64 && i < len(b) && b[i]&0xf0 == 0x40 {
		i++
	}
	if op = b[i:]; len(op) < 2 {
		return true
	}
	switch {
	case op[0] == 0x0f && op[1] >= 0x20 && op[1] <= 0x27:
		return true // MOV CR and DR: mod means 3 to processors (SDM volume 2, MOV CR); test registers are gone
	case bits == 64 && opsz && (op[0] == 0xe8 || op[0] == 0xe9 || op[0] == 0x0f && op[1]&0xf0 == 0x80):
		return true // near branches take 4 bytes in 64-bit mode whatever the prefix (Intel; AMD takes 2)
	case op[0] == 0x0f && rep:
		return true // x86asm lets REP stand before opcodes that have no meaning for it
	case op[0] == 0x0f && (op[1] == 0xff || op[1] == 0xb9 || op[1] == 0x0b):
		return true // UD0 and UD1: with or without ModRM
	case op[0] == 0xc4 || op[0] == 0xc5 || op[0] == 0x62:
		return true // VEX and EVEX
	case bits == 16 && opsz && op[0] == 0xff, op[0] == 0x9b:
		return true // FWAIT is an instruction of its own
	case op[0] == 0x0f && op[1] == 0xae, op[0] == 0x0f && op[1] == 0xc7, op[0] == 0x0f && op[1] == 0x78, op[0] == 0x0f && op[1] == 0x01:
		return true // newer meanings in these groups
	}
	return theirs.Op == 0 // a prefix alone: bytes that x86asm does not know
}

// checkDecode compares a decoding with x86asm's.
func checkDecode(t *testing.T, d *decoder, b []byte) {
	for _, m := range decodeModes {
		var in inst
		st := d.decode(b[:min(len(b), maxInst)], m.mode, &in)
		if st != decodeOK || in.row == rowInvalid {
			continue
		}
		if in.len == 0 || int(in.len) > len(b) {
			t.Fatalf("%d bits: % x: length %d", m.bits, b, in.len)
		}
		theirs, err := x86asm.Decode(b, m.bits)
		if err != nil || theirs.Len == int(in.len) || asmDisagrees(b, m.bits, theirs) {
			continue
		}
		t.Errorf("%d bits: % x: %s, %d bytes; x86asm says %v, %d bytes", m.bits, b[:in.len], d.rows[in.row].enc, in.len, theirs, theirs.Len)
	}
}

func FuzzDecode(f *testing.F) {
	d := allOn()
	for _, s := range []string{"\x90", "\x0f\xaf\x04\x25\x00\x10\x00\x00", "\x66\x67\xf3\x48\xa5", "\xc8\x10\x00\x01", "\xea\x00\x00\x00\x00\x08\x00", "\x48\xb8\x01\x02\x03\x04\x05\x06\x07\x08",
		"\x66\x0f\x3a\x0f\xc1\x08", "\xf2\x0f\x38\xf1\xc8", "\xd9\xe8", "\xf0\x0f\xb1\x0f", "\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x90"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) { checkDecode(t, d, b) })
}

func TestDecode_againstX86asm(t *testing.T) {
	d, r := allOn(), rand.New(rand.NewPCG(3, 4))
	for range 300000 {
		b := make([]byte, 24)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		switch r.IntN(4) {
		case 0:
			b[0] = 0x0f
		case 1:
			b[0], b[1] = []byte{0x66, 0xf2, 0xf3, 0x48}[r.IntN(4)], 0x0f
		}
		checkDecode(t, d, b)
		if t.Failed() {
			return
		}
	}
}

// TestDecode_againstObjdump has binutils disassemble one instruction of each row and compares the lengths.
func TestDecode_againstObjdump(t *testing.T) {
	if _, err := exec.LookPath("objdump"); err != nil {
		t.Skip("no objdump")
	}
	d, r := allOn(), rand.New(rand.NewPCG(5, 6))
	for _, m := range decodeModes {
		var code []byte
		var starts []int
		var names []string
		for range 4000 {
			b, ok := randomInst(r, d, m.mode, func(*row) bool { return true })
			if !ok {
				continue
			}
			var in inst
			d.decode(b, m.mode, &in)
			w := d.rows[in.row]
			if objdumpDisagrees(w.enc, b, m.bits) {
				continue
			}
			starts = append(starts, len(code))
			names = append(names, fmt.Sprintf("%s % x", w.enc, b))
			code = append(code, b...)
			code = append(code, bytes.Repeat([]byte{0x90}, 16)...)
		}
		at := objdump(t, m.flag, code)
		bad := 0
		for i, s := range starts {
			if !at[s] {
				continue // objdump lost its way before
			}
			var in inst
			d.decode(code[s:s+maxInst], m.mode, &in)
			for k := 1; k < int(in.len); k++ {
				if at[s+k] {
					bad++
					if bad < 8 {
						t.Errorf("%d bits: %s: objdump sees the next instruction after %d bytes, not %d", m.bits, names[i], k, in.len)
					}
					break
				}
			}
			if !at[s+int(in.len)] {
				bad++
				if bad < 8 {
					t.Errorf("%d bits: %s: objdump sees no instruction after %d bytes", m.bits, names[i], in.len)
				}
			}
		}
	}
}

// objdumpDisagrees says where binutils is of another mind than processors.
func objdumpDisagrees(enc string, b []byte, bits int) bool {
	switch enc {
	case "9B":
		return true // FWAIT is shown as part of the next instruction
	case "NP 0F AE /5r", "NP 0F AE /6r", "NP 0F AE /7r":
		return true // fences: ModRM.rm means nothing to processors
	case "0F 1A /r", "0F 1B /r":
		return true // MPX, which is NOP where it does not exist
	}
	opsz := false
	for i, c := range b {
		switch {
		case strings.IndexByte("\x66\xf2\xf3\x26\x2e\x36\x3e\x64\x65\x67\xf0", c) >= 0:
			opsz = opsz || c == 0x66
			continue
		case bits == 64 && c&0xf0 == 0x40 && i+1 < len(b):
			if b[i+1] == 0x90 || b[i+1]&0xf0 == 0x40 || strings.IndexByte("\x66\xf2\xf3", b[i+1]) >= 0 {
				return true // a REX that does not count is shown on a line of its own
			}
			continue
		}
		// Near branches take 4 bytes in 64-bit mode whatever the prefix: Intel's reading.
		return bits == 64 && opsz && (c == 0xe8 || c == 0xe9 || c == 0x0f && b[i+1]&0xf0 == 0x80)
	}
	return false
}

// objdump returns the offsets at which it sees instructions begin.
func objdump(t *testing.T, arch string, code []byte) map[int]bool {
	file := filepath.Join(t.TempDir(), "code")
	if err := os.WriteFile(file, code, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("objdump", "-D", "-b", "binary", "-m", "i386", "-M", strings.TrimPrefix(arch, "i386:"), "--insn-width=16", file).Output()
	if arch == "i386:x86-64" {
		out, err = exec.Command("objdump", "-D", "-b", "binary", "-m", "i386:x86-64", "--insn-width=16", file).Output()
	}
	if err != nil {
		t.Fatal(err)
	}
	at := make(map[int]bool)
	for s := bufio.NewScanner(bytes.NewReader(out)); s.Scan(); {
		f, _, ok := strings.Cut(strings.TrimSpace(s.Text()), ":")
		if v, err := strconv.ParseUint(f, 16, 64); ok && err == nil {
			at[int(v)] = true
		}
	}
	return at
}

func TestDecode_limits(t *testing.T) {
	d := allOn()
	var in inst
	long := append(bytes.Repeat([]byte{0x66}, 14), 0x90)
	if st := d.decode(long, mode64, &in); st != decodeOK || in.len != 15 {
		t.Errorf("15 bytes: %v, %d", st, in.len)
	}
	if st := d.decode(append([]byte{0x66}, long...)[:15], mode64, &in); st != decodeTooLong {
		t.Errorf("16 bytes: %v", st)
	}
	if st := d.decode([]byte{0x48, 0xb8, 1, 2}, mode64, &in); st != decodeShort {
		t.Errorf("cut off: %v", st)
	}
	for _, c := range []struct {
		code string
		m    mode
	}{
		{"\xf0\x90", mode64}, {"\xf0\x01\xc0", mode64}, {"\xf0\x03\x00", mode64}, {"\xf0\x39\x00", mode64}, // LOCK
		{"\x06", mode64}, {"\x60", mode64}, {"\x27", mode64}, {"\xd5\x0a", mode64}, {"\x82\xc0\x01", mode64}, // not in 64-bit mode
		{"\xc5\xf8\x77", mode64}, {"\xc4\xe2\x79\x18\xc0", mode64}, {"\x62\xf1\x7c\x48\x10\xc0", mode64}, // VEX, EVEX
		{"\x8f\xe8\x78\xc0", mode64}, {"\xc5\xf8\x77", modeProtected | modeCode32}, {"\x8d\xc0", mode64}, {"\x0f\xff", modeCode32}, // XOP, LEA of a register
		{"\xfe\xd0", mode64}, {"\xff\xf8", mode64}, {"\x0f\x00\xc0", 0},
	} {
		b := append([]byte(c.code), make([]byte, 15)...)[:15]
		if d.decode(b, c.m, &in); in.row != rowInvalid && d.rows[in.row].name[:2] != "ud" {
			t.Errorf("% x is %s, not invalid", c.code, d.rows[in.row].enc)
		}
	}
}

func TestDecode_operands(t *testing.T) {
	d := allOn()
	for _, c := range []struct {
		code string
		m    mode
		want inst
	}{
		{"\x8b\x44\x24\x08", mode64, inst{len: 4, opsize: 4, asize: 8, reg: 0, base: 4, index: regZero, seg: 2, disp: 8}},
		{"\x4b\x8b\x44\xac\xf8", mode64, inst{len: 5, opsize: 8, asize: 8, reg: 0, base: 12, index: 13, scale: 2, seg: 3, disp: -8}},
		{"\x8b\x05\x10\x00\x00\x00", mode64, inst{len: 6, opsize: 4, asize: 8, base: regRIP, index: regZero, seg: 3, disp: 0x16}},
		{"\x8b\x05\x10\x00\x00\x00", modeCode32, inst{len: 6, opsize: 4, asize: 4, base: regZero, index: regZero, seg: 3, disp: 0x10}},
		{"\x64\x8b\x42\x05", 0, inst{len: 4, opsize: 2, asize: 2, base: 5, index: 6, seg: 4, disp: 5}},
		{"\x8b\x46\x05", 0, inst{len: 3, opsize: 2, asize: 2, base: 5, index: regZero, seg: 2, disp: 5}},
		{"\x8b\x0e\x34\x12", 0, inst{len: 4, opsize: 2, asize: 2, reg: 1, base: regZero, index: regZero, seg: 3, disp: 0x1234}},
		{"\x67\x8b\x04\x25\x01\x00\x00\x00", mode64, inst{len: 8, opsize: 4, asize: 4, base: regZero, index: regZero, seg: 3, disp: 1}},
		{"\x2e\x8b\x45\x00", mode64, inst{len: 4, opsize: 4, asize: 8, base: 5, index: regZero, seg: 2}},
		{"\x66\x8b\x00", modeCode32, inst{len: 3, opsize: 2, asize: 4, base: 0, index: regZero, seg: 3}},
	} {
		var in inst
		if st := d.decode([]byte(c.code), c.m, &in); st != decodeOK {
			t.Errorf("% x: %v", c.code, st)
			continue
		}
		got := inst{len: in.len, opsize: in.opsize, asize: in.asize, reg: in.reg, base: in.base, index: in.index, scale: in.scale, seg: in.seg, disp: in.disp}
		if fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("% x:\n got %+v\nwant %+v", c.code, got, c.want)
		}
	}
}
