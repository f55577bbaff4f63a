//go:build ignore

// gen_loop writes loop_unsafe.go: the dispatch switch with its specialised instruction forms, and the numbers of these.
package main

import (
	"bytes"
	"fmt"
	"go/format"
	"log"
	"os"
	"strings"
)

var (
	names  []string // of the codes, in order
	bodies = map[string]string{}
	cases  bytes.Buffer
)

const nextRecord = "in = (*inst)(unsafe.Add(unsafe.Pointer(in), unsafe.Sizeof(inst{})))"

// emit adds a form: its code's name and the statements that run it. Shorthands: @D, @S are the registers dst and src, @EA declares lin, @HERE notes
// where we are before something that may fault.
func emit(name, body string) {
	names = append(names, name)
	r := strings.NewReplacer("@D", "c.gpr[in.dst&31]", "@S", "c.gpr[in.src&31]", "@HERE", "c.cur = uintptr(unsafe.Pointer(in))", "@NEXT", nextRecord,
		"@EA", "lin := (c.gpr[in.base&31] + c.gpr[in.index&31]<<(in.scale&63) + uint64(in.disp)) & mask")
	body = r.Replace(strings.TrimSpace(body))
	bodies[name] = body
	fmt.Fprintf(&cases, "case %s:\n%s\n", name, body)
}

// last is the address of an access's last byte.
func (z size) last() string {
	if z.n == 1 {
		return "lin&^pageMask"
	}
	return fmt.Sprintf("(lin+%d)&^pageMask", z.n-1)
}

// load declares v of the size's type, loaded from lin: the TLB's hit is spelled out, since a call costs more than the access.
func (z size) load(v string) string {
	return fmt.Sprintf("var %s %s\nif e := &c.mmu.cur[lin>>12&tlbMask]; e.rd == %s {\n%s = *(*%s)(unsafe.Add(e.host, lin&pageMask))\n} else {\n@HERE\n%s = %s(c.loadSlow(lin, %d))\n}\n",
		v, z.u, z.last(), v, z.u, v, z.u, z.n)
}

// store stores an expression of the size's type.
func (z size) store(e string) string {
	return fmt.Sprintf("if e := &c.mmu.cur[lin>>12&tlbMask]; e.wr == %s {\n*(*%s)(unsafe.Add(e.host, lin&pageMask)) = %s\n} else {\n@HERE\nc.storeSlow(lin, %d, uint64(%s))\n}\n",
		z.last(), z.u, e, z.n, e)
}

// rmw declares a, loaded to be written back as r, which calc declares.
func (z size) rmw(calc string) string {
	return fmt.Sprintf("var a %[1]s\nvar p *%[1]s\nif e := &c.mmu.cur[lin>>12&tlbMask]; e.wr == %[2]s {\np = (*%[1]s)(unsafe.Add(e.host, lin&pageMask))\na = *p\n} else {\n@HERE\na = %[1]s(c.loadWSlow(lin, %[3]d))\n}\n"+
		"%[4]sif p != nil {\n*p = r\n} else {\nc.storeSlow(lin, %[3]d, uint64(r))\n}\n", z.u, z.last(), z.n, calc)
}

// size is an operand size of the forms.
type size struct {
	n    int    // bytes
	u, s string // types
	log  int
}

var (
	s1 = size{1, "uint8", "int8", 0}
	s2 = size{2, "uint16", "int16", 1}
	s4 = size{4, "uint32", "int32", 2}
	s8 = size{8, "uint64", "int64", 3}
)

func (z size) suffix() string { return fmt.Sprint(8 * z.n) }

// sext widens an expression of the size's unsigned type with its sign.
func (z size) sext(e string) string {
	if z.n == 8 {
		return e
	}
	return fmt.Sprintf("uint64(int64(%s(%s)))", z.s, e)
}

func (z size) cut(e string) string {
	if z.n == 8 {
		return e
	}
	return fmt.Sprintf("%s(%s)", z.u, e)
}

func (z size) wide(e string) string {
	if z.n == 8 {
		return e
	}
	return fmt.Sprintf("uint64(%s)", e)
}

// set stores r (of the size's type) in the destination register.
func (z size) set(e string) string {
	switch z.n {
	case 8:
		return "@D = " + e
	case 4:
		return "@D = uint64(" + e + ")"
	case 2:
		return "@D = @D&^0xffff | uint64(" + e + ")"
	}
	return "@D = @D&^0xff | uint64(" + e + ")"
}

type alu struct {
	name, op string
	kind     string // add, sub, res
	noStore  bool
}

