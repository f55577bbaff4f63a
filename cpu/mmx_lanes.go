package cpu

// Packed integer operations work on 64 bits at a time: an MMX register is one such half, an XMM register two. Bytes and words are kept
// apart by masks where that is quicker than taking them one by one.

const (
	high8  = 0x8080808080808080
	high16 = 0x8000800080008000
	high32 = 0x8000000080000000
	low8   = 0x0101010101010101
	low16  = 0x0001000100010001
	low32  = 0x0000000100000001
)

func addB(a, b uint64) uint64 { return (a&^high8 + b&^high8) ^ (a^b)&high8 }
func addW(a, b uint64) uint64 { return (a&^high16 + b&^high16) ^ (a^b)&high16 }
func addD(a, b uint64) uint64 { return (a&^high32 + b&^high32) ^ (a^b)&high32 }
func addQ(a, b uint64) uint64 { return a + b }

func subB(a, b uint64) uint64 { return ((a | high8) - b&^high8) ^ ^(a^b)&high8 }
func subW(a, b uint64) uint64 { return ((a | high16) - b&^high16) ^ ^(a^b)&high16 }
func subD(a, b uint64) uint64 { return ((a | high32) - b&^high32) ^ ^(a^b)&high32 }
func subQ(a, b uint64) uint64 { return a - b }

func andQ(a, b uint64) uint64  { return a & b }
func andnQ(a, b uint64) uint64 { return ^a & b }
func orQ(a, b uint64) uint64   { return a | b }
func xorQ(a, b uint64) uint64  { return a ^ b }

// zero8 sets the top bit of every zero byte.
func zero8(v uint64) uint64  { return ^((v&^high8 + ^uint64(high8)) | v) & high8 }
func zero16(v uint64) uint64 { return ^((v&^high16 + ^uint64(high16)) | v) & high16 }
func zero32(v uint64) uint64 { return ^((v&^high32 + ^uint64(high32)) | v) & high32 }

func cmpeqB(a, b uint64) uint64 { return zero8(a^b) >> 7 * 0xff }
func cmpeqW(a, b uint64) uint64 { return zero16(a^b) >> 15 * 0xffff }
func cmpeqD(a, b uint64) uint64 { return zero32(a^b) >> 31 * 0xffffffff }
func cmpeqQ(a, b uint64) uint64 {
	if a == b {
		return ^uint64(0)
	}
	return 0
}

// ltu8 and its kin set the top bit of the lanes in which a < b, unsigned.
func ltu8(a, b uint64) uint64 {
	d := (a | high8) - (b &^ high8)
	return (^a&b | ^(a^b)&^d) & high8
}

func ltu16(a, b uint64) uint64 {
	d := (a | high16) - (b &^ high16)
	return (^a&b | ^(a^b)&^d) & high16
}

func ltu32(a, b uint64) uint64 {
	d := (a | high32) - (b &^ high32)
	return (^a&b | ^(a^b)&^d) & high32
}

func cmpgtB(a, b uint64) uint64 { return ltu8(b^high8, a^high8) >> 7 * 0xff }
func cmpgtW(a, b uint64) uint64 { return ltu16(b^high16, a^high16) >> 15 * 0xffff }
func cmpgtD(a, b uint64) uint64 { return ltu32(b^high32, a^high32) >> 31 * 0xffffffff }
func cmpgtQ(a, b uint64) uint64 {
	if int64(a) > int64(b) {
		return ^uint64(0)
	}
	return 0
}

// choose takes a where m has ones, else b.
func choose(m, a, b uint64) uint64 { return a&m | b&^m }

