package boot

import (
	"bytes"
	"io"
)

// Blob is a row of bytes made of pieces of other rows, which are read when they are asked for.
type Blob struct {
	pieces []piece
	size   int64
}

type piece struct {
	r        io.ReaderAt
	off      int64 // in r
	at, size int64 // in the blob
}

func bytesBlob(b []byte) *Blob {
	var l Blob
	l.add(bytes.NewReader(b), 0, int64(len(b)))
	return &l
}

func fileBlob(r io.ReaderAt, off, size int64) *Blob {
	var l Blob
	l.add(r, off, size)
	return &l
}

func (b *Blob) add(r io.ReaderAt, off, size int64) {
	if size > 0 {
		b.pieces = append(b.pieces, piece{r, off, b.size, size})
		b.size += size
	}
}

func (b *Blob) append(o *Blob) (at int64) {
	at = b.size
	b.add(o, 0, o.size)
	return at
}

// Size is the number of bytes.
func (b *Blob) Size() int64 { return b.size }

// ReadAt implements io.ReaderAt.
func (b *Blob) ReadAt(p []byte, off int64) (n int, err error) {
	for _, c := range b.pieces {
		skip := off + int64(n) - c.at
		if n == len(p) || skip < 0 {
			break
		}
		if skip >= c.size {
			continue
		}
		want := min(int64(len(p)-n), c.size-skip)
		k, err := c.r.ReadAt(p[n:n+int(want)], c.off+skip)
		n += k
		if int64(k) < want {
			return n, err
		}
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
