package monitor

import (
	"fmt"
	"io"
)

func driveCommands() []*Command {
	return []*Command{
		{HMP: "info block", QMP: "query-block", Help: "the drives", Run: runBlocks, Print: printBlocks},
		{HMP: "eject", QMP: "eject", Params: []Param{{"-f", Flag, true}, {"device", String, false}}, Help: "take the medium out of a drive: eject [-f] DEVICE", Run: runEject},
		{HMP: "change", QMP: "change", Params: []Param{{"device", String, false}, {"target", File, false}, {"arg", String, true}},
			Help: "put another medium in a drive: change DEVICE FILE [FORMAT], or change vnc password SECRET", Run: runChange},
	}
}

func drive(err error) error {
	if err == nil {
		return nil
	}
	return errorf(GenericError, "%v", err)
}

func runEject(c Control, a Args) (any, error) {
	return nil, drive(c.Eject(a.Str("device"), a.Bool("-f") || a.Bool("force")))
}

func runBlocks(c Control, _ Args) (any, error) {
	out := []map[string]any{}
	for _, b := range c.Blocks() {
		m := map[string]any{"device": b.Device, "type": "unknown", "removable": b.Removable, "locked": b.Locked, "tray_open": b.TrayOpen}
		if b.File != "" {
			m["inserted"] = map[string]any{"file": b.File, "drv": b.Format, "ro": b.ReadOnly}
		}
		out = append(out, m)
	}
	return out, nil
}

func printBlocks(w io.Writer, r any) {
	for _, m := range r.([]map[string]any) {
		in, ok := m["inserted"].(map[string]any)
		if !ok {
			fmt.Fprintf(w, "%s: [not inserted]\n", m["device"])
		} else {
			fmt.Fprintf(w, "%s: %s (%s", m["device"], in["file"], in["drv"])
			if in["ro"].(bool) {
				io.WriteString(w, ", read-only")
			}
			fmt.Fprintln(w, ")")
		}
		if m["removable"].(bool) {
			fmt.Fprintf(w, "    Removable device: %slocked, tray %s\n", map[bool]string{true: "", false: "not "}[m["locked"].(bool)], map[bool]string{true: "open", false: "closed"}[m["tray_open"].(bool)])
		}
	}
}
