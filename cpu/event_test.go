package cpu

import (
	"testing"

	"govm-desktop/accel"
	"govm-desktop/x86"
)

func TestTripleFault(t *testing.T) {
	b := newBench(t, false)
	s := b.state64()
	s.IDTR = x86.Table{}
	copy(b.ram.Bytes()[testCode:], []byte{0x0f, 0x0b})
	b.cpu.Set(s)
	for range 2 {
		exit, err := b.cpu.Run()
		b.want("exit", exit, accel.Shutdown)
		b.want("error", err, nil)
		b.cpu.requests.Or(reqIntr)
	}
	b.cpu.Signal(accel.INIT, 0)
	b.cpu.events()
	b.want("INIT revives", b.cpu.rip, uint64(0xfff0))
}

func TestDoubleFault(t *testing.T) {
	for _, c := range []struct {
		name string
		set  func(b *bench)
		want int
		code []byte
	}{
		{"#GP in #UD", func(b *bench) { b.put(testIDT+6*16+2, 2, 0) }, 13, []byte{0x0f, 0x0b}},
		{"#NP in #GP", func(b *bench) { b.put(testIDT+13*16+5, 1, 0x0e) }, 8, []byte{0x8e, 0xd9}},
		{"#GP in #PF", func(b *bench) { b.put(testIDT+14*16+2, 2, selData) }, 8, []byte{0xa1, 0, 0, 0, 0, 0, 1, 0, 0}},
	} {
		b := newBench(t, false)
		s := b.state64()
		b.tables(s)
		s.GPR[x86.RCX] = 0xffff // a selector beyond the GDT
		c.set(b)
		out := b.run(s, c.code...)
		b.want(c.name, vectorAt(out), c.want)
		if c.want == 8 {
			b.want("code", b.get(out.GPR[x86.RSP], 8), uint64(0))
		}
	}
}

func TestPageFaultCR2(t *testing.T) {
	b := newBench(t, false)
	s := b.state64()
	b.tables(s)
	out := b.run(s, 0x48, 0x8b, 0x04, 0x25, 0x78, 0x56, 0x34, 0x12, 0xf4) // mov rax, [12345678h]
	b.want("vector", vectorAt(out), 14)
	b.want("CR2", out.CR2, uint64(0x12345678))
	b.want("RF in the image", b.get(out.GPR[x86.RSP]+24, 8)&x86.FlagRF, uint64(x86.FlagRF))
	b.want("RIP", b.get(out.GPR[x86.RSP]+8, 8), uint64(testCode))
}

func TestInterruptStack(t *testing.T) {
	b := newBench(t, false)
	s := b.state64()
	b.tables(s)
	b.put(testTSS+0x24, 8, testStack-0x5003)
	b.put(testIDT+6*16+4, 1, 1)
	out := b.run(s, 0x0f, 0x0b)
	b.want("vector", vectorAt(out), 6)
	b.want("RSP", out.GPR[x86.RSP], uint64((testStack-0x5003)&^15-40))
	b.want("old RSP", b.get(out.GPR[x86.RSP]+24, 8), uint64(testStack))
}

// chip is a local APIC with one vector to give.
type chip struct {
	vectors []uint8
	tpr     uint8
	acks    int
}

func (c *chip) Pending() bool { return len(c.vectors) > 0 && c.vectors[0]>>4 > c.tpr>>4 }
func (c *chip) Ack() uint8 {
	v := c.vectors[0]
	c.vectors, c.acks = c.vectors[1:], c.acks+1
	return v
}
func (c *chip) TPR() uint8                      { return c.tpr }
func (c *chip) SetTPR(v uint8)                  { c.tpr = v }
func (c *chip) ReadMSR(n uint32) (uint64, bool) { return 0xfee00900, n == x86.MSRAPICBase }
func (c *chip) WriteMSR(uint32, uint64) bool    { return true }
func (c *chip) Reset()                          {}

func TestInterrupts(t *testing.T) {
	b := newBench(t, false)
	a := &chip{vectors: []uint8{30}}
	b.cpu.intr = a
	s := b.state64()
	b.tables(s)
	// sti; nop (in the shadow); inc eax (interrupted before)
	b.cpu.Signal(accel.Intr, 0)
	out := b.run(s, 0x31, 0xc0, 0xfb, 0x90, 0xff, 0xc0, 0xf4)
	b.want("vector", vectorAt(out), 30)
	b.want("return address", b.get(out.GPR[x86.RSP], 8), uint64(testCode+4))
	b.want("eax", out.GPR[x86.RAX], uint64(0))
	b.want("IF", out.RFLAGS&x86.FlagIF, uint64(0))
}

