package console

// boxArms says what each character from U+2500 to U+257F is made of: the weights of its lines up, right, down and left: 1 light, 2 heavy, 3 double.
// It was computed from their names in Unicode. Dashes and arcs are as full lines here, diagonals nothing.
const boxArms = "" +
	"0101 0202 1010 2020 0101 0202 1010 2020 0101 0202 1010 2020 0110 0210 0120 0220 " +
	"0011 0012 0021 0022 1100 1200 2100 2200 1001 1002 2001 2002 1110 1210 2110 1120 " +
	"2120 2210 1220 2220 1011 1012 2011 1021 2021 2012 1022 2022 0111 0112 0211 0212 " +
	"0121 0122 0221 0222 1101 1102 1201 1202 2101 2102 2201 2202 1111 1112 1211 1212 " +
	"2111 1121 2121 2112 2211 1122 1221 2212 1222 2122 2221 2222 0101 0202 1010 2020 " +
	"0303 3030 0310 0130 0330 0013 0031 0033 1300 3100 3300 1003 3001 3003 1310 3130 " +
	"3330 1013 3031 3033 0313 0131 0333 1303 3101 3303 1313 3131 3333 0110 0011 1001 " +
	"1100 0000 0000 0000 0001 1000 0100 0010 0002 2000 0200 0020 0201 1020 0102 2010 "

// The cell, and where lines cross in it.
const (
	cellW, cellH = 8, 16
	midX, midY   = 3, 7
)

// glyph is a character's picture: how much of each dot is covered. A wide one has two, side by side.
type glyph [cellW * cellH]uint8

func (g *glyph) rect(x0, y0, x1, y1 int, v uint8) {
	for y := max(y0, 0); y < min(y1, cellH); y++ {
		for x := max(x0, 0); x < min(x1, cellW); x++ {
			g[y*cellW+x] = v
		}
	}
}

// drawn makes the glyphs that must meet their neighbours without a gap: lines, blocks, shades, Braille.
func drawn(r rune) (g *glyph, ok bool) {
	g = new(glyph)
	switch {
	case r >= 0x2500 && r < 0x2580:
		g.box(int(r - 0x2500))
	case r >= 0x2580 && r < 0x25a0:
		g.block(int(r - 0x2580))
	case r >= 0x2800 && r < 0x2900:
		g.braille(int(r - 0x2800))
	case r >= 0x23ba && r <= 0x23bd: // scan lines 1, 3, 7, 9
		y := [...]int{1, 4, 11, 14}[r-0x23ba]
		g.rect(0, y, cellW, y+1, 0xff)
	default:
		return nil, false
	}
	return g, true
}

// box draws U+2500 + i.
func (g *glyph) box(i int) {
	switch {
	case i >= 0x6d && i <= 0x70:
		g.arc(i - 0x6d)
		return
	case i >= 0x71 && i <= 0x73:
		g.diagonals(i)
		return
	}
	var arms [4]int
	for d := range arms {
		arms[d] = int(boxArms[5*i+d] - '0')
	}
	for d := range arms {
		g.arm(d, arms, 0xff)
	}
	for d := range arms {
		g.carve(d, arms)
	}
	for d, w := range arms { // what crosses a double line
		if w == 1 && (arms[(d+1)&3] == 3 || arms[(d+3)&3] == 3) {
			g.arm(d, arms, 0xff)
		}
	}
	gaps := map[int]int{0x04: 3, 0x05: 3, 0x06: 3, 0x07: 3, 0x08: 4, 0x09: 4, 0x0a: 4, 0x0b: 4, 0x4c: 2, 0x4d: 2, 0x4e: 2, 0x4f: 2}
	if n := gaps[i]; n > 0 {
		g.dash(n, arms[1] != 0)
	}
}

// across is a line's dots to both sides of its middle.
func across(weight int) (before, after int) {
	if weight >= 2 {
		return 1, 2
	}
	return 0, 1
}

// reach is where an arm begins: how far back over the middle. Beyond the middle are the lines that it has to join.
func reach(d int, arms [4]int) int {
	a, b, opposite := arms[(d+1)&3], arms[(d+3)&3], arms[(d+2)&3]
	switch w := arms[d]; {
	case w == 1 && a == 3 && b == 3 && opposite == 0:
		return -1 // up to the nearer of two lines
	case w == 1 && (a == 3 || b == 3) && opposite == 0:
		return 1
	case w == 3 && a != 3 && b != 3, w == 1 && a != 2 && b != 2:
		return 0
	case a >= 2 || b >= 2:
		return 1
	}
	return 0
}

