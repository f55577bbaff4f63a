package xhci

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"govm-desktop/clock"
	"govm-desktop/hw"
	"govm-desktop/hw/hwtest"
	"govm-desktop/hw/usb"
)

// row is one case of a test.
type row struct {
	name string
	test func(t *testing.T)
}

func TestCapabilities(t *testing.T) {
	for _, m := range []Model{QEMU, NEC} {
		o := Defaults(m)
		o.USB2, o.USB3 = 15, 15
		d := newDriver(t, o)
		hwtest.Want(t, "CAPLENGTH, HCIVERSION", d.reg(0), 0x01100040)
		hwtest.Want(t, "HCSPARAMS1", d.reg(4), 30<<24|16<<8|64)
		hwtest.Want(t, "event ring segments", d.reg(8)>>4&0xf, 3)
		hwtest.Want(t, "HCCPARAMS1", d.reg(0x10), 0x00087f89)
		hwtest.Want(t, "HCCPARAMS2", d.reg(0x1c), 4)
		hwtest.Want(t, "USB 2", fmt.Sprintf("%x %x %x", d.reg(0x20), d.reg(0x24), d.reg(0x28)), "2000402 20425355 180f10")
		hwtest.Want(t, "USB 3", fmt.Sprintf("%x %x %x", d.reg(0x30), d.reg(0x34), d.reg(0x38)), "3000002 20425355 f01")
		hwtest.Want(t, "PAGESIZE", d.reg(offOper+opPageSize), 1)
		hwtest.Want(t, "SBRN", d.c.fn.Get(regSBRN, 1), 0x30)
	}
	o := Defaults(QEMU)
	o.USB3, o.Streams = 0, false
	d := newDriver(t, o)
	hwtest.Want(t, "USB 2 alone", fmt.Sprintf("%x %x", d.reg(0x20), d.reg(0x30)), "2000002 0")
	hwtest.Want(t, "no streams", d.reg(0x10)>>12&0xf, 0)
	hwtest.Want(t, "port", d.reg(offPorts), scPP|linkRxDetect<<5)
}

