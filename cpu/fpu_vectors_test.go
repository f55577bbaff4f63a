package cpu

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"
	"testing"

	"govm-desktop/cpu/softfloat"
	"govm-desktop/x86"
)

var (
	fpEncodings = flag.String("fp.encodings", "", "write the encodings to record to this file")
	fpVectors   = flag.String("fp.vectors", "", "replay this recording (not compressed) instead of testdata's")
)

// fpCase is the state of a case: testdata/fprecord.c has the same.
type fpCase struct {
	gpr          [8]uint64
	flags, fault uint64
	fx           [64]uint64
	mem          [16]uint64
}

const (
	fpMemAddr  = 0x10000100
	fpCodeAddr = 0x20000000
)

type fpRand uint64

func (r *fpRand) next() uint64 {
	*r ^= *r << 13
	*r ^= *r >> 7
	*r ^= *r << 17
	return uint64(*r) * 0x2545f4914f6cdd1d
}

var (
	fpT64 = [20]uint64{0, 1 << 63, 0x3ff0000000000000, 0xbff0000000000000, 0x7ff0000000000000, 0xfff0000000000000,
		0x7ff8000000000123, 0x7ff0000000000456, 0xfff8000000000000, 1, 0x000fffffffffffff, 0x0010000000000000, 0x7fefffffffffffff,
		0x41e0000000000000, 0xc1e0000000000000, 0x43e0000000000000, ^uint64(0), 0x3fe0000000000000, 0x36a0000000000000, 0x47efffffffffffff}
	fpT32 = [20]uint64{0, 1 << 31, 0x3f800000, 0xbf800000, 0x7f800000, 0xff800000, 0x7fc00123, 0x7f800456, 0xffc00000, 1,
		0x007fffff, 0x00800000, 0x7f7fffff, 0x4f000000, 0xcf000000, 0x5f000000, 0xffffffff, 0x3f000000, 0x80000001, 0x4b000001}
	fpTSE  = [8]uint64{0, 0x7fff, 0x3fff, 0x3ffe, 0x403e, 0x7ffe, 1, 0x401e}
	fpTSig = [8]uint64{0, 1 << 63, 3 << 62, ^uint64(0), 1, 0xa000000000000000, 0x4000000000000000, 0xffffff8000000000}
)

func (p *fpRand) val() (v uint64) {
	k, r := p.next()>>20, p.next()
	switch k & 7 {
	case 0, 1:
		return r
	case 2:
		return fpT64[r>>8%20]
	case 3:
		return fpT32[r>>8%20] | fpT32[r>>40%20]<<32
	case 4:
		for i := range 8 {
			v |= uint64("\x00\xff\x80\x7f\x01\x41\x30\x00"[r>>(3*i+8)&7]) << (8 * i)
		}
		return v
	case 5:
		return r&0x800fffffffffffff | (0x3e0+k>>3&63)<<52
	case 6:
		return r&0x807fffff807fffff | (112+k>>3&31)<<23 | (112+k>>8&31)<<55
	}
	return r & 0x00ff80ff00ff7fff
}

