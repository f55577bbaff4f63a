// Package cpu is an x86-64 processor in pure Go: it decodes guest code into cached blocks of instruction records and runs these by a dense
// switch, with lazy flags and a software TLB. It keeps the accel contract, so that a translator to machine code can take the place of the
// interpreter's loop later.
//
// Documents: Intel SDM volumes 1–4, AMD APM volumes 1–5. The files are cut by aspect:
//
//	optable*.go   the opcode table: one row per encoding; decoder, disassembly of names and generated tests come from it
//	decode.go     bytes to inst
//	block*.go     blocks: finding, chaining, dropping them when their bytes change
//	loop.go       the dispatch switch;  run.go: the accel.VCPU side (Run, Kick, Signal, HLT)
//	flags.go      lazy flags;  int_*.go: integer instructions;  string.go: string instructions
//	mmu*.go       paging and TLB;  seg*.go: segmentation and far transfers;  exception.go, interrupt.go, task.go, smm.go: events
//	system*.go    control registers, MSRs, CPUID, ports
//	fpu*.go x87*.go mmx*.go sse*.go   floating point and SIMD over softfloat
package cpu

import (
	"sync/atomic"

	"govm-desktop/accel"
	"govm-desktop/clock"
	"govm-desktop/memory"
	"govm-desktop/x86"
)

// CPU is one processor. Only its own goroutine touches it, but for requests.
type CPU struct {
	// gpr are the general registers, and what else addresses are made of (regZero …). 32 entries: gpr[r&31] needs no bounds check.
	gpr [32]uint64

	// Lazy status flags: what the last flag-setting instruction did (flags.go). eflags holds every other bit, the status bits clear.
	cc     ccOp
	ccDst  uint64
	ccSrc  uint64
	eflags uint64

	// Where we are. rip is the address (offset in CS) of the instruction being run, nextRIP of the one after it, while an exec function runs.
	rip     uint64
	nextRIP uint64

	mode mode // derived by updateMode from CS, SS, CR0, EFER, EFLAGS.VM
	cpl  uint8

	seg      [8]x86.Segment // ES CS SS DS FS GS as instructions number them; the last two are never used
	ldtr, tr x86.Segment
	gdtr     x86.Table
	idtr     x86.Table

	cr0, cr2, cr3, cr4 uint64 // CR8 is the local APIC's task priority
	dr                 [4]uint64
	dr6, dr7           uint64
	msr                msrs
	tscOffset          uint64 // added to the clock's reading

	fpu fpuState
	mmu mmu
	blk blocks
	sys sysState
	dbg debugger

	exc      exception // what panic(&c.exc) carries out of an instruction: see raise
	shadow   bool      // an STI, MOV SS or POP SS shadow covers the next instruction
	halted   bool
	waitSIPI bool
	inSMM    bool
	nmiMask  bool // from delivery of an NMI to IRET
	smbase   uint32

	requests atomic.Uint32 // bits req…, set from any goroutine, looked at between blocks
	sipi     atomic.Uint32

	// The loop (run.go, loop.go).
	cur     uintptr // the record in the cache that may fault; 0: c.rip is the truth
	single  bool    // decode one instruction, not a block
	retired uint64
	counted *clock.Counted // the clock, if it counts instructions
	wake    func()

	id    int
	vm    *VM
	table *decoder // shared and immutable
	mem   *memory.Space
	ports *memory.Space
	clk   clock.Clock
	intr  accel.Interrupts
}

// Entries of gpr beside the general registers.
const (
	regZero = 16 + iota // always 0: an absent base or index
	regRIP              // RIP of the running block's start
	regFS               // base of FS, kept by the loop
	regGS
)

// mode is what decoding and block lookup depend on besides the bytes.
type mode uint32

// Bits of mode.
const (
	modeCode32    mode = 1 << iota // CS.D: 32-bit default operand and address size
	mode64                         // 64-bit mode (EFER.LMA and CS.L)
	modeLong                       // EFER.LMA: 64-bit or compatibility mode
	modeStack32                    // SS.B: ESP, not SP (64-bit mode uses RSP whatever this says)
	modeProtected                  // CR0.PE and not EFLAGS.VM
	modeVM86                       // EFLAGS.VM in protected mode
	modeUser                       // CPL 3
	modeFlat                       // CS, DS, ES, SS have base 0 and limit 4 GiB (or 64-bit mode): only FS and GS add a base, no limit checks
)

// inst is one decoded instruction.
type inst struct {
	exec func(*CPU, *inst) // runs it, whatever its operands
	imm  uint64            // immediate, sign-extended to 64 bits; for moffs the address; for branches the displacement
	disp int64             // of the memory operand, sign-extended; RIP-relative: base == regRIP, and disp counts from the block's start
	row  uint16            // in the opcode table
	code uint16            // for the dispatch switch; 0: call exec

	len    uint8  // bytes
	off    uint16 // of the instruction from its block's start
	opsize uint8  // operand size in bytes: 1, 2, 4 or 8
	asize  uint8  // address size in bytes: 2, 4 or 8
	reg    uint8  // ModRM.reg with REX.R, or the register in the opcode (+r) with REX.B; for byte operands AH–BH are regHigh|0…3
	rm     uint8  // ModRM.rm with REX.B where it names a register; likewise
	base   uint8  // of the memory operand; regZero: none
	index  uint8  // likewise
	scale  uint8  // shift count 0…3
	dst    uint8  // operands of the specialised forms (loop.go)
	src    uint8
	seg    uint8 // segment of the memory operand, overrides and defaults applied
	imm2   uint8 // second immediate (ENTER)
	attr   instAttr
	modrm  uint8 // as encoded
	num    uint8 // in its block
}

// regHigh marks the byte registers AH, CH, DH, BH (regHigh|0 … regHigh|3).
const regHigh = 0x20

// instAttr are the properties of an inst that exec functions ask for.
type instAttr uint16

// Bits of instAttr.
const (
	attrMem    instAttr = 1 << iota // the r/m operand is memory
	attrRIPRel                      // its address is relative to RIP: base is regRIP
	attrLock
	attrRep   // F3
	attrRepne // F2
	attrOpsz  // 66
	attrREX   // some REX prefix
	attrREXW
)

func (in *inst) isMem() bool { return in.attr&attrMem != 0 }

// exception is a fault, trap or abort on its way to its handler.
type exception struct {
	vector  uint8
	hasCode bool
	code    uint32
	cr2     uint64 // for #PF: becomes CR2 at delivery
	trap    bool   // report nextRIP, not rip
}

// raise ends the running instruction with an exception: it unwinds to the loop, which delivers it with rip as the return address. An instruction
// commits nothing before its last access that may fault, so that it can be run again.
//
// Unwinding is a panic with the CPU's one exception record, recovered by the loop; nothing else may recover it.
func (c *CPU) raise(vector uint8) {
	c.exc = exception{vector: vector}
	panic(&c.exc)
}

// raiseCode is raise for exceptions that push an error code.
func (c *CPU) raiseCode(vector uint8, code uint32) {
	c.exc = exception{vector: vector, hasCode: true, code: code}
	panic(&c.exc)
}

func (c *CPU) raiseUD()            { c.raise(x86.ExcUD) }
func (c *CPU) raiseGP(code uint32) { c.raiseCode(x86.ExcGP, code) }

// Requests from other goroutines.
const (
	reqKick uint32 = 1 << iota // leave Run
	reqIntr                    // ask intr.Pending
	reqNMI
	reqSMI
	reqINIT
	reqSIPI
	reqFlush // the map changed, or another processor watches a page: forget translations
	reqCode  // others have written to pages with code of ours
)
