package main

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"govm-desktop/hw/usb"
	"govm-desktop/hw/usb/redir"
)

func TestRun_errors(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"", "one of --to"}, {"--to x:1", "one of --device"}, {"--disk a --iso b --to x:1", "one of --device"}, {"--disk a --to x:1 --unix y", "one of --to"},
		{"--device 12 --to x:1", "VID:PID"}, {"--device 0951:zz --to x:1", "VID:PID"}, {"--disk /nonexistent --to x:1", "/nonexistent"}, {"--speed warp --disk a --to x:1", "--speed"},
		{"--auto 1,2 --to x:1", "--auto"}, {"--bogus", "bogus"}, {"word", "word"}, {"--filter 1 --disk a --to x:1", "--filter"},
	} {
		var out, errs bytes.Buffer
		if status := run(strings.Fields(c.args), &out, &errs); status != 1 {
			t.Errorf("%q: status %d", c.args, status)
		}
		if got := errs.String(); !strings.Contains(got, c.want) || strings.Count(got, "\n") != 1 {
			t.Errorf("%q says %q, want one line with %q", c.args, got, c.want)
		}
	}
	var out, errs bytes.Buffer
	if status := run([]string{"--help"}, &out, &errs); status != 0 || !strings.Contains(out.String(), "--unix PATH") {
		t.Errorf("--help: %d, %q", status, out.String())
	}
}

type plug struct{ events chan usb.PortEvent }

func (p *plug) PortEvent(_ *usb.Port, e usb.PortEvent) { p.events <- e }

type stream struct{ net.Conn }

// TestRun_disk gives a stick away, reads its name, and takes it back.
func TestRun_disk(t *testing.T) {
	image := filepath.Join(t.TempDir(), "stick.img")
	if err := os.WriteFile(image, make([]byte, 1<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer lis.Close()
	status := make(chan int, 1)
	var out, errs bytes.Buffer
	go func() {
		status <- run([]string{"--disk", image, "--to", lis.Addr().String(), "--once", "--speed", "high"}, &out, &errs)
	}()
	c, err := lis.Accept()
	if err != nil {
		t.Fatal(err)
	}
	d := redir.New(redir.Config{Stream: stream{c}})
	w := &plug{make(chan usb.PortEvent, 8)}
	p := usb.NewPort(w, 0, usb.SpeedSet(usb.Full, usb.High))
	if err := p.Plug(d); err != nil {
		t.Fatal(err)
	}
	select {
	case <-w.events:
	case <-time.After(30 * time.Second):
		t.Fatal("nothing is plugged in")
	}
	if _, s := p.Device(); s != usb.High || !strings.Contains(d.Product(), "Storage") {
		t.Errorf("%v, %s", s, d.Product())
	}
	d.Close()
	c.Close()
	if s := <-status; s != 0 {
		t.Errorf("status %d: %s", s, errs.String())
	}
}

func TestParseDevice(t *testing.T) {
	m, err := parseDevice("0951:1666")
	if err != nil || m.Vendor != 0x951 || m.ID != 0x1666 {
		t.Errorf("%+v, %v", m, err)
	}
	m, err = parseDevice("3-17")
	if err != nil || m.Bus != 3 || m.Addr != 17 {
		t.Errorf("%+v, %v", m, err)
	}
}
