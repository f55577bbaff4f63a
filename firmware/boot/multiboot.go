package boot

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// Multiboot's header and the structure that the kernel gets (Multiboot specification 0.6.96, sections 3.1 and 3.3).
const (
	mbMagic     = 0x1badb002
	mbSearch    = 8192   // where the header must begin,
	mbHeadSize  = 32     // and how long it may be
	mbGraphics  = 1 << 2 // the kernel asks for a video mode
	mbKnown     = 1<<0 | 1<<1 | mbGraphics
	mbMustKnow  = 0xffff  // a loader must refuse what it does not know of these
	mbAddresses = 1 << 16 // the header says where to load: no ELF

	mbInfoSize    = 120
	mbInfoCmdline = 16
	mbInfoMods    = 20
	mbInfoMap     = 48 // its length (44), and mem_lower (4) and mem_upper (8) are from the option ROM
	mbInfoLoader  = 64
	mbInfoFlags   = 1<<0 | 1<<2 | 1<<3 | 1<<6 | 1<<9 // mem_*, cmdline, mods_*, mmap_*, boot_loader_name
	mbModEntry    = 16
	maxModules    = 256
)

// mbHeader is a header found.
type mbHeader struct {
	at                                   int
	flags                                uint32
	header, load, loadEnd, bssEnd, entry uint32
}

// findMultiboot looks for a header in the head of a file; nil if there is none.
func findMultiboot(head []byte) *mbHeader {
	le := binary.LittleEndian
	for at := 0; at+12 <= min(len(head), mbSearch); at += 4 {
		if le.Uint32(head[at:]) != mbMagic || le.Uint32(head[at:])+le.Uint32(head[at+4:])+le.Uint32(head[at+8:]) != 0 {
			continue
		}
		h := &mbHeader{at: at, flags: le.Uint32(head[at+4:])}
		if h.flags&mbAddresses != 0 {
			if at+mbHeadSize > len(head) {
				continue
			}
			for i, p := range []*uint32{&h.header, &h.load, &h.loadEnd, &h.bssEnd, &h.entry} {
				*p = le.Uint32(head[at+12+4*i:])
			}
		}
		return h
	}
	return nil
}

func planMultiboot(k *Blob, head []byte, cmdline string, ramEnd uint64, mods opener) (*plan, error) {
	h := findMultiboot(head)
	if bad := h.flags & mbMustKnow &^ mbKnown; bad != 0 {
		return nil, fmt.Errorf("multiboot kernel asks for features that are not known (%#x)", bad)
	}
	if h.flags&mbGraphics != 0 {
		return nil, errors.New("multiboot kernel asks for a video mode, which is not set here")
	}
	p := &plan{kind: Multiboot, info: infoBase}
	var end uint64
	var err error
	if h.flags&mbAddresses != 0 {
		end, err = h.loadFlat(p, k)
	} else {
		end, err = loadMultibootELF(p, k, head)
	}
	if err != nil {
		return nil, err
	}
	ms, err := mods(Multiboot)
	if err != nil {
		return nil, err
	}
	return p, p.multibootInfo(ms, cmdline, max(end, highFirst))
}

// loadFlat is the kernel whose header says where it goes.
func (h *mbHeader) loadFlat(p *plan, k *Blob) (end uint64, err error) {
	bad := errors.New("multiboot header with addresses that contradict each other")
	before := int64(h.header) - int64(h.load) // of the header in memory
	off := int64(h.at) - before
	if before < 0 || off < 0 || off >= k.Size() {
		return 0, bad
	}
	size := k.Size() - off
	if h.loadEnd != 0 {
		if h.loadEnd < h.load || int64(h.loadEnd-h.load) > size {
			return 0, bad
		}
		size = int64(h.loadEnd - h.load)
	}
	end = uint64(h.load) + uint64(size)
	var zeros uint64
	if h.bssEnd != 0 {
		if uint64(h.bssEnd) < end {
			return 0, bad
		}
		zeros = uint64(h.bssEnd) - end
	}
	p.entry = h.entry
	p.load("kernel", uint64(h.load), fileBlob(k, off, size), zeros)
	return end + zeros, nil
}

func loadMultibootELF(p *plan, k *Blob, head []byte) (end uint64, err error) {
	if !isELF(head) {
		return 0, errors.New("multiboot kernel that is no ELF file and does not say where it goes")
	}
	e, err := parseELF(k, k.Size(), head)
	if err != nil {
		return 0, err
	}
	entry := e.physicalEntry()
	if e.wide {
		return 0, errors.New("64-bit Multiboot kernel: the protocol enters 32-bit ones")
	}
	p.entry = uint32(entry)
	e.loadInto(p, k)
	return e.end(), nil
}

// multibootInfo adds modules, on pages after the kernel, and the structures that tell of them.
func (p *plan) multibootInfo(ms []module, cmdline string, end uint64) error {
	le := binary.LittleEndian
	info := make([]byte, mbInfoSize+mbModEntry*len(ms))
	str := func(s string) uint32 {
		at := infoBase + len(info)
		info = append(append(info, s...), 0)
		return uint32(at)
	}
	le.PutUint32(info, mbInfoFlags)
	le.PutUint32(info[mbInfoMods:], uint32(len(ms)))
	le.PutUint32(info[mbInfoMods+4:], infoBase+mbInfoSize)
	le.PutUint32(info[mbInfoMap:], mapBase)
	at := str(cmdline)
	le.PutUint32(info[mbInfoCmdline:], at)
	at = str("govm-desktop")
	le.PutUint32(info[mbInfoLoader:], at)
	for i, m := range ms {
		args := str(m.args)
		start := (end + 0xfff) &^ 0xfff
		end = start + uint64(m.data.Size())
		if end > 1<<32 {
			return fmt.Errorf("module %d ends above 4 GiB", i)
		}
		e := info[mbInfoSize+mbModEntry*i:]
		le.PutUint32(e, uint32(start))
		le.PutUint32(e[4:], uint32(end))
		le.PutUint32(e[8:], args)
		p.load(fmt.Sprintf("module %d", i), start, m.data, 0)
	}
	if infoBase+len(info) > infoEnd {
		return errors.New("command line and modules' arguments are too long")
	}
	p.load(infoName, infoBase, bytesBlob(info), 0)
	return nil
}

type moduleSpec struct{ path, args string }

// splitModules reads a list of modules: commas between them, doubled within a name; the file is the first word, the string all of it.
func splitModules(s string) []moduleSpec {
	var specs []moduleSpec
	const comma = "\x00"
	for _, m := range strings.Split(strings.ReplaceAll(s, ",,", comma), ",") {
		m = strings.ReplaceAll(m, comma, ",")
		if m == "" {
			continue
		}
		path, _, _ := strings.Cut(m, " ")
		specs = append(specs, moduleSpec{path, m})
	}
	return specs
}
