package softfloat

// The transcendentals work on 128-bit significands, so that the one rounding
// at the end is off by far less than a unit in the last place.

var (
	ln2     = wide{exp: -1, sig: u128{0xb17217f7d1cf79ab, 0xc9e3b39803f2f6af}}
	log2e   = wide{exp: 0, sig: u128{0xb8aa3b295c17f0bb, 0xbe87fed0691d3e89}}
	widePi  = wide{exp: 1, sig: u128{0xc90fdaa22168c234, 0xc4c6628b80dc1cd1}}
	halfPi  = wide{exp: 0, sig: widePi.sig}
	quartPi = wide{exp: -1, sig: widePi.sig}

	// hardPi is pi/2 as the FPU has it: 66 bits (SDM volume 1, 8.3.8).  As an
	// integer it counts units of 2^-65.
	hardPi = u128{0x3, 0x243f6a8885a308d3}
)

// result rounds a transcendental value to full precision: these instructions
// ignore precision control.
func (e *X87) result(w wide) Float80 { return e.pack(w.num(), 0) }

// same is the answer of the chips where a function differs from w by less than
// the working precision: w itself, marked inexact, whatever the rounding mode.
func (e *X87) same(w wide) Float80 {
	e.raise(PE)
	if w.exp < 1-bias80 {
		e.raise(UE)
	}
	return e.pack(num{w.neg, w.exp, w.sig.hi, w.sig.lo}, 0)
}

// tiny is the exponent below which x and sin x, tan x or atan x are the same.
const tiny = -64

// reduceAngle takes x to [-pi/4, pi/4] and counts the quadrant.
func reduceAngle(x num) (r wide, quadrant uint) {
	if x.exp < -1 {
		return x.wide(), 0
	}
	// Units of 2^-65 hold |x| >= 1/2 exactly but for two bits: use 2^-67.
	const scale = 67
	p := hardPi.shl(scale - 65)
	m, q := u128{}, uint(0)
	// Long division, one bit of x * 2^67 at a time from the top.
	for i := x.exp + scale; i >= 0; i-- {
		m = m.shl(1)
		if k := x.exp + scale - i; k < 64 {
			m.lo |= x.hi >> (63 - uint(k)) & 1
		}
		q <<= 1
		if !m.less(p) {
			m = m.sub(p)
			q |= 1
		}
	}
	neg := x.neg
	if p.shr(1).less(m) {
		m = p.sub(m)
		q++
		neg = !neg
	}
	if x.neg {
		q = -q
	}
	return wide{neg, 127 - scale, m}.norm(), q & 3
}

// sinSeries is the sine of a reduced angle.
func sinSeries(x wide) wide {
	t := altSeries(x.mul(x).fixed(), 1)
	return x.add(x.mul(wideFixed(t)).negate())
}

// cosSeries is the cosine of a reduced angle.
func cosSeries(x wide) wide {
	t := altSeries(x.mul(x).fixed(), 0)
	return wideOne.add(wideFixed(t).negate())
}

// altSeries sums z/((1+s)(2+s)) - z^2/((1+s)...(4+s)) + ..., which is what the
// series of sine (s=1) and cosine (s=0) take away from one.
func altSeries(z u128, s uint64) u128 {
	t := u128{}
	for k := uint64(15); k > 0; k-- {
		c := z.divSmall((2*k - 1 + s) * (2*k + s))
		t = c.sub(c.mulHigh(t))
	}
	return t
}

// trig screens the operand of FSIN, FCOS, FSINCOS and FPTAN.  It returns a
// finished result, or asks for the computation, or for C2.
type trigCase uint8

const (
	trigDone trigCase = iota
	trigZero
	trigCompute
	trigRange // |x| >= 2^63: C2 is set, nothing happens
)

func (e *X87) trig(a Float80) (Float80, trigCase) {
	switch c := a.class(); c {
	case classInvalid, classInf:
		return e.invalid(), trigDone
	case classQNaN, classSNaN:
		return e.nan1(a), trigDone
	case classZero:
		return a, trigZero
	case classDenormal:
		if e.denormal(c, c) {
			return a, trigDone
		}
	}
	if int(a.SE&expMask) >= bias80+63 {
		return a, trigRange
	}
	return a, trigCompute
}

