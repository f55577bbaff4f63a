package vga

import "govm-desktop/snapshot"

// regs is everything that software can set. It is copied as a whole for each picture.
type regs struct {
	misc, feature                            uint8
	seqIndex, gfxIndex, crtcIndex, attrIndex uint8
	seq                                      [8]uint8
	gfx                                      [16]uint8
	crtc                                     [256]uint8
	attr                                     [32]uint8
	attrData                                 bool // the next write to 3C0 is data

	dac                         [768]uint8
	dacCache                    [3]uint8
	dacMask, dacState           uint8
	dacRead, dacWrite, dacPhase uint8

	latch uint32

	dispiIndex uint16
	dispi      [numDispi]uint16
	bank       uint16 // in use: the register keeps its value when the extension is switched off
	bigEndian  bool
}

// Registers of the sequencer (SRnn), the graphics controller (GRnn), the CRT controller (CRnn) and the attribute
// controller (ARnn), by the names of the IBM manual.
const (
	srClocking = 1
	srMapMask  = 2
	srCharMap  = 3
	srMemMode  = 4

	grSetReset       = 0
	grEnableSetReset = 1
	grColourCompare  = 2
	grDataRotate     = 3
	grReadMap        = 4
	grMode           = 5
	grMisc           = 6
	grColourDontCare = 7
	grBitMask        = 8

	crHTotal       = 0x00
	crHDispEnd     = 0x01
	crVTotal       = 0x06
	crOverflow     = 0x07
	crPresetRow    = 0x08
	crMaxScan      = 0x09
	crCursorStart  = 0x0a
	crCursorEnd    = 0x0b
	crStartHigh    = 0x0c
	crStartLow     = 0x0d
	crCursorHigh   = 0x0e
	crCursorLow    = 0x0f
	crVSyncStart   = 0x10
	crVSyncEnd     = 0x11
	crVDispEnd     = 0x12
	crOffset       = 0x13
	crUnderline    = 0x14
	crModeControl  = 0x17
	crLineCompare  = 0x18
	arMode         = 0x10
	arPlaneEnable  = 0x12
	arPanning      = 0x13
	arColourSelect = 0x14
	numAttr        = 0x15
)

// Bits.
const (
	miscColour = 0x01 // ports 3Dx, not 3Bx

	sr1EightDots  = 0x01
	sr1HalfClock  = 0x08
	sr1ScreenOff  = 0x20
	sr4Chain4     = 0x08
	gr5ReadMode1  = 0x08
	gr5OddEven    = 0x10
	gr6Graphics   = 0x01
	cr11Protect   = 0x80
	arIndexEnable = 0x20 // palette address source: the picture is on

	ar10Mono       = 0x02
	ar10LineChars  = 0x04
	ar10Blink      = 0x08
	ar10PanCompat  = 0x20
	ar10P54Select  = 0x80
	cr17NoCGA      = 0x01 // address bit 13 is the counter's, not the row scan's
	cr17NoHercules = 0x02 // the same for bit 14
	cr17ByteMode   = 0x40
	cr9DoubleScan  = 0x80
	crACursorOff   = 0x20
)

func (r *regs) state(c *snapshot.Coder) {
	for _, f := range []struct {
		name string
		p    *uint8
	}{
		{"misc", &r.misc}, {"feature", &r.feature}, {"seq-index", &r.seqIndex}, {"gfx-index", &r.gfxIndex},
		{"crtc-index", &r.crtcIndex}, {"attr-index", &r.attrIndex}, {"dac-mask", &r.dacMask}, {"dac-state", &r.dacState},
		{"dac-read", &r.dacRead}, {"dac-write", &r.dacWrite}, {"dac-phase", &r.dacPhase},
	} {
		snapshot.Field(c, f.name, f.p)
	}
	c.Bytes("seq", r.seq[:])
	c.Bytes("gfx", r.gfx[:])
	c.Bytes("crtc", r.crtc[:])
	c.Bytes("attr", r.attr[:])
	snapshot.Field(c, "attr-data", &r.attrData)
	c.Bytes("dac", r.dac[:])
	c.Bytes("dac-cache", r.dacCache[:])
	snapshot.Field(c, "latch", &r.latch)
	snapshot.Field(c, "dispi-index", &r.dispiIndex)
	c.Group("dispi", func(c *snapshot.Coder) {
		for i, name := range dispiNames {
			snapshot.Field(c, name, &r.dispi[i])
		}
	})
	snapshot.Field(c, "bank-in-use", &r.bank)
	snapshot.Field(c, "big-endian", &r.bigEndian)
}

// sane brings loaded values into the bounds that the rest relies on.
func (r *regs) sane(vram int) {
	r.seqIndex &= 7
	r.gfxIndex &= 15
	r.attrIndex &= 0x3f
	r.dacPhase %= 3
	r.fixDispi(vram)
}
