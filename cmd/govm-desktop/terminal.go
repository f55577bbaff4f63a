package main

import (
	"bytes"
	"strconv"
	"strings"

	"govm-desktop/chardev/mux"
	"govm-desktop/cmd/govm-desktop/options"
	"govm-desktop/monitor"
	"govm-desktop/monitor/hmp"
)

// ctrlA is the key that begins the commands of a shared terminal.
const ctrlA = 0x01

// terminalOptions are those of terminals that several share.
func terminalOptions() []option {
	return []option{
		{Name: "echr", Part: "Character devices", Arg: "CODE", Help: "what begins the commands of a shared terminal, by its ASCII code, in place of Ctrl-A (1)", Set: func(s *settings, o *options.Opts) error {
			n, err := strconv.ParseUint(o.Text, 0, 8)
			if err != nil || n > 0x7f {
				return o.Fail("an ASCII code from 0 to 127 belongs there")
			}
			s.escape = byte(n)
			return nil
		}},
	}
}

// prepare gives a shared stream its commands.
func (s *streams) prepare(m *mux.Mux) {
	m.SetEscape(s.escape)
	m.OnSave(func() { m.Say(s.save()) })
}

// commitAll is Ctrl-A s: the monitor's commit all.
func (p *program) commitAll() string {
	if p.table.ByHMP("commit") == nil {
		return "\r\nnothing is saved: images cannot take back yet what -snapshot keeps\r\n"
	}
	var out bytes.Buffer
	hmp.Run(p.table, &control{p}, &monitor.Session{}, &out, "commit all")
	return "\r\n" + strings.ReplaceAll(out.String(), "\n", "\r\n")
}
