package main

import (
	"fmt"
	"strings"

	"govm-desktop/input/keycodemap"
	"govm-desktop/input/layout"
	"govm-desktop/machine"
)

// keyboard is -k: the layout that the guest has.
func (s *settings) keyboard(option, name string) error {
	if name == "help" || name == "?" {
		s.help = layoutHelp()
		return nil
	}
	l, err := layout.Find(name)
	if err != nil {
		return &machine.ConfigError{Option: option, Value: name, Reason: err.Error()}
	}
	s.layout = l
	return nil
}

// layoutHelp lists the layouts, each with its variants on a line.
func layoutHelp() string {
	var b strings.Builder
	b.WriteString("Keyboard layouts (xkb-data's names):\n")
	var line, variants string
	flush := func() {
		if line != "" {
			fmt.Fprintf(&b, "  %-6s %s\n", line, variants)
		}
	}
	for _, n := range layout.Names() {
		base, variant, ok := strings.Cut(strings.TrimSuffix(n, ")"), "(")
		if base != line {
			flush()
			line, variants = base, ""
		}
		if ok {
			variants = strings.TrimSpace(variants + " " + variant)
		}
	}
	flush()
	fmt.Fprintf(&b, "A variant is named as in fr(bepo). QEMU's names are understood too: %s.\n", strings.Join(layout.QEMUNames(), " "))
	return b.String()
}

// global is -global DRIVER.PROPERTY=VALUE.
func (s *settings) global(option, arg string) error {
	name, value, _ := strings.Cut(arg, "=")
	if name != "ps2-kbd.scancodes" {
		return &machine.ConfigError{Option: option, Value: arg, Reason: "ps2-kbd.scancodes=windows|linux is there"}
	}
	switch value {
	case "windows":
		s.scancodes = keycodemap.Windows
	case "linux":
		s.scancodes = keycodemap.Linux
	default:
		return &machine.ConfigError{Option: option, Value: arg, Reason: "windows and linux are there"}
	}
	return nil
}
