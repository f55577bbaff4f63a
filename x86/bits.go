package x86

// Flags of RFLAGS.
const (
	FlagCF   = 1 << 0
	FlagOne  = 1 << 1 // always set
	FlagPF   = 1 << 2
	FlagAF   = 1 << 4
	FlagZF   = 1 << 6
	FlagSF   = 1 << 7
	FlagTF   = 1 << 8
	FlagIF   = 1 << 9
	FlagDF   = 1 << 10
	FlagOF   = 1 << 11
	FlagIOPL = 3 << 12
	FlagNT   = 1 << 14
	FlagRF   = 1 << 16
	FlagVM   = 1 << 17
	FlagAC   = 1 << 18
	FlagVIF  = 1 << 19
	FlagVIP  = 1 << 20
	FlagID   = 1 << 21

	FlagsStatus = FlagCF | FlagPF | FlagAF | FlagZF | FlagSF | FlagOF
)

// Bits of CR0.
const (
	CR0PE = 1 << 0
	CR0MP = 1 << 1
	CR0EM = 1 << 2
	CR0TS = 1 << 3
	CR0ET = 1 << 4
	CR0NE = 1 << 5
	CR0WP = 1 << 16
	CR0AM = 1 << 18
	CR0NW = 1 << 29
	CR0CD = 1 << 30
	CR0PG = 1 << 31
)

// Bits of CR4.
const (
	CR4VME        = 1 << 0
	CR4PVI        = 1 << 1
	CR4TSD        = 1 << 2
	CR4DE         = 1 << 3
	CR4PSE        = 1 << 4
	CR4PAE        = 1 << 5
	CR4MCE        = 1 << 6
	CR4PGE        = 1 << 7
	CR4PCE        = 1 << 8
	CR4OSFXSR     = 1 << 9
	CR4OSXMMEXCPT = 1 << 10
	CR4UMIP       = 1 << 11
	CR4FSGSBASE   = 1 << 16
	CR4PCIDE      = 1 << 17
	CR4OSXSAVE    = 1 << 18
	CR4SMEP       = 1 << 20
	CR4SMAP       = 1 << 21
)

// Bits of EFER.
const (
	EFERSCE = 1 << 0
	EFERLME = 1 << 8
	EFERLMA = 1 << 10
	EFERNXE = 1 << 11
)

// Exception vectors.
const (
	ExcDE = 0
	ExcDB = 1
	ExcNM = 7
	ExcBP = 3
	ExcOF = 4
	ExcBR = 5
	ExcUD = 6
	ExcDF = 8
	ExcTS = 10
	ExcNP = 11
	ExcSS = 12
	ExcGP = 13
	ExcPF = 14
	ExcMF = 16
	ExcAC = 17
	ExcMC = 18
	ExcXM = 19

	VectorNMI = 2
)

// Model-specific registers (SDM volume 4, table 2-2; APM volume 2, appendix A).
const (
	MSRTSC          = 0x10
	MSRAPICBase     = 0x1b
	MSRFeatControl  = 0x3a
	MSRTSCAdjust    = 0x3b
	MSRBIOSSignID   = 0x8b
	MSRMTRRCap      = 0xfe
	MSRSysenterCS   = 0x174
	MSRSysenterESP  = 0x175
	MSRSysenterEIP  = 0x176
	MSRMCGCap       = 0x179
	MSRMCGStatus    = 0x17a
	MSRMiscEnable   = 0x1a0
	MSRMTRRPhysBase = 0x200 // 16 of them, base and mask in turn
	MSRMTRRFix64K   = 0x250
	MSRMTRRFix16K80 = 0x258
	MSRMTRRFix16KA0 = 0x259
	MSRMTRRFix4K    = 0x268 // 8 of them
	MSRPAT          = 0x277
	MSRMTRRDefType  = 0x2ff
	MSRTSCDeadline  = 0x6e0
	MSRX2APIC       = 0x800 // to 0x8ff
	MSREFER         = 0xc0000080
	MSRSTAR         = 0xc0000081
	MSRLSTAR        = 0xc0000082
	MSRCSTAR        = 0xc0000083
	MSRFMASK        = 0xc0000084
	MSRFSBase       = 0xc0000100
	MSRGSBase       = 0xc0000101
	MSRKernelGSBase = 0xc0000102
	MSRTSCAux       = 0xc0000103
)

// Bits of MSRAPICBase.
const (
	APICBaseBSP    = 1 << 8
	APICBaseX2APIC = 1 << 10
	APICBaseEnable = 1 << 11
)

// PATReset is the PAT MSR's value after reset.
const PATReset = 0x0007040600070406