// flags are the statements that note the flags of r = a op b.
func (o alu) flags(z size) string {
	switch o.kind {
	case "add":
		return fmt.Sprintf("c.cc, c.ccDst, c.ccSrc = ccAdd+%d, %s, %s", z.log, z.sext("r"), z.sext("b"))
	case "sub":
		return fmt.Sprintf("c.cc, c.ccDst, c.ccSrc = ccSub+%d, %s, %s", z.log, z.sext("r"), z.sext("b"))
	}
	return fmt.Sprintf("c.cc, c.ccDst, c.ccSrc = ccRes+%d, %s, 0", z.log, z.sext("r"))
}

func alus() {
	for _, o := range []alu{
		{"Add", "+", "add", false}, {"Or", "|", "res", false}, {"And", "&", "res", false}, {"Sub", "-", "sub", false}, {"Xor", "^", "res", false},
		{"Cmp", "-", "sub", true}, {"Test", "&", "res", true},
	} {
		for _, z := range []size{s1, s4, s8} {
			n := "code" + o.name
			set := z.set("r")
			if o.noStore {
				set = ""
			}
			calc := fmt.Sprintf("r := a %s b\n", o.op)
			emit(n+"RR"+z.suffix(), fmt.Sprintf("a, b := %s, %s\n%s%s\n%s", z.cut("@D"), z.cut("@S"), calc, o.flags(z), set))
			emit(n+"RI"+z.suffix(), fmt.Sprintf("a, b := %s, %s\n%s%s\n%s", z.cut("@D"), z.cut("in.imm"), calc, o.flags(z), set))
			emit(n+"RM"+z.suffix(), fmt.Sprintf("@EA\n%sa := %s\n%s%s\n%s", z.load("b"), z.cut("@D"), calc, o.flags(z), set))
			if o.noStore {
				fused(n, z, o, calc)
			}
			for _, from := range []struct{ form, expr string }{{"MR", "@S"}, {"MI", "in.imm"}} {
				b := fmt.Sprintf("b := %s\n", z.cut(from.expr))
				if o.noStore {
					emit(n+from.form+z.suffix(), "@EA\n"+z.load("a")+b+calc+o.flags(z))
				} else {
					emit(n+from.form+z.suffix(), "@EA\n"+b+z.rmw(calc)+o.flags(z))
				}
			}
		}
	}
}

// fused emits CMP or TEST with the Jcc in the next record. Which conditions hold is a number from 0 to 7; imm2 has a bit for each at which to jump.
func fused(n string, z size, o alu, calc string) {
	x, y := "a", "b"
	if o.name == "Test" {
		x, y = "r", "0"
	}
	s := func(e string) string {
		if e == "0" {
			return e
		}
		return z.s + "(" + e + ")"
	}
	jump := fmt.Sprintf("var n uint8\nif %s == %s {\nn = 1\n}\nif %s < %s {\nn |= 2\n}\nif %s < %s {\nn |= 4\n}\n", x, y, x, y, s(x), s(y)) +
		"on := in.imm2 >> n & 1\n@NEXT\nto := uint64(in.off) + uint64(in.len)\nif on != 0 {\nto = in.imm\n}\nrip = (rip + to) & mask\nk = int(on)\nbreak run"
	if o.name == "Test" {
		jump = strings.Replace(jump, "if r < 0 {\nn |= 2\n}\n", "", 1)
	}
	tail := calc + o.flags(z) + "\n" + jump
	later = append(later,
		form{n + "JRR" + z.suffix(), fmt.Sprintf("a, b := %s, %s\n", z.cut("@D"), z.cut("@S")) + tail},
		form{n + "JRI" + z.suffix(), fmt.Sprintf("a, b := %s, %s\n", z.cut("@D"), z.cut("in.imm")) + tail},
		form{n + "JRM" + z.suffix(), "@EA\n" + z.load("b") + fmt.Sprintf("a := %s\n", z.cut("@D")) + tail},
		form{n + "JMR" + z.suffix(), "@EA\n" + z.load("a") + fmt.Sprintf("b := %s\n", z.cut("@S")) + tail},
		form{n + "JMI" + z.suffix(), "@EA\n" + z.load("a") + fmt.Sprintf("b := %s\n", z.cut("in.imm")) + tail},
	)
}

// form is a form that is emitted later than its turn comes.
type form struct{ name, body string }

var later []form

