package xhci

import (
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"govm-desktop/clock"
	"govm-desktop/hw"
	"govm-desktop/hw/hwtest"
	"govm-desktop/hw/pci"
	"govm-desktop/hw/usb"
	"govm-desktop/memory"
	"govm-desktop/snapshot"
)

// settled is a controller whose workers are always done when somebody looks, so that equal accesses have equal effects.
type settled struct {
	*Controller
	bus *pci.Bus
}

func (s settled) Start() {
	open(s.bus)
	s.bus.Start()
	s.Controller.Start()
	s.settle()
}

func (s settled) State(c *snapshot.Coder) { s.settle(); s.Controller.State(c) }
func (s settled) Reset(c hw.Cause)        { s.settle(); s.Controller.Reset(c) }

// registersOf is the window of a controller, as a block of registers that waits for the workers.
type registersOf struct {
	s   settled
	mem *memory.Space
}

func (r registersOf) Read(off uint64, size int) uint64 {
	r.s.settle()
	return r.mem.Load(barAt+off, size)
}

func (r registersOf) Write(off uint64, size int, val uint64) {
	r.mem.Store(barAt+off, size, val)
	r.s.settle()
}

func TestContract(t *testing.T) {
	hwtest.TestDevice(t, func(b *hwtest.Bench) hw.Device {
		c, bus := newController(b, Defaults(NEC), nil, b.Line("intx"))
		s := settled{c, bus}
		// The rings and contexts of a driver are there, for the storm to find.
		for i := range b.RAM.Bytes() {
			b.RAM.Bytes()[i] = byte(i * 7 / 16)
		}
		b.MapMemory(0xe0000000, offTable, registersOf{s, b.Memory}, memory.Any)
		return s
	})
}

// TestSnapshot is table 1.2, 19: what is in flight is taken back, saved, and begun again in another machine.
func TestSnapshot(t *testing.T) {
	part := func(p *usb.Packet) { p.Complete(p.Data.CopyIn([]byte(strings.Repeat("a", 512)), 0), usb.Cancelled) }
	g := &gadget{speed: usb.Super, cancel: part}
	d, rings := streamRings(t, g)
	r := d.open(1, 5, bulkIn)
	a := r.normal(dataAt, 1024, trbIOC)
	s := rings[2].normal(dataAt+0x1000, 1024, trbIOC)
	r.bell()
	rings[2].bell()
	d.c.Drain()
	saved := snapshot.Save(d.c)

	h := &gadget{speed: usb.Super}
	e := newDriver(t, Defaults(QEMU), h)
	copy(e.RAM.Bytes(), d.RAM.Bytes())
	e.Clock.Step(d.Clock.Now())
	e.c.Reset(hw.PowerOn)
	if err := snapshot.Load(e.c, saved); err != nil {
		t.Fatal(err)
	}
	e.bus.Start()
	e.c.Start()
	e.c.settle()
	e.event, e.cmd = d.event, d.cmd
	e.cmd.d = e
	hwtest.Want(t, "under way in the other machine", h.waiting(), 2)
	for h.waiting() > 0 {
		hwtest.Want(t, "what is left", h.got[0].Data.Len(), 512)
		h.answer(strings.Repeat("b", 512), usb.OK)
	}
	got := e.all()
	if !slices.Contains(got, ev(a, codeSuccess, 0)) || !slices.Contains(got, ev(s, codeSuccess, 0)) {
		t.Errorf("events %q", got)
	}
	hwtest.Want(t, "data", e.data(dataAt, 1024), strings.Repeat("a", 512)+strings.Repeat("b", 512))

	// The first machine goes on as well, once time does.
	hwtest.Want(t, "while time stands", g.waiting(), 0)
	d.Step(clock.Millisecond)
	d.c.settle()
	hwtest.Want(t, "when it goes on", g.waiting(), 2)
}

