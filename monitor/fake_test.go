package monitor_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"sync"
	"time"

	"govm-desktop/input"
	"govm-desktop/monitor"
	"govm-desktop/x86"
)

// fake is a machine that writes down what is asked of it.
type fake struct {
	mu     sync.Mutex
	log    []string
	status string
	state  x86.State
	ram    [1 << 16]byte
	traced bool
	step   bool
	bare   bool // no USB, no chardevs
}

func (f *fake) say(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.log = append(f.log, fmt.Sprintf(format, args...))
}

func (f *fake) said() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.log, " ")
}

func (f *fake) Name() string                      { return "test" }
func (f *fake) UUID() string                      { return "00000000-0000-0000-0000-000000000000" }
func (f *fake) Version() string                   { return "1" }
func (f *fake) Status() string                    { return f.status }
func (f *fake) Cont() error                       { f.say("cont"); return nil }
func (f *fake) Stop()                             { f.say("stop") }
func (f *fake) Reset()                            { f.say("reset") }
func (f *fake) PowerDown()                        { f.say("powerdown") }
func (f *fake) Quit()                             { f.say("quit") }
func (f *fake) NMI()                              { f.say("nmi") }
func (f *fake) SetAction(reboot, shutdown string) { f.say("action %s/%s", reboot, shutdown) }
func (f *fake) KeyNames() []string                { return []string{"a", "alt", "ctrl", "f1"} }
func (f *fake) CPUs() int                         { return 2 }
func (f *fake) ThreadID(cpu int) int              { return 100 + cpu }
func (f *fake) KVM() (enabled, present bool)      { return false, true }
func (f *fake) Machine() string                   { return "board" }
func (f *fake) CPUModel() string                  { return "model" }
func (f *fake) MemorySize() uint64                { return 1 << 16 }
func (f *fake) DisplayType() string               { return "none" }
func (f *fake) ScreenNames() []string             { return []string{"VGA"} }
func (f *fake) SingleStep() bool                  { return f.step }
func (f *fake) SetSingleStep(on bool)             { f.step = on }
func (f *fake) SetLogFile(name string) error      { f.say("logfile %s", name); return nil }
func (f *fake) Debugger() monitor.Debugger        { return f }
func (f *fake) Devices() monitor.Devices          { return fakeDevices{f} }

func (f *fake) Wakeup() error {
	if f.status != "suspended" {
		return errors.New("not asleep")
	}
	f.say("wakeup")
	return nil
}

func (f *fake) SetBootOrder(o string) error {
	if o == "z" {
		return errors.New("no such drive")
	}
	f.say("boot %s", o)
	return nil
}

func (f *fake) Key(name string, down bool) bool {
	if name == "nokey" {
		return false
	}
	f.say("%s%s", map[bool]string{true: "+", false: "-"}[down], name)
	return true
}

func (f *fake) Pointer(e input.Event) {
	switch e.Kind {
	case input.Rel:
		f.say("move%d,%d", e.X, e.Y)
	case input.Abs:
		f.say("at%d,%d", e.X, e.Y)
	case input.Wheel:
		f.say("wheel%d,%d", e.X, e.Y)
	case input.Button:
		if e.Down {
			f.say("btn%#x", uint16(e.Code))
		}
	}
}

func (f *fake) Mice() []monitor.Mouse {
	return []monitor.Mouse{{Name: "mouse", Index: 3, Current: true}}
}

func (f *fake) UseMouse(i int) error {
	if i != 3 {
		return errors.New("no such mouse")
	}
	f.say("mouse%d", i)
	return nil
}

func (f *fake) Screendump(w io.Writer, format, device string, head int) error {
	if device == "broken" {
		io.WriteString(w, "half")
		return errors.New("broken screen")
	}
	_, err := fmt.Fprintf(w, "picture as %s of %s %d", format, device, head)
	return err
}

func (f *fake) Registers(int) (x86.State, error) { return f.state, nil }

// fakeMemory is RAM at 0, and a device behind it that answers with the address.
type fakeMemory struct{ f *fake }