// drawFP makes the state a seed stands for.
func drawFP(seed uint64) (s fpCase) {
	p := fpRand(seed)
	for range 4 {
		p.next()
	}
	for i := range s.gpr {
		s.gpr[i] = p.val()
	}
	s.flags = p.next()>>13&0x8d5 | 0x202
	r := p.next() >> 9
	fcw, fsw, ftw, mxcsr := uint64(0x37f), uint64(0), uint64(0xff), uint64(0x1f80)
	if r&1 != 0 {
		fcw = 0x340 | r>>1&0xc00 | 0x3f
		if r>>3&7 == 0 {
			fcw = fcw&^0x3f | r>>16&0x3f
		}
	}
	if r&0x40 != 0 {
		fsw = r >> 20 & 7 << 11
	}
	if r&0x380 == 0 {
		fsw |= r >> 24 & 0x7f
	}
	if r&0x1c00 == 0 {
		ftw = r >> 32 & 0xff
	}
	r = p.next() >> 9
	if r&1 != 0 {
		mxcsr = 0x1f80 | r>>2&0x6000 | r>>3&0x8000 | r>>18&0x40
	}
	if r&2 != 0 {
		mxcsr |= r >> 26 & 0x3f
	}
	if r&0x1c == 0 {
		mxcsr = mxcsr&^0x1f80 | r>>32&0x3f<<7
	}
	if fsw&^fcw&0x3f != 0 {
		fsw |= 0x8080
	}
	s.fx[0], s.fx[3] = fcw|fsw<<16|ftw<<32, mxcsr
	for i := range 8 {
		k, sig := p.next()>>20, p.next()|1<<63
		se := 0x3fff - 32 + k>>4&63
		if k&3 == 0 {
			se = fpTSE[k>>10&7]
		}
		if k&12 == 0 {
			sig = fpTSig[k>>14&7]
		}
		s.fx[4+2*i], s.fx[5+2*i] = sig, se|k>>30&1<<15
	}
	for i := range 32 {
		s.fx[20+i] = p.val()
	}
	for i := range s.mem {
		s.mem[i] = p.val()
	}
	return s
}

func (s *fpCase) digest() uint64 {
	h := uint64(0xcbf29ce484222325)
	add := func(v ...uint64) {
		for _, v := range v {
			h = (h ^ v) * 0x100000001b3
			h ^= h >> 29
		}
	}
	add(s.gpr[:]...)
	add(s.flags&0x8d5, s.fault, s.fx[0], s.fx[1], s.fx[2], s.fx[3]&0xffffffff)
	add(s.fx[4:52]...)
	add(s.mem[:]...)
	return h
}

func (s *fpCase) String() string {
	var b strings.Builder
	for i, v := range s.gpr {
		fmt.Fprintf(&b, "gpr%d %016x\n", i, v)
	}
	fmt.Fprintf(&b, "flags %03x\nfault %x\nfx0 %016x\nfip %x\nfdp %x\nmxcsr %08x\n", s.flags&0x8d5, s.fault, s.fx[0], s.fx[1], s.fx[2], s.fx[3]&0xffffffff)
	for i := range 8 {
		fmt.Fprintf(&b, "st%d %04x:%016x\n", i, s.fx[5+2*i], s.fx[4+2*i])
	}
	for i := range 16 {
		fmt.Fprintf(&b, "xmm%d %016x:%016x\n", i, s.fx[21+2*i], s.fx[20+2*i])
	}
	for i, v := range s.mem {
		fmt.Fprintf(&b, "mem%02x %016x\n", 8*i, v)
	}
	return b.String()
}

// fpGPR are the registers of fpCase.gpr; RDI points to the memory operand.
var fpGPR = [8]uint8{x86.RAX, x86.RCX, x86.RDX, x86.RBX, x86.RSI, x86.R8, x86.R9, x86.R10}

// load puts a case into a processor.
func (s *fpCase) load(c *CPU) {
	for i, r := range fpGPR {
		c.gpr[r] = s.gpr[i]
	}
	c.gpr[x86.RDI] = fpMemAddr
	c.setStatus(s.flags)
	f := &c.fpu
	f.setControlWord(uint16(s.fx[0]))
	f.setStatusWord(uint16(s.fx[0] >> 16))
	f.tags = uint8(s.fx[0] >> 32)
	f.fop, f.fip, f.fdp = 0, 0, 0
	f.sse.MXCSR = uint32(s.fx[3])
	for i := range uint8(8) {
		f.regs[f.st(i)] = softfloat.Float80{Sig: s.fx[4+2*int(i)], SE: uint16(s.fx[5+2*int(i)])}
	}
	for i := range 16 {
		f.xmm[i] = [2]uint64{s.fx[20+2*i], s.fx[21+2*i]}
	}
	for i, v := range s.mem {
		c.store64(fpMemAddr+8*uint64(i), v)
	}
}