// wild is a device that answers as chance has it: now, later, never before it is called back, wrongly.
type wild struct {
	mu    sync.Mutex
	r     *rand.Rand
	speed usb.Speed
	held  []*usb.Packet
	wg    sync.WaitGroup
}

func (w *wild) Reset(hw.Cause)         { w.flush(usb.Cancelled) }
func (w *wild) State(*snapshot.Coder)  {}
func (w *wild) Streams([]uint8, int)   {}
func (w *wild) Suspend(bool)           {}
func (w *wild) chance(n int) (x int)   { w.mu.Lock(); defer w.mu.Unlock(); return w.r.IntN(n) }
func (w *wild) status() usb.Status     { return usb.Status(w.chance(int(usb.Overrun) + 1)) }
func (w *wild) some(p *usb.Packet) int { return w.chance(p.Data.Len() + 1) }
func (w *wild) end(p *usb.Packet) {
	n, s := w.some(p), w.status()
	if w.chance(2) == 0 {
		s = usb.OK
	}
	if p.In() {
		n = p.Data.CopyIn(make([]byte, min(n, 4096)), 0)
	}
	p.Complete(n, s)
}

func (w *wild) Plug(p *usb.Port) {
	if p == nil {
		w.flush(usb.Disconnected)
		return
	}
	p.Connect(w.speed)
}

func (w *wild) flush(s usb.Status) {
	w.mu.Lock()
	held := w.held
	w.held = nil
	w.mu.Unlock()
	for _, p := range held {
		p.Complete(0, s)
	}
}

func (w *wild) Submit(p *usb.Packet) {
	switch w.chance(4) {
	case 0, 1:
		w.end(p)
	case 2:
		w.wg.Go(func() { w.end(p) })
	default:
		w.mu.Lock()
		w.held = append(w.held, p)
		w.mu.Unlock()
	}
}

func (w *wild) Cancel(p *usb.Packet) {
	w.mu.Lock()
	i := slices.Index(w.held, p)
	if i >= 0 {
		w.held = slices.Delete(w.held, i, i+1)
	}
	w.mu.Unlock()
	switch {
	case i < 0:
	case w.chance(3) == 0:
		w.wg.Go(func() { w.end(p) })
	default:
		p.Complete(w.some(p), usb.Cancelled)
	}
}

// chaos plays a script on a controller that a driver has set up: four bytes are one act. It is the fuzz target and the storm.
func chaos(d *driver, cmd *guestRing, g []*wild, script []byte) {
	for ; len(script) >= 4; script = script[4:] {
		op, a, b, v := script[0], uint64(script[1]), uint64(script[2]), uint64(script[3])
		slot, dci := a&3, b&7
		ring := ringAt + slot*0x10000 + dci*ringSize
		switch op % 16 {
		case 0: // any register
			d.Write32(barAt+(a|b<<8)&0x2fff&^3, uint32(v)*0x01010101)
		case 1:
			d.Write32(barAt+offOper+a&0x7c, uint32(1)<<(v&31)|uint32(b))
		case 2, 3: // a doorbell
			d.Write32(barAt+offDoor+4*slot, uint32(dci|(v&7)<<16))
		case 4, 5, 6: // a TRB on a transfer ring
			t := trb{param: dataAt + b<<8, status: uint32(v) << 4, control: uint32(a>>2)<<10 | uint32(v)&0xf7}
			if v&8 != 0 {
				t.control = t.control&^(0x3f<<10) | uint32(kindNormal)<<10
			}
			d.trb(ring+(v>>2&15)*trbSize, t)
		case 7: // a link back
			d.trb(ring+(v&15)*trbSize, trb{param: ring + v>>4*trbSize, control: control(kindLink, uint32(b>>3)&3)})
		case 8, 9: // a command
			cmd.push(trb{param: inputAt | a&0xf, status: uint32(b) << 16, control: uint32(9+op>>4)<<10 | uint32(slot)<<24 | uint32(v&31)<<16 | uint32(v>>7)<<9})
			d.setReg(doorCmd, 0)
		case 10: // contexts
			d.Write32(inputAt+a&0xfc<<2, uint32(v)|uint32(b)<<16)
		case 11:
			d.setReg64(rtIR0+irERDP, eventAt+(v*trbSize)&0xfff|v&8)
		case 12: // a port
			d.setReg(uint64(offPorts+16*(a%8)), uint32(1)<<(v&31)|scPP|uint32(b)<<16)
		case 13:
			d.Step(clock.Time(v) * 100 * clock.Microsecond)
		case 14:
			d.plugs(g, int(a), v)
		default: // a sane start
			d.setReg(offOper+opUSBCMD, cmdRun|cmdINTE|cmdEWE)
		}
	}
}

