package main

import (
	"fmt"
	"strings"

	"govm-desktop/machine"
)

// option is one word of the command line, with its argument.
type option struct{ name, value string }

// optionSpec says what an option takes and does, for -help.
type optionSpec struct {
	name string
	arg  string // shown in help; "": none
	help string
}

// optionSpecs are the options that work. Names, arguments and meanings are QEMU's.
func optionSpecs() []optionSpec {
	return []optionSpec{
		{"name", "NAME", "name of the machine, shown in titles and by the monitor"},
		{"machine", "[type=]pc[,accel=A]", "the board (pc: i440FX + PIIX3) and its properties; -machine help lists them"},
		{"M", "TYPE", "the same as -machine"},
		{"cpu", "MODEL[,+x][,-x]", "processor model: qemu64 (default) or max; -cpu help lists features"},
		{"smp", "[cpus=]N", "number of processors"},
		{"m", "[size=]MEGS", "guest memory in MiB, or with suffix M or G (default 128)"},
		{"accel", "kvm|soft[,icount=on]", "what runs guest code (tcg is another name of soft)"},
		{"enable-kvm", "", "the same as -accel kvm"},
		{"hda", "FILE", "image of hard disk 0; so -hdb, -hdc, -hdd"},
		{"hdb", "FILE", ""}, {"hdc", "FILE", ""}, {"hdd", "FILE", ""},
		{"cdrom", "FILE", "ISO image in the CD drive"},
		{"drive", "file=F[,if=ide][,index=N][,media=disk|cdrom][,format=raw][,readonly=on][,snapshot=on]", "a drive"},
		{"demo", "", "the built-in demo guest as hard disk 0"},
		{"snapshot", "", "keep what the guest writes in temporary files"},
		{"boot", "[order=cdn][,once=…][,menu=on][,splash-time=MS][,reboot-timeout=MS][,strict=on]", "boot order: a floppy, c disk, d CD, n network"},
		{"kernel", "FILE", "boot a bzImage, PVH ELF or multiboot kernel"},
		{"initrd", "FILE", "its initial ramdisk, or multiboot modules"},
		{"append", "LINE", "its command line"},
		{"device", "loader,file=F,addr=A", "a device; -device help lists them"},
		{"vga", "std|none", "graphics card"},
		{"vnc", "HOST:N|unix:PATH|none[,password=on][,tls-creds=ID][,websocket=on]…", "RFB server on port 5900+N"},
		{"k", "LAYOUT", "the guest's keyboard layout, for viewers that send characters; -k help lists them"},
		{"global", "ps2-kbd.scancodes=windows|linux", "whose scan codes F13 to F24 and Zenkaku/Hankaku have"},
		{"object", "secret,id=ID,data=S|file=F or tls-creds-x509,id=ID,dir=D", "a password or a certificate for others to name"},
		{"display", "none|vnc=…", "where the screen is shown"},
		{"nographic", "", "no screen: serial port and monitor on this terminal (Ctrl-A h helps)"},
		{"chardev", "stdio|file|null|socket,id=ID,…", "a byte stream for others to name"},
		{"serial", "DEV", "serial port on stdio, file:F, null, none, tcp:H:P[,server], unix:P[,server], chardev:ID, mon:stdio"},
		{"debugcon", "DEV", "debug console (port 402) on a stream as for -serial"},
		{"monitor", "DEV", "monitor for people on a stream as for -serial"},
		{"qmp", "DEV", "monitor for programs, e.g. unix:PATH,server=on,wait=off"},
		{"no-reboot", "", "end instead of rebooting"},
		{"no-shutdown", "", "stop instead of ending when the guest switches itself off"},
		{"S", "", "do not start before the monitor says cont"},
		{"bios", "FILE", "BIOS image in place of SeaBIOS"},
		{"L", "DIR", "folder with ROM images, searched first"},
		{"uuid", "UUID", "UUID of the machine"},
		{"rtc", "base=utc|localtime|DATE", "time that the guest's clock starts with"},
		{"nodefaults", "", "no device that was not asked for"},
		{"version", "", "print the version"},
		{"help", "", "print this"}, {"h", "", ""},
	}
}

// elsewhere are options of QEMU's that are not here yet: the answer names them as such.
const elsewhere = "numa add-fd set mem-path mem-prealloc audio audio-help audiodev fda fdb blockdev mtdblock sd pflash fsdev virtfs iscsi usb usbdevice " +
	"spice portrait rotate full-screen sdl gtk curses alt-grab ctrl-grab no-quit win2k-hack no-fd-bootchk no-acpi no-hpet acpitable smbios netdev nic net tpmdev dtb " +
	"compat fw_cfg parallel qmp-pretty mon pidfile singlestep preconfig overcommit gdb s d D dfilter seed xen-domid xen-attach xen-domid-restrict action " +
	"loadvm daemonize option-rom icount watchdog-action echr incoming only-migratable chroot runas sandbox readconfig no-user-config trace plugin async-teardown " +
	"msg dump-vmstate enable-sync-profile"

// parseArgs cuts the command line into options, in order. A word that is no option is a disk image.
func parseArgs(args []string) ([]option, error) {
	takes := map[string]bool{}
	for _, s := range optionSpecs() {
		takes[s.name] = s.arg != ""
	}
	var out []option
	for i := 0; i < len(args); i++ {
		word := args[i]
		if !strings.HasPrefix(word, "-") || word == "-" {
			out = append(out, option{"", word})
			continue
		}
		name := strings.TrimPrefix(strings.TrimPrefix(word, "-"), "-")
		arg, known := takes[name]
		switch {
		case !known:
			return nil, unknownOption(name)
		case !arg:
			out = append(out, option{name: name})
		case i+1 == len(args):
			return nil, &machine.ConfigError{Option: word, Reason: "needs an argument"}
		default:
			i++
			out = append(out, option{name, args[i]})
		}
	}
	return out, nil
}

func unknownOption(name string) error {
	e := &machine.ConfigError{Option: "-" + name}
	for _, w := range strings.Fields(elsewhere) {
		if w == name {
			e.Reason = "an option of QEMU's that govm-desktop does not have yet (-help lists what it has)"
			return e
		}
	}
	var names []string
	for _, s := range optionSpecs() {
		names = append(names, s.name)
	}
	e.Reason = fmt.Sprintf("no such option; the nearest is -%s (-help lists all)", nearest(name, names))
	return e
}

// nearest is the candidate that takes the fewest edits.
func nearest(word string, candidates []string) string {
	best, least := "", 1<<30
	for _, c := range candidates {
		if d := distance(word, c); d < least {
			best, least = c, d
		}
	}
	return best
}

// distance is Levenshtein's: single-letter insertions, deletions and replacements.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diag := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diag
			if a[i] != b[j] {
				cost++
			}
			diag = row[j+1]
			row[j+1] = min(cost, row[j]+1, diag+1)
		}
	}
	return row[len(b)]
}

func usage() string {
	var b strings.Builder
	b.WriteString("usage: govm-desktop [options] [disk]\n\n")
	for _, s := range optionSpecs() {
		if s.help != "" {
			fmt.Fprintf(&b, "  -%s %s\n        %s\n", s.name, s.arg, s.help)
		}
	}
	return b.String()
}