func TestCommandRing(t *testing.T) { // table 1.2, 9
	for _, r := range []row{
		{"RCS 0", func(t *testing.T) {
			d := start(t)
			r := d.ring(cmdAt+0x800, 16)
			r.cycle = 0
			r.push(trb{control: control(kindNoOpCommand, 0)})
			d.trb(cmdAt+0x800+16, trb{control: 1})
			d.setReg64(offOper+opCRCR, cmdAt+0x800)
			d.setReg(doorCmd, 0)
			d.want("with cycle state 0", "command 1 slot 0")
		}},
		{"low half alone", func(t *testing.T) {
			d := start(t)
			d.cmd.push(trb{control: control(kindNoOpCommand, 0)})
			d.setReg(offOper+opCRCR, cmdAt|1)
			d.setReg(doorCmd, 0)
			d.want("No-Op", "command 1 slot 0")
			hwtest.Want(t, "CRR", d.reg(offOper+opCRCR), crRunning)
			d.setReg(offOper+opCRCR, crStop)
			d.want("CS", fmt.Sprintf("command %d slot 0", codeCommandStopped))
			hwtest.Want(t, "CRR", d.reg(offOper+opCRCR), 0)
			d.setReg(offOper+opCRCR, crStop)
			d.want("CS of a ring that stands")
			d.setReg64(offOper+opCRCR, cmdAt+0x400|1)
			d.trb(cmdAt+0x400, trb{control: control(kindNoOpCommand, 1)})
			d.setReg(doorCmd, 0)
			d.want("at another place", "command 1 slot 0")
		}},
		{"pointer of a running ring", func(t *testing.T) {
			d := start(t)
			d.ok("No-Op", trb{control: control(kindNoOpCommand, 0)})
			d.setReg64(offOper+opCRCR, 0x5000|1)
			d.ok("No-Op", trb{control: control(kindNoOpCommand, 0)})
		}},
		{"abort", func(t *testing.T) {
			var held *usb.Packet
			g := &gadget{speed: usb.Super, cancel: func(p *usb.Packet) { held = p }}
			d := start(t, g)
			r := d.open(d.attach(1).slot, 3, bulkIn)
			a := r.normal(dataAt, 512, trbIOC)
			r.bell()
			d.cmd.push(trb{control: control(kindStopEndpoint, forEndpoint(r.slot, r.dci))})
			d.setReg(doorCmd, 0)
			d.c.mu.Lock()
			for held == nil {
				d.c.mu.Unlock()
				d.c.mu.Lock()
			}
			d.c.mu.Unlock()
			d.setReg(offOper+opCRCR, crAbort)
			held.Complete(0, usb.Cancelled)
			d.want("CA", ev(a, codeStopped, 512), fmt.Sprintf("command %d slot 1", codeCommandAborted), fmt.Sprintf("command %d slot 0", codeCommandStopped))
		}},
		{"unknown", func(t *testing.T) {
			d := start(t)
			for _, k := range []kind{0, kindNormal, 18, 19, 20, 22, 24, kindNECFirmware, 63} {
				c, _ := d.give(trb{control: control(k, 0)})
				hwtest.Want(t, fmt.Sprintf("command %d", k), c, codeTRB)
			}
		}},
		{"not memory", func(t *testing.T) {
			d := start(t)
			d.setReg64(offOper+opCRCR, 0xf0000000)
			d.setReg(doorCmd, 0)
			d.c.settle()
			hwtest.Want(t, "USBSTS", d.reg(offOper+opUSBSTS)&(stsHSE|stsHalted), stsHSE|stsHalted)
			hwtest.Want(t, "R/S", d.reg(offOper+opUSBCMD)&cmdRun, 0)
		}},
	} {
		t.Run(r.name, r.test)
	}
}

func TestNEC(t *testing.T) {
	d := newDriver(t, Defaults(NEC))
	d.init()
	d.cmd.push(trb{control: control(kindNECFirmware, 0)})
	d.cmd.push(trb{param: 0x0123456789abcdef, control: control(kindNECChallenge, 0)})
	d.setReg(doorCmd, 0)
	d.c.settle()
	e, _ := d.next()
	hwtest.Want(t, "firmware", fmt.Sprintf("%d %x %x", e.kind(), e.param, e.status), fmt.Sprintf("48 %x 1003034", cmdAt))
	e, ok := d.next()
	v := necAnswer(0x01234567, 0x89abcdef)
	hwtest.Want(t, "challenge", fmt.Sprint(ok, e.kind(), e.status>>24, e.dci(), e.slot()), fmt.Sprint(true, 48, v&0xff, v>>24&0x1f, v>>16&0xff))
	hwtest.Want(t, "answer to nothing", necAnswer(0, 0), 0x49434877)
}

func TestEventRing_full(t *testing.T) { // table 1.2, 3, and 1.4
	d := newDriver(t, Defaults(QEMU))
	d.eventSize = 16
	d.init()
	for range 40 {
		d.cmd.push(trb{control: control(kindNoOpCommand, 0)})
	}
	d.setReg(doorCmd, 0)
	d.c.settle()
	var got []string
	for len(got) < 60 {
		e, ok := d.next()
		if !ok {
			break
		}
		got = append(got, said(e))
		d.c.settle()
	}
	hwtest.Want(t, "events until it is full", len(got), 15)
	hwtest.Want(t, "the last one", got[14], fmt.Sprintf("type 37 code %d", codeEventRingFull))
	hwtest.Want(t, "commands fetched", d.c.cmd.deq-cmdAt, 15*trbSize)
	n := 14
	// Without EHB, as from the middle of an interrupt handler.
	d.setReg64(rtIR0+irERDP, eventAt+15*trbSize)
	d.c.settle()
	for range 100 {
		e, ok := d.next()
		if !ok {
			break
		}
		if e.kind() == kindCompletion {
			n++
		}
		d.free()
	}
	hwtest.Want(t, "commands completed", n, 40)
}

