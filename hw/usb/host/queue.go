package host

import "govm-desktop/hw/usb"

// queue is what the device has to tell others, in order, with mu not held.
type queue struct {
	words   []func()
	telling bool
}

func (d *Device) tell(p *usb.Packet, n int, s usb.Status) {
	d.words = append(d.words, func() { p.Complete(n, s) })
}

func (d *Device) tellPort(here bool, s usb.Speed) {
	if p := d.port; p != nil && here {
		d.words = append(d.words, func() { p.Connect(s) })
	} else if p != nil {
		d.words = append(d.words, p.Disconnect)
	}
}

// unlock tells what there is to tell and gives mu up. If another goroutine is at it, or this one further up, that one tells it.
func (d *Device) unlock() {
	for !d.telling && len(d.words) > 0 {
		d.telling = true
		words := d.words
		d.words = nil
		d.mu.Unlock()
		for _, f := range words {
			f()
		}
		d.mu.Lock()
		d.telling = false
	}
	d.mu.Unlock()
}
