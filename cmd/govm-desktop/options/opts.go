// Package options is the command line in QEMU's manner (QemuOpts, qemu-options.hx): words that start with a dash, in order and repeatable, whose arguments are
// lists "value,key=value,…". One table of Options makes the parser, the checks, the text of -help, the manual page and the completions of the shell, and
// reads and writes configuration files.
//
// Left out: abbreviations of option names, which QEMU does not have either, and options that take effect while the line is still being read.
package options

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"govm-desktop/machine"
)

// Pair is one key and its value.
type Pair struct{ Key, Value string }

// Opts is an argument of the form "value,key=value,…": ",," stands for a comma in a value, a key alone means key=on, nokey means key=off.
type Opts struct {
	Option string // whose argument it is, as typed, for errors
	Text   string // all of it, as typed
	Pairs  []Pair // in order; of those with the same key the last one counts

	used map[string]bool
}

// Parse takes an argument apart; implied is the key of a first value that has none ("": there is no such).
func Parse(option, text, implied string) *Opts { return parse(option, text, implied, nil) }

// parse is Parse for an option whose keys are known: a key that begins with "no" is not taken for a negation.
func parse(option, text, implied string, keys []string) *Opts {
	o := &Opts{Option: option, Text: text}
	for i, part := range splitCommas(text) {
		key, value, has := strings.Cut(part, "=")
		switch {
		case has:
			o.Pairs = append(o.Pairs, Pair{key, value})
		case i == 0 && implied != "":
			o.Pairs = append(o.Pairs, Pair{implied, part})
		case part == "":
		case strings.HasPrefix(part, "no") && len(part) > 2 && part != "nodelay" && !slices.Contains(keys, part):
			o.Pairs = append(o.Pairs, Pair{part[2:], "off"})
		default:
			o.Pairs = append(o.Pairs, Pair{part, "on"})
		}
	}
	return o
}

// Of makes an argument of pairs, as a configuration file has them.
func Of(option string, pairs ...Pair) *Opts {
	o := &Opts{Option: option, Pairs: pairs}
	o.Text = o.String()
	return o
}

// String is the argument as it would be typed.
func (o *Opts) String() string {
	parts := make([]string, len(o.Pairs))
	for i, p := range o.Pairs {
		parts[i] = strings.ReplaceAll(p.Key+"="+p.Value, ",", ",,")
	}
	return strings.Join(parts, ",")
}

func splitCommas(s string) []string {
	var parts []string
	var cur strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != ',' {
			cur.WriteByte(s[i])
			continue
		}
		if i+1 < len(s) && s[i+1] == ',' {
			cur.WriteByte(',')
			i++
			continue
		}
		parts = append(parts, cur.String())
		cur.Reset()
	}
	return append(parts, cur.String())
}

// Get is the last value of a key.
func (o *Opts) Get(key string) (string, bool) {
	all := o.All(key)
	if len(all) == 0 {
		return "", false
	}
	return all[len(all)-1], true
}

// All are the values of a key that may be repeated, in order.
func (o *Opts) All(key string) (values []string) {
	if o.used == nil {
		o.used = map[string]bool{}
	}
	o.used[key] = true
	for _, p := range o.Pairs {
		if p.Key == key {
			values = append(values, p.Value)
		}
	}
	return values
}

// Has reports whether a key is there.
func (o *Opts) Has(key string) bool { _, ok := o.Get(key); return ok }

// Str is a key's value, or def.
func (o *Opts) Str(key, def string) string {
	if v, ok := o.Get(key); ok {
		return v
	}
	return def
}

// ID is the value of id=; "": none.
func (o *Opts) ID() string { return o.Str("id", "") }

// Fail is a mistake in this argument.
func (o *Opts) Fail(format string, args ...any) error {
	return &machine.ConfigError{Option: o.Option, Value: o.Text, Reason: fmt.Sprintf(format, args...)}
}

// Bool is a switch: on or off, with QEMU's other words for these.
func (o *Opts) Bool(key string, def bool) (bool, error) {
	v, ok := o.Get(key)
	if !ok {
		return def, nil
	}
	on, ok := parseBool(v)
	if !ok {
		return false, o.Fail("%s=%s: on or off belongs there", key, v)
	}
	return on, nil
}

func parseBool(v string) (on, ok bool) {
	switch v {
	case "on", "yes", "true", "y":
		return true, true
	case "off", "no", "false", "n":
		return false, true
	}
	return false, false
}

// Number is a whole number, decimal or with 0x.
func (o *Opts) Number(key string, def int64) (int64, error) {
	v, ok := o.Get(key)
	if !ok {
		return def, nil
	}
	n, err := strconv.ParseInt(v, 0, 64)
	if err != nil {
		return 0, o.Fail("%s=%s: a number belongs there", key, v)
	}
	return n, nil
}

// Size is a number of bytes; a bare number counts units.
func (o *Opts) Size(key string, def, unit uint64) (uint64, error) {
	v, ok := o.Get(key)
	if !ok {
		return def, nil
	}
	n, err := ParseSize(v, unit)
	if err != nil {
		return 0, o.Fail("%s=%s: %v", key, v, err)
	}
	return n, nil
}

// Rest complains of keys that nobody asked for.
func (o *Opts) Rest() error {
	for _, p := range o.Pairs {
		if !o.used[p.Key] {
			var known []string
			for u := range o.used {
				known = append(known, u)
			}
			return o.unknown(p.Key, known)
		}
	}
	return nil
}

func (o *Opts) unknown(key string, known []string) error {
	if len(known) == 0 {
		return o.Fail("unknown property %q: there are none here", key)
	}
	return o.Fail("unknown property %q; the nearest is %q", key, Nearest(key, known))
}
