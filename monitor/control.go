package monitor

import (
	"io"
	"time"

	"govm-desktop/input"
	"govm-desktop/x86"
)

// Control is what the monitor needs of the program around the machine. Its methods are called by any number of monitors at once, and return soon.
type Control interface {
	Life
	Processors
	Hands
	Screens
	Drives
	Remote
	Board
	Debug

	// Subsystems that may not be there: nil.
	USB() USB
	Chardevs() Chardevs
	Devices() Devices
	Debugger() Debugger
}

// Life is how the machine runs.
type Life interface {
	Name() string
	UUID() string
	Version() string
	// Status is as query-status names it: "running", "paused", "prelaunch" …
	Status() string
	Cont() error
	Stop()
	Reset()
	PowerDown()
	Wakeup() error
	Quit()
	// SetAction changes what becomes of the guest's wishes: reboot "reset" or "shutdown", shutdown "poweroff" or "pause"; "": as it is.
	SetAction(reboot, shutdown string)
	// SetBootOrder changes the boot order for resets to come.
	SetBootOrder(order string) error
}

// Processors are the machine's, and what they see.
type Processors interface {
	CPUs() int
	ThreadID(cpu int) int
	Registers(cpu int) (x86.State, error)
	NMI()
	// Memory is what a processor sees of physical memory.
	Memory(cpu int) Memories
	// In and Out are accesses to an I/O port, of 1, 2 or 4 bytes.
	In(port uint16, size int) uint32
	Out(port uint16, size int, val uint32)
	// KVM reports whether the processors run on the host's.
	KVM() (enabled, present bool)
}

// Memories is an address space.
type Memories interface {
	// ReadAt reads RAM and ROM; where neither is it fails.
	io.ReaderAt
	// Load reads 1, 2, 4 or 8 bytes as the processor does, from a device too.
	Load(addr uint64, size int) uint64
}

// Hands are what presses keys and moves the mouse.
type Hands interface {
	// Key presses or releases a key; ok is false if no key has the name.
	Key(name string, down bool) (ok bool)
	KeyNames() []string
	Pointer(input.Event)
	Mice() []Mouse
	// UseMouse makes another one get what is moved.
	UseMouse(index int) error
}

// Mouse is a pointing device of the guest's.
type Mouse struct {
	Name     string `json:"name"`
	Index    int    `json:"index"`
	Current  bool   `json:"current"`
	Absolute bool   `json:"absolute"`
}

// Screens are what can be seen.
type Screens interface {
	// Screendump writes a screen as "png" or "ppm"; device and head name it ("", 0: the first).
	Screendump(w io.Writer, format, device string, head int) error
	// ScreenNames are the devices that have screens.
	ScreenNames() []string
}

// Drives are the machine's.
type Drives interface {
	Blocks() []Block
	// OpenTray opens a removable drive's tray, and CloseTray closes it; RemoveMedium and Change act on what is in it.
	OpenTray(device string, force bool) error
	CloseTray(device string) error
	RemoveMedium(device string, force bool) error
	// Change puts another medium in; mode is "retain", "read-only" or "read-write".
	Change(device, file, format, mode string, force bool) error
}

// Block is a drive as the monitor sees it.
type Block struct {
	Device    string // its name
	Path      string // in the tree of objects
	File      string // "": no medium
	Format    string
	Size      int64 // of the medium in bytes
	Removable bool
	Locked    bool
	ReadOnly  bool
	TrayOpen  bool
	Stats     BlockStats
}

// BlockStats are a drive's counters.
type BlockStats struct {
	ReadBytes, WriteBytes, UnmapBytes         int64
	Reads, Writes, Flushes, Unmaps            int64
	FailedReads, FailedWrites, FailedFlushes  int64
	FailedUnmaps                              int64
	ReadTime, WriteTime, FlushTime, UnmapTime time.Duration
	HighestWrite                              int64
	LastAccess                                time.Time // zero: never
}

// Remote are those who look from afar.
type Remote interface {
	VNC() []VNCInfo
	SetVNCPassword(id, password, connected string) error
	ExpireVNCPassword(id string, at time.Time) error
}

// Board is the hardware.
type Board interface {
	// Machine is the board's name, as -machine has it.
	Machine() string
	CPUModel() string
	MemorySize() uint64
	// Inspect prints what a device says of itself; false: there is no such device.
	Inspect(w io.Writer, device string) bool
	PCI() []PCIDevice
	Spaces() []Space
	Interrupts() []InterruptCount
	ROMs() []ROM
	// Objects is the tree of the machine's devices.
	Objects() *Object
	DisplayType() string
}

