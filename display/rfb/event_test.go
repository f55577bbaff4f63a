package rfb

import (
	"net"
	"testing"
	"time"

	"govm-desktop/display/rfb/rfbtest"
)

// TestEvents follows two connections: one that becomes a viewer, one that does not.
func TestEvents(t *testing.T) {
	got := make(chan Event, 8)
	last := make(chan Client, 8)
	b := newBench(t, 64, 48, Config{Event: func(e Event, c Client) {
		got <- e
		last <- c
	}})
	next := func(want Event) Client {
		t.Helper()
		select {
		case e := <-got:
			c := <-last
			if e != want || c.Addr == "" {
				t.Errorf("event %d of %+v, not %d", e, c, want)
			}
			return c
		case <-time.After(20 * time.Second):
			t.Fatalf("no event %d", want)
		}
		return Client{}
	}
	c := b.dial(rfbtest.Options{})
	next(Connected)
	if v := next(Initialized); v.Security != 1 || v.Since.IsZero() {
		t.Errorf("%+v", v)
	}
	c.Close()
	next(Disconnected)
	nc, err := net.Dial("tcp", b.addr)
	if err != nil {
		t.Fatal(err)
	}
	next(Connected)
	nc.Close()
	next(Disconnected)
}
