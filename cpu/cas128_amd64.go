package cpu

// haveCAS128 says that the host exchanges 16 bytes at once.
const haveCAS128 = true

// cas128 compares and exchanges 16 aligned bytes.
//
//go:noescape
func cas128(p *ramCell, oldLo, oldHi, newLo, newHi uint64) (lo, hi uint64, ok bool)

// cas128 replaces 16 aligned bytes by new if they are *lo and *hi, which become what they were.
func (p *ramCell) cas128(lo, hi *uint64, newLo, newHi uint64) (ok bool) {
	*lo, *hi, ok = cas128(p, *lo, *hi, newLo, newHi)
	return ok
}
