package monitor

import (
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
	"strings"

	"golang.org/x/arch/x86/x86asm"

	"govm-desktop/x86"
)

// format is how a dump looks: count items of size bytes.
type format struct {
	count int
	kind  byte // x d u o c i
	size  int  // 1, 2, 4, 8; 0: as the kind has it
}

// maxDump bounds what one dump shows, in items.
const maxDump = 1 << 16

// parseFormat reads the text after the slash: [COUNT][KIND][SIZE], KIND and SIZE in either order.
func parseFormat(text string, last format) (format, error) {
	f := format{count: 1, kind: last.kind, size: last.size}
	digits := strings.TrimLeft(text, "0123456789")
	if n := len(text) - len(digits); n > 0 {
		v, err := strconv.Atoi(text[:n])
		if err != nil || v > maxDump {
			return f, fmt.Errorf("at most %d items are shown at once", maxDump)
		}
		f.count = v
	}
	for _, b := range []byte(digits) {
		switch b {
		case 'o', 'd', 'u', 'x', 'i', 'c':
			f.kind = b
		case 'b':
			f.size = 1
		case 'h':
			f.size = 2
		case 'w':
			f.size = 4
		case 'g', 'L':
			f.size = 8
		default:
			return f, fmt.Errorf("invalid char in format: '%c'", b)
		}
	}
	return f, nil
}

// fill takes what was not said from the last time, and from the beginning.
func (f *format) fill() {
	if f.kind == 0 {
		f.kind = 'x'
	}
	if f.size == 0 {
		f.size = 4
	}
	if f.count == 0 {
		f.count = 1
	}
}

func memoryCommands() []*Command {
	addr := Param{Name: "addr", Type: Int}
	save := []Param{{Name: "val", Type: Int}, {Name: "size", Type: Int}, {Name: "filename", Type: File}}
	return []*Command{
		{HMP: "x", Params: []Param{{Name: "fmt", Type: Format, Optional: true}, addr}, Help: "show virtual memory: x/COUNT FORMAT SIZE ADDRESS, formats x d u o c i (instructions), sizes b h w g", Run: dumper(false), Print: printText},
		{HMP: "xp", Params: []Param{{Name: "fmt", Type: Format, Optional: true}, addr}, Help: "show physical memory, as x does", Run: dumper(true), Print: printText},
		{HMP: "print", Alias: "p", Params: []Param{{Name: "fmt", Type: Format, Optional: true}, {Name: "val", Type: Int}}, Help: "evaluate an expression: print/FORMAT $reg+4", Run: runPrint, Print: printText},
		{HMP: "i", Params: []Param{{Name: "fmt", Type: Format, Optional: true}, {Name: "addr", Type: Int}, {Name: "index", Type: Int, Optional: true}}, Help: "read a port: i/SIZE PORT [INDEX]", Run: runIn, Print: printText},
		{HMP: "o", Params: []Param{{Name: "fmt", Type: Format, Optional: true}, {Name: "addr", Type: Int}, {Name: "val", Type: Int}}, Help: "write a port: o/SIZE PORT VALUE", Run: runOut},
		{HMP: "gva2gpa", Params: []Param{addr}, Help: "the physical address of a virtual one", Run: runTranslate, Print: printText},
		{HMP: "memsave", Params: save, Help: "write virtual memory to a file: memsave ADDRESS SIZE FILE", Run: saver(false)},
		{HMP: "pmemsave", QMP: "pmemsave", Params: save, Help: "write physical memory to a file: pmemsave ADDRESS SIZE FILE", Run: saver(true)},
		{QMP: "memsave", Params: append(save[:3:3], Param{Name: "cpu-index", Type: Int, Optional: true}), Run: saver(false)},
	}
}

// space reads an address space of the session's processor.
type space struct {
	mem   Memories
	pages *paging // nil: physical addresses
}

func (c *Call) space(physical bool) (*space, error) {
	s := &space{mem: c.Memory(c.Session.CPU)}
	if physical {
		return s, nil
	}
	var err error
	s.pages, err = c.paging()
	return s, err
}

