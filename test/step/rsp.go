// Package step runs small boot images, instruction by instruction, on the software CPU and on QEMU, and compares the registers after each: the
// judge of 16- and 32-bit code and of system instructions, which no processor at hand will run for us otherwise. QEMU is driven through its
// GDB stub (GDB manual, appendix E, "Remote Serial Protocol").
//
// Where QEMU 7.2's emulation leaves the manuals, we follow the manuals, and the images keep away (or their handlers make both sides equal); package
// cpu's own tests cover these: segment limits and types on data accesses, #UD for LOCK where it is not allowed, checks of CR0, CR3 and of
// addresses written to MSRs, RF in the image of a fault, P with reserved bits in a page fault's code, W in that of a read-modify-write, #SS for
// non-canonical stack addresses, canonical checks of near branches, error codes of IDT entries in long mode (vector * 8, not * 16), SS of an
// interrupt stack without change of privilege, EIP of a fault in a task switch, accessed bits of descriptors loaded by returns and of PDPTEs, INT1.
package step

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// rsp is a connection to a GDB stub.
type rsp struct {
	conn net.Conn
	in   *bufio.Reader
}

// dial connects to the stub on a unix socket, which may take its server a moment to make.
func dial(path string) (*rsp, error) {
	var err error
	for range 500 {
		var c net.Conn
		if c, err = net.Dial("unix", path); err == nil {
			return &rsp{conn: c, in: bufio.NewReader(c)}, nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return nil, fmt.Errorf("step: no GDB stub: %w", err)
}

// call sends a packet and returns the reply.
func (r *rsp) call(cmd string) (string, error) {
	var sum byte
	for i := range len(cmd) {
		sum += cmd[i]
	}
	if _, err := fmt.Fprintf(r.conn, "$%s#%02x", cmd, sum); err != nil {
		return "", err
	}
	if _, err := r.in.ReadString('$'); err != nil {
		return "", err
	}
	s, err := r.in.ReadString('#')
	if err != nil {
		return "", err
	}
	if _, err = r.in.Discard(2); err != nil {
		return "", err
	}
	_, err = r.conn.Write([]byte{'+'})
	return strings.TrimSuffix(s, "#"), err
}

// step runs one instruction.
func (r *rsp) step() error {
	s, err := r.call("s")
	if err == nil && !strings.HasPrefix(s, "T05") && s != "S05" {
		err = fmt.Errorf("step: stopped with %q", s)
	}
	return err
}

// regs are the registers that are compared.
type regs struct {
	gpr   [16]uint64 // as instructions number them
	rip   uint64
	flags uint64
	seg   [6]uint64 // ES CS SS DS FS GS
	ctl   [9]uint64 // FS.base GS.base KernelGSBase CR0 CR2 CR3 CR4 CR8 EFER
}

// regs reads all registers.
func (r *rsp) regs() (out regs, err error) {
	s, err := r.call("g")
	if err != nil {
		return out, err
	}
	b, err := hex.DecodeString(s)
	if err != nil || len(b) < 17*8+7*4+9*8 {
		return out, errors.Join(err, fmt.Errorf("step: %d bytes of registers", len(b)))
	}
	u64 := func() uint64 {
		v := binary.LittleEndian.Uint64(b)
		b = b[8:]
		return v
	}
	u32 := func() uint64 {
		v := binary.LittleEndian.Uint32(b)
		b = b[4:]
		return uint64(v)
	}
	for _, n := range [16]int{0, 3, 1, 2, 6, 7, 5, 4, 8, 9, 10, 11, 12, 13, 14, 15} {
		out.gpr[n] = u64()
	}
	out.rip, out.flags = u64(), u32()
	for _, n := range [6]int{1, 2, 3, 0, 4, 5} {
		out.seg[n] = u32()
	}
	for i := range out.ctl {
		out.ctl[i] = u64()
	}
	return out, nil
}

// memory reads physical memory.
func (r *rsp) memory(addr, n int) ([]byte, error) {
	if _, err := r.call("Qqemu.PhyMemMode:1"); err != nil {
		return nil, err
	}
	var out []byte
	for n > 0 {
		k := min(n, 0x400)
		s, err := r.call(fmt.Sprintf("m%x,%x", addr, k))
		if err != nil {
			return nil, err
		}
		b, err := hex.DecodeString(s)
		if err != nil || len(b) != k {
			return nil, fmt.Errorf("step: memory at %x: %q", addr, s)
		}
		out, addr, n = append(out, b...), addr+k, n-k
	}
	_, err := r.call("Qqemu.PhyMemMode:0")
	return out, err
}
