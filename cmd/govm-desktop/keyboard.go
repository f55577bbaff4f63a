package main

import (
	"fmt"
	"strings"

	"govm-desktop/input/layout"
)

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
