package options

import (
	"slices"
	"strconv"
	"strings"

	"govm-desktop/machine"
)

// Type says what a key takes; it is checked before Set sees the argument.
type Type string

// Types, as "help" names them.
const (
	Str    Type = "str"
	Bool   Type = "bool" // on or off
	Number Type = "int"
	Size   Type = "size" // with K, M, G, T
	File   Type = "file" // a string; the shell completes file names
)

// Key is one property of an argument.
type Key struct {
	Name   string
	Type   Type // "": Str
	Help   string
	Values []string // what it may be, for help and completion, and checked; nil: anything of its type
}

// Kind is one of the things that an option makes (-device usb-kbd, -chardev socket), with properties of its own.
type Kind struct {
	Name string
	Help string
	Keys []Key
	Open bool // it takes properties besides
}

// Option is one line of the table. T is what the options set up.
type Option[T any] struct {
	Name string // without its dash; "": what a word without a dash means
	Also []string
	Arg  string // the argument as help shows it; "": it takes none
	Help string // a sentence
	Part string // the headline of -help and manual page under which it stands

	// Config is the option's section in configuration files; "": it is not found there.
	Config string
	// Implied is the key of a first value without one.
	Implied string
	// Keys are the properties; nil: the argument is text, or Set checks it.
	Keys []Key
	// Kinds are what the first value may name, in place of Keys.
	Kinds []Kind
	// Values are what an argument without properties may be, for completion.
	Values []string
	// Files has the shell complete file names.
	Files bool
	// List is what -NAME help prints, in place of what Keys and Kinds say.
	List func() string

	// Set takes one use of the option. Its errors name the option.
	Set func(T, *Opts) error
}

// Table is all options.
type Table[T any] struct {
	Program string // its name
	Title   string // a line of what it is
	Synopsis,
	Text string // for the manual page
	Options []Option[T]
	// Absent says of a name that is not in the table what there is to be said; "": nothing.
	Absent func(name string) string
}

// Use is an option on the command line, or in a file.
type Use[T any] struct {
	Option *Option[T]
	Opts   *Opts
}

// Help is what Apply returns in place of an error where the user asked what there is: text to be printed.
type Help string

// Error implements error.
func (h Help) Error() string { return string(h) }

func (t *Table[T]) find(name string) *Option[T] {
	for i := range t.Options {
		if o := &t.Options[i]; o.Name == name || name != "" && slices.Contains(o.Also, name) {
			return o
		}
	}
	return nil
}

func (t *Table[T]) section(name string) *Option[T] {
	for i := range t.Options {
		if o := &t.Options[i]; o.Config != "" && o.Config == name {
			return o
		}
	}
	return nil
}

// Apply parses the command line and sets everything, in order.
func (t *Table[T]) Apply(to T, args []string) error {
	uses, err := t.Parse(args)
	if err != nil {
		return err
	}
	for _, u := range uses {
		if err := u.Option.set(to, u.Opts); err != nil {
			return err
		}
	}
	return nil
}

// set checks a use and carries it out.
func (o *Option[T]) set(to T, a *Opts) error {
	if o.Arg != "" {
		if text := o.asked(a); text != "" {
			return Help(text)
		}
		if err := o.check(a); err != nil {
			return err
		}
	}
	return o.Set(to, a)
}

// The options that change what is read, rather than what is set.
const (
	readConfig  = "readconfig"
	writeConfig = "writeconfig"
	setProperty = "set"
)

// Parse cuts the command line into options, in order; configuration files that it names are read in their places.
func (t *Table[T]) Parse(args []string) (uses []Use[T], err error) {
	write := ""
	for i := 0; i < len(args); i++ {
		word, value := args[i], ""
		name, dashed := strings.CutPrefix(word, "-")
		if !dashed || name == "" {
			name, value = "", word
		} else {
			name = strings.TrimPrefix(name, "-")
		}
		o := t.find(name)
		switch {
		case o == nil:
			return nil, t.unknown(word, name)
		case o.Name != "" && o.Arg != "":
			if i+1 == len(args) {
				return nil, &machine.ConfigError{Option: word, Reason: "needs an argument: " + o.Arg}
			}
			i++
			value = args[i]
		}
		switch o.Name {
		case readConfig:
			more, err := t.ReadFile(value)
			if err != nil {
				return nil, err
			}
			uses = append(uses, more...)
		case writeConfig:
			write = value
		case setProperty:
			if err := t.change(uses, value); err != nil {
				return nil, err
			}
		default:
			option := word
			if o.Name == "" {
				option = value
			}
			uses = append(uses, Use[T]{o, o.parse(option, value)})
		}
	}
	if write != "" {
		err = t.WriteFile(write, uses)
	}
	return uses, err
}

