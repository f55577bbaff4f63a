package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"govm-desktop/accel"
	"govm-desktop/block"
	"govm-desktop/chardev"
	"govm-desktop/clock"
	"govm-desktop/cmd/govm-desktop/options"
	"govm-desktop/cpu"
	"govm-desktop/display"
	"govm-desktop/firmware"
	"govm-desktop/firmware/boot"
	"govm-desktop/firmware/rom"
	"govm-desktop/input"
	"govm-desktop/input/keycodemap"
	"govm-desktop/kvm"
	"govm-desktop/machine"
	"govm-desktop/machine/pc"
	"govm-desktop/monitor"
	"govm-desktop/monitor/qmp"
)

// program is a machine with all that is opened for it.
type program struct {
	s       *settings
	log     *slog.Logger
	pc      *pc.PC
	screen  *display.Screen
	input   *input.Router
	keys    *keycodemap.Map
	streams *streams
	disks   []block.Disk
	kernel  *boot.Image
	loads   []*boot.Placement
	clock   clock.Clock
	rfb     []*vncServer
	pages   []page
	clip    display.Clipboard // of all who show the screen
	table   *monitor.Table
	qmp     *qmp.Server
	events  chan func() // what is to be told, in order; see post
	drives  [4]*pc.Drive
	media   media
	parts   usbParts
	meters  [4]meter

	// What the monitor reaches; nil: it is not there.
	serials  [4]chardev.Stream // of the serial ports
	debugger gdbListener
	hot      hotDevices
	journal  *journal
	stepping atomic.Bool // singlestep

	accelerated bool // on KVM
	biosName    string

	consoles consoles
	ui       userInterface // nil: none
}

// build opens everything and wires it up. On an error all is closed again.
func build(s *settings, log *slog.Logger) (*program, error) {
	p := &program{s: s, log: log, input: &input.Router{}, keys: keycodemap.New(s.scancodes), events: make(chan func(), 64), table: monitor.NewTable(), journal: newJournal()}
	p.streams = newStreams(func() {
		if p.pc != nil {
			p.pc.Quit("host-ui")
		}
	})
	s.chooseDisplay()
	p.consoles.layout = s.layout
	p.streams.vc, p.streams.escape, p.streams.save = p.consoles.vc, s.escape, p.commitAll
	if s.display == "curses" {
		p.streams.stdio = "-display curses"
	}
	p.qmp = &qmp.Server{Table: p.table, Control: &control{p}, Trace: func(name string) { p.journal.trace(traceQMP, "%s", name) }, Settle: p.settle}
	for _, step := range []func() error{p.journals, p.machine, p.vnc, p.web, p.monitors, p.gdb, p.window} {
		if err := step(); err != nil {
			p.close()
			return nil, err
		}
	}
	return p, nil
}

func (p *program) close() {
	p.closeDisplays()
	if p.pc != nil {
		p.pc.Close()
	}
	p.closeUSB()
	for _, d := range p.media.disks {
		if d != nil {
			d.Close()
		}
	}
	for _, d := range p.disks {
		if err := d.Close(); err != nil {
			p.log.Error("image", "err", err)
		}
	}
	if p.kernel != nil {
		p.kernel.Close()
	}
	for _, l := range p.loads {
		l.Close()
	}
	if c, ok := p.clock.(*clock.Real); ok {
		c.Close()
	}
	p.streams.close()
	p.journal.close()
}

// run starts the machine, unless the user wants to do that, and waits for its end.
func (p *program) run(stopped bool) error {
	told := make(chan struct{})
	go func() {
		defer close(told)
		p.tellEvents()
	}()
	if !stopped {
		if err := p.pc.Cont(); err != nil && !errors.Is(err, machine.ErrEnded) { // a monitor may have been quicker
			return err
		}
	}
	err := p.pc.Wait()
	<-told
	p.qmp.Flush(lastWords)
	return err
}