// SinCos is FSINCOS; FSIN and FCOS take one half of it.  inRange is the
// complement of C2.
func (e *X87) SinCos(a Float80, wantSin, wantCos bool) (sin, cos Float80, inRange bool) {
	switch r, c := e.trig(a); c {
	case trigDone:
		return r, r, true
	case trigZero:
		return a, one80, true
	case trigRange:
		return a, a, false
	}
	r, q := reduceAngle(a.num())
	sin, cos = zero80, one80
	if wantSin {
		sin = e.quadrant(r, q)
	}
	if wantCos { // second: FSINCOS reports the rounding of the cosine in C1
		cos = e.quadrant(r, q+1)
	}
	return sin, cos, true
}

// quadrant gives the sine of r + q*pi/2.
func (e *X87) quadrant(r wide, q uint) Float80 {
	w, near := r, r.exp < tiny
	switch {
	case q&1 == 0 && !near:
		w = sinSeries(r)
	case q&1 != 0 && !near:
		w = cosSeries(r)
	case q&1 != 0:
		w = wideOne
	}
	if q&2 != 0 {
		w = w.negate()
	}
	if near {
		return e.same(w)
	}
	return e.result(w)
}

// Tan is the quotient of FPTAN; the instruction pushes 1.0 after it.
func (e *X87) Tan(a Float80) (tan Float80, inRange bool) {
	switch r, c := e.trig(a); c {
	case trigDone:
		return r, true
	case trigZero:
		return a, true
	case trigRange:
		return a, false
	}
	r, q := reduceAngle(a.num())
	if r.exp < tiny && q&1 == 0 {
		return e.same(r), true
	}
	s, c := sinSeries(r), cosSeries(r)
	if q&1 == 0 {
		return e.result(s.div(c)), true
	}
	return e.result(c.div(s).negate()), true
}

// atanSeries is the arctangent of t in [0, 1].
func atanSeries(t wide) wide {
	// tan(pi/8) = 0.41421...: above it, atan t = pi/4 - atan((1-t)/(1+t)).
	if t.exp > -2 || t.exp == -2 && t.sig.hi > 0xd413cccfe7799211 {
		d := wideOne.add(t.negate())
		if d.sig.zero() {
			return quartPi
		}
		return quartPi.add(atanSeries(d.div(wideOne.add(t))).negate())
	}
	z := t.mul(t).fixed()
	s := u128{}
	for k := uint64(45); k > 0; k-- {
		// s = z * (1/(2k+1) - s)
		s = z.mulHigh(u128{^uint64(0), ^uint64(0)}.divSmall(2*k + 1).sub(s))
	}
	return t.add(t.mul(wideFixed(s)).negate())
}

// Atan is FPATAN: the angle of the point (x, y) with y in ST(1) and x in ST(0).
func (e *X87) Atan(y, x Float80) Float80 {
	cy, cx := y.class(), x.class()
	if r, done := e.special(x, y, cx, cy); done {
		return r
	}
	if e.denormal(cx, cy) {
		return zero80
	}
	neg := y.Neg()
	signed := func(w wide) Float80 { w.neg = neg; return e.result(w) }
	switch {
	case cy == classInf && cx == classInf:
		if x.Neg() {
			return signed(quartPi.add(halfPi))
		}
		return signed(quartPi)
	case cy == classInf, cx == classZero && cy != classZero:
		return signed(halfPi)
	case cy == classZero, cx == classInf:
		if x.Neg() {
			return signed(widePi)
		}
		return zero80.withSign(neg)
	}
	ny, nx := y.num().wide(), x.num().wide()
	ny.neg, nx.neg = false, false
	var w wide
	if compareMag(y, x) <= 0 {
		w = ny.div(nx)
		if w.exp < tiny && !x.Neg() {
			return e.same(num(divNum(y.num(), x.num())).wide())
		}
		w = atanSeries(w)
	} else {
		w = halfPi.add(atanSeries(nx.div(ny)).negate())
	}
	if x.Neg() {
		w = widePi.add(w.negate())
	}
	return signed(w)
}

