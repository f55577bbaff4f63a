package xhci

import "encoding/binary"

// trbSize is the size of a Transfer Request Block (4.11).
const trbSize = 16

// trb is a Transfer Request Block.
type trb struct {
	param           uint64
	status, control uint32
}

// Bits of a TRB's control word.
const (
	trbCycle     = 1 << 0
	trbToggle    = 1 << 1 // of a Link TRB: Toggle Cycle
	trbISP       = 1 << 2 // Interrupt on Short Packet; of an event: Event Data
	trbChain     = 1 << 4
	trbIOC       = 1 << 5 // Interrupt On Completion
	trbIDT       = 1 << 6 // Immediate Data
	trbBEI       = 1 << 9 // Block Event Interrupt; of some commands: BSR, DC, TSP
	trbIn        = 1 << 16
	trbSIA       = 1 << 31 // Start Isoch ASAP
	trbSuspend   = 1 << 23 // of Stop Endpoint
	trbEventData = trbISP
)

// kind is the type of a TRB (table 6-91).
type kind uint8

// Types of TRBs.
const (
	kindNormal         kind = 1
	kindSetup          kind = 2
	kindData           kind = 3
	kindStatus         kind = 4
	kindIsoch          kind = 5
	kindLink           kind = 6
	kindEventData      kind = 7
	kindNoOp           kind = 8
	kindEnableSlot     kind = 9
	kindDisableSlot    kind = 10
	kindAddressDevice  kind = 11
	kindConfigure      kind = 12
	kindEvaluate       kind = 13
	kindResetEndpoint  kind = 14
	kindStopEndpoint   kind = 15
	kindSetDequeue     kind = 16
	kindResetDevice    kind = 17
	kindPortBandwidth  kind = 21
	kindNoOpCommand    kind = 23
	kindTransferEvent  kind = 32
	kindCompletion     kind = 33
	kindPortStatus     kind = 34
	kindHostController kind = 37
	kindIndexWrap      kind = 39
	kindNECCompletion  kind = 48
	kindNECFirmware    kind = 49
	kindNECChallenge   kind = 50
)

// code is a completion code (table 6-90).
type code uint8

// Completion codes.
const (
	codeSuccess          code = 1
	codeBabble           code = 3
	codeTransaction      code = 4
	codeTRB              code = 5
	codeStall            code = 6
	codeNoSlots          code = 9
	codeStreamType       code = 10
	codeSlotNotEnabled   code = 11
	codeNotEnabled       code = 12
	codeShort            code = 13
	codeUnderrun         code = 14
	codeOverrun          code = 15
	codeParameter        code = 17
	codeBandwidthOverrun code = 18
	codeContextState     code = 19
	codeEventRingFull    code = 21
	codeMissedService    code = 23
	codeCommandStopped   code = 24
	codeCommandAborted   code = 25
	codeStopped          code = 26
	codeStoppedInvalid   code = 27
	codeIsochOverrun     code = 31
	codeStreamID         code = 34
	lengthMask                = 0xffffff // of the length field of a Transfer Event
	maxTRBLength              = 1 << 16
	interrupterShift          = 22
	transferLengthInTRB       = 0x1ffff
)

func (t trb) kind() kind { return kind(t.control >> 10 & 0x3f) }
func (t trb) slot() int  { return int(t.control >> 24) }
func (t trb) dci() int   { return int(t.control >> 16 & 0x1f) }

func control(k kind, bits uint32) uint32 { return uint32(k)<<10 | bits }

// load reads a TRB: its control word first, so that whoever sees the cycle bit sees the rest. False: it is not in RAM.
func (c *Controller) load(addr uint64) (t trb, ok bool) {
	b := c.dma.Slice(addr, trbSize, false)
	if len(b) < trbSize {
		return t, false
	}
	t.control = loadAcquire(b[12:])
	t.param, t.status = binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint32(b[8:])
	return t, true
}

// store writes a TRB, its control word last.
func (c *Controller) store(addr uint64, t trb) bool {
	b := c.dma.Slice(addr, trbSize, true)
	if len(b) < trbSize {
		return false
	}
	binary.LittleEndian.PutUint64(b, t.param)
	binary.LittleEndian.PutUint32(b[8:], t.status)
	storeRelease(b[12:], t.control)
	c.dma.Wrote(addr, trbSize)
	return true
}
