package auth

import (
	"crypto/des"
	"crypto/rand"
	"crypto/subtle"
	"math/bits"
)

// VncAuth is VNC Authentication (7.2.2): the client encrypts a challenge with a password of up to eight characters. It is weak;
// every client has it.
type VncAuth struct{ Password *Password }

// ID implements Type.
func (VncAuth) ID() uint8 { return VncAuthID }

const challengeLen = 16

// Check implements Type.
func (v VncAuth) Check(s *Session) error {
	var challenge [challengeLen]byte
	if _, err := rand.Read(challenge[:]); err != nil {
		return err
	}
	if _, err := s.Write(challenge[:]); err != nil {
		return err
	}
	answer, err := s.Take(challengeLen)
	if err != nil {
		return err
	}
	return s.try(func() (bool, error) {
		return v.Password.match(func(password string) bool {
			want := respond(challenge, password)
			return subtle.ConstantTimeCompare(want[:], answer) == 1
		})
	})
}

// respond encrypts a challenge. The key is the first eight bytes of the password, the bits of each in the reverse order.
func respond(challenge [challengeLen]byte, password string) (out [challengeLen]byte) {
	var key [des.BlockSize]byte
	copy(key[:], password)
	for i := range key {
		key[i] = bits.Reverse8(key[i])
	}
	c, _ := des.NewCipher(key[:]) // the length is right
	for i := 0; i < challengeLen; i += des.BlockSize {
		c.Encrypt(out[i:], challenge[i:])
	}
	return out
}

// Obfuscate is a password as viewers keep it in their password files: encrypted with a key that everybody knows.
func Obfuscate(password string) []byte {
	var b [des.BlockSize]byte
	copy(b[:], password)
	key := [des.BlockSize]byte{23, 82, 107, 6, 35, 78, 88, 7}
	for i := range key {
		key[i] = bits.Reverse8(key[i])
	}
	c, _ := des.NewCipher(key[:]) // the length is right
	c.Encrypt(b[:], b[:])
	return b[:]
}
