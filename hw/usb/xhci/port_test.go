package xhci

import (
	"fmt"
	"testing"

	"govm-desktop/hw/hwtest"
	"govm-desktop/hw/usb"
)

// port reads a port's status, without its indicator and wake bits.
func (d *driver) port(n int) uint32 { return d.reg(uint64(offPorts + 16*(n-1))) }

// setPort writes bits beside those that a driver keeps.
func (d *driver) setPort(n int, bits uint32) {
	d.setReg(uint64(offPorts+16*(n-1)), d.port(n)&scKeep|bits)
	d.c.settle()
}

func link(l uint32) uint32 { return l<<5 | scLWS }

func TestPort_connect(t *testing.T) {
	for _, c := range []struct {
		speed usb.Speed
		port  int
		want  uint32
	}{
		{usb.Low, 5, scPP | scCCS | scCSC | linkPolling<<5 | speedLow<<10},
		{usb.Full, 5, scPP | scCCS | scCSC | linkPolling<<5 | speedFull<<10},
		{usb.High, 5, scPP | scCCS | scCSC | linkPolling<<5 | speedHigh<<10},
		{usb.Super, 1, scPP | scCCS | scCSC | scPED | speedSuper<<10},
	} {
		g := &gadget{speed: c.speed}
		d := start(t)
		if err := d.c.Ports()[0].Plug(g); err != nil {
			t.Fatal(err)
		}
		d.want("connect", fmt.Sprintf("port %d", c.port))
		hwtest.Want(t, "PORTSC", d.port(c.port), c.want)
		hwtest.Want(t, "the other port of the socket", d.port(6-c.port)&scCCS, 0)
		hwtest.Want(t, "PCD", d.reg(offOper+opUSBSTS)&stsPCD, stsPCD)
		d.c.Ports()[0].Unplug()
		d.want("CSC is set already")
		hwtest.Want(t, "PORTSC", d.port(c.port), scPP|scCSC|linkRxDetect<<5)
		d.setPort(c.port, scCSC)
		hwtest.Want(t, "PORTSC", d.port(c.port), scPP|linkRxDetect<<5)
	}
}

func TestPort_reset(t *testing.T) { // table 1.2, 11 and 12
	g := &gadget{speed: usb.High}
	d := start(t, g)
	d.all()
	d.setPort(5, scCSC|scPR) // change bits written with PR are cleared
	d.want("reset", "port 5")
	hwtest.Want(t, "PORTSC", d.port(5), scPP|scCCS|scPED|scPRC|speedHigh<<10)
	hwtest.Want(t, "resets", g.resets, 1)
	d.setPort(5, scPRC)
	d.setPort(5, scPR)
	d.setPort(5, scPRC)
	hwtest.Want(t, "resets with no traffic in between", g.resets, 1)
	g.submit = func(p *usb.Packet) bool { p.Complete(0, usb.OK); return true }
	r := d.attach(5)
	hwtest.Want(t, "Address Device", g.resets, 1)
	r.control(usb.Setup{Request: 9, Value: 1}, 0, 0)
	r.bell()
	d.setPort(5, scPR)
	hwtest.Want(t, "resets after traffic", g.resets, 2)
	hwtest.Want(t, "address", d.c.Ports()[0].Address(), 0)
	d.setPort(6, scPR)
	hwtest.Want(t, "reset of an empty port", d.port(6), scPP|linkRxDetect<<5)
	w := &gadget{speed: usb.Super}
	if err := d.c.Ports()[1].Plug(w); err != nil {
		t.Fatal(err)
	}
	d.setPort(2, scCSC|scWPR)
	hwtest.Want(t, "warm reset", d.port(2), scPP|scCCS|scPED|scPRC|scWRC|speedSuper<<10)
}

