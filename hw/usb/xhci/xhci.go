// Package xhci models a USB 3 host controller: the eXtensible Host Controller Interface, revision 1.2 (its sections are cited by their numbers),
// as a PCI function with the identity of QEMU's controller or of NEC's µPD720200, whose drivers want vendor commands besides.
//
// Everything but registers runs off the processors: a doorbell wakes an endpoint's worker, a goroutine that lives while there is something to do.
// The worker reads Transfer Descriptors off the rings and submits each as one usb.Packet whose buffer is guest memory itself; devices complete
// packets on goroutines of their own; events are written in the order of the ring. All state is under one lock, which is never held while a
// device is called.
//
// What a guest does wrong gives the completion code that the specification names; the controller itself fails (HSE) only if the event ring or
// the command ring is not memory.
//
// Left out, and said so in the capability registers: secondary streams (NSS), 64-byte contexts, scratchpad buffers, bandwidth negotiation, latency
// tolerance messages, virtualisation (Force Event) and the debug capability. Bus time is not modelled: bandwidth never runs out.
package xhci

import (
	"fmt"
	"io"
	"log/slog"
	"sync"

	"govm-desktop/clock"
	"govm-desktop/hw"
	"govm-desktop/hw/pci"
	"govm-desktop/hw/usb"
	"govm-desktop/memory"
)

// Model is whose controller it is.
type Model uint8

// Models.
const (
	QEMU Model = iota // qemu-xhci, 1b36:000d
	NEC               // nec-usb-xhci, 1033:0194
)

// String is the name on the command line.
func (m Model) String() string {
	if m == NEC {
		return "nec-usb-xhci"
	}
	return "qemu-xhci"
}

// Bounds of the options.
const (
	MaxPorts        = 15
	MaxInterrupters = 16
	MaxSlots        = 255
)

// Options are what a controller is made of.
type Options struct {
	Model        Model
	USB2, USB3   int // ports
	Interrupters int
	Slots        int
	Streams      bool
	MSI, MSIX    bool

	Clock clock.Clock
	Log   *slog.Logger
}

// Defaults are the options of a model as it comes.
func Defaults(m Model) Options {
	return Options{Model: m, USB2: 4, USB3: 4, Interrupters: 16, Slots: 64, Streams: true, MSI: m == NEC, MSIX: true}
}

// Controller is the function.
type Controller struct {
	opt     Options
	fn      *pci.Function
	dma     hw.DMA
	line    hw.Line     // INTx
	sockets []*usb.Port // in one there is a USB 2 and a USB 3 port
	wrap    clock.Timer // MFINDEX begins anew
	resume  clock.Timer // the machine runs on after Drain

	mu      sync.Mutex // guards everything below
	cond    *sync.Cond // of mu: a worker has ended, a packet has come back
	workers int        // goroutines of ours
	drained bool       // the machine stands: nothing new is begun

	usbcmd, usbsts uint32
	dnctrl, config uint32
	dcbaap         uint64
	epoch          clock.Time // when MFINDEX was 0
	chores         worker
	wantReset      bool // HCRST is to be carried out
	wantHalt       bool // R/S has been cleared
	saved          []byte

	cmd   commandRing
	irs   []interrupter
	full  int // interrupters whose event ring is full
	slots []*slot
	ports []*port
	free  *td // TDs to be used again
}

var (
	_ pci.Device     = (*Controller)(nil)
	_ usb.Controller = (*Controller)(nil)
)

// Layout of the memory window.
const (
	windowSize = 0x4000
	offOper    = 0x40
	offPorts   = offOper + 0x400
	offRuntime = 0x1000
	offDoor    = 0x2000
	offTable   = 0x3000
	offPending = 0x3800
)

// Registers of the configuration space.
const (
	regSBRN  = 0x60 // and FLADJ, DBESL
	capsFrom = 0x70
)

// New returns a controller without devices.
func New(o Options) *Controller {
	id := pci.ID{Vendor: 0x1b36, Device: 0x000d, Revision: 1, Class: 0x0c0330, SubVendor: 0x1af4, SubsystemID: 0x1100, Pin: 1}
	if o.Model == NEC {
		id.Vendor, id.Device, id.Revision = 0x1033, 0x0194, 3
	}
	f := pci.NewFunction(id)
	c := &Controller{opt: o, fn: f, dma: f.DMA(), line: f.Interrupt(0)}
	c.cond = sync.NewCond(&c.mu)
	f.Init(regSBRN, 1, 0x30, 0)
	f.Init(regSBRN+1, 1, 0x20, 0x3f)
	f.CapsFrom(capsFrom)
	window := memory.NewGroup("xhci", windowSize)
	regs := memory.NewIO("xhci-registers", offTable, (*registers)(c), memory.Widths{Min: 4, Max: 4})
	memory.NewSpace("xhci", windowSize).Update(func(e *memory.Edit) { e.Map(window, 0, regs, 0) })
	f.SetBAR(0, pci.Mem64, window)
	if o.MSI {
		f.AddMSI(ceilPow2(o.Interrupters))
	}
	if o.MSIX {
		f.AddMSIX(pci.MSIX{Vectors: o.Interrupters, BAR: 0, Table: offTable, PBA: offPending})
	}
	c.wrap, c.resume = o.Clock.NewTimer(c.wrapped), o.Clock.NewTimer(c.resumed)
	c.employ(&c.chores, c.doChores)
	c.employ(&c.cmd.worker, c.runCommands)
	c.irs = make([]interrupter, o.Interrupters)
	for i := range c.irs {
		c.irs[i].n = i
		c.irs[i].timer = o.Clock.NewTimer(func() { c.moderated(&c.irs[i]) })
	}
	c.slots = make([]*slot, o.Slots+1)
	c.newPorts()
	c.Reset(hw.PowerOn)
	return c
}

