package debugcon

import (
	"io"
	"testing"

	"govm-desktop/hw/hwtest"
	"govm-desktop/memory"
)

type stream struct {
	*io.PipeReader
	*io.PipeWriter
}

func (s stream) Close() error {
	s.PipeReader.Close()
	return s.PipeWriter.Close()
}

func TestConsole(t *testing.T) {
	b := hwtest.New(t)
	var s stream
	var out *io.PipeReader
	s.PipeReader, _ = io.Pipe()
	out, s.PipeWriter = io.Pipe()
	p := New(Config{Stream: s})
	b.MapPorts(0x402, 1, p, memory.Widths{Max: 1})
	hwtest.PowerOn(p)
	hwtest.Want(t, "port 402", b.In8(0x402), 0xe9)
	b.Out8(0x402, 'o', 'k', '\n')
	got := make([]byte, 3)
	io.ReadFull(out, got)
	hwtest.Want(t, "output", string(got), "ok\n")
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

func TestConsole_slowStreamDrops(t *testing.T) {
	b := hwtest.New(t)
	p := New(Config{})
	defer p.Close()
	b.MapPorts(0x402, 1, p, memory.Widths{Max: 1})
	for range 1 << 17 {
		b.Out8(0x402, 'x')
	}
}
