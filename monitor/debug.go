package monitor

import (
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

func debugCommands() []*Command {
	name := Param{Name: "name", Complete: traceNames}
	return []*Command{
		{HMP: "log", Params: []Param{{Name: "items", Complete: logNames}}, Help: "say what is logged: log item1,item2 or none (log help lists the items)", Run: runLog, Print: printText},
		{HMP: "logfile", Params: []Param{{Name: "filename", Type: File}}, Help: "say where the log goes", Run: try(func(c *Call) error { return c.SetLogFile(c.Str("filename")) })},
		{HMP: "info trace-events", Params: []Param{{Name: "name", Optional: true}}, Help: "what can be traced", Run: runTraceList, Print: printTraceList},
		{HMP: "trace-event", Params: []Param{name, {Name: "option", Type: Bool}}, Help: "trace events whose names fit a pattern: trace-event NAME on|off", Run: try(func(c *Call) error { return setTrace(c, c.Bool("option")) })},
		{QMP: "trace-event-get-state", Params: []Param{{Name: "name"}}, Returns: []TraceState{}, Run: runTraceState},
		{QMP: "trace-event-set-state", Params: []Param{{Name: "name"}, {Name: "enable", Type: Bool}, {Name: "ignore-unavailable", Type: Bool, Optional: true}}, Run: try(func(c *Call) error { return setTrace(c, c.Bool("enable")) })},
		{HMP: "singlestep", Params: []Param{{Name: "option", Type: String, Optional: true, Values: []string{"on", "off"}}}, Help: "run one instruction at a time, on or off", Run: try(func(c *Call) error {
			switch o := c.Str("option"); o {
			case "", "on":
				c.SetSingleStep(true)
			case "off":
				c.SetSingleStep(false)
			default:
				return errorf(GenericError, "unexpected option %s", o)
			}
			return nil
		})},
		{HMP: "gdbserver", Params: []Param{{Name: "device", Optional: true}}, Help: "let gdb connect: gdbserver [tcp::PORT|none]", Run: runGDB, Print: printText},
	}
}

func logNames(c Control) (names []string) {
	for _, i := range c.LogItems() {
		names = append(names, i.Name)
	}
	return append(names, "none", "help")
}

func runLog(c *Call) (any, error) {
	words := strings.Split(c.Str("items"), ",")
	if len(words) == 1 && words[0] == "none" {
		return "", generic(c.SetLog(nil))
	}
	known := logNames(c)
	for _, w := range words {
		if w == "help" || !slices.Contains(known, w) && !strings.HasPrefix(w, "trace:") {
			return LogHelp(c), nil
		}
	}
	return "", generic(c.SetLog(words))
}

// LogHelp lists what can be logged.
func LogHelp(d Debug) string {
	var b strings.Builder
	b.WriteString("Log items (comma separated):\nnone            remove all logs\n")
	for _, i := range d.LogItems() {
		fmt.Fprintf(&b, "%-15s %s\n", i.Name, i.Help)
	}
	b.WriteString("trace:PATTERN   enable trace events\n")
	return b.String()
}

func traceNames(c Control) (names []string) {
	for _, e := range c.TraceEvents() {
		names = append(names, e.Name)
	}
	return names
}

func setTrace(c *Call, on bool) error {
	if !c.SetTrace(c.Str("name"), on) {
		return errorf(GenericError, "unknown event \"%s\"", c.Str("name"))
	}
	return nil
}

// fitting are the events whose names fit a pattern; "" is all.
func fitting(c *Call, pattern string) (all []TraceEvent) {
	for _, e := range c.TraceEvents() {
		if ok, _ := path.Match(pattern, e.Name); ok || pattern == "" {
			all = append(all, e)
		}
	}
	return all
}

func runTraceList(c *Call) (any, error) { return fitting(c, c.Str("name")), nil }

func printTraceList(w io.Writer, r any) {
	for _, e := range r.([]TraceEvent) {
		fmt.Fprintf(w, "%s : state %d\n", e.Name, b2i(e.On))
	}
}

// TraceState is a line of trace-event-get-state.
type TraceState struct {
	Name  string     `json:"name"`
	State TraceOnOff `json:"state"`
	VCPU  bool       `json:"vcpu"`
}

// TraceOnOff is whether an event is traced.
type TraceOnOff string

// Values implements enum.
func (TraceOnOff) Values() []string { return []string{"unavailable", "disabled", "enabled"} }

func runTraceState(c *Call) (any, error) {
	all := []TraceState{}
	for _, e := range fitting(c, c.Str("name")) {
		all = append(all, TraceState{Name: e.Name, State: map[bool]TraceOnOff{true: "enabled", false: "disabled"}[e.On]})
	}
	if len(all) == 0 && !strings.ContainsAny(c.Str("name"), "*?") {
		return nil, errorf(GenericError, "unknown event \"%s\"", c.Str("name"))
	}
	return all, nil
}

// defaultGDB is where gdb is expected.
const defaultGDB = "tcp::1234"

func runGDB(c *Call) (any, error) {
	device := c.Str("device")
	if device == "" {
		device = defaultGDB
	}
	d := c.Debugger()
	if d == nil {
		if device == "none" {
			return "Disabled gdbserver\n", nil
		}
		return nil, errorf(GenericError, "this machine has no debugger's stub")
	}
	if err := d.Listen(device); err != nil {
		return nil, generic(err)
	}
	if device == "none" {
		return "Disabled gdbserver\n", nil
	}
	return fmt.Sprintf("Waiting for gdb connection on device '%s'\n", device), nil
}