func TestEventRing_segments(t *testing.T) { // table 1.2, 3
	d := newDriver(t, Defaults(QEMU))
	d.eventSize, d.segments = 16, 3
	d.init()
	for i := range 200 {
		if c, _ := d.give(trb{control: control(kindNoOpCommand, 0)}); c != codeSuccess {
			t.Fatalf("command %d: code %d", i, c)
		}
	}
}

func TestEventRing_bad(t *testing.T) {
	for name, entry := range map[string][2]uint64{"size 15": {eventAt, 15}, "size 4097": {eventAt, 4097}, "not memory": {0xf0000000, 16}} {
		t.Run(name, func(t *testing.T) {
			d := newDriver(t, Defaults(QEMU))
			d.init()
			d.Write64(erstAt, entry[0])
			d.Write64(erstAt+8, entry[1])
			d.cmd.push(trb{control: control(kindNoOpCommand, 0)})
			d.setReg(doorCmd, 0)
			d.c.settle()
			hwtest.Want(t, "USBSTS", d.reg(offOper+opUSBSTS)&(stsHSE|stsHalted), stsHSE|stsHalted)
			d.setReg(offOper+opUSBCMD, cmdRun)
			hwtest.Want(t, "R/S after an error", d.reg(offOper+opUSBCMD)&cmdRun, 0)
			d.setReg(offOper+opUSBCMD, cmdReset)
			d.c.settle()
			hwtest.Want(t, "USBSTS after a reset", d.reg(offOper+opUSBSTS)&(stsHSE|stsHalted|stsCNR), stsHalted)
			d.init()
			d.ok("No-Op", trb{control: control(kindNoOpCommand, 0)})
		})
	}
}

func TestModeration(t *testing.T) { // table 1.2, 4
	g := &gadget{speed: usb.Super}
	g.submit = func(p *usb.Packet) bool { p.Complete(p.Data.Len(), usb.OK); return true }
	d := start(t, g)
	d.msiOn()
	r := d.open(d.attach(1).slot, 3, bulkIn)
	d.all()
	d.Step(clock.Second)
	d.interrupts()
	d.setReg(rtIR0+irIMAN, imanIE|imanIP)
	d.setReg(rtIR0+irIMOD, 4000) // 1 ms
	for range 100 {
		r.normal(dataAt, 512, trbIOC)
		r.bell()
		d.all()
		d.Step(100 * clock.Microsecond)
	}
	d.Step(clock.Second)
	if n := d.interrupts(); n < 9 || n > 12 {
		t.Errorf("%d interrupts in 10 ms with one each millisecond", n)
	}
	r.normal(dataAt, 512, trbIOC)
	r.bell()
	hwtest.Want(t, "one", d.interrupts(), 1)
	d.all()
	r.normal(dataAt, 512, trbIOC)
	r.bell()
	hwtest.Want(t, "within the interval", d.interrupts(), 0)
	d.Step(clock.Millisecond)
	hwtest.Want(t, "never dropped", d.interrupts(), 1)
	d.all()
	d.Step(clock.Millisecond)
	r.normal(dataAt, 512, trbIOC|trbBEI)
	r.bell()
	d.Step(clock.Second)
	hwtest.Want(t, "BEI", d.interrupts(), 0)
	hwtest.Want(t, "its event", len(d.all()), 1)
}

