package xhci

import (
	"testing"

	"govm-desktop/hw/usb"
)

// BenchmarkBulk is the controller's share of a bulk transfer that its device answers at once.
func BenchmarkBulk(b *testing.B) {
	g := &gadget{speed: usb.Super}
	g.submit = func(p *usb.Packet) bool { p.Complete(p.Data.Len(), usb.OK); return true }
	d := start(b, g)
	r := d.open(d.attach(1).slot, 3, bulkIn)
	for _, c := range []struct {
		name string
		size int
	}{{"512", 512}, {"64K", 65536}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(c.size))
			for range b.N {
				r.normal(dataAt, c.size, trbIOC)
				r.bell()
				d.next()
				d.free()
			}
		})
	}
}
