package serial

import "govm-desktop/chardev"

// send is a write of THR. The transmitter is empty again at once if the stream has room.
// Preconditions: mu is held.
func (u *UART) send(b uint8) {
	u.thre = false
	if u.ier&ierTHRE != 0 {
		u.update() // an edge-triggered controller needs the line to fall
	}
	switch {
	case u.mcr&mcrLoop != 0:
		u.receive(b, 0)
	case u.tx.n == 0 && u.pump.Put(b):
	case u.tx.n < u.depth():
		u.tx.put(b, 0)
	}
	if u.tx.n == 0 {
		u.thre = true
		u.update()
	}
}

// line tells a stream that is a serial line itself how the guest has set this one.
// Preconditions: mu is held.
func (u *UART) line() {
	l := chardev.Line{Baud: 115200 / int(max(u.divisor, 1)), Bits: 5 + int(u.lcr&3), Stop: 1 + int(u.lcr>>2&1)}
	if u.lcr&lcrParity != 0 {
		l.Parity = "OE"[u.lcr>>4&1]
	}
	u.pump.Set(chardev.PortSettings{Line: l, Break: u.lcr&lcrBreak != 0, DTR: u.mcr&mcrDTR != 0, RTS: u.mcr&mcrRTS != 0})
}

// receive takes a character from the line.
// Preconditions: mu is held.
func (u *UART) receive(b, errs uint8) {
	if u.rx.n >= u.depth() {
		u.lsr |= lsrOE
		u.update()
		return
	}
	u.rx.put(b, errs)
	u.arm()
	u.update()
}

// readRBR takes the oldest character.
// Preconditions: mu is held.
func (u *UART) readRBR() uint8 {
	if u.rx.n == 0 {
		return u.rx.data[(u.rx.head+fifoSize-1)%fifoSize]
	}
	b := u.rx.take()
	u.timeout = false
	u.arm()
	u.update()
	u.room()
	return b
}

// room asks for input that did not fit.
func (u *UART) room() {
	if u.starved && u.rx.n < u.depth() && u.mcr&mcrLoop == 0 {
		u.starved = false
		u.pump.Resume()
	}
}

// arm starts the receiver's time-out: four characters' time with something in the FIFO that is too little to interrupt (datasheet, 8.6.2).
// Preconditions: mu is held.
func (u *UART) arm() {
	if u.fcr&fcrEnable == 0 || u.ier&ierRDA == 0 || u.timeout || u.rx.n == 0 || u.rx.n >= u.trigger() {
		u.timer.Stop()
		return
	}
	u.timer.Set(u.cfg.Clock.Now() + 4*u.charTime())
}

func (u *UART) fire() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.fcr&fcrEnable != 0 && u.rx.n > 0 {
		u.timeout = true
		u.update()
	}
}

// Break is a break condition on the line.
func (u *UART) Break() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.receive(0, lsrBI)
}

// port is the pump's side of the port.
type port UART

// Receive implements chardev.Device.
func (p *port) Receive(b []byte) int {
	u := (*UART)(p)
	u.mu.Lock()
	defer u.mu.Unlock()
	n := 0
	for n < len(b) && u.rx.n < u.depth() && u.mcr&mcrLoop == 0 {
		u.receive(b[n], 0)
		n++
	}
	u.starved = n < len(b)
	return n
}

// Ready implements chardev.Device: the characters that wait in the transmitter go on.
func (p *port) Ready() {
	u := (*UART)(p)
	u.mu.Lock()
	defer u.mu.Unlock()
	u.flush()
}

// flush sends what waits in the transmitter, as far as the stream has room.
// Preconditions: mu is held.
func (u *UART) flush() {
	if u.tx.n == 0 {
		return
	}
	for u.tx.n > 0 && u.pump.Put(u.tx.data[u.tx.head]) {
		u.tx.take()
	}
	if u.tx.n == 0 {
		u.thre = true
		u.update()
	}
}
