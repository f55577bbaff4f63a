package vga

import "govm-desktop/memory"

// Ports of the IBM VGA.
const (
	portCRTCMono   = 0x3b4
	portStatusMono = 0x3ba
	portAttr       = 0x3c0
	portAttrRead   = 0x3c1
	portMisc       = 0x3c2 // read: input status 0
	portSeqIndex   = 0x3c4
	portSeqData    = 0x3c5
	portDACMask    = 0x3c6
	portDACRead    = 0x3c7 // read: state
	portDACWrite   = 0x3c8
	portDACData    = 0x3c9
	portFeatureRd  = 0x3ca
	portMiscRead   = 0x3cc
	portGfxIndex   = 0x3ce
	portGfxData    = 0x3cf
	portCRTC       = 0x3d4
	portCRTCData   = 0x3d5
	portStatus     = 0x3da
)

// PortRange is a block of ports for the board to map.
type PortRange struct {
	Base   uint16
	Region *memory.Region
}

// Ports is where the VGA answers in the port space.
func (v *VGA) Ports() []PortRange {
	var out []PortRange
	for _, p := range []struct {
		base uint16
		n    uint64
	}{{portCRTCMono, 2}, {portStatusMono, 1}, {portAttr, 16}, {portCRTC, 2}, {portStatus, 1}} {
		out = append(out, PortRange{p.base, memory.NewIO("vga.ports", p.n, portIO{v, p.base}, memory.Widths{Min: 1, Max: 1})})
	}
	return append(out, PortRange{dispiPort, memory.NewIO("vga.dispi", 4, dispiIO{v}, memory.Widths{Min: 1, Max: 2})})
}

// portIO is a block of byte-wide ports.
type portIO struct {
	v    *VGA
	base uint16
}

// Read implements memory.Handler.
func (p portIO) Read(off uint64, _ int) uint64 {
	return uint64(p.v.readPort(p.base + uint16(off)))
}

// Write implements memory.Handler.
func (p portIO) Write(off uint64, _ int, val uint64) {
	p.v.writePort(p.base+uint16(off), uint8(val))
}

// absent reports that a port belongs to the other one of the monochrome and colour layouts.
func (r *regs) absent(port uint16) bool {
	if r.misc&miscColour != 0 {
		return port < portAttr
	}
	return port >= 0x3d0
}

func (v *VGA) readPort(port uint16) uint8 {
	v.mu.Lock()
	defer v.mu.Unlock()
	r := &v.regs
	if r.absent(port) {
		return 0xff
	}
	switch port {
	case portAttr:
		if !r.attrData {
			return r.attrIndex
		}
	case portAttrRead:
		return r.attr[r.attrIndex&0x1f]
	case portMisc:
		return 0x10 // a monitor is connected
	case portSeqIndex:
		return r.seqIndex
	case portSeqData:
		return r.seq[r.seqIndex]
	case portDACMask:
		return r.dacMask
	case portDACRead:
		return r.dacState
	case portDACWrite:
		return r.dacWrite
	case portDACData:
		return r.readDAC()
	case portFeatureRd:
		return r.feature
	case portMiscRead:
		return r.misc
	case portGfxIndex:
		return r.gfxIndex
	case portGfxData:
		return r.gfx[r.gfxIndex]
	case portCRTC, portCRTCMono:
		return r.crtcIndex
	case portCRTCData, portCRTCMono + 1:
		return r.crtc[r.crtcIndex]
	case portStatus, portStatusMono:
		r.attrData = false
		return r.retrace(v.cfg.Clock.Now())
	}
	return 0
}

func (r *regs) readDAC() uint8 {
	val := r.dac[int(r.dacRead)*3+int(r.dacPhase)]
	if r.dacPhase++; r.dacPhase == 3 {
		r.dacPhase = 0
		r.dacRead++
	}
	return val
}

func (v *VGA) writePort(port uint16, val uint8) {
	if v.setPort(port, val) {
		v.remap()
	}
}

// setPort changes a register and reports whether the window may have to be mapped differently.
func (v *VGA) setPort(port uint16, val uint8) (moved bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	r := &v.regs
	if r.absent(port) {
		return false
	}
	switch port {
	case portAttr:
		v.writeAttr(val)
	case portMisc:
		r.misc = val &^ 0x10
	case portSeqIndex:
		r.seqIndex = val & 7
	case portSeqData:
		return v.writeSeq(val)
	case portDACMask:
		v.set(&r.dacMask, val)
	case portDACRead:
		r.dacRead, r.dacPhase, r.dacState = val, 0, 3
	case portDACWrite:
		r.dacWrite, r.dacPhase, r.dacState = val, 0, 0
	case portDACData:
		v.writeDAC(val)
	case portGfxIndex:
		r.gfxIndex = val & 0x0f
	case portGfxData:
		return v.writeGfx(val)
	case portCRTC, portCRTCMono:
		r.crtcIndex = val
	case portCRTCData, portCRTCMono + 1:
		v.writeCRTC(val)
	case portStatus, portStatusMono:
		r.feature = val & 0x10
	}
	return false
}

// set changes a register that the picture depends on.
func (v *VGA) set(p *uint8, val uint8) {
	if *p != val {
		*p = val
		v.wakeSoon()
	}
}

func (v *VGA) writeAttr(val uint8) {
	r := &v.regs
	r.attrData = !r.attrData
	if r.attrData {
		v.set(&r.attrIndex, val&0x3f)
		return
	}
	i := r.attrIndex & 0x1f
	switch {
	case i < 0x10:
		val &= 0x3f
	case i == arMode:
		val &^= 0x10
	case i == arPlaneEnable:
		val &= 0x3f
	case i == arPanning, i == arColourSelect:
		val &= 0x0f
	case i >= numAttr:
		return
	}
	v.set(&r.attr[i], val)
}

func (v *VGA) writeSeq(val uint8) (moved bool) {
	writable := [8]uint8{0x03, 0x3d, 0x0f, 0x3f, 0x0e, 0x00, 0x00, 0xff}
	r := &v.regs
	v.set(&r.seq[r.seqIndex], val&writable[r.seqIndex])
	return v.rewindow()
}

func (v *VGA) writeGfx(val uint8) (moved bool) {
	writable := [16]uint8{0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff}
	r := &v.regs
	p := &r.gfx[r.gfxIndex]
	val &= writable[r.gfxIndex]
	if r.gfxIndex == grMode || r.gfxIndex == grMisc {
		v.set(p, val)
	} else {
		*p = val
	}
	return v.rewindow()
}

func (v *VGA) writeCRTC(val uint8) {
	r := &v.regs
	i := r.crtcIndex
	if i <= crOverflow && r.crtc[crVSyncEnd]&cr11Protect != 0 {
		if i != crOverflow {
			return
		}
		val = r.crtc[i]&^0x10 | val&0x10 // the line compare bit alone
	}
	v.set(&r.crtc[i], val)
}

func (v *VGA) writeDAC(val uint8) {
	r := &v.regs
	r.dacCache[r.dacPhase] = val
	if r.dacPhase++; r.dacPhase < 3 {
		return
	}
	r.dacPhase = 0
	for i, c := range r.dacCache {
		v.set(&r.dac[int(r.dacWrite)*3+i], c)
	}
	r.dacWrite++
}
