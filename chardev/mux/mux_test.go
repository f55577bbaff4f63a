package mux

import (
	"io"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// screen is a stream whose input a test types and whose output it reads.
type screen struct {
	*io.PipeReader
	mu  sync.Mutex
	out strings.Builder
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.Write(p)
}

func (s *screen) shows(t *testing.T, want string) {
	t.Helper()
	re := regexp.MustCompile(want)
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		s.mu.Lock()
		got := s.out.String()
		s.mu.Unlock()
		if re.MatchString(got) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%q does not match %s", got, want)
		}
	}
}

func TestMux_commands(t *testing.T) {
	r, w := io.Pipe()
	s := &screen{PipeReader: r}
	quit := make(chan struct{})
	m := New(s, func() { close(quit) })
	m.OnSave(func() { m.Say("saved") })
	m.SetEscape(0x02)
	end := m.Stream()
	m.Start()
	io.WriteString(w, "\x02h")
	s.shows(t, `(?s)Ctrl-B h .*Ctrl-B x .*Ctrl-B s .*Ctrl-B t .*Ctrl-B b .*Ctrl-B c .*Ctrl-B Ctrl-B`)
	io.WriteString(w, "\x02s")
	s.shows(t, `saved$`)
	io.WriteString(w, "\x02t\x01") // Ctrl-A is a key like others now
	buf := make([]byte, 4)
	if n, err := end.Read(buf); err != nil || string(buf[:n]) != "\x01" {
		t.Errorf("read %q, %v", buf[:n], err)
	}
	if n, err := io.WriteString(end, "rest\r\nfirst\r\nsecond"); n != 19 || err != nil {
		t.Error(n, err)
	}
	s.shows(t, `savedrest\r\n\[00:00:\d\d\.\d{3}\] first\r\n\[00:00:\d\d\.\d{3}\] second$`)
	io.WriteString(w, "\x02t\x02\x02")
	if n, err := end.Read(buf); err != nil || string(buf[:n]) != "\x02" {
		t.Errorf("read %q, %v", buf[:n], err)
	}
	io.WriteString(end, "\r\nplain")
	s.shows(t, `second\r\nplain$`)
	io.WriteString(w, "\x02x")
	<-quit
	s.shows(t, `plain\r\ngovm-desktop: terminated\r\n$`)
}
