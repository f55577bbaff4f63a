// Package pc is the board: the i440FX + PIIX3 PC that QEMU calls "pc". It is the wiring diagram, the one place that names every chip, port and
// interrupt, and has no behaviour of its own.
//
// Followed are QEMU's pc-i440fx machine, where guests meet the numbers, and Intel's datasheets of the 82441FX and 82371SB.
package pc

import (
	"log/slog"
	"time"

	"govm-desktop/accel"
	"govm-desktop/block"
	"govm-desktop/chardev"
	"govm-desktop/clock"
	"govm-desktop/firmware"
	"govm-desktop/firmware/boot"
	"govm-desktop/input"
)

// Drive is an IDE drive.
type Drive struct {
	ID     string // as the monitor calls it: "ide0-hd0", "ide1-cd0" …
	CD     bool
	Disk   block.Disk // nil: no medium (CD only)
	Serial string     // "": one made from the place
	Model  string     // "": ours
	// BootIndex is its place in the boot order, lowest first; negative: by -boot alone.
	BootIndex int
	// Tray is told, under the controller's lock, when a CD drive's tray has moved; it must not block. nil: nobody.
	Tray func(open bool)
}

// Config is a PC as the user wants it.
type Config struct {
	Name     string
	UUID     [16]byte
	RAM      uint64 // bytes
	CPUs     int
	Accel    accel.Accelerator
	Stepper  accel.Stepper
	Model    string
	Features map[string]bool
	Clock    clock.Clock
	Now      func() time.Time // what the RTC starts with; nil: the host's time in UTC

	BIOS     []byte // mapped up to 4 GiB
	VGA      bool
	VGAROM   []byte
	VGAMiB   int
	Drives   [4]*Drive // primary master and slave, secondary master and slave
	Serial   [4]chardev.Stream
	Parallel chardev.Stream // the printer's; nil: there is no parallel port
	Console  chardev.Stream // debug console at port 402; nil: none

	Boot          firmware.Boot
	BootOnce      string // the order of the first start alone, in place of Boot.Order; "": none
	Kernel        *boot.Image
	Loads         []*boot.Placement
	SerialConsole bool // SeaBIOS shows its text on the first serial port too

	USB        []USBController
	USBDevices []USBDevice

	Input    *input.Router
	Scancode func(code input.Code, set int) ([]byte, bool)

	NoReboot, NoShutdown bool
	IdleSpins            bool
	NoHPET               bool
	NoACPI               bool
	Log                  *slog.Logger
	// TraceIRQ is told when an input of the interrupt controllers changes, with locks held; it must not block. nil: nobody.
	TraceIRQ func(gsi int, high bool)
}
