package ring3

import "encoding/binary"

// handlerSize is that of an interrupt handler's entry.
const handlerSize = 16

// stubs are the addresses of the code around a case.
type stubs struct {
	load  uint64 // loads a case and jumps to its code
	save  uint64 // where the case's code goes on
	taken uint64 // and where, if it branched
}

// asm is a tiny assembler: bytes at an address.
type asm struct {
	b  []byte // all memory
	at int
}

func (a *asm) emit(b ...byte) { a.at += copy(a.b[a.at:], b) }

// rip emits an instruction whose last field is a RIP-relative displacement.
func (a *asm) rip(to int, b ...byte) { a.ripThen(to, nil, b...) }

// ripThen is rip with bytes that follow the displacement.
func (a *asm) ripThen(to int, then []byte, b ...byte) {
	a.emit(b...)
	a.emit(le32(to - (a.at + 4 + len(then)))...)
	a.emit(then...)
}

func le32(v int) []byte { return binary.LittleEndian.AppendUint32(nil, uint32(v)) }

// regMem emits mov reg, [base+disp] (op 8B) or mov [base+disp], reg (op 89); base is not RSP.
func (a *asm) regMem(op byte, reg, base int, disp int) {
	a.emit(0x48|byte(reg>>3)<<2|byte(base>>3), op, 0x80|byte(reg&7)<<3|byte(base&7))
	a.emit(le32(disp)...)
}

// writeStubs writes the code around cases and the exception handlers.
func writeStubs(b []byte) (s stubs) {
	a := &asm{b, stubsAt}
	s.load = uint64(a.at)
	a.load()
	s.taken = uint64(a.at)
	save := a.at + 15
	a.ripThen(varHow, le32(1), 0xc7, 0x05)
	a.rip(save, 0xe9)
	s.save = uint64(a.at)
	a.save(int(s.load))
	faulted := a.at
	a.ripThen(varHow, le32(2), 0xc7, 0x05)
	a.rip(save, 0xe9)
	writeHandlers(b, faulted)
	return s
}

// load loads a case.
func (a *asm) load() {
	a.rip(varIn, 0x48, 0x8b, 0x05)                      // mov rax, [in]
	a.emit(0x48, 0x0f, 0xae, 0x88)                      // fxrstor64 [rax+recFX]
	a.emit(le32(recFX)...)                              //
	a.regMem(0x8b, 1, 0, recTarget)                     // mov rcx, [rax+recTarget]
	a.rip(varTarget, 0x48, 0x89, 0x0d)                  // mov [target], rcx
	a.emit(append([]byte{0xbc}, le32(ustackTop)...)...) // mov esp, ustackTop
	a.emit(0xff, 0xb0)                                  // push [rax+recFlags]
	a.emit(le32(recFlags)...)                           //
	a.emit(0x9d)                                        // popf
	for r := 1; r < 16; r++ {
		a.regMem(0x8b, r, 0, 8*r)
	}
	a.regMem(0x8b, 0, 0, 0)
	a.rip(varTarget, 0xff, 0x25) // jmp [target]
}

// save stores what a case left, and goes on to the next one.
func (a *asm) save(load int) {
	a.rip(varRAX, 0x48, 0x89, 0x05) // mov [rax'], rax
	a.rip(varOut, 0x48, 0x8b, 0x05) // mov rax, [out]
	for r := 1; r < 16; r++ {
		a.regMem(0x89, r, 0, 8*r)
	}
	a.rip(varRAX, 0x48, 0x8b, 0x0d) // mov rcx, [rax']
	a.regMem(0x89, 1, 0, 0)
	a.emit(append([]byte{0xbc}, le32(ustackTop)...)...)
	a.emit(0x9c, 0x8f, 0x80) // pushf; pop [rax+recFlags]
	a.emit(le32(recFlags)...)
	a.emit(0x48, 0x0f, 0xae, 0x80) // fxsave64 [rax+recFX]
	a.emit(le32(recFX)...)
	copied := func(from, to int) {
		a.rip(from, 0x48, 0x8b, 0x0d)
		a.regMem(0x89, 1, 0, to)
	}
	copied(varHow, recHow)
	a.emit(0x83, 0xf9, 0x02, 0x0f, 0x85) // cmp ecx, 2; jne next
	hole := a.at
	a.at += 4
	const top = kstackAt + 0x1000
	for _, c := range [][2]int{{top - 56, recVector}, {top - 48, recCode}, {varRIP, recRIP}, {varFrame, recFrame}, {top - 16, recRSP}, {varCR2, recCR2}} {
		copied(c[0], c[1])
	}
	binary.LittleEndian.PutUint32(a.b[hole:], uint32(a.at-hole-4))
	a.ripThen(varHow, le32(0), 0xc7, 0x05)
	a.ripThen(varIn, le32(recordSize), 0x48, 0x81, 0x05)  // add [in], recordSize
	a.ripThen(varOut, le32(recordSize), 0x48, 0x81, 0x05) // add [out], recordSize
	a.rip(varCount, 0x48, 0xff, 0x0d)                     // dec [count]
	a.rip(load, 0x0f, 0x85)                               // jnz load
	a.emit(0x0f, 0x0b)                                    // ud2: with a count of zero the handler halts
}

// writeHandlers writes the handlers of all vectors: they keep the frame and go on in user code.
func writeHandlers(b []byte, faulted int) {
	common := kernelAt + 256*handlerSize
	a := &asm{b: b}
	for v := range 256 {
		a.at = kernelAt + v*handlerSize
		if v != 8 && (v < 10 || v > 14) && v != 17 && v != 21 {
			a.emit(0x6a, 0) // push 0
		}
		a.emit(0x68) // push vector
		a.emit(le32(v)...)
		a.rip(common, 0xe9)
	}
	a.at = common
	movabs := func(to int) { // mov [to], rax
		a.emit(0x48, 0xa3)
		a.emit(binary.LittleEndian.AppendUint64(nil, uint64(to))...)
	}
	a.emit(0x83, 0x3c, 0x25) // cmp dword [count], 0; jne over hlt
	a.emit(le32(varCount)...)
	a.emit(0, 0x75, 0x03, 0xf4, 0xeb, 0xfd)
	a.emit(0x50, 0x0f, 0x20, 0xd0) // push rax; mov rax, cr2
	movabs(varCR2)
	a.emit(0x48, 0x8b, 0x44, 0x24, 0x18) // mov rax, [rsp+24]: RIP
	movabs(varRIP)
	a.emit(0x48, 0x8b, 0x44, 0x24, 0x28) // mov rax, [rsp+40]: RFLAGS
	movabs(varFrame)
	a.emit(0x81, 0x64, 0x24, 0x28) // and dword [rsp+40], ~(TF|NT|RF)
	a.emit(le32(0x7ffebeff &^ 0x0)...)
	a.emit(0xc7, 0x44, 0x24, 0x18) // mov dword [rsp+24], faulted
	a.emit(le32(faulted)...)
	a.emit(0xc7, 0x44, 0x24, 0x1c) // mov dword [rsp+28], 0
	a.emit(le32(0)...)
	a.emit(0x58, 0x48, 0x83, 0xc4, 0x10, 0x48, 0xcf) // pop rax; add rsp, 16; iretq
}