// Exp2m1 is F2XM1: 2^a - 1 for -1 <= a <= 1.
func (e *X87) Exp2m1(a Float80) Float80 {
	switch c := a.class(); c {
	case classInvalid:
		return e.invalid()
	case classQNaN, classSNaN:
		return e.nan1(a)
	case classZero:
		return a
	case classInf:
		if a.Neg() {
			return one80.Chs()
		}
		return a
	case classDenormal:
		if e.denormal(c, c) {
			return zero80
		}
	}
	n := a.num()
	if n.exp >= 0 {
		// The ends of the range are exact; beyond it the operand comes back.
		e.raise(PE)
		if n.exp == 0 && n.hi == intBit && n.neg {
			return Float80{intBit, bias80 - 1 | signMask}
		}
		return a
	}
	y := n.wide().mul(ln2)
	z := y.fixed()
	t := u128{}
	for k := uint64(30); k > 1; k-- {
		c := z.divSmall(k)
		if n.neg {
			t = c.sub(c.mulHigh(t))
		} else {
			t = c.add(c.mulHigh(t))
		}
	}
	p := y.mul(wideFixed(t))
	if t.zero() {
		p = wide{}
	} else if n.neg {
		p = p.negate()
	}
	return e.result(y.add(p))
}

// log2Series is log2((1+s)/(1-s)) for |s| <= 0.1716.
func log2Series(s wide) wide {
	z := s.mul(s).fixed()
	t := u128{}
	for k := uint64(26); k > 0; k-- {
		t = z.mulHigh(u128{^uint64(0), ^uint64(0)}.divSmall(2*k + 1).add(t))
	}
	if !t.zero() {
		s = s.add(s.mul(wideFixed(t)))
	}
	s = s.mul(log2e)
	s.exp++
	return s
}

// log2 is the logarithm of a positive number; exact tells a power of two.
func log2(w wide) (l wide, exact bool) {
	k := w.exp
	w.exp = 0
	if w.sig.hi > 0xb504f333f9de6484 {
		w.exp--
		k++
	}
	d := w.add(wideOne.negate())
	if d.sig.zero() {
		return wideInt(k), true
	}
	return wideInt(k).add(log2Series(d.div(w.add(wideOne)))), false
}

// yl2 multiplies a logarithm by y.
func (e *X87) yl2(y num, l wide, exact bool) Float80 {
	if l.sig.zero() {
		return zero80.withSign(y.neg)
	}
	if exact {
		return e.same(num(mulNum(y, num{l.neg, l.exp, l.sig.hi, 0})).wide()) // the chips do not look
	}
	return e.result(y.wide().mul(l))
}

// Log2 is FYL2X: y * log2(x).
func (e *X87) Log2(y, x Float80) Float80 {
	cy, cx := y.class(), x.class()
	if r, done := e.special(x, y, cx, cy); done {
		return r
	}
	if x.Neg() && cx != classZero {
		return e.invalid()
	}
	// rel places x against one, the zero of the logarithm.
	rel := order(compareMag(x, one80), false, false)
	switch {
	case cx == classZero && cy == classZero, cx == classInf && cy == classZero:
		return e.invalid()
	case cy == classInf && rel == Equal:
		return e.invalid()
	case cx == classZero && cy != classInf:
		e.raise(ZE)
		return inf80.withSign(!y.Neg())
	}
	if e.denormal(cx, cy) {
		return zero80
	}
	switch {
	case cx == classInf || cy == classInf:
		return inf80.withSign(y.Neg() != (rel == Less))
	case cy == classZero:
		return zero80.withSign(y.Neg() != (rel == Less))
	}
	l, exact := log2(x.num().wide())
	return e.yl2(y.num(), l, exact)
}

// Log2p1 is FYL2XP1: y * log2(x + 1).
func (e *X87) Log2p1(y, x Float80) Float80 {
	cy, cx := y.class(), x.class()
	if r, done := e.special(x, y, cx, cy); done {
		return r
	}
	neg := x.Neg() != y.Neg()
	switch {
	case cx == classInf && (x.Neg() || cy == classZero), cx == classZero && cy == classInf:
		return e.invalid()
	}
	if e.denormal(cx, cy) {
		return zero80
	}
	switch {
	case cx == classInf || cy == classInf:
		return inf80.withSign(neg)
	case cx == classZero || cy == classZero:
		return zero80.withSign(neg)
	}
	n := x.num().wide()
	if n.exp < -2 || n.exp == -2 && n.sig.hi < 0x95f619980c4336f7 { // 1 - sqrt(2)/2
		two := wide{exp: 1, sig: wideOne.sig}
		return e.yl2(y.num(), log2Series(n.div(two.add(n))), false)
	}
	s := wideOne.add(n)
	if s.neg || s.sig.zero() {
		e.raise(PE) // outside the defined range the operand comes back
		return x
	}
	l, _ := log2(s)
	return e.yl2(y.num(), l, false)
}