func (m fakeMemory) ReadAt(p []byte, addr int64) (int, error) {
	if addr < 0 || addr+int64(len(p)) > int64(len(m.f.ram)) {
		return 0, io.ErrUnexpectedEOF
	}
	return copy(p, m.f.ram[addr:]), nil
}

func (m fakeMemory) Load(addr uint64, size int) uint64 {
	var b [8]byte
	if _, err := m.ReadAt(b[:size], int64(addr)); err == nil {
		return binary.LittleEndian.Uint64(b[:])
	}
	return addr
}

func (f *fake) Memory(int) monitor.Memories { return fakeMemory{f} }

func (f *fake) In(port uint16, size int) uint32 {
	return uint32(port) & (1<<(8*size-1)<<1 - 1)
}
func (f *fake) Out(port uint16, size int, v uint32) { f.say("out%d:%#x=%#x", size, port, v) }

func (f *fake) Blocks() []monitor.Block {
	return []monitor.Block{{Device: "ide0-hd0", Path: "/machine/hd", File: "a.img", Format: "raw", Stats: monitor.BlockStats{Reads: 5, ReadBytes: 2560, LastAccess: time.Now()}},
		{Device: "ide1-cd0", Path: "/machine/cd", Removable: true}}
}

func (f *fake) OpenTray(device string, force bool) error {
	f.say("open %s %t", device, force)
	return nil
}
func (f *fake) CloseTray(device string) error { f.say("close %s", device); return nil }

func (f *fake) RemoveMedium(device string, force bool) error {
	f.say("eject %s %t", device, force)
	return nil
}

func (f *fake) Change(device, file, format, mode string, force bool) error {
	f.say("change %s %s %s %s", device, file, format, mode)
	return nil
}

func (f *fake) VNC() []monitor.VNCInfo {
	return []monitor.VNCInfo{{ID: "default", Host: "127.0.0.1", Service: "5900", Auth: "vnc", Clients: []monitor.VNCPeer{{Address: "127.0.0.1:4711", ViewOnly: true}}}}
}

func (f *fake) SetVNCPassword(id, password, connected string) error {
	f.say("password %s/%s/%s", id, password, connected)
	return nil
}

func (f *fake) ExpireVNCPassword(id string, at time.Time) error {
	if at.IsZero() {
		f.say("never")
	} else {
		f.say("expires")
	}
	return nil
}

func (f *fake) Inspect(w io.Writer, device string) bool {
	if device == "irqchip" || device == "nothing" {
		return false
	}
	fmt.Fprintln(w, "state of", device)
	return true
}

func (f *fake) PCI() []monitor.PCIDevice {
	return []monitor.PCIDevice{{Slot: 2, Vendor: 0x1234, Device: 0x1111, Subsystem: 0x1100, SubsystemVendor: 0x1af4, Class: 0x300, Pin: 1, Line: 9,
		Regions: []monitor.PCIRegion{{BAR: 0, Address: 0xfd000000, Size: 1 << 24, Prefetch: true}, {BAR: 4, Port: true, Address: 0xc000, Size: 16}, {BAR: 6, Address: ^uint64(0), Size: 1 << 16}}}}
}

func (f *fake) Spaces() []monitor.Space {
	return []monitor.Space{{Name: "memory", Regions: []monitor.SpaceRegion{{Name: "memory", Kind: "i/o", Size: 1 << 32}, {Depth: 1, Name: "low", Kind: "ram", AliasOf: "ram", Size: 0x1000}},
		Flat: []monitor.SpaceRegion{{Name: "ram", Kind: "ram", Size: 0x1000, Offset: 0x10}}}}
}

func (f *fake) Interrupts() []monitor.InterruptCount {
	return []monitor.InterruptCount{{Controller: "pic", Count: []uint64{19, 0, 2}}}
}

func (f *fake) ROMs() []monitor.ROM {
	return []monitor.ROM{{Name: "bios.bin", Addr: 0xfffc0000, Size: 0x40000}, {Name: "etc/x", Size: 3, FwCfg: true}}
}

