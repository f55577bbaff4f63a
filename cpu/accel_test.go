package cpu

import (
	"testing"

	"govm-desktop/accel/acceltest"
)

func TestAccel(t *testing.T) { acceltest.Test(t, New().NewVM) }

func TestAccel_genericInstructions(t *testing.T) { acceltest.Test(t, (&Soft{Generic: true}).NewVM) }
