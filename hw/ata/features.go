package ata

// setFeatures is the command SET FEATURES.
func (d *Drive) setFeatures() bool {
	switch d.reg.feature[0] {
	case 0x03:
		if !d.setMode(d.reg.count[0]) {
			return false
		}
	case 0x02, 0x82: // write cache
		d.noWriteCache = d.reg.feature[0] == 0x82
		if d.noWriteCache && d.cfg.Kind == Disk {
			d.flush(func() {})
			return true
		}
	case 0x55, 0xaa, 0x66, 0xcc, 0x05, 0x85, 0x42, 0xc2, 0x67, 0x96, 0x69, 0x9a:
		// Look-ahead, defaults kept over resets, power and noise: accepted, and without effect.
	default:
		return false
	}
	d.finish()
	return true
}

// setMode selects a transfer mode, which changes nothing but what IDENTIFY says.
func (d *Drive) setMode(mode uint8) bool {
	n := mode & 7
	switch mode >> 3 {
	case 0:
		return n <= 1 // PIO default
	case 1:
		return n <= 4 // PIO with flow control
	case 2, 4: // single word and multiword DMA
		if n > 2 {
			return false
		}
	case 8: // Ultra DMA
		if n > 5 {
			return false
		}
	default:
		return false
	}
	d.mode = mode
	return true
}

// smart is the command SMART: a disk that is always well.
func (d *Drive) smart() bool {
	if d.reg.mid[0] != 0x4f || d.reg.high[0] != 0xc2 || d.smartOff && d.reg.feature[0] != 0xd8 {
		return false
	}
	switch d.reg.feature[0] {
	case 0xd0:
		d.reply(smartData())
		return true
	case 0xd1:
		d.reply(smartThresholds())
		return true
	case 0xd5:
		return d.smartLog()
	case 0xd2, 0xd3, 0xd4: // autosave, save, self test off-line
	case 0xd8:
		d.smartOff = false
	case 0xd9:
		d.smartOff = true
	case 0xda: // RETURN STATUS: no threshold exceeded, the signature stays as it is.
	default:
		return false
	}
	d.finish()
	return true
}

// smartAttributes are id, flags, value, worst, raw value, threshold.
func smartAttributes() [][6]byte {
	return [][6]byte{
		{0x01, 0x03, 100, 100, 0, 6},  // read error rate
		{0x03, 0x03, 100, 100, 16, 0}, // spin-up time
		{0x04, 0x02, 100, 100, 0, 20}, // start/stop count
		{0x05, 0x03, 100, 100, 0, 36}, // reallocated sectors
		{0x09, 0x03, 100, 100, 1, 0},  // power-on hours
		{0x0c, 0x03, 100, 100, 0, 0},  // power cycles
		{0xbe, 0x03, 69, 69, 31, 50},  // airflow temperature
	}
}

func smartData() []byte {
	b := make([]byte, 512)
	b[0] = 1
	for i, a := range smartAttributes() {
		e := b[2+12*i:]
		e[0], e[1], e[3], e[4], e[5] = a[0], a[1], a[2], a[3], a[4]
	}
	b[362] = 0x82 // off-line data collected
	b[364], b[365] = 0, 0
	b[367] = 0x51 | 0x08
	b[368] = 3
	b[370] = 1
	b[372], b[373] = 2, 54
	return smartSum(b)
}

func smartThresholds() []byte {
	b := make([]byte, 512)
	b[0] = 1
	for i, a := range smartAttributes() {
		b[2+12*i], b[3+12*i] = a[0], a[5]
	}
	return smartSum(b)
}

// smartLog is SMART READ LOG: the directory, the error log and the self-test log, all empty.
func (d *Drive) smartLog() bool {
	b := make([]byte, 512)
	switch d.reg.low[0] {
	case 0:
		b[0], b[2], b[12] = 1, 1, 1
		d.reply(b)
		return true
	case 1, 6:
		b[0] = 1
	default:
		return false
	}
	d.reply(smartSum(b))
	return true
}

func smartSum(b []byte) []byte {
	sum := byte(0)
	for _, v := range b[:511] {
		sum += v
	}
	b[511] = -sum
	return b
}
