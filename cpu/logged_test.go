package cpu

import (
	"testing"

	"govm-desktop/memory"
	"govm-desktop/x86"
)

// TestStos_logged marks the pages that a bulk store has written, and no others.
func TestStos_logged(t *testing.T) {
	b := newBench(t, false)
	b.ram.Log(memory.DirtyDisplay, true)
	b.ram.TakeDirty(memory.DirtyDisplay, 0, testRAM)
	b.cpu.flushMap()
	s := b.state64()
	s.GPR[x86.RDI], s.GPR[x86.RCX], s.GPR[x86.RSI] = testData+0x800, 0x1000, testData+0x4000
	b.ram.Bytes()[testData+0x4000] = 0x77
	b.ram.TakeDirty(memory.DirtyDisplay, 0, testRAM)
	b.run(s, 0xf3, 0xa4, 0xf4)
	if b.ram.Bytes()[testData+0x800] != 0x77 {
		t.Error("not copied")
	}
	if d := b.ram.TakeDirty(memory.DirtyDisplay, testData, 0x4000)[0]; d != 3 {
		t.Errorf("dirty pages %#x, want 3", d)
	}
}
