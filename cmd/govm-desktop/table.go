package main

import (
	"slices"
	"strings"

	"govm-desktop/cmd/govm-desktop/options"
)

// option is a line of the table of options. A feature brings its own list of them, beside the code that acts on it, and a word in table.
type option = options.Option[*settings]

// table is the command line: every option that works. Names, arguments and meanings are QEMU's.
func table() *options.Table[*settings] {
	return &options.Table[*settings]{
		Program: "govm-desktop", Title: "a PC in software", Synopsis: "[options] [disk image]", Text: manual, Absent: absent,
		Options: slices.Concat(
			machineOptions(),
			driveOptions(),
			bootOptions(),
			deviceOptions(),
			usbOptions(),
			displayOptions(),
			audioOptions(),
			playOptions(),
			windowOptions(),
			terminalOptions(),
			inputOptions(),
			streamOptions(),
			monitorOptions(),
			lifeOptions(),
			debugOptions(),
			logOptions(),
			programOptions(),
		),
	}
}

const manual = `govm-desktop runs a virtual PC: i440FX and PIIX3 with IDE drives, VGA, PS/2 keyboard and mouse and serial ports, on the processor's own virtualisation (KVM)
or on a processor in software. Its screen is shown to VNC viewers. A word that is no option is the image of a hard disk, or of a CD where it is an ISO image.

Arguments of the form KEY=VALUE,… hold a comma as two commas. A switch is on or off; sizes may end in K, M, G or T. An option with an argument "help" lists
what may stand there.`

// flag is the setter of an option without an argument.
func flag(of func(*settings) *bool) func(*settings, *options.Opts) error {
	return func(s *settings, _ *options.Opts) error { *of(s) = true; return nil }
}

// text is the setter of an option whose argument is kept as it is; the last one counts.
func text(of func(*settings) *string) func(*settings, *options.Opts) error {
	return func(s *settings, o *options.Opts) error { *of(s) = o.Text; return nil }
}

// list is the setter of an option whose arguments are all kept as they are.
func list(of func(*settings) *[]string) func(*settings, *options.Opts) error {
	return func(s *settings, o *options.Opts) error { *of(s) = append(*of(s), o.Text); return nil }
}

// elsewhere are options of QEMU's, here or not: those that are not are named as such.
const elsewhere = "numa add-fd mem-path mem-prealloc audio audio-help fda fdb blockdev mtdblock sd pflash fsdev virtfs iscsi usb " +
	"spice portrait rotate gtk win2k-hack no-fd-bootchk no-acpi no-hpet acpitable smbios netdev nic net tpmdev dtb " +
	"compat fw_cfg preconfig overcommit dfilter seed xen-domid xen-attach xen-domid-restrict " +
	"loadvm option-rom icount watchdog-action incoming only-migratable chroot runas sandbox no-user-config plugin async-teardown dump-vmstate enable-sync-profile"

func absent(name string) string {
	if slices.Contains(strings.Fields(elsewhere), name) {
		return "an option of QEMU's that govm-desktop does not have yet (-help lists what it has)"
	}
	return ""
}

// devices are what -device makes. A feature brings its own list of them, as with the options.
func devices() []deviceKind {
	return slices.Concat(
		[]deviceKind{loaderDevice(), vgaDevice()},
		usbDevices(),
		scsiDevices(),
	)
}

// deviceKind is a device that -device makes.
type deviceKind struct {
	options.Kind
	set func(*settings, *options.Opts) error // before the machine is built
	// plug makes one while the machine runs (device_add); the result says how device_del takes it away again. nil: that cannot be done.
	plug func(*program, *options.Opts) (hotDevice, error)
}

// displays are what -display names.
func displays() []displayKind {
	return slices.Concat(
		[]displayKind{noDisplay(), vncDisplay(), webDisplay(), sdlDisplay(), cursesDisplay()},
	)
}

// displayKind is a way to show the screen.
type displayKind struct {
	options.Kind
	set func(*settings, *options.Opts) error
}
