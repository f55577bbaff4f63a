package kvm

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// word is one register of CPUID with feature bits: their names from bit 0 on, "-" where there is none.
type word struct {
	function, index uint32
	reg             int // 0 EAX … 3 EDX
	names           string
}

func words() []word {
	return []word{
		{1, 0, 3, "fpu vme de pse tsc msr pae mce cx8 apic - sep mtrr pge mca cmov pat pse36 pn clflush - ds acpi mmx fxsr sse sse2 ss ht tm ia64 pbe"},
		{1, 0, 2, "sse3 pclmulqdq dtes64 monitor ds-cpl vmx smx est tm2 ssse3 cid - fma cx16 xtpr pdcm - pcid dca sse4.1 sse4.2 x2apic movbe popcnt tsc-deadline aes xsave osxsave avx f16c rdrand hypervisor"},
		{7, 0, 1, "fsgsbase tsc-adjust sgx bmi1 hle avx2 - smep bmi2 erms invpcid rtm - - mpx - avx512f avx512dq rdseed adx smap avx512ifma - clflushopt clwb - avx512pf avx512er avx512cd sha-ni avx512bw avx512vl"},
		{0x80000001, 0, 3, "- - - - - - - - - - - syscall - - - - - - - - nx - mmxext - - fxsr-opt pdpe1gb rdtscp - lm 3dnowext 3dnow"},
		{0x80000001, 0, 2, "lahf-lm cmp-legacy svm extapic cr8legacy abm sse4a misalignsse 3dnowprefetch osvw ibs xop skinit wdt - lwp fma4 tce - nodeid-msr - tbm topoext perfctr-core perfctr-nb - - - - - - -"},
	}
}

// qemu64 are the features of the model of that name, by word.
var qemu64 = [...]string{
	"fpu de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 clflush mmx fxsr sse sse2",
	"sse3 cx16 x2apic hypervisor",
	"",
	"syscall nx lm",
	"lahf-lm",
}

// supportedCPUID is what guests will see: what the kernel offers, cut down to the model, with the user's switches.
func supportedCPUID(dev int, model string, features map[string]bool) (*cpuidList, error) {
	l := &cpuidList{N: maxCPUID}
	if err := call(dev, reqGetSupportedCPUID, l); err != nil {
		return nil, fmt.Errorf("CPUID: %w", err)
	}
	offered := *l
	switch model {
	case "", "qemu64":
		for i, w := range words() {
			l.keep(w, qemu64[i])
		}
		l.identify()
	case "max", "host":
	default:
		return nil, fmt.Errorf("unknown processor model %q: qemu64, max and host are there", model)
	}
	return l, l.switches(&offered, features)
}

// reg is a register of the entry for a leaf, or nil.
func (l *cpuidList) reg(w word) *uint32 {
	for i := range l.N {
		e := &l.Entries[i]
		if e.Function == w.function && e.Index == w.index {
			return [4]*uint32{&e.EAX, &e.EBX, &e.ECX, &e.EDX}[w.reg]
		}
	}
	return nil
}

// keep clears all bits of a word but the named ones.
func (l *cpuidList) keep(w word, names string) {
	r := l.reg(w)
	if r == nil {
		return
	}
	var mask uint32
	for bit, n := range strings.Fields(w.names) {
		for _, k := range strings.Fields(names) {
			if n == k {
				mask |= 1 << bit
			}
		}
	}
	*r &= mask
}

// identify gives qemu64 its name and family, and takes away the leaves of features that it does not have.
func (l *cpuidList) identify() {
	brand := []byte("QEMU Virtual CPU version 2.5+\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	for i := range l.N {
		e := &l.Entries[i]
		switch f := e.Function; {
		case f == 0:
			e.EAX = min(e.EAX, 0xd)
		case f == 1:
			e.EAX = 0x60fb1
		case f >= 0x80000002 && f <= 0x80000004:
			at := brand[(f-0x80000002)*16:]
			e.EAX, e.EBX = binary.LittleEndian.Uint32(at), binary.LittleEndian.Uint32(at[4:])
			e.ECX, e.EDX = binary.LittleEndian.Uint32(at[8:]), binary.LittleEndian.Uint32(at[12:])
		case f == 7, f == 0xd, f == 0x14, f >= 0x19 && f < 0x40000000:
			e.EAX, e.EBX, e.ECX, e.EDX = 0, 0, 0, 0
		}
	}
}

func (l *cpuidList) switches(offered *cpuidList, features map[string]bool) error {
	for name, on := range features {
		name = strings.ReplaceAll(name, "_", "-")
		if name == "pni" {
			name = "sse3"
		}
		if !l.set(offered, name, on) {
			return fmt.Errorf("unknown processor feature %q", name)
		}
	}
	return nil
}

// set switches one feature; on, as far as the kernel offers it.
func (l *cpuidList) set(offered *cpuidList, name string, on bool) bool {
	for _, w := range words() {
		for bit, n := range strings.Fields(w.names) {
			if n != name {
				continue
			}
			if r := l.reg(w); r != nil {
				*r &^= 1 << bit
				if on {
					*r |= *offered.reg(w) & (1 << bit)
				}
			}
			return true
		}
	}
	return false
}

// forCPU is the list with one processor's number and the topology in it: every processor is a package.
func (l *cpuidList) forCPU(id, cpus int) *cpuidList {
	c := *l
	for i := range c.N {
		e := &c.Entries[i]
		switch e.Function {
		case 1:
			e.EBX = e.EBX&0xff00 | uint32(id)<<24 | 1<<16
			e.EDX &^= 1 << 28 // HTT: one thread
		case 4:
			e.EAX &= 0x3fff
		case 0xb, 0x1f:
			e.EAX, e.EBX, e.ECX, e.EDX = 0, 1, e.Index, uint32(id)
			if e.Index == 0 {
				e.ECX |= 1 << 8
			} else {
				e.EBX, e.ECX = uint32(cpus), e.Index|2<<8
			}
		}
	}
	return &c
}
