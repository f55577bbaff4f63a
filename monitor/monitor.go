// Package monitor is a hand on the machine: one table of commands over a Control interface, shown to people by monitor/hmp and to programs by monitor/qmp.
// Names, arguments and results are QEMU's (docs/interop/qmp-spec, the QAPI schema, hmp-commands).
//
// Left out are the commands whose subsystem is not there: migration, snapshots of the machine, block jobs and graphs, networks, memory devices.
package monitor

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Error is a command that failed, with QMP's class.
type Error struct {
	Class string
	Desc  string
}

// Error implements error.
func (e *Error) Error() string { return e.Desc }

// Errorf is a failure of the given class.
func Errorf(class, format string, args ...any) error {
	return &Error{Class: class, Desc: fmt.Sprintf(format, args...)}
}

func errorf(class, format string, args ...any) error { return Errorf(class, format, args...) }

// generic is what another package's error becomes.
func generic(err error) error {
	if _, ok := err.(*Error); ok || err == nil {
		return err
	}
	return errorf(GenericError, "%v", err)
}

// Classes of errors.
const (
	GenericError    = "GenericError"
	CommandNotFound = "CommandNotFound"
	DeviceNotFound  = "DeviceNotFound"
	DeviceNotActive = "DeviceNotActive"
)

// Type is the type of a parameter.
type Type uint8

// Types.
const (
	String  Type = iota
	Int          // an expression, for HMP
	Bool         // on or off, for HMP
	File         // a string; HMP completes file names
	Rest         // all of the line, for HMP
	Flag         // -x, for HMP, and there anywhere before the rest; a bool, for QMP
	Format       // HMP only: /COUNT FORMAT SIZE, right after the name
	JSON         // QMP only: a value of Of's type
	Strings      // HMP only: all words that are left
)

// Param is one parameter of a command. HMP takes them in order, QMP by name.
type Param struct {
	Name     string
	Type     Type
	Optional bool
	Letter   byte     // of a Flag
	Values   []string // all it may be, for a String; QMP checks it, HMP completes it
	Of       any      // of JSON: a value of the type
	// Complete lists what HMP completes besides.
	Complete func(Control) []string
}

// Command is one line of the table. HMP and QMP are its names there; "" where it is not offered.
type Command struct {
	HMP, QMP string
	Alias    string // a second HMP name
	Params   []Param
	Help     string
	Open     bool // QMP passes on arguments that are no parameters: those of device_add
	// Returns is a value of the type that Run returns, for QMP's schema; nil: nothing.
	Returns any
	// Run does it. The result is what QMP returns.
	Run func(*Call) (any, error)
	// Print shows the result to people; nil: nothing is shown.
	Print func(w io.Writer, result any)
	// PrintIn is Print for what depends on the session.
	PrintIn func(s *Session, w io.Writer, result any)
}

// Call is one use of a command.
type Call struct {
	Control
	Args
	Session *Session
}

// Session is what a monitor remembers from one command to the next.
type Session struct {
	CPU     int      // that "cpu" has chosen
	History []string // of the lines typed; HMP keeps it
	format  format   // of the last dump

	absX, absY int32 // that input-send-event has moved the pointer to
}

// Table is the list of commands.
type Table struct {
	// Trace is told of every line that people type; nil: nobody is.
	Trace func(line string)

	commands []*Command
	hmp, qmp map[string]*Command
}

// NewTable returns all commands, by alphabet.
func NewTable() *Table {
	t := &Table{hmp: map[string]*Command{}, qmp: map[string]*Command{}}
	t.commands = slices.Concat(lifeCommands(), inputCommands(), infoCommands(), screenCommands(), driveCommands(), vncCommands(), registerCommands(), memoryCommands(),
		boardCommands(), usbCommands(), chardevCommands(), deviceCommands(), qomCommands(), debugCommands(), absentCommands(), protocolCommands(t))
	slices.SortStableFunc(t.commands, func(a, b *Command) int { return strings.Compare(a.HMP+a.QMP, b.HMP+b.QMP) })
	for _, c := range t.commands {
		for m, names := range map[*map[string]*Command][]string{&t.hmp: {c.HMP, c.Alias}, &t.qmp: {c.QMP}} {
			for _, n := range names {
				if n != "" {
					(*m)[n] = c
				}
			}
		}
	}
	return t
}

// ByHMP finds a command by the name that people type.
func (t *Table) ByHMP(name string) *Command { return t.hmp[name] }

// ByQMP finds a command by its name in QMP.
func (t *Table) ByQMP(name string) *Command { return t.qmp[name] }

// All visits the table in alphabetical order.
func (t *Table) All(f func(*Command)) {
	for _, c := range t.commands {
		f(c)
	}
}
