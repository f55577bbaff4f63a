// Package ring3 compares the software CPU with the real one. Under KVM user code in 64-bit mode runs on the processor itself, even where the kernel has
// no hardware virtualisation; so the same cases (registers, flags, x87 and SSE state, a window of memory, one or more instructions) run on both, thousands
// at a time, and everything that they leave behind is compared: registers, flags, FXSAVE's image, memory, and for faults vector, error code, CR2 and frame.
//
// Cases are made from the opcode table itself: every row, operand form and size. 16- and 32-bit code and system instructions are left to test/step; a KVM
// without hardware virtualisation refuses INT3 and INT n in user code (#UD), but runs every class of user instructions, whatever CPUID hides.
package ring3

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"govm-desktop/accel"
	"govm-desktop/clock"
	"govm-desktop/memory"
	"govm-desktop/x86"
)

// Places in the guest's memory; linear addresses are physical ones.
const (
	gdtAt     = 0x1000
	tssAt     = 0x1800
	idtAt     = 0x2000
	pml4At    = 0x4000 // then PDPT, PD and eight page tables
	pdptAt    = 0x5000
	pdAt      = 0x6000
	ptAt      = 0x7000
	kernelAt  = 0x20000
	kstackAt  = 0x30000 // the ring-0 stack's page, which users may read
	stubsAt   = 0x40000
	varsAt    = 0x48000
	ustackTop = 0x4a000 // of the stubs
	faultAt   = 0x50000 // sixteen pages of all kinds: see faultPages
	codeAt    = 0x100000
	codeSize  = 0x100000
	inAt      = 0x200000
	outAt     = 0x400000
	dataAt    = 0x600000
	ramSize   = 0x800000
)

// recordSize is that of a case's input and output; dataSize that of its window of memory. Windows follow one another without gaps, so that some lie
// across pages.
const (
	recordSize = 1024
	dataSize   = 592
	maxCases   = 1024
)

// Offsets in a record. The first sixteen quadwords are the general registers.
const (
	recTarget = 0x80 // input: where the case's code starts
	recFlags  = 0x88
	recHow    = 0x90 // output: 0 fell through, 1 branched, 2 faulted; then, for faults:
	recVector = 0x98
	recCode   = 0xa0
	recRIP    = 0xa8
	recFrame  = 0xb0 // RFLAGS in the frame
	recRSP    = 0xb8
	recCR2    = 0xc0
	recFX     = 0x200
)

// Variables of the stubs.
const (
	varIn = varsAt + 8*iota
	varOut
	varCount
	varRAX
	varHow
	varTarget
	varRIP
	varFrame
	varCR2
)

// Faulting pages: what the page table entries of faultAt's pages allow.
const (
	ptePresent = 1
	pteWrite   = 2
	pteUser    = 4
	pteNX      = 1 << 63
)

// faultPages are the rights of the pages from faultAt on.
func faultPages() [16]uint64 {
	const rw = ptePresent | pteWrite | pteUser
	return [16]uint64{
		rw | pteNX, 0, rw | pteNX, ptePresent | pteUser | pteNX, rw | pteNX, ptePresent | pteWrite, rw | pteNX, ptePresent,
		rw, pteUser | pteWrite, rw, ptePresent | pteUser, ptePresent | pteUser | pteNX, 0, 0, 0,
	}
}

// Selectors, where Linux has them.
const (
	selKCode = 0x10
	selUData = 0x2b
	selUCode = 0x33
	selTSS   = 0x40
)

// Bases of FS and GS in every case. With a base of GS near the end of user space KVM falls back to emulating user code, which is no reference.
const (
	fsBase = dataAt + 0x123400
	gsBase = 0x1234_5678_0000
)

// Rig is one processor, ready for cases.
type Rig struct {
	name string
	ram  *memory.Region
	vm   accel.VM
	cpu  accel.VCPU
	stub stubs
}

// NewRig makes a VM by mk and lays out the guest.
func NewRig(name string, mk func(accel.Config) (accel.VM, error)) (*Rig, error) {
	ram, err := memory.NewRAM("ram", ramSize)
	if err != nil {
		return nil, err
	}
	r := &Rig{name: name, ram: ram}
	mem, ports := memory.NewSpace("memory", 1<<52), memory.NewSpace("ports", 1<<16)
	mem.Update(func(e *memory.Edit) { e.Map(nil, 0, ram, 0) })
	r.vm, err = mk(accel.Config{Memory: mem, Ports: ports, Clock: clock.NewManual(), CPUs: 1, Model: "max"})
	if err != nil {
		return nil, errors.Join(err, ram.Free())
	}
	if r.cpu, err = r.vm.NewVCPU(0, mem, nil); err != nil {
		return nil, errors.Join(err, r.vm.Close(), ram.Free())
	}
	r.cpu.OnWake(func() {})
	r.tables()
	r.stub = writeStubs(ram.Bytes())
	ram.Wrote(0, ramSize)
	return r, nil
}

// Close frees the VM.
func (r *Rig) Close() error { return errors.Join(r.cpu.Close(), r.vm.Close(), r.ram.Free()) }

func put(b []byte, at int, v uint64) { binary.LittleEndian.PutUint64(b[at:], v) }
func get(b []byte, at int) uint64    { return binary.LittleEndian.Uint64(b[at:]) }

