package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"govm-desktop/machine"
)

// keyval is an argument of the form "value,key=value,…": ",," stands for a comma in a value, a key alone means key=on, nokey means key=off.
type keyval struct {
	option string // whose argument it is, for errors
	text   string
	pairs  []pair
	used   map[string]bool
}

type pair struct{ key, value string }

// parseKeyval takes an argument apart; implied is the key of a first value that has none ("": there is no such).
func parseKeyval(option, text, implied string) *keyval {
	k := &keyval{option: option, text: text, used: map[string]bool{}}
	for i, part := range splitCommas(text) {
		key, value, has := strings.Cut(part, "=")
		switch {
		case has:
			k.pairs = append(k.pairs, pair{key, value})
		case i == 0 && implied != "":
			k.pairs = append(k.pairs, pair{implied, part})
		case part == "":
		case strings.HasPrefix(part, "no") && len(part) > 2 && part != "nodelay":
			k.pairs = append(k.pairs, pair{part[2:], "off"})
		default:
			k.pairs = append(k.pairs, pair{part, "on"})
		}
	}
	return k
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

// get is the last value of a key.
func (k *keyval) get(key string) (string, bool) {
	k.used[key] = true
	for i := len(k.pairs) - 1; i >= 0; i-- {
		if k.pairs[i].key == key {
			return k.pairs[i].value, true
		}
	}
	return "", false
}

func (k *keyval) str(key, def string) string {
	if v, ok := k.get(key); ok {
		return v
	}
	return def
}

func (k *keyval) fail(format string, args ...any) error {
	return &machine.ConfigError{Option: k.option, Value: k.text, Reason: fmt.Sprintf(format, args...)}
}

func (k *keyval) onOff(key string, def bool) (bool, error) {
	v, ok := k.get(key)
	switch {
	case !ok:
		return def, nil
	case v == "on" || v == "yes" || v == "true" || v == "y":
		return true, nil
	case v == "off" || v == "no" || v == "false" || v == "n":
		return false, nil
	}
	return false, k.fail("%s=%s: on or off belongs there", key, v)
}

func (k *keyval) number(key string, def int64) (int64, error) {
	v, ok := k.get(key)
	if !ok {
		return def, nil
	}
	n, err := strconv.ParseInt(v, 0, 64)
	if err != nil {
		return 0, k.fail("%s=%s: a number belongs there", key, v)
	}
	return n, nil
}

// rest complains of keys that nobody asked for.
func (k *keyval) rest() error {
	for _, p := range k.pairs {
		if !k.used[p.key] {
			var known []string
			for u := range k.used {
				known = append(known, u)
			}
			return k.fail("unknown property %q; the nearest is %q", p.key, nearest(p.key, known))
		}
	}
	return nil
}

// parseSize reads "512", "512M", "1.5G"; unit is what a bare number counts.
func parseSize(s string, unit float64) (uint64, error) {
	mult := unit
	digits := s
	if n := len(s); n > 0 {
		if i := strings.IndexByte("bkmgt", s[n-1]|0x20); i >= 0 {
			mult, digits = math.Ldexp(1, 10*i), s[:n-1]
		}
	}
	if n, err := strconv.ParseUint(digits, 0, 64); err == nil && float64(n)*mult < 1<<62 {
		return n * uint64(mult), nil
	}
	f, err := strconv.ParseFloat(digits, 64)
	if err != nil || f < 0 || f*mult >= 1<<62 || math.IsNaN(f) {
		return 0, fmt.Errorf("%q is not a size", s)
	}
	return uint64(f * mult), nil
}