// unload takes it out.
func (s *fpCase) unload(c *CPU) {
	for i, r := range fpGPR {
		s.gpr[i] = c.gpr[r]
	}
	s.flags = c.flags()
	f := &c.fpu
	s.fx[0] = uint64(f.fcw) | uint64(f.statusWord())<<16 | uint64(f.tags)<<32 | uint64(f.fop)<<48
	s.fx[1], s.fx[2], s.fx[3] = f.fip, f.fdp, uint64(f.sse.MXCSR)
	for i := range uint8(8) {
		v := f.get(i)
		s.fx[4+2*int(i)], s.fx[5+2*int(i)] = v.Sig, uint64(v.SE)
	}
	for i := range 16 {
		s.fx[20+2*i], s.fx[21+2*i] = f.xmm[i][0], f.xmm[i][1]
	}
	for i := range s.mem {
		s.mem[i] = c.load64(fpMemAddr + 8*uint64(i))
	}
}

// runFP runs one instruction on a state, through its exec function.
func runFP(c *CPU, code []byte, s *fpCase) (err error) {
	s.load(c)
	var in inst
	if st := c.table.decode(append(bytes.Clone(code), 0xc3, 0x90, 0x90), c.mode, &in); st != decodeOK {
		return fmt.Errorf("decoding: status %d", st)
	}
	if int(in.len) != len(code) {
		return fmt.Errorf("decoded %d bytes of %d", in.len, len(code))
	}
	c.rip, c.gpr[regRIP], c.nextRIP = fpCodeAddr, fpCodeAddr, fpCodeAddr+uint64(len(code))
	func() {
		defer func() {
			if r := recover(); r != nil {
				if r != any(&c.exc) {
					panic(r)
				}
				s.fault = uint64(c.exc.vector) | 0x100
			}
		}()
		in.exec(c, &in)
	}()
	s.unload(c)
	return nil
}

// fpSkip are instructions whose results may differ from a chip's in the last bit.
func fpSkip(name string) bool {
	switch name {
	case "f2xm1", "fyl2x", "fyl2xp1", "fptan", "fpatan", "fsin", "fcos", "fsincos":
		return true
	}
	return false
}

// fpForms are encodings of a row: with registers, with a register twice, with memory aligned and not.
func fpForms(r *row, e *encoding) (list [][]byte) {
	var head []byte
	switch e.prefix {
	case prefix66:
		head = append(head, 0x66)
	case prefixF2:
		head = append(head, 0xf2)
	case prefixF3:
		head = append(head, 0xf3)
	}
	opcode := append([]byte{}, [][]byte{{}, {0x0f}, {0x0f, 0x38}, {0x0f, 0x3a}}[e.page]...)
	opcode = append(opcode, e.opcode)
	form := func(rex byte, modrm ...byte) {
		switch {
		case e.w == 1:
			rex |= 0x48
		case e.w == 0 && rex != 0:
			rex &^= 8
		}
		b := bytes.Clone(head)
		if rex != 0 {
			b = append(b, rex)
		}
		b = append(append(b, opcode...), modrm...)
		imms := [][]byte{nil}
		if e.imm == immB {
			imms = [][]byte{{0x02}, {0x1b}, {0x41}, {0x7c}, {0xe4}, {0xf8}, {0x0d}, {0x37}}
		}
		for _, i := range imms {
			list = append(list, append(bytes.Clone(b), i...))
		}
	}
	if e.mod == modNo {
		form(0)
		return list
	}
	reg := byte(1)
	if e.reg >= 0 {
		reg = byte(e.reg)
	}
	modrm := func(mod, rm byte) byte { return mod<<6 | reg<<3 | rm }
	isX87 := e.page == 0
	if e.mod != modMem && e.rm >= 0 {
		form(0, modrm(3, byte(e.rm)))
	} else if e.mod != modMem {
		form(0, modrm(3, 2))
		form(0, modrm(3, 0))
		if !isX87 {
			form(0x4d, modrm(3, 2)) // REX.W, R and B
			form(0x45, modrm(3, 1))
		}
	}
	if e.mod != modReg && r.name[:2] != "fx" {
		form(0, modrm(1, 7), 0x10)
		form(0, modrm(1, 7), 0x21)
		if r.args == "M" { // the environment has a 16-bit layout too
			head = []byte{0x66}
			form(0, modrm(1, 7), 0x10)
			head = nil
		}
		if !isX87 {
			form(0x48, modrm(1, 7), 0x30)
		}
	}
	return list
}

