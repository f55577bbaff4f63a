package cpu

import "govm-desktop/x86"

// msrs are the model-specific registers that live in the processor (SDM volume 4; APM volume 2, appendix A). FS.base and GS.base live in their
// segments, those of the local APIC behind accel.Interrupts.
type msrs struct {
	efer                                    uint64
	star, lstar, cstar, fmask, kernelGSBase uint64
	sysenterCS, sysenterESP, sysenterEIP    uint64
	pat, miscEnable, tscAux, tscAdjust      uint64
	mtrrDefType                             uint64
	mtrrPhys                                [16]uint64
	mtrrFixed                               [11]uint64
	mcgStatus, mcgCtl                       uint64
	featControl                             uint64
}

const (
	mtrrCap = 8 | 1<<8 | 1<<10 // 8 variable ranges, fixed ranges, write combining
	mcgCap  = 10 | 1<<8        // 10 banks, MCG_CTL

	msrMCGCtl = 0x17b
	msrMC0    = 0x400 // four registers for each bank
)

// readTSC is the time-stamp counter: a gigahertz of virtual time.
func (c *CPU) readTSC() uint64 { return uint64(c.clk.Now()) + c.tscOffset }

// readMSR is RDMSR; false: #GP. A register that is not known reads as zero.
func (c *CPU) readMSR(n uint32) (uint64, bool) {
	m := &c.msr
	if p := c.plainMSR(n); p != nil {
		return *p, true
	}
	switch {
	case n == x86.MSRTSC:
		return c.readTSC(), true
	case apicMSR(n):
		if c.intr == nil {
			return 0, n == x86.MSRAPICBase
		}
		return c.intr.ReadMSR(n)
	case n == x86.MSREFER:
		return m.efer, true
	case n == x86.MSRFSBase:
		return c.seg[x86.FS].Base, true
	case n == x86.MSRGSBase:
		return c.seg[x86.GS].Base, true
	case n == x86.MSRMTRRCap:
		return mtrrCap, true
	case n == x86.MSRMCGCap:
		return mcgCap, true
	}
	return 0, true
}

func apicMSR(n uint32) bool {
	return n == x86.MSRAPICBase || n == x86.MSRTSCDeadline || n >= x86.MSRX2APIC && n < x86.MSRX2APIC+0x100
}

// plainMSR finds a register that is read, and after its checks written, as it is.
func (c *CPU) plainMSR(n uint32) *uint64 {
	m := &c.msr
	switch {
	case n >= x86.MSRMTRRPhysBase && n < x86.MSRMTRRPhysBase+16:
		return &m.mtrrPhys[n-x86.MSRMTRRPhysBase]
	case n == x86.MSRMTRRFix64K:
		return &m.mtrrFixed[0]
	case n == x86.MSRMTRRFix16K80 || n == x86.MSRMTRRFix16KA0:
		return &m.mtrrFixed[1+n-x86.MSRMTRRFix16K80]
	case n >= x86.MSRMTRRFix4K && n < x86.MSRMTRRFix4K+8:
		return &m.mtrrFixed[3+n-x86.MSRMTRRFix4K]
	}
	switch n {
	case x86.MSRSysenterCS:
		return &m.sysenterCS
	case x86.MSRSysenterESP:
		return &m.sysenterESP
	case x86.MSRSysenterEIP:
		return &m.sysenterEIP
	case x86.MSRMCGStatus:
		return &m.mcgStatus
	case msrMCGCtl:
		return &m.mcgCtl
	case x86.MSRFeatControl:
		return &m.featControl
	case x86.MSRTSCAdjust:
		return &m.tscAdjust
	case x86.MSRMiscEnable:
		return &m.miscEnable
	case x86.MSRPAT:
		return &m.pat
	case x86.MSRMTRRDefType:
		return &m.mtrrDefType
	case x86.MSRSTAR:
		return &m.star
	case x86.MSRLSTAR:
		return &m.lstar
	case x86.MSRCSTAR:
		return &m.cstar
	case x86.MSRFMASK:
		return &m.fmask
	case x86.MSRKernelGSBase:
		return &m.kernelGSBase
	case x86.MSRTSCAux:
		return &m.tscAux
	}
	return nil
}