func TestTaskPriority(t *testing.T) {
	b := newBench(t, false)
	a := &chip{vectors: []uint8{30}, tpr: 0x20}
	b.cpu.intr = a
	s := b.state64()
	s.CR8 = 2
	b.tables(s)
	b.cpu.Signal(accel.Intr, 0)
	// sti; nop; xor eax,eax; mov cr8, rax; nop; hlt
	out := b.run(s, 0xfb, 0x90, 0x31, 0xc0, 0x44, 0x0f, 0x22, 0xc0, 0x90, 0xf4)
	b.want("vector", vectorAt(out), 30)
	b.want("return address", b.get(out.GPR[x86.RSP], 8), uint64(testCode+8))
}

func TestHaltWakes(t *testing.T) {
	b := newBench(t, false)
	a := new(chip)
	b.cpu.intr = a
	s := b.state64()
	b.tables(s)
	out := b.run(s, 0xfb, 0xf4, 0xf4) // sti; hlt; hlt
	b.want("halted at", out.RIP, uint64(testCode+2))
	a.vectors = []uint8{29}
	b.cpu.Signal(accel.Intr, 0)
	exit, _ := b.cpu.Run()
	b.want("exit", exit, accel.Halted)
	b.cpu.Get(out)
	b.want("vector", vectorAt(out), 29)
	b.want("return address", b.get(out.GPR[x86.RSP], 8), uint64(testCode+2))
}

func TestNMI(t *testing.T) {
	b := newBench(t, false)
	s := b.state64()
	b.tables(s)
	// The handler of vector 2: inc ebx; iretq.
	copy(b.ram.Bytes()[testCode+0x820:], []byte{0xff, 0xc3, 0x48, 0xcf})
	b.run(s, 0xf4, 0xf4, 0xf4)
	b.cpu.Signal(accel.NMI, 0)
	b.cpu.Run()
	b.want("taken", b.cpu.gpr[x86.RBX], uint64(1))
	b.want("unmasked", b.cpu.nmiMask, false)
	b.cpu.nmiMask = true
	b.cpu.Signal(accel.NMI, 0)
	b.cpu.halted = false
	b.cpu.Run()
	b.want("masked", b.cpu.gpr[x86.RBX], uint64(1))
	b.cpu.nmiMask = false
	b.cpu.rearm()
	b.cpu.Run()
	b.want("later", b.cpu.gpr[x86.RBX], uint64(2))
}

func TestINITAndSIPI(t *testing.T) {
	b := newBench(t, false)
	b.cpu.id = 1
	s := b.state64()
	b.run(s, 0xf4)
	b.cpu.Signal(accel.INIT, 0)
	exit, _ := b.cpu.Run()
	b.want("waits", exit, accel.Halted)
	b.want("for SIPI", b.cpu.waitSIPI, true)
	b.ram.Bytes()[0x12000] = 0xf4
	b.cpu.Signal(accel.SIPI, 0x12)
	b.cpu.Run()
	var out x86.State
	b.cpu.Get(&out)
	b.want("CS", out.Seg[x86.CS].Selector, uint16(0x1200))
	b.want("IP", out.RIP, uint64(1))
	b.want("CR0", out.CR0, uint64(x86.CR0ET))
}

func TestSMM(t *testing.T) {
	b := newBench(t, false)
	var calls []bool
	b.cpu.OnSMM(func(in bool) { calls = append(calls, in) })
	s := b.state64()
	b.tables(s)
	s.SMBase = 0x50000
	s.GPR[x86.R13] = 0x1122334455667788
	b.run(s, 0xf4, 0xf4)
	// The handler: rewrite SMBASE (offset FF00h of the segment) and saved RAX; rsm
	copy(b.ram.Bytes()[0x58000:], []byte{
		0x66, 0xb8, 0x00, 0x00, 0x06, 0x00, // mov eax, 60000h
		0x66, 0x2e, 0x67, 0xa3, 0x00, 0xff, 0x00, 0x00, // mov cs:[ff00h], eax (segment limits are 4 GiB)
		0x2e, 0xc6, 0x06, 0xf8, 0xff, 0x42, // mov byte cs:[fff8h], 42h
		0x0f, 0xaa, // rsm
	})
	b.cpu.Signal(accel.SMI, 0)
	exit, err := b.cpu.Run()
	b.want("exit", exit, accel.Halted)
	b.want("error", err, nil)
	var out x86.State
	b.cpu.Get(&out)
	b.want("back in HLT", out.RIP, uint64(testCode+1))
	b.want("RAX", out.GPR[x86.RAX], uint64(0x42))
	b.want("R13", out.GPR[x86.R13], uint64(0x1122334455667788))
	b.want("SMBASE", out.SMBase, uint32(0x60000))
	b.want("EFER", out.EFER, uint64(x86.EFERLMA|x86.EFERLME))
	b.want("CS", out.Seg[x86.CS], s.Seg[x86.CS])
	b.want("calls", len(calls) == 2 && calls[0] && !calls[1], true)
	b.want("revision", b.get(0x5fefc, 4), uint64(0x20064))
	b.want("saved R13", b.get(0x5ff90, 8), uint64(0x1122334455667788))
	b.want("saved RIP", b.get(0x5ff78, 8), uint64(testCode+1))
	b.want("saved CR0", b.get(0x5ff58, 4), s.CR0)
	b.want("auto halt", b.get(0x5fec9, 1), uint64(1))
}