func moves() {
	for _, z := range []size{s1, s2, s4, s8} {
		b := z.suffix()
		emit("codeMovRR"+b, z.set(z.cut("@S")))
		emit("codeMovRM"+b, "@EA\n"+z.load("v")+z.set("v"))
		emit("codeMovMR"+b, "@EA\n"+z.store(z.cut("@S")))
		emit("codeMovMI"+b, "@EA\n"+z.store(z.cut("in.imm")))
	}
	emit("codeMovRI", "@D = in.imm")
	emit("codeLea32", "@D = uint64(uint32(c.gpr[in.base&31] + c.gpr[in.index&31]<<(in.scale&63) + uint64(in.disp)))")
	emit("codeLea64", "@D = c.gpr[in.base&31] + c.gpr[in.index&31]<<(in.scale&63) + uint64(in.disp)")
	for _, z := range []size{s1, s2} {
		b := z.suffix()
		emit("codeMovzxRR"+b, fmt.Sprintf("@D = uint64(%s(@S))", z.u))
		emit("codeMovzxRM"+b, "@EA\n"+z.load("v")+"@D = uint64(v)")
		emit("codeMovsx32RR"+b, fmt.Sprintf("@D = uint64(uint32(int32(%s(@S))))", z.s))
		emit("codeMovsx32RM"+b, "@EA\n"+z.load("v")+fmt.Sprintf("@D = uint64(uint32(int32(%s(v))))", z.s))
	}
	for _, z := range []size{s1, s2, s4} {
		b := z.suffix()
		emit("codeMovsx64RR"+b, fmt.Sprintf("@D = uint64(int64(%s(@S)))", z.s))
		emit("codeMovsx64RM"+b, "@EA\n"+z.load("v")+fmt.Sprintf("@D = uint64(int64(%s(v)))", z.s))
	}
	emit("codeXchgRR32", "a, b := @D, @S\n@D, @S = uint64(uint32(b)), uint64(uint32(a))")
	emit("codeXchgRR64", "@D, @S = @S, @D")
	emit("codeCdqe", "c.gpr[x86.RAX] = uint64(int64(int32(c.gpr[x86.RAX])))")
	emit("codeCdq", "c.gpr[x86.RDX] = uint64(uint32(int32(c.gpr[x86.RAX]) >> 31))")
	emit("codeCqo", "c.gpr[x86.RDX] = uint64(int64(c.gpr[x86.RAX]) >> 63)")
	emit("codeNop", "")
}

func ones() {
	for _, z := range []size{s4, s8} {
		b := z.suffix()
		top := fmt.Sprintf("1<<%d", 8*z.n-1)
		inc := fmt.Sprintf("f := c.cf()\nif r&15 == 0 {\nf |= x86.FlagAF\nif r == %s {\nf |= x86.FlagOF\n}\n}\nc.cc, c.ccDst, c.ccSrc = ccRes+%d, %s, f\n", top, z.log, z.sext("r"))
		dec := fmt.Sprintf("f := c.cf()\nif r&15 == 15 {\nf |= x86.FlagAF\nif r == %s-1 {\nf |= x86.FlagOF\n}\n}\nc.cc, c.ccDst, c.ccSrc = ccRes+%d, %s, f\n", top, z.log, z.sext("r"))
		emit("codeIncR"+b, fmt.Sprintf("r := %s + 1\n%s%s", z.cut("@D"), inc, z.set("r")))
		emit("codeDecR"+b, fmt.Sprintf("r := %s - 1\n%s%s", z.cut("@D"), dec, z.set("r")))
		emit("codeIncM"+b, "@EA\n"+z.rmw("r := a + 1\n")+inc)
		emit("codeDecM"+b, "@EA\n"+z.rmw("r := a - 1\n")+dec)
		emit("codeNotR"+b, z.set("^"+z.cut("@D")))
		emit("codeNegR"+b, fmt.Sprintf("b := %s\nr := -b\nc.cc, c.ccDst, c.ccSrc = ccSub+%d, %s, %s\n%s", z.cut("@D"), z.log, z.sext("r"), z.sext("b"), z.set("r")))
		w := 8*z.n - 1
		emit("codeShlRI"+b, fmt.Sprintf("a, n := %s, in.imm&%d\nx := a << (n - 1)\nr := x << 1\nc.cc, c.ccDst, c.ccSrc = ccRes+%d, %s, %s|%s<<11\n%s",
			z.cut("@D"), w, z.log, z.sext("r"), z.wide(fmt.Sprintf("x>>%d", w)), z.wide(fmt.Sprintf("(a^a<<1)>>%d", w)), z.set("r")))
		emit("codeShrRI"+b, fmt.Sprintf("a, n := %s, in.imm&%d\nx := a >> (n - 1)\nr := x >> 1\nc.cc, c.ccDst, c.ccSrc = ccRes+%d, %s, %s|%s<<11\n%s",
			z.cut("@D"), w, z.log, z.sext("r"), z.wide("x&1"), z.wide(fmt.Sprintf("a>>%d", w)), z.set("r")))
		emit("codeSarRI"+b, fmt.Sprintf("a, n := %s(@D), in.imm&%d\nx := a >> (n - 1)\nr := x >> 1\nc.cc, c.ccDst, c.ccSrc = ccRes+%d, uint64(int64(r)), uint64(x&1)\n%s",
			z.s, w, z.log, z.set(z.u+"(r)")))
		imul := fmt.Sprintf("hi, r := imul(a, b, %d)\n@D = r\nc.mulFlags(r, imulWide(hi, r, %d), %d)\n", z.n, z.n, z.n)
		if z.n == 4 {
			imul = "p := int64(int32(a)) * int64(int32(b))\nr := uint64(uint32(p))\n@D = r\nc.mulFlags(r, int64(int32(p)) != p, 4)\n"
		}
		emit("codeImulRR"+b, "a, b := @D, @S\n"+imul)
		emit("codeImulRM"+b, "@EA\n"+z.load("v")+"a, b := @D, uint64(v)\n"+imul)
		emit("codeImulRRI"+b, "a, b := @S, in.imm\n"+imul)
	}
}

