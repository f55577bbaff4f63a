package monitor_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"govm-desktop/monitor"
	"govm-desktop/monitor/hmp"
	"govm-desktop/monitor/qmp"
)

func TestHMP_commands(t *testing.T) {
	for _, c := range []struct {
		line  string
		asked string // what the machine was told
		shown string // what the answer contains
	}{
		{"stop", "stop", ""},
		{"c", "cont", ""},
		{"system_reset", "reset", ""},
		{"system_powerdown", "powerdown", ""},
		{"q", "quit", ""},
		{"info status", "", "VM status: paused (prelaunch)"},
		{"info registers", "", "RIP=000000000000fff0"},
		{"info registers 3", "", "cpu 3 does not exist"},
		{"info block", "", "ide1-cd0: [not inserted]"},
		{"info pci", "", "pci"},
		{"info pic", "", "Error:"},
		{"sendkey ctrl-alt-f1 1", "+ctrl +alt +f1 -f1 -alt -ctrl", ""},
		{"sendkey ctrl-nokey 1", "+ctrl -ctrl", "no such key"},
		{"mouse_move 3 -4", "move", ""},
		{"mouse_move 3", "", "dy expected"},
		{"mouse_move x y", "", "not a number"},
		{"eject ide1-cd0", "eject", ""},
		{"eject -f ide1-cd0", "eject", ""},
		{"eject ide0-hd0", "", "no such drive"},
		{`change ide1-cd0 "my disc.iso"`, "change ide1-cd0 my disc.iso", ""},
		{"change vnc password s3cret", "password /s3cret/", ""},
		{"change vnc password", "", "the password is missing"},
		{"change vnc :1", "", "cannot be changed"},
		{"set_password vnc x", "password /x/", ""},
		{"set_password vnc x disconnect", "password /x/disconnect", ""},
		{"set_password vnc x fail", "", "somebody is connected"},
		{"set_password vnc x perhaps", "", "Invalid parameter 'connected'"},
		{"set_password spice x", "", "Invalid parameter 'protocol'"},
		{"expire_password vnc never", "never", ""},
		{"expire_password vnc now", "expires", ""},
		{"expire_password vnc +60", "expires", ""},
		{"expire_password vnc 99999999999999999999", "", "Invalid parameter 'time'"},
		{"info vnc", "", "127.0.0.1:4711 view only"},
		{"stop now", "", "extraneous argument"},
		{"frobnicate", "", "unknown command: 'frobnicate'"},
		{"info frobnicate", "", "unknown command"},
		{`stop "x`, "", "unterminated"},
		{"help stop", "", "pause the machine"},
		{"", "", ""},
	} {
		f := &fake{status: "prelaunch"}
		var out bytes.Buffer
		hmp.Run(monitor.NewTable(), f, &out, c.line)
		if f.said() != c.asked || !strings.Contains(out.String(), c.shown) {
			t.Errorf("%q: asked %q, answered %q; want %q and %q", c.line, f.said(), out.String(), c.asked, c.shown)
		}
	}
}

func TestScreendump_leavesNoHalfFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "screen.png")
	var out bytes.Buffer
	hmp.Run(monitor.NewTable(), &fake{}, &out, "screendump "+name)
	if b, err := os.ReadFile(name); err != nil || string(b) != "picture as png" {
		t.Errorf("the file has %q, %v", b, err)
	}
	hmp.Run(monitor.NewTable(), &fake{}, &out, "screendump "+name+".x bmp")
	if _, err := os.Stat(name + ".x"); err == nil {
		t.Error("a screendump in an unknown format left a file")
	}
}