// read fills p; false: some of it is not there. Devices answer in accesses of size bytes.
func (s *space) read(p []byte, addr uint64, size int) bool {
	for len(p) > 0 {
		at, n := addr, uint64(len(p))
		if s.pages != nil {
			var ok bool
			if at, ok = s.pages.translate(addr); !ok {
				return false
			}
			n = min(n, 4096-addr&4095)
		}
		if _, err := s.mem.ReadAt(p[:n], int64(at)); err != nil {
			s.device(p[:n], at, size)
		}
		p, addr = p[n:], addr+n
	}
	return true
}

func (s *space) device(p []byte, at uint64, size int) {
	for i := 0; i < len(p); i += size {
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], s.mem.Load(at+uint64(i), size))
		copy(p[i:], b[:size])
	}
}

func dumper(physical bool) func(*Call) (any, error) {
	return func(c *Call) (any, error) {
		f, ok := c.Args["fmt"].(format)
		if !ok {
			f = format{1, c.Session.format.kind, c.Session.format.size}
		}
		f.fill()
		c.Session.format = f
		s, err := c.space(physical)
		if err != nil {
			return nil, err
		}
		var b strings.Builder
		if f.kind == 'i' {
			err = disassemble(c, &b, s, uint64(c.Int("addr", 0)), f.count)
		} else {
			s.dump(&b, f, uint64(c.Int("addr", 0)))
		}
		return b.String(), err
	}
}

func (s *space) dump(w io.Writer, f format, addr uint64) {
	if f.kind == 'c' {
		f.size = 1
	}
	line := 16
	if f.size == 1 {
		line = 8
	}
	for left := f.count * f.size; left > 0; {
		buf := make([]byte, min(line, left))
		fmt.Fprintf(w, "%016x:", addr)
		if !s.read(buf, addr, f.size) {
			io.WriteString(w, " Cannot access memory\n")
			return
		}
		for i := 0; i < len(buf); i += f.size {
			var b [8]byte
			copy(b[:], buf[i:i+f.size])
			io.WriteString(w, " "+f.item(binary.LittleEndian.Uint64(b[:])))
		}
		fmt.Fprintln(w)
		addr, left = addr+uint64(len(buf)), left-len(buf)
	}
}

// item is a value with as many places as its size needs.
func (f format) item(v uint64) string {
	bits := 8 * f.size
	switch f.kind {
	case 'o':
		return fmt.Sprintf("%#0*o", (bits+2)/3, v)
	case 'u':
		return fmt.Sprintf("%*d", (bits*10+32)/33, v)
	case 'd':
		return fmt.Sprintf("%*d", (bits*10+32)/33, int64(v<<(64-bits))>>(64-bits))
	case 'c':
		return character(byte(v))
	}
	return fmt.Sprintf("0x%0*x", bits/4, v)
}

func character(b byte) string {
	switch {
	case b == '\'' || b == '\\':
		return `'\` + string(rune(b)) + `'`
	case b == '\n':
		return `'\n'`
	case b == '\r':
		return `'\r'`
	case b >= 32 && b < 127:
		return "'" + string(rune(b)) + "'"
	}
	return fmt.Sprintf(`'\x%02x'`, b)
}

// maxInstruction is the longest that the processor takes.
const maxInstruction = 15

// disassemble shows instructions in the mode of the code segment.
func disassemble(c *Call, w io.Writer, s *space, addr uint64, count int) error {
	st, err := c.Registers(c.Session.CPU)
	if err != nil {
		return generic(err)
	}
	mode := 16
	switch cs := st.Seg[x86.CS].Attr; {
	case st.EFER&x86.EFERLMA != 0 && cs&x86.AttrL != 0:
		mode = 64
	case cs&x86.AttrDB != 0:
		mode = 32
	}
	for range count {
		buf := s.upTo(addr, maxInstruction)
		if len(buf) == 0 {
			fmt.Fprintf(w, "0x%08x: Cannot access memory\n", addr)
			return nil
		}
		text, n := instruction(buf, mode, addr)
		hex := make([]string, n)
		for i := range hex {
			hex[i] = fmt.Sprintf("%02x", buf[i])
		}
		fmt.Fprintf(w, "0x%08x:  %-24s %s\n", addr, strings.Join(hex, " "), text)
		addr += uint64(n)
	}
	return nil
}

