package usbredir

import (
	"fmt"
	"strconv"
	"strings"
)

// A Filter is a list of rules that says which devices may be redirected. The first rule that fits decides.
type Filter []Rule

// Any in a rule fits everything.
const Any = -1

// A Rule fits a device by class, ids and version; Any fits all.
type Rule struct {
	Class, Vendor, Product, Version int
	Allow                           bool
}

// The characters between the fields of a rule: those of the wire, SPICE and RHEV, and those of QEMU's option, where a comma ends an option.
const (
	WireSeparator   = ','
	OptionSeparator = ':'
)

// FilterOption bits change what Check does.
type FilterOption uint8

// The options of Check.
const (
	DefaultAllow       FilterOption = 1 << iota // what no rule fits is allowed
	CheckNonBootHID                             // look at HID interfaces without boot protocol beside others, such as volume keys of a headset
	maxRules           = 4096
	ruleFields         = 5
	classPerInterface  = 0x00
	classMiscellaneous = 0xef
	classHID           = 0x03
)

// A Verdict is the outcome of Check.
type Verdict uint8

// The verdicts.
const (
	Allowed Verdict = iota
	Denied
	NoMatch // no rule fits; the device is not redirected
)

// ParseFilter reads "class,vendor,product,version,allow|…" with sep between the fields. Numbers are as in C: decimal, 0x hexadecimal or 0 octal. Empty rules and
// fields are skipped, as strtok does in the programs that invented the language.
func ParseFilter(text string, sep rune) (Filter, error) {
	var f Filter
	for rule := range strings.SplitSeq(text, "|") {
		if rule == "" {
			continue
		}
		r, err := parseRule(rule, sep)
		if err != nil {
			return nil, fmt.Errorf("filter rule %q: %w", rule, err)
		}
		if f = append(f, r); len(f) > maxRules {
			return nil, fmt.Errorf("filter has more than %d rules", maxRules)
		}
	}
	return f, nil
}

func parseRule(text string, sep rune) (Rule, error) {
	fields := strings.FieldsFunc(text, func(c rune) bool { return c == sep })
	if len(fields) != ruleFields {
		return Rule{}, fmt.Errorf("%d fields, not class%[2]cvendor%[2]cproduct%[2]cversion%[2]callow", len(fields), sep)
	}
	var v [ruleFields]int
	for i, s := range fields {
		n, err := parseC(s)
		if err != nil {
			return Rule{}, err
		}
		v[i] = n
	}
	r := Rule{v[0], v[1], v[2], v[3], v[4] != 0}
	return r, r.verify()
}

// parseC reads a whole number as strtol does with base 0.
func parseC(s string) (int, error) {
	digits := strings.TrimLeft(s, " \t\n\v\f\r")
	negative := strings.HasPrefix(digits, "-")
	if negative || strings.HasPrefix(digits, "+") {
		digits = digits[1:]
	}
	base := 10
	switch {
	case strings.HasPrefix(digits, "0x"), strings.HasPrefix(digits, "0X"):
		digits, base = digits[2:], 16
	case strings.HasPrefix(digits, "0"):
		base = 8
	}
	n, err := strconv.ParseUint(digits, base, 31)
	if err != nil {
		return 0, fmt.Errorf("%q is no number", s)
	}
	if negative {
		return -int(n), nil
	}
	return int(n), nil
}

func (r Rule) verify() error {
	in := func(v, most int) bool { return v >= Any && v <= most }
	if !in(r.Class, 0xff) || !in(r.Vendor, 0xffff) || !in(r.Product, 0xffff) || !in(r.Version, 0xffff) {
		return fmt.Errorf("a class is -1 to 255, an id or version -1 to 65535")
	}
	return nil
}

// Text writes the filter with sep between the fields, in the form every parser of the language reads.
func (f Filter) Text(sep rune) string {
	var b strings.Builder
	field := func(v, digits int) {
		if v == Any {
			b.WriteString("-1")
		} else {
			fmt.Fprintf(&b, "0x%0*x", digits, v)
		}
		b.WriteRune(sep)
	}
	for i, r := range f {
		if i > 0 {
			b.WriteByte('|')
		}
		field(r.Class, 2)
		field(r.Vendor, 4)
		field(r.Product, 4)
		field(r.Version, 4)
		if r.Allow {
			b.WriteByte('1')
		} else {
			b.WriteByte('0')
		}
	}
	return b.String()
}

// Check judges a device by its own class and then by that of each interface; the first judgement that is not Allowed is the verdict. Classes 0x00 and 0xef
// at the device level say that the interfaces decide. An interface that is HID without boot protocol is passed over beside others, unless all are such.
func (f Filter) Check(d Device, interfaces *InterfaceInfo, opts FilterOption) Verdict {
	if d.Class != classPerInterface && d.Class != classMiscellaneous {
		if v := f.match(d.Class, d, opts); v != Allowed {
			return v
		}
	}
	if interfaces == nil {
		return Allowed
	}
	n := min(interfaces.Count, 32)
	skipped := uint32(0)
	for i := range n {
		hid := interfaces.Class[i] == classHID && interfaces.SubClass[i] == 0 && interfaces.Protocol[i] == 0
		if hid && n > 1 && opts&CheckNonBootHID == 0 {
			skipped++
			continue
		}
		if v := f.match(interfaces.Class[i], d, opts); v != Allowed {
			return v
		}
	}
	if n > 0 && skipped == n {
		return f.Check(d, interfaces, opts|CheckNonBootHID)
	}
	return Allowed
}

func (f Filter) match(class uint8, d Device, opts FilterOption) Verdict {
	fits := func(rule int, v uint16) bool { return rule == Any || rule == int(v) }
	for _, r := range f {
		if fits(r.Class, uint16(class)) && fits(r.Vendor, d.Vendor) && fits(r.Product, d.Product) && fits(r.Version, d.Version) {
			if r.Allow {
				return Allowed
			}
			return Denied
		}
	}
	if opts&DefaultAllow != 0 {
		return Allowed
	}
	return NoMatch
}