// pipe is two ends of a stream.
func pipe(t *testing.T) (a, b net.Conn) {
	a, b = net.Pipe()
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

func TestHMP_editing(t *testing.T) {
	for _, c := range []struct{ typed, asked string }{
		{"stpo\x7f\x7fop\r", "stop"},
		{"xyz\x15stop\r", "stop"},
		{"stop\rc\r\x1b[A\x1b[A\r", "stop cont stop"},
		{"tops\x01\x1b[Fx\x7f\x15stop\r\n", "stop"},
		{"system_p\t\r", "powerdown"},
		{"top\x01s\r", "stop"},
	} {
		f := &fake{}
		a, b := pipe(t)
		go io.Copy(io.Discard, a)
		done := make(chan error)
		go func() { done <- hmp.Serve(monitor.NewTable(), f, b) }()
		io.WriteString(a, c.typed)
		a.Close()
		if err := <-done; err != nil && err != io.ErrClosedPipe && !strings.Contains(err.Error(), "closed pipe") {
			t.Errorf("%q: %v", c.typed, err)
		}
		if f.said() != c.asked {
			t.Errorf("%q: asked %q, want %q", c.typed, f.said(), c.asked)
		}
	}
}

func TestQMP_dialogue(t *testing.T) {
	f := &fake{status: "running"}
	s := &qmp.Server{Table: monitor.NewTable(), Control: f}
	a, b := pipe(t)
	go s.Serve(b)
	r := bufio.NewReader(a)
	line := func() string {
		l, err := r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	if g := line(); !strings.Contains(g, `"QMP"`) {
		t.Fatalf("greeting %s", g)
	}
	for _, c := range []struct{ send, want string }{
		{`{"execute":"query-status"}`, `"CommandNotFound"`},
		{`{"execute":"qmp_capabilities"}`, `"return":{}`},
		{`{"execute":"qmp_capabilities"}`, `already complete`},
		{`{"execute":"query-status","id":7}`, `"id":7,"return":{"running":true,"singlestep":false,"status":"running"}`},
		{`{"execute":"send-key","arguments":{"keys":[{"type":"qcode","data":"a"}],"hold-time":1}}`, `"return":{}`},
		{`{"execute":"send-key","arguments":{"keys":"a"}}`, `"error"`},
		{`{"execute":"send-key"}`, `'keys' is missing`},
		{`{"execute":"stop","arguments":{"now":1}}`, `'now' is unexpected`},
		{`{"execute":"screendump","arguments":{"filename":5}}`, `expected: string`},
		{`{"execute":"human-monitor-command","arguments":{"command-line":"info name"}}`, `"return":"test\n"`},
		{`{"execute":"nonsense"}`, `The command nonsense has not been found`},
		{`{"execute":`, ""},
		{`"}"}`, `has not been found`},
		{`{"exec":1}`, `lacks member 'execute'`},
		{`nonsense `, `JSON parse error`},
		{`{"execute":"query-version"}`, `"major":7`},
		{`{"execute":"query-commands"}`, `"system_powerdown"`},
	} {
		io.WriteString(a, c.send)
		if c.want == "" {
			continue
		}
		if got := line(); !strings.Contains(got, c.want) || !json.Valid([]byte(got)) {
			t.Errorf("%s\n-> %s\nwant %s", c.send, got, c.want)
		}
	}
	go s.Event("STOP", nil)
	if got := line(); !strings.Contains(got, `"event":"STOP"`) {
		t.Errorf("event %s", got)
	}
	if f.said() != "+a -a" {
		t.Errorf("asked %q", f.said())
	}
}

// TestQMP_stalledReader has one client that reads nothing: events must not wait for it, nor another client go without them.
func TestQMP_stalledReader(t *testing.T) {
	s := &qmp.Server{Table: monitor.NewTable(), Control: &fake{status: "running"}}
	var readers []*bufio.Reader
	for range 2 {
		a, b := pipe(t)
		go s.Serve(b)
		io.WriteString(a, `{"execute":"qmp_capabilities"}`)
		r := bufio.NewReader(a)
		for range 2 {
			if _, err := r.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
		}
		readers = append(readers, r)
	}
	for range 3000 {
		s.Event("RESET", map[string]any{"padding": strings.Repeat("x", 1000)})
	}
	s.Flush(time.Millisecond)
	for range 100 {
		if l, err := readers[1].ReadString('\n'); err != nil || !strings.Contains(l, "RESET") {
			t.Fatalf("%q, %v", l, err)
		}
	}
}

// rw is a stream made of a reader and a writer.
type rw struct {
	io.Reader
	io.Writer
}

func FuzzQMP(f *testing.F) {
	f.Add([]byte(`{"execute":"qmp_capabilities"}{"execute":"query-status","id":[1,{}]}`))
	f.Add([]byte(`{"execute":"qmp_capabilities"}{"execute":"human-monitor-command","arguments":{"command-line":"help"}}`))
	f.Add([]byte(`]]}}"\\"{[`))
	f.Fuzz(func(t *testing.T, in []byte) {
		if bytes.Contains(in, []byte("dump")) || bytes.Contains(in, []byte("key")) || bytes.Contains(in, []byte(`\u`)) {
			t.Skip("writes files, or holds keys for seconds")
		}
		var out bytes.Buffer
		s := &qmp.Server{Table: monitor.NewTable(), Control: &fake{}}
		if err := s.Serve(rw{bytes.NewReader(in), &out}); err != nil {
			t.Fatal(err)
		}
		for l := range bytes.Lines(out.Bytes()) {
			if !json.Valid(l) {
				t.Fatalf("answer is not JSON: %q", l)
			}
		}
	})
}

func FuzzHMP(f *testing.F) {
	f.Add([]byte("info status\r\x1b[A\x1b[D\x7f\t\r"))
	f.Add([]byte("help\n\x1b[1;5C\x01\x05\x15"))
	f.Fuzz(func(t *testing.T, in []byte) {
		// No commands that write files or hold keys for seconds, nor what completes to them.
		for _, word := range []string{"dump", "key", "\t"} {
			in = bytes.ReplaceAll(in, []byte(word), []byte("x"))
		}
		var out bytes.Buffer
		if err := hmp.Serve(monitor.NewTable(), &fake{}, rw{bytes.NewReader(in), &out}); err != nil {
			t.Fatal(err)
		}
	})
}