// tables writes page tables, GDT, TSS and IDT.
func (r *Rig) tables() {
	b := r.ram.Bytes()
	put(b, pml4At, pdptAt|7)
	put(b, pdptAt, pdAt|7)
	for i := range ramSize >> 21 {
		put(b, pdAt+8*i, uint64(ptAt+i<<12)|7)
	}
	for p := range ramSize >> 12 {
		rights := uint64(ptePresent | pteWrite)
		switch at := p << 12; {
		case at >= faultAt && at < faultAt+0x10000:
			rights = faultPages()[(at-faultAt)>>12]
		case at == kstackAt, at >= stubsAt:
			rights |= pteUser
		}
		put(b, ptAt+8*p, uint64(p)<<12|rights)
	}
	for i, d := range []uint64{0, 0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0x00cffb000000ffff, 0x00cff3000000ffff, 0x00affb000000ffff, 0,
		0x0000890000000067 | tssAt&0xffffff<<16, 0} {
		put(b, gdtAt+8*i, d)
	}
	put(b, tssAt+4, kstackAt+0x1000)
	b[tssAt+0x66] = 0x68 // no I/O permission map
	for v := range 256 {
		at, gate := uint64(kernelAt+handlerSize*v), uint64(0x8e)
		if v == 3 || v == 4 || v >= 0x80 {
			gate = 0xee
		}
		put(b, idtAt+16*v, at&0xffff|selKCode<<16|gate<<40|at>>16<<48)
		put(b, idtAt+16*v+8, at>>32)
	}
}

// state is the processor's at the start of a batch.
func (r *Rig) state() *x86.State {
	s := x86.Reset(true)
	s.CR0 = x86.CR0PE | x86.CR0MP | x86.CR0ET | x86.CR0NE | x86.CR0WP | x86.CR0AM | x86.CR0PG
	s.CR3, s.CR4 = pml4At, x86.CR4PAE|x86.CR4OSFXSR|x86.CR4OSXMMEXCPT
	s.EFER = x86.EFERLME | x86.EFERLMA | x86.EFERNXE | x86.EFERSCE
	for i := range s.Seg {
		s.Seg[i] = x86.Segment{Selector: selUData, Limit: 0xffffffff, Attr: 0xc0f3}
	}
	s.Seg[x86.CS] = x86.Segment{Selector: selUCode, Limit: 0xffffffff, Attr: 0xa0fb}
	s.Seg[x86.FS].Base, s.Seg[x86.GS].Base = fsBase, gsBase
	s.TR = x86.Segment{Selector: selTSS, Base: tssAt, Limit: 0x67, Attr: 0x8b}
	s.LDTR = x86.Segment{Attr: x86.AttrUnusable}
	s.GDTR, s.IDTR = x86.Table{Base: gdtAt, Limit: 0x4f}, x86.Table{Base: idtAt, Limit: 0xfff}
	s.RIP, s.RFLAGS, s.GPR[x86.RSP] = r.stub.load, x86.FlagOne|x86.FlagIF, ustackTop
	s.STAR = 0x23<<48 | selKCode<<32
	s.FPU.FCW = 0x37f
	return &s
}

// patience is how long a batch may take.
const patience = 5 * time.Second

// Run runs a batch. Preconditions: at most maxCases, and their code fits.
func (r *Rig) Run(cases []*Case) error {
	b := r.ram.Bytes()
	clear(b[outAt : outAt+len(cases)*recordSize])
	clear(b[faultAt : faultAt+0x10000])
	clear(b[ustackTop-0x100 : ustackTop])
	clear(b[dataAt+maxCases*dataSize:])
	for i := range 0x10000 / 8 {
		put(b, faultAt+8*i, uint64(i)*0x9e3779b97f4a7c15)
	}
	for i, c := range cases {
		copy(b[c.codeAt:], c.slot)
		copy(b[inAt+i*recordSize:], c.in[:])
		copy(b[dataAt+i*dataSize:], c.data[:])
	}
	began := time.Now()
	put(b, varIn, inAt)
	put(b, varOut, outAt)
	put(b, varCount, uint64(len(cases)))
	put(b, varHow, 0)
	r.ram.Wrote(faultAt, ramSize-faultAt)
	r.ram.Wrote(varsAt, 0x1000)
	if err := r.cpu.Set(r.state()); err != nil {
		return err
	}
	stop := time.AfterFunc(patience, r.cpu.Kick)
	defer stop.Stop()
	for range 100 {
		exit, err := r.cpu.Run()
		if err == nil && exit == accel.Kicked && time.Since(began) < patience {
			continue
		}
		done := len(cases) - int(get(b, varCount))
		if err != nil || exit != accel.Halted || done != len(cases) {
			var s x86.State
			r.cpu.Get(&s)
			return fmt.Errorf("%s: exit %d, error %v, in case %d of %d, rip %#x, vector %#x", r.name, exit, err, done, len(cases), s.RIP, get(b, kstackAt+0x1000-56))
		}
		return nil
	}
	return fmt.Errorf("%s: the batch does not end", r.name)
}

// Result is what a case left behind.
type Result struct {
	Out  [recordSize]byte
	Data [dataSize]byte
}

// Result reads the result of a batch's case.
func (r *Rig) Result(i int) (x Result) {
	b := r.ram.Bytes()
	copy(x.Out[:], b[outAt+i*recordSize:])
	copy(x.Data[:], b[dataAt+i*dataSize:])
	return x
}
