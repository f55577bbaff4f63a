package step

import (
	"fmt"
	"os/exec"
	"strings"

	"govm-desktop/accel"
	"govm-desktop/cpu"
	"govm-desktop/memory"
	"govm-desktop/x86"
)

// The machine both sides have: RAM, and an image of 64 KiB as its BIOS. Nothing answers at ports.
const (
	ramSize   = 16 << 20
	imageSize = 64 << 10
	lowRAM    = 0xa0000
)

// soft is our side.
type soft struct {
	step  accel.Stepper
	mem   *memory.Space
	ports *memory.Space
	ram   *memory.Region
	state x86.State
}

func newSoft(image []byte) (*soft, error) {
	s := &soft{mem: memory.NewSpace("memory", 1<<40), ports: memory.NewSpace("ports", 1<<16), state: x86.Reset(true)}
	var err error
	if s.step, err = cpu.NewStepper("qemu64", nil); err != nil {
		return nil, err
	}
	if s.ram, err = memory.NewRAM("ram", ramSize); err != nil {
		return nil, err
	}
	rom, err := memory.NewROM("image", image)
	if err != nil {
		return nil, err
	}
	s.mem.Update(func(e *memory.Edit) {
		e.Map(nil, 0, s.ram, 0)
		e.Map(nil, 0xa0000, memory.NewGroup("hole", 0x60000), 1)
		e.Map(nil, 0x100000-imageSize, rom, 2)
		e.Map(nil, 1<<32-imageSize, memory.NewAlias("top", rom, 0, imageSize), 2)
	})
	s.state.GPR[x86.RDX] = 0x60fb1
	return s, nil
}

// run makes one step and returns the registers.
func (s *soft) run() (regs, error) {
	err := s.step.Step(&s.state, s.mem, s.ports)
	return s.regs(), err
}

func (s *soft) regs() regs {
	r := regs{gpr: s.state.GPR, rip: s.state.RIP, flags: s.state.RFLAGS}
	if s.state.EFER&x86.EFERLMA == 0 || s.state.Seg[x86.CS].Attr&x86.AttrL == 0 {
		// As QEMU's stub shows them outside of 64-bit mode.
		for i := range r.gpr {
			r.gpr[i] &= 0xffffffff
			if i >= x86.R8 {
				r.gpr[i] = 0
			}
		}
	}
	for i := range r.seg {
		r.seg[i] = uint64(s.state.Seg[i].Selector)
	}
	r.ctl = [9]uint64{s.state.Seg[x86.FS].Base, s.state.Seg[x86.GS].Base, s.state.KernelGSBase, s.state.CR0, s.state.CR2, s.state.CR3,
		s.state.CR4, s.state.CR8, s.state.EFER}
	return r
}

// code is the bytes at the next instruction, for messages and to know string instructions; paging is not followed.
func (s *soft) code() []byte {
	b := make([]byte, 12)
	s.mem.ReadAt(b, int64(s.state.Seg[x86.CS].Base+s.state.RIP))
	return b
}

// qemu is the other side.
type qemu struct {
	*rsp
	cmd *exec.Cmd
}

func newQEMU(image, dir string) (*qemu, error) {
	sock := dir + "/gdb"
	cmd := exec.Command("qemu-system-x86_64", "-M", "isapc", "-accel", "tcg", "-cpu", "qemu64", "-m", "16", "-bios", image, "-display", "none",
		"-nodefaults", "-no-reboot", "-S", "-gdb", "unix:path="+sock+",server=on,wait=off")
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	q := &qemu{cmd: cmd}
	var err error
	if q.rsp, err = dial(sock); err != nil {
		q.close()
		return nil, err
	}
	if s, err := q.call("qSupported"); err != nil || !strings.Contains(s, "PacketSize") {
		q.close()
		return nil, fmt.Errorf("step: not a GDB stub: %q %v", s, err)
	}
	return q, nil
}

func (q *qemu) close() {
	q.cmd.Process.Kill()
	q.cmd.Wait()
}

// diff names what differs; flags outside of mask do not count.
func (r *regs) diff(o *regs, mask uint64) string {
	var out []string
	add := func(name string, a, b uint64) {
		if a != b {
			out = append(out, fmt.Sprintf("%s %x, QEMU %x", name, a, b))
		}
	}
	for i, n := range [16]string{"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"} {
		add(n, r.gpr[i], o.gpr[i])
	}
	add("rip", r.rip, o.rip)
	add("rflags", r.flags&mask, o.flags&mask)
	for i, n := range [6]string{"es", "cs", "ss", "ds", "fs", "gs"} {
		add(n, r.seg[i], o.seg[i])
	}
	for i, n := range [9]string{"fs.base", "gs.base", "kernelgsbase", "cr0", "cr2", "cr3", "cr4", "cr8", "efer"} {
		add(n, r.ctl[i], o.ctl[i])
	}
	return strings.Join(out, "; ")
}