// machine builds the PC.
func (p *program) machine() error {
	s := p.s
	for _, c := range s.chardevs {
		if err := p.streams.chardev(c); err != nil {
			return err
		}
	}
	cfg := pc.Config{
		Name: s.name, UUID: s.uuid, RAM: s.ram, CPUs: s.cpus, Model: s.model, Features: s.features, VGA: s.vga == "std" && !(s.nodefaults && !s.wantsScreen()), VGAMiB: s.vgamem,
		Boot: s.boot, BootOnce: s.bootOnce, Input: p.input, Scancode: p.keys.Scancode, NoReboot: s.noReboot, NoShutdown: s.noShutdown, NoACPI: s.noACPI, NoHPET: s.noHPET,
		SerialConsole: s.nographic, Log: p.log, TraceIRQ: p.journal.irq,
	}
	if err := enoughMemory(s.ram); err != nil {
		return err
	}
	for _, step := range []func(*pc.Config) error{p.accelerator, p.time, p.roms, p.images, p.direct, p.ports, p.usbBus} {
		if err := step(&cfg); err != nil {
			return err
		}
	}
	var err error
	p.pc, err = pc.New(cfg)
	if err != nil {
		return err
	}
	p.screen = p.pc.Screen()
	p.accelerated = cfg.Accel.Name() == "kvm"
	for i, c := range cfg.Serial {
		if b, ok := c.(chardev.Breaker); ok {
			b.OnBreak(func() { p.pc.Break(i) })
		}
	}
	p.pc.Watch(func(e machine.Event) { p.later(func() { p.tell(e) }) })
	return nil
}

// enoughMemory compares the guest's memory with what the host has in all: more than that can only end in the guest's or another program's death.
func enoughMemory(ram uint64) error {
	var i unix.Sysinfo_t
	if err := unix.Sysinfo(&i); err != nil {
		return fmt.Errorf("the host's memory: %w", err)
	}
	if all := (uint64(i.Totalram) + uint64(i.Totalswap)) * uint64(i.Unit); ram > all {
		return &machine.ConfigError{Option: "-m", Value: fmt.Sprintf("%dM", ram>>20), Reason: fmt.Sprintf("the host has %d MiB with its swap: give the guest less", all>>20)}
	}
	return nil
}

// wantsScreen reports whether the user has asked for a graphics card or a display by name.
func (s *settings) wantsScreen() bool { return len(s.vnc)+len(s.web) > 0 || s.interactive() }

// accelerator picks what runs guest code: what was asked for, in that order, or KVM where there is hardware behind it.
func (p *program) accelerator(cfg *pc.Config) error {
	var err error
	if cfg.Stepper, err = cpu.NewStepper(p.s.model, p.s.features); err != nil {
		return &machine.ConfigError{Option: "-cpu", Value: p.s.model, Reason: err.Error()}
	}
	if len(p.s.accels) == 0 {
		ok, why := kvm.Usable()
		if ok {
			cfg.Accel = kvm.New()
			fmt.Fprintf(os.Stderr, "govm-desktop: running on KVM: %s\n", why)
		} else {
			cfg.Accel = cpu.New()
			fmt.Fprintf(os.Stderr, "govm-desktop: running on the software CPU: %s\n", why)
		}
		p.clock = clock.NewReal()
		return nil
	}
	var errs []string
	for _, k := range p.s.accels {
		a, err := p.accel(k)
		if err != nil {
			errs = append(errs, err.Error())
			continue
		}
		if err := tryAccel(a); err != nil {
			errs = append(errs, err.Error())
			continue
		}
		cfg.Accel = a
		return nil
	}
	return errors.New(strings.Join(errs, "; "))
}

func (p *program) accel(k *options.Opts) (accel.Accelerator, error) {
	name := k.Str("accel", "")
	icount, err := k.Bool("icount", false)
	if err != nil {
		return nil, err
	}
	sleep, err := k.Bool("sleep", true)
	if err != nil {
		return nil, err
	}
	k.Get("thread")
	if err := k.Rest(); err != nil {
		return nil, err
	}
	switch name {
	case "kvm":
		p.clock = clock.NewReal()
		return kvm.New(), nil
	case "soft", "tcg":
		p.clock = clock.NewReal()
		if icount {
			if p.s.cpus > 1 {
				return nil, k.Fail("icount=on counts one processor's instructions: use -smp 1")
			}
			p.clock = clock.NewCounted(nil)
			p.s.idleSpins = !sleep
		}
		return cpu.New(), nil
	}
	return nil, k.Fail("unknown accelerator %q: kvm and soft (tcg) are there", name)
}

