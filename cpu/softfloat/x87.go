package softfloat

// X87 is the environment of one x87 operation.  The caller sets Mode,
// Precision and Masked from the control word (SetControl) and clears Raised
// and RoundedUp; operations add to them.
type X87 struct {
	Mode      Rounding
	drop      uint  // significand bits cut by precision control: 0, 11 or 40
	Masked    Flags // exceptions answered by the processor itself
	Raised    Flags
	RoundedUp bool // C1 after an inexact result

	memDenormal bool // the operand taken by Operand32 or Operand64 was a denormal there
}

// SetControl takes rounding, precision and masks from an x87 control word and
// clears the results.
func (e *X87) SetControl(cw uint16) {
	e.Mode = Rounding(cw >> 10 & 3)
	switch cw >> 8 & 3 {
	case 0:
		e.drop = 40
	case 2:
		e.drop = 11
	default: // 1 is reserved and acts as full precision
		e.drop = 0
	}
	e.Masked = Flags(cw) & allFlags
	e.Raised, e.RoundedUp, e.memDenormal = 0, false, false
}

// Blocked reports an unmasked exception that keeps a register destination
// from being written.
func (e *X87) Blocked() bool { return e.Raised&^e.Masked&preFlags != 0 }

// BlockedStore reports an unmasked exception that keeps a memory destination
// from being written: overflow and underflow too (SDM volume 1, 8.5.4).
func (e *X87) BlockedStore() bool { return e.Raised&^e.Masked&(preFlags|OE|UE) != 0 }

func (e *X87) raise(f Flags) { e.Raised |= f }

func (e *X87) invalid() Float80 {
	e.raise(IE)
	return indefinite80
}

// nan2 is the result for two operands of which at least one is a NaN (SDM
// volume 1, table 4-7, x87 column).
func (e *X87) nan2(a, b Float80) Float80 {
	ca, cb := a.class(), b.class()
	if ca == classSNaN || cb == classSNaN {
		e.raise(IE)
	}
	switch {
	case !ca.nan():
		return b.quiet()
	case !cb.nan():
		return a.quiet()
	case ca == classSNaN && cb == classQNaN:
		return b
	case ca == classQNaN && cb == classSNaN:
		return a
	}
	a, b = a.quiet(), b.quiet()
	switch {
	case a.Sig < b.Sig:
		return b
	case a.Sig > b.Sig:
		return a
	case a.SE < b.SE:
		return a
	}
	return b
}

func (e *X87) nan1(a Float80) Float80 {
	if a.class() == classSNaN {
		e.raise(IE)
	}
	return a.quiet()
}

// special deals with unsupported encodings and NaNs of two operands.
func (e *X87) special(a, b Float80, ca, cb class) (Float80, bool) {
	switch {
	case ca == classInvalid || cb == classInvalid:
		return e.invalid(), true
	case ca.nan() || cb.nan():
		return e.nan2(a, b), true
	}
	return Float80{}, false
}

// denormal raises DE for the operands and reports that the operation stops.
func (e *X87) denormal(ca, cb class) bool {
	if ca == classDenormal || cb == classDenormal || e.memDenormal {
		e.raise(DE)
		return e.Masked&DE == 0
	}
	return false
}

// pack rounds n after 64-drop bits and applies the responses to overflow and
// underflow.
func (e *X87) pack(n num, drop uint) Float80 {
	be := n.exp + bias80
	sig, carry, inexact, up := roundSig(e.Mode, n.neg, n.hi, n.lo, drop)
	re := be
	if carry {
		re++
	}
	switch {
	case be <= 0:
		switch {
		case re > 0 || e.Masked&UE != 0:
			return e.packTiny(n, be, re <= 0, drop)
		case re+wrap80 <= 0:
			e.raise(UE | PE)
			e.RoundedUp = false
			return zero80.withSign(n.neg)
		}
		e.raise(UE)
		re += wrap80
	case re >= expMask:
		switch {
		case e.Masked&OE != 0:
			return e.overflow(n.neg, drop)
		case re-wrap80 >= expMask: // FSCALE: too far even for the wrapped exponent
			e.raise(OE | PE)
			e.RoundedUp = true
			return inf80.withSign(n.neg)
		}
		e.raise(OE)
		re -= wrap80
	}
	e.inexact(inexact, up)
	return Float80{sig, uint16(re)}.withSign(n.neg)
}

func (e *X87) inexact(inexact, up bool) {
	if inexact {
		e.raise(PE)
		e.RoundedUp = up
	}
}

// packTiny makes a denormal, or the least normal number if rounding gets there.
func (e *X87) packTiny(n num, be int, tiny bool, drop uint) Float80 {
	hi, lo := shiftRightJam(n.hi, n.lo, uint(1-be))
	sig, _, inexact, up := roundSig(e.Mode, n.neg, hi, lo, drop)
	e.inexact(inexact, up)
	if tiny && (inexact || e.Masked&UE == 0) {
		e.raise(UE)
	}
	return Float80{sig, uint16(sig >> 63)}.withSign(n.neg)
}

