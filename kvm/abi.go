package kvm

// Requests of the KVM API (linux/kvm.h, Documentation/virt/kvm/api.rst).
const (
	reqGetAPIVersion       = 0xae00
	reqCreateVM            = 0xae01
	reqCheckExtension      = 0xae03
	reqGetVCPUMmapSize     = 0xae04
	reqGetSupportedCPUID   = 0xc008ae05
	reqCreateVCPU          = 0xae41
	reqGetDirtyLog         = 0x4010ae42
	reqSetUserMemoryRegion = 0x4020ae46
	reqSetTSSAddr          = 0xae47
	reqSetIdentityMapAddr  = 0x4008ae48
	reqCreateIRQChip       = 0xae60
	reqIRQLine             = 0x4008ae61
	reqGetIRQChip          = 0xc208ae62
	reqSetIRQChip          = 0x8208ae63
	reqSetGSIRouting       = 0x4008ae6a
	reqCreatePIT2          = 0x4040ae77
	reqGetPIT2             = 0x8070ae9f
	reqSetPIT2             = 0x4070aea0
	reqSignalMSI           = 0x4020aea5
	reqRun                 = 0xae80
	reqGetRegs             = 0x8090ae81
	reqSetRegs             = 0x4090ae82
	reqGetSregs            = 0x8138ae83
	reqSetSregs            = 0x4138ae84
	reqGetMSRs             = 0xc008ae88
	reqSetMSRs             = 0x4008ae89
	reqGetLAPIC            = 0x8400ae8e
	reqSetLAPIC            = 0x4400ae8f
	reqSetCPUID2           = 0x4008ae90
	reqGetMPState          = 0x8004ae98
	reqSetMPState          = 0x4004ae99
	reqNMI                 = 0xae9a
	reqGetVCPUEvents       = 0x8040ae9f
	reqSetVCPUEvents       = 0x4040aea0
	reqSetGuestDebug       = 0x4048ae9b
	reqGetDebugRegs        = 0x8080aea1
	reqSetDebugRegs        = 0x4080aea2
	reqGetXSave            = 0x9000aea4
	reqSetXSave            = 0x5000aea5
	reqGetXCRs             = 0x8188aea6
	reqSetXCRs             = 0x4188aea7
)

// Capabilities.
const (
	capUserMemory    = 3
	capIRQChip       = 0
	capPIT2          = 33
	capReadonlyMem   = 81
	capImmediateExit = 136
	capXSave         = 55
	capXCRs          = 56
	capSignalMSI     = 77
	capMaxVCPUs      = 66
)

// Reasons that KVM_RUN ends for.
const (
	exitUnknown       = 0
	exitIO            = 2
	exitDebug         = 4
	exitHLT           = 5
	exitMMIO          = 6
	exitIRQWindow     = 7
	exitShutdown      = 8
	exitFailEntry     = 9
	exitIntr          = 10
	exitInternalError = 17
	exitSystemEvent   = 24

	suberrorEmulation = 1
)

// Flags of a memory slot.
const (
	memLogDirtyPages = 1
	memReadonly      = 2
)

type regs struct {
	RAX, RBX, RCX, RDX, RSI, RDI, RSP, RBP uint64
	R8, R9, R10, R11, R12, R13, R14, R15   uint64
	RIP, RFLAGS                            uint64
}

type segment struct {
	Base                      uint64
	Limit                     uint32
	Selector                  uint16
	Type, Present, DPL, DB, S uint8
	L, G, AVL, Unusable, _    uint8
}

type dtable struct {
	Base  uint64
	Limit uint16
	_     [3]uint16
}

type sregs struct {
	CS, DS, ES, FS, GS, SS, TR, LDT         segment
	GDT, IDT                                dtable
	CR0, CR2, CR3, CR4, CR8, EFER, APICBase uint64
	InterruptBitmap                         [4]uint64
}

type debugRegs struct {
	DB       [4]uint64
	DR6, DR7 uint64
	Flags    uint64
	_        [9]uint64
}

type vcpuEvents struct {
	ExcInjected, ExcNr, ExcHasCode, ExcPending uint8
	ExcCode                                    uint32
	IntInjected, IntNr, IntSoft, IntShadow     uint8
	NMIInjected, NMIPending, NMIMasked, _      uint8
	SIPIVector                                 uint32
	Flags                                      uint32
	SMM, SMIPending, SMMInsideNMI, LatchedINIT uint8
	TripleFault                                uint8
	_                                          [26]uint8
	HasPayload                                 uint8
	Payload                                    uint64
}

// Flags of vcpuEvents.
const (
	eventsNMIPending = 1
	eventsSIPI       = 2
	eventsShadow     = 4
	eventsSMM        = 8
)

type msrEntry struct {
	Index, _ uint32
	Data     uint64
}

const maxMSRs = 64

type msrList struct {
	N, _    uint32
	Entries [maxMSRs]msrEntry
}

type cpuidEntry struct {
	Function, Index, Flags, EAX, EBX, ECX, EDX uint32
	_                                          [3]uint32
}

const maxCPUID = 256

type cpuidList struct {
	N, _    uint32
	Entries [maxCPUID]cpuidEntry
}

type memoryRegion struct {
	Slot, Flags                    uint32
	GuestAddr, Size, UserspaceAddr uint64
}

type dirtyLog struct {
	Slot, _ uint32
	Bitmap  uint64
}

type irqLevel struct{ IRQ, Level uint32 }

type irqRoute struct {
	GSI, Type, Flags, _ uint32
	Chip, Pin           uint32
	_                   [6]uint32
}

type irqRouting struct {
	N, Flags uint32
	Entries  [64]irqRoute
}

type msi struct {
	AddrLo, AddrHi, Data, Flags, DevID uint32
	_                                  [12]uint8
}

type irqChipState struct {
	ID, _ uint32
	Data  [512]byte
}

type pitState struct {
	Channels [72]byte
	Flags    uint32
	_        [9]uint32
}

type pitConfig struct {
	Flags uint32
	_     [15]uint32
}

const (
	pitSpeakerDummy  = 1 // the kernel answers port 61 too
	pitHPETLegacy    = 1 // of pitState.Flags: the HPET has taken IRQ 0
	mpRunnable       = 0
	mpUninitialized  = 1
	mpInitReceived   = 2
	mpHalted         = 3
	irqChipPICMaster = 0
	irqChipPICSlave  = 1
	irqChipIOAPIC    = 2
)

// xsave is the XSAVE area in the standard format (SDM volume 1, 13.4).
type xsave struct{ Region [4096]byte }

type xcr struct {
	Index, _ uint32
	Value    uint64
}

type xcrList struct {
	N, Flags uint32
	Entries  [16]xcr
	_        [16]uint64
}

// lapicState is a local APIC's register page, the first KiB.
type lapicState [1024]byte
