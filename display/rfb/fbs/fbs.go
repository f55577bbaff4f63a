// Package fbs reads and writes recordings of RFB sessions in the format that rfbproxy and TightVNC's players know as FBS 001.001: what
// a server has sent, from its version on, in blocks with the time at which each came. A Player shows one as a display.Source.
//
// Left out: indices for jumping about (.fbi, .fbk).
package fbs

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

const header = "FBS 001.001\n"

// maxBlock is the largest block that is read.
const maxBlock = 16 << 20

// Writer writes a recording.
type Writer struct {
	w     io.Writer
	start time.Time
	buf   []byte
}

// NewWriter writes the header.
func NewWriter(w io.Writer) (*Writer, error) {
	_, err := io.WriteString(w, header)
	return &Writer{w: w, start: time.Now()}, err
}

// Write implements io.Writer: b is a block of its own, which came now.
func (w *Writer) Write(b []byte) (int, error) {
	w.buf = binary.BigEndian.AppendUint32(w.buf[:0], uint32(len(b)))
	w.buf = append(w.buf, b...)
	for len(w.buf)%4 != 0 {
		w.buf = append(w.buf, 0)
	}
	w.buf = binary.BigEndian.AppendUint32(w.buf, uint32(time.Since(w.start).Milliseconds()))
	if _, err := w.w.Write(w.buf); err != nil {
		return 0, err
	}
	return len(b), nil
}

// Reader reads a recording.
type Reader struct {
	r    *bufio.Reader
	last time.Duration
}

// NewReader checks the header.
func NewReader(r io.Reader) (*Reader, error) {
	b := bufio.NewReaderSize(r, 64<<10)
	h := make([]byte, len(header))
	if _, err := io.ReadFull(b, h); err != nil || string(h[:8]) != header[:8] || h[11] != '\n' {
		return nil, errors.New("it is no recording of an RFB session (FBS 001.…)")
	}
	return &Reader{r: b}, nil
}

// Next returns the next block and when it came, from the start; io.EOF after the last. A block that was cut off, because the
// recording was, is the end.
func (r *Reader) Next() ([]byte, time.Duration, error) {
	var n [4]byte
	if _, err := io.ReadFull(r.r, n[:]); err != nil {
		return nil, 0, end(err)
	}
	size := binary.BigEndian.Uint32(n[:])
	if size > maxBlock {
		return nil, 0, fmt.Errorf("a block of %d bytes: the recording is damaged", size)
	}
	b, err := io.ReadAll(io.LimitReader(r.r, int64((size+3)&^3))) // grows with what there is, not with what is said
	if err != nil {
		return nil, 0, err
	}
	if len(b) < int((size+3)&^3) {
		return nil, 0, io.EOF
	}
	if _, err := io.ReadFull(r.r, n[:]); err != nil {
		return nil, 0, end(err)
	}
	at := time.Duration(binary.BigEndian.Uint32(n[:])) * time.Millisecond
	r.last = max(r.last, at) // clocks can be set back
	return b[:size], r.last, nil
}

func end(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return io.EOF
	}
	return err
}
