package monitor

// lifeCommands start, stop and end the machine.
func lifeCommands() []*Command {
	do := func(f func(Control)) func(Control, Args) (any, error) {
		return func(c Control, _ Args) (any, error) { f(c); return nil, nil }
	}
	return []*Command{
		{HMP: "quit", Alias: "q", QMP: "quit", Help: "end the machine", Run: do(Control.Quit)},
		{HMP: "stop", Alias: "s", QMP: "stop", Help: "pause the machine", Run: do(Control.Stop)},
		{HMP: "cont", Alias: "c", QMP: "cont", Help: "let the machine run on", Run: func(c Control, _ Args) (any, error) { return nil, c.Cont() }},
		{HMP: "system_reset", QMP: "system_reset", Help: "press the reset button", Run: do(Control.Reset)},
		{HMP: "system_powerdown", QMP: "system_powerdown", Help: "press the power button", Run: do(Control.PowerDown)},
		{HMP: "system_wakeup", QMP: "system_wakeup", Help: "wake the guest from its sleep", Run: do(Control.Wakeup)},
	}
}
