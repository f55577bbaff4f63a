package monitor

import "io"

// absentCommands ask for what this machine cannot have yet, or what nothing is under way of: the answers are those that QEMU gives of a machine without it.
func absentCommands() []*Command {
	nothing := func(c *Call) (any, error) { return []struct{}{}, nil }
	says := func(s string) func(io.Writer, any) { return func(w io.Writer, _ any) { io.WriteString(w, s) } }
	all := []*Command{
		{HMP: "info spice", QMP: "query-spice", Help: "the SPICE server", Returns: SpiceInfo{}, Run: func(*Call) (any, error) { return SpiceInfo{MouseMode: "client"}, nil }, Print: says("Server: disabled\n")},
		{HMP: "info balloon", QMP: "query-balloon", Help: "the guest's memory balloon", Returns: balloonInfo{}, Run: func(*Call) (any, error) {
			return nil, errorf(DeviceNotActive, "No balloon device has been activated")
		}},
		{HMP: "info network", Help: "the networks", Run: func(*Call) (any, error) { return nil, nil }},
		{HMP: "info snapshots", Help: "the machine's snapshots", Run: func(*Call) (any, error) { return nil, nil }, Print: says("no block device can store vmstate for snapshot\n")},
		{HMP: "info migrate", QMP: "query-migrate", Help: "a migration under way", Returns: struct{}{}, Run: func(*Call) (any, error) { return struct{}{}, nil }},
	}
	for _, name := range []string{"query-block-jobs", "query-jobs", "query-iothreads", "query-tpm", "query-rx-filter", "query-memory-devices", "query-acpi-ospm-status", "query-fdsets"} {
		all = append(all, &Command{QMP: name, Returns: []struct{}{}, Run: nothing})
	}
	return all
}

// SpiceInfo is query-spice's result.
type SpiceInfo struct {
	Enabled   bool   `json:"enabled"`
	Migrated  bool   `json:"migrated"`
	MouseMode string `json:"mouse-mode"`
}

type balloonInfo struct {
	Actual int64 `json:"actual"`
}