func (o *Option[T]) parse(option, text string) *Opts {
	var names []string
	for _, k := range o.Keys {
		names = append(names, k.Name)
	}
	a := parse(option, text, o.Implied, names)
	return a
}

// change is -set SECTION.ID.KEY=VALUE: one more property of an option that was there before.
func (t *Table[T]) change(uses []Use[T], arg string) error {
	where, value, ok := strings.Cut(arg, "=")
	parts := strings.SplitN(where, ".", 3)
	if !ok || len(parts) != 3 {
		return &machine.ConfigError{Option: "-set", Value: arg, Reason: "SECTION.ID.PROPERTY=VALUE belongs there, as in drive.d0.readonly=on"}
	}
	for _, u := range uses {
		if u.Option.Config == parts[0] && u.Opts.ID() == parts[1] {
			u.Opts.Pairs = append(u.Opts.Pairs, Pair{parts[2], value})
			u.Opts.Text = u.Opts.String()
			return nil
		}
	}
	return &machine.ConfigError{Option: "-set", Value: arg, Reason: "no -" + parts[0] + " before it has id=" + parts[1]}
}

func (t *Table[T]) unknown(word, name string) error {
	e := &machine.ConfigError{Option: word}
	if t.Absent != nil {
		if e.Reason = t.Absent(name); e.Reason != "" {
			return e
		}
	}
	var names []string
	for _, o := range t.Options {
		if o.Name != "" {
			names = append(append(names, o.Name), o.Also...)
		}
	}
	e.Reason = "no such option; the nearest is -" + Nearest(name, names) + " (-help lists all)"
	return e
}

// check looks at the names and types of the properties, where they are known.
func (o *Option[T]) check(a *Opts) error {
	keys, open := o.Keys, false
	if len(o.Kinds) > 0 {
		k, err := o.kind(a)
		if err != nil {
			return err
		}
		keys, open = append([]Key{{Name: o.Implied}, {Name: k.Name}, {Name: "id"}}, k.Keys...), k.Open
	}
	if len(keys) == 0 {
		return nil
	}
	for _, p := range a.Pairs {
		i := slices.IndexFunc(keys, func(k Key) bool { return k.Name == p.Key })
		if i < 0 && open {
			continue
		}
		if i < 0 {
			var names []string
			for _, k := range keys {
				names = append(names, k.Name)
			}
			return a.unknown(p.Key, names)
		}
		if err := keys[i].check(a, p.Value); err != nil {
			return err
		}
	}
	return nil
}

// kind is what the argument names: NAME,… or, as -display vnc=:1 does, NAME=VALUE,… .
func (o *Option[T]) kind(a *Opts) (*Kind, error) {
	var names []string
	name := a.Str(o.Implied, "")
	if name == "" && len(a.Pairs) > 0 {
		name = a.Pairs[0].Key
	}
	for i := range o.Kinds {
		if o.Kinds[i].Name == name {
			return &o.Kinds[i], nil
		}
		names = append(names, o.Kinds[i].Name)
	}
	if name == "" {
		return nil, a.Fail("needs %s=NAME (-%s help lists what there is)", o.Implied, o.Name)
	}
	return nil, a.Fail("unknown %s %q; the nearest is %q (-%s help lists what there is)", o.Name, name, Nearest(name, names), o.Name)
}

func (k *Key) check(a *Opts, v string) error {
	switch {
	case k.Type == Bool && len(k.Values) == 0:
		if _, ok := parseBool(v); !ok {
			return a.Fail("%s=%s: on or off belongs there", k.Name, v)
		}
	case k.Type == Number:
		if _, err := strconv.ParseInt(v, 0, 64); err != nil {
			return a.Fail("%s=%s: a number belongs there", k.Name, v)
		}
	case k.Type == Size:
		if _, err := ParseSize(v, 1); err != nil {
			return a.Fail("%s=%s: %v", k.Name, v, err)
		}
	case len(k.Values) > 0 && !slices.Contains(k.Values, v):
		return a.Fail("%s=%s: %s belongs there", k.Name, v, orList(k.Values))
	}
	return nil
}

func orList(words []string) string {
	if len(words) == 1 {
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// Check looks at an argument as an option of the table would: for what sets the same thing another way.
func (t *Table[T]) Check(name string, a *Opts) error { return t.find(name).check(a) }
