package enc

import "github.com/klauspost/compress/flate"

// deflater is a zlib stream (RFC 1950) that lasts as long as a connection and is flushed after every rectangle. Its level may
// change on the way.
type deflater struct {
	level   int
	started bool
	apart   bool // what comes next may not refer to what was before
	w       *flate.Writer
	out     appender
}

// appender collects what the compressor writes.
type appender struct{ b []byte }

// Write implements io.Writer.
func (a *appender) Write(p []byte) (int, error) {
	a.b = append(a.b, p...)
	return len(p), nil
}

// setLevel takes a level from 1 to 9, from the next data on. A new compressor goes on with the same stream: it merely refers to
// nothing before.
func (d *deflater) setLevel(level int) {
	if level = max(1, min(level, 9)); level != d.level {
		d.level, d.w = level, nil
	}
}

// append compresses data and appends it to b, up to a sync flush.
func (d *deflater) append(b, data []byte) []byte {
	d.out.b = d.start(b)
	switch {
	case d.w == nil:
		d.w, _ = flate.NewWriter(&d.out, d.level) // the level is a valid one
	case d.apart:
		d.w.Reset(&d.out)
	}
	d.apart = false
	// Neither can fail: an appender does not.
	_, _ = d.w.Write(data)
	_ = d.w.Flush()
	b, d.out.b = d.out.b, nil
	return b
}

func (d *deflater) start(b []byte) []byte {
	if d.started {
		return b
	}
	d.started = true
	return append(b, 0x78, 0x01)
}

// store appends data as it is, in stored blocks (RFC 1951, section 3.2.4): a flush has left the stream at the start of a byte. It is for
// what hardly gets shorter, where time is dearer than bytes.
func (d *deflater) store(b, data []byte) []byte {
	b = d.start(b)
	d.apart = true
	for len(data) > 0 {
		n := min(len(data), 0xffff)
		b = append(b, 0, byte(n), byte(n>>8), ^byte(n), ^byte(n>>8))
		b = append(b, data[:n]...)
		data = data[n:]
	}
	return append(b, 0, 0, 0, 0xff, 0xff) // as a flush ends: some decoders give out nothing before
}

// insert appends a block that was compressed by itself.
func (d *deflater) insert(b, block []byte) []byte {
	d.apart = true
	return append(d.start(b), block...)
}
