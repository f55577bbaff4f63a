package console

// colour is a cell's colour: 0 the default, 1 to 256 one of the palette plus one, or RGB with the top bit set.
type colour uint32

const rgbColour colour = 1 << 31

// attr is how a cell looks.
type attr uint16

const (
	bold attr = 1 << iota
	dim
	underline
	blink
	reverse
	hidden
	strike
	wide // it takes two columns: the cell after it has rune 0
)

// cell is one place of the screen. Rune 0 is shown as a blank.
type cell struct {
	r      rune
	fg, bg colour
	attr   attr
}

// line is one row.
type line struct {
	cells   []cell
	wrapped bool // it goes on in the next one
}

func newLine(cols int, fill cell) *line {
	l := &line{cells: make([]cell, cols)}
	l.clear(fill)
	return l
}

func (l *line) clear(fill cell) {
	for i := range l.cells {
		l.cells[i] = fill
	}
	l.wrapped = false
}

// Colours of the palette's first sixteen: those of xterm.
func basePalette() [16]uint32 {
	return [16]uint32{0x000000, 0xcd0000, 0x00cd00, 0xcdcd00, 0x4d5fee, 0xcd00cd, 0x00cdcd, 0xe5e5e5,
		0x7f7f7f, 0xff0000, 0x00ff00, 0xffff00, 0x7c8cff, 0xff00ff, 0x00ffff, 0xffffff}
}

const (
	defaultFg = 0xc8c8c8
	defaultBg = 0x000000
)

// palette is xterm's 256 colours: sixteen, a cube of 6x6x6, 24 greys.
func palette() (p [256]uint32) {
	base := basePalette()
	copy(p[:], base[:])
	level := [6]uint32{0, 0x5f, 0x87, 0xaf, 0xd7, 0xff}
	for i := range 216 {
		p[16+i] = level[i/36]<<16 | level[i/6%6]<<8 | level[i%6]
	}
	for i := range uint32(24) {
		p[232+i] = (8 + 10*i) * 0x010101
	}
	return p
}