func stack() {
	for _, z := range []size{s4, s8} {
		b, n := z.suffix(), z.n
		push := func(e string) string {
			return fmt.Sprintf("lin := (c.gpr[x86.RSP] - %d) & mask\n%sc.gpr[x86.RSP] = lin\n", n, z.store(z.cut(e)))
		}
		emit("codePushR"+b, push("@S"))
		emit("codePushI"+b, push("in.imm"))
		emit("codePushM"+b, "var w uint64\n{\n@EA\n"+z.load("v")+"w = uint64(v)\n}\n"+push("w"))
		top := "lin := c.gpr[x86.RSP] & mask\n" + z.load("v")
		emit("codePopR"+b, top+fmt.Sprintf("c.gpr[x86.RSP] = (lin + %d) & mask\n@D = uint64(v)", n))
		emit("codeLeave"+b, "lin := c.gpr[x86.RBP] & mask\n"+z.load("v")+fmt.Sprintf("c.gpr[x86.RSP] = (lin + %d) & mask\nc.gpr[x86.RBP] = uint64(v)", n))
		// Branches: they leave the block, by the link k.
		const check = "if !canonical(to) {\n@HERE\nc.raiseGP(0)\n}\n"
		const jump = "rip = to & mask\nk = -1\nbreak run"
		ret := push("(rip+uint64(in.off)+uint64(in.len))&mask")
		emit("codeCall"+b, ret+"rip = (rip + in.imm) & mask\nk = 1\nbreak run")
		// A target that is not canonical is found after the store, before RSP moves: see callTo.
		far := strings.Replace(ret, "c.gpr[x86.RSP] = lin\n", check+"c.gpr[x86.RSP] = lin\n", 1)
		emit("codeCallR"+b, "to := @S & mask\n"+far+jump)
		emit("codeCallM"+b, "var to uint64\n{\n@EA\n"+z.load("v")+"to = uint64(v)\n}\n"+far+jump)
		emit("codeRet"+b, top+"to := uint64(v)\n"+check+fmt.Sprintf("c.gpr[x86.RSP] = (lin + %d) & mask\n", n)+jump)
		emit("codeJmpM"+b, "@EA\n"+z.load("v")+"to := uint64(v)\n"+check+jump)
	}
	emit("codeJmpR", "to := @S & mask\nif !canonical(to) {\n@HERE\nc.raiseGP(0)\n}\nrip = to\nk = -1\nbreak run")
	emit("codeJmp", "rip = (rip + in.imm) & mask\nk = 1\nbreak run")
}

