package cpu

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"sort"
	"strings"
)

// CPU models: what CPUID says (SDM volume 2, CPUID; APM volume 3, appendix E).
//
// qemu64 has the identity that guests know from QEMU: AuthenticAMD, family 15, model 107, stepping 1, and its features, but for SVM, which is not
// modelled. max is the same processor with everything that this CPU does. The hypervisor's signature, leaf 40000000, is GOVMGOVMGOVM.

// Names of models.
const (
	modelDefault = "qemu64"
	modelMax     = "max"
)

// Highest leaves.
const (
	levelBasic = 0xd
	levelExt   = 0x8000000a
	levelHyper = 0x40000001
)

const (
	vendorID     = "AuthenticAMD"
	hyperID      = "GOVMGOVMGOVM"
	brandDefault = "QEMU Virtual CPU version 2.5+"
	brandMax     = "govm-desktop software CPU"
)

// extAlias are the bits of leaf 1's EDX that leaf 80000001 repeats on AMD's processors.
const extAlias = 0x0183f3ff

// model is one configuration of a processor.
type model struct {
	name      string
	brand     string
	signature uint32
	on        [numFeatures]bool
}

// qemu64Features are the features of the default model.
func qemu64Features() []feature {
	return []feature{
		featFPU, featDE, featPSE, featTSC, featMSR, featPAE, featMCE, featCX8, featAPIC, featSEP, featMTRR, featPGE, featMCA, featCMOV, featPAT,
		featPSE36, featCLFSH, featMMX, featFXSR, featSSE, featSSE2, featSSE3, featCX16, featHypervisor, featSYSCALL, featNX, featLM, featLAHF,
	}
}

// maxFeatures are those beyond qemu64 that max has.
func maxFeatures() []feature {
	return []feature{
		featSSSE3, featSSE41, featSSE42, featPOPCNT, featMOVBE, featABM, featADX, featX2APIC, featTSCDeadline, featFSGSBASE, featSMEP, featSMAP, featUMIP, featRDPID,
		featPDPE1GB, featRDTSCP, feat3DNOWPrefetch, featARAT, featTSCAdjust, featINVTSC,
	}
}

// newModel makes the model of that name ("" is the default) with features switched on and off.
func newModel(name string, switches map[string]bool) (*model, error) {
	if name == "" {
		name = modelDefault
	}
	m := &model{name: name, brand: brandDefault, signature: 0x60fb1}
	m.on[featNone] = true
	set := qemu64Features()
	switch name {
	case modelDefault:
	case modelMax:
		m.brand = brandMax
		set = append(set, maxFeatures()...)
		for _, r := range rows() {
			set = append(set, r.feat)
		}
	default:
		return nil, fmt.Errorf("model %q is not known: there are %s and %s", name, modelDefault, modelMax)
	}
	for _, f := range set {
		m.on[f] = true
	}
	return m, m.switches(switches)
}

// switches turns features on and off by name.
func (m *model) switches(sw map[string]bool) error {
	can := implemented()
	names := make([]string, 0, len(sw))
	for n := range sw {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		f, known := featureByName(n)
		switch {
		case known && (can[f] || !sw[n]):
			m.on[f] = sw[n]
		case !known && sw[n], known && sw[n]:
			return fmt.Errorf("feature %q is not known to this CPU", n)
		}
	}
	return nil
}

// implemented are the features that can be switched on: those of max.
func implemented() (can [numFeatures]bool) {
	for _, f := range qemu64Features() {
		can[f] = true
	}
	for _, f := range maxFeatures() {
		can[f] = true
	}
	for _, r := range rows() {
		can[r.feat] = true
	}
	return can
}

// featureByName finds a feature by any of its names.
func featureByName(name string) (feature, bool) {
	name = strings.ReplaceAll(strings.ToLower(name), "_", "-")
	if a, ok := featureAliases()[name]; ok {
		name = a
	}
	for f, b := range featureTable() {
		if b.name == name && f != int(featNone) {
			return feature(f), true
		}
	}
	return featNone, false
}

