package monitor_test

import (
	"bytes"
	"encoding/json"
	"io"
	"testing"

	"govm-desktop/monitor"
	"govm-desktop/monitor/hmp"
	"govm-desktop/monitor/qmp"
)

// rw is a stream made of a reader and a writer.
type rw struct {
	io.Reader
	io.Writer
}

// harmless is the table without what writes files or holds keys for seconds.
func harmless() *monitor.Table {
	t := monitor.NewTable()
	t.All(func(c *monitor.Command) {
		switch c.HMP + "/" + c.QMP {
		case "screendump/", "/screendump", "memsave/", "/memsave", "pmemsave/pmemsave", "sendkey/", "/send-key":
			c.Run = func(*monitor.Call) (any, error) { return nil, nil }
		}
	})
	return t
}

func FuzzQMP(f *testing.F) {
	table := harmless()
	f.Add([]byte(`{"execute":"query-status","id":[1,{}]}`))
	f.Add([]byte(`{"execute":"human-monitor-command","arguments":{"command-line":"help"}}`))
	f.Add([]byte(`{"execute":"chardev-add","arguments":{"id":"s","backend":{"type":"socket","data":{"addr":{"type":"inet","data":{"host":"h","port":"1"}},"server":true}}}}`))
	f.Add([]byte(`{"execute":"input-send-event","arguments":{"events":[{"type":"key","data":{"down":true,"key":{"type":"number","data":30}}},{"type":"abs","data":{"axis":"x","value":1e3}}]}}`))
	f.Add([]byte(`{"execute":"device_add","arguments":{"driver":"lamp","x":[null]}}{"execute":"qom-set","arguments":{"path":"/machine/lamp","property":"light","value":{}}}`))
	f.Add([]byte(`]]}}"\\"{[`))
	f.Fuzz(func(t *testing.T, in []byte) {
		var out bytes.Buffer
		s := &qmp.Server{Table: table, Control: &fake{}}
		if err := s.Serve(rw{bytes.NewReader(append([]byte(`{"execute":"qmp_capabilities"}`), in...)), &out}); err != nil {
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
	table := harmless()
	f.Add([]byte("info status\r\x1b[A\x1b[D\x7f\t\r"))
	f.Add([]byte("help\n\x1b[1;5C\x01\x05\x15"))
	f.Add([]byte("x/4xg ($pc+4)*2\rxp/3i 0\rp/c 'a'\rinfo mem\rinfo tlb\r"))
	f.Add([]byte("sendk\tctrl-a\t\x10\x0e\x17\xc3\xbc\x02\x04\r"))
	f.Add([]byte("device_add lamp,id=,,a=b\rchardev-add null,id=q\rchange vnc password\rlog trace:*\r"))
	f.Fuzz(func(t *testing.T, in []byte) {
		m := &fake{}
		m.state.CR0, m.state.CR3 = 0x80000001, 0x1000 // paging, with tables of what is typed
		copy(m.ram[0x1000:], bytes.Repeat(in, 64))
		if len(in) > 0 && in[0]&1 != 0 {
			m.state.CR4 = 0x30
		}
		if len(in) > 1 && in[1]&1 != 0 {
			m.state.EFER = 0x500
		}
		var out bytes.Buffer
		if err := hmp.Serve(table, m, rw{bytes.NewReader(in), &out}); err != nil {
			t.Fatal(err)
		}
	})
}
