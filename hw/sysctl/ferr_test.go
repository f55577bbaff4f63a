package sysctl

import (
	"testing"

	"govm-desktop/hw"
)

func TestFERR_latch(t *testing.T) {
	level := false
	f := NewFERR(hw.LineFunc(func(high bool) { level = high }))
	f.Set(true)
	f.Set(false)
	if !level {
		t.Error("IRQ 13 fell with FERR#, want it latched")
	}
	f.Write(0, 1, 0)
	if level {
		t.Error("IRQ 13 is still high after a write to port F0")
	}
}
