package monitor

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"

	"govm-desktop/x86"
)

// StatusInfo is query-status' result.
type StatusInfo struct {
	Running    bool   `json:"running"`
	Singlestep bool   `json:"singlestep"`
	Status     string `json:"status"`
}

func infoCommands() []*Command {
	return []*Command{
		{HMP: "info status", QMP: "query-status", Help: "whether the machine runs", Run: runStatus, Print: printStatus},
		{HMP: "info registers", Params: []Param{{"cpu", Int, true}}, Help: "the registers of a processor", Run: runRegisters, Print: printRegisters},
		{HMP: "info name", QMP: "query-name", Help: "the machine's name", Run: func(c Control, _ Args) (any, error) {
			return map[string]string{"name": c.Name()}, nil
		}, Print: printValue("name")},
		{HMP: "info uuid", QMP: "query-uuid", Help: "the machine's UUID", Run: func(c Control, _ Args) (any, error) {
			return map[string]string{"UUID": c.UUID()}, nil
		}, Print: printValue("UUID")},
		{HMP: "info version", Help: "the program's version", Run: func(c Control, _ Args) (any, error) {
			return map[string]string{"version": c.Version()}, nil
		}, Print: printValue("version")},
		{HMP: "info pic", Help: "the interrupt controllers", Run: runInspect("pic"), Print: printText},
		{HMP: "info pci", Help: "the PCI devices", Run: runInspect("pci"), Print: printText},
		{HMP: "info mtree", Help: "the memory map", Run: runInspect("mtree"), Print: printText},
		{HMP: "screendump", QMP: "screendump", Params: []Param{{"filename", File, false}, {"format", String, true}},
			Help: "write the screen to a file: screendump FILE [png|ppm]", Run: runScreendump},
	}
}

func printValue(key string) func(io.Writer, any) {
	return func(w io.Writer, r any) { fmt.Fprintln(w, r.(map[string]string)[key]) }
}

func printText(w io.Writer, r any) { io.WriteString(w, r.(string)) }

func runInspect(device string) func(Control, Args) (any, error) {
	return func(c Control, _ Args) (any, error) {
		var b strings.Builder
		if !c.Inspect(&b, device) {
			return nil, errorf(DeviceNotFound, "this machine has no %s of ours", device)
		}
		return b.String(), nil
	}
}

func runStatus(c Control, _ Args) (any, error) {
	s := c.Status()
	return StatusInfo{Running: s == "running", Status: s}, nil
}

func printStatus(w io.Writer, r any) {
	s := r.(StatusInfo)
	switch {
	case s.Running:
		fmt.Fprintln(w, "VM status: running")
	case s.Status == "paused":
		fmt.Fprintln(w, "VM status: paused")
	default:
		fmt.Fprintf(w, "VM status: paused (%s)\n", s.Status)
	}
}

func runRegisters(c Control, a Args) (any, error) {
	n := int(a.Int("cpu", 0))
	if n < 0 || n >= c.CPUs() {
		return nil, errorf(GenericError, "cpu %d does not exist: there are %d", n, c.CPUs())
	}
	return c.Registers(n)
}

func printRegisters(w io.Writer, r any) {
	s := r.(x86.State)
	g := &s.GPR
	fmt.Fprintf(w, "RAX=%016x RBX=%016x RCX=%016x RDX=%016x\n", g[x86.RAX], g[x86.RBX], g[x86.RCX], g[x86.RDX])
	fmt.Fprintf(w, "RSI=%016x RDI=%016x RBP=%016x RSP=%016x\n", g[x86.RSI], g[x86.RDI], g[x86.RBP], g[x86.RSP])
	for i := 8; i < 16; i += 4 {
		fmt.Fprintf(w, "R%-2d=%016x R%-2d=%016x R%-2d=%016x R%-2d=%016x\n", i, g[i], i+1, g[i+1], i+2, g[i+2], i+3, g[i+3])
	}
	fmt.Fprintf(w, "RIP=%016x RFL=%08x [%s] CPL=%d HLT=%d\n", s.RIP, s.RFLAGS, flagLetters(s.RFLAGS), s.Seg[x86.SS].Attr.DPL(), b2i(s.Halted))
	for i, n := range []string{"ES", "CS", "SS", "DS", "FS", "GS"} {
		printSegment(w, n, &s.Seg[i])
	}
	printSegment(w, "LDT", &s.LDTR)
	printSegment(w, "TR", &s.TR)
	fmt.Fprintf(w, "GDT=     %016x %08x\nIDT=     %016x %08x\n", s.GDTR.Base, s.GDTR.Limit, s.IDTR.Base, s.IDTR.Limit)
	fmt.Fprintf(w, "CR0=%08x CR2=%016x CR3=%016x CR4=%08x\n", s.CR0, s.CR2, s.CR3, s.CR4)
	fmt.Fprintf(w, "DR0=%016x DR1=%016x DR2=%016x DR3=%016x\nDR6=%016x DR7=%016x\nEFER=%016x\n",
		s.DR[0], s.DR[1], s.DR[2], s.DR[3], s.DR6, s.DR7, s.EFER)
	f := &s.FPU
	fmt.Fprintf(w, "FCW=%04x FSW=%04x [ST=%d] FTW=%02x MXCSR=%08x\n", f.FCW, f.FSW, f.FSW>>11&7, f.Tags, f.MXCSR)
	for i := 0; i < 8; i += 2 {
		fmt.Fprintf(w, "FPR%d=%016x %04x FPR%d=%016x %04x\n", i, f.Regs[i].Sig, f.Regs[i].SE, i+1, f.Regs[i+1].Sig, f.Regs[i+1].SE)
	}
	for i := 0; i < 16; i += 2 {
		fmt.Fprintf(w, "XMM%02d=%016x %016x XMM%02d=%016x %016x\n", i, f.XMM[i][1], f.XMM[i][0], i+1, f.XMM[i+1][1], f.XMM[i+1][0])
	}
}

func printSegment(w io.Writer, name string, s *x86.Segment) {
	fmt.Fprintf(w, "%-3s =%04x %016x %08x %08x\n", name, s.Selector, s.Base, s.Limit, uint32(s.Attr)<<8)
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

// runScreendump writes the file whole or leaves none: the picture is made before the file.
func runScreendump(c Control, a Args) (any, error) {
	name, format := a.Str("filename"), a.Str("format")
	if format == "" {
		format = "ppm"
		if strings.HasSuffix(name, ".png") {
			format = "png"
		}
	}
	if format != "png" && format != "ppm" {
		return nil, errorf(GenericError, "Invalid parameter '%s': formats are png and ppm", format)
	}
	f, err := os.Create(name)
	if err != nil {
		return nil, errorf(GenericError, "%v", err)
	}
	w := bufio.NewWriter(f)
	err = c.Screendump(w, format)
	if err == nil {
		err = w.Flush()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		os.Remove(name)
		return nil, errorf(GenericError, "%v", err)
	}
	return nil, nil
}
