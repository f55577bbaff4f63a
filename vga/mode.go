package vga

type modeKind uint8

const (
	blank    modeKind = iota
	text              // cells of character and attribute
	planar16          // four planes
	cga4              // two bits a pixel, planes 0 and 1 (and 2 and 3 for the upper bits)
	pal8              // a byte a pixel
	rgb15             // direct colours
	rgb16
	rgb24
	rgb32
)

// mode is everything but colours and memory that a picture depends on: two equal modes show memory alike.
type mode struct {
	kind   modeKind
	w, h   int  // of the picture
	double bool // each pixel is two wide

	// Where lines come from. Addresses are bytes of video memory.
	start, pitch, mask uint32
	maxScan            int    // rows of scan lines to a row of memory, less one
	scanDouble         bool   // each is two high
	preset             int    // row scan at the top
	split              int    // the last line before memory is shown from 0 on; -1: none
	bank13, bank14     uint32 // address bits that the row scan counter's bits 0 and 1 replace; 0: none
	pan, splitPan      int    // pixels that the picture is moved to the left, above and below the split
	bigEndian          bool
	enable             uint8 // planes

	// Of text.
	cellW             int
	fontA, fontB      uint32 // for characters with attribute bit 3 set, and clear
	attrMode          uint8
	underline         int
	curFirst, curLast int
	cursor            uint32 // where
	cursorOn          bool
}

// fixed is the mode without what a text screen takes account of cell by cell.
func (m mode) fixed() mode {
	if m.kind == text {
		m.start, m.pitch, m.cursor, m.cursorOn, m.curFirst, m.curLast = 0, 0, 0, false, 0, 0
	}
	return m
}

// mode says what the registers show.
func (r *regs) mode(vram int) mode {
	switch {
	case r.attrIndex&arIndexEnable == 0:
		return mode{}
	case r.vbe():
		return r.vbeMode(vram)
	case r.seq[srClocking]&sr1ScreenOff != 0:
		return mode{}
	}
	m := mode{mask: planesSize - 1, enable: r.attr[arPlaneEnable] & 15}
	m.start = (uint32(r.crtc[crStartHigh])<<8 | uint32(r.crtc[crStartLow]) + uint32(r.crtc[crPresetRow]>>5&3)) << 2
	m.pitch = uint32(r.crtc[crOffset]) << 3
	m.maxScan = int(r.crtc[crMaxScan] & 0x1f)
	m.scanDouble = r.crtc[crMaxScan]&cr9DoubleScan != 0
	m.preset = int(r.crtc[crPresetRow] & 0x1f)
	m.split = int(r.crtc[crLineCompare]) | int(r.crtc[crOverflow])<<4&0x100 | int(r.crtc[crMaxScan])<<3&0x200
	m.w, m.h = int(r.crtc[crHDispEnd])+1, r.vDispEnd()
	if r.gfx[grMisc]&gr6Graphics != 0 {
		r.graphicsMode(&m)
	} else {
		r.textMode(&m)
	}
	m.splitPan = m.pan
	if r.attr[arMode]&ar10PanCompat != 0 {
		m.splitPan = 0
	}
	if m.split >= m.h-1 {
		m.split = -1
	}
	return m
}

func (r *regs) graphicsMode(m *mode) {
	m.w *= 8
	pan := int(r.attr[arPanning])
	if pan < 8 {
		m.pan = pan
	}
	switch r.gfx[grMode] >> 5 & 3 {
	case 0:
		m.kind = planar16
	case 1:
		m.kind = cga4
	default:
		m.kind, m.double, m.pan = pal8, true, m.pan/2
	}
	if m.kind != pal8 && r.seq[srClocking]&sr1HalfClock != 0 {
		m.double = true
		m.w *= 2
	}
	c := r.crtc[crModeControl]
	word := uint32(0) // the counter's bits are moved up by one on their way to memory
	if c&cr17ByteMode == 0 {
		word = 1
	}
	if c&cr17NoCGA == 0 {
		m.bank13 = 1 << (15 - word)
	}
	if c&cr17NoHercules == 0 {
		m.bank14 = 1 << (16 - word)
	}
}

