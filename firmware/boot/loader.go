package boot

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
)

// Placement is something put into memory before the machine starts, and again at every reset (-device loader).
type Placement struct {
	File  string  // where it comes from, for messages
	Entry *uint64 // of an ELF file, as a physical address

	loads []load
	f     *os.File
}

// PlacementOptions are those of -device loader, as text; an empty one is absent.
type PlacementOptions struct {
	File     string // an ELF file is put where it says, any other at Addr
	ForceRaw bool   // an ELF file too is put at Addr, as it is
	Addr     string
	Data     string // instead of a file: a number of DataLen bytes (1 to 8), little-endian unless DataBE
	DataLen  string
	DataBE   bool
}

// Place reads what to put where. The file's bytes are read when they are written to memory.
func Place(o PlacementOptions) (*Placement, error) {
	var addr uint64
	var err error
	if o.Addr != "" {
		if addr, err = strconv.ParseUint(o.Addr, 0, 64); err != nil {
			return nil, fmt.Errorf("loader: addr=%s: not a number", o.Addr)
		}
	}
	switch {
	case (o.File == "") == (o.Data == ""):
		return nil, errors.New("loader: one of file= and data= belongs")
	case o.Data != "":
		return placeData(o, addr)
	}
	f, err := os.Open(o.File)
	if err != nil {
		return nil, fmt.Errorf("loader: %w", err)
	}
	p := &Placement{File: o.File, f: f}
	if err := p.plan(o, addr); err != nil {
		return nil, errors.Join(fmt.Errorf("loader: %s: %w", o.File, err), f.Close())
	}
	return p, nil
}

func placeData(o PlacementOptions, addr uint64) (*Placement, error) {
	n, err := strconv.ParseUint(o.DataLen, 0, 8)
	if err != nil || n < 1 || n > 8 {
		return nil, fmt.Errorf("loader: data-len=%s: 1 to 8 belongs", o.DataLen)
	}
	if o.Addr == "" {
		return nil, errors.New("loader: data= without addr=")
	}
	v, err := strconv.ParseUint(o.Data, 0, 64)
	if err != nil || n < 8 && v>>(8*n) != 0 {
		return nil, fmt.Errorf("loader: data=%s: not a number of %d bytes", o.Data, n)
	}
	b := binary.LittleEndian.AppendUint64(nil, v)[:n]
	if o.DataBE {
		b = binary.BigEndian.AppendUint64(nil, v)[8-n:]
	}
	return &Placement{File: "data=" + o.Data, loads: []load{{addr: addr, data: bytesBlob(b)}}}, nil
}

func (p *Placement) plan(o PlacementOptions, addr uint64) error {
	st, err := p.f.Stat()
	if err != nil {
		return err
	}
	if !st.Mode().IsRegular() || st.Size() == 0 {
		return errors.New("not a regular file, or empty")
	}
	k := fileBlob(p.f, 0, st.Size())
	head := make([]byte, min(k.Size(), headRead))
	if _, err := k.ReadAt(head, 0); err != nil {
		return err
	}
	if isELF(head) && !o.ForceRaw {
		e, err := parseELF(k, k.Size(), head)
		if err != nil {
			return err
		}
		var pl plan
		e.loadInto(&pl, k)
		entry := e.physicalEntry()
		p.loads, p.Entry = pl.loads, &entry
		return nil
	}
	if o.Addr == "" {
		return errors.New("not an ELF file: addr= belongs")
	}
	p.loads = []load{{addr: addr, data: k}}
	return nil
}

// placeChunk is how much is read at a time.
const placeChunk = 1 << 20

// WriteTo puts everything into memory.
func (p *Placement) WriteTo(mem io.WriterAt) error {
	for _, l := range p.loads {
		if err := l.writeTo(mem); err != nil {
			return fmt.Errorf("loader: %s: at %#x–%#x: %w", p.File, l.addr, l.end(), err)
		}
	}
	return nil
}

func (l load) writeTo(mem io.WriterAt) error {
	size := uint64(l.data.Size())
	buf := make([]byte, min(placeChunk, size+l.zeros))
	for off := uint64(0); off < size+l.zeros; {
		b := buf[:min(uint64(len(buf)), size+l.zeros-off)]
		clear(b)
		if off < size {
			b = b[:min(uint64(len(b)), size-off)]
			if _, err := l.data.ReadAt(b, int64(off)); err != nil {
				return err
			}
		}
		if _, err := mem.WriteAt(b, int64(l.addr+off)); err != nil {
			return err
		}
		off += uint64(len(b))
	}
	return nil
}

// Close closes the file.
func (p *Placement) Close() error {
	if p.f == nil {
		return nil
	}
	return p.f.Close()
}
