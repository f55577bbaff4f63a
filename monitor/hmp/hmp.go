// Package hmp is the monitor for people: lines of words, answered by text, with a prompt. On a stream that echoes nothing itself it edits lines:
// backspace, Ctrl-U, arrows through the history, Tab for command names.
package hmp

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"

	"govm-desktop/monitor"
)

const prompt = "(govm) "

// Run executes one line and writes the answer.
func Run(t *monitor.Table, c monitor.Control, w io.Writer, line string) {
	words, err := split(line)
	if err != nil {
		fmt.Fprintln(w, err)
		return
	}
	if len(words) == 0 {
		return
	}
	if words[0] == "help" || words[0] == "?" {
		help(t, w, strings.Join(words[1:], " "))
		return
	}
	cmd, rest := find(t, words)
	if cmd == nil {
		fmt.Fprintf(w, "unknown command: '%s'\n", strings.Join(words[:min(2, len(words))], " "))
		return
	}
	args, err := bind(cmd, rest)
	if err != nil {
		fmt.Fprintf(w, "%s: %v\n", cmd.HMP, err)
		return
	}
	result, err := cmd.Run(c, args)
	if err != nil {
		fmt.Fprintf(w, "Error: %v\n", err)
		return
	}
	if cmd.Print != nil {
		cmd.Print(w, result)
	}
}

// find looks the command up: two words for "info …".
func find(t *monitor.Table, words []string) (*monitor.Command, []string) {
	if words[0] == "info" && len(words) > 1 {
		return t.ByHMP("info " + words[1]), words[2:]
	}
	return t.ByHMP(words[0]), words[1:]
}

func help(t *monitor.Table, w io.Writer, topic string) {
	found := false
	t.All(func(c *monitor.Command) {
		if c.HMP == "" || topic != "" && c.HMP != topic && !strings.HasPrefix(c.HMP, topic+" ") {
			return
		}
		found = true
		fmt.Fprintf(w, "%s%s -- %s\n", c.HMP, usage(c), c.Help)
	})
	if !found {
		fmt.Fprintf(w, "unknown command: '%s'\n", topic)
	}
}

func usage(c *monitor.Command) string {
	var b strings.Builder
	for _, p := range c.Params {
		if p.Optional {
			fmt.Fprintf(&b, " [%s]", p.Name)
		} else {
			fmt.Fprintf(&b, " %s", p.Name)
		}
	}
	return b.String()
}

// split cuts a line into words; quotes keep blanks, a backslash keeps the next character.
func split(line string) ([]string, error) {
	var words []string
	var cur []byte
	in, quoted := false, false
	for i := 0; i < len(line); i++ {
		switch b := line[i]; {
		case b == '\\' && i+1 < len(line):
			i++
			cur, in = append(cur, line[i]), true
		case b == '"':
			quoted, in = !quoted, true
		case (b == ' ' || b == '\t') && !quoted:
			if in {
				words = append(words, string(cur))
			}
			cur, in = cur[:0], false
		default:
			cur, in = append(cur, b), true
		}
	}
	if quoted {
		return nil, fmt.Errorf("unterminated string literal")
	}
	if in {
		words = append(words, string(cur))
	}
	return words, nil
}

// bind gives words to parameters in order.
func bind(cmd *monitor.Command, words []string) (monitor.Args, error) {
	args := monitor.Args{}
	for _, p := range cmd.Params {
		if p.Type == monitor.Flag {
			if len(words) > 0 && words[0] == p.Name {
				args[p.Name] = true
				words = words[1:]
			}
			continue
		}
		if len(words) == 0 {
			if p.Optional {
				continue
			}
			return nil, fmt.Errorf("%s expected", p.Name)
		}
		v, err := value(p, words[0])
		if err != nil {
			return nil, err
		}
		args[p.Name] = v
		words = words[1:]
	}
	if len(words) > 0 {
		return nil, fmt.Errorf("extraneous argument '%s'", words[0])
	}
	return args, nil
}

func value(p monitor.Param, word string) (any, error) {
	switch p.Type {
	case monitor.Int:
		n, err := strconv.ParseInt(word, 0, 64)
		if err != nil {
			return nil, fmt.Errorf("%s: '%s' is not a number", p.Name, word)
		}
		return n, nil
	case monitor.Bool:
		if word != "on" && word != "off" {
			return nil, fmt.Errorf("%s: 'on' or 'off' expected", p.Name)
		}
		return word == "on", nil
	default:
		return word, nil
	}
}

// focuser is a stream that is shown only when it has the focus (chardev/mux).
type focuser interface{ OnFocus(f func()) (waits bool) }

// Serve talks on a stream until it ends.
func Serve(t *monitor.Table, c monitor.Control, rw io.ReadWriter) error {
	e := &editor{w: rw, table: t}
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
			if line, done := e.feed(b); done {
				var out bytes.Buffer
				Run(t, c, &out, line)
				rw.Write(bytes.ReplaceAll(out.Bytes(), []byte("\n"), []byte("\r\n")))
				io.WriteString(rw, prompt)
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("hmp: %w", err)
		}
	}
}
