package monitor

import (
	"fmt"
	"io"

	"govm-desktop/x86"
)

func registerCommands() []*Command {
	return []*Command{
		{HMP: "info registers", Params: []Param{{Name: "all", Type: Flag, Letter: 'a'}, {Name: "cpu", Type: Int, Optional: true}}, Help: "the registers of a processor: info registers [-a] [CPU]", Run: runRegisters, Print: printAllRegisters},
		{HMP: "info mem", Help: "the memory that the page tables map", Run: runMem, Print: printMem},
		{HMP: "info tlb", Help: "the page tables", Run: runTLB, Print: printTLB},
		{HMP: "info lapic", Params: []Param{{Name: "apic-id", Type: Int, Optional: true}}, Help: "a processor's local APIC", Run: func(c *Call) (any, error) {
			n := c.Int("apic-id", int64(c.Session.CPU))
			t, err := inspected(c, fmt.Sprintf("lapic%d", n), "irqchip")
			if err != nil {
				return nil, err
			}
			return fmt.Sprintf("dumping local APIC state for CPU %d\n\n%s", n, t), nil
		}, Print: printText},
	}
}

func printText(w io.Writer, r any) { io.WriteString(w, r.(string)) }

// numbered is a processor's registers, with its number.
type numbered struct {
	cpu int
	x86.State
}

func runRegisters(c *Call) (any, error) {
	first, last := c.Int("cpu", int64(c.Session.CPU)), int64(0)
	if last = first; c.Bool("all") {
		first, last = 0, int64(c.CPUs())-1
	}
	if first < 0 || last >= int64(c.CPUs()) {
		return nil, errorf(GenericError, "CPU#%d not available", first)
	}
	var all []numbered
	for n := int(first); n <= int(last); n++ {
		s, err := c.Registers(n)
		if err != nil {
			return nil, generic(err)
		}
		all = append(all, numbered{n, s})
	}
	return all, nil
}

func printAllRegisters(w io.Writer, r any) {
	for _, s := range r.([]numbered) {
		fmt.Fprintf(w, "\nCPU#%d\n", s.cpu)
		PrintRegisters(w, &s.State)
	}
}

// PrintRegisters shows a processor's state, in 64-bit code with all registers in full, else with the halves that are there.
func PrintRegisters(w io.Writer, s *x86.State) {
	long := s.EFER&x86.EFERLMA != 0 && s.Seg[x86.CS].Attr&x86.AttrL != 0
	wide := s.EFER&x86.EFERLMA != 0 // bases and control registers
	printGeneral(w, s, long)
	base := func(v uint64) string {
		if wide {
			return fmt.Sprintf("%016x", v)
		}
		return fmt.Sprintf("%08x", uint32(v))
	}
	for i, n := range segmentNames() {
		printSegment(w, n, &s.Seg[i], s, base)
	}
	printSegment(w, "LDT", &s.LDTR, s, base)
	printSegment(w, "TR", &s.TR, s, base)
	fmt.Fprintf(w, "GDT=     %s %08x\nIDT=     %s %08x\n", base(s.GDTR.Base), s.GDTR.Limit, base(s.IDTR.Base), s.IDTR.Limit)
	fmt.Fprintf(w, "CR0=%08x CR2=%s CR3=%s CR4=%08x\n", s.CR0, base(s.CR2), base(s.CR3), s.CR4)
	fmt.Fprintf(w, "DR0=%016x DR1=%016x DR2=%016x DR3=%016x \nDR6=%016x DR7=%016x\nEFER=%016x\n",
		s.DR[0], s.DR[1], s.DR[2], s.DR[3], s.DR6, s.DR7, s.EFER)
	printFPU(w, &s.FPU, long)
}

func printGeneral(w io.Writer, s *x86.State, long bool) {
	g := &s.GPR
	tail := fmt.Sprintf("[%s] CPL=%d II=%d A20=1 SMM=%d HLT=%d\n", flagLetters(s.RFLAGS), s.Seg[x86.SS].Attr.DPL(), b2i(s.InterruptSh), b2i(s.InSMM), b2i(s.Halted))
	if !long {
		fmt.Fprintf(w, "EAX=%08x EBX=%08x ECX=%08x EDX=%08x\n", uint32(g[x86.RAX]), uint32(g[x86.RBX]), uint32(g[x86.RCX]), uint32(g[x86.RDX]))
		fmt.Fprintf(w, "ESI=%08x EDI=%08x EBP=%08x ESP=%08x\n", uint32(g[x86.RSI]), uint32(g[x86.RDI]), uint32(g[x86.RBP]), uint32(g[x86.RSP]))
		fmt.Fprintf(w, "EIP=%08x EFL=%08x %s", uint32(s.RIP), uint32(s.RFLAGS), tail)
		return
	}
	fmt.Fprintf(w, "RAX=%016x RBX=%016x RCX=%016x RDX=%016x\n", g[x86.RAX], g[x86.RBX], g[x86.RCX], g[x86.RDX])
	fmt.Fprintf(w, "RSI=%016x RDI=%016x RBP=%016x RSP=%016x\n", g[x86.RSI], g[x86.RDI], g[x86.RBP], g[x86.RSP])
	for i := 8; i < 16; i += 4 {
		fmt.Fprintf(w, "R%-2d=%016x R%-2d=%016x R%-2d=%016x R%-2d=%016x\n", i, g[i], i+1, g[i+1], i+2, g[i+2], i+3, g[i+3])
	}
	fmt.Fprintf(w, "RIP=%016x RFL=%08x %s", s.RIP, s.RFLAGS, tail)
}

