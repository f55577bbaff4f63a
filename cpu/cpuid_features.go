package cpu

// feature is one CPUID feature that can be switched on and off. The zero value is no feature: always there.
type feature uint8

// Features this CPU knows, in the order of featureTable.
const (
	featNone feature = iota
	featFPU
	featDE
	featPSE
	featTSC
	featMSR
	featPAE
	featMCE
	featCX8
	featAPIC
	featSEP
	featMTRR
	featPGE
	featMCA
	featCMOV
	featPAT
	featPSE36
	featCLFSH
	featMMX
	featFXSR
	featSSE
	featSSE2
	featSSE3
	featPCLMUL
	featSSSE3
	featCX16
	featSSE41
	featSSE42
	featX2APIC
	featMOVBE
	featPOPCNT
	featTSCDeadline
	featAES
	featHypervisor
	featFSGSBASE
	featTSCAdjust
	featBMI1
	featBMI2
	featSMEP
	featERMS
	featSMAP
	featADX
	featCLFLUSHOPT
	featRDSEED
	featRDRAND
	featUMIP
	featRDPID
	featSYSCALL
	featNX
	featPDPE1GB
	featRDTSCP
	featLM
	featLAHF
	featCR8Legacy
	featABM
	featSSE4A
	feat3DNOWPrefetch
	featARAT
	featINVTSC
	numFeatures
)

// cpuidReg is a place of feature bits.
type cpuidReg uint8

// Registers with feature bits.
const (
	reg1EDX cpuidReg = iota
	reg1ECX
	reg7EBX
	reg7ECX
	reg81EDX
	reg81ECX
	reg6EAX
	reg87EDX
)

// featureBit is where CPUID shows a feature, and what -cpu calls it.
type featureBit struct {
	reg  cpuidReg
	bit  uint8
	name string
}

// featureTable is indexed by feature (SDM volume 2, CPUID; APM volume 3, appendix E).
func featureTable() [numFeatures]featureBit {
	return [numFeatures]featureBit{
		featFPU:           {reg1EDX, 0, "fpu"},
		featDE:            {reg1EDX, 2, "de"},
		featPSE:           {reg1EDX, 3, "pse"},
		featTSC:           {reg1EDX, 4, "tsc"},
		featMSR:           {reg1EDX, 5, "msr"},
		featPAE:           {reg1EDX, 6, "pae"},
		featMCE:           {reg1EDX, 7, "mce"},
		featCX8:           {reg1EDX, 8, "cx8"},
		featAPIC:          {reg1EDX, 9, "apic"},
		featSEP:           {reg1EDX, 11, "sep"},
		featMTRR:          {reg1EDX, 12, "mtrr"},
		featPGE:           {reg1EDX, 13, "pge"},
		featMCA:           {reg1EDX, 14, "mca"},
		featCMOV:          {reg1EDX, 15, "cmov"},
		featPAT:           {reg1EDX, 16, "pat"},
		featPSE36:         {reg1EDX, 17, "pse36"},
		featCLFSH:         {reg1EDX, 19, "clflush"},
		featMMX:           {reg1EDX, 23, "mmx"},
		featFXSR:          {reg1EDX, 24, "fxsr"},
		featSSE:           {reg1EDX, 25, "sse"},
		featSSE2:          {reg1EDX, 26, "sse2"},
		featSSE3:          {reg1ECX, 0, "sse3"},
		featPCLMUL:        {reg1ECX, 1, "pclmulqdq"},
		featSSSE3:         {reg1ECX, 9, "ssse3"},
		featCX16:          {reg1ECX, 13, "cx16"},
		featSSE41:         {reg1ECX, 19, "sse4.1"},
		featSSE42:         {reg1ECX, 20, "sse4.2"},
		featX2APIC:        {reg1ECX, 21, "x2apic"},
		featMOVBE:         {reg1ECX, 22, "movbe"},
		featPOPCNT:        {reg1ECX, 23, "popcnt"},
		featTSCDeadline:   {reg1ECX, 24, "tsc-deadline"},
		featAES:           {reg1ECX, 25, "aes"},
		featHypervisor:    {reg1ECX, 31, "hypervisor"},
		featFSGSBASE:      {reg7EBX, 0, "fsgsbase"},
		featTSCAdjust:     {reg7EBX, 1, "tsc-adjust"},
		featBMI1:          {reg7EBX, 3, "bmi1"},
		featSMEP:          {reg7EBX, 7, "smep"},
		featBMI2:          {reg7EBX, 8, "bmi2"},
		featERMS:          {reg7EBX, 9, "erms"},
		featRDSEED:        {reg7EBX, 18, "rdseed"},
		featADX:           {reg7EBX, 19, "adx"},
		featSMAP:          {reg7EBX, 20, "smap"},
		featCLFLUSHOPT:    {reg7EBX, 23, "clflushopt"},
		featRDRAND:        {reg1ECX, 30, "rdrand"},
		featUMIP:          {reg7ECX, 2, "umip"},
		featRDPID:         {reg7ECX, 22, "rdpid"},
		featSYSCALL:       {reg81EDX, 11, "syscall"},
		featNX:            {reg81EDX, 20, "nx"},
		featPDPE1GB:       {reg81EDX, 26, "pdpe1gb"},
		featRDTSCP:        {reg81EDX, 27, "rdtscp"},
		featLM:            {reg81EDX, 29, "lm"},
		featLAHF:          {reg81ECX, 0, "lahf-lm"},
		featCR8Legacy:     {reg81ECX, 4, "cr8legacy"},
		featABM:           {reg81ECX, 5, "abm"},
		featSSE4A:         {reg81ECX, 6, "sse4a"},
		feat3DNOWPrefetch: {reg81ECX, 8, "3dnowprefetch"},
		featARAT:          {reg6EAX, 2, "arat"},
		featINVTSC:        {reg87EDX, 8, "invtsc"},
	}
}

// featureAliases are further names of features, as QEMU's -cpu takes them. Underscores are read as dashes before.
func featureAliases() map[string]string {
	return map[string]string{"pni": "sse3", "sse4-1": "sse4.1", "sse4-2": "sse4.2", "sse4.1": "sse4.1", "sse4.2": "sse4.2", "i64": "lm", "xd": "nx", "lzcnt": "abm", "clflsh": "clflush"}
}
