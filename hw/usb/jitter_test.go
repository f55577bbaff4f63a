package usb

import "testing"

// take gives the first byte of what comes out, -1 for nothing.
func (j *Jitter) take() int {
	var b Buffer
	buf := make([]byte, 8)
	b.Append(buf)
	if n, _ := j.Take(&b); n == 0 {
		return -1
	}
	return int(buf[0])
}

func TestJitter_prefill(t *testing.T) {
	j := NewJitter(1000)
	for i := range 19 {
		j.Put([]byte{byte(i)}, OK)
		if got := j.take(); got != -1 {
			t.Fatalf("gives %d with %d of 20 packets there", got, i+1)
		}
	}
	j.Put([]byte{19}, OK)
	for i := range 20 {
		if got := j.take(); got != i {
			t.Fatalf("packet %d is %d", i, got)
		}
	}
	if got := j.take(); got != -1 {
		t.Errorf("gives %d from nothing", got)
	}
	if j.Target() != 30 {
		t.Errorf("after it ran dry it wants %d packets, want 30", j.Target())
	}
}

// TestJitter_drift: a source that is one percent fast does not fill the buffer more and more, nor does one that is slow break up all the time.
func TestJitter_drift(t *testing.T) {
	for _, per10000 := range []int{9900, 9990, 10000, 10010, 10100} {
		j, owed, dry := NewJitter(1000), 0, 0
		for i := range 120_000 { // two minutes
			for owed += per10000; owed >= 10000; owed -= 10000 {
				j.Put([]byte{1}, OK)
			}
			if j.take() < 0 && i > 1000 {
				dry++
			}
		}
		if j.n > 130 || per10000 >= 10000 && dry > 0 || dry > 120_000/10 {
			t.Errorf("source at %d/10000: %d packets wait, %d times nothing", per10000, j.n, dry)
		}
	}
}

func TestJitter_bounds(t *testing.T) {
	j := NewJitter(8000)
	for range 5000 {
		j.Put(make([]byte, 48<<10), OK)
	}
	if j.room > jitterBytes+48<<10 {
		t.Errorf("holds %d bytes", j.room)
	}
	for range 10000 {
		j.Put([]byte{1}, OK)
	}
	if j.n > len(j.packets) {
		t.Error("more packets than slots")
	}
}
