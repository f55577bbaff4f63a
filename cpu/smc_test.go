package cpu

import (
	"bytes"
	"testing"

	"govm-desktop/memory"
	"govm-desktop/x86"
)

// TestSMC_ownBlock stores into an instruction that follows in the same block.
func TestSMC_ownBlock(t *testing.T) {
	for _, generic := range []bool{false, true} {
		b := newBench(t, generic)
		// mov byte [rip+1+2], 7 ; mov eax, 5 -> mov eax, 7 ; hlt
		s := b.run(b.state64(), 0xc6, 0x05, 0x01, 0, 0, 0, 7, 0xb8, 5, 0, 0, 0, 0xf4)
		if s.GPR[x86.RAX] != 7 {
			t.Errorf("generic %v: eax %d", generic, s.GPR[x86.RAX])
		}
	}
}

// TestSMC_loop patches the body of a loop on each turn.
func TestSMC_loop(t *testing.T) {
	b := newBench(t, false)
	// mov ecx, 5; xor eax, eax; l: add eax, imm8(1); inc byte [rip-7]; dec ecx; jnz l; hlt
	s := b.run(b.state64(), 0xb9, 5, 0, 0, 0, 0x31, 0xc0, 0x83, 0xc0, 1, 0xfe, 0x05, 0xf9, 0xff, 0xff, 0xff, 0xff, 0xc9, 0x75, 0xf3, 0xf4)
	if s.GPR[x86.RAX] != 15 {
		t.Errorf("eax %d, want 1+2+3+4+5", s.GPR[x86.RAX])
	}
}

// TestSMC_string has REP STOSB write over code, and REP MOVSB copy new code there.
func TestSMC_string(t *testing.T) {
	b := newBench(t, false)
	const sub = testCode + 0x100
	// call sub; lea rdi,[sub]; mov al,0x90; mov ecx,2; rep stosb; call sub; hlt       sub: inc ebx; ret
	code := []byte{0xe8, 0xfb, 0, 0, 0, 0x48, 0x8d, 0x3d, 0xf4, 0, 0, 0, 0xb0, 0x90, 0xb9, 2, 0, 0, 0, 0xf3, 0xaa, 0xe8, 0xe6, 0, 0, 0, 0xf4}
	code = append(code, make([]byte, 0x100-len(code))...)
	code = append(code, 0xff, 0xc3, 0xc3)
	if s := b.run(b.state64(), code...); s.GPR[x86.RBX] != 1 {
		t.Errorf("ebx %d after the call was written over with NOPs", s.GPR[x86.RBX])
	}
	if got := b.ram.Bytes()[sub : sub+3]; !bytes.Equal(got, []byte{0x90, 0x90, 0xc3}) {
		t.Errorf("% x", got)
	}
}

// TestSMC_device writes code as DMA does.
func TestSMC_device(t *testing.T) {
	b := newBench(t, false)
	for i := range byte(5) {
		if s := b.run(b.state64(), 0xb8, i, 0, 0, 0, 0xf4); s.GPR[x86.RAX] != uint64(i) {
			t.Errorf("eax %d, want %d", s.GPR[x86.RAX], i)
		}
	}
}

// TestSMC_pageCrossing changes the second page of an instruction that lies in two.
func TestSMC_pageCrossing(t *testing.T) {
	b := newBench(t, false)
	ram := b.ram.Bytes()
	const at = testCode + 0xffe // mov eax, imm32 across the page's end; ret
	copy(ram[at:], []byte{0xb8, 1, 2, 3, 4, 0xc3})
	b.ram.Wrote(at, 6)
	// call at; mov byte [at+4], 9; mov ebx, eax; call at; hlt
	s := b.run(b.state64(), 0xe8, 0xf9, 0x0f, 0, 0, 0xc6, 0x05, 0xf6, 0x0f, 0, 0, 9, 0x89, 0xc3, 0xe8, 0xeb, 0x0f, 0, 0, 0xf4)
	if s.GPR[x86.RBX] != 0x04030201 || s.GPR[x86.RAX] != 0x09030201 {
		t.Errorf("ebx %#x, eax %#x", s.GPR[x86.RBX], s.GPR[x86.RAX])
	}
}

// TestWatch sees that a page is watched while there is code of it, and data beside code does not drop it.
func TestWatch(t *testing.T) {
	b := newBench(t, false)
	// mov dword [rip+0x200], 5; hlt
	b.run(b.state64(), 0xc7, 0x05, 0, 2, 0, 0, 5, 0, 0, 0, 0xf4)
	if !b.ram.Watched(testCode, 1) {
		t.Error("a page with code is not watched")
	}
	if n := len(b.cpu.blk.pages); n != 1 {
		t.Errorf("%d pages with code", n)
	}
	b.ram.Wrote(testCode, memory.PageSize)
	b.cpu.dropWritten()
	if b.ram.Watched(testCode, 1) {
		t.Error("a page without code is watched")
	}
}

// TestCache_full runs more code than the cache holds.
func TestCache_full(t *testing.T) {
	if testing.Short() {
		t.Skip("slow")
	}
	b := newBench(t, false)
	b.run(b.state64(), 0xf4)
	c := b.cpu
	epoch := c.blk.epoch
	for i := range maxSlabs*slabInsts/maxBlock + 10 {
		_ = i
		c.rip = testCode
		c.allocBlock(maxBlock + 1)
	}
	if c.blk.epoch == epoch {
		t.Error("the cache grows without bounds")
	}
	if s := b.run(b.state64(), 0xb8, 3, 0, 0, 0, 0xf4); s.GPR[x86.RAX] != 3 {
		t.Errorf("eax %d after the cache was emptied", s.GPR[x86.RAX])
	}
}

// TestForget runs code, forgets it, and runs it again: nothing is held in between.
func TestForget(t *testing.T) {
	b := newBench(t, false)
	for range 2 {
		s := b.run(b.state64(), 0xb8, 5, 0, 0, 0, 0xf4) // mov eax, 5; hlt
		if s.GPR[x86.RAX] != 5 {
			t.Errorf("eax %d", s.GPR[x86.RAX])
		}
		if len(b.cpu.blk.pages) == 0 {
			t.Error("no code is kept at all")
		}
		b.cpu.Forget()
		if n := len(b.cpu.blk.pages); n != 0 {
			t.Errorf("%d pages are still kept", n)
		}
	}
}
