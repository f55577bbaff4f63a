package main

import (
	"fmt"
	"slices"
	"strings"

	"govm-desktop/chardev"
	"govm-desktop/cmd/govm-desktop/options"
	"govm-desktop/display"
	"govm-desktop/display/console"
	"govm-desktop/input/layout"
)

// consoles are the text consoles that displays show: -chardev vc, -serial vc, -monitor vc.
type consoles struct {
	layout *layout.Layout
	all    []namedConsole
}

type namedConsole struct {
	rank int // the place among the others: monitors come first, as in QEMU
	head *display.Head
}

func (c *consoles) heads() (all []*display.Head) {
	sorted := slices.Clone(c.all) // several monitors may ask at once
	slices.SortStableFunc(sorted, func(a, b namedConsole) int { return a.rank - b.rank })
	for _, n := range sorted {
		all = append(all, n.head)
	}
	return all
}

// Sizes of a character, by which width= and height= are divided.
const charWidth, charHeight = 8, 16

// vc opens a console for an option: -serial vc:80Cx24C, -chardev vc,id=c,cols=80,rows=24.
func (c *consoles) vc(k *options.Opts) (chardev.Stream, error) {
	size := [2]int64{}
	for i, names := range [2][2]string{{"cols", "width"}, {"rows", "height"}} {
		n, err := k.Number(names[0], 0)
		if err != nil {
			return nil, err
		}
		pixels, err := k.Number(names[1], 0)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			n = pixels / [2]int64{charWidth, charHeight}[i]
		}
		if n < 0 || n > 512 {
			return nil, k.Fail("%s: up to 512 are possible", names[0])
		}
		size[i] = n
	}
	name, rank := c.name(k)
	con, err := console.New(console.Config{Name: name, Cols: int(size[0]), Rows: int(size[1]), Layout: c.layout})
	if err != nil {
		return nil, k.Fail("%v", err)
	}
	c.all = append(c.all, namedConsole{rank, con.Head()})
	return con, nil
}

// name is how a window's title calls a console, and where it stands.
func (c *consoles) name(k *options.Opts) (string, int) {
	kind, rank := strings.TrimLeft(k.Option, "-"), 3
	switch kind {
	case "monitor", "mon", "qmp":
		rank = 0
	case "serial":
		rank = 1
	case "parallel":
		rank = 2
	case "chardev":
		return k.Str("id", "vc"), rank
	}
	n := 0
	for _, o := range c.all {
		if o.rank == rank {
			n++
		}
	}
	if n == 0 && rank == 0 {
		return kind, rank
	}
	return fmt.Sprintf("%s%d", kind, n), rank
}

// vcArg turns what follows "vc:" into -chardev's form: WIDTHxHEIGHT, in pixels or with a C behind it in characters.
func vcArg(option, rest string) (*options.Opts, error) {
	k := options.Of(option, options.Pair{Key: "backend", Value: "vc"})
	k.Text = "vc"
	if rest == "" {
		return k, nil
	}
	k.Text = "vc:" + rest
	w, h, ok := strings.Cut(rest, "x")
	if !ok {
		return nil, k.Fail("WIDTHxHEIGHT belongs after the colon, as in vc:80Cx24C")
	}
	for _, part := range [2][3]string{{w, "width", "cols"}, {h, "height", "rows"}} {
		key := part[1]
		n, chars := strings.CutSuffix(part[0], "C")
		if chars {
			key = part[2]
		}
		k.Pairs = append(k.Pairs, options.Pair{Key: key, Value: n})
	}
	return k, nil
}

// vcKind is -chardev vc.
func vcKind() options.Kind {
	return options.Kind{Name: "vc", Help: "a text console that displays show beside the guest's screen", Keys: []options.Key{
		{Name: "width", Type: options.Number, Help: "in pixels"}, {Name: "height", Type: options.Number}, {Name: "cols", Type: options.Number, Help: "in characters"}, {Name: "rows", Type: options.Number}}}
}