func TestInterrupt_pin(t *testing.T) {
	d := start(t)
	d.WantLow(d.pins)
	d.cmd.push(trb{control: control(kindNoOpCommand, 0)})
	d.setReg(doorCmd, 0)
	d.c.settle()
	d.WantIRQ(d.pins)
	hwtest.Want(t, "EINT", d.reg(offOper+opUSBSTS)&stsEINT, stsEINT)
	hwtest.Want(t, "IMAN", d.reg(rtIR0+irIMAN), imanIE|imanIP)
	hwtest.Want(t, "EHB", d.reg(rtIR0+irERDP)&erdpBusy, erdpBusy)
	d.setReg(rtIR0+irIMAN, imanIE|imanIP)
	d.WantLow(d.pins)
	d.setReg(rtIR0+irERDP, eventAt|erdpBusy) // the event is still there
	d.WantIRQ(d.pins)
	d.setReg(offOper+opUSBCMD, cmdRun)
	d.WantLow(d.pins)
	d.setReg(offOper+opUSBCMD, cmdRun|cmdINTE)
	d.setReg(rtIR0+irIMAN, imanIP)
	d.WantLow(d.pins)
	d.all()
	d.setReg(rtIR0+irIMAN, imanIE)
	d.WantLow(d.pins)
}

func TestInterrupters(t *testing.T) { // table 1.2, 20
	g := &gadget{speed: usb.Super}
	g.submit = func(p *usb.Packet) bool { p.Complete(p.Data.Len(), usb.OK); return true }
	d := start(t, g)
	r := d.open(d.attach(1).slot, 3, bulkIn)
	send := func() uint64 {
		a := r.push(trb{param: dataAt, status: 512 | 2<<interrupterShift, control: control(kindNormal, trbIOC)})
		r.bell()
		return a
	}
	a := send()
	d.want("without messages the first interrupter has all", ev(a, codeSuccess, 0))
	d.msiOn()
	d.Write64(erstAt+0x100, 0x6000)
	d.Write64(erstAt+0x108, 16)
	d.setReg(rtIR0+64+irERSTSZ, 1)
	d.setReg64(rtIR0+64+irERDP, 0x6000)
	d.setReg64(rtIR0+64+irERSTBA, erstAt+0x100)
	d.setReg(rtIR0+64+irIMAN, imanIE)
	d.interrupts()
	a = send()
	d.want("with messages the third one has its own")
	hwtest.Want(t, "event", d.Read64(0x6000), a)
	hwtest.Want(t, "message", d.interrupts(), 1)
}

func TestIndex(t *testing.T) { // 1.5
	d := newDriver(t, Defaults(QEMU))
	d.setReg(offOper+opUSBCMD, cmdReset)
	d.c.settle()
	d.Step(10 * clock.Millisecond)
	hwtest.Want(t, "MFINDEX before R/S", d.reg(offRuntime), 80)
	d.init()
	d.setReg(offOper+opUSBCMD, cmdRun|cmdEWE)
	d.Step(5 * clock.Second)
	d.want("wrap events", "type 39 code 1", "type 39 code 1")
	d.setReg(offOper+opUSBCMD, cmdRun)
	d.Step(5 * clock.Second)
	d.want("no more")
}

func TestRegister_widths(t *testing.T) { // 1.5: any width
	d := newDriver(t, Defaults(QEMU))
	d.Write64(barAt+offOper+opDCBAAP, 0x123456780)
	hwtest.Want(t, "DCBAAP", d.Read64(barAt+offOper+opDCBAAP), 0x123456780)
	d.Write8(barAt+offOper+opDCBAAP+1, 0xab)
	hwtest.Want(t, "DCBAAP", d.Read64(barAt+offOper+opDCBAAP), 0x12345ab80)
	d.setReg(rtIR0+irIMAN, imanIE)
	d.Write8(barAt+rtIR0+irIMAN+1, 0)
	hwtest.Want(t, "IMAN", d.reg(rtIR0+irIMAN), imanIE)
	hwtest.Want(t, "HCIVERSION", d.Read16(barAt+2), 0x0110)
	hwtest.Want(t, "PORTSC", d.Read8(barAt+offPorts+1)&2, 2)
}

