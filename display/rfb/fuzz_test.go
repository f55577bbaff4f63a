package rfb

import (
	"io"
	"net"
	"testing"
	"time"

	"govm-desktop/display"
	"govm-desktop/display/displaytest"
	"govm-desktop/input"
)

// FuzzClientMessages sends any bytes to a server, as they are or after a good handshake, and wants the connection to end with
// nothing held.
func FuzzClientMessages(f *testing.F) {
	for _, s := range []string{
		"", "RFB 003.008\n\x01\x01", "RFB 003.889\n\x01\x00", "RFB 003.003\n\x01", "GET / HTTP/1.0\r\n\r\n",
	} {
		f.Add(false, []byte(s))
	}
	for _, s := range []string{
		"\x00\x00\x00\x00\x08\x08\x00\x01\x00\x07\x00\x07\x00\x03\x00\x03\x06\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00\x40\x00\x30",
		"\x00\x00\x00\x00\x08\x08\x00\x00\x00\x07\x00\x07\x00\x03\x00\x03\x06\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00\x40\x00\x30",
		"\x02\x00\x00\x03\x00\x00\x00\x10\xff\xff\xfe\xcc\xff\xff\xff\x21\x03\x01\x00\x00\x00\x00\xff\xff\xff\xff",
		"\x02\x00\x00\x05\x00\x00\x00\x05\xff\xff\xfe\xfe\xff\xff\xfe\xff\xff\xff\xfe\xfb\xff\xff\xff\x00\x03\x00\x00\x05\x00\x05\x00\x40\x00\x30",
		"\x02\x00\xff\xff\x00\x00\x00\x05",
		"\x04\x01\x00\x00\x00\x00\x00\x41\x04\x01\x00\x00\x00\x00\xff\xe1\x04\x01\x00\x00\x00\x00\x00\x61\x04\x00\x00\x00\x00\x00\x00\x41",
		"\x05\xff\x00\x10\x00\x20\x05\x00\xff\xff\xff\xff\x05\x55\x7f\xff\x7f\xff",
		"\x06\x00\x00\x00\x00\x00\x00\x04abcd\x06\x00\x00\x00\xff\xff\xff\xfc\x00\x00\x00\x00\x06\x00\x00\x00\x80\x00\x00\x00",
		"\xfb\x00\x04\x00\x03\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x04\x00\x03\x00\x00\x00\x00\x00",
		"\xff\x00\x00\x01\x00\x00\x00\x41\x00\x00\x00\x1e\xff\x00\x00\x00\x00\x00\x00\x41\x00\x00\x00\x1e\xff\x01\x00\x00",
	} {
		f.Add(true, []byte(s))
	}
	fake := displaytest.NewFake(64, 48)
	screen := display.NewScreen(fake, display.Options{Rate: 1000})
	guest, router := &recorder{}, &input.Router{}
	router.Add(guest, input.Key, input.Button, input.Rel)
	s := New(Config{Screen: screen, Input: router, Share: IgnoreShare})
	f.Cleanup(func() {
		s.Close()
		screen.Close()
	})
	f.Fuzz(func(t *testing.T, in bool, data []byte) {
		ours, theirs := net.Pipe()
		_ = ours.SetDeadline(time.Now().Add(5 * time.Second))
		s.accept(theirs)
		read := make(chan struct{})
		go func() {
			defer close(read)
			_, _ = io.Copy(io.Discard, ours)
		}()
		if in {
			data = append([]byte("RFB 003.003\n\x01"), data...)
		}
		_, _ = ours.Write(data) // fails where the server hangs up
		ours.Close()
		<-read
		ended := make(chan struct{})
		go func() {
			s.wg.Wait()
			close(ended)
		}()
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			t.Fatal("the server hangs")
		}
		if n := len(s.Clients()); n != 0 {
			t.Fatalf("%d clients are left", n)
		}
		down := map[input.Code]bool{}
		for _, e := range guest.take() {
			if e.Kind == input.Key || e.Kind == input.Button {
				down[e.Code] = e.Down
			}
		}
		for c, d := range down {
			if d {
				t.Fatalf("%d is still down", c)
			}
		}
	})
}
