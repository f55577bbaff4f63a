package ring3

import (
	"encoding/binary"
	"math/rand/v2"
)

// kind is what numbers a case's operands are likely to be.
type kind uint8

// Kinds of numbers.
const (
	kindInt kind = iota
	kindF32
	kindF64
	kindF80
	kindBCD
	kindEnv // control and status words, environments
	numKinds
)

// intValue is an integer, boundaries more often than not.
func intValue(r *rand.Rand) uint64 {
	sizes := [4]uint{8, 16, 32, 64}
	n := sizes[r.IntN(4)]
	var v uint64
	switch r.IntN(12) {
	case 0:
		v = 0
	case 1:
		v = 1
	case 2:
		v = ^uint64(0)
	case 3:
		v = 1<<(n-1) - 1 // greatest
	case 4:
		v = 1 << (n - 1) // least
	case 5:
		v = 1<<(n-1) + 1
	case 6:
		v = 1<<n - 1
		if n == 64 {
			v = ^uint64(1)
		}
	case 7:
		v = uint64(r.IntN(70))
	case 8:
		v = 1 << r.IntN(64)
	case 9:
		v = -uint64(r.IntN(300))
	default:
		v = r.Uint64()
	}
	if r.IntN(4) == 0 { // garbage above
		v = v&(1<<(n-1)<<1-1) | r.Uint64()<<(n-1)<<1
	}
	return v
}

// counts are what shift counts may be.
func countValue(r *rand.Rand) uint64 {
	c := [...]uint64{0, 1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 255}
	if r.IntN(3) == 0 {
		return uint64(r.IntN(256))
	}
	return c[r.IntN(len(c))]
}

// f32Value is a single-precision number of any class.
func f32Value(r *rand.Rand) uint32 {
	c := [...]uint32{0, 0x3f800000, 0x7f800000, 0x7fc00000, 0x7f800001, 0x7fffffff, 0x7fa00000, 1, 0x007fffff, 0x00800000, 0x7f7fffff, 0x3f000000,
		0x3fc00000, 0x40200000, 0x4f000000, 0x4effffff, 0x5f000000, 0x4b000000, 0x4b7fffff, 0x3f7fffff, 0x3f800001, 0x00400000, 0x33800000, 0x5effffff, 0x4f800000}
	s := r.Uint32() & (1 << 31)
	switch r.IntN(8) {
	case 0, 1, 2:
		return s | c[r.IntN(len(c))]
	case 3:
		return r.Uint32()
	case 4: // near 1
		return s | uint32(120+r.IntN(16))<<23 | r.Uint32()>>9
	case 5: // a small integer or half
		return s | (0x3f800000 + uint32(r.IntN(16))<<20)
	case 6: // denormal or tiny
		return s | uint32(r.IntN(26))<<23 | r.Uint32()>>9
	}
	return s | uint32(r.IntN(256))<<23 | [...]uint32{0, 1, 0x7fffff, 0x400000}[r.IntN(4)]
}

// f64Value is a double-precision number of any class.
func f64Value(r *rand.Rand) uint64 {
	c := [...]uint64{0, 0x3ff << 52, 0x7ff << 52, 0x7ff8 << 48, 0x7ff<<52 | 1, 0x7ff4 << 48, 1<<63 - 1, 1, 1<<52 - 1, 1 << 52, 0x7fe<<52 | (1<<52 - 1), 0x3fe << 52,
		0x3ff8 << 48, 0x4004 << 48, 0x41e << 52, 0x41dfffffffc00000, 0x41dfffffffe00000, 0x43e << 52, 0x43dfffffffffffff, 0x433 << 52, 0x432fffffffffffff,
		0x3fefffffffffffff, 0x3ff0000000000001, 0x47efffffe0000000, 0x47efffffefffffff, 0x47f << 52, 0x380 << 52, 0x36a << 52, 0x3690000000000001, 0x380fffffc0000000, 0x41efffffffe00000}
	s := r.Uint64() & (1 << 63)
	switch r.IntN(8) {
	case 0, 1, 2:
		return s | c[r.IntN(len(c))]
	case 3:
		return r.Uint64()
	case 4:
		return s | uint64(1016+r.IntN(16))<<52 | r.Uint64()>>12
	case 5:
		return s | (0x3ff<<52 + uint64(r.IntN(16))<<49)
	case 6:
		return s | uint64(r.IntN(55))<<52 | r.Uint64()>>12
	}
	return s | uint64(860+r.IntN(320))<<52 | [...]uint64{0, 1, 1<<52 - 1, 1 << 51, 1 << 28, 1<<29 - 1}[r.IntN(6)]
}