func TestPort_disable(t *testing.T) {
	g, s := &gadget{speed: usb.High}, &gadget{speed: usb.Super}
	d := start(t, g, s)
	d.setPort(5, scPR)
	d.setPort(5, scPED)
	hwtest.Want(t, "USB 2", d.port(5)&(scPED|scCCS|scLink), scCCS|linkPolling<<5)
	d.setPort(2, scPED)
	hwtest.Want(t, "USB 3", d.port(2)&(scPED|scCCS|scLink), linkDisabled<<5)
	d.setPort(2, link(linkRxDetect))
	hwtest.Want(t, "and back", d.port(2)&(scPED|scCCS|scLink), scPED|scCCS)
	d.setPort(2, link(linkDisabled))
	hwtest.Want(t, "by link state", d.port(2)&(scPED|scCCS|scLink), linkDisabled<<5)
	at := uint64(offPorts + 16*4)
	d.setReg(at, d.reg(at)&^(scPP|scPED|scChanges))
	hwtest.Want(t, "without power", d.port(5)&(scPP|scPED|scCCS|scSpeed), 0)
	d.setReg(at, scPP)
	hwtest.Want(t, "with power", d.port(5)&(scPP|scCCS|scCSC), scPP|scCCS|scCSC)
}

func TestPort_suspend(t *testing.T) { // table 1.2, 12 and 13
	for _, c := range []struct {
		speed usb.Speed
		port  int
	}{{usb.High, 5}, {usb.Super, 1}} {
		t.Run(c.speed.String(), func(t *testing.T) {
			g := &gadget{speed: c.speed}
			d := start(t, g)
			d.setPort(c.port, scCSC|scPR)
			d.setPort(c.port, scPRC)
			d.all()
			d.setPort(c.port, link(linkU3))
			hwtest.Want(t, "link", d.port(c.port)&(scLink|scPLC), linkU3<<5)
			hwtest.Want(t, "the device sleeps", g.asleep, true)
			if c.speed == usb.High {
				d.setPort(c.port, link(linkResume))
				hwtest.Want(t, "resume", d.port(c.port)&(scLink|scPLC), linkResume<<5)
				hwtest.Want(t, "the device sleeps", g.asleep, true)
			}
			d.setPort(c.port, link(linkU0))
			hwtest.Want(t, "link", d.port(c.port)&(scLink|scPLC), scPLC)
			hwtest.Want(t, "the device sleeps", g.asleep, false)
			d.want("resume", fmt.Sprintf("port %d", c.port))
			d.setPort(c.port, scPLC)
			d.c.Ports()[0].Wake()
			d.want("wake-up of a port that is awake")
			d.setPort(c.port, link(linkU3))
			d.c.Ports()[0].Wake()
			d.want("remote wake-up", fmt.Sprintf("port %d", c.port))
			hwtest.Want(t, "link", d.port(c.port)&(scLink|scPLC), linkResume<<5|scPLC)
			d.setPort(c.port, scPLC)
			d.setPort(c.port, link(linkU0))
			d.want("awake", fmt.Sprintf("port %d", c.port))
			if c.speed == usb.High {
				d.setPort(c.port, scPLC)
				d.setPort(c.port, link(linkU2))
				hwtest.Want(t, "L1", fmt.Sprint(d.port(c.port)&scLink, d.reg(offPorts+16*4+4)&7), fmt.Sprint(linkU2<<5, 1))
				d.setPort(c.port, link(linkU0))
				d.want("L1 exit by software")
			}
		})
	}
}

func TestPort_powerManagement(t *testing.T) { // table 1.2, 13
	d := start(t)
	for _, c := range []struct{ off, want uint32 }{{4, pmsc3}, {8, 0}, {12, 0}, {16*4 + 4, pmsc2}, {16*4 + 8, 0}, {16*4 + 12, hlpmc}} {
		d.setReg(uint64(offPorts+c.off), 0xffffffff)
		hwtest.Want(t, fmt.Sprintf("register %#x", c.off), d.reg(uint64(offPorts+c.off)), c.want)
	}
	d.setPort(5, 0xe<<24|1<<14)
	hwtest.Want(t, "wake enables", d.port(5)&scStored, 0xe<<24|1<<14)
	d.setPort(9, 0xffffffff) // there is none
	hwtest.Want(t, "port 9", d.port(9), 0)
}