// PCIDevice is a function on the bus.
type PCIDevice struct {
	Slot, Function             int
	ID                         string // that the user gave
	Vendor, Device             uint16
	Subsystem, SubsystemVendor uint16
	Class                      uint16 // base class and subclass
	Pin, Line                  uint8  // pin 1 for A; 0: none
	Regions                    []PCIRegion
}

// PCIRegion is a base address register.
type PCIRegion struct {
	BAR             int
	Port            bool
	Address         uint64 // all ones: not mapped
	Size            uint64
	Prefetch, Mem64 bool
}

// Space is an address space, for info mtree.
type Space struct {
	Name    string
	Regions []SpaceRegion // in the order of the tree
	Flat    []SpaceRegion // what is seen where
}

// SpaceRegion is a stretch of one.
type SpaceRegion struct {
	Depth      int
	Addr, Size uint64
	Priority   int
	Kind       string // "ram", "rom", "i/o"
	Name       string
	AliasOf    string // "": it is none
	Offset     uint64 // in the region, or of what the alias shows
}

// InterruptCount is how often an input of an interrupt controller has risen.
type InterruptCount struct {
	Controller string
	Count      []uint64
}

// ROM is an image in the machine.
type ROM struct {
	Name  string
	Addr  uint64 // where it is mapped, unless FwCfg
	Size  uint64
	FwCfg bool // it is a file of fw_cfg
}

// Object is a node of the tree of devices.
type Object struct {
	Name       string
	Type       string
	Properties []Property
	Children   []*Object
}

// Property is one of an Object's.
type Property struct {
	Name string
	Type string // "string", "bool", "int", "link<…>"
	Get  func() any
	Set  func(any) error // nil: it cannot be written
}

// Debug is the log and what is traced.
type Debug interface {
	LogItems() []LogItem
	// SetLog switches on just the items named.
	SetLog(items []string) error
	SetLogFile(name string) error
	TraceEvents() []TraceEvent
	// SetTrace switches the events whose names fit a pattern with *; false: there are none.
	SetTrace(pattern string, on bool) bool
	SingleStep() bool
	SetSingleStep(bool)
}

// LogItem is a kind of message that can be logged.
type LogItem struct {
	Name, Help string
	On         bool
}

// TraceEvent is a place in the program that can tell that it is passed.
type TraceEvent struct {
	Name string
	On   bool
}

// USB is the machine's bus.
type USB interface {
	Ports() []USBPort
	HostDevices() []USBHostDevice
	// Add plugs in what a driver's name and properties describe: "tablet", "host:1234:5678". It is usb_add's short way of device_add.
	Add(spec string) error
	// Remove unplugs BUS.PORT.
	Remove(address string) error
}

// USBPort is a port with a device on it.
type USBPort struct {
	Bus     int
	Address int
	Port    string // "1", or "1.2" behind a hub
	Speed   string // "1.5", "12", "480" or "5000" Mb/s
	Product string
	ID      string
}

// USBHostDevice is a device of the host's.
type USBHostDevice struct {
	Bus, Address    int
	Port            string
	Speed           string
	Vendor, Product uint16
	Class           uint8
	Name            string
}

// Chardevs are the byte streams.
type Chardevs interface {
	List() []Chardev
	// Backends are the kinds that Add makes.
	Backends() []string
	// Add makes a stream as -chardev KIND,id=ID,KEY=VALUE,… does; pty is the terminal that it has made, if it has.
	Add(id, kind string, properties [][2]string) (pty string, err error)
	// Change puts another backend behind a stream that is in use.
	Change(id, kind string, properties [][2]string) (pty string, err error)
	Remove(id string) error
	SendBreak(id string) error
	// RingRead and RingWrite are a ring buffer's.
	RingRead(id string, size int) ([]byte, error)
	RingWrite(id string, data []byte) error
}

// Chardev is a byte stream.
type Chardev struct {
	Label        string `json:"label"`
	Filename     string `json:"filename"`
	FrontendOpen bool   `json:"frontend-open"`
}

// Devices makes and removes devices while the machine runs.
type Devices interface {
	// Kinds are what Add makes, with their properties.
	Kinds() []DeviceKind
	Add(driver, id string, properties [][2]string) error
	// Remove asks for a device to go; DEVICE_DELETED tells when it has.
	Remove(id string) error
	IDs() []string
}

// DeviceKind is a driver.
type DeviceKind struct {
	Name       string
	Properties []DeviceProperty
}

// DeviceProperty is what device-list-properties says of a property.
type DeviceProperty struct {
	Name        string `json:"name"`
	Type        string `json:"type"`
	Description string `json:"description,omitempty"`
}

// Debugger is the gdb stub.
type Debugger interface {
	// Listen starts it on a device as -gdb has it, "tcp::1234"; "none" ends it.
	Listen(device string) error
}