func TestBadRSM(t *testing.T) {
	b := newBench(t, false)
	s := b.state64()
	s.SMBase = 0x50000
	b.run(s, 0xf4)
	copy(b.ram.Bytes()[0x58000:], []byte{0x2e, 0xc6, 0x06, 0x4f, 0xff, 0xff, 0x0f, 0xaa}) // CR4's reserved bits; rsm
	b.cpu.Signal(accel.SMI, 0)
	exit, _ := b.cpu.Run()
	b.want("exit", exit, accel.Shutdown)
}

func TestSingleStep(t *testing.T) {
	b := newBench(t, false)
	s := b.state64()
	b.tables(s)
	s.RFLAGS |= x86.FlagTF
	out := b.run(s, 0x90, 0x90, 0xf4)
	b.want("vector", vectorAt(out), 1)
	b.want("return address", b.get(out.GPR[x86.RSP], 8), uint64(testCode+1))
	b.want("DR6", out.DR6&0xffff, uint64(0x4ff0))
	b.want("TF in the image", b.get(out.GPR[x86.RSP]+16, 8)&x86.FlagTF, uint64(x86.FlagTF))
	b.want("TF", out.RFLAGS&x86.FlagTF, uint64(0))
}

func TestStepOverStackSwitch(t *testing.T) {
	b := newBench(t, false)
	s := b.state64()
	b.tables(s)
	s.RFLAGS |= x86.FlagTF
	s.GPR[x86.RAX] = selData
	out := b.run(s, 0x8e, 0xd0, 0x90, 0x90, 0xf4) // mov ss, ax; nop; nop
	b.want("vector", vectorAt(out), 1)
	b.want("return address", b.get(out.GPR[x86.RSP], 8), uint64(testCode+3))
}

func TestBreakpoints(t *testing.T) {
	code := []byte{0x90, 0x88, 0x06, 0x8a, 0x07, 0x90, 0xf4} // nop; mov [rsi], al; mov al, [rdi]; nop; hlt
	for _, c := range []struct {
		name string
		dr0  uint64
		dr7  uint64
		rip  uint64
	}{
		{"instruction", testCode + 3, 0x1, testCode + 3},
		{"write", testData, 0xd0001, testCode + 3},
		{"write, of eight bytes", testData, 0x90002, testCode + 3},
		{"access", testData + 0x100, 0xf0001, testCode + 5},
	} {
		b := newBench(t, false)
		s := b.state64()
		b.tables(s)
		s.GPR[x86.RSI], s.GPR[x86.RDI] = testData, testData+0x100
		s.DR[0], s.DR7 = c.dr0, c.dr7|0x400
		out := b.run(s, code...)
		b.want(c.name, vectorAt(out), 1)
		b.want(c.name, b.get(out.GPR[x86.RSP], 8), c.rip)
		b.want(c.name+", DR6", out.DR6&0xf, uint64(1))
	}
}

func TestBreakpointWithRF(t *testing.T) {
	b := newBench(t, false)
	s := b.state64()
	b.tables(s)
	s.DR[0], s.DR7 = testCode, 0x401
	s.RFLAGS |= x86.FlagRF
	out := b.run(s, 0x90, 0xf4)
	b.want("not hit", out.RIP, uint64(testCode+2))
	b.want("RF gone", out.RFLAGS&x86.FlagRF, uint64(0))
}

func TestInjected(t *testing.T) {
	b := newBench(t, false)
	s := b.state64()
	b.tables(s)
	s.Pending, s.PendingVector, s.PendingHasCode, s.PendingCode = true, 13, true, 0x58
	out := b.run(s, 0x90, 0xf4)
	b.want("vector", vectorAt(out), 13)
	b.want("code", b.get(out.GPR[x86.RSP], 8), uint64(0x58))
}

// TestStepSyscall steps over SYSCALL: the kernel is not stepped into, the trap comes after SYSRET.
func TestStepSyscall(t *testing.T) {
	b := newBench(t, false)
	s := user(b.state64())
	b.tables(s)
	s.Seg[x86.CS].Selector = selUser
	s.EFER |= x86.EFERSCE
	s.STAR, s.LSTAR, s.FMASK = selData<<48|selCode<<32, testCode+0x400, x86.FlagTF
	s.RFLAGS |= x86.FlagTF
	copy(b.ram.Bytes()[testCode+0x400:], []byte{0xff, 0xc3, 0xff, 0xc3, 0x48, 0x0f, 0x07}) // inc ebx; inc ebx; sysretq
	out := b.run(s, 0x0f, 0x05, 0x90, 0x90, 0xf4)
	b.want("vector", vectorAt(out), 1)
	b.want("return address", b.get(out.GPR[x86.RSP], 8), uint64(testCode+2))
	b.want("the kernel ran", out.GPR[x86.RBX], uint64(2))
}
