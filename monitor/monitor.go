// Package monitor is a hand on the machine: one table of commands over a small Control interface, shown to people by monitor/hmp and to programs
// by monitor/qmp. Names, arguments and results are QEMU's (docs/interop/qmp, hmp-commands).
package monitor

import (
	"fmt"
	"io"
	"sort"
	"time"

	"govm-desktop/input"
	"govm-desktop/x86"
)

// Control is what the monitor needs of the program around the machine.
type Control interface {
	Name() string
	UUID() string
	Version() string
	Status() string // as query-status names it: "running", "paused", "prelaunch" …
	Cont() error
	Stop()
	Reset()
	PowerDown()
	Wakeup()
	Quit()
	// Key presses or releases a key; ok is false if no key has the name.
	Key(name string, down bool) (ok bool)
	KeyNames() []string
	Pointer(input.Event)
	// Screendump writes the screen as "png" or "ppm".
	Screendump(w io.Writer, format string) error
	CPUs() int
	Registers(cpu int) (x86.State, error)
	// Blocks are the drives; Eject and Change act on removable ones.
	Blocks() []Block
	Eject(device string, force bool) error
	Change(device, file, format string) error
	// VNC is the RFB servers, the main one first. Passwords are set for the one with an id, or for all ("").
	VNC() []VNCInfo
	SetVNCPassword(id, password, connected string) error // connected: what becomes of those who are; "disconnect" or ""
	ExpireVNCPassword(id string, at time.Time) error     // zero: never
	Inspect(w io.Writer, device string) bool             // false: no such device
}

// Block is a drive as `info block` and query-block show it.
type Block struct {
	Device    string `json:"device"`
	File      string `json:"-"`
	Format    string `json:"-"`
	Removable bool   `json:"removable"`
	Locked    bool   `json:"locked"`
	ReadOnly  bool   `json:"-"`
	TrayOpen  bool   `json:"-"`
}

// Error is a command that failed, with QMP's class.
type Error struct {
	Class string
	Desc  string
}

// Error implements error.
func (e *Error) Error() string { return e.Desc }

func errorf(class, format string, args ...any) error {
	return &Error{Class: class, Desc: fmt.Sprintf(format, args...)}
}

// Classes of errors.
const (
	GenericError    = "GenericError"
	CommandNotFound = "CommandNotFound"
	DeviceNotFound  = "DeviceNotFound"
)

// Type is the type of a parameter.
type Type uint8

// Types.
const (
	String Type = iota
	Int
	Bool
	File
	Rest // of the line, for HMP; any JSON value, for QMP
	Flag // HMP only: -x
)

// Param is one parameter of a command. HMP takes them in order, QMP by name.
type Param struct {
	Name     string
	Type     Type
	Optional bool
}

// Args are the arguments of one call, by parameter name.
type Args map[string]any

// Str is a string argument; "" when absent.
func (a Args) Str(name string) string { s, _ := a[name].(string); return s }

// Int is a number; def when absent.
func (a Args) Int(name string, def int64) int64 {
	switch v := a[name].(type) {
	case int64:
		return v
	case float64:
		return int64(v)
	}
	return def
}

// Bool is a switch; false when absent.
func (a Args) Bool(name string) bool { b, _ := a[name].(bool); return b }

// Command is one line of the table. HMP and QMP are its names there; "" where it is not offered.
type Command struct {
	HMP, QMP string
	Alias    string // a second HMP name
	Params   []Param
	Help     string
	// Run does it. The result is what QMP returns; nil is an empty object.
	Run func(c Control, a Args) (any, error)
	// Print shows the result to people; nil: nothing is shown.
	Print func(w io.Writer, result any)
}

// Table is the list of commands.
type Table struct{ commands []*Command }

// NewTable returns all commands.
func NewTable() *Table {
	t := &Table{}
	t.commands = append(t.commands, lifeCommands()...)
	t.commands = append(t.commands, inputCommands()...)
	t.commands = append(t.commands, infoCommands()...)
	t.commands = append(t.commands, driveCommands()...)
	t.commands = append(t.commands, vncCommands()...)
	sort.Slice(t.commands, func(i, j int) bool { return t.commands[i].HMP+t.commands[i].QMP < t.commands[j].HMP+t.commands[j].QMP })
	return t
}

// ByHMP finds a command by the name that people type.
func (t *Table) ByHMP(name string) *Command {
	for _, c := range t.commands {
		if c.HMP != "" && (c.HMP == name || c.Alias == name) {
			return c
		}
	}
	return nil
}

// ByQMP finds a command by its name in QMP.
func (t *Table) ByQMP(name string) *Command {
	for _, c := range t.commands {
		if c.QMP != "" && c.QMP == name {
			return c
		}
	}
	return nil
}

// All visits the table in alphabetical order.
func (t *Table) All(f func(*Command)) {
	for _, c := range t.commands {
		f(c)
	}
}
