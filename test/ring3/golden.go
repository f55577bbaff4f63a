package ring3

import (
	"bufio"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
)

// Golden is what the processor made of a case, kept for machines without KVM: where its result differs from its input.
type Golden struct {
	Name string
	N    uint64
	Code uint32 // checksum of the code: whether the case made anew is still the same
	Word []Word
}

// Word is one changed quadword: of the output up to recordSize, then of the window.
type Word struct {
	At  uint16
	Val uint64
}

// base is a result as if the case had done nothing.
func (c *Case) base() (x Result) {
	copy(x.Out[:recTarget], c.in[:])
	put(x.Out[:], recFlags, get(c.in[:], recFlags))
	copy(x.Out[recFX:], c.in[recFX:])
	x.Data = c.data
	return x
}

func (c *Case) sum() uint32 { return crc32.ChecksumIEEE(c.slot) }

// NewGolden keeps a result.
func NewGolden(c *Case, x *Result) *Golden {
	g := &Golden{Name: c.Name, N: c.N, Code: c.sum()}
	b := c.base()
	for i := 0; i < recordSize; i += 8 {
		if v := get(x.Out[:], i); v != get(b.Out[:], i) {
			g.Word = append(g.Word, Word{uint16(i), v})
		}
	}
	for i := 0; i < dataSize; i += 8 {
		if v := get(x.Data[:], i); v != get(b.Data[:], i) {
			g.Word = append(g.Word, Word{uint16(recordSize + i), v})
		}
	}
	return g
}

// Result makes the result again; false: the case is not the one that was recorded.
func (g *Golden) Result(c *Case) (Result, bool) {
	x := c.base()
	for _, w := range g.Word {
		if w.At < recordSize {
			put(x.Out[:], int(w.At), w.Val)
		} else {
			put(x.Data[:], int(w.At)-recordSize, w.Val)
		}
	}
	return x, g.Code == c.sum()
}

// WriteGolden writes records, compressed.
func WriteGolden(w io.Writer, all []*Golden) error {
	z, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	for _, g := range all {
		b := fmt.Appendf(nil, "%s\n", g.Name)
		b = binary.AppendUvarint(b, g.N)
		b = binary.LittleEndian.AppendUint32(b, g.Code)
		b = binary.AppendUvarint(b, uint64(len(g.Word)))
		for _, x := range g.Word {
			b = binary.LittleEndian.AppendUint16(b, x.At)
			b = binary.LittleEndian.AppendUint64(b, x.Val)
		}
		if _, err := z.Write(b); err != nil {
			return err
		}
	}
	return z.Close()
}

// ReadGolden reads what WriteGolden wrote.
func ReadGolden(r io.Reader) (all []*Golden, err error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, err
	}
	b := bufio.NewReader(z)
	for {
		name, err := b.ReadString('\n')
		if errors.Is(err, io.EOF) && name == "" {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		g := &Golden{Name: strings.TrimSuffix(name, "\n")}
		if err := g.read(b); err != nil {
			return nil, fmt.Errorf("%s: %w", g.Name, err)
		}
		all = append(all, g)
	}
}

func (g *Golden) read(b *bufio.Reader) (err error) {
	if g.N, err = binary.ReadUvarint(b); err != nil {
		return err
	}
	if err = binary.Read(b, binary.LittleEndian, &g.Code); err != nil {
		return err
	}
	n, err := binary.ReadUvarint(b)
	if err != nil || n > (recordSize+dataSize)/8 {
		return errors.Join(err, fmt.Errorf("%d words", n))
	}
	g.Word = make([]Word, n)
	return binary.Read(b, binary.LittleEndian, g.Word)
}