func TestReset_controller(t *testing.T) { // table 1.2, 16
	var back []*usb.Packet
	g := &gadget{speed: usb.Super, cancel: func(p *usb.Packet) { back = append(back, p); p.Complete(0, usb.Cancelled) }}
	d := start(t, g)
	r := d.open(d.attach(1).slot, 3, bulkIn)
	r.normal(dataAt, 512, trbIOC)
	r.bell()
	d.setReg(offOper+opUSBCMD, cmdReset)
	d.c.settle()
	hwtest.Want(t, "packets called back", len(back), 1)
	for off, want := range map[uint64]uint32{offOper + opUSBCMD: 0, offOper + opUSBSTS: stsHalted | stsPCD, offOper + opConfig: 0, offOper + opDCBAAP: 0, offOper + opCRCR: 0, rtIR0 + irERSTSZ: 0,
		rtIR0 + irIMAN: 0, rtIR0 + irIMOD: imodReset, offPorts: scPP | scCCS | scPED | scCSC | speedSuper<<10} {
		hwtest.Want(t, fmt.Sprintf("register %#x", off), d.reg(off), want)
	}
	clear(d.RAM.Bytes()[:ringAt])
	d.init()
	d.want("ports that had changed before there was a ring", "port 1")
	r = d.open(d.attach(1).slot, 3, bulkIn)
	a := r.normal(dataAt, 512, trbIOC)
	r.bell()
	g.answer("again", usb.OK)
	d.want("it works again", ev(a, codeShort, 507))
}

func TestHalt(t *testing.T) {
	g := &gadget{speed: usb.Super}
	d := start(t, g)
	r := d.open(d.attach(1).slot, 3, bulkIn)
	a := r.normal(dataAt, 512, trbIOC)
	r.bell()
	d.setReg(offOper+opUSBCMD, 0)
	d.c.settle()
	hwtest.Want(t, "HCH", d.reg(offOper+opUSBSTS)&stsHalted, stsHalted)
	hwtest.Want(t, "with the device", g.waiting(), 0)
	r.bell()
	d.want("while it stands")
	d.cmd = d.ring(cmdAt+0x800, 16)
	d.setReg64(offOper+opCRCR, cmdAt+0x800|1) // the command ring stands too
	d.setReg(offOper+opUSBCMD, cmdRun|cmdINTE)
	d.c.settle()
	g.answer("on", usb.OK)
	d.want("it goes on", ev(a, codeShort, 510))
	d.ok("No-Op", trb{control: control(kindNoOpCommand, 0)})
}

func TestSaveRestore(t *testing.T) { // table 1.2, 14
	g := &gadget{speed: usb.Super}
	d := start(t, g)
	r := d.open(d.attach(1).slot, 3, bulkIn)
	a := r.normal(dataAt, 512, trbIOC)
	r.bell()
	hwtest.Want(t, "stop", d.stop(r), codeSuccess)
	d.all()
	d.setReg(offOper+opUSBCMD, 0)
	d.c.settle()
	d.setReg(offOper+opUSBCMD, cmdSave)
	hwtest.Want(t, "SSS and SRE", d.reg(offOper+opUSBSTS)&(1<<8|stsSRE), 0)
	d.c.Drain()
	d.c.Reset(hw.WakeUp)
	d.bus.Start()
	d.c.Start()
	open(d.bus)
	hwtest.Want(t, "the port stands on auxiliary power", d.reg(offPorts)&(scCCS|scPED), scCCS|scPED)
	d.setReg64(offOper+opDCBAAP, dcbaaAt)
	d.setReg(offOper+opConfig, 8)
	d.setReg64(offOper+opCRCR, cmdAt+uint64(d.cmd.n)*trbSize|uint64(d.cmd.cycle))
	at := d.event
	d.events()
	d.event = at // where it was
	d.setReg64(rtIR0+irERDP, eventAt+at*trbSize)
	d.setReg(rtIR0+irIMAN, imanIE)
	d.setReg(offOper+opUSBCMD, cmdRestore)
	hwtest.Want(t, "RSS and SRE", d.reg(offOper+opUSBSTS)&(1<<9|stsSRE), 0)
	d.setReg(offOper+opUSBCMD, cmdRun|cmdINTE)
	d.c.settle()
	r.bell()
	g.answer("on", usb.OK)
	if got := d.all(); !slices.Contains(got, ev(a, codeShort, 510)) {
		t.Errorf("events %q", got)
	}
	d.setReg(offOper+opUSBCMD, 0)
	d.c.settle()
	d.setReg(offOper+opUSBCMD, cmdRestore)
	hwtest.Want(t, "nothing saved", d.reg(offOper+opUSBSTS)&stsSRE, stsSRE)
}

