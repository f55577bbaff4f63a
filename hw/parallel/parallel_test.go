package parallel

import (
	"io"
	"testing"

	"govm-desktop/chardev"
	"govm-desktop/hw"
	"govm-desktop/hw/hwtest"
	"govm-desktop/memory"
)

const base = 0x378

// paper is a stream that nothing is read from.
type paper struct{ *io.PipeWriter }

func (paper) Read([]byte) (int, error) { return 0, io.EOF }

func newPort(b *hwtest.Bench, s chardev.Stream) (*Port, *hwtest.Wire) {
	w := b.Line("IRQ7")
	p := New(Config{IRQ: w, Stream: s})
	b.MapPorts(base, 8, p, memory.Widths{Max: 1})
	return p, w
}

func TestContract(t *testing.T) {
	hwtest.TestDevice(t, func(b *hwtest.Bench) hw.Device {
		p, _ := newPort(b, nil)
		return p
	})
}

// print sends a character as a driver does: wait until it is not busy, data, strobe.
func printChar(b *hwtest.Bench, c byte) bool {
	if b.In8(base+regStatus)&statusBusy == 0 {
		return false
	}
	b.Out8(base+regData, c)
	b.Out8(base+regControl, controlInit|1<<3|controlIRQ|controlStrobe)
	b.Out8(base+regControl, controlInit|1<<3|controlIRQ)
	return true
}

func TestPrints(t *testing.T) {
	b := hwtest.New(t)
	r, w := io.Pipe()
	p, irq := newPort(b, paper{w})
	hwtest.PowerOn(p)
	go func() {
		for _, c := range []byte("Hello, printer\f") {
			if !printChar(b, c) {
				t.Error("busy")
			}
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}()
	if got, _ := io.ReadAll(r); string(got) != "Hello, printer\f" {
		t.Errorf("printed %q", got)
	}
	hwtest.Want(t, "interrupts", irq.Pulses(), 15)
}

func TestRegisters(t *testing.T) {
	b := hwtest.New(t)
	p, irq := newPort(b, nil)
	hwtest.PowerOn(p)
	b.Out8(base+regData, 0xaa)
	hwtest.Want(t, "data reads back", b.In8(base+regData), 0xaa)
	hwtest.Want(t, "an idle printer", b.In8(base+regStatus), 0xdf)
	hwtest.Want(t, "control after reset", b.In8(base+regControl), 0xcc)
	b.Out8(base+regControl, controlInit|controlDir)
	hwtest.Want(t, "data that nobody drives", b.In8(base+regData), 0xff)
	b.Out8(base+regControl, 0)
	hwtest.Want(t, "a printer being reset", b.In8(base+regStatus), 0x5f)
	b.Out8(base+regControl, controlStrobe)
	hwtest.Want(t, "the registers of EPP", b.In8(base+4), 0xff)
	irq.Pulses()
	printChar(b, 'x') // refused: still in reset
	b.Out8(base+regControl, controlInit)
	printChar(b, 'x')
	hwtest.Want(t, "one interrupt a character", irq.Pulses(), 1)
	b.Out8(base+regControl, controlInit|controlStrobe)
	hwtest.Want(t, "none without the enable bit", irq.Pulses(), 0)
}

// TestSlow fills the stream's queue: the printer is busy then, loses nothing, and interrupts when it goes on.
func TestSlow(t *testing.T) {
	b := hwtest.New(t)
	r, w := io.Pipe()
	p, irq := newPort(b, paper{w})
	hwtest.PowerOn(p)
	n := 0
	for printChar(b, byte(n)) {
		if n++; n > 4*chardev.QueueSize {
			t.Fatal("it is never busy")
		}
	}
	irq.Pulses()
	done := make(chan int)
	go func() {
		got, _ := io.ReadAll(r)
		for i, c := range got {
			if c != byte(i) {
				t.Errorf("character %d is %#x", i, c)
				break
			}
		}
		done <- len(got)
	}()
	for b.In8(base+regStatus)&statusBusy == 0 {
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	hwtest.Want(t, "characters printed", <-done, n)
	hwtest.Want(t, "an interrupt for the one that waited", irq.Pulses(), 1)
}
