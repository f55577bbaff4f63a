package softfloat

// Fields of MXCSR (SDM volume 1, 10.2.3).
const (
	mxDAZ      = 1 << 6
	mxMaskPos  = 7
	mxModePos  = 13
	mxFTZ      = 1 << 15
	mxControl  = 0xffc0 // all but the sticky flags
	mxDefault  = 0x1f80 // masked, to nearest, no flushing
	mxAllMasks = 0x1f80
)

// SSE is the environment of SSE operations.  MXCSR holds the guest's register.
// The caller clears Raised before an instruction and calls Commit after its
// last element.
//
// The common case, rounding to nearest with every exception masked, runs on
// the host's own arithmetic and sets the precision flag directly; anything odd
// (NaN, infinity, denormal, tiny or huge result) goes the long way.
type SSE struct {
	MXCSR  uint32
	Raised Flags
}

// Commit moves the flags raised by one instruction into MXCSR and reports an
// unmasked one: the destination stays as it is and #XM follows.  An unmasked
// exception found before the computation hides those found after it in other
// elements (SDM volume 1, 11.5.3).
func (s *SSE) Commit() bool {
	f := s.Raised
	if f == 0 {
		return false
	}
	unmasked := f &^ Flags(s.MXCSR>>mxMaskPos)
	if unmasked&preFlags != 0 {
		f &= preFlags
	}
	s.MXCSR |= uint32(f)
	return unmasked != 0
}

func (s *SSE) raise(f Flags) { s.Raised |= f }

func (s *SSE) plain() bool { return s.MXCSR&mxControl == mxDefault }

// exactSeen says that the precision flag need not be computed any more.
func (s *SSE) exactSeen() bool { return s.MXCSR&uint32(PE) != 0 }

func (s *SSE) mode() Rounding { return Rounding(s.MXCSR >> mxModePos & 3) }

func (s *SSE) masked(f Flags) bool { return s.MXCSR>>mxMaskPos&uint32(f) != 0 }

// daz replaces a denormal by zero where the guest asked for it.
func (s *SSE) daz(f *format, v uint64) uint64 {
	if s.MXCSR&mxDAZ != 0 && f.class(v) == classDenormal {
		return v & f.sign()
	}
	return v
}

type sseOp uint8

const (
	opAdd sseOp = iota
	opSub
	opMul
	opDiv
)

// nan2 is the result for two operands with a NaN among them: the first NaN
// (SDM volume 1, table 4-7, SSE column).
func (s *SSE) nan2(f *format, a, b uint64, ca, cb class) uint64 {
	if ca == classSNaN || cb == classSNaN {
		s.raise(IE)
	}
	if ca.nan() {
		return a | f.quiet()
	}
	return b | f.quiet()
}

func (s *SSE) invalid(f *format) uint64 {
	s.raise(IE)
	return f.indefinite()
}

func (s *SSE) pack(f *format, n num) uint64 {
	v, fl, _ := f.round(s.mode(), n, Flags(s.MXCSR>>mxMaskPos)&allFlags, s.MXCSR&mxFTZ != 0)
	s.raise(fl)
	return v
}

// arith is any of the four operations in any mode.
func (s *SSE) arith(f *format, op sseOp, a, b uint64) uint64 {
	a, b = s.daz(f, a), s.daz(f, b)
	ca, cb := f.class(a), f.class(b)
	if ca.nan() || cb.nan() {
		return s.nan2(f, a, b, ca, cb)
	}
	if op == opSub {
		b ^= f.sign()
		op = opAdd
	}
	if r, done := s.invalid2(f, op, a, b, ca, cb); done {
		return r
	}
	if ca == classDenormal || cb == classDenormal {
		s.raise(DE)
		if !s.masked(DE) {
			return a
		}
	}
	neg := (a ^ b) & f.sign()
	switch op {
	case opAdd:
		return s.addFinite(f, a, b, ca, cb)
	case opMul:
		switch {
		case ca == classInf || cb == classInf:
			return neg | f.inf()
		case ca == classZero || cb == classZero:
			return neg
		}
		return s.pack(f, mulNum(f.num(a), f.num(b)))
	}
	switch {
	case ca == classInf:
		return neg | f.inf()
	case ca == classZero || cb == classInf:
		return neg
	}
	return s.pack(f, divNum(f.num(a), f.num(b)))
}

// invalid2 finds the invalid operations on numbers, and division by zero.
func (s *SSE) invalid2(f *format, op sseOp, a, b uint64, ca, cb class) (uint64, bool) {
	switch op {
	case opAdd:
		if ca == classInf && cb == classInf && a != b {
			return s.invalid(f), true
		}
	case opMul:
		if ca == classInf && cb == classZero || ca == classZero && cb == classInf {
			return s.invalid(f), true
		}
	case opDiv:
		switch {
		case ca == cb && (ca == classInf || ca == classZero):
			return s.invalid(f), true
		case cb == classZero && ca != classInf:
			s.raise(ZE)
			return (a^b)&f.sign() | f.inf(), true
		}
	}
	return 0, false
}

