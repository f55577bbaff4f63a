package acpi

import "govm-desktop/clock"

// count is the PM timer, unbounded.
func (p *PM) count(t clock.Time) uint64 { return clock.Ticks(t, TimerHz) }

// Read implements memory.Handler. The timer, which firmware polls by the million, takes no lock.
func (b *block) Read(off uint64, size int) uint64 {
	p := (*PM)(b)
	if off&^3 == regPMTMR {
		return p.count(p.cfg.Clock.Now()) & timerMask >> (8 * (off & 3))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.overflow()
	var v uint64
	for i := range size {
		v |= uint64(p.byteAt(int(off)+i)) << (8 * i)
	}
	return v
}

// byteAt is one byte of the block.
// Preconditions of all below: mu is held.
func (p *PM) byteAt(off int) uint8 {
	half := func(v uint16) uint8 { return uint8(v >> (8 * (off & 1))) }
	switch off &^ 1 {
	case regPMSTS:
		return half(p.sts)
	case regPMEN:
		return half(p.en)
	case regPMCNTRL:
		return half(p.cntrl)
	case regPMTMR, regPMTMR + 2:
		return uint8(p.count(p.cfg.Clock.Now()) & timerMask >> (8 * (off & 3)))
	}
	return p.block[off&(blockSize-1)]
}

// Write implements memory.Handler.
func (b *block) Write(off uint64, size int, val uint64) {
	p := (*PM)(b)
	p.mu.Lock()
	p.overflow()
	var sleep Sleep
	for i := range size {
		if s := p.writeByte(int(off)+i, uint8(val>>(8*i))); s != 0 {
			sleep = s
		}
	}
	p.update()
	p.mu.Unlock()
	if sleep != 0 {
		p.cfg.Sleep(sleep)
	}
}

// writeByte writes one byte of the block; the result is the state to go to.
func (p *PM) writeByte(off int, v uint8) Sleep {
	wide := uint16(v) << (8 * (off & 1))
	mask := uint16(0xff) << (8 * (off & 1))
	switch off &^ 1 {
	case regPMSTS:
		p.sts &^= wide & statuses
	case regPMEN:
		p.en = (p.en&^mask | wide) & enables
	case regPMCNTRL:
		p.cntrl = (p.cntrl&^mask | wide) & cntrlRW &^ gblRLS
		if wide&slpEN != 0 {
			return p.sleep()
		}
	case regPMTMR, regPMTMR + 2, regGPSTS:
	default:
		p.block[off&(blockSize-1)] = v
	}
	return 0
}

// sleep goes to the state that SLP_TYP names.
func (p *PM) sleep() Sleep {
	s := p.cfg.Types[p.cntrl&slpTYP>>typShift]
	if s == S3 {
		p.sleeping = true
	}
	return s
}

// overflow brings TMR_STS up to date.
func (p *PM) overflow() {
	now := p.cfg.Clock.Now()
	if p.count(now)/timerHalf != p.count(p.checked)/timerHalf {
		p.sts |= tmrSTS
	}
	p.checked = now
}

// update brings the interrupt and the timer up to date.
func (p *PM) update() {
	p.overflow()
	events := p.sts&p.en != 0 || p.gpeSTS&p.gpeEN != 0
	p.cfg.SCI.Set(p.cntrl&sciEN != 0 && events)
	if p.en&tmrSTS != 0 && p.sts&tmrSTS == 0 {
		p.timer.Set(clock.FromTicks((p.count(p.checked)/timerHalf+1)*timerHalf, TimerHz))
	} else {
		p.timer.Stop()
	}
}

func (p *PM) fire() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.update()
}

// Read implements memory.Handler.
func (g *gpe) Read(off uint64, size int) uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return (uint64(g.gpeSTS) | uint64(g.gpeEN)<<16) >> (8 * (off & 3))
}

// Write implements memory.Handler. An event whose wire is still high stays.
func (g *gpe) Write(off uint64, size int, val uint64) {
	p := (*PM)(g)
	p.mu.Lock()
	defer p.mu.Unlock()
	mask := uint32(1<<(8*size)-1) << (8 * (off & 3))
	v := uint32(val) << (8 * (off & 3)) & mask
	p.gpeSTS = p.gpeSTS&^uint16(v) | p.gpe
	p.gpeEN = uint16((uint32(p.gpeEN)<<16&^mask | v&^0xffff) >> 16)
	p.update()
}

// Read implements memory.Handler.
func (s *smi) Read(off uint64, _ int) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if off&1 == 0 {
		return uint64(s.apmc)
	}
	return uint64(s.apms)
}

// Write implements memory.Handler. A word writes command and status, the status first: the command acts on it.
func (s *smi) Write(off uint64, size int, val uint64) {
	p := (*PM)(s)
	p.mu.Lock()
	if off&1 != 0 || size > 1 {
		p.apms = uint8(val >> (8 * (1 - off&1)))
	}
	if off&1 != 0 {
		p.mu.Unlock()
		return
	}
	p.apmc = uint8(val)
	switch p.apmc {
	case CommandEnable:
		p.cntrl |= sciEN
	case CommandDisable:
		p.cntrl &^= sciEN
	}
	p.update()
	p.mu.Unlock()
	p.cfg.SMI(uint8(val))
}