func ceilPow2(n int) int {
	p := 1
	for p < n {
		p *= 2
	}
	return p
}

// Function implements pci.Device.
func (c *Controller) Function() *pci.Function { return c.fn }

// Ports implements usb.Hub.
func (c *Controller) Ports() []*usb.Port { return c.sockets }

// Reset implements hw.Device. A wake-up from S3 leaves alone what stands on auxiliary power: ports and saved state.
func (c *Controller) Reset(cause hw.Cause) {
	c.fn.Reset()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.resume.Stop()
	c.drained = false
	c.clear()
	if cause == hw.WakeUp {
		return
	}
	c.saved = nil
	for _, p := range c.ports {
		p.reset()
	}
}

// clear puts everything but the ports in its reset state. Packets that are with devices are given up.
func (c *Controller) clear() {
	c.usbcmd, c.usbsts, c.dnctrl, c.config, c.dcbaap = 0, stsHalted, 0, 0, 0
	c.epoch = c.opt.Clock.Now()
	c.wantReset, c.wantHalt, c.full = false, false, 0
	c.wrap.Stop()
	c.cmd.reset()
	for i := range c.irs {
		c.irs[i].reset()
	}
	for i, s := range c.slots {
		if s != nil {
			s.abandon()
			c.slots[i] = nil
		}
	}
}

// Start implements hw.Starter.
func (c *Controller) Start() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drained = false
	for _, p := range c.ports {
		p.look()
	}
	c.armWrap()
	for i := range c.irs {
		c.pend(&c.irs[i])
	}
	c.updateLine()
	c.kickAll()
}

// Drain implements hw.Drainer: what devices have not finished is taken back, to be begun where it stood when virtual time runs on.
func (c *Controller) Drain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drained = true
	for c.cmd.active || c.chores.active {
		c.cond.Wait()
	}
	c.quiesce(c.endpoints()...)
	for c.workers > 0 && c.portsBusy() {
		c.cond.Wait()
	}
	c.resume.Set(c.opt.Clock.Now() + 1)
}

// resumed is what the timer of Drain does.
func (c *Controller) resumed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drained = false
	c.kickAll()
}

// settle waits until every worker has nothing left to do.
func (c *Controller) settle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.workers > 0 {
		c.cond.Wait()
	}
}

// Close implements io.Closer. When it returns, devices hold nothing of the machine's memory.
func (c *Controller) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drained = true
	for c.cmd.active || c.chores.active {
		c.cond.Wait()
	}
	c.quiesce(c.endpoints()...)
	c.clear()
	c.resume.Stop()
	return nil
}

// Inspect implements hw.Inspector.
func (c *Controller) Inspect(w io.Writer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	fmt.Fprintf(w, "USBCMD %08x USBSTS %08x CONFIG %02x MFINDEX %04x command ring %x\n", c.usbcmd, c.usbsts, c.config, c.mfindex(), c.cmd.deq)
	for i := range c.irs {
		if ir := &c.irs[i]; ir.erstsz != 0 {
			fmt.Fprintf(w, "interrupter %d: IMAN %x IMOD %x ERDP %x, %d segments, next event at %x, %d waiting\n", i, ir.iman, ir.imodi, ir.erdp, ir.erstsz, ir.enqueue(), len(ir.queue))
		}
	}
	for _, p := range c.ports {
		fmt.Fprintf(w, "port %d: PORTSC %08x\n", p.n, p.sc)
	}
	for _, s := range c.slots {
		if s == nil {
			continue
		}
		fmt.Fprintf(w, "slot %d: %s, port %d route %05x\n", s.id, slotStates[s.state], s.root, s.route)
		for _, e := range s.eps {
			if e != nil {
				fmt.Fprintf(w, "  endpoint %d: %s, %s, max packet %d, %d packets out\n", e.dci, e.kind, epStates[e.state], e.mps, e.out)
			}
		}
	}
}

// worker is a goroutine that is there while there is something to do.
type worker struct {
	active bool
	run    func() // the goroutine
}

// employ says what a worker does: f runs with mu held, and returns when there is nothing left to do.
func (c *Controller) employ(w *worker, f func()) {
	w.run = func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		f()
		w.active = false
		c.workers--
		c.cond.Broadcast()
	}
}

// kick makes sure that a worker looks. Preconditions: mu is held.
func (c *Controller) kick(w *worker) {
	if w.active {
		return
	}
	w.active = true
	c.workers++
	go w.run()
}

// kickAll has everybody look whether there is something to do. Preconditions: mu is held.
func (c *Controller) kickAll() {
	if c.cmd.rung && c.runs() {
		c.kick(&c.cmd.worker)
	}
	for _, e := range c.endpoints() {
		if e.state == epRunning {
			c.kick(&e.worker)
		}
	}
}

// runs reports whether rings are worked on. Preconditions: mu is held.
func (c *Controller) runs() bool {
	return c.usbcmd&cmdRun != 0 && c.usbsts&stsHalted == 0 && !c.drained && c.full == 0 && !c.wantHalt && !c.wantReset
}

// endpoints are all that are enabled. Preconditions: mu is held.
func (c *Controller) endpoints() (all []*endpoint) {
	for _, s := range c.slots {
		if s == nil {
			continue
		}
		for _, e := range s.eps {
			if e != nil {
				all = append(all, e)
			}
		}
	}
	return all
}