// bits are a register's feature bits.
func (m *model) bits(r cpuidReg) (v uint32) {
	for f, b := range featureTable() {
		if b.reg == r && f != int(featNone) && m.on[f] {
			v |= 1 << b.bit
		}
	}
	return v
}

// leaf is what CPUID answers.
type leaf struct{ a, b, c, d uint32 }

// text is a leaf of 16 characters.
func text(s string) (w [4]uint32) {
	var p [16]byte
	copy(p[:], s)
	for i := range w {
		w[i] = binary.LittleEndian.Uint32(p[4*i:])
	}
	return w
}

// cpuid answers for one processor.
func (c *CPU) cpuid(fn, sub uint32) leaf {
	switch {
	case fn >= 0x80000000:
		return c.cpuidExt(fn)
	case fn >= 0x40000000:
		return c.cpuidHyper(fn)
	}
	m, n := c.vm.sys.model, uint32(c.vm.sys.cpus)
	switch fn {
	case 0:
		v := text(vendorID)
		return leaf{levelBasic, v[0], v[2], v[1]}
	case 1:
		l := leaf{m.signature, uint32(c.id)<<24 | 8<<8, m.bits(reg1ECX), m.bits(reg1EDX)}
		if n > 1 {
			l.b |= min(n, 255) << 16
			l.d |= 1 << 28
		}
		if !c.apicOn() {
			l.d &^= 1 << 9
		}
		return l
	case 5:
		return leaf{c: 3}
	case 6:
		return leaf{a: m.bits(reg6EAX)}
	case 7:
		if sub == 0 {
			return leaf{b: m.bits(reg7EBX), c: m.bits(reg7ECX)}
		}
	case 0xb:
		return c.topology(sub)
	}
	return leaf{}
}

// topology is leaf B: one thread to a core, all cores in one package.
func (c *CPU) topology(sub uint32) leaf {
	n := uint32(c.vm.sys.cpus)
	l := leaf{c: sub & 0xff, d: uint32(c.id)}
	switch sub {
	case 0:
		l.b, l.c = 1, l.c|1<<8
	case 1:
		l.a, l.b, l.c = uint32(bits.Len32(n-1)), n, l.c|2<<8
	}
	return l
}

func (c *CPU) cpuidHyper(fn uint32) leaf {
	if fn != 0x40000000 || !c.vm.sys.has(featHypervisor) {
		return leaf{}
	}
	v := text(hyperID)
	return leaf{levelHyper, v[0], v[1], v[2]}
}

func (c *CPU) cpuidExt(fn uint32) leaf {
	m, n := c.vm.sys.model, uint32(c.vm.sys.cpus)
	switch fn {
	case 0x80000000:
		v := text(vendorID)
		return leaf{levelExt, v[0], v[2], v[1]}
	case 0x80000001:
		l := leaf{a: m.signature, c: m.bits(reg81ECX), d: m.bits(reg81EDX) | m.bits(reg1EDX)&extAlias}
		if n > 1 {
			l.c |= 1 << 1 // CmpLegacy
		}
		if !c.apicOn() {
			l.d &^= 1 << 9
		}
		return l
	case 0x80000002, 0x80000003, 0x80000004:
		p := make([]byte, 48)
		copy(p, m.brand)
		v := text(string(p[16*(fn-0x80000002):][:16]))
		return leaf{v[0], v[1], v[2], v[3]}
	case 0x80000005:
		return leaf{0x01ff01ff, 0x01ff01ff, 0x40020140, 0x40020140}
	case 0x80000006:
		return leaf{0, 0x42004200, 0x02008140, 0x00808140}
	case 0x80000007:
		return leaf{d: m.bits(reg87EDX)}
	case 0x80000008:
		l := leaf{a: 48<<8 | physBits}
		if !m.on[featLM] {
			l.a = 36
		}
		if n > 1 {
			l.c = uint32(bits.Len32(n-1))<<12 | (n - 1)
		}
		return l
	}
	return leaf{}
}

// apicOn reports whether the local APIC is enabled, as CPUID shows it.
func (c *CPU) apicOn() bool {
	if c.intr == nil {
		return true
	}
	v, ok := c.intr.ReadMSR(0x1b)
	return !ok || v&(1<<11) != 0
}