func (f *fake) Objects() *monitor.Object {
	light := int64(1)
	lamp := &monitor.Object{Name: "lamp", Type: "lamp-type", Properties: []monitor.Property{{Name: "light", Type: "int", Get: func() any { return light }, Set: func(v any) error { f.say("light=%v", v); return nil }},
		{Name: "colour", Type: "string", Get: func() any { return "red" }}}}
	return &monitor.Object{Type: "container", Children: []*monitor.Object{{Name: "machine", Type: "board-machine", Children: []*monitor.Object{lamp}}}}
}

func (f *fake) LogItems() []monitor.LogItem {
	return []monitor.LogItem{{Name: "cpu_reset", Help: "resets"}, {Name: "int", Help: "interrupts"}}
}

func (f *fake) SetLog(items []string) error { f.say("log %v", items); return nil }

func (f *fake) TraceEvents() []monitor.TraceEvent {
	return []monitor.TraceEvent{{Name: "key_down", On: f.traced}, {Name: "key_up"}}
}

func (f *fake) SetTrace(p string, on bool) bool {
	ok, _ := path.Match(p, "key_down")
	f.traced = on
	return ok
}

// Listen is the debugger's.
func (f *fake) Listen(device string) error { f.say("gdb %s", device); return nil }

func (f *fake) USB() monitor.USB {
	if f.bare {
		return nil
	}
	return fakeUSB{f}
}

func (f *fake) Chardevs() monitor.Chardevs {
	if f.bare {
		return nil
	}
	return fakeChardevs{f}
}

type fakeUSB struct{ f *fake }

func (u fakeUSB) Ports() []monitor.USBPort {
	return []monitor.USBPort{{Bus: 0, Address: 2, Port: "1", Speed: "12", Product: "Tablet", ID: "t"}}
}

func (u fakeUSB) HostDevices() []monitor.USBHostDevice {
	return []monitor.USBHostDevice{{Bus: 1, Address: 3, Port: "1.2", Speed: "480", Vendor: 0x46d, Product: 0xc52b, Class: 9, Name: "Hub"}}
}
func (u fakeUSB) Add(s string) error    { u.f.say("usb+%s", s); return nil }
func (u fakeUSB) Remove(s string) error { u.f.say("usb-%s", s); return nil }

type fakeChardevs struct{ f *fake }

func (c fakeChardevs) List() []monitor.Chardev {
	return []monitor.Chardev{{Label: "serial0", Filename: "null", FrontendOpen: true}}
}
func (c fakeChardevs) Backends() []string { return []string{"null", "ringbuf"} }

func (c fakeChardevs) Add(id, kind string, p [][2]string) (string, error) {
	c.f.say("chardev+%s:%s%v", id, kind, p)
	if kind == "pty" {
		return "/dev/pts/7", nil
	}
	return "", nil
}

func (c fakeChardevs) Change(id, kind string, p [][2]string) (string, error) {
	c.f.say("chardev=%s:%s%v", id, kind, p)
	return "", nil
}
func (c fakeChardevs) Remove(id string) error    { c.f.say("chardev-%s", id); return nil }
func (c fakeChardevs) SendBreak(id string) error { c.f.say("break %s", id); return nil }
func (c fakeChardevs) RingRead(id string, n int) ([]byte, error) {
	return []byte("ring\xff")[:min(n, 5)], nil
}
func (c fakeChardevs) RingWrite(id string, d []byte) error { c.f.say("ring %q", d); return nil }

type fakeDevices struct{ f *fake }

func (d fakeDevices) Kinds() []monitor.DeviceKind {
	return []monitor.DeviceKind{{Name: "lamp", Properties: []monitor.DeviceProperty{{Name: "watts", Type: "int", Description: "how bright"}}}}
}

func (d fakeDevices) Add(driver, id string, p [][2]string) error {
	d.f.say("device+%s/%s%v", driver, id, p)
	return nil
}
func (d fakeDevices) Remove(id string) error { d.f.say("device-%s", id); return nil }
func (d fakeDevices) IDs() []string          { return []string{"l1"} }
