package fbs

import (
	"bytes"
	"io"
	"testing"
	"time"

	"govm-desktop/display"
)

func TestReader(t *testing.T) {
	var b bytes.Buffer
	w, err := NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"RFB 003.003\n", "x", "", "12345"} {
		if n, err := w.Write([]byte(s)); n != len(s) || err != nil {
			t.Fatal(n, err)
		}
	}
	if got := b.String(); got[:12] != "FBS 001.001\n" || got[12:28] != "\x00\x00\x00\x0cRFB 003.003\n" || got[32:40] != "\x00\x00\x00\x01x\x00\x00\x00" {
		t.Fatalf("%q", got)
	}
	r, err := NewReader(&b)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"RFB 003.003\n", "x", "", "12345"} {
		got, at, err := r.Next()
		if string(got) != want || err != nil || at < 0 || at > time.Minute {
			t.Errorf("%q at %v, %v", got, at, err)
		}
	}
	if _, _, err := r.Next(); err != io.EOF {
		t.Error(err)
	}
	for _, bad := range []string{"", "FBS 001.001", "FBS 002.001\n", "RFB 003.008\n"} {
		if _, err := NewReader(bytes.NewReader([]byte(bad))); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// FuzzPlayer plays any bytes.
func FuzzPlayer(f *testing.F) {
	session := "RFB 003.003\n\x00\x00\x00\x01\x00\x04\x00\x02\x20\x18\x00\x01\x00\xff\x00\xff\x00\xff\x10\x08\x00\x00\x00\x00\x00\x00\x00\x01x"
	f.Add([]byte(session))
	f.Add([]byte(session + "\x00\x00\x00\x01\x00\x00\x00\x00\x00\x01\x00\x01\x00\x00\x00\x00abcd"))
	f.Add([]byte(session + "\x00\x00\x00\x01\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\x21"))
	f.Add([]byte("RFB 003.003\n\x00\x00\x00\x01\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var b bytes.Buffer
		w, err := NewWriter(&b)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
		p, err := NewPlayer(&b, 1)
		if err != nil {
			t.Fatal(err)
		}
		s := display.NewScreen(p, display.Options{Rate: 1000, MaxBytes: 1 << 20})
		v := s.Watch()
		if f, _, err := v.Next(t.Context()); err == nil {
			f.Release()
		}
		select {
		case <-p.Done():
		case <-time.After(20 * time.Second):
			t.Fatal("it does not end")
		}
		v.Close()
		s.Close()
		p.Close()
	})
}