// upTo reads as much of n bytes as is there.
func (s *space) upTo(addr uint64, n int) []byte {
	buf := make([]byte, n)
	if s.read(buf, addr, 1) {
		return buf
	}
	for i := range buf {
		if !s.read(buf[i:i+1], addr+uint64(i), 1) {
			return buf[:i]
		}
	}
	return buf
}

// instruction is one in AT&T's syntax; what the disassembler does not know is a byte.
func instruction(code []byte, mode int, addr uint64) (string, int) {
	inst, err := x86asm.Decode(code, mode)
	if err != nil || inst.Len == 0 {
		return fmt.Sprintf(".byte 0x%02x", code[0]), 1
	}
	return x86asm.GNUSyntax(inst, addr, nil), inst.Len
}

func runPrint(c *Call) (any, error) {
	f, given := c.Args["fmt"].(format)
	if !given {
		f.kind = c.Session.format.kind
	}
	if f.kind != 0 && f.kind != 'i' {
		c.Session.format.kind = f.kind // the next one is shown as this one was
	}
	v := c.Int("val", 0)
	switch f.kind {
	case 'o':
		return fmt.Sprintf("%#o\n", uint64(v)), nil
	case 'u':
		return fmt.Sprintf("%d\n", uint64(v)), nil
	case 'd':
		return fmt.Sprintf("%d\n", v), nil
	case 'c':
		return character(byte(v)) + "\n", nil
	}
	return fmt.Sprintf("%#x\n", uint64(v)), nil
}

// portSize is what i and o move: at most 4 bytes.
func portSize(c *Call) (size int, suffix byte) {
	f, _ := c.Args["fmt"].(format)
	switch f.size {
	case 2:
		return 2, 'w'
	case 4, 8:
		return 4, 'l'
	}
	return 1, 'b'
}

func runIn(c *Call) (any, error) {
	port := uint16(c.Int("addr", 0))
	if c.Has("index") {
		c.Out(port, 1, uint32(c.Int("index", 0)&0xff))
		port++
	}
	size, suffix := portSize(c)
	return fmt.Sprintf("port%c[0x%04x] = 0x%0*x\n", suffix, port, 2*size, c.In(port, size)), nil
}

func runOut(c *Call) (any, error) {
	size, _ := portSize(c)
	c.Out(uint16(c.Int("addr", 0)), size, uint32(c.Int("val", 0)))
	return nil, nil
}

func runTranslate(c *Call) (any, error) {
	p, err := c.paging()
	if err != nil {
		return nil, err
	}
	phys, ok := p.translate(uint64(c.Int("addr", 0)))
	if !ok {
		return "Unmapped\n", nil
	}
	return fmt.Sprintf("gpa: %#x\n", phys), nil
}

// saver writes memory to a file.
func saver(physical bool) func(*Call) (any, error) {
	return func(c *Call) (any, error) {
		addr, size := uint64(c.Int("val", 0)), c.Int("size", 0)
		if cpu := c.Int("cpu-index", int64(c.Session.CPU)); cpu < 0 || cpu >= int64(c.CPUs()) {
			return nil, errorf(GenericError, "Parameter 'cpu-index' expects a CPU number")
		} else if int(cpu) != c.Session.CPU {
			c = &Call{c.Control, c.Args, &Session{CPU: int(cpu)}}
		}
		if size < 0 || uint64(size) > maxSave {
			return nil, errorf(GenericError, "Parameter 'size' expects 0 to %d bytes", uint64(maxSave))
		}
		s, err := c.space(physical)
		if err != nil {
			return nil, err
		}
		return nil, writeFile(c.Str("filename"), func(w io.Writer) error {
			buf := make([]byte, 1<<16)
			for left := size; left > 0; {
				n := min(left, int64(len(buf)))
				if !s.read(buf[:n], addr, 8) {
					return errorf(GenericError, "Invalid addr %#016x/size %d specified", addr, size)
				}
				if _, err := w.Write(buf[:n]); err != nil {
					return err
				}
				addr, left = addr+uint64(n), left-n
			}
			return nil
		})
	}
}

// maxSave bounds a file: more memory than a machine can have.
const maxSave = 1 << 40