// conds are the conditions as expressions over the lazy flags.
func conds() {
	expr := [16]string{2: "c.cf() != 0", 3: "c.cf() == 0", 4: "c.ccDst == 0", 5: "c.ccDst != 0", 6: "c.ccDst == 0 || c.cf() != 0",
		7: "c.ccDst != 0 && c.cf() == 0", 8: "c.sf()", 9: "!c.sf()", 12: "c.less()", 13: "!c.less()", 14: "c.ccDst == 0 || c.less()", 15: "c.ccDst != 0 && !c.less()"}
	for i := range expr {
		if expr[i] == "" {
			expr[i] = fmt.Sprintf("c.cond(%d)", i)
		}
	}
	const leave = "{\nrip = (rip + in.imm) & mask\nk = 1\n} else {\nrip = (rip + uint64(in.off) + uint64(in.len)) & mask\nk = 0\n}\nbreak run"
	for i, e := range expr {
		emit(fmt.Sprintf("codeJcc%d", i), "if "+e+leave)
	}
	for i, e := range expr {
		emit(fmt.Sprintf("codeSet%d", i), "v := @D &^ 0xff\nif "+e+" {\nv |= 1\n}\n@D = v")
	}
	for i, e := range expr {
		emit(fmt.Sprintf("codeCmovRR32x%d", i), "v := @D\nif "+e+" {\nv = @S\n}\n@D = uint64(uint32(v))")
	}
	for i, e := range expr {
		emit(fmt.Sprintf("codeCmovRR64x%d", i), "if "+e+" {\n@D = @S\n}")
	}
}

func main() {
	log.SetFlags(0)
	alus()
	moves()
	ones()
	stack()
	conds()
	for _, f := range later {
		emit(f.name, f.body)
	}
	var out bytes.Buffer
	out.WriteString("// Code generated by gen_loop.go; DO NOT EDIT.\n\npackage cpu\n\nimport (\n\"unsafe\"\n\n\"govm-desktop/x86\"\n)\n\n")
	out.WriteString("// Codes of inst for the dispatch switch. codeExec calls the row's function; the next ones leave the block.\nconst (\ncodeExec uint16 = iota\n")
	for _, n := range append([]string{"codeExecEnd", "codeExecJump", "codeNext", "codeStale"}, names...) {
		out.WriteString(n + "\n")
	}
	out.WriteString("codeEnd\n)\n\n")
	fmt.Fprintf(&out, loop, cases.String())
	src, err := format.Source(out.Bytes())
	if err != nil {
		os.WriteFile("loop_unsafe.go", out.Bytes(), 0o644)
		log.Fatal(err)
	}
	if err := os.WriteFile("loop_unsafe.go", src, 0o644); err != nil {
		log.Fatal(err)
	}
}

const loop = `// runBlocks runs blocks until something has to be looked at between instructions: a request, or the end of a block whose last instruction may
// have changed more than rip.
func (c *CPU) runBlocks() {
	mask := ^uint64(0)
	if c.mode&mode64 == 0 {
		mask = 0xffffffff
	}
	b := c.findBlock()
	rip := c.rip
	for {
		c.gpr[regRIP] = rip
		k := 0 // the link by which control leaves the block; -1: none
		in := b.first
	run:
		for {
			switch in.code {
			case codeExec:
				c.cur = uintptr(unsafe.Pointer(in))
				c.rip = rip + uint64(in.off)
				next := (c.rip + uint64(in.len)) & mask
				c.nextRIP = next
				in.exec(c, in)
				if c.nextRIP != next {
					c.rip = c.nextRIP
					c.leave(in.num + 1)
					return
				}
			case codeExecJump:
				c.cur = uintptr(unsafe.Pointer(in))
				c.rip = rip + uint64(in.off)
				c.nextRIP = (c.rip + uint64(in.len)) & mask
				in.exec(c, in)
				rip = c.nextRIP
				k = -1
				break run
			case codeExecEnd:
				c.cur = uintptr(unsafe.Pointer(in))
				c.rip = rip + uint64(in.off)
				c.nextRIP = (c.rip + uint64(in.len)) & mask
				in.exec(c, in)
				c.rip = c.nextRIP
				c.leave(in.num + 1)
				return
			case codeNext:
				rip = (rip + uint64(in.off)) & mask
				break run
			case codeStale:
				c.rip = (rip + uint64(in.off)) & mask
				c.leave(in.num)
				return
			%s
			}
			in = (*inst)(unsafe.Add(unsafe.Pointer(in), unsafe.Sizeof(inst{})))
		}
		c.retired += uint64(b.count)
		if c.counted != nil {
			c.tick(b.count)
		}
		if c.requests.Load() != 0 {
			c.rip = rip
			c.cur = 0
			return
		}
		if k >= 0 {
			if l := &b.link[k&1]; l.b != nil && (l.gen == sameGen || l.gen == c.mmu.gen) && !l.b.stale {
				b = l.b
				continue
			}
		}
		c.rip = rip
		c.cur = 0
		b = c.follow(b, k)
	}
}
`
