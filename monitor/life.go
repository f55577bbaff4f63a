package monitor

import (
	"fmt"
	"io"
)

// do makes a command of what gives no result.
func do(f func(*Call)) func(*Call) (any, error) {
	return func(c *Call) (any, error) { f(c); return nil, nil }
}

// try makes a command of what can fail.
func try(f func(*Call) error) func(*Call) (any, error) {
	return func(c *Call) (any, error) { return nil, generic(f(c)) }
}

// lifeCommands start, stop and end the machine.
func lifeCommands() []*Command {
	return []*Command{
		{HMP: "quit", Alias: "q", QMP: "quit", Help: "end the machine", Run: do(func(c *Call) { c.Quit() })},
		{HMP: "stop", Alias: "s", QMP: "stop", Help: "pause the machine", Run: do(func(c *Call) { c.Stop() })},
		{HMP: "cont", Alias: "c", QMP: "cont", Help: "let the machine run on", Run: try(func(c *Call) error { return c.Cont() })},
		{HMP: "system_reset", QMP: "system_reset", Help: "press the reset button", Run: do(func(c *Call) { c.Reset() })},
		{HMP: "system_powerdown", QMP: "system_powerdown", Help: "press the power button", Run: do(func(c *Call) { c.PowerDown() })},
		{HMP: "system_wakeup", QMP: "system_wakeup", Help: "wake the guest from its sleep", Run: try(func(c *Call) error { return c.Wakeup() })},
		{HMP: "nmi", QMP: "inject-nmi", Help: "send every processor a non-maskable interrupt", Run: do(func(c *Call) { c.NMI() })},
		{HMP: "boot_set", Params: []Param{{Name: "bootdevice"}}, Help: "change the boot order for resets to come: boot_set cdn",
			Run: func(c *Call) (any, error) {
				order := c.Str("bootdevice")
				return order, generic(c.SetBootOrder(order))
			}, Print: func(w io.Writer, r any) { fmt.Fprintf(w, "boot device list now set to %s\n", r) }},
		{QMP: "set-action", Params: []Param{{Name: "reboot", Values: []string{"reset", "shutdown"}, Optional: true}, {Name: "shutdown", Values: []string{"poweroff", "pause"}, Optional: true}},
			Run: do(func(c *Call) { c.SetAction(c.Str("reboot"), c.Str("shutdown")) })},
		{HMP: "info status", QMP: "query-status", Help: "whether the machine runs", Returns: StatusInfo{}, Run: runStatus, Print: printStatus},
	}
}

// RunState is a machine's state.
type RunState string

// Values implements enum.
func (RunState) Values() []string {
	return []string{"debug", "internal-error", "paused", "prelaunch", "running", "shutdown", "suspended"}
}

// StatusInfo is query-status' result.
type StatusInfo struct {
	Running    bool     `json:"running"`
	Singlestep bool     `json:"singlestep"`
	Status     RunState `json:"status"`
}

func runStatus(c *Call) (any, error) {
	s := c.Status()
	return StatusInfo{Running: s == "running", Status: RunState(s), Singlestep: c.SingleStep()}, nil
}

func printStatus(w io.Writer, r any) {
	s := r.(StatusInfo)
	state, step := "paused", ""
	if s.Running {
		state = "running"
	}
	if s.Singlestep {
		step = " (single step mode)"
	}
	fmt.Fprintf(w, "VM status: %s%s", state, step)
	if !s.Running && s.Status != "paused" {
		fmt.Fprintf(w, " (%s)", s.Status)
	}
	fmt.Fprintln(w)
}
