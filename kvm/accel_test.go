package kvm

import (
	"testing"

	"govm-desktop/accel/acceltest"
)

func TestAccel(t *testing.T) {
	needKVM(t)
	acceltest.Test(t, New().NewBareVM)
}
