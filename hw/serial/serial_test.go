package serial

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"govm-desktop/clock"
	"govm-desktop/hw"
	"govm-desktop/hw/hwtest"
	"govm-desktop/memory"
)

type rig struct {
	*hwtest.Bench
	u   *UART
	irq *hwtest.Wire
	in  *io.PipeWriter
	out *io.PipeReader
}

type stream struct {
	*io.PipeReader
	*io.PipeWriter
}

func (s stream) Close() error {
	s.PipeReader.Close()
	return s.PipeWriter.Close()
}

func newRig(t *testing.T) *rig {
	r := &rig{Bench: hwtest.New(t)}
	r.irq = r.Line("IRQ4")
	var s stream
	s.PipeReader, r.in = io.Pipe()
	r.out, s.PipeWriter = io.Pipe()
	r.u = New(Config{Clock: r.Clock, IRQ: r.irq, Stream: s})
	t.Cleanup(func() {
		go io.Copy(io.Discard, r.out)
		r.u.Close()
	})
	r.MapPorts(0x3f8, 8, r.u, memory.Widths{Max: 1})
	hwtest.PowerOn(r.u)
	r.Out8(0x3fc, 0x0b)
	return r
}

// plain is a port with nothing plugged in, fed through loopback or directly.
func plain(b *hwtest.Bench) (*UART, *hwtest.Wire) {
	w := b.Line("IRQ4")
	u := New(Config{Clock: b.Clock, IRQ: w})
	b.MapPorts(0x3f8, 8, u, memory.Widths{Max: 1})
	return u, w
}

func (r *rig) feed(s string) {
	(*port)(r.u).Receive([]byte(s))
}

func TestConformance(t *testing.T) {
	hwtest.TestDevice(t, func(b *hwtest.Bench) hw.Device {
		u, _ := plain(b)
		return u
	})
}

func TestOutput(t *testing.T) {
	r := newRig(t)
	want := bytes.Repeat([]byte("Hello, world\r\n"), 100)
	go func() {
		for _, b := range want {
			r.Out8(0x3f8, b)
		}
	}()
	got := make([]byte, len(want))
	io.ReadFull(r.out, got)
	hwtest.Want(t, "output", string(got), string(want))
}

func TestInput_respectsFIFO(t *testing.T) {
	for _, fcr := range []uint8{0, 1} {
		r := newRig(t)
		r.Out8(0x3fa, fcr)
		want := "The quick brown fox jumps over the lazy dog"
		go r.in.Write([]byte(want))
		got := ""
		for len(got) < len(want) {
			if r.In8(0x3fd)&lsrDR != 0 {
				got += string(rune(r.In8(0x3f8)))
			}
		}
		hwtest.Want(t, "input", got, want)
		hwtest.Want(t, "LSR", r.In8(0x3fd), 0x60)
	}
}

func TestSlowStream(t *testing.T) {
	r := newRig(t)
	r.Out8(0x3fa, 1)
	n := 0
	for r.In8(0x3fd)&lsrTHRE != 0 {
		r.Out8(0x3f8, 'x')
		if n++; n > 1<<20 {
			t.Fatal("the transmitter is always ready")
		}
	}
	hwtest.Want(t, "LSR", r.In8(0x3fd), 0)
	r.Out8(0x3f9, 2)
	r.WantLow(r.irq)
	for range 15 {
		r.Out8(0x3f8, 'y')
	}
	r.Out8(0x3f8, 'z') // lost: the transmitter is full
	got := make([]byte, n+15)
	io.ReadFull(r.out, got)
	hwtest.Want(t, "x's", bytes.Count(got, []byte("x")), n)
	hwtest.Want(t, "y's", bytes.Count(got, []byte("y")), 15)
	r.Out8(0x3f8, '!')
	io.ReadFull(r.out, got[:1])
	hwtest.Want(t, "next", got[0], '!')
	hwtest.Want(t, "LSR", r.In8(0x3fd), 0x60)
	r.WantIRQ(r.irq)
}

func TestTransmitInterrupt(t *testing.T) {
	r := newRig(t)
	go io.Copy(io.Discard, r.out)
	r.Out8(0x3f9, 2)
	r.WantIRQ(r.irq) // empty already
	hwtest.Want(t, "IIR", r.In8(0x3fa), 2)
	r.WantLow(r.irq)
	hwtest.Want(t, "IIR", r.In8(0x3fa), 1)
	r.irq.Pulses()
	r.Out8(0x3f8, 'a')
	r.Out8(0x3f8, 'b')
	r.WantPulses(r.irq, 2) // an edge for each
	r.Out8(0x3fc, 0x03)    // OUT2 off
	r.WantLow(r.irq)
}

func TestReceiveInterrupt(t *testing.T) {
	r := newRig(t)
	r.Out8(0x3fb, 3)
	r.Out8(0x3fa, 0x41) // trigger at 4
	r.Out8(0x3f9, 1)
	r.feed("abc")
	r.WantLow(r.irq)
	r.feed("d")
	r.WantIRQ(r.irq)
	hwtest.Want(t, "IIR", r.In8(0x3fa), 0xc4)
	hwtest.Want(t, "RBR", r.In8(0x3f8), 'a')
	r.WantLow(r.irq)
	r.Step(4*10*12*16*clock.Second/1843200 - clock.Microsecond)
	r.WantLow(r.irq)
	r.Step(2 * clock.Microsecond)
	r.WantIRQ(r.irq)
	hwtest.Want(t, "IIR after the time-out", r.In8(0x3fa)&0xcf, 0xcc)
	hwtest.Want(t, "RBR", r.In8(0x3f8), 'b')
	r.WantLow(r.irq)
	r.Step(clock.Second)
	r.WantIRQ(r.irq)
	r.In8(0x3f8)
	r.In8(0x3f8)
	r.Step(clock.Second)
	r.WantLow(r.irq)
	hwtest.Want(t, "RBR when empty", r.In8(0x3f8), 'd')
}

