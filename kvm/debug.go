package kvm

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"govm-desktop/accel"
)

// guestDebug is struct kvm_guest_debug of x86.
type guestDebug struct {
	Control, _ uint32
	Reg        [8]uint64
}

// Bits of guestDebug.Control.
const (
	guestDebugEnable   = 1 << 0
	guestDebugStep     = 1 << 1
	guestDebugHardware = 1 << 17
	guestDebugBlockIRQ = 1 << 20
)

// Bits of DR6 and DR7 (SDM volume 3, 17.2).
const (
	dr7Exact = 3<<8 | 1<<10
)

// pointTypes are the R/W fields of DR7.
var pointTypes = map[accel.PointKind]uint64{accel.BreakExec: 0, accel.WatchWrite: 1, accel.WatchAccess: 3}

// pointLens are the LEN fields of DR7.
var pointLens = map[uint64]uint64{1: 0, 2: 1, 4: 3, 8: 2}

// SetStops implements accel.Debugger, by the processor's four debug registers: while a debugger has them the guest's own do not work.
func (c *VCPU) SetStops(s accel.Stops) error {
	d := guestDebug{}
	if s.Step {
		d.Control |= guestDebugEnable | guestDebugStep | guestDebugBlockIRQ
	}
	if len(s.Points) > 4 {
		return errors.New("kvm: a processor has four debug registers for breakpoints and watchpoints: delete one, or use -accel soft, which has no limit")
	}
	hardware, why := Usable()
	for i, p := range s.Points {
		kind, known := pointTypes[p.Kind]
		if !known {
			return errors.New("kvm: a processor cannot watch for reads alone: watch for any access (awatch), or use -accel soft")
		}
		size, ok := pointLens[p.Len]
		if p.Kind == accel.BreakExec {
			size, ok = 0, true
		}
		if p.Kind != accel.BreakExec && !hardware {
			return errors.New("kvm: " + why + ", and such a KVM does not report watchpoints: use -accel soft")
		}
		if !ok || p.Kind != accel.BreakExec && p.Addr%p.Len != 0 {
			return fmt.Errorf("kvm: a processor watches 1, 2, 4 or 8 aligned bytes, not %d at %#x: use -accel soft", p.Len, p.Addr)
		}
		d.Control |= guestDebugEnable | guestDebugHardware
		d.Reg[i] = p.Addr
		d.Reg[7] |= dr7Exact | 2<<(2*i) | (kind|size<<2)<<(16+4*i)
	}
	err := call(c.fd, reqSetGuestDebug, &d)
	if errors.Is(err, unix.EINVAL) && d.Control&guestDebugBlockIRQ != 0 { // before Linux 5.16: steps end in interrupt handlers
		d.Control &^= guestDebugBlockIRQ
		err = call(c.fd, reqSetGuestDebug, &d)
	}
	if err != nil {
		return fmt.Errorf("kvm: this host's KVM has no guest debugging (KVM_SET_GUEST_DEBUG: %w): use -accel soft", err)
	}
	c.points = append(c.points[:0], s.Points...)
	return nil
}

// Stopped implements accel.Debugger.
func (c *VCPU) Stopped() accel.Stop {
	dr6 := c.run.u64(debugDR6)
	for i, p := range c.points {
		if dr6>>i&1 != 0 {
			return accel.Stop{Found: true, Point: p, At: p.Addr}
		}
	}
	return accel.Stop{}
}
