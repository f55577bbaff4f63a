package options

import (
	"fmt"
	"strings"
)

// asked is the answer to "help" as an argument, or as one of its properties; "": that is not what was asked.
func (o *Option[T]) asked(a *Opts) string {
	if o.List == nil && len(o.Keys) == 0 && len(o.Kinds) == 0 {
		return ""
	}
	if len(a.Pairs) == 0 {
		return ""
	}
	first := a.Pairs[0]
	all := isHelp(first.Value) && first.Key == o.Implied || isHelp(a.Text)
	if all && o.List != nil {
		return o.List()
	}
	if all && len(o.Kinds) > 0 {
		return o.kindsHelp()
	}
	for _, p := range a.Pairs[1:] {
		all = all || isHelp(p.Key) && p.Value == "on"
	}
	if !all {
		return ""
	}
	for _, k := range o.Kinds {
		if k.Name == first.Value {
			return keysHelp(k.Name+" properties:", k.Keys)
		}
	}
	if len(o.Keys) == 0 {
		return ""
	}
	return keysHelp("-"+o.Name+" properties:", o.Keys)
}

func isHelp(s string) bool { return s == "help" || s == "?" }

func (o *Option[T]) kindsHelp() string {
	var b strings.Builder
	fmt.Fprintf(&b, "-%s:\n", o.Name)
	for _, k := range o.Kinds {
		fmt.Fprintf(&b, "  %-20s %s\n", k.Name, k.Help)
	}
	fmt.Fprintf(&b, "-%s NAME,help lists the properties of one of them.\n", o.Name)
	return b.String()
}

// keysHelp lists properties in the form that QEMU's -device NAME,help has.
func keysHelp(title string, keys []Key) string {
	var b strings.Builder
	fmt.Fprintln(&b, title)
	for _, k := range keys {
		fmt.Fprintf(&b, "  %-24s %s\n", k.Name+"=<"+k.typeName()+">", k.describe())
	}
	return b.String()
}

func (k *Key) typeName() string {
	if k.Type == "" {
		return string(Str)
	}
	return string(k.Type)
}

func (k *Key) describe() string {
	text := k.Help
	if len(k.Values) > 0 {
		text = strings.TrimSpace(text + " (" + strings.Join(k.Values, "|") + ")")
	}
	if text == "" {
		return ""
	}
	return "- " + text
}

// parts are the headlines, in the order of their first option.
func (t *Table[T]) parts(f func(part string, of []*Option[T])) {
	var order []string
	of := map[string][]*Option[T]{}
	for i := range t.Options {
		o := &t.Options[i]
		if o.Name == "" {
			continue
		}
		if _, ok := of[o.Part]; !ok {
			order = append(order, o.Part)
		}
		of[o.Part] = append(of[o.Part], o)
	}
	for _, p := range order {
		f(p, of[p])
	}
}

// Usage is the text of -help.
func (t *Table[T]) Usage() string {
	var b strings.Builder
	fmt.Fprintf(&b, "usage: %s %s\n", t.Program, t.Synopsis)
	t.parts(func(part string, of []*Option[T]) {
		fmt.Fprintf(&b, "\n%s:\n", part)
		for _, o := range of {
			for _, n := range append([]string{o.Name}, o.Also...) {
				fmt.Fprintln(&b, strings.TrimRight("  -"+n+" "+o.Arg, " "))
			}
			fmt.Fprintf(&b, "        %s\n", o.Help)
		}
	})
	return b.String()
}

// roff guards what troff would take for its own.
var roff = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "…", "...", "–", `\(en`)

// Man is the manual page, in troff's man macros.
func (t *Table[T]) Man(version string) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH %s 1 \"\" %q \"User Commands\"\n", strings.ToUpper(t.Program), t.Program+" "+version)
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n.SH SYNOPSIS\n.B %s\n%s\n.SH DESCRIPTION\n", t.Program, roff.Replace(t.Title), t.Program, roff.Replace(t.Synopsis))
	for _, p := range strings.Split(strings.TrimSpace(t.Text), "\n\n") {
		fmt.Fprintf(&b, "%s\n.PP\n", roff.Replace(p))
	}
	b.WriteString(".SH OPTIONS\n")
	t.parts(func(part string, of []*Option[T]) {
		fmt.Fprintf(&b, ".SS %s\n", roff.Replace(part))
		for _, o := range of {
			o.man(&b)
		}
	})
	return b.String()
}

func (o *Option[T]) man(b *strings.Builder) {
	for i, n := range append([]string{o.Name}, o.Also...) {
		macro := ".TP"
		if i > 0 {
			macro = ".TQ"
		}
		fmt.Fprintf(b, "%s\n.BR \"\\-%s\" \" %s\"\n", macro, roff.Replace(n), roff.Replace(o.Arg))
	}
	fmt.Fprintf(b, "%s\n", sentence(o.Help))
	manKeys(b, o.Keys)
	if len(o.Kinds) == 0 {
		return
	}
	b.WriteString(".RS\n")
	for _, k := range o.Kinds {
		fmt.Fprintf(b, ".TP\n.B %s\n%s\n", roff.Replace(k.Name), sentence(k.Help))
		manKeys(b, k.Keys)
	}
	b.WriteString(".RE\n")
}

func manKeys(b *strings.Builder, keys []Key) {
	if len(keys) == 0 {
		return
	}
	b.WriteString(".RS\n")
	for _, k := range keys {
		value := k.typeName()
		if len(k.Values) > 0 {
			value = strings.Join(k.Values, "|")
		} else if k.Type == Bool {
			value = "on|off"
		}
		fmt.Fprintf(b, ".TP\n.BI %s= %s\n%s\n", roff.Replace(k.Name), roff.Replace(value), sentence(k.Help))
	}
	b.WriteString(".RE\n")
}

// sentence guards a line that would begin with a request of troff's, or be empty.
func sentence(s string) string {
	s = roff.Replace(s)
	if s == "" || s[0] == '.' {
		return `\&` + s
	}
	return s
}