// f80Value is an extended-precision number of any class, the unsupported ones among them.
func f80Value(r *rand.Rand) (sig uint64, se uint16) {
	se = uint16(r.Uint32()) & 0x8000
	sig = 1<<63 | r.Uint64()
	switch r.IntN(14) {
	case 0:
		return 0, se // zero
	case 1:
		return 1 << 63, se | 0x3fff
	case 2: // infinity or NaN, pseudo or not
		return [...]uint64{1 << 63, 3 << 62, 1<<63 | 1, ^uint64(0), 0, 1, 1<<62 | 5, 1<<63 | 1<<61}[r.IntN(8)], se | 0x7fff
	case 3: // denormal or pseudo-denormal
		return [...]uint64{1, 1<<63 - 1, 1 << 63, 1 << 62, r.Uint64()}[r.IntN(5)], se
	case 4: // greatest, least
		return [...]uint64{^uint64(0), 1 << 63}[r.IntN(2)], se | [...]uint16{0x7ffe, 1}[r.IntN(2)]
	case 5: // any at all, unnormals among them
		return r.Uint64(), uint16(r.Uint32())
	case 6, 7: // near 1
		return sig, se | uint16(0x3ff0+r.IntN(32))
	case 8: // small integers and halves
		return 1<<63 | uint64(r.IntN(16))<<59, se | uint16(0x3ffd+r.IntN(8))
	case 9: // about the greatest integers
		return [...]uint64{sig, 1 << 63, ^uint64(0), 1<<63 | 1}[r.IntN(4)], se | uint16([...]int{0x400d, 0x400e, 0x401d, 0x401e, 0x403d, 0x403e, 0x403f, 0x4038}[r.IntN(8)])
	case 10: // about the limits of single and double precision
		return [...]uint64{sig, 1 << 63, ^uint64(0), 0xffffff7fffffffff, 0xffffff8000000000, 0xfffffffffffffbff, 0xfffffffffffffc00}[r.IntN(7)],
			se | uint16([...]int{0x3f80, 0x3f81, 0x3f6a, 0x407e, 0x407f, 0x3c00, 0x3c01, 0x3bcd, 0x43fe, 0x43ff}[r.IntN(10)])
	case 11:
		return sig, se | uint16(r.IntN(0x7fff))
	case 12: // tiny and huge
		return sig, se | uint16([...]int{1, 2, 3, 60, 0x7ffe, 0x7ffd, 0x7fc0}[r.IntN(7)])
	}
	return sig&^(1<<r.IntN(64)-1) | 1<<63, se | uint16(0x3fff+r.IntN(66))
}

// fill writes numbers of a kind.
func fill(r *rand.Rand, b []byte, k kind) {
	le := binary.LittleEndian
	var x [16]byte
	for len(b) > 0 {
		n := 8
		switch k {
		case kindInt:
			le.PutUint64(x[:], intValue(r))
		case kindF32:
			le.PutUint32(x[:], f32Value(r))
			n = 4
		case kindF64:
			le.PutUint64(x[:], f64Value(r))
		case kindF80:
			sig, se := f80Value(r)
			le.PutUint64(x[:], sig)
			le.PutUint64(x[8:], uint64(se))
			n = 10
		case kindBCD:
			for i := range 10 {
				x[i] = byte(r.IntN(10) | r.IntN(10)<<4)
				if r.IntN(40) == 0 {
					x[i] = byte(r.Uint32())
				}
			}
			x[9] &= 0x80
			n = 10
		case kindEnv:
			le.PutUint32(x[:], uint32(controlWord(r))|r.Uint32()<<16)
			if r.IntN(2) == 0 {
				le.PutUint32(x[:], mxcsrValue(r))
			}
			n = 4
		}
		b = b[copy(b, x[:n]):]
	}
}

// controlWord is an x87 control word: mostly everything masked.
func controlWord(r *rand.Rand) uint16 {
	w := uint16(0x7f) | uint16(r.IntN(16))<<8
	switch r.IntN(5) {
	case 0:
		w &^= uint16(r.IntN(64))
	case 1:
		w = 0x37f
	}
	return w
}

// mxcsrValue is a valid MXCSR: mostly everything masked.
func mxcsrValue(r *rand.Rand) uint32 {
	v := uint32(0x1f80) | uint32(r.IntN(4))<<13
	switch r.IntN(6) {
	case 0:
		v = r.Uint32() & 0xffff
	case 1:
		v |= r.Uint32() & 0x8040
	case 2:
		v = 0x1f80
	case 3:
		v |= r.Uint32() & 0x3f
	}
	return v
}