func minUB(a, b uint64) uint64 { return choose(ltu8(a, b)>>7*0xff, a, b) }
func maxUB(a, b uint64) uint64 { return choose(ltu8(a, b)>>7*0xff, b, a) }
func minUW(a, b uint64) uint64 { return choose(ltu16(a, b)>>15*0xffff, a, b) }
func maxUW(a, b uint64) uint64 { return choose(ltu16(a, b)>>15*0xffff, b, a) }
func minUD(a, b uint64) uint64 { return choose(ltu32(a, b)>>31*0xffffffff, a, b) }
func maxUD(a, b uint64) uint64 { return choose(ltu32(a, b)>>31*0xffffffff, b, a) }
func minSB(a, b uint64) uint64 { return choose(cmpgtB(b, a), a, b) }
func maxSB(a, b uint64) uint64 { return choose(cmpgtB(b, a), b, a) }
func minSW(a, b uint64) uint64 { return choose(cmpgtW(b, a), a, b) }
func maxSW(a, b uint64) uint64 { return choose(cmpgtW(b, a), b, a) }
func minSD(a, b uint64) uint64 { return choose(cmpgtD(b, a), a, b) }
func maxSD(a, b uint64) uint64 { return choose(cmpgtD(b, a), b, a) }

// lanes8 and lanes16 do it lane by lane.
func lanes8(a, b uint64, f func(x, y uint8) uint8) (r uint64) {
	for i := uint(0); i < 64; i += 8 {
		r |= uint64(f(uint8(a>>i), uint8(b>>i))) << i
	}
	return r
}

func lanes16(a, b uint64, f func(x, y uint16) uint16) (r uint64) {
	for i := uint(0); i < 64; i += 16 {
		r |= uint64(f(uint16(a>>i), uint16(b>>i))) << i
	}
	return r
}

func lanes32(a, b uint64, f func(x, y uint32) uint32) uint64 {
	return uint64(f(uint32(a), uint32(b))) | uint64(f(uint32(a>>32), uint32(b>>32)))<<32
}

func satS8(v int) uint8   { return uint8(int8(max(-128, min(127, v)))) }
func satU8(v int) uint8   { return uint8(max(0, min(255, v))) }
func satS16(v int) uint16 { return uint16(int16(max(-32768, min(32767, v)))) }
func satU16(v int) uint16 { return uint16(max(0, min(65535, v))) }

func addsB(a, b uint64) uint64 {
	return lanes8(a, b, func(x, y uint8) uint8 { return satS8(int(int8(x)) + int(int8(y))) })
}

func addsW(a, b uint64) uint64 {
	return lanes16(a, b, func(x, y uint16) uint16 { return satS16(int(int16(x)) + int(int16(y))) })
}

func addusB(a, b uint64) uint64 {
	s := addB(a, b)
	return s | ltu8(s, a)>>7*0xff
}

func addusW(a, b uint64) uint64 {
	s := addW(a, b)
	return s | ltu16(s, a)>>15*0xffff
}

func subsB(a, b uint64) uint64 {
	return lanes8(a, b, func(x, y uint8) uint8 { return satS8(int(int8(x)) - int(int8(y))) })
}

func subsW(a, b uint64) uint64 {
	return lanes16(a, b, func(x, y uint16) uint16 { return satS16(int(int16(x)) - int(int16(y))) })
}

func subusB(a, b uint64) uint64 { return subB(a, b) &^ (ltu8(a, b) >> 7 * 0xff) }
func subusW(a, b uint64) uint64 { return subW(a, b) &^ (ltu16(a, b) >> 15 * 0xffff) }

func avgB(a, b uint64) uint64 { return (a | b) - (a^b)&^low8>>1 }
func avgW(a, b uint64) uint64 { return (a | b) - (a^b)&^low16>>1 }

func mullW(a, b uint64) uint64 {
	return lanes16(a, b, func(x, y uint16) uint16 { return x * y })
}

func mulhW(a, b uint64) uint64 {
	return lanes16(a, b, func(x, y uint16) uint16 { return uint16(int32(int16(x)) * int32(int16(y)) >> 16) })
}

func mulhuW(a, b uint64) uint64 {
	return lanes16(a, b, func(x, y uint16) uint16 { return uint16(uint32(x) * uint32(y) >> 16) })
}

func mulhrsW(a, b uint64) uint64 {
	return lanes16(a, b, func(x, y uint16) uint16 {
		return uint16((int32(int16(x))*int32(int16(y))>>14 + 1) >> 1)
	})
}

