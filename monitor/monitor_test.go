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
	"govm-desktop/x86"
)

func TestHMP_commands(t *testing.T) {
	file := filepath.Join(t.TempDir(), "out")
	for _, c := range []struct {
		line  string
		asked string // what the machine was told
		shown string // what the answer contains
	}{
		{"stop", "stop", ""},
		{"c", "cont", ""},
		{"system_reset", "reset", ""},
		{"system_powerdown", "powerdown", ""},
		{"system_wakeup", "", "Error: not asleep"},
		{"q", "quit", ""},
		{"nmi", "nmi", ""},
		{"boot_set dc", "boot dc", "boot device list now set to dc"},
		{"boot_set z", "", "Error: no such drive"},
		{"info status", "", "VM status: paused (prelaunch)"},
		{"info version", "", "govm-desktop 1"},
		{"info uuid", "", "00000000-0000"},
		{"info cpus", "", "* CPU #0: thread_id=100\n  CPU #1: thread_id=101"},
		{"info kvm", "", "kvm support: disabled"},
		{"cpu 1", "", ""},
		{"cpu 7", "", "invalid CPU index"},
		{"info registers", "", "EIP=0000fff0 EFL=00000002"},
		{"info registers 1", "", "CPU#1\nEAX="},
		{"info registers -a", "", "CPU#1\nEAX="},
		{"info registers 3", "", "CPU#3 not available"},
		{"info mem", "", "PG disabled"},
		{"info tlb", "", "PG disabled"},
		{"info lapic", "", "state of lapic0"},
		{"info lapic 1", "", "state of lapic1"},
		{"info block", "", "ide1-cd0: [not inserted]\n    Attached to:      /machine/cd\n    Removable device: not locked, tray closed"},
		{"info block ide0-hd0", "", "ide0-hd0 (ide0-hd0): a.img (raw)"},
		{"info block nosuch", "", "Device 'nosuch' not found"},
		{"info blockstats", "", "ide0-hd0: rd_bytes=2560 wr_bytes=0 rd_operations=5"},
		{"info pci", "", "BAR0: 32 bit prefetchable memory at 0xfd000000 [0xfdffffff]"},
		{"info pci", "", "IRQ 9, pin A"},
		{"info pic", "", "state of pic"},
		{"info device nothing", "", "Error:"},
		{"info irq", "", " 0: 19\n 2: 2"},
		{"info roms", "", "addr=00000000fffc0000 size=0x040000 mem=rom name=\"bios.bin\""},
		{"info mtree", "", "alias low @ram 0000000000000000-0000000000000fff"},
		{"info mtree -f", "", "(prio 0, ram): ram @0000000000000010"},
		{"info usb", "", "Device 0.2, Port 1, Speed 12 Mb/s, Product Tablet, ID: t"},
		{"info usbhost", "", "USB device 046d:c52b, Hub"},
		{"info chardev", "", "serial0: filename=null"},
		{"info mice", "", "* Mouse #3: mouse"},
		{"info spice", "", "disabled"},
		{"info balloon", "", "No balloon device"},
		{"info snapshots", "", "no block device"},
		{"info migrate", "", ""},
		{"info network", "", ""},
		{"info qtree", "", "dev: lamp-type, id \"lamp\"\n    light = 1 (0x1)\n    colour = \"red\""},
		{"info qom-tree", "", "/machine (board-machine)\n  /lamp (lamp-type)"},
		{"info trace-events", "", "key_down : state 0\nkey_up : state 0"},
		{"info trace-events *up", "", "key_up : state 0"},
		{"info", "", "info status -- whether"},
		{"qom-list /machine", "", "lamp (child<lamp-type>)"},
		{"qom-get /machine/lamp light", "", "1\n"},
		{"qom-set /machine/lamp light 5", "light=5", ""},
		{"sendkey ctrl-alt-f1 1", "+ctrl +alt +f1 -f1 -alt -ctrl", ""},
		{"sendkey ctrl-nokey 1", "+ctrl -ctrl", "invalid parameter: nokey"},
		{"mouse_move 3 -4", "move3,-4", ""},
		{"mouse_move 3 (2+2) 1", "move3,4 wheel0,-1", ""},
		{"mouse_move 3", "", "unexpected end of expression"},
		{"mouse_move x y", "", "invalid number 'x' in expression"},
		{"mouse_button 5", "btn0x110 btn0x112", ""},
		{"mouse_set 3", "mouse3", ""},
		{"mouse_set 4", "", "no such mouse"},
		{"eject ide1-cd0", "eject ide1-cd0 false", ""},
		{"eject -f ide1-cd0", "eject ide1-cd0 true", ""},
		{"eject ide1-cd0 -f", "eject ide1-cd0 true", ""},
		{"eject ide0-hd0", "", "not removable"},
		{"eject nosuch", "", "Device 'nosuch' not found"},
		{`change ide1-cd0 "my disc.iso"`, "change ide1-cd0 my disc.iso  ", ""},
		{"change ide1-cd0 a.iso raw read-only", "change ide1-cd0 a.iso raw read-only", ""},
		{"change vnc password s3cret", "password /s3cret/", ""},
		{"change vnc password", "", "the password is missing"},
		{"change vnc :1", "", "cannot be changed"},
		{"set_password vnc x", "password /x/", ""},
		{"set_password vnc x disconnect", "password /x/disconnect", ""},
		{"set_password vnc x fail", "", "somebody is connected"},
		{"set_password vnc x perhaps", "", "Parameter 'connected' does not accept value 'perhaps'"},
		{"set_password spice x", "", "SPICE is not in use"},
		{"set_password smoke x", "", "Parameter 'protocol' does not accept value 'smoke'"},
		{"expire_password vnc never", "never", ""},
		{"expire_password vnc now", "expires", ""},
		{"expire_password vnc +60", "expires", ""},
		{"expire_password vnc 99999999999999999999", "", "Invalid parameter 'time'"},
		{"info vnc", "", "default:\n  Server: 127.0.0.1:5900 (ipv4)\n    Auth: vnc\n  Client: 127.0.0.1:4711 (ipv4)"},
		{"usb_add tablet", "usb+tablet", ""},
		{"usb_del 0.2", "usb-0.2", ""},
		{"device_add lamp,id=l2,watts=60,note=a,,b", "device+lamp/l2[[watts 60] [note a,b]]", ""},
		{"device_add lamp,id=l1", "", "Duplicate device ID 'l1'"},
		{"device_add nosuch", "", "'nosuch' is not a valid device model name"},
		{"device_del l1", "device-l1", ""},
		{"device_del l9", "", "Device 'l9' not found"},
		{"chardev-add ringbuf,id=r,size=64", "chardev+r:ringbuf[[size 64]]", ""},
		{"chardev-add null", "", "Parameter 'id' is missing"},
		{"chardev-add null,id=serial0", "", "Chardev with id 'serial0' already exists"},
		{"chardev-change serial0 file,path=x", "chardev=serial0:file[[path x]]", ""},
		{"chardev-remove serial0", "chardev-serial0", ""},
		{"chardev-remove x", "", "Chardev 'x' not found"},
		{"chardev-send-break serial0", "break serial0", ""},
		{"ringbuf_read serial0 4", "", "ring"},
		{"ringbuf_write serial0 abc", `ring "abc"`, ""},
		{"x/4xb 0x100", "", "0000000000000100: 0x11 0x22 0x33 0x44\n"},
		{"xp/2xw 0x100", "", "0000000000000100: 0x44332211 0x88776655\n"},
		{"xp/2dh 0x106", "", "0000000000000106: -30601     0\n"},
		{"xp/1ub 0x107", "", "0000000000000107: 136\n"},
		{"xp/1ob 0x107", "", "0210"},
		{"xp/gx 0x100", "", "0x8877665544332211"},
		{"xp/2c 0x100", "", `'\x11' '"'`},
		{"xp/2xw 0x20000", "", "0x00020000 0x00020004"},
		{"xp/3i 0x200", "", "0x00000200:  90                       nop\n0x00000201:  f4                       hlt"},
		{"xp/99999999 0", "", "items are shown at once"},
		{"xp/q 0", "", "invalid char in format: 'q'"},
		{"p 2+3*4", "", "0xe\n"},
		{"p/d -(7/2)", "", "-3\n"},
		{"p/u -1", "", "18446744073709551615"},
		{"p/c 65", "", "'A'"},
		{"p/o 8", "", "010"},
		{"p $eip+1", "", "0xfff1"},
		{"p $pc", "", "0xfffffff0"},
		{"p $cs.base|1", "", "0xffff0001"},
		{"p $nosuch", "", "unknown register"},
		{"p 1/0", "", "division by zero"},
		{"p (1", "", "')' expected"},
		{"p 'a'", "", "0x61"},
		{"i/b 0x70", "", "portb[0x0070] = 0x70"},
		{"i/h 0x170", "", "portw[0x0170] = 0x0170"},
		{"i/b 0x70 5", "out1:0x70=0x5", "portb[0x0071] = 0x71"},
		{"o/w 0xcf8 0x80000000", "out4:0xcf8=0x80000000", ""},
		{"gva2gpa 0x1234", "", "gpa: 0x1234"},
		{"memsave 0x100 4 " + file, "", ""},
		{"pmemsave 0x100 4 /no/such/file", "", "Could not open '/no/such/file'"},
		{"pmemsave 0x100 0-1 " + file, "", "Parameter 'size'"},
		{"log int,cpu_reset", "log [int cpu_reset]", ""},
		{"log none", "log []", ""},
		{"log help", "", "cpu_reset       resets"},
		{"logfile x", "logfile x", ""},
		{"trace-event key* on", "", ""},
		{"trace-event nosuch on", "", "unknown event \"nosuch\""},
		{"trace-event key_up perhaps", "", "'on' or 'off' expected"},
		{"singlestep", "", ""},
		{"singlestep maybe", "", "unexpected option maybe"},
		{"gdbserver", "gdb tcp::1234", "Waiting for gdb connection on device 'tcp::1234'"},
		{"gdbserver none", "gdb none", "Disabled gdbserver"},
		{"screendump " + file + " -f png VGA 0", "", ""},
		{"screendump " + file + " -f bmp", "", "formats are png and ppm"},
		{"screendump " + file + " broken", "", "broken screen"},
		{"stop now", "", "extraneous characters at the end of line"},
		{"frobnicate", "", "unknown command: 'frobnicate'"},
		{"info frobnicate", "", "unknown command"},
		{`eject "x`, "", "unterminated"},
		{"help stop", "", "pause the machine"},
		{"help info status", "", "info status -- "},
		{"help", "", "xp/fmt addr -- "},
		{"", "", ""},
	} {
		f := &fake{status: "prelaunch", state: x86.Reset(true)}
		copy(f.ram[0x100:], "\x11\x22\x33\x44\x55\x66\x77\x88")
		copy(f.ram[0x200:], "\x90\xf4\x90")
		var out bytes.Buffer
		hmp.Run(monitor.NewTable(), f, &monitor.Session{}, &out, c.line)
		if f.said() != c.asked || !strings.Contains(out.String(), c.shown) {
			t.Errorf("%q: asked %q, answered %q; want %q and %q", c.line, f.said(), out.String(), c.asked, c.shown)
		}
	}
}