func fpTestRows() []row {
	return append(append(rowsX87(), rowsMMX()...), rowsSSE()...)
}

// fpRecording is one encoding's line of a recording.
type fpRecording struct {
	code   []byte
	hashes []uint64
}

func readFPVectors(t *testing.T) (list []fpRecording) {
	t.Helper()
	var rd io.Reader
	if *fpVectors != "" {
		f, err := os.Open(*fpVectors)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		rd = f
	} else {
		f, err := os.Open("testdata/fp.vec.gz")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if rd, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	b, err := io.ReadAll(rd)
	if err != nil {
		t.Fatal(err)
	}
	for len(b) > 0 {
		n := int(b[0])
		r := fpRecording{code: b[1 : 1+n]}
		count := int(binary.LittleEndian.Uint16(b[1+n:]))
		b = b[3+n:]
		for range count {
			r.hashes = append(r.hashes, binary.LittleEndian.Uint64(b))
			b = b[8:]
		}
		list = append(list, r)
	}
	return list
}

func TestFPVectors(t *testing.T) {
	if *fpEncodings != "" {
		var out strings.Builder
		for _, r := range fpTestRows() {
			if fpSkip(r.name) {
				continue
			}
			e := parseEncoding(r.enc)
			for _, b := range fpForms(&r, &e) {
				fmt.Fprintln(&out, hex.EncodeToString(b))
			}
		}
		if err := os.WriteFile(*fpEncodings, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	c := newFPBench(t)
	seen, bad := map[string]bool{}, map[string]int{}
	cases := 0
	for i, rec := range readFPVectors(t) {
		for k, want := range rec.hashes {
			seed := uint64(i+1)<<20 | uint64(k+1)
			s := drawFP(seed)
			err := runFP(c, rec.code, &s)
			var in inst
			c.table.decode(append(bytes.Clone(rec.code), 0xc3), c.mode, &in)
			name := "invalid"
			if in.row != rowInvalid {
				name = c.table.rows[in.row].enc + " " + c.table.rows[in.row].name
			}
			seen[name] = true
			cases++
			if err == nil && s.digest() == want {
				continue
			}
			if bad[name]++; bad[name] == 1 {
				t.Errorf("%s: fprecord -dump %x %#x differs (%v)", name, rec.code, seed, err)
				if testing.Verbose() {
					t.Logf("after:\n%v", &s)
				}
			}
		}
	}
	var names []string
	for n := range bad {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		t.Logf("%s: %d cases differ", n, bad[n])
	}
	for _, r := range fpTestRows() {
		if !fpSkip(r.name) && !seen[r.enc+" "+r.name] && !strings.HasPrefix(r.name, "fx") {
			t.Errorf("%s %s: no case recorded", r.enc, r.name)
		}
	}
	t.Logf("%d cases over %d rows", cases, len(seen))
}

func TestFP_noAllocations(t *testing.T) {
	c := newFPBench(t)
	s := drawFP(1)
	for _, r := range fpTestRows() {
		e := parseEncoding(r.enc)
		for _, code := range fpForms(&r, &e) {
			s.load(c)
			c.fpu.fcw, c.fpu.fsw, c.fpu.tags, c.fpu.sse.MXCSR = 0x37f, 0, 0xff, 0x1f80
			var in inst
			c.table.decode(append(bytes.Clone(code), 0xc3), c.mode, &in)
			if fpExec(c, &in) >= 0 {
				continue
			}
			if n := testing.AllocsPerRun(1, func() { c.fpu.tags = 0xff; fpExec(c, &in) }); n != 0 {
				t.Errorf("%s %s: %v allocations", r.enc, r.name, n)
			}
		}
	}
}