// writeMSR is WRMSR; false: #GP. Writes to a register that is not known are ignored.
func (c *CPU) writeMSR(n uint32, v uint64) bool {
	if apicMSR(n) {
		if c.intr == nil {
			return n == x86.MSRAPICBase
		}
		ok := c.intr.WriteMSR(n, v)
		c.requests.Or(reqIntr)
		return ok
	}
	if !validMSR(n, v) {
		return false
	}
	switch n {
	case x86.MSRTSC:
		d := v - c.readTSC()
		c.tscOffset += d
		c.msr.tscAdjust += d
		return true
	case x86.MSRTSCAdjust:
		c.tscOffset += v - c.msr.tscAdjust
	case x86.MSREFER:
		return c.writeEFER(v)
	case x86.MSRFSBase:
		c.seg[x86.FS].Base = v
		c.updateSeg(x86.FS)
		return true
	case x86.MSRGSBase:
		c.seg[x86.GS].Base = v
		c.updateSeg(x86.GS)
		return true
	case x86.MSRFMASK:
		v &= 0xffffffff
	case x86.MSRMTRRCap, x86.MSRMCGCap:
		return false
	}
	if p := c.plainMSR(n); p != nil {
		*p = v
	}
	return true
}

// validMSR checks a value for bits that are reserved.
func validMSR(n uint32, v uint64) bool {
	switch n {
	case x86.MSRLSTAR, x86.MSRCSTAR, x86.MSRFSBase, x86.MSRGSBase, x86.MSRKernelGSBase, x86.MSRSysenterESP, x86.MSRSysenterEIP:
		return canonical(v)
	case x86.MSRPAT:
		return validTypes(v, 0b11110011)
	case x86.MSRTSCAux:
		return v>>32 == 0
	case x86.MSRMTRRDefType:
		return v&^0xcff == 0 && validTypes(v&0xff, 0b1110011)
	case x86.MSRMTRRFix64K, x86.MSRMTRRFix16K80, x86.MSRMTRRFix16KA0:
		return validTypes(v, 0b1110011)
	}
	switch {
	case n >= x86.MSRMTRRFix4K && n < x86.MSRMTRRFix4K+8:
		return validTypes(v, 0b1110011)
	case n >= x86.MSRMTRRPhysBase && n < x86.MSRMTRRPhysBase+16:
		if n&1 != 0 {
			return v&^(physMask&^0x7ff) == 0
		}
		return v&^(physMask&^0xf00) == 0 && validTypes(v&0xff, 0b1110011)
	case n >= msrMC0 && n < msrMC0+4*10 && n&3 == 0:
		return v == 0 || v == ^uint64(0)
	}
	return true
}

// validTypes checks eight memory types against a set of valid ones.
func validTypes(v uint64, set uint32) bool {
	for ; v != 0; v >>= 8 {
		if t := v & 0xff; t > 7 || set>>t&1 == 0 {
			return false
		}
	}
	return true
}

func (c *CPU) writeEFER(v uint64) bool {
	m, s := &c.msr, c.vm.sys
	allowed := uint64(x86.EFERLMA)
	if s.has(featSYSCALL) {
		allowed |= x86.EFERSCE
	}
	if s.has(featLM) {
		allowed |= x86.EFERLME
	}
	if s.has(featNX) {
		allowed |= x86.EFERNXE
	}
	if v&^allowed != 0 || (v^m.efer)&x86.EFERLME != 0 && c.cr0&x86.CR0PG != 0 {
		return false
	}
	if (v^m.efer)&x86.EFERNXE != 0 {
		c.flushTLB(true)
	}
	m.efer = v&^x86.EFERLMA | m.efer&x86.EFERLMA
	return true
}