// TestInfoMem_hostile has page tables that point at themselves: the walk ends.
func TestInfoMem_hostile(t *testing.T) {
	f := &fake{}
	f.state.CR0, f.state.CR3, f.state.CR4, f.state.EFER = 0x80000001, 0x1000, 0x20, 0x500
	for i := range 512 {
		copy(f.ram[0x1000+8*i:], "\x07\x10") // each entry is the table itself
	}
	for _, line := range []string{"info mem", "info tlb"} {
		var out bytes.Buffer
		hmp.Run(monitor.NewTable(), f, &monitor.Session{}, &out, line)
		if !strings.HasSuffix(out.String(), "and more\n") {
			t.Errorf("%s: %d bytes", line, out.Len())
		}
	}
}

func TestHMP_withoutSubsystems(t *testing.T) {
	for line, want := range map[string]string{"info usb": "USB support not enabled", "usb_add x": "USB support not enabled", "info chardev": "cannot be changed"} {
		var out bytes.Buffer
		hmp.Run(monitor.NewTable(), &fake{bare: true}, &monitor.Session{}, &out, line)
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s: %s", line, out.String())
		}
	}
}

func TestMemsave_contents(t *testing.T) {
	f := &fake{}
	copy(f.ram[0x100:], "hello")
	name := filepath.Join(t.TempDir(), "dump")
	var out bytes.Buffer
	hmp.Run(monitor.NewTable(), f, &monitor.Session{}, &out, "pmemsave 0x100 5 "+name)
	if b, err := os.ReadFile(name); err != nil || string(b) != "hello" {
		t.Errorf("%q %v %s", b, err, out.String())
	}
}

