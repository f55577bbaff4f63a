package lapic

import "sync/atomic"

// destination is how a message finds a local APIC.
type destination struct {
	id      uint32
	ldr     uint32
	cluster bool
	x2APIC  bool
	on      bool // in APIC_BASE
	alive   bool // takes more than NMI, SMI, INIT and SIPI
}

// publish makes a change of ID, LDR, DFR or mode known to the bus.
// Preconditions: mu is held.
func (l *LAPIC) publish() {
	d := destination{uint32(l.id), l.ldr, l.dfr>>28 != 15, l.x2APIC(), l.enabled(), l.alive()}
	if old := l.addr.Load(); old == nil || *old != d {
		l.addr.Store(&d)
	}
}

// Bus joins the local APICs. It implements hw.MSI.
type Bus struct {
	apics []*LAPIC // all are added before the first message
	onEOI func(vector uint8)
	turn  atomic.Uint32 // whose turn it is among equals
}

// NewBus returns a bus; eoi, which may be nil, is told of the end of every level-triggered interrupt, with no lock held.
func NewBus(eoi func(vector uint8)) *Bus { return &Bus{onEOI: eoi} }

func (b *Bus) add(l *LAPIC) { b.apics = append(b.apics, l) }

func (b *Bus) eoi(vector uint8) {
	if b.onEOI != nil {
		b.onEOI(vector)
	}
}

// message is what travels on the bus.
type message struct {
	dest    uint32
	wide    bool // dest has 32 bits (x2APIC), not 8
	logical bool
	mode    uint8
	vector  uint8
	level   bool
}

// Send implements hw.MSI (SDM 11.11). A message with the redirection hint goes to one of its destinations.
func (b *Bus) Send(addr uint64, data uint32) {
	if addr>>20 != Base>>20 {
		return
	}
	m := message{
		dest:    uint32(addr>>12) & 0xff,
		logical: addr&(1<<2) != 0,
		mode:    uint8(data>>8) & 7,
		vector:  uint8(data),
		level:   data&icrLevel != 0,
	}
	if addr&(1<<3) != 0 && m.mode == modeFixed {
		m.mode = modeLowest
	}
	if m.level && data&icrAssert == 0 || m.mode == modeSIPI {
		return // the end of a level, and a mode that messages do not have
	}
	b.route(m)
}

// route delivers to whom a message is addressed.
func (b *Bus) route(m message) {
	if m.mode == modeLowest {
		if l := b.lowest(m); l != nil {
			l.message(m)
		}
		return
	}
	for _, l := range b.apics {
		if l.addr.Load().matches(m) {
			l.message(m)
		}
	}
}

// lowest is the addressed local APIC with the lowest processor priority.
func (b *Bus) lowest(m message) (best *LAPIC) {
	n := len(b.apics)
	first := int(b.turn.Load())
	for i := range n {
		l := b.apics[(first+i)%n]
		d := l.addr.Load()
		if d.alive && d.matches(m) && (best == nil || l.class.Load()>>4 < best.class.Load()>>4) {
			best = l
			b.turn.Store(uint32((first + i + 1) % n))
		}
	}
	return best
}

// matches reports whether a message is addressed here (SDM 11.6.2).
func (d *destination) matches(m message) bool {
	if !d.on {
		return false
	}
	if !m.wide && m.dest == 0xff || m.wide && m.dest == 0xffffffff {
		return true
	}
	switch {
	case !m.logical:
		return m.dest == d.id
	case d.x2APIC:
		return m.dest>>16 == d.ldr>>16 && m.dest&d.ldr&0xffff != 0
	case m.wide && m.dest > 0xff:
		return false
	case d.cluster:
		return m.dest>>4 == d.ldr>>28 && m.dest&15&(d.ldr>>24) != 0
	default:
		return m.dest&(d.ldr>>24) != 0
	}
}

func (l *LAPIC) message(m message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.enabled() {
		l.receive(m.mode, m.vector, m.level)
	}
}

// sendIPI is a write of the interrupt command register (SDM 11.6.1).
// Preconditions: mu is not held: the message may come back to us.
func (l *LAPIC) sendIPI(icr uint64) {
	l.mu.Lock()
	m := message{
		dest:    uint32(icr >> 56),
		wide:    l.x2APIC(),
		logical: icr&icrLogical != 0,
		mode:    uint8(icr>>8) & 7,
		vector:  uint8(icr),
	}
	if m.wide {
		m.dest = uint32(icr >> 32)
	}
	if (m.mode == modeFixed || m.mode == modeLowest) && m.vector < 16 {
		l.fail(esrSendVector)
		l.mu.Unlock()
		return
	}
	l.mu.Unlock()
	if m.mode == modeINIT && icr&(icrLevel|icrAssert) == icrLevel {
		return // INIT level de-assert: synchronised the arbitration of the APIC bus, which is no more
	}
	switch icr >> 18 & 3 {
	case shortSelf:
		if m.mode == modeFixed {
			l.message(m)
		}
	case shortAll, shortOthers:
		for _, o := range l.cfg.Bus.apics {
			if o != l || icr>>18&3 == shortAll {
				o.message(m)
			}
		}
	default:
		if m.mode != modeExtINT {
			l.cfg.Bus.route(m)
		}
	}
}
