package boot

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// elfImage is what is needed of an ELF file: its segments and where it is entered.
type elfImage struct {
	wide     bool // 64 bits
	entry    uint64
	segments []segment
	notes    []segment
}

type segment struct {
	off, vaddr, paddr, filesz, memsz uint64
}

const (
	elfHead32, elfHead64  = 52, 64
	machine386, machine64 = 3, 62
	typeLoad, typeNote    = 1, 4
	maxSegments           = 64
	maxNotes              = 64 << 10
)

func isELF(head []byte) bool { return len(head) >= elfHead64 && string(head[:4]) == "\x7fELF" }

// parseELF reads the file and program headers of a little-endian ELF for x86.
func parseELF(k io.ReaderAt, size int64, head []byte) (*elfImage, error) {
	le := binary.LittleEndian
	e := &elfImage{wide: head[4] == 2}
	machine := le.Uint16(head[18:])
	if head[4] != 1 && head[4] != 2 || head[5] != 1 || machine != machine386 && machine != machine64 {
		return nil, errors.New("ELF file for another kind of machine")
	}
	var phoff uint64
	var phsize, phnum int
	if e.wide {
		e.entry, phoff = le.Uint64(head[24:]), le.Uint64(head[32:])
		phsize, phnum = int(le.Uint16(head[54:])), int(le.Uint16(head[56:]))
	} else {
		e.entry, phoff = uint64(le.Uint32(head[24:])), uint64(le.Uint32(head[28:]))
		phsize, phnum = int(le.Uint16(head[42:])), int(le.Uint16(head[44:]))
	}
	want := 32
	if e.wide {
		want = 56
	}
	if phsize != want || phnum == 0 || phnum > maxSegments {
		return nil, fmt.Errorf("ELF file with %d program headers of %d bytes", phnum, phsize)
	}
	table := make([]byte, phsize*phnum)
	if phoff > uint64(size) || uint64(size)-phoff < uint64(len(table)) {
		return nil, errors.New("ELF file is cut off: no program headers")
	}
	if n, err := k.ReadAt(table, int64(phoff)); n < len(table) {
		return nil, err
	}
	for ; len(table) > 0; table = table[phsize:] {
		s := e.header(table)
		kind := le.Uint32(table)
		if kind != typeLoad && kind != typeNote || s.memsz == 0 && s.filesz == 0 {
			continue
		}
		if s.off > uint64(size) || uint64(size)-s.off < s.filesz {
			return nil, errors.New("ELF file is cut off: a segment ends behind it")
		}
		if kind == typeNote {
			e.notes = append(e.notes, s)
			continue
		}
		if s.memsz < s.filesz || s.paddr+s.memsz < s.paddr || s.paddr+s.memsz > 1<<32 {
			return nil, fmt.Errorf("ELF segment of %#x bytes at %#x does not lie below 4 GiB", s.memsz, s.paddr)
		}
		e.segments = append(e.segments, s)
	}
	if len(e.segments) == 0 {
		return nil, errors.New("ELF file has nothing to load")
	}
	return e, nil
}

func (e *elfImage) header(b []byte) segment {
	le := binary.LittleEndian
	if e.wide {
		return segment{le.Uint64(b[8:]), le.Uint64(b[16:]), le.Uint64(b[24:]), le.Uint64(b[32:]), le.Uint64(b[40:])}
	}
	return segment{
		uint64(le.Uint32(b[4:])), uint64(le.Uint32(b[8:])), uint64(le.Uint32(b[12:])), uint64(le.Uint32(b[16:])), uint64(le.Uint32(b[20:])),
	}
}

// physicalEntry is the entry as an address of physical memory: files give it as one of the segment's virtual addresses.
func (e *elfImage) physicalEntry() uint64 {
	for _, s := range e.segments {
		if e.entry >= s.vaddr && e.entry-s.vaddr < s.memsz {
			return e.entry - s.vaddr + s.paddr
		}
	}
	return e.entry
}

// end is the first address after all segments.
func (e *elfImage) end() (end uint64) {
	for _, s := range e.segments {
		end = max(end, s.paddr+s.memsz)
	}
	return end
}

// loadInto adds the segments to a plan.
func (e *elfImage) loadInto(p *plan, k *Blob) {
	for i, s := range e.segments {
		p.load(fmt.Sprintf("segment %d", i), s.paddr, fileBlob(k, int64(s.off), int64(s.filesz)), s.memsz-s.filesz)
	}
}

// note finds a note by its owner and type.
func (e *elfImage) note(k io.ReaderAt, owner string, kind uint32) []byte {
	le := binary.LittleEndian
	for _, s := range e.notes {
		b := make([]byte, min(s.filesz, maxNotes))
		if n, _ := k.ReadAt(b, int64(s.off)); n < len(b) {
			continue
		}
		for len(b) >= 12 {
			namesz, descsz, typ := uint64(le.Uint32(b)), uint64(le.Uint32(b[4:])), le.Uint32(b[8:])
			b = b[12:]
			nameEnd, descEnd := (namesz+3)&^3, (namesz+3)&^3+descsz
			if descEnd > uint64(len(b)) {
				break
			}
			if typ == kind && namesz == uint64(len(owner))+1 && string(b[:len(owner)]) == owner {
				return b[nameEnd:descEnd]
			}
			b = b[min((descEnd+3)&^3, uint64(len(b))):]
		}
	}
	return nil
}
