package kvm

import (
	"testing"
	"unsafe"
)

// TestABI_sizes compares our structures with the sizes that the request numbers carry.
func TestABI_sizes(t *testing.T) {
	for _, c := range []struct {
		name string
		size uintptr
		req  uint32
	}{
		{"regs", unsafe.Sizeof(regs{}), reqGetRegs}, {"sregs", unsafe.Sizeof(sregs{}), reqGetSregs}, {"debugRegs", unsafe.Sizeof(debugRegs{}), reqGetDebugRegs},
		{"vcpuEvents", unsafe.Sizeof(vcpuEvents{}), reqGetVCPUEvents}, {"memoryRegion", unsafe.Sizeof(memoryRegion{}), reqSetUserMemoryRegion},
		{"dirtyLog", unsafe.Sizeof(dirtyLog{}), reqGetDirtyLog}, {"irqLevel", unsafe.Sizeof(irqLevel{}), reqIRQLine}, {"msi", unsafe.Sizeof(msi{}), reqSignalMSI},
		{"irqChipState", unsafe.Sizeof(irqChipState{}), reqGetIRQChip}, {"pitState", unsafe.Sizeof(pitState{}), reqGetPIT2}, {"pitConfig", unsafe.Sizeof(pitConfig{}), reqCreatePIT2},
		{"lapic", unsafe.Sizeof(lapicState{}), reqGetLAPIC}, {"xsave", unsafe.Sizeof(xsave{}), reqGetXSave}, {"xcrs", unsafe.Sizeof(xcrList{}), reqGetXCRs},
	} {
		if want := uintptr(c.req >> 16 & 0x3fff); c.size != want {
			t.Errorf("%s has %d bytes, the kernel's has %d", c.name, c.size, want)
		}
	}
}
