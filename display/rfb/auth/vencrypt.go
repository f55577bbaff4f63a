package auth

import (
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"net"
)

// Subtypes of VeNCrypt.
const (
	X509NoneID  uint32 = 260
	X509VncID   uint32 = 261
	X509PlainID uint32 = 262
)

// VeNCrypt is the security type 19: TLS with the server's certificate, and in it None, VncAuth, or a name and a password.
type VeNCrypt struct {
	TLS      *tls.Config
	Subtypes []Subtype // in order of preference
}

// Subtype is what happens inside the TLS connection.
type Subtype struct {
	Number uint32
	Check  func(*Session) error
}

// X509None is a certificate and no password.
func X509None() Subtype { return Subtype{X509NoneID, None{}.Check} }

// X509Vnc is a certificate and VNC Authentication.
func X509Vnc(p *Password) Subtype { return Subtype{X509VncID, VncAuth{p}.Check} }

// X509Plain is a certificate, and a name and a password as they are.
func X509Plain(c Checker) Subtype {
	return Subtype{X509PlainID, func(s *Session) error { return plain(s, c) }}
}

// ID implements Type.
func (VeNCrypt) ID() uint8 { return VeNCryptID }

// Check implements Type.
func (v VeNCrypt) Check(s *Session) error {
	if _, err := s.Write([]byte{0, 2}); err != nil {
		return err
	}
	b, err := s.Take(2)
	if err != nil {
		return err
	}
	if b[0] != 0 || b[1] != 2 {
		_, err := s.Write([]byte{0xff})
		return fmt.Errorf("VeNCrypt %d.%d is not 0.2 (%v)", b[0], b[1], err)
	}
	msg := []byte{0, byte(len(v.Subtypes))}
	for _, t := range v.Subtypes {
		msg = binary.BigEndian.AppendUint32(msg, t.Number)
	}
	if _, err := s.Write(msg); err != nil {
		return err
	}
	n, err := s.U32()
	if err != nil {
		return err
	}
	for _, t := range v.Subtypes {
		if t.Number == n {
			return v.inside(s, t)
		}
	}
	_, err = s.Write([]byte{0})
	return fmt.Errorf("VeNCrypt's subtype %d was not offered (%v)", n, err)
}

// inside starts TLS and has the subtype go on.
func (v VeNCrypt) inside(s *Session, t Subtype) error {
	if _, err := s.Write([]byte{1}); err != nil {
		return err
	}
	err := s.Layer(func(below net.Conn) (net.Conn, error) {
		c := tls.Server(below, v.TLS)
		err := c.Handshake()
		s.Name = PeerName(c.ConnectionState())
		return c, err
	})
	if err != nil {
		return fmt.Errorf("TLS: %w", err)
	}
	return t.Check(s)
}

const maxPlain = 1024

// plain is VeNCrypt's Plain: two lengths, a name and a password.
func plain(s *Session, c Checker) error {
	nu, err := s.U32()
	if err != nil {
		return err
	}
	np, err := s.U32()
	if err != nil {
		return err
	}
	user, err := s.text(int(min(nu, 1<<30)), maxPlain)
	if err != nil {
		return err
	}
	password, err := s.text(int(min(np, 1<<30)), maxPlain)
	if err != nil {
		return err
	}
	return s.login(c, user, password)
}