func (r *regs) textMode(m *mode) {
	m.kind = text
	m.cellW = 9
	if r.seq[srClocking]&sr1EightDots != 0 {
		m.cellW = 8
	}
	if r.seq[srClocking]&sr1HalfClock != 0 {
		m.cellW, m.double = 16, true
	}
	m.w *= m.cellW
	if rows := m.h / m.rowHeight(); rows > 0 { // whole rows of characters
		m.h = rows * m.rowHeight()
	}
	switch p := int(r.attr[arPanning]); {
	case m.cellW == 9 && p < 8:
		m.pan = p + 1
	case m.cellW == 8 && p < 8:
		m.pan = p
	case m.double && p < 8:
		m.pan = 2 * p
	}
	s := uint32(r.seq[srCharMap])
	m.fontB = (s>>4&1 | s<<1&6) * 0x2000
	m.fontA = (s>>5&1 | s>>1&6) * 0x2000
	m.attrMode = r.attr[arMode] & (ar10Mono | ar10LineChars | ar10Blink)
	m.underline = int(r.crtc[crUnderline] & 0x1f)
	m.cursorOn = r.crtc[crCursorStart]&crACursorOff == 0
	m.curFirst, m.curLast = int(r.crtc[crCursorStart]&0x1f), int(r.crtc[crCursorEnd]&0x1f)
	m.cursor = (uint32(r.crtc[crCursorHigh])<<8 | uint32(r.crtc[crCursorLow])) << 2
}

// rowHeight is the lines of the picture to a row of memory.
func (m *mode) rowHeight() int {
	if m.scanDouble {
		return 2 * (m.maxScan + 1)
	}
	return m.maxScan + 1
}

func (r *regs) vbeMode(vram int) mode {
	d := &r.dispi
	m := mode{
		w: int(d[dispiXRes]), h: int(d[dispiYRes]), split: -1, bigEndian: r.bigEndian,
		pitch: uint32(r.pitch()), mask: uint32(vram) - 1, enable: r.attr[arPlaneEnable] & 15,
	}
	m.start = uint32(d[dispiYOffset])*m.pitch + uint32(int(d[dispiXOffset])*r.depth()/8)
	switch d[dispiBPP] {
	case 4:
		m.kind, m.bigEndian = planar16, false
		m.start &^= 3
		m.pan = int(d[dispiXOffset] & 7)
	case 8:
		m.kind, m.bigEndian = pal8, false
	case 15:
		m.kind = rgb15
	case 16:
		m.kind = rgb16
	case 24:
		m.kind = rgb24
	default:
		m.kind = rgb32
	}
	return m
}

// rowBytes is the memory that a line of n pixels takes.
func (m *mode) rowBytes(n int) int {
	switch m.kind {
	case planar16, cga4:
		return (n + 7) / 8 * 4
	case pal8:
		return n
	case rgb15, rgb16:
		return 2 * n
	case rgb24:
		return 3 * n
	}
	return 4 * n
}

// raster walks over the lines of a picture as the CRT controller does.
type raster struct {
	m     *mode
	y     int
	row   uint32 // where the row of memory starts
	scan  int    // row scan counter
	again bool   // the line is the second of a doubled one
	below bool   // the split
}

func (m *mode) raster() raster {
	return raster{m: m, row: m.start & m.mask, scan: m.preset}
}

// addr is where the line's pixels are.
func (s *raster) addr() uint32 {
	a := s.row
	if b := s.m.bank13; b != 0 {
		a = a&^b | b*uint32(s.scan&1)
	}
	if b := s.m.bank14; b != 0 {
		a = a&^b | b*uint32(s.scan>>1&1)
	}
	return a & s.m.mask
}

// next goes to the next line.
func (s *raster) next() {
	s.y++
	if s.y == s.m.split+1 && s.m.split >= 0 {
		s.row, s.scan, s.again, s.below = 0, 0, false, true
		return
	}
	if s.m.scanDouble && !s.again {
		s.again = true
		return
	}
	s.again = false
	if s.scan == s.m.maxScan {
		s.scan, s.row = 0, (s.row+s.m.pitch)&s.m.mask
		return
	}
	s.scan = (s.scan + 1) & 0x1f
}

// pan is how far the line is moved to the left.
func (s *raster) pan() int {
	if s.below {
		return s.m.splitPan
	}
	return s.m.pan
}