func mulluD(a, b uint64) uint64 { return lanes32(a, b, func(x, y uint32) uint32 { return x * y }) }
func muluDQ(a, b uint64) uint64 { return a & 0xffffffff * (b & 0xffffffff) }
func mulDQ(a, b uint64) uint64  { return uint64(int64(int32(a)) * int64(int32(b))) }

func maddWD(a, b uint64) (r uint64) {
	for i := uint(0); i < 64; i += 32 {
		s := int32(int16(a>>i))*int32(int16(b>>i)) + int32(int16(a>>(i+16)))*int32(int16(b>>(i+16)))
		r |= uint64(uint32(s)) << i
	}
	return r
}

// maddUBSW multiplies unsigned bytes of a by signed ones of b.
func maddUBSW(a, b uint64) (r uint64) {
	for i := uint(0); i < 64; i += 16 {
		s := int(uint8(a>>i))*int(int8(b>>i)) + int(uint8(a>>(i+8)))*int(int8(b>>(i+8)))
		r |= uint64(satS16(s)) << i
	}
	return r
}

func sadBW(a, b uint64) (r uint64) {
	d := maxUB(a, b) - minUB(a, b) // no lane borrows from the next
	for ; d != 0; d >>= 8 {
		r += d & 0xff
	}
	return r
}

func absB(_, b uint64) uint64 { m := b & high8 >> 7 * 0xff; return subB(b^m, m) }
func absW(_, b uint64) uint64 { m := b & high16 >> 15 * 0xffff; return subW(b^m, m) }
func absD(_, b uint64) uint64 { m := b & high32 >> 31 * 0xffffffff; return subD(b^m, m) }

// signB and its kin negate a where b is negative and clear it where b is zero.
func signB(a, b uint64) uint64 {
	m := b & high8 >> 7 * 0xff
	return subB(a^m, m) &^ (zero8(b) >> 7 * 0xff)
}

func signW(a, b uint64) uint64 {
	m := b & high16 >> 15 * 0xffff
	return subW(a^m, m) &^ (zero16(b) >> 15 * 0xffff)
}

func signD(a, b uint64) uint64 {
	m := b & high32 >> 31 * 0xffffffff
	return subD(a^m, m) &^ (zero32(b) >> 31 * 0xffffffff)
}

// Packing narrows the lanes of a, then those of b.
func packSSWB(a, b uint64) uint64 { return packWB(a, satS8) | packWB(b, satS8)<<32 }
func packUSWB(a, b uint64) uint64 { return packWB(a, satU8) | packWB(b, satU8)<<32 }
func packSSDW(a, b uint64) uint64 { return packDW(a, satS16) | packDW(b, satS16)<<32 }
func packUSDW(a, b uint64) uint64 { return packDW(a, satU16) | packDW(b, satU16)<<32 }

func packWB(a uint64, sat func(int) uint8) (r uint64) {
	for i := uint(0); i < 4; i++ {
		r |= uint64(sat(int(int16(a>>(16*i))))) << (8 * i)
	}
	return r
}

func packDW(a uint64, sat func(int) uint16) uint64 {
	return uint64(sat(int(int32(a)))) | uint64(sat(int(int32(a>>32))))<<16
}

// wide8 puts the four low bytes into words; wide16 the two low words into doublewords.
func wide8(v uint64) uint64 {
	v &= 0xffffffff
	v = (v | v<<16) & 0x0000ffff0000ffff
	return (v | v<<8) & 0x00ff00ff00ff00ff
}

func wide16(v uint64) uint64 { v &= 0xffffffff; return (v | v<<16) & 0x0000ffff0000ffff }

func unpcklBW(a, b uint64) uint64 { return wide8(a) | wide8(b)<<8 }
func unpckhBW(a, b uint64) uint64 { return wide8(a>>32) | wide8(b>>32)<<8 }
func unpcklWD(a, b uint64) uint64 { return wide16(a) | wide16(b)<<16 }
func unpckhWD(a, b uint64) uint64 { return wide16(a>>32) | wide16(b>>32)<<16 }
func unpcklDQ(a, b uint64) uint64 { return a&0xffffffff | b<<32 }
func unpckhDQ(a, b uint64) uint64 { return a>>32 | b&^0xffffffff }