// overflow is the masked response (SDM volume 1, table 4-10).
func (e *X87) overflow(neg bool, drop uint) Float80 {
	e.raise(OE | PE)
	if e.Mode == Nearest || e.Mode == Up && !neg || e.Mode == Down && neg {
		e.RoundedUp = true
		return inf80.withSign(neg)
	}
	e.RoundedUp = false
	return Float80{^uint64(0) >> drop << drop, expMask - 1}.withSign(neg)
}

// Add is FADD.
func (e *X87) Add(a, b Float80) Float80 { return e.add(a, b, false) }

// Sub is FSUB: a - b.
func (e *X87) Sub(a, b Float80) Float80 { return e.add(a, b, true) }

func (e *X87) add(a, b Float80, sub bool) Float80 {
	ca, cb := a.class(), b.class()
	if r, done := e.special(a, b, ca, cb); done {
		return r
	}
	if sub {
		b = b.Chs()
	}
	if ca == classInf && cb == classInf && a.Neg() != b.Neg() {
		return e.invalid()
	}
	if e.denormal(ca, cb) {
		return zero80
	}
	switch {
	case ca == classInf:
		return a
	case cb == classInf:
		return b
	case ca == classZero && cb == classZero:
		if a.Neg() == b.Neg() {
			return a
		}
		return zero80.withSign(e.Mode == Down)
	case ca == classZero:
		return e.pack(b.num(), e.drop)
	case cb == classZero:
		return e.pack(a.num(), e.drop)
	}
	n := addNum(a.num(), b.num())
	if n.zero() {
		return zero80.withSign(e.Mode == Down)
	}
	return e.pack(n, e.drop)
}

// Mul is FMUL.
func (e *X87) Mul(a, b Float80) Float80 {
	ca, cb := a.class(), b.class()
	if r, done := e.special(a, b, ca, cb); done {
		return r
	}
	neg := a.Neg() != b.Neg()
	if ca == classInf && cb == classZero || ca == classZero && cb == classInf {
		return e.invalid()
	}
	if e.denormal(ca, cb) {
		return zero80
	}
	switch {
	case ca == classInf || cb == classInf:
		return inf80.withSign(neg)
	case ca == classZero || cb == classZero:
		return zero80.withSign(neg)
	}
	return e.pack(mulNum(a.num(), b.num()), e.drop)
}

// Div is FDIV: a / b.
func (e *X87) Div(a, b Float80) Float80 {
	ca, cb := a.class(), b.class()
	if r, done := e.special(a, b, ca, cb); done {
		return r
	}
	neg := a.Neg() != b.Neg()
	switch {
	case ca == cb && (ca == classInf || ca == classZero):
		return e.invalid()
	case cb == classZero && ca != classInf:
		e.raise(ZE)
		return inf80.withSign(neg)
	}
	if e.denormal(ca, cb) {
		return zero80
	}
	switch {
	case ca == classInf:
		return inf80.withSign(neg)
	case ca == classZero || cb == classInf:
		return zero80.withSign(neg)
	}
	return e.pack(divNum(a.num(), b.num()), e.drop)
}

// Sqrt is FSQRT.
func (e *X87) Sqrt(a Float80) Float80 {
	ca := a.class()
	switch {
	case ca == classInvalid:
		return e.invalid()
	case ca.nan():
		return e.nan1(a)
	case ca == classZero:
		return a
	case a.Neg():
		return e.invalid()
	case ca == classInf:
		return a
	}
	if e.denormal(ca, ca) {
		return zero80
	}
	return e.pack(sqrtNum(a.num()), e.drop)
}

// Compare orders a and b.  quiet is FUCOM: only signaling NaNs are invalid.
func (e *X87) Compare(a, b Float80, quiet bool) Relation {
	ca, cb := a.class(), b.class()
	switch {
	case ca == classInvalid || cb == classInvalid:
		e.raise(IE)
		return Unordered
	case ca.nan() || cb.nan():
		if !quiet || ca == classSNaN || cb == classSNaN {
			e.raise(IE)
		}
		return Unordered
	}
	e.denormal(ca, cb)
	if ca == classZero && cb == classZero {
		return Equal
	}
	return order(compareMag(a, b), a.Neg(), b.Neg())
}

// compareMag compares magnitudes of supported encodings.
func compareMag(a, b Float80) int {
	// A pseudo-denormal has the value its exponent field 1 would give.
	ea, eb := a.SE&expMask, b.SE&expMask
	if ea == 0 && a.Sig >= intBit {
		ea = 1
	}
	if eb == 0 && b.Sig >= intBit {
		eb = 1
	}
	switch {
	case ea != eb:
		return int(ea) - int(eb)
	case a.Sig < b.Sig:
		return -1
	case a.Sig > b.Sig:
		return 1
	}
	return 0
}

// order turns a comparison of magnitudes into one of signed values.
func order(mag int, negA, negB bool) Relation {
	if negA != negB {
		if negA {
			return Less
		}
		return Greater
	}
	if negA {
		mag = -mag
	}
	switch {
	case mag < 0:
		return Less
	case mag > 0:
		return Greater
	}
	return Equal
}
