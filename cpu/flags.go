package cpu

import (
	"math/bits"

	"govm-desktop/x86"
)

// ccOp says how the status flags follow from ccDst and ccSrc. Whatever it is, ZF is ccDst == 0. Values are kept sign-extended to 64 bits,
// so that signed and unsigned order hold for every operand size alike.
type ccOp uint8

// Kinds of lazy flags. The sizes 1, 2, 4, 8 follow each other: kind + log2(size).
const (
	ccFlags ccOp = 0 // ccSrc has all six as RFLAGS has them; ccDst is 0 if ZF, else 1
	ccAdd   ccOp = 1 // ccDst = a + ccSrc
	ccSub   ccOp = 5 // ccDst = a - ccSrc
	ccRes   ccOp = 9 // ccDst is the result; CF, AF, OF are in ccSrc
)

// sizeLog is log2 of an operand size.
func sizeLog(size uint8) ccOp { return ccOp(bits.TrailingZeros8(size)) }

// flags is RFLAGS.
func (c *CPU) flags() uint64 { return c.eflags&^x86.FlagsStatus | c.status() | x86.FlagOne }

// status is the six status flags.
func (c *CPU) status() uint64 {
	if c.cc == ccFlags {
		return c.ccSrc
	}
	var f uint64
	if c.ccDst == 0 {
		f = x86.FlagZF
	}
	f |= parity(c.ccDst)
	f |= c.ccDst >> 63 * x86.FlagSF
	switch {
	case c.cc >= ccRes:
		return f | c.ccSrc
	case c.cc >= ccSub:
		a := c.ccA()
		if a < c.ccSrc {
			f |= x86.FlagCF
		}
		f |= (a ^ c.ccSrc ^ c.ccDst) & x86.FlagAF
		return f | (a^c.ccSrc)&(a^c.ccDst)>>63*x86.FlagOF
	default:
		a := c.ccA()
		if c.ccDst < c.ccSrc {
			f |= x86.FlagCF
		}
		f |= (a ^ c.ccSrc ^ c.ccDst) & x86.FlagAF
		return f | (a^c.ccDst)&(c.ccSrc^c.ccDst)>>63*x86.FlagOF
	}
}

// ccA is the first operand of the addition or subtraction that set the flags.
func (c *CPU) ccA() uint64 {
	switch c.cc {
	case ccAdd:
		return uint64(int8(c.ccDst - c.ccSrc))
	case ccAdd + 1:
		return uint64(int16(c.ccDst - c.ccSrc))
	case ccAdd + 2:
		return uint64(int32(c.ccDst - c.ccSrc))
	case ccAdd + 3:
		return c.ccDst - c.ccSrc
	case ccSub:
		return uint64(int8(c.ccDst + c.ccSrc))
	case ccSub + 1:
		return uint64(int16(c.ccDst + c.ccSrc))
	case ccSub + 2:
		return uint64(int32(c.ccDst + c.ccSrc))
	default:
		return c.ccDst + c.ccSrc
	}
}

func parity(v uint64) uint64 {
	return uint64(^bits.OnesCount8(uint8(v))&1) * x86.FlagPF
}

// cf is CF as 0 or 1.
func (c *CPU) cf() uint64 {
	switch {
	case c.cc == ccFlags || c.cc >= ccRes:
		return c.ccSrc & 1
	case c.cc >= ccSub:
		if c.ccA() < c.ccSrc {
			return 1
		}
	case c.ccDst < c.ccSrc:
		return 1
	}
	return 0
}

// setStatus sets the six status flags from f.
func (c *CPU) setStatus(f uint64) {
	f &= x86.FlagsStatus
	c.cc, c.ccSrc, c.ccDst = ccFlags, f, ^f>>6&1
}

// setFlags sets the bits of RFLAGS that mask names from f.
func (c *CPU) setFlags(f, mask uint64) {
	c.eflags = (c.eflags&^mask|f&mask)&^x86.FlagsStatus | x86.FlagOne
	if mask&x86.FlagsStatus != 0 {
		c.setStatus(c.status()&^mask | f&mask)
	}
}

// setAdd, setSub and setRes set the flags of an operation; res and b may have any bits above the operand's size.
func (c *CPU) setAdd(res, b uint64, size uint8) {
	c.cc, c.ccDst, c.ccSrc = ccAdd+sizeLog(size), signExtend(res, size), signExtend(b, size)
}

func (c *CPU) setSub(res, b uint64, size uint8) {
	c.cc, c.ccDst, c.ccSrc = ccSub+sizeLog(size), signExtend(res, size), signExtend(b, size)
}

// setRes sets SF, ZF and PF from res; CF, AF and OF are in f.
func (c *CPU) setRes(res, f uint64, size uint8) {
	c.cc, c.ccDst, c.ccSrc = ccRes+sizeLog(size), signExtend(res, size), f
}

// cond is whether a condition holds: cc is the low four bits of Jcc's opcode (SDM volume 1, appendix B).
func (c *CPU) cond(cc uint8) bool {
	var r bool
	switch cc >> 1 & 7 {
	case 0:
		r = c.status()&x86.FlagOF != 0
	case 1:
		r = c.cf() != 0
	case 2:
		r = c.ccDst == 0
	case 3:
		r = c.ccDst == 0 || c.cf() != 0
	case 4:
		r = c.sf()
	case 5:
		r = c.status()&x86.FlagPF != 0
	case 6:
		r = c.less()
	case 7:
		r = c.ccDst == 0 || c.less()
	}
	return r != (cc&1 != 0)
}

func (c *CPU) sf() bool {
	if c.cc == ccFlags {
		return c.ccSrc&x86.FlagSF != 0
	}
	return int64(c.ccDst) < 0
}

// less is SF != OF.
func (c *CPU) less() bool {
	if c.cc >= ccSub && c.cc < ccRes {
		return int64(c.ccA()) < int64(c.ccSrc)
	}
	f := c.status()
	return (f>>7^f>>11)&1 != 0
}
