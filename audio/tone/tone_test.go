package tone

import (
	"encoding/binary"
	"io"
	"math"
	"testing"
	"time"

	"govm-desktop/audio"
)

// TestTone counts the waves of the tone, left first, and listens for silence on the right.
func TestTone(t *testing.T) {
	const rate, hz = 8000, 500
	r := Source{Hz: hz}.Listen(audio.Format{Sample: audio.S16, Channels: 2, Rate: rate})
	b := make([]byte, 4*rate/5) // 200 ms
	start := time.Now()
	if _, err := io.ReadFull(r, b); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(start); d < 150*time.Millisecond {
		t.Errorf("200 ms of it came after %v", d)
	}
	crossings, top := 0, 0.0
	was := int16(0)
	for i := 0; i < len(b); i += 4 {
		l, right := int16(binary.LittleEndian.Uint16(b[i:])), int16(binary.LittleEndian.Uint16(b[i+2:]))
		if right != 0 {
			t.Fatalf("%d on the right", right)
		}
		if was < 0 && l >= 0 {
			crossings++
		}
		was, top = l, max(top, math.Abs(float64(l)))
	}
	if want := hz / 5; crossings < want-2 || crossings > want+2 || top < 7000 || top > 9000 {
		t.Errorf("%d waves, as loud as %v", crossings, top)
	}
	done := make(chan error)
	go func() {
		_, err := io.Copy(io.Discard, r)
		done <- err
	}()
	r.Close()
	r.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestSamples(t *testing.T) {
	for s, want := range map[audio.Sample]string{audio.U8: "\x92", audio.S8: "\x12", audio.U16: "\x34\x92", audio.S16: "\x34\x12",
		audio.U32: "\x00\x00\x34\x92", audio.S32: "\x00\x00\x34\x12"} {
		if got := string(s.Put(nil, 0x1234)); got != want || s.Size() != len(want) {
			t.Errorf("%d: %q", s, got)
		}
	}
}