func TestScreendump_leavesNoHalfFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "screen.png")
	var out bytes.Buffer
	hmp.Run(monitor.NewTable(), &fake{}, &monitor.Session{}, &out, "screendump "+name)
	if b, err := os.ReadFile(name); err != nil || string(b) != "picture as png of  0" {
		t.Errorf("the file has %q, %v", b, err)
	}
	hmp.Run(monitor.NewTable(), &fake{}, &monitor.Session{}, &out, "screendump "+name+".x -f bmp")
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
		{"stop now\x17\x7f\r", "stop"},
		{"xstop\x01\x04\r", "stop"},
		{"xstop\x1b[H\x1b[3~\r", "stop"},
		{"stopüß\x7f\x7f\r", "stop"},
		{"stop\x02\x02xy\x7f\x7f\r", "stop"},
		{"junk\x03stop\r", "stop"},
		{"stop\rco\x10\x0ent\r", "stop cont"},
		{"sendk\tctrl-al\t1\r", "+ctrl +alt -alt -ctrl"},
		{"ej\tide1\t\r", "eject ide1-cd0 false"},
		{"usb_d\t\t\r", "usb-0.2"},
		{"stopx\x02\x0b\r", "stop"},
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
		{`{"execute":"human-monitor-command","arguments":{"command-line":"info name"}}`, `"return":"test\r\n"`},
		{`{"execute":"nonsense"}`, `The command nonsense has not been found`},
		{`{"execute":`, ""},
		{`"}"}`, `has not been found`},
		{`{"exec":1}`, `member 'exec' is unexpected`},
		{`{"id":1}`, `lacks member 'execute'`},
		{`{"execute":1}`, `'execute' must be a string`},
		{`{"execute":"stop","arguments":[]}`, `'arguments' must be an object`},
		{`[1]`, `must be a JSON object`},
		{`{"execute":"input-send-event","arguments":{"events":[{"type":"key","data":{"down":true,"key":{"type":"qcode","data":"a"}}},{"type":"rel","data":{"axis":"y","value":-2}},{"type":"abs","data":{"axis":"x","value":7}},{"type":"abs","data":{"axis":"y","value":9}},{"type":"btn","data":{"down":true,"button":"wheel-up"}},{"type":"btn","data":{"down":true,"button":"side"}}]}}`, `"return":{}`},
		{`{"execute":"input-send-event","arguments":{"events":[{"type":"key","data":{"down":true,"key":{"type":"qcode","data":"zz"}}}]}}`, `does not accept value 'zz'`},
		{`{"execute":"input-send-event","arguments":{"events":[{"type":"key"}]}}`, `'data' is missing`},
		{`{"execute":"input-send-event","arguments":{"events":[{"type":"wink","data":{}}]}}`, `does not accept value 'wink'`},
		{`{"execute":"chardev-add","arguments":{"id":"p","backend":{"type":"pty","data":{}}}}`, `"pty":"/dev/pts/7"`},
		{`{"execute":"chardev-add","arguments":{"id":"s","backend":{"type":"socket","data":{"addr":{"type":"unix","data":{"path":"/x"}},"server":true}}}}`, `"return":{}`},
		{`{"execute":"chardev-add","arguments":{"id":"s","backend":{"type":"socket","data":{"addr":{"type":"unix","data":{"pth":"/x"}}}}}}`, `'path' is missing`},
		{`{"execute":"device_add","arguments":{"driver":"lamp","id":"n","watts":60,"on":true}}`, `"return":{}`},
		{`{"execute":"device-list-properties","arguments":{"typename":"lamp"}}`, `"description":"how bright"`},
		{`{"execute":"device-list-properties","arguments":{"typename":"x"}}`, `"DeviceNotFound"`},
		{`{"execute":"eject","arguments":{}}`, `Need exactly one of`},
		{`{"execute":"eject","arguments":{"id":"/machine/cd","force":true}}`, `"return":{}`},
		{`{"execute":"blockdev-open-tray","arguments":{"device":"ide1-cd0"}}`, `"return":{}`},
		{`{"execute":"query-balloon"}`, `"DeviceNotActive"`},
		{`{"execute":"qom-get","arguments":{"path":"/machine/lamp","property":"type"}}`, `"lamp-type"`},
		{`{"execute":"qom-set","arguments":{"path":"/machine/lamp","property":"colour","value":"x"}}`, `not writable`},
		{`{"execute":"qom-set","arguments":{"path":"/machine/lamp","property":"light","value":7}}`, `"return":{}`},
		{`{"execute":"human-monitor-command","arguments":{"command-line":"cpu 0","cpu-index":9}}`, `expects a CPU number`},
		{`{"execute":"memsave","arguments":{"val":18446744073709551615,"size":1.5,"filename":"x"}}`, `'size', expected: integer`},
		{`{"execute":"trace-event-get-state","arguments":{"name":"key*"}}`, `"state":"disabled"`},
		{`{"execute":"set-action","arguments":{"reboot":"never"}}`, `does not accept value 'never'`},
		{`{"execute":"set-action","arguments":{"reboot":"shutdown"}}`, `"return":{}`},
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
	if f.said() != "+a -a +a move0,-2 at7,9 wheel0,1 btn0x113 chardev+p:pty[] chardev+s:socket[[path /x] [server on] [wait off]] device+lamp/n[[on on] [watts 60]] eject ide1-cd0 true open ide1-cd0 false light=7 action shutdown/" {
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
