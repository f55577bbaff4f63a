package kvm

import (
	"fmt"
	"sync"

	"govm-desktop/hw"
	"govm-desktop/snapshot"
)

// irqChip is the kernel's 8259s, IOAPIC, local APICs and PIT behind hw.IRQChip.
type irqChip struct {
	v     *VM
	boot  [3]irqChipState // as they were made: what Reset goes back to
	pit   pitState
	lines [24]hw.Line
}

func newIRQChip(v *VM) (*irqChip, error) {
	c := &irqChip{v: v}
	if _, err := ioctl(v.fd, reqCreateIRQChip, 0); err != nil {
		return nil, fmt.Errorf("interrupt controllers: %w", err)
	}
	if err := call(v.fd, reqCreatePIT2, &pitConfig{Flags: pitSpeakerDummy}); err != nil {
		return nil, fmt.Errorf("PIT: %w", err)
	}
	if err := call(v.fd, reqSetGSIRouting, routes()); err != nil {
		return nil, fmt.Errorf("interrupt routes: %w", err)
	}
	for i := range c.boot {
		c.boot[i].ID = uint32(i)
		if err := call(v.fd, reqGetIRQChip, &c.boot[i]); err != nil {
			return nil, fmt.Errorf("interrupt controller %d: %w", i, err)
		}
	}
	if err := call(v.fd, reqGetPIT2, &c.pit); err != nil {
		return nil, fmt.Errorf("PIT: %w", err)
	}
	for i := range c.lines {
		c.lines[i] = &irqInput{fd: v.fd, gsi: uint32(i)}
	}
	return c, nil
}

// routes are a PC's: 0–15 to the 8259s, 0–23 to the IOAPIC, where 0 arrives at pin 2.
func routes() *irqRouting {
	t := &irqRouting{}
	add := func(gsi, chip, pin uint32) {
		t.Entries[t.N] = irqRoute{GSI: gsi, Type: 1, Chip: chip, Pin: pin}
		t.N++
	}
	for gsi := range uint32(16) {
		if gsi != 2 { // the cascade
			add(gsi, irqChipPICMaster+gsi/8, gsi%8)
		}
	}
	for gsi := range uint32(24) {
		switch gsi {
		case 0:
			add(0, irqChipIOAPIC, 2)
		case 2:
		default:
			add(gsi, irqChipIOAPIC, gsi)
		}
	}
	return t
}

// irqInput is one wire into the kernel.
type irqInput struct {
	fd  int
	gsi uint32

	mu   sync.Mutex // guards everything below
	high bool
}

// Set implements hw.Line.
func (l *irqInput) Set(high bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.high == high {
		return
	}
	l.high = high
	v := irqLevel{IRQ: l.gsi}
	if high {
		v.Level = 1
	}
	call(l.fd, reqIRQLine, &v)
}

// Input implements hw.IRQChip.
func (c *irqChip) Input(gsi int) hw.Line { return c.lines[gsi] }

// Send implements hw.MSI.
func (c *irqChip) Send(addr uint64, data uint32) {
	call(c.v.fd, reqSignalMSI, &msi{AddrLo: uint32(addr), AddrHi: uint32(addr >> 32), Data: data})
}

// Reset implements hw.Device. The kernel resets local APICs with their processors' state.
func (c *irqChip) Reset(hw.Cause) {
	for _, l := range c.lines {
		l.Set(false)
	}
	for i := range c.boot {
		s := c.boot[i]
		call(c.v.fd, reqSetIRQChip, &s)
	}
	p := c.pit
	call(c.v.fd, reqSetPIT2, &p)
	c.resetLAPICs()
}

// resetLAPICs puts the local APICs in the state that they have after power-on: all masked, software-disabled, the boot processor's LINT0 as the
// kernel has it at creation.
func (c *irqChip) resetLAPICs() {
	c.v.mu.Lock()
	defer c.v.mu.Unlock()
	for _, cpu := range c.v.cpus {
		l := cpu.lapicBoot
		call(cpu.fd, reqSetLAPIC, &l)
	}
}

// State implements hw.Device.
func (c *irqChip) State(s *snapshot.Coder) {
	for i, name := range []string{"pic0", "pic1", "ioapic"} {
		k := irqChipState{ID: uint32(i)}
		call(c.v.fd, reqGetIRQChip, &k)
		s.Bytes(name, k.Data[:])
		if s.Loading() {
			call(c.v.fd, reqSetIRQChip, &k)
		}
	}
	var p pitState
	call(c.v.fd, reqGetPIT2, &p)
	s.Bytes("pit", p.Channels[:])
	snapshot.Field(s, "pitflags", &p.Flags)
	if s.Loading() {
		call(c.v.fd, reqSetPIT2, &p)
	}
	c.v.mu.Lock()
	defer c.v.mu.Unlock()
	for _, cpu := range c.v.cpus {
		var l lapicState
		call(cpu.fd, reqGetLAPIC, &l)
		s.Bytes(fmt.Sprintf("lapic%d", cpu.id), l[:])
		if s.Loading() {
			call(cpu.fd, reqSetLAPIC, &l)
		}
	}
}