// tryAccel finds out whether an accelerator works here at all, so that the next one can be tried.
func tryAccel(a accel.Accelerator) error {
	if a.Name() != "kvm" {
		return nil
	}
	f, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
	if err != nil {
		return &machine.ConfigError{Option: "-accel", Value: "kvm", Reason: err.Error() + ": load the kvm module and join its group, or use -accel soft"}
	}
	return f.Close()
}

// time gives the machine its clocks.
func (p *program) time(cfg *pc.Config) error {
	var err error
	cfg.Clock, cfg.IdleSpins = p.clock, p.s.idleSpins
	cfg.Now, err = rtcBase(p.s.rtc)
	return err
}

func (p *program) roms(cfg *pc.Config) error {
	find := rom.Finder{Dirs: p.s.dirs}
	name := p.s.bios
	if name == "" {
		name = rom.BIOS
	}
	if p.s.bios != "" && !strings.Contains(name, "/") {
		if _, err := os.Stat(name); err == nil {
			name = "./" + name
		}
	}
	bios, err := find.Find(name)
	if err != nil {
		return err
	}
	if _, err := rom.MapBIOS(bios); err != nil {
		return err
	}
	cfg.BIOS, p.biosName = bios.Data, name
	if cfg.VGA {
		img, err := find.Find(rom.StdVGA)
		if err != nil {
			return err
		}
		cfg.VGAROM = img.Data
	}
	return nil
}

func (p *program) images(cfg *pc.Config) error {
	var err error
	p.drives, err = p.s.openDrives(p.log, func(d block.Disk) { p.disks = append(p.disks, d) })
	cfg.Drives = p.drives
	for i, d := range p.drives {
		if d == nil {
			continue
		}
		if d.Disk != nil {
			d.Disk = p.meters[i].wrap(d.Disk)
		}
		d.Tray = func(open bool) {
			p.post("DEVICE_TRAY_MOVED", monitor.TrayData{Device: d.ID, ID: drivePath(i), TrayOpen: open})
		}
	}
	for i, d := range p.s.placed {
		if d != nil {
			p.media.files[i] = d.file
		}
	}
	return err
}

// direct opens what is put into memory without a boot loader.
func (p *program) direct(cfg *pc.Config) error {
	s := p.s
	if s.kernel == "" {
		if s.initrd != "" || s.append != "" {
			return &machine.ConfigError{Option: "-initrd, -append", Reason: "make sense with -kernel alone"}
		}
	} else {
		img, err := boot.Open(boot.Options{Kernel: s.kernel, Initrd: s.initrd, Cmdline: s.append, RAMBelow4G: firmware.Split(s.ram).Below4G})
		if err != nil {
			return &machine.ConfigError{Option: "-kernel", Value: s.kernel, Reason: err.Error()}
		}
		p.kernel, cfg.Kernel = img, img
	}
	for _, k := range s.loaders {
		if err := p.loader(cfg, k); err != nil {
			return err
		}
	}
	return nil
}

// ports opens the serial ports and the debug console. Without options the first serial port is a console of its own in -nographic, and else
// on nothing.
func (p *program) ports(cfg *pc.Config) error {
	serials := p.s.serials
	if len(serials) == 0 && p.s.nographic {
		serials = []string{"mon:stdio"}
	}
	if len(serials) == 0 && !p.s.nodefaults {
		serials = []string{"null"}
		if p.s.interactive() {
			serials = []string{"vc"}
		}
	}
	if len(serials) > len(cfg.Serial) {
		return &machine.ConfigError{Option: "-serial", Reason: fmt.Sprintf("there are %d serial ports", len(cfg.Serial))}
	}
	for i, arg := range serials {
		c, err := p.streams.device("-serial", arg)
		if err != nil {
			return err
		}
		cfg.Serial[i], p.serials[i] = c, c
	}
	if err := p.printer(cfg); err != nil {
		return err
	}
	if p.s.debugcon != "" {
		c, err := p.streams.device("-debugcon", p.s.debugcon)
		if err != nil {
			return err
		}
		cfg.Console = c
	}
	return nil
}

// printer opens what the parallel port prints to.
func (p *program) printer(cfg *pc.Config) (err error) {
	arg := p.s.parallel
	switch {
	case arg != "":
	case p.s.nodefaults:
		return nil
	case p.s.interactive():
		arg = "vc"
	default:
		arg = "null"
	}
	cfg.Parallel, err = p.streams.device("-parallel", arg)
	return err
}
