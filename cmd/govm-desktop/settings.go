package main

import (
	"govm-desktop/audio"
	"govm-desktop/cmd/govm-desktop/options"
	"govm-desktop/firmware"
	"govm-desktop/input/keycodemap"
	"govm-desktop/input/layout"
	"govm-desktop/machine/pc"
)

// settings are what the options say, before anything is opened.
type settings struct {
	name        string
	uuid        [16]byte
	ram         uint64
	cpus        int
	accels      []*options.Opts // in the order of preference
	model       string
	features    map[string]bool
	drives      []*driveSpec
	placed      [4]*driveSpec // drives by place, once they are open
	snapshot    bool
	boot        firmware.Boot
	bootOnce    string
	kernel      string
	initrd      string
	append      string
	loaders     []*options.Opts
	usbHosts    []pc.USBController
	usb         []usbSpec
	usbWanted   bool            // a device needs a controller
	scsi        []*options.Opts // logical units of usb-uas
	looseDrives []*driveSpec    // of -drive if=none, for devices that name them
	vga         string
	vgamem      int
	vnc         []string
	play        *playing                // a recording in place of a machine
	web         []string                // after -display web
	audio       map[string]audio.Source // of -audiodev, by id; nil: silence
	layout      *layout.Layout          // of the guest's keyboard; nil: us
	scancodes   keycodemap.Variant
	objects     objects
	display     string // sdl, curses, vnc or none; "": not said
	// displayChosen: it was not the user who did.
	displayChosen bool
	window        windowSettings
	escape        byte        // of terminals that several share
	stderr        *heldWriter // for messages while the terminal shows the screen
	nographic     bool
	chardevs      []string
	serials       []string
	parallel      string
	debugcon      string
	monitors      []string
	qmps          []string
	gdb           string // where gdb may connect
	prettyQMPs    []string
	mons          []*options.Opts
	daemonize     bool
	singlestep    bool // shown by query-status
	pidfile       string
	logFile       string
	logItems      []string
	traces        []*options.Opts
	timestamps    bool
	guestNames    bool
	noReboot      bool
	noShutdown    bool
	stopped       bool
	bios          string
	dirs          []string
	rtc           string
	nodefaults    bool
	noACPI        bool
	noHPET        bool
	idleSpins     bool // with icount: idle time passes at once
}

// parse reads the command line.
func parse(args []string) (*settings, error) {
	s := &settings{name: "govm-desktop", ram: 128 << 20, cpus: 1, features: map[string]bool{}, vga: "std", rtc: "utc", escape: ctrlA}
	if err := table().Apply(s, args); err != nil {
		return nil, err
	}
	return s, nil
}