func TestSlotStates(t *testing.T) { // table 1.2, 10
	g := &gadget{speed: usb.Super}
	d := start(t, g)
	give := func(k kind, slot int, bits uint32) code {
		c, _ := d.give(trb{param: inputAt, control: control(k, forSlot(slot)|bits)})
		return c
	}
	for _, k := range []kind{kindDisableSlot, kindAddressDevice, kindConfigure, kindEvaluate, kindResetDevice} {
		for _, slot := range []int{0, 1, 200} {
			hwtest.Want(t, fmt.Sprintf("command %d, slot %d", k, slot), give(k, slot, 0), codeSlotNotEnabled)
		}
	}
	d.resetPort(1)
	slot := d.ok("Enable Slot", trb{control: control(kindEnableSlot, 0)})
	d.Write64(dcbaaAt+8*uint64(slot), contextAt+0x800*uint64(slot))
	for _, k := range []kind{kindConfigure, kindEvaluate, kindResetDevice} {
		hwtest.Want(t, fmt.Sprintf("command %d of an enabled slot", k), give(k, slot, 0), codeContextState)
	}
	address := func(change func(), want code) {
		t.Helper()
		d.input(0, 3)
		d.context(0, context{speedSuper<<20 | 1<<27, 1 << 16})
		d.context(1, context{0, 3<<1 | uint32(controlEP)<<3 | 512<<16, ringAt | 1, 0, 8})
		change()
		before := d.output(slot, 0, 3)
		hwtest.Want(t, "Address Device", give(kindAddressDevice, slot, 0), want)
		if want != codeSuccess {
			hwtest.Want(t, "output context", d.output(slot, 0, 3), before)
		}
	}
	address(func() { d.Write32(inputAt+4, 1) }, codeTRB)
	address(func() { d.Write32(inputAt, 4|1) }, codeTRB)
	address(func() { d.context(0, context{1 << 27, 0}) }, codeParameter)
	address(func() { d.context(0, context{1 << 27, 99 << 16}) }, codeParameter)
	address(func() { d.context(0, context{1 << 27, 2 << 16}) }, codeTransaction)
	address(func() { d.context(0, context{1<<27 | 1, 1 << 16}) }, codeTransaction)
	address(func() { d.context(1, context{0, 3<<1 | uint32(controlEP)<<3, ringAt | 1}) }, codeParameter)
	address(func() { d.context(1, context{0, 3<<1 | uint32(bulkIn)<<3 | 512<<16, ringAt | 1}) }, codeParameter)
	hwtest.Want(t, "BSR", give(kindAddressDevice, slot, trbBEI), codeParameter)
	address(func() {}, codeSuccess)
	hwtest.Want(t, "slot state", d.output(slot, 0, 3), uint32(slotAddressed)<<27|uint32(slot))
	hwtest.Want(t, "again", give(kindAddressDevice, slot, 0), codeContextState)
	hwtest.Want(t, "the port's address", int(d.c.Ports()[0].Address()), slot)
	hwtest.Want(t, "resets of the device", g.resets, 1)
	configure := func(drop, add uint32, ctx context, want code) {
		t.Helper()
		d.input(drop, add)
		d.context(0, context{31 << 27})
		d.context(2, context{0, 3<<1 | uint32(bulkOut)<<3 | 512<<16, ringAt | 1})
		d.context(3, ctx)
		before := d.output(slot, 2, 0)
		hwtest.Want(t, "Configure Endpoint", give(kindConfigure, slot, 0), want)
		if want != codeSuccess {
			hwtest.Want(t, "nothing changed", d.output(slot, 2, 0), before)
		}
	}
	good := context{0, 3<<1 | uint32(bulkIn)<<3 | 512<<16, ringAt | 1}
	configure(0, 1|2, good, codeTRB)
	configure(0, 4|8, good, codeTRB)
	configure(1, 1|4|8, good, codeTRB)
	configure(0, 1|4|8, context{0, 3<<1 | uint32(bulkOut)<<3 | 512<<16, ringAt | 1}, codeParameter)
	configure(0, 1|4|8, context{0, 3<<1 | uint32(controlEP)<<3 | 512<<16, ringAt | 1}, codeParameter)
	configure(0, 1|4|8, context{0, 3<<1 | 512<<16, ringAt | 1}, codeParameter)
	configure(0, 1|4|8, context{8 << 10, good[1], ringAt | 1}, codeParameter)
	configure(0, 1|4|8, context{16 << 16, good[1], ringAt | 1}, codeParameter)
	configure(0, 1|4|8, good, codeSuccess)
	hwtest.Want(t, "slot state", d.output(slot, 0, 3)>>27, uint32(slotConfigured))
	hwtest.Want(t, "endpoint state", d.output(slot, 3, 0)&7, uint32(epRunning))
	d.input(0, 2)
	d.context(1, context{0, 9 << 16})
	hwtest.Want(t, "Evaluate Context", give(kindEvaluate, slot, 0), codeSuccess)
	hwtest.Want(t, "packet size", d.output(slot, 1, 1)>>16, 9)
	d.input(0, 1<<9)
	hwtest.Want(t, "Evaluate of what is not there", give(kindEvaluate, slot, 0), codeNotEnabled)
	hwtest.Want(t, "deconfigure", give(kindConfigure, slot, trbBEI), codeSuccess)
	hwtest.Want(t, "slot state", d.output(slot, 0, 3)>>27, uint32(slotAddressed))
	hwtest.Want(t, "endpoint state", d.output(slot, 3, 0)&7, uint32(epDisabled))
	hwtest.Want(t, "Reset Device", give(kindResetDevice, slot, 0), codeSuccess)
	hwtest.Want(t, "slot state", d.output(slot, 0, 3), uint32(slotDefault)<<27)
	hwtest.Want(t, "again", give(kindResetDevice, slot, 0), codeContextState)
	hwtest.Want(t, "Disable Slot", give(kindDisableSlot, slot, 0), codeSuccess)
	hwtest.Want(t, "slot state", d.output(slot, 0, 3), 0)
	hwtest.Want(t, "Disable Slot again", give(kindDisableSlot, slot, 0), codeSlotNotEnabled)
	for range 8 {
		d.ok("Enable Slot", trb{control: control(kindEnableSlot, 0)})
	}
	c, _ := d.give(trb{control: control(kindEnableSlot, 0)})
	hwtest.Want(t, "one slot too many", c, codeNoSlots)
	for speed, want := range map[uint32]string{1: "00000000PPPP", 4: "ZZZZ"} {
		d.ok("Get Port Bandwidth", trb{param: dataAt, control: control(kindPortBandwidth, speed<<16)})
		got := strings.Map(func(r rune) rune { return map[rune]rune{0: '0', 80: 'P', 90: 'Z'}[r] }, d.data(dataAt, 9))
		if speed == 4 && got != "0"+want+"0000" || speed == 1 && got != "00000PPPP" {
			t.Errorf("bandwidth at speed %d: %q", speed, got)
		}
	}
}
