//go:build !amd64

package cpu

// haveCAS128 says that the host exchanges 16 bytes at once; where it does not, CPUs that do are serialised by a lock.
const haveCAS128 = false

func (p *ramCell) cas128(lo, hi *uint64, newLo, newHi uint64) bool { return false }
