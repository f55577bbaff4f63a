package auth

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
)

// sealed is RSA-AES's stream: messages of up to 64 KB, each a length, the text encrypted and a tag. Every message has the next
// number, so none can be left out, repeated or exchanged.
type sealed struct {
	net.Conn // below; nil during the handshake of types that do not go on with it
	r        io.Reader
	w        io.Writer

	in, out     *eax
	seen, sent  tag // the next nonces, little endian
	left        []byte
	inBuf, oBuf []byte
}

const maxSealed = 8192 // what TigerVNC writes at most; longer ones are read

// next is the nonce of the next message.
func next(n *tag) tag {
	now := *n
	for i := range n {
		if n[i]++; n[i] != 0 {
			break
		}
	}
	return now
}

// Write implements io.Writer.
func (s *sealed) Write(b []byte) (n int, err error) {
	for len(b) > 0 {
		k := min(len(b), maxSealed)
		s.oBuf = binary.BigEndian.AppendUint16(s.oBuf[:0], uint16(k))
		s.oBuf = append(s.oBuf, b[:k]...)
		text := s.out.seal(next(&s.sent), s.oBuf[:2], s.oBuf[2:])
		s.oBuf = append(s.oBuf[:2], text...)
		if _, err := s.w.Write(s.oBuf); err != nil {
			return n, err
		}
		n, b = n+k, b[k:]
	}
	return n, nil
}

// Read implements io.Reader.
func (s *sealed) Read(b []byte) (int, error) {
	for len(s.left) == 0 {
		var head [2]byte
		if _, err := io.ReadFull(s.r, head[:]); err != nil {
			return 0, err
		}
		k := int(binary.BigEndian.Uint16(head[:])) + len(tag{})
		if cap(s.inBuf) < k {
			s.inBuf = make([]byte, k)
		}
		s.inBuf = s.inBuf[:k]
		if _, err := io.ReadFull(s.r, s.inBuf); err != nil {
			return 0, errors.Join(err, io.ErrUnexpectedEOF)
		}
		text, err := s.in.open(next(&s.seen), head[:], s.inBuf)
		if err != nil {
			return 0, err
		}
		s.left = text
	}
	n := copy(b, s.left)
	s.left = s.left[n:]
	return n, nil
}
