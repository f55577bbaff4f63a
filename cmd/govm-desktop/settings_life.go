package main

import (
	"strings"

	"govm-desktop/cmd/govm-desktop/options"
	"govm-desktop/cpu"
)

func monitorOptions() []option {
	const part = "Monitors"
	return []option{
		{Name: "monitor", Part: part, Arg: "DEV", Help: "monitor for people on a stream as for -serial", Values: streamWords, Set: list(func(s *settings) *[]string { return &s.monitors })},
		{Name: "qmp", Part: part, Arg: "DEV", Help: "monitor for programs, e.g. unix:PATH,server=on,wait=off", Values: streamWords, Set: list(func(s *settings) *[]string { return &s.qmps })},
	}
}

func lifeOptions() []option {
	const part = "The machine's life"
	return []option{
		{Name: "S", Part: part, Help: "do not start before the monitor says cont", Set: flag(func(s *settings) *bool { return &s.stopped })},
		{Name: "no-reboot", Part: part, Help: "end instead of rebooting (-action reboot=shutdown)", Set: flag(func(s *settings) *bool { return &s.noReboot })},
		{Name: "no-shutdown", Part: part, Help: "stop instead of ending when the guest switches itself off (-action shutdown=pause)", Set: flag(func(s *settings) *bool { return &s.noShutdown })},
		{Name: "action", Part: part, Arg: "reboot=reset|shutdown,shutdown=poweroff|pause", Help: "what becomes of the guest's wishes", Config: "action", Keys: []options.Key{
			{Name: "reboot", Help: "when it reboots", Values: []string{"reset", "shutdown"}}, {Name: "shutdown", Help: "when it switches itself off", Values: []string{"poweroff", "pause"}}}, Set: (*settings).action},
	}
}

// action is -action: each key alone changes what it names.
func (s *settings) action(o *options.Opts) error {
	if v, ok := o.Get("reboot"); ok {
		s.noReboot = v == "shutdown"
	}
	if v, ok := o.Get("shutdown"); ok {
		s.noShutdown = v == "pause"
	}
	return nil
}

func programOptions() []option {
	const part = "The program"
	help := func(f func() string) func(*settings, *options.Opts) error {
		return func(*settings, *options.Opts) error { return options.Help(f()) }
	}
	return []option{
		{Name: "readconfig", Part: part, Arg: "FILE", Files: true, Help: `read options from a file with lines [drive "id"] and key = "value"`},
		{Name: "writeconfig", Part: part, Arg: "FILE", Files: true, Help: "write the options before and after it to such a file (- is standard output)"},
		{Name: "version", Part: part, Help: "print the version", Set: help(func() string { return "govm-desktop " + version() + "\n" })},
		{Name: "help", Also: []string{"h"}, Part: part, Help: "print this", Set: help(func() string { return table().Usage() })},
		{Name: "print", Part: part, Arg: "man|bash", Help: "print the manual page, or completions for bash", Values: []string{"man", "bash"}, Set: func(_ *settings, o *options.Opts) error {
			switch o.Text {
			case "man":
				return options.Help(table().Man(version()))
			case "bash":
				return options.Help(table().Bash())
			}
			return o.Fail("man or bash belongs there")
		}},
	}
}

// cpuList is -cpu help.
func cpuList() string {
	var b strings.Builder
	b.WriteString("Available CPUs:\nx86 qemu64                the default\nx86 max                   all that this processor can do\n\nRecognized CPUID flags, switched by +NAME, -NAME or NAME=on|off after the model:\n")
	line := " "
	for _, n := range cpu.FeatureNames() {
		if len(line)+len(n) > 76 {
			b.WriteString(line + "\n")
			line = " "
		}
		line += " " + n
	}
	b.WriteString(line + "\n")
	return b.String()
}
