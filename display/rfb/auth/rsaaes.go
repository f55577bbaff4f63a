package auth

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"io"
	"math/big"
	"net"
	"slices"
	"sync"
)

// RSAAES is a family of security types (rfbproto.rst, RSA-AES): RSA keys of both sides agree on keys for AES in EAX mode, under
// which the client sends its password, and with RA2 and RA256 all that follows. The client shows its user the server's
// fingerprint, for want of a certificate.
type RSAAES struct {
	Number  uint8 // RA2ID, RA2neID, RA256ID or RAne256ID
	Key     *Key
	Checker Checker
	Users   bool // ask for a name, too
}

// ID implements Type.
func (r RSAAES) ID() uint8 { return r.Number }

// Key is a server's RSA key, made when first needed.
type Key struct {
	once sync.Once
	key  *rsa.PrivateKey
	err  error
}

const (
	ourKeyBits = 2048
	minKeyBits = 1024
	maxKeyBits = 8192
)

func (k *Key) get() (*rsa.PrivateKey, error) {
	k.once.Do(func() { k.key, k.err = rsa.GenerateKey(rand.Reader, ourKeyBits) })
	return k.key, k.err
}

// hash is SHA-1, or SHA-256 for the types of 256 bits. SHA-1 serves to derive keys and to tie the public keys to them, under a
// tag of AES-EAX; the protocol leaves no choice.
func (r RSAAES) hash(parts ...[]byte) []byte {
	all := slices.Concat(parts...)
	if r.Number == RA256ID || r.Number == RAne256ID {
		h := sha256.Sum256(all)
		return h[:]
	}
	h := sha1.Sum(all)
	return h[:]
}

// keyLen is the length of the AES keys, and of the random numbers.
func (r RSAAES) keyLen() int {
	if r.Number == RA256ID || r.Number == RAne256ID {
		return 32
	}
	return 16
}

// Check implements Type.
func (r RSAAES) Check(s *Session) error {
	key, err := r.Key.get()
	if err != nil {
		return err
	}
	c, err := r.agree(s, key)
	if err != nil {
		return err
	}
	user, password, err := r.credentials(c)
	if err != nil {
		return err
	}
	if r.Number == RA2ID || r.Number == RA256ID {
		// The SecurityResult and all else goes through it, refusals too.
		err := s.Layer(func(below net.Conn) (net.Conn, error) {
			c.Conn, c.r, c.w = below, below, below
			return c, nil
		})
		if err != nil {
			return err
		}
	}
	return s.login(r.Checker, user, password)
}

// agree exchanges public keys and random numbers, and makes sure that both sides mean the same.
func (r RSAAES) agree(s *Session, key *rsa.PrivateKey) (*sealed, error) {
	ours := appendPublic(nil, &key.PublicKey)
	if _, err := s.Write(ours); err != nil {
		return nil, err
	}
	client, theirs, err := readPublic(s)
	if err != nil {
		return nil, err
	}
	n := r.keyLen()
	mine := make([]byte, n)
	if _, err := rand.Read(mine); err != nil {
		return nil, err
	}
	//lint:ignore SA1019 the protocol has no other padding
	secret, err := rsa.EncryptPKCS1v15(rand.Reader, client, mine)
	if err != nil {
		return nil, fmt.Errorf("the client's RSA key: %w", err)
	}
	if _, err := s.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(secret))), secret...)); err != nil {
		return nil, err
	}
	length, err := s.U16()
	if err != nil {
		return nil, err
	}
	if int(length) != key.Size() {
		return nil, fmt.Errorf("a random number in %d bytes, under a key of %d", length, key.Size())
	}
	secret, err = s.Take(int(length))
	if err != nil {
		return nil, err
	}
	// What cannot be decrypted leaves a number that nobody knows: there is nothing to tell padding errors by.
	his := make([]byte, n)
	if _, err := rand.Read(his); err != nil {
		return nil, err
	}
	//lint:ignore SA1019 the protocol has no other padding
	if err := rsa.DecryptPKCS1v15SessionKey(nil, key, secret, his); err != nil {
		return nil, err
	}
	c := &sealed{r: s, w: s}
	if c.in, err = newEAX(r.hash(mine, his)[:n]); err != nil {
		return nil, err
	}
	if c.out, err = newEAX(r.hash(his, mine)[:n]); err != nil {
		return nil, err
	}
	if _, err := c.Write(r.hash(ours, theirs)); err != nil {
		return nil, err
	}
	want := r.hash(theirs, ours)
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare(want, got) != 1 {
		return nil, errForged
	}
	return c, nil
}

// credentials asks for a password, and perhaps a name.
func (r RSAAES) credentials(c *sealed) (user, password string, err error) {
	ask := byte(2)
	if r.Users {
		ask = 1
	}
	if _, err := c.Write([]byte{ask}); err != nil {
		return "", "", err
	}
	for _, to := range []*string{&user, &password} {
		var n [1]byte
		if _, err := io.ReadFull(c, n[:]); err != nil {
			return "", "", err
		}
		b := make([]byte, n[0])
		if _, err := io.ReadFull(c, b); err != nil {
			return "", "", err
		}
		*to = string(b)
	}
	return user, password, nil
}

// appendPublic writes a key as its length in bits, the modulus, and the exponent in as many bytes.
func appendPublic(b []byte, k *rsa.PublicKey) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(k.N.BitLen()))
	b = append(b, k.N.FillBytes(make([]byte, k.Size()))...)
	return append(b, big.NewInt(int64(k.E)).FillBytes(make([]byte, k.Size()))...)
}

// readPublic reads the client's key, and returns what was read, too.
func readPublic(s *Session) (*rsa.PublicKey, []byte, error) {
	b, err := s.Take(4)
	if err != nil {
		return nil, nil, err
	}
	all := slices.Clone(b)
	n := binary.BigEndian.Uint32(b)
	if n < minKeyBits || n > maxKeyBits {
		return nil, nil, fmt.Errorf("an RSA key of %d bits", n)
	}
	var parts [2]*big.Int
	for i := range parts {
		b, err := s.Take(int(n+7) / 8)
		if err != nil {
			return nil, nil, err
		}
		all = append(all, b...)
		parts[i] = new(big.Int).SetBytes(b)
	}
	if e := parts[1]; e.BitLen() > 31 || parts[0].BitLen() < minKeyBits {
		return nil, nil, fmt.Errorf("an RSA key of %d bits with an exponent of %d", parts[0].BitLen(), e.BitLen())
	}
	return &rsa.PublicKey{N: parts[0], E: int(parts[1].Int64())}, all, nil
}
