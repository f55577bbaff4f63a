// Package hmp is the monitor for people: lines of words, answered by text, with a prompt. On a stream that echoes nothing itself it edits lines: the usual
// control characters and arrows, a history, and Tab for the names of commands, devices, keys and files.
package hmp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"govm-desktop/monitor"
)

const prompt = "(govm) "

// Run executes one line and writes the answer.
func Run(t *monitor.Table, c monitor.Control, s *monitor.Session, w io.Writer, line string) {
	if t.Trace != nil {
		t.Trace(line)
	}
	name, rest := cut(line)
	switch name {
	case "":
		return
	case "help", "?":
		help(t, w, strings.Join(strings.Fields(rest), " "))
		return
	case "info":
		sub, after := cut(rest)
		if sub == "" {
			help(t, w, "info")
			return
		}
		name, rest = "info "+sub, after
	}
	cmd := t.ByHMP(name)
	if cmd == nil {
		fmt.Fprintf(w, "unknown command: '%s'\n", name)
		return
	}
	call := &monitor.Call{Control: c, Args: monitor.Args{}, Session: s}
	if err := monitor.Bind(call, cmd, rest); err != nil {
		fmt.Fprintf(w, "%s: %v\nTry \"help %s\" for more information\n", name, err, cmd.HMP)
		return
	}
	result, err := cmd.Run(call)
	switch {
	case err != nil:
		fmt.Fprintf(w, "Error: %v\n", err)
	case cmd.PrintIn != nil:
		cmd.PrintIn(s, w, result)
	case cmd.Print != nil:
		cmd.Print(w, result)
	}
}

// cut takes the first name off a line: up to a blank, or the slash of a format.
func cut(line string) (name, rest string) {
	line = strings.TrimLeft(line, " \t")
	i := strings.IndexAny(line, " \t/")
	if i < 0 {
		return line, ""
	}
	return line[:i], line[i:]
}

// help shows one command, or all; "info" shows all that can be asked for.
func help(t *monitor.Table, w io.Writer, topic string) {
	found := false
	show := func(c *monitor.Command) {
		found = true
		name := c.HMP
		if c.Alias != "" {
			name += "|" + c.Alias
		}
		fmt.Fprintf(w, "%s%s -- %s\n", name, usage(c), c.Help)
	}
	if c := t.ByHMP(topic); c != nil {
		show(c)
		return
	}
	t.All(func(c *monitor.Command) {
		if c.HMP == "" || topic == "" && strings.HasPrefix(c.HMP, "info ") || topic != "" && !strings.HasPrefix(c.HMP, topic+" ") {
			return
		}
		show(c)
	})
	if topic == "" {
		io.WriteString(w, "help|? [cmd] -- show this, or what a command does\ninfo [subcommand] -- show what there is: info lists the subcommands\n")
	}
	if !found {
		fmt.Fprintf(w, "unknown command: '%s'\n", topic)
	}
}

func usage(c *monitor.Command) string {
	var b strings.Builder
	for _, p := range c.Params {
		name := p.Name
		switch p.Type {
		case monitor.Flag:
			fmt.Fprintf(&b, " [-%c]", p.Letter)
			continue
		case monitor.Format:
			b.WriteString("/fmt")
			continue
		case monitor.Bool:
			name = "on|off"
		}
		if p.Optional {
			name = "[" + name + "]"
		}
		b.WriteString(" " + name)
	}
	return b.String()
}

// focuser is a stream that is shown only when it has the focus (chardev/mux).
type focuser interface{ OnFocus(f func()) (waits bool) }

// Serve talks on a stream until it ends.
func Serve(t *monitor.Table, c monitor.Control, rw io.ReadWriter) error {
	s := &monitor.Session{}
	e := &editor{w: rw, table: t, control: c, session: s}
	greet := func() {
		fmt.Fprintf(rw, "govm-desktop %s monitor - type 'help' for more information\r\n%s", c.Version(), prompt)
	}
	if f, ok := rw.(focuser); !ok || !f.OnFocus(greet) {
		greet()
	}
	buf := make([]byte, 512)
	for {
		n, err := rw.Read(buf)
		for _, b := range buf[:n] {
			line, done := e.feed(b)
			if !done {
				continue
			}
			var out bytes.Buffer
			Run(t, c, s, &out, line)
			rw.Write(bytes.ReplaceAll(out.Bytes(), []byte("\n"), []byte("\r\n")))
			io.WriteString(rw, prompt)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("hmp: %w", err)
		}
	}
}
