package options

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"

	"govm-desktop/machine"
)

// maxConfig bounds a configuration file in bytes.
const maxConfig = 1 << 20

// ReadFile reads a configuration file: sections [drive "id"] with lines key = "value", and comments that start with #.
func (t *Table[T]) ReadFile(name string) ([]Use[T], error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, &machine.ConfigError{Option: "-" + readConfig, Reason: err.Error()}
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxConfig+1))
	if err == nil && len(text) > maxConfig {
		err = fmt.Errorf("%s: longer than %d bytes: not a configuration file", name, maxConfig)
	}
	if err != nil {
		return nil, &machine.ConfigError{Option: "-" + readConfig, Reason: err.Error()}
	}
	return t.ReadConfig(name, string(text))
}

// ReadConfig is ReadFile for a text; name is for errors.
func (t *Table[T]) ReadConfig(name, text string) (uses []Use[T], err error) {
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#':
		case line[0] == '[':
			u, err := t.open(line)
			if err != nil {
				return nil, configError(name, n, err)
			}
			uses = append(uses, u)
		default:
			if err := property(uses, line); err != nil {
				return nil, configError(name, n, err)
			}
		}
	}
	for _, u := range uses {
		u.Opts.Text = u.Opts.String()
	}
	return uses, nil
}

func configError(name string, line int, err error) error {
	return &machine.ConfigError{Option: "-" + readConfig, Value: fmt.Sprintf("%s:%d", name, line), Reason: err.Error()}
}

// open begins a section: [name] or [name "id"].
func (t *Table[T]) open(line string) (u Use[T], err error) {
	inside, ok := strings.CutSuffix(line[1:], "]")
	if !ok {
		return u, fmt.Errorf("a section ends with ]")
	}
	name, id, has := strings.Cut(strings.TrimSpace(inside), " ")
	o := t.section(name)
	if o == nil {
		var names []string
		for _, o := range t.Options {
			if o.Config != "" {
				names = append(names, o.Config)
			}
		}
		return u, fmt.Errorf("no section is called %q; the nearest is %q", name, Nearest(name, names))
	}
	u = Use[T]{o, &Opts{Option: "-" + o.Name}}
	if has {
		if id, ok = unquote(id); !ok {
			return u, fmt.Errorf(`a section's id stands in quotes: [%s "id"]`, name)
		}
		u.Opts.Pairs = append(u.Opts.Pairs, Pair{"id", id})
	}
	return u, nil
}

// property is key = "value".
func property[T any](uses []Use[T], line string) error {
	key, value, ok := strings.Cut(line, "=")
	value, quoted := unquote(value)
	if !ok || !quoted {
		return fmt.Errorf(`key = "value" belongs there`)
	}
	if len(uses) == 0 {
		return fmt.Errorf("a [section] has to come first")
	}
	u := uses[len(uses)-1]
	u.Opts.Pairs = append(u.Opts.Pairs, Pair{strings.TrimSpace(key), value})
	return nil
}

// unquote takes off the outer quotes. As in QEMU there is no way to write a quote inside, nor need for it: the outer ones are known by their place.
func unquote(s string) (string, bool) {
	s = strings.TrimSpace(s)
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s, false
	}
	return s[1 : len(s)-1], true
}

// WriteFile writes the options that configuration files can hold; "-" is standard output.
func (t *Table[T]) WriteFile(name string, uses []Use[T]) error {
	var text strings.Builder
	if err := t.WriteConfig(&text, uses); err != nil {
		return &machine.ConfigError{Option: "-" + writeConfig, Value: name, Reason: err.Error()}
	}
	var err error
	if name == "-" {
		_, err = io.WriteString(os.Stdout, text.String())
	} else {
		err = os.WriteFile(name, []byte(text.String()), 0o644)
	}
	if err != nil {
		return &machine.ConfigError{Option: "-" + writeConfig, Reason: err.Error()}
	}
	return nil
}

// WriteConfig is WriteFile for any writer.
func (t *Table[T]) WriteConfig(to io.Writer, uses []Use[T]) error {
	w := bufio.NewWriter(to)
	fmt.Fprintf(w, "# %s configuration\n", t.Program)
	for _, u := range uses {
		if u.Option.Config == "" {
			continue
		}
		fmt.Fprintf(w, "\n[%s", u.Option.Config)
		if id := u.Opts.ID(); id != "" {
			fmt.Fprintf(w, " %q", id)
		}
		fmt.Fprintln(w, "]")
		for _, p := range u.Opts.Pairs {
			if strings.ContainsAny(p.Key+p.Value, "\n\r") {
				return fmt.Errorf("%s has a line break in it, which a configuration file cannot hold", u.Opts.Option)
			}
			if p.Key != "id" {
				fmt.Fprintf(w, "  %s = \"%s\"\n", p.Key, p.Value)
			}
		}
	}
	return w.Flush()
}
