package main

import (
	"fmt"
	"strings"

	"govm-desktop/cmd/govm-desktop/options"
	"govm-desktop/cpu"
)

func monitorOptions() []option {
	const part = "Monitors"
	return []option{
		{Name: "monitor", Part: part, Arg: "DEV", Help: "monitor for people on a stream as for -serial", Values: streamWords, Set: list(func(s *settings) *[]string { return &s.monitors })},
		{Name: "qmp", Part: part, Arg: "DEV", Help: "monitor for programs, e.g. unix:PATH,server=on,wait=off", Values: streamWords, Set: list(func(s *settings) *[]string { return &s.qmps })},
		{Name: "qmp-pretty", Part: part, Arg: "DEV", Help: "the same with messages of many lines", Values: streamWords, Set: list(func(s *settings) *[]string { return &s.prettyQMPs })},
		{Name: "mon", Part: part, Arg: "[chardev=]ID[,mode=readline|control][,pretty=on|off]", Help: "a monitor on a character device: readline for people, control for programs (QMP)", Config: "mon", Implied: "chardev",
			Keys: []options.Key{{Name: "chardev", Help: "the id of a -chardev"}, {Name: "mode", Values: []string{"readline", "control"}}, {Name: "pretty", Type: options.Bool, Help: "QMP in many lines"}, {Name: "id"}},
			Set:  func(s *settings, o *options.Opts) error { s.mons = append(s.mons, o); return nil }},
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
		{Name: "singlestep", Part: part, Help: "what the monitor's singlestep switches", Set: flag(func(s *settings) *bool { return &s.singlestep })},
		{Name: "daemonize", Part: part, Help: "go to the background when the machine is built", Set: flag(func(s *settings) *bool { return &s.daemonize })},
		{Name: "pidfile", Part: part, Arg: "FILE", Files: true, Help: "write the process's number to a file", Set: text(func(s *settings) *string { return &s.pidfile })},
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

func logOptions() []option {
	const part = "Log and trace"
	return []option{
		{Name: "D", Part: part, Arg: "FILE", Files: true, Help: "write what -d and -trace show to a file", Set: text(func(s *settings) *string { return &s.logFile })},
		{Name: "d", Part: part, Arg: "item1,...", Help: "log items; -d help lists them", Values: []string{"cpu_reset", "trace:"}, List: logList, Set: func(s *settings, o *options.Opts) error {
			s.logItems = append(s.logItems, strings.Split(o.Text, ",")...)
			return nil
		}},
		{Name: "trace", Part: part, Arg: "[enable=]PATTERN[,events=FILE][,file=FILE]", Help: "trace events, or those that a file lists; -trace help lists them", Config: "trace", Implied: "enable", List: traceList,
			Keys: []options.Key{{Name: "enable", Help: "a name, with * for any characters"}, {Name: "events", Type: options.File, Help: "a file with a name or pattern on each line"}, {Name: "file", Type: options.File, Help: "where they are written"}, {Name: "id"}},
			Set:  func(s *settings, o *options.Opts) error { s.traces = append(s.traces, o); return nil }},
		{Name: "msg", Part: part, Arg: "timestamp=on|off[,guest-name=on|off]", Help: "put the time, or the machine's name, before messages", Config: "msg", Implied: "timestamp",
			Keys: []options.Key{{Name: "timestamp", Type: options.Bool}, {Name: "guest-name", Type: options.Bool}, {Name: "id"}}, Set: (*settings).message},
	}
}

// message is -msg.
func (s *settings) message(o *options.Opts) (err error) {
	if o.Text == "timestamp" { // a switch alone
		s.timestamps = true
		return nil
	}
	if s.timestamps, err = o.Bool("timestamp", s.timestamps); err != nil {
		return err
	}
	s.guestNames, err = o.Bool("guest-name", s.guestNames)
	return err
}

func logList() string {
	var b strings.Builder
	b.WriteString("Log items (comma separated):\nnone            remove all logs\n")
	for _, i := range newJournal().items() {
		fmt.Fprintf(&b, "%-15s %s\n", i.Name, i.Help)
	}
	b.WriteString("trace:PATTERN   enable trace events\n")
	return b.String()
}

func traceList() string {
	var b strings.Builder
	b.WriteString("Supported trace events:\n")
	for _, e := range newJournal().events {
		b.WriteString(e.name + "\n")
	}
	return b.String()
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
