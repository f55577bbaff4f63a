// Package auth holds RFB's security types (RFC 6143, section 7.2): each a way in which a client shows that it may come in. So
// far there is None.
package auth

import "govm-desktop/display/rfb/stream"

// Numbers of the security types.
const (
	InvalidID uint8 = 0
	NoneID    uint8 = 1
)

// Type is one security type.
type Type interface {
	// ID is the number by which clients choose it.
	ID() uint8
	// Check talks to the client, up to but without the SecurityResult. An error refuses the client; if it is a Refusal, the
	// client is told why.
	Check(c *stream.Conn) error
}

// Refusal is a reason that a client may know.
type Refusal string

// Error implements error.
func (r Refusal) Error() string { return string(r) }

// None lets everybody in (7.2.1).
type None struct{}

// ID implements Type.
func (None) ID() uint8 { return NoneID }

// Check implements Type.
func (None) Check(*stream.Conn) error { return nil }