// arm draws the line from the middle into a direction: 0 up, 1 right, 2 down, 3 left.
func (g *glyph) arm(d int, arms [4]int, v uint8) {
	if arms[d] == 0 {
		return
	}
	before, after := across(arms[d])
	back := reach(d, arms)
	switch d {
	case 0:
		g.rect(midX-before, 0, midX+after, midY+back+1, v)
	case 1:
		g.rect(midX-back, midY-before, cellW, midY+after, v)
	case 2:
		g.rect(midX-before, midY-back, midX+after, cellH, v)
	case 3:
		g.rect(0, midY-before, midX+back+1, midY+after, v)
	}
}

// carve takes the middle out of a double line.
func (g *glyph) carve(d int, arms [4]int) {
	if arms[d] != 3 {
		return
	}
	from := 1 // a single line across it stays
	if a, b := arms[(d+1)&3], arms[(d+3)&3]; a == 3 || b == 3 || a == 0 && b == 0 {
		from = 0
	}
	switch d {
	case 0:
		g.rect(midX, 0, midX+1, midY-from+1, 0)
	case 1:
		g.rect(midX+from, midY, cellW, midY+1, 0)
	case 2:
		g.rect(midX, midY+from, midX+1, cellH, 0)
	case 3:
		g.rect(0, midY, midX-from+1, midY+1, 0)
	}
}

// dash cuts a line into n pieces.
func (g *glyph) dash(n int, horizontal bool) {
	for k := 1; k <= n; k++ {
		if horizontal {
			x := k*cellW/n - 1
			g.rect(x, 0, x+1, cellH, 0)
		} else {
			y := k * cellH / n
			g.rect(0, y-1, cellW, y, 0)
		}
	}
}

// arc is a rounded corner: down and right, down and left, up and left, up and right.
func (g *glyph) arc(i int) {
	if i < 2 {
		g.rect(midX, midY+2, midX+1, cellH, 0xff)
		g[(midY+1)*cellW+midX] = 0xa0
	} else {
		g.rect(midX, 0, midX+1, midY-1, 0xff)
		g[(midY-1)*cellW+midX] = 0xa0
	}
	if i == 0 || i == 3 {
		g.rect(midX+2, midY, cellW, midY+1, 0xff)
		g[midY*cellW+midX+1] = 0xa0
	} else {
		g.rect(0, midY, midX-1, midY+1, 0xff)
		g[midY*cellW+midX-1] = 0xa0
	}
	g[midY*cellW+midX] = 0x60
}

func (g *glyph) diagonals(i int) {
	for y := range cellH {
		x := y * cellW / cellH
		if i != 0x72 {
			g[y*cellW+cellW-1-x] = 0xff
		}
		if i != 0x71 {
			g[y*cellW+x] = 0xff
		}
	}
}

// block draws U+2580 + i: parts of a full block, shades, quadrants.
func (g *glyph) block(i int) {
	switch {
	case i == 0:
		g.rect(0, 0, cellW, cellH/2, 0xff)
	case i <= 8:
		g.rect(0, cellH-2*i, cellW, cellH, 0xff)
	case i <= 0x0f:
		g.rect(0, 0, 0x10-i, cellH, 0xff)
	case i == 0x10:
		g.rect(cellW/2, 0, cellW, cellH, 0xff)
	case i <= 0x13:
		g.rect(0, 0, cellW, cellH, uint8(0x40*(i-0x10)))
	case i == 0x14:
		g.rect(0, 0, cellW, cellH/8, 0xff)
	case i == 0x15:
		g.rect(cellW-1, 0, cellW, cellH, 0xff)
	default: // bits: upper left, upper right, lower left, lower right
		for q, bits := 0, [...]int{4, 8, 1, 13, 9, 7, 11, 2, 6, 14}[i-0x16]; q < 4; q++ {
			if bits>>q&1 != 0 {
				x, y := q&1*cellW/2, q>>1*cellH/2
				g.rect(x, y, x+cellW/2, y+cellH/2, 0xff)
			}
		}
	}
}

// braille draws U+2800 + bits.
func (g *glyph) braille(bits int) {
	for n, at := range [8][2]int{{1, 1}, {1, 5}, {1, 9}, {5, 1}, {5, 5}, {5, 9}, {1, 13}, {5, 13}} {
		if bits>>n&1 != 0 {
			g.rect(at[0], at[1], at[0]+2, at[1]+2, 0xff)
		}
	}
}
