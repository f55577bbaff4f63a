package xhci

import (
	"encoding/binary"
	"fmt"
	"sync"
	"testing"

	"govm-desktop/hw"
	"govm-desktop/hw/hwtest"
	"govm-desktop/hw/pci"
	"govm-desktop/hw/usb"
	"govm-desktop/memory"
	"govm-desktop/snapshot"
)

// Where the driver keeps things.
const (
	barAt     = 0xfe000000
	dcbaaAt   = 0x1000
	erstAt    = 0x1800
	cmdAt     = 0x2000
	eventAt   = 0x3000 // a page for each segment
	inputAt   = 0x7000
	contextAt = 0x8000 // 2 KiB for each slot
	ringAt    = 0x20000
	ringSize  = 0x1000
	dataAt    = 0x80000
)

// driver plays a guest: it has rings in the bench's RAM and looks at the events.
type driver struct {
	*hwtest.Bench
	c    *Controller
	bus  *pci.Bus
	pins *hwtest.Wire

	mu   sync.Mutex
	msgs int // interrupts sent as messages

	eventSize int // TRBs of a segment
	segments  int
	cmd       *guestRing
	event     uint64 // of all events taken
}

// guestRing is a ring that the driver writes.
type guestRing struct {
	d      *driver
	at     uint64
	size   int // TRBs, with the link
	n      int
	cycle  uint32
	slot   int
	dci    int
	stream int
}

func (d *driver) Send(uint64, uint32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.msgs++
}

func (d *driver) interrupts() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := d.msgs
	d.msgs = 0
	return n
}

// newController puts a controller on a bus on a bench, its registers at barAt.
func newController(b *hwtest.Bench, o Options, msi hw.MSI, pin hw.Line) (*Controller, *pci.Bus) {
	o.Clock = b.Clock
	c := New(o)
	ports := memory.NewSpace("ports", 1<<16)
	bus := pci.NewBus(pci.Config{Memory: b.Memory, Ports: ports, DMA: b.Memory, MSI: msi, Route: func(int, int) hw.Line { return pin }})
	if err := bus.Add(3, 0, c); err != nil {
		b.T.Fatal(err)
	}
	open(bus)
	return c, bus
}

// open puts the registers at barAt and lets the controller reach memory.
func open(bus *pci.Bus) {
	writeConfig(bus, pci.BAR0, 4, barAt)
	writeConfig(bus, pci.Command, 2, pci.CommandMemory|pci.CommandMaster)
}

// writeConfig writes configuration space.
func writeConfig(bus *pci.Bus, off uint64, size int, v uint64) {
	ports := memory.NewSpace("ports", 1<<16)
	ports.Update(func(e *memory.Edit) { e.Map(nil, pci.PortBase, bus.Ports(), 0) })
	ports.Store(0xcf8, 4, 1<<31|3<<11|off&^3)
	ports.Store(0xcfc+off&3, size, v)
}

