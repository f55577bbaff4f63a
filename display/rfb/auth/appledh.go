package auth

import (
	"bytes"
	"crypto/aes"
	"crypto/md5"
	"crypto/rand"
	"math/big"
)

// AppleDH is the security type 30, of Apple's Remote Desktop and of macOS's Screen Sharing: name and password, encrypted with
// a key from a Diffie-Hellman exchange. What follows is not encrypted.
type AppleDH struct{ Checker Checker }

// ID implements Type.
func (AppleDH) ID() uint8 { return AppleDHID }

const (
	dhLen       = 256 // bytes of the modulus
	dhGenerator = 2
	fieldLen    = 64 // of the name, and of the password
)

// group14 is the 2048-bit MODP group (RFC 3526, section 3).
const group14 = "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B" +
	"302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3D" +
	"C2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C" +
	"32905E462E36CE3BE39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA051015728E5A8AACAA68" +
	"FFFFFFFFFFFFFFFF"

// Check implements Type.
func (a AppleDH) Check(s *Session) error {
	p, _ := new(big.Int).SetString(group14, 16)
	var secret [dhLen]byte
	if _, err := rand.Read(secret[:]); err != nil {
		return err
	}
	private := new(big.Int).SetBytes(secret[:])
	public := new(big.Int).Exp(big.NewInt(dhGenerator), private, p)
	b := []byte{0, dhGenerator, dhLen >> 8, dhLen & 0xff}
	b = append(b, p.FillBytes(make([]byte, dhLen))...)
	b = append(b, public.FillBytes(make([]byte, dhLen))...)
	if _, err := s.Write(b); err != nil {
		return err
	}
	msg, err := s.Take(2*fieldLen + dhLen)
	if err != nil {
		return err
	}
	sealed := bytes.Clone(msg[:2*fieldLen])
	theirs := new(big.Int).SetBytes(msg[2*fieldLen:])
	top := new(big.Int).Sub(p, big.NewInt(1))
	if theirs.Cmp(big.NewInt(1)) <= 0 || theirs.Cmp(top) >= 0 {
		return wrong // anybody would know the key
	}
	shared := new(big.Int).Exp(theirs, private, p)
	key := md5.Sum(shared.FillBytes(make([]byte, dhLen)))
	c, err := aes.NewCipher(key[:])
	if err != nil {
		return err
	}
	for i := 0; i < len(sealed); i += aes.BlockSize {
		c.Decrypt(sealed[i:], sealed[i:])
	}
	return s.login(a.Checker, cString(sealed[:fieldLen]), cString(sealed[fieldLen:]))
}

func cString(b []byte) string {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}
