package gdbstub

import (
	"encoding/hex"
	"strconv"
	"strings"

	"govm-desktop/memory"
	"govm-desktop/x86"
)

// span parses "addr,length".
func span(arg string) (addr, n uint64, ok bool) {
	a, l, cut := strings.Cut(arg, ",")
	addr, err1 := strconv.ParseUint(a, 16, 64)
	n, err2 := strconv.ParseUint(l, 16, 32)
	return addr, n, cut && err1 == nil && err2 == nil
}

func (s *session) readMemory(arg string) string {
	addr, n, ok := span(arg)
	if !ok || n > maxPacket/2 {
		return replyBad
	}
	p := make([]byte, n)
	done := s.pages(addr, p, func(m *memory.Space, phys uint64, p []byte) {
		if _, err := m.ReadAt(p, int64(phys)); err == nil {
			return
		}
		for i := range p {
			p[i] = byte(m.Load(phys+uint64(i), 1))
		}
	})
	if done == 0 && n > 0 {
		return replyFail
	}
	return hex.EncodeToString(p[:done]) // gdb takes less than it has asked for
}

// writeMemory is M (hexadecimal) and X (binary): addr,length:data.
func (s *session) writeMemory(arg string, binary bool) string {
	head, data, ok := strings.Cut(arg, ":")
	addr, n, good := span(head)
	if !ok || !good {
		return replyBad
	}
	p := []byte(data)
	if !binary {
		var err error
		if p, err = hex.DecodeString(data); err != nil {
			return replyBad
		}
	}
	if uint64(len(p)) != n {
		return replyBad
	}
	done := s.pages(addr, p, func(m *memory.Space, phys uint64, p []byte) {
		if _, err := m.WriteAt(p, int64(phys)); err == nil {
			return
		}
		for i, b := range p { // registers, or ROM, which keeps what it has
			m.Store(phys+uint64(i), 1, uint64(b))
		}
	})
	if done < len(p) {
		return replyFail
	}
	return replyOK
}

// pages walks through the selected processor's linear memory, page by page, as far as it is mapped; it returns the bytes visited.
func (s *session) pages(addr uint64, p []byte, visit func(m *memory.Space, phys uint64, p []byte)) (done int) {
	m := s.t.Memory()
	var st x86.State
	if !s.phys && s.t.State(max(s.cpu, 0), &st) != nil {
		return 0
	}
	for done < len(p) {
		lin := addr + uint64(done)
		n := min(len(p)-done, int(memory.PageSize-lin%memory.PageSize))
		phys, ok := lin, true
		if !s.phys {
			phys, ok = x86.Translate(&st, m.Load, lin)
		}
		if !ok {
			return done
		}
		visit(m, phys, p[done:done+n])
		done += n
	}
	return done
}
