// Package auth holds RFB's security types (RFC 6143, section 7.2, and rfbproto.rst): each a way in which a client shows that it
// may come in, and some a way to hide from others what follows.
//
// There are None, VncAuth, RSA-AES (RA2, RA2ne, and both with 256 bits), Apple's Diffie-Hellman, and VeNCrypt with X.509
// certificates. Left out: VeNCrypt's anonymous TLS subtypes, which crypto/tls does not have because they protect from nobody who
// can sit in the middle, and MS-Logon, whose keys are of 64 bits.
package auth

import (
	"fmt"

	"govm-desktop/display/rfb/stream"
)

// Numbers of the security types.
const (
	InvalidID  uint8 = 0
	NoneID     uint8 = 1
	VncAuthID  uint8 = 2
	RA2ID      uint8 = 5
	RA2neID    uint8 = 6
	VeNCryptID uint8 = 19
	AppleDHID  uint8 = 30
	RA256ID    uint8 = 129
	RAne256ID  uint8 = 130
)

// Session is a client on its way in.
type Session struct {
	*stream.Conn
	Addr     string    // the client's host
	Throttle *Throttle // nil: nobody counts

	// What a Type finds out.
	User     string
	Name     string // of the client's certificate
	ViewOnly bool
}

// Type is one security type.
type Type interface {
	// ID is the number by which clients choose it.
	ID() uint8
	// Check talks to the client, up to but without the SecurityResult. An error refuses the client; if it is a Refusal, the
	// client is told why.
	Check(s *Session) error
}

// Refusal is a reason that a client may know.
type Refusal string

// Error implements error.
func (r Refusal) Error() string { return string(r) }

// wrong is all that a client hears about a secret that is not the right one.
const wrong = Refusal("authentication failed")

// Checker knows who may come in by name and password. It takes as long for a name that it does not know.
type Checker interface {
	Login(user, password string) (viewOnly bool, err error)
}

// try has a secret looked at, as a failure in the eyes of the throttle until it is found right: so that many attempts at once
// are as many.
func (s *Session) try(look func() (viewOnly bool, err error)) error {
	if err := s.Throttle.begin(s.Addr); err != nil {
		return err
	}
	viewOnly, err := look()
	if err != nil {
		return err
	}
	s.Throttle.succeed(s.Addr)
	s.ViewOnly = viewOnly
	return nil
}

// login is try for a name and a password.
func (s *Session) login(c Checker, user, password string) error {
	err := s.try(func() (bool, error) { return c.Login(user, password) })
	if err == nil {
		s.User = user
	}
	return err
}

// text reads n bytes, where n was told by the client.
func (s *Session) text(n, most int) (string, error) {
	if n > most {
		return "", fmt.Errorf("a name or password of %d bytes", n)
	}
	b, err := s.Take(n)
	return string(b), err
}

// None lets everybody in (7.2.1).
type None struct{}

// ID implements Type.
func (None) ID() uint8 { return NoneID }

// Check implements Type.
func (None) Check(*Session) error { return nil }
