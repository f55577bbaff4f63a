package rfb

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"time"

	"govm-desktop/display/rfb/auth"
	"govm-desktop/display/rfb/enc"
	"govm-desktop/display/rfb/fbs"
	"govm-desktop/display/rfb/stream"
)

// recordEvery is how often a recording takes a picture, at most.
const recordEvery = 40 * time.Millisecond

// unseen is the security type of a recording: it gets in, to look.
type unseen struct{ auth.None }

// Check implements auth.Type.
func (unseen) Check(s *auth.Session) error {
	s.ViewOnly = true
	return nil
}

// Record keeps what a viewer would see, in the FBS format, until the Server is closed or w takes no more. It does not count as a
// viewer. Nothing is lost of the picture: it is the Tight encoding without JPEG.
func (s *Server) Record(w io.Writer) error {
	f, err := fbs.NewWriter(w)
	if err != nil {
		return err
	}
	ours, theirs := net.Pipe()
	c := newClient(s, stream.New(theirs, s.cfg.Stalled), pipeAddr{})
	c.types, c.unseen = []auth.Type{unseen{}}, true
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	s.clients[c] = struct{}{}
	s.wg.Go(c.run)
	s.wg.Go(func() {
		defer ours.Close()
		if err := record(ours, f); err != nil && !s.isClosed() {
			s.cfg.Log.Error("the recording has ended", "err", err)
		}
	})
	return nil
}

// record plays a viewer of the oldest protocol, whose first bytes are the same in every session.
func record(nc net.Conn, w io.Writer) error {
	hello := []byte("RFB 003.003\n\x01")
	var b [64 << 10]byte
	if _, err := io.ReadFull(nc, b[:12]); err != nil { // the server's version, in the place of which the agreed one is kept
		return err
	}
	asked := make(chan error, 1)
	news := make(chan struct{}, 1)
	done := make(chan struct{})
	defer func() { <-asked }()
	defer close(done)
	defer nc.Close()
	go func() { asked <- ask(nc, hello, news, done) }()
	if _, err := w.Write(hello[:12]); err != nil {
		return err
	}
	for {
		n, err := nc.Read(b[:])
		if n > 0 {
			if _, err := w.Write(b[:n]); err != nil {
				return err
			}
			select {
			case news <- struct{}{}:
			default:
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// ask asks for the next picture a while after one has come.
func ask(nc net.Conn, hello []byte, news, done <-chan struct{}) error {
	msg := append([]byte(nil), hello...)
	ids := []int32{enc.TightID, enc.CopyRectID, encDesktopSize, encCursor, encLevel0 + 2}
	msg = binary.BigEndian.AppendUint16(append(msg, msgSetEncodings, 0), uint16(len(ids)))
	for _, id := range ids {
		msg = binary.BigEndian.AppendUint32(msg, uint32(id))
	}
	next := []byte{msgUpdateRequest, 1, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}
	first := append([]byte(nil), next...)
	first[1] = 0
	if _, err := nc.Write(append(msg, first...)); err != nil {
		return err
	}
	for {
		select {
		case <-news:
		case <-done:
			return nil
		}
		t := time.NewTimer(recordEvery)
		select {
		case <-t.C:
		case <-done:
			t.Stop()
			return nil
		}
		if _, err := nc.Write(next); err != nil {
			return err
		}
	}
}

// pipeAddr is where a recording is.
type pipeAddr struct{}

// Network implements net.Addr.
func (pipeAddr) Network() string { return "recording" }

// String implements net.Addr.
func (pipeAddr) String() string { return "recording" }
