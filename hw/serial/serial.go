// Package serial models the 16550A UART (National Semiconductor PC16550D datasheet, 1995): FIFOs, modem control, loopback, scratch register,
// prioritised interrupts.
//
// Characters leave and arrive as fast as the host's stream takes and gives them; the baud rate sets only the receiver's time-out. A stream that is
// slow fills a queue of 64 KiB and then the transmitter, which then says that it is not empty, as if the line were slow. Input waits in the stream while the
// receive FIFO is full, so there are no overruns but in loopback. A stream that is a serial port of the host takes over rate, format, break, DTR and RTS. The modem's
// lines CTS, DSR and DCD are on. DMA mode is left out.
package serial

import (
	"fmt"
	"io"
	"sync"

	"govm-desktop/chardev"
	"govm-desktop/clock"
	"govm-desktop/hw"
	"govm-desktop/snapshot"
)

// Registers.
const (
	regRBR = 0 // THR for writing; DLL with DLAB
	regIER = 1 // DLM with DLAB
	regIIR = 2 // FCR for writing
	regLCR = 3
	regMCR = 4
	regLSR = 5
	regMSR = 6
	regSCR = 7
)

// Bits of the registers.
const (
	ierRDA  = 1 << 0
	ierTHRE = 1 << 1
	ierRLS  = 1 << 2
	ierMSI  = 1 << 3

	iirNone = 1
	iirMSI  = 0
	iirTHRE = 2
	iirRDA  = 4
	iirCTI  = 12
	iirRLS  = 6
	iirFIFO = 3 << 6

	fcrEnable  = 1 << 0
	fcrClearRx = 1 << 1
	fcrClearTx = 1 << 2

	lcrParity = 1 << 3
	lcrBreak  = 1 << 6
	lcrDLAB   = 1 << 7

	mcrDTR  = 1 << 0
	mcrRTS  = 1 << 1
	mcrOUT1 = 1 << 2
	mcrOUT2 = 1 << 3 // lets the interrupt out, on a PC
	mcrLoop = 1 << 4

	lsrDR   = 1 << 0
	lsrOE   = 1 << 1
	lsrBI   = 1 << 4
	lsrTHRE = 1 << 5
	lsrTEMT = 1 << 6
	lsrFIFO = 1 << 7

	msrDCTS = 1 << 0
	msrDDSR = 1 << 1
	msrTERI = 1 << 2
	msrDDCD = 1 << 3
	msrCTS  = 1 << 4
	msrDSR  = 1 << 5
	msrRI   = 1 << 6
	msrDCD  = 1 << 7
)

// fifoSize is the depth of both FIFOs.
const fifoSize = 16

// Config is what the port is wired to.
type Config struct {
	Clock  clock.Clock
	IRQ    hw.Line
	Stream chardev.Stream // nil: nothing is plugged in
}

// UART is one port. Its registers are eight ports.
type UART struct {
	cfg   Config
	pump  *chardev.Pump
	timer clock.Timer // the receiver's time-out

	mu      sync.Mutex // guards everything below; held while the IRQ is set
	ier     uint8
	fcr     uint8
	lcr     uint8
	mcr     uint8
	lsr     uint8 // OE alone; the rest is worked out
	msr     uint8
	scr     uint8
	divisor uint16
	rx, tx  fifo
	timeout bool // characters have waited too long
	thre    bool // the transmitter's interrupt is pending
	starved bool // the pump has input that did not fit
}

// New returns a port in its reset state, coupled to its stream; Close lets go of it.
func New(cfg Config) *UART {
	if cfg.IRQ == nil {
		cfg.IRQ = hw.NoLine
	}
	u := &UART{cfg: cfg}
	u.timer = cfg.Clock.NewTimer(u.fire)
	u.Reset(hw.PowerOn)
	u.pump = chardev.NewPump(cfg.Stream, (*port)(u))
	return u
}

// Close writes out what the guest has sent and closes the stream.
func (u *UART) Close() error { return u.pump.Close() }

// Reset implements hw.Device (datasheet, table I).
func (u *UART) Reset(hw.Cause) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.timer.Stop()
	u.ier, u.fcr, u.lcr, u.mcr, u.lsr, u.scr = 0, 0, 0, 0, 0, 0
	u.msr = msrCTS | msrDSR | msrDCD
	u.divisor = 12
	u.rx, u.tx = fifo{}, fifo{}
	u.timeout, u.thre = false, false
}

// Start implements hw.Starter.
func (u *UART) Start() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.arm()
	u.flush()
	u.update()
	u.room()
}

// State implements hw.Device.
func (u *UART) State(c *snapshot.Coder) {
	u.mu.Lock()
	defer u.mu.Unlock()
	snapshot.Field(c, "ier", &u.ier)
	snapshot.Field(c, "fcr", &u.fcr)
	snapshot.Field(c, "lcr", &u.lcr)
	snapshot.Field(c, "mcr", &u.mcr)
	snapshot.Field(c, "lsr", &u.lsr)
	snapshot.Field(c, "msr", &u.msr)
	snapshot.Field(c, "scr", &u.scr)
	snapshot.Field(c, "divisor", &u.divisor)
	c.Group("rx", u.rx.state)
	c.Group("tx", u.tx.state)
	snapshot.Field(c, "timeout", &u.timeout)
	snapshot.Field(c, "thre", &u.thre)
}

// Inspect implements hw.Inspector.
func (u *UART) Inspect(w io.Writer) {
	u.mu.Lock()
	defer u.mu.Unlock()
	fmt.Fprintf(w, "ier=%02x fcr=%02x lcr=%02x mcr=%02x lsr=%02x msr=%02x divisor=%d received=%d waiting to be sent=%d\n",
		u.ier, u.fcr, u.lcr, u.mcr, u.status(), u.msr, u.divisor, u.rx.n, u.tx.n)
}

// fifo is a queue of characters, each with the errors it came with.
type fifo struct {
	data, errs [fifoSize]uint8
	head, n    uint8
}

func (f *fifo) put(b, errs uint8) {
	i := (f.head + f.n) % fifoSize
	f.data[i], f.errs[i] = b, errs
	f.n++
}

func (f *fifo) take() uint8 {
	b := f.data[f.head]
	f.head = (f.head + 1) % fifoSize
	f.n--
	return b
}

// broken reports whether any character has an error.
func (f *fifo) broken() bool {
	for i := range f.n {
		if f.errs[(f.head+i)%fifoSize] != 0 {
			return true
		}
	}
	return false
}

func (f *fifo) state(c *snapshot.Coder) {
	c.Bytes("data", f.data[:])
	c.Bytes("errors", f.errs[:])
	snapshot.Field(c, "head", &f.head)
	snapshot.Field(c, "n", &f.n)
	f.head %= fifoSize
	f.n = min(f.n, fifoSize)
}