func TestTriggers(t *testing.T) {
	for fcr, level := range map[uint8]int{0x01: 1, 0x41: 4, 0x81: 8, 0xc1: 14} {
		r := newRig(t)
		r.Out8(0x3fa, fcr)
		r.Out8(0x3f9, 1)
		n := 0
		for !r.irq.High() {
			r.feed("x")
			n++
		}
		hwtest.Want(t, fmt.Sprintf("characters until the interrupt with FCR %#x", fcr), n, level)
	}
}

func TestPriorities(t *testing.T) {
	r := newRig(t)
	r.Out8(0x3fa, 1)
	r.Out8(0x3f9, 15)
	r.feed("a")
	r.u.Break()
	r.Out8(0x3fc, 0x1b) // loopback drops CTS and so on? DTR, RTS and OUT2 are on: no change but OUT1
	r.Out8(0x3fc, 0x18)
	r.Out8(0x3fc, 0x0b)
	r.In8(0x3f8)
	for _, want := range []uint8{0xc6, 0xc4, 0xc2, 0xc0, 0xc1} {
		hwtest.Want(t, "IIR", r.In8(0x3fa), want)
		switch want {
		case 0xc6:
			hwtest.Want(t, "LSR", r.In8(0x3fd), 0xf1)
		case 0xc4:
			hwtest.Want(t, "RBR", r.In8(0x3f8), 0)
		case 0xc0:
			hwtest.Want(t, "MSR", r.In8(0x3fe), 0xb3)
		}
	}
	r.WantLow(r.irq)
}

func TestLoopback(t *testing.T) {
	r := newRig(t)
	r.Out8(0x3fa, 1)
	for mcr, msr := range map[uint8]uint8{0x10: 0x00, 0x11: 0x20, 0x12: 0x10, 0x14: 0x40, 0x18: 0x80, 0x1f: 0xf0} {
		r.Out8(0x3fc, mcr)
		hwtest.Want(t, fmt.Sprintf("MSR with MCR %#x", mcr), r.In8(0x3fe)&0xf0, msr)
	}
	r.Out8(0x3fc, 0x10)
	for i := range 17 {
		r.Out8(0x3f8, uint8(i))
	}
	hwtest.Want(t, "LSR after an overrun", r.In8(0x3fd), 0x63)
	hwtest.Want(t, "LSR read again", r.In8(0x3fd), 0x61)
	for i := range 16 {
		hwtest.Want(t, "RBR", r.In8(0x3f8), uint8(i))
	}
	hwtest.Want(t, "LSR", r.In8(0x3fd), 0x60)
	hwtest.Want(t, "input taken in loopback", (*port)(r.u).Receive([]byte("x")), 0)
}

func TestModemDeltas(t *testing.T) {
	r := newRig(t)
	hwtest.Want(t, "MSR", r.In8(0x3fe), 0xb0)
	r.Out8(0x3fc, 0x14)
	r.In8(0x3fe)
	r.Out8(0x3fc, 0x10)
	hwtest.Want(t, "MSR after RI fell", r.In8(0x3fe), 0x04)
	r.Out8(0x3fc, 0x1b)
	hwtest.Want(t, "MSR", r.In8(0x3fe), 0xbb)
	hwtest.Want(t, "MSR read again", r.In8(0x3fe), 0xb0)
}

func TestRegisters(t *testing.T) {
	r := newRig(t)
	r.Out8(0x3ff, 0x5a)
	hwtest.Want(t, "scratch", r.In8(0x3ff), 0x5a)
	r.Out8(0x3fb, 0x83)
	r.Out8(0x3f8, 1)
	r.Out8(0x3f9, 2)
	hwtest.Want(t, "DLL", r.In8(0x3f8), 1)
	hwtest.Want(t, "DLM", r.In8(0x3f9), 2)
	r.Out8(0x3fb, 3)
	hwtest.Want(t, "IER", r.In8(0x3f9), 0)
	r.Out8(0x3f9, 0xff)
	hwtest.Want(t, "IER", r.In8(0x3f9), 0x0f)
	hwtest.Want(t, "MCR", r.In8(0x3fc), 0x0b)
	r.Out8(0x3fa, 0xc0) // not without the enable bit
	hwtest.Want(t, "IIR", r.In8(0x3fa)&0xf0, 0)
}

func TestFIFO_resets(t *testing.T) {
	r := newRig(t)
	r.Out8(0x3fa, 1)
	r.feed("abc")
	r.Out8(0x3fa, 3)
	hwtest.Want(t, "LSR", r.In8(0x3fd), 0x60)
	r.feed("abc")
	r.Out8(0x3fa, 0)
	hwtest.Want(t, "LSR", r.In8(0x3fd), 0x60)
}

func TestAccesses_doNotAllocate(t *testing.T) {
	b := hwtest.New(t)
	u, _ := plain(b)
	hwtest.PowerOn(u)
	hwtest.Want(t, "allocations", testing.AllocsPerRun(100, func() { b.In8(0x3fd); b.Out8(0x3f8, 'x'); b.In8(0x3fa) }), 0)
}

func BenchmarkPutc(b *testing.B) {
	bench := hwtest.New(b)
	u, _ := plain(bench)
	hwtest.PowerOn(u)
	for b.Loop() {
		bench.In8(0x3fd)
		bench.Out8(0x3f8, 'x')
	}
}
