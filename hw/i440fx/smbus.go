package i440fx

import (
	"sync"

	"govm-desktop/memory"
	"govm-desktop/snapshot"
)

// Registers of the SMBus controller (82371AB, 7.2).
const (
	smbHSTSTS  = 0x0
	smbSLVSTS  = 0x1
	smbHSTCNT  = 0x2
	smbHSTCMD  = 0x3
	smbHSTADD  = 0x4
	smbHSTDAT0 = 0x5
	smbHSTDAT1 = 0x6
	smbBLKDAT  = 0x7
	smbSLVCNT  = 0x8
	smbSHDWCMD = 0x9
	smbSLVEVT  = 0xa
	smbSLVDAT  = 0xc

	stsDevErr = 1 << 2
	stsClear  = 0x1e
	cntStart  = 1 << 6
	cntKill   = 1 << 1
	stsFailed = 1 << 4
)

// smbus is the host controller of a bus with nobody on it: every address goes unanswered.
type smbus struct {
	region *memory.Region

	mu    sync.Mutex // guards everything below
	regs  [16]byte
	block [32]byte
	index uint8
}

func (s *smbus) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.regs, s.block, s.index = [16]byte{}, [32]byte{}, 0
}

func (s *smbus) state(c *snapshot.Coder) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.Bytes("regs", s.regs[:])
	c.Bytes("block", s.block[:])
	snapshot.Field(c, "index", &s.index)
	s.index &= 31
}

// Read implements memory.Handler.
func (s *smbus) Read(off uint64, _ int) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch off {
	case smbHSTCNT:
		s.index = 0
		return uint64(s.regs[smbHSTCNT] &^ cntStart)
	case smbBLKDAT:
		v := s.block[s.index]
		s.index = (s.index + 1) & 31
		return uint64(v)
	}
	return uint64(s.regs[off])
}

// Write implements memory.Handler.
func (s *smbus) Write(off uint64, _ int, val uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := byte(val)
	switch off {
	case smbHSTSTS:
		s.regs[smbHSTSTS] &^= v & stsClear
	case smbSLVSTS:
		s.regs[smbSLVSTS] &^= v & 0x3c
	case smbHSTCNT:
		s.regs[smbHSTCNT] = v &^ cntStart
		switch {
		case v&cntKill != 0:
			s.regs[smbHSTSTS] |= stsFailed
		case v&cntStart != 0:
			s.regs[smbHSTSTS] |= stsDevErr
		}
	case smbBLKDAT:
		s.block[s.index] = v
		s.index = (s.index + 1) & 31
	case smbHSTCMD, smbHSTADD, smbHSTDAT0, smbHSTDAT1, smbSLVCNT, smbSHDWCMD, smbSLVEVT, smbSLVEVT + 1, smbSLVDAT, smbSLVDAT + 1:
		s.regs[off] = v
	}
}