// plugs has a device do something on its own.
func (d *driver) plugs(g []*wild, n int, v uint64) {
	w, p := g[n%len(g)], d.c.Ports()[n%len(g)]
	switch v % 4 {
	case 0:
		p.Unplug()
	case 1:
		if p.Plugged() == nil {
			p.Plug(w)
		}
	case 2:
		p.Wake()
	default:
		w.flush(usb.OK)
	}
}

// playground is a controller with wild devices that have slots and endpoints of every type.
func playground(t testing.TB, seed uint64) (*driver, []*wild) {
	var g []*wild
	var devices []usb.Device
	for i, s := range []usb.Speed{usb.Super, usb.High, usb.Super} {
		w := &wild{r: rand.New(rand.NewPCG(seed, uint64(i))), speed: s}
		g, devices = append(g, w), append(devices, w)
	}
	d := start(t, devices...)
	for i, port := range []int{1, 6, 3} {
		d.attach(port)
		for dci, k := range map[int]epKind{2: bulkOut, 3: bulkIn, 4: intOut, 5: intIn, 6: isochOut, 7: isochIn} {
			d.open(i+1, dci, k, 3<<16)
		}
	}
	return d, g
}

// survived wants the controller to work after a reset, whatever went before.
func (d *driver) survived(g []*wild) {
	d.T.Helper()
	d.c.settleFor(g)
	d.c.mu.Lock()
	running := d.c.usbcmd & cmdReset
	d.c.mu.Unlock()
	hwtest.Want(d.T, "HCRST", running, 0)
	d.setReg(offOper+opUSBCMD, cmdReset)
	d.c.settleFor(g)
	clear(d.RAM.Bytes()[:ringAt])
	d.init()
	d.ok("No-Op", trb{control: control(kindNoOpCommand, 0)})
}

// settleFor waits for workers and devices.
func (c *Controller) settleFor(g []*wild) {
	for range 3 {
		c.settle()
		for _, w := range g {
			w.wg.Wait()
		}
	}
	c.settle()
}

func FuzzRings(f *testing.F) {
	f.Add(uint64(1), []byte{15, 0, 0, 0, 4, 0, 3, 9, 2, 1, 3, 0})
	f.Add(uint64(2), []byte{0x68, 1, 0, 3, 0x58, 1, 0, 3, 0x78, 1, 0, 3, 13, 0, 0, 99})
	f.Fuzz(func(t *testing.T, seed uint64, script []byte) {
		if len(script) > 1200 {
			return
		}
		d, g := playground(t, seed)
		chaos(d, d.cmd, g, script)
		d.survived(g)
	})
}

// TestStorm is the fuzz target's play from several sides at once.
func TestStorm(t *testing.T) {
	n := 20
	if testing.Short() {
		n = 4
	}
	for seed := range uint64(n) {
		d, g := playground(t, seed)
		var wg sync.WaitGroup
		for i := range uint64(2) {
			wg.Go(func() {
				r := rand.New(rand.NewPCG(seed, i))
				script := make([]byte, 2000)
				for i := range script {
					script[i] = byte(r.Uint32())
				}
				chaos(d, &guestRing{d: d, at: cmdAt, size: 64, cycle: 1}, g, script)
			})
		}
		wg.Wait()
		d.survived(g)
	}
}
