package cpu

// reg is a general register's value, of the given size in bytes, zero-extended.
func (c *CPU) reg(r, size uint8) uint64 {
	switch size {
	case 1:
		if r&regHigh != 0 {
			return c.gpr[r&3] >> 8 & 0xff
		}
		return c.gpr[r&31] & 0xff
	case 2:
		return c.gpr[r&31] & 0xffff
	case 4:
		return c.gpr[r&31] & 0xffffffff
	}
	return c.gpr[r&31]
}

// setReg writes a general register as an instruction of that operand size does: 4 clears the upper half, 1 and 2 keep the rest.
func (c *CPU) setReg(r, size uint8, v uint64) {
	switch size {
	case 1:
		if r&regHigh != 0 {
			c.gpr[r&3] = c.gpr[r&3]&^0xff00 | v&0xff<<8
			return
		}
		c.gpr[r&31] = c.gpr[r&31]&^0xff | v&0xff
	case 2:
		c.gpr[r&31] = c.gpr[r&31]&^0xffff | v&0xffff
	case 4:
		c.gpr[r&31] = v & 0xffffffff
	default:
		c.gpr[r&31] = v
	}
}

// sizeMask has the bits of an operand of that many bytes.
func sizeMask(size uint8) uint64 { return ^uint64(0) >> (64 - 8*uint(size)) }

// signBit is the highest bit of an operand of that many bytes.
func signBit(size uint8) uint64 { return 1 << (8*uint(size) - 1) }

// signExtend widens an operand of that many bytes.
func signExtend(v uint64, size uint8) uint64 {
	s := 64 - 8*uint(size)
	return uint64(int64(v<<s) >> s)
}