// printSegment shows the descriptor's second word as it lies in memory, but for the base, and in protected mode what it says.
func printSegment(w io.Writer, name string, g *x86.Segment, s *x86.State, base func(uint64) string) {
	limit := g.Limit
	if g.Attr&x86.AttrG != 0 {
		limit >>= 12
	}
	fmt.Fprintf(w, "%-3s=%04x %s %08x %08x", name, g.Selector, base(g.Base), g.Limit, uint32(g.Attr&0xf0ff)<<8|limit&0xf0000)
	if s.CR0&x86.CR0PE != 0 && g.Attr&x86.AttrP != 0 {
		fmt.Fprintf(w, " DPL=%d %s", g.Attr.DPL(), segmentKind(g.Attr, s.EFER&x86.EFERLMA != 0))
	}
	fmt.Fprintln(w)
}

func segmentKind(a x86.Attr, long bool) string {
	letter := func(bit x86.Attr, l byte) byte {
		if a&bit != 0 {
			return l
		}
		return '-'
	}
	switch {
	case a&x86.AttrS == 0:
		return systemSegments(long)[a&x86.AttrType]
	case a&x86.AttrCode != 0:
		size := "CS16"
		if a&x86.AttrL != 0 {
			size = "CS64"
		} else if a&x86.AttrDB != 0 {
			size = "CS32"
		}
		return fmt.Sprintf("%s [%c%c%c]", size, letter(x86.AttrDown, 'C'), letter(x86.AttrWritable, 'R'), letter(x86.AttrAccessed, 'A'))
	}
	size := "DS16"
	if a&x86.AttrDB != 0 || long {
		size = "DS  "
	}
	return fmt.Sprintf("%s [%c%c%c]", size, letter(x86.AttrDown, 'E'), letter(x86.AttrWritable, 'W'), letter(x86.AttrAccessed, 'A'))
}

// systemSegments are the types of system descriptors (SDM volume 3, 3.5).
func systemSegments(long bool) [16]string {
	const none = "Reserved"
	if long {
		return [16]string{none, none, "LDT", none, none, none, none, none, none, "TSS64-avl", none, "TSS64-busy", "CallGate64", none, "IntGate64", "TrapGate64"}
	}
	return [16]string{none, "TSS16-avl", "LDT", "TSS16-busy", "CallGate16", "TaskGate", "IntGate16", "TrapGate16", none, "TSS32-avl", none, "TSS32-busy", "CallGate32", none, "IntGate32", "TrapGate32"}
}

func printFPU(w io.Writer, f *x86.FPU, long bool) {
	fmt.Fprintf(w, "FCW=%04x FSW=%04x [ST=%d] FTW=%02x MXCSR=%08x\n", f.FCW, f.FSW, f.FSW>>11&7, f.Tags, f.MXCSR)
	for i := 0; i < 8; i += 2 {
		fmt.Fprintf(w, "FPR%d=%016x %04x FPR%d=%016x %04x\n", i, f.Regs[i].Sig, f.Regs[i].SE, i+1, f.Regs[i+1].Sig, f.Regs[i+1].SE)
	}
	n := 8
	if long {
		n = 16
	}
	for i := 0; i < n; i += 2 {
		fmt.Fprintf(w, "XMM%02d=%016x %016x XMM%02d=%016x %016x\n", i, f.XMM[i][1], f.XMM[i][0], i+1, f.XMM[i+1][1], f.XMM[i+1][0])
	}
}

func flagLetters(f uint64) string {
	b := []byte("-------")
	for i, x := range []struct {
		bit    uint64
		letter byte
	}{{x86.FlagDF, 'D'}, {x86.FlagOF, 'O'}, {x86.FlagSF, 'S'}, {x86.FlagZF, 'Z'}, {x86.FlagAF, 'A'}, {x86.FlagPF, 'P'}, {x86.FlagCF, 'C'}} {
		if f&x.bit != 0 {
			b[i] = x.letter
		}
	}
	return string(b)
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