func (s *SSE) addFinite(f *format, a, b uint64, ca, cb class) uint64 {
	switch {
	case ca == classInf:
		return a
	case cb == classInf:
		return b
	case ca == classZero && cb == classZero:
		if a == b {
			return a
		}
		return s.zeroSum(f)
	case ca == classZero:
		return s.pack(f, f.num(b))
	case cb == classZero:
		return s.pack(f, f.num(a))
	}
	n := addNum(f.num(a), f.num(b))
	if n.zero() {
		return s.zeroSum(f)
	}
	return s.pack(f, n)
}

// zeroSum is x - x.
func (s *SSE) zeroSum(f *format) uint64 {
	if s.mode() == Down {
		return f.sign()
	}
	return 0
}

func (s *SSE) sqrt(f *format, a uint64) uint64 {
	a = s.daz(f, a)
	c := f.class(a)
	switch {
	case c.nan():
		return s.nan2(f, a, a, c, c)
	case c == classZero:
		return a
	case a&f.sign() != 0:
		return s.invalid(f)
	case c == classInf:
		return a
	case c == classDenormal:
		s.raise(DE)
		if !s.masked(DE) {
			return a
		}
	}
	return s.pack(f, sqrtNum(f.num(a)))
}

// minMax is MIN and MAX: the second operand unless the first one is strictly
// beyond it (SDM volume 2, MINPD).
func (s *SSE) minMax(f *format, a, b uint64, want Relation) uint64 {
	a, b = s.daz(f, a), s.daz(f, b)
	if s.compare(f, a, b, false) == want {
		return a
	}
	return b
}

// compare is COMI; quiet makes it UCOMI.
func (s *SSE) compare(f *format, a, b uint64, quiet bool) Relation {
	a, b = s.daz(f, a), s.daz(f, b)
	ca, cb := f.class(a), f.class(b)
	if ca.nan() || cb.nan() {
		if !quiet || ca == classSNaN || cb == classSNaN {
			s.raise(IE)
		}
		return Unordered
	}
	if ca == classDenormal || cb == classDenormal {
		s.raise(DE)
	}
	if ca == classZero && cb == classZero {
		return Equal
	}
	ma, mb := a&^f.sign(), b&^f.sign()
	mag := 0
	switch {
	case ma < mb:
		mag = -1
	case ma > mb:
		mag = 1
	}
	return order(mag, a&f.sign() != 0, b&f.sign() != 0)
}

// predicate is CMPPS and its kin, predicates 0 to 7 (SDM volume 2, table 3-1).
func (s *SSE) predicate(f *format, a, b uint64, p uint8) bool {
	// EQ, UNORD, NEQ and ORD take quiet NaNs without complaint.
	r := s.compare(f, a, b, p&3 == 0 || p&3 == 3)
	var t bool
	switch p & 3 {
	case 0:
		t = r == Equal
	case 1:
		t = r == Less
	case 2:
		t = r == Less || r == Equal
	case 3:
		t = r == Unordered
	}
	return t != (p&4 != 0)
}

// toInt converts to a signed integer of 32 or 64 bits.
func (s *SSE) toInt(f *format, a uint64, size uint, mode Rounding) int64 {
	a = s.daz(f, a)
	bad := int64(-1) << (size - 1)
	switch f.class(a) {
	case classZero:
		return 0
	case classNormal, classDenormal:
	default:
		s.raise(IE)
		return bad
	}
	n := f.num(a)
	v, inexact, _, ok := roundInt(mode, n)
	limit := uint64(1) << (size - 1)
	if !ok || v > limit || v == limit && !n.neg {
		s.raise(IE)
		return bad
	}
	if inexact {
		s.raise(PE)
	}
	if n.neg {
		return -int64(v)
	}
	return int64(v)
}

func (s *SSE) fromInt(f *format, v int64) uint64 {
	if v == 0 {
		return 0
	}
	n := num{exp: 63, hi: uint64(v)}
	if v < 0 {
		n.neg, n.hi = true, uint64(-v)
	}
	return s.pack(f, n.norm())
}

// convert changes the format.
func (s *SSE) convert(from, to *format, a uint64) uint64 {
	a = s.daz(from, a)
	sign := a >> (from.width - 1) << (to.width - 1)
	switch c := from.class(a); c {
	case classZero:
		return sign
	case classInf:
		return sign | to.inf()
	case classQNaN, classSNaN:
		if c == classSNaN {
			s.raise(IE)
		}
		return sign | to.inf() | to.quiet() | a<<(65-from.prec)>>(65-to.prec)
	case classDenormal:
		s.raise(DE)
		if !s.masked(DE) {
			return 0
		}
	}
	return s.pack(to, from.num(a))
}

// round is ROUNDPS and its kin; imm is the instruction's immediate.
func (s *SSE) round(f *format, a uint64, imm uint8) uint64 {
	mode := Rounding(imm & 3)
	if imm&4 != 0 {
		mode = s.mode()
	}
	a = s.daz(f, a)
	switch c := f.class(a); c {
	case classZero, classInf:
		return a
	case classQNaN, classSNaN:
		return s.nan2(f, a, a, c, c)
	}
	n := f.num(a)
	if n.exp >= int(f.prec)-1 {
		return a
	}
	v, inexact, _, _ := roundInt(mode, n)
	if inexact && imm&8 == 0 {
		s.raise(PE)
	}
	if v == 0 {
		return a & f.sign()
	}
	r, _, _ := f.round(Zero, num{n.neg, 63, v, 0}.norm(), allFlags, false)
	return r
}
