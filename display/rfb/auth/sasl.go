package auth

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// X509SASLID is QEMU's and gtk-vnc's number of the VeNCrypt subtype; the protocol's document has it for the one without certificates.
const X509SASLID uint32 = 263

// Bounds of what clients send.
const (
	maxMechanism = 100
	maxSASL      = 1024
)

// X509SASL is a certificate and SASL's mechanism PLAIN (RFC 4616), which is as safe as the TLS around it.
func X509SASL(c Checker) Subtype {
	return Subtype{X509SASLID, func(s *Session) error { return sasl(s, c) }}
}

// sasl is RFB's way to carry SASL (rfbproto.rst): the mechanisms, the client's choice with its first data or without, and data to and fro.
func sasl(s *Session, c Checker) error {
	const mechanism = "PLAIN"
	if _, err := s.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(mechanism))), mechanism...)); err != nil {
		return err
	}
	chosen, err := s.saslData(maxMechanism)
	if err != nil {
		return err
	}
	if chosen != mechanism {
		return fmt.Errorf("SASL's mechanism %q was not offered", chosen)
	}
	data, err := s.saslData(maxSASL)
	if err != nil {
		return err
	}
	if data == "" { // the mechanism's data come in a step of their own
		if _, err := s.Write([]byte{0, 0, 0, 0, 0}); err != nil { // no data, not complete
			return err
		}
		if data, err = s.saslData(maxSASL); err != nil {
			return err
		}
	}
	// What stands for whom to act, who it is, and the password; a NUL at the end says that there are data at all.
	parts := strings.Split(strings.TrimSuffix(data, "\x00"), "\x00")
	if len(parts) != 3 {
		return errors.New("SASL PLAIN without a name and a password")
	}
	if _, err := s.Write([]byte{0, 0, 0, 0, 1}); err != nil { // complete; the SecurityResult says how
		return err
	}
	if parts[0] != "" && parts[0] != parts[1] {
		return Refusal("nobody may act for another here")
	}
	return s.login(c, parts[1], parts[2])
}

func (s *Session) saslData(most int) (string, error) {
	n, err := s.U32()
	if err != nil {
		return "", err
	}
	return s.text(int(min(n, 1<<30)), most)
}