// newDriver is a controller with devices in its first sockets, running.
func newDriver(t testing.TB, o Options, devices ...usb.Device) *driver {
	d := &driver{Bench: hwtest.New(t), eventSize: 256, segments: 1}
	d.pins = d.Line("intx")
	d.c, d.bus = newController(d.Bench, o, d, d.pins)
	t.Cleanup(func() { d.c.settle(); d.c.Close() })
	for i, dev := range devices {
		if err := d.c.Ports()[i].Plug(dev); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// start sets the controller up as a driver does.
func start(t testing.TB, devices ...usb.Device) *driver {
	d := newDriver(t, Defaults(QEMU), devices...)
	d.init()
	return d
}

func (d *driver) reg(off uint64) uint32       { return d.Read32(barAt + off) }
func (d *driver) setReg(off uint64, v uint32) { d.Write32(barAt+off, v) }

func (d *driver) setReg64(off, v uint64) {
	d.setReg(off, uint32(v))
	d.setReg(off+4, uint32(v>>32))
}

const (
	rtIR0   = offRuntime + rtInterrupters
	doorCmd = offDoor
)

func (d *driver) init() {
	d.setReg(offOper+opConfig, 8)
	d.setReg64(offOper+opDCBAAP, dcbaaAt)
	d.cmd = d.ring(cmdAt, 64)
	d.setReg64(offOper+opCRCR, cmdAt|1)
	d.events()
	d.setReg(rtIR0+irIMOD, 0)
	d.setReg(rtIR0+irIMAN, imanIE)
	d.setReg(offOper+opUSBCMD, cmdRun|cmdINTE)
}

// events sets the event ring up.
func (d *driver) events() {
	for i := range d.segments {
		d.Write64(erstAt+16*uint64(i), eventAt+0x1000*uint64(i))
		d.Write64(erstAt+16*uint64(i)+8, uint64(d.eventSize))
	}
	d.setReg(rtIR0+irERSTSZ, uint32(d.segments))
	d.setReg64(rtIR0+irERDP, eventAt)
	d.setReg64(rtIR0+irERSTBA, erstAt)
	d.event = 0
}

// ring makes an empty ring.
func (d *driver) ring(at uint64, size int) *guestRing {
	r := &guestRing{d: d, at: at, size: size, cycle: 1}
	for i := range size {
		d.trb(at+uint64(i)*trbSize, trb{})
	}
	return r
}

func (d *driver) trb(at uint64, t trb) {
	d.Write64(at, t.param)
	d.Write32(at+8, t.status)
	d.Write32(at+12, t.control)
}

// push writes a TRB with the ring's cycle bit and returns where it is.
func (r *guestRing) push(t trb) uint64 {
	at := r.at + uint64(r.n)*trbSize
	t.control = t.control&^1 | r.cycle
	r.d.trb(at, t)
	if r.n++; r.n == r.size-1 {
		r.d.trb(r.at+uint64(r.n)*trbSize, trb{param: r.at, control: control(kindLink, trbToggle|r.cycle|t.control&trbChain)})
		r.n, r.cycle = 0, r.cycle^1
	}
	return at
}

// normal pushes a Normal TRB.
func (r *guestRing) normal(buf uint64, n int, bits uint32) uint64 {
	return r.push(trb{param: buf, status: uint32(n), control: control(kindNormal, bits)})
}

// bell rings the ring's doorbell and waits until the controller has nothing to do.
func (r *guestRing) bell() {
	r.d.setReg(offDoor+4*uint64(r.slot), uint32(r.dci|r.stream<<16))
	r.d.c.settle()
}

// next takes the next event off the ring; false: there is none.
func (d *driver) next() (trb, bool) {
	total := uint64(d.segments * d.eventSize)
	i := d.event % total
	at := eventAt + i/uint64(d.eventSize)*0x1000 + i%uint64(d.eventSize)*trbSize
	t := trb{d.Read64(at), d.Read32(at + 8), d.Read32(at + 12)}
	if t.control&1 != uint32(1-d.event/total&1) {
		return t, false
	}
	d.event++
	return t, true
}

// free tells the controller which events have been taken.
func (d *driver) free() {
	total := uint64(d.segments * d.eventSize)
	i := d.event % total
	d.setReg64(rtIR0+irERDP, eventAt+i/uint64(d.eventSize)*0x1000+i%uint64(d.eventSize)*trbSize|erdpBusy)
	d.c.settle()
}

// said is an event in words that tests compare.
func said(t trb) string {
	c := t.status >> 24
	switch t.kind() {
	case kindTransferEvent:
		ed := ""
		if t.control&trbEventData != 0 {
			ed = " ED"
		}
		return fmt.Sprintf("%x: %d left %d%s", t.param, c, t.status&lengthMask, ed)
	case kindCompletion:
		return fmt.Sprintf("command %d slot %d", c, t.slot())
	case kindPortStatus:
		return fmt.Sprintf("port %d", t.param>>24)
	}
	return fmt.Sprintf("type %d code %d", t.kind(), c)
}

// all takes all events, as text.
func (d *driver) all() []string {
	out := []string{}
	for t, ok := d.next(); ok; t, ok = d.next() {
		out = append(out, said(t))
	}
	d.free()
	return out
}

// want compares all events that are there.
func (d *driver) want(what string, want ...string) {
	d.T.Helper()
	d.c.settle()
	if got := d.all(); fmt.Sprint(got) != fmt.Sprint(want) {
		d.T.Errorf("%s: events %q, want %q", what, got, want)
	}
}

// give sends a command, waits for it, and returns its completion code and slot. Other events before it are dropped.
func (d *driver) give(t trb) (code, int) {
	d.T.Helper()
	d.cmd.push(t)
	d.setReg(doorCmd, 0)
	d.c.settle()
	for t, ok := d.next(); ok; t, ok = d.next() {
		if t.kind() == kindCompletion {
			d.free()
			return code(t.status >> 24), t.slot()
		}
	}
	d.T.Fatal("the command does not complete")
	return 0, 0
}

// ok gives a command that has to succeed.
func (d *driver) ok(what string, t trb) int {
	d.T.Helper()
	c, slot := d.give(t)
	if c != codeSuccess {
		d.T.Fatalf("%s: code %d", what, c)
	}
	return slot
}

func forSlot(slot int) uint32          { return uint32(slot) << 24 }
func forEndpoint(slot, dci int) uint32 { return uint32(slot)<<24 | uint32(dci)<<16 }

// resetPort resets a root port and waits for it.
func (d *driver) resetPort(n int) {
	at := uint64(offPorts + 16*(n-1))
	d.setReg(at, d.reg(at)&scKeep|scPR)
	d.c.settle()
	d.setReg(at, d.reg(at)&scKeep|scPRC|scCSC)
}

// attach resets a port, gives its device a slot and an address, and returns the default endpoint's ring.
func (d *driver) attach(port int) *guestRing {
	d.T.Helper()
	d.resetPort(port)
	slot := d.ok("Enable Slot", trb{control: control(kindEnableSlot, 0)})
	d.Write64(dcbaaAt+8*uint64(slot), contextAt+0x800*uint64(slot))
	r := d.ring(ringAt+uint64(slot)*0x10000, 64)
	r.slot, r.dci = slot, 1
	speed := d.reg(uint64(offPorts+16*(port-1))) >> 10 & 0xf
	d.input(0, 3)
	d.context(0, context{speed<<20 | 1<<27, uint32(port) << 16})
	d.context(1, context{0, 3<<1 | uint32(controlEP)<<3 | 64<<16, uint32(r.at) | 1, 0, 8})
	d.ok("Address Device", trb{param: inputAt, control: control(kindAddressDevice, forSlot(slot))})
	d.all()
	return r
}

func (d *driver) input(drop, add uint32) {
	for i := range uint64(33 * ctxSize / 4) {
		d.Write32(inputAt+4*i, 0)
	}
	d.Write32(inputAt, drop)
	d.Write32(inputAt+4, add)
}

func (d *driver) context(n int, ctx context) {
	for i, v := range ctx {
		d.Write32(inputAt+uint64(n+1)*ctxSize+4*uint64(i), v)
	}
}

// output reads a word of a slot's output context.
func (d *driver) output(slot, part, word int) uint32 {
	return d.Read32(contextAt + 0x800*uint64(slot) + uint64(part)*ctxSize + 4*uint64(word))
}

// open configures an endpoint and returns its ring.
func (d *driver) open(slot, dci int, kind epKind, more ...uint32) *guestRing {
	d.T.Helper()
	r := d.ring(ringAt+uint64(slot)*0x10000+uint64(dci)*ringSize, 256)
	r.slot, r.dci = slot, dci
	d.input(0, 1|1<<dci)
	d.context(0, context{31 << 27})
	ctx := context{0, 3<<1 | uint32(kind)<<3 | 512<<16, uint32(r.at) | 1, 0, 512}
	for i, v := range more {
		ctx[i] |= v
	}
	d.context(dci, ctx)
	d.ok("Configure Endpoint", trb{param: inputAt, control: control(kindConfigure, forSlot(slot))})
	return r
}

func (d *driver) stop(r *guestRing) code {
	c, _ := d.give(trb{control: control(kindStopEndpoint, forEndpoint(r.slot, r.dci))})
	return c
}

// moveTo sets the dequeue pointer; bit 0 is the cycle state.
func (d *driver) moveTo(r *guestRing, at uint64) code {
	c, _ := d.give(trb{param: at, control: control(kindSetDequeue, forEndpoint(r.slot, r.dci))})
	return c
}

// here is where the ring's next TRB goes, with its cycle bit.
func (r *guestRing) here() uint64 { return r.at + uint64(r.n)*trbSize | uint64(r.cycle) }

// control pushes a control transfer and returns its TRBs' addresses: setup, data (0 without), status.
func (r *guestRing) control(s usb.Setup, buf uint64, n int) (at [3]uint64) {
	b := s.Bytes()
	in := uint32(0)
	if s.RequestType&usb.DirIn != 0 {
		in = trbIn
	}
	at[0] = r.push(trb{param: binary.LittleEndian.Uint64(b[:]), status: 8, control: control(kindSetup, trbIDT)})
	status := uint32(trbIn)
	if n > 0 {
		at[1] = r.push(trb{param: buf, status: uint32(n), control: control(kindData, in|trbISP)})
		status = trbIn &^ in
	}
	at[2] = r.push(trb{control: control(kindStatus, trbIOC|status)})
	return at
}

// gadget is a device that does what the test says.
type gadget struct {
	speed usb.Speed
	// submit answers a packet at once (true), or lets it wait in got.
	submit func(p *usb.Packet) bool
	// cancel answers a packet that is called back; nil: with nothing moved.
	cancel func(p *usb.Packet)

	mu      sync.Mutex
	port    *usb.Port
	got     []*usb.Packet // waiting
	seen    int
	resets  int
	streams int
	asleep  bool
}

func (g *gadget) Reset(c hw.Cause) {
	g.mu.Lock()
	if c == hw.BusReset {
		g.resets++
	}
	got := g.got
	g.got = nil
	g.mu.Unlock()
	for _, p := range got {
		p.Complete(0, usb.Cancelled)
	}
}
func (g *gadget) State(*snapshot.Coder) {}
func (g *gadget) Suspend(on bool)       { g.mu.Lock(); g.asleep = on; g.mu.Unlock() }

func (g *gadget) Streams(_ []uint8, n int) { g.mu.Lock(); g.streams = n; g.mu.Unlock() }

func (g *gadget) Plug(p *usb.Port) {
	g.mu.Lock()
	g.port = p
	got := g.got
	g.got = nil
	g.mu.Unlock()
	if p != nil {
		p.Connect(g.speed)
	}
	for _, p := range got {
		p.Complete(0, usb.Disconnected)
	}
}

func (g *gadget) Submit(p *usb.Packet) {
	g.mu.Lock()
	g.seen++
	g.mu.Unlock()
	if g.submit != nil && g.submit(p) {
		return
	}
	g.mu.Lock()
	g.got = append(g.got, p)
	g.mu.Unlock()
}

func (g *gadget) Cancel(p *usb.Packet) {
	if !g.drop(p) {
		return
	}
	if g.cancel != nil {
		g.cancel(p)
		return
	}
	p.Complete(0, usb.Cancelled)
}

// drop takes a packet out of those that wait.
func (g *gadget) drop(p *usb.Packet) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, q := range g.got {
		if q == p {
			g.got = append(g.got[:i:i], g.got[i+1:]...)
			return true
		}
	}
	return false
}

// waiting is how many packets wait.
func (g *gadget) waiting() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.got)
}

// first takes the packet that has waited longest.
func (g *gadget) first() *usb.Packet {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.got) == 0 {
		return nil
	}
	p := g.got[0]
	g.got = g.got[1:]
	return p
}

// answer gives the packet that has waited longest some data, or takes what is has.
func (g *gadget) answer(data string, s usb.Status) {
	p := g.first()
	n := len(data)
	if p.In() {
		n = p.Data.CopyIn([]byte(data), 0)
	}
	p.Complete(n, s)
}

// msiOn enables MSI-X with all vectors.
func (d *driver) msiOn() {
	for v := range uint64(len(d.c.irs)) {
		d.Write64(barAt+offTable+16*v, 0xfee00000)
		d.Write64(barAt+offTable+16*v+8, 0x40+v)
	}
	at := d.c.fn.Get(pci.CapPointer, 1)
	writeConfig(d.bus, uint64(at)+2, 2, 1<<15)
}