// Horizontal operations on the pairs of a, then those of b.
func haddW(a, b uint64) uint64 { return pairsW(a, addW) | pairsW(b, addW)<<32 }
func hsubW(a, b uint64) uint64 { return pairsW(a, subW) | pairsW(b, subW)<<32 }
func haddsW(a, b uint64) uint64 {
	return pairsW(a, addsW) | pairsW(b, addsW)<<32
}
func hsubsW(a, b uint64) uint64 { return pairsW(a, subsW) | pairsW(b, subsW)<<32 }
func haddD(a, b uint64) uint64  { return (a+a>>32)&0xffffffff | (b+b>>32)<<32 }
func hsubD(a, b uint64) uint64  { return (a-a>>32)&0xffffffff | (b-b>>32)<<32 }

// pairsW combines each even word with the odd one above it.
func pairsW(a uint64, f func(x, y uint64) uint64) uint64 {
	r := f(a, a>>16)
	return r&0xffff | r>>16&0xffff0000
}

// Shifts by a count for the whole register.
func sllW(v, n uint64) uint64 {
	if n > 15 {
		return 0
	}
	return v << n & (0xffff << n & 0xffff * low16)
}

func sllD(v, n uint64) uint64 {
	if n > 31 {
		return 0
	}
	return v << n & (0xffffffff << n & 0xffffffff * low32)
}

func sllQ(v, n uint64) uint64 {
	if n > 63 {
		return 0
	}
	return v << n
}

func srlW(v, n uint64) uint64 {
	if n > 15 {
		return 0
	}
	return v >> n & (0xffff >> n * low16)
}

func srlD(v, n uint64) uint64 {
	if n > 31 {
		return 0
	}
	return v >> n & (0xffffffff >> n * low32)
}

func srlQ(v, n uint64) uint64 {
	if n > 63 {
		return 0
	}
	return v >> n
}

func sraW(v, n uint64) uint64 {
	return lanes16(v, 0, func(x, _ uint16) uint16 { return uint16(int16(x) >> min(n, 15)) })
}

func sraD(v, n uint64) uint64 {
	return lanes32(v, 0, func(x, _ uint32) uint32 { return uint32(int32(x) >> min(n, 31)) })
}

// moveMask gathers the top bits of the eight bytes.
func moveMask(v uint64) uint64 { return v & high8 >> 7 * 0x0102040810204080 >> 56 }

// shufW picks the words of v by the pairs of bits of order.
func shufW(v uint64, order uint8) (r uint64) {
	for i := uint(0); i < 4; i++ {
		r |= v >> (16 * (order >> (2 * i) & 3)) & 0xffff << (16 * i)
	}
	return r
}

// shufB8 is PSHUFB on MMX registers.
func shufB8(v, sel uint64) (r uint64) {
	for i := uint(0); i < 64; i += 8 {
		if s := sel >> i; s&0x80 == 0 {
			r |= v >> (8 * (s & 7)) & 0xff << i
		}
	}
	return r
}

// minPosW is PHMINPOSUW: the least word and its index, the first of equals.
func minPosW(lo, hi uint64) uint64 {
	best, at := uint64(0xffff), uint64(0)
	for i := uint64(0); i < 8; i++ {
		w := lo >> (16 * (i & 3)) & 0xffff
		if i > 3 {
			w = hi >> (16 * (i & 3)) & 0xffff
		}
		if w < best {
			best, at = w, i
		}
	}
	return best | at<<16
}

// alignRight is PALIGNR: n bytes to the right of hi:lo.
func alignRight(hi, lo uint64, n uint) uint64 {
	switch {
	case n < 8:
		return lo>>(8*n) | hi<<(64-8*n)
	case n < 16:
		return hi >> (8*n - 64)
	}
	return 0
}
