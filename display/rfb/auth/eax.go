package auth

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"errors"
)

// eax is AES in EAX mode (Bellare, Rogaway, Wagner: The EAX Mode of Operation, 2004): encryption with a tag over the nonce, a
// header and the text.
type eax struct {
	block  cipher.Block
	k1, k2 [aes.BlockSize]byte // OMAC's subkeys (RFC 4493)
}

type tag = [aes.BlockSize]byte

func newEAX(key []byte) (*eax, error) {
	b, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	e := &eax{block: b}
	var l tag
	b.Encrypt(l[:], l[:])
	e.k1 = double(l)
	e.k2 = double(e.k1)
	return e, nil
}

// double multiplies by x in GF(2^128).
func double(in tag) (out tag) {
	for i := range in {
		out[i] = in[i] << 1
		if i+1 < len(in) {
			out[i] |= in[i+1] >> 7
		}
	}
	out[len(out)-1] ^= 0x87 & -(in[0] >> 7)
	return out
}

// omac is the tag of a message that starts with a block for its purpose.
func (e *eax) omac(purpose byte, msg []byte) (t tag) {
	t[len(t)-1] = purpose
	last := &e.k1
	if len(msg) > 0 {
		e.block.Encrypt(t[:], t[:])
	}
	for len(msg) > aes.BlockSize {
		subtle.XORBytes(t[:], t[:], msg[:aes.BlockSize])
		e.block.Encrypt(t[:], t[:])
		msg = msg[aes.BlockSize:]
	}
	subtle.XORBytes(t[:], t[:], msg)
	if 0 < len(msg) && len(msg) < aes.BlockSize {
		t[len(msg)] ^= 0x80
		last = &e.k2
	}
	subtle.XORBytes(t[:], t[:], last[:])
	e.block.Encrypt(t[:], t[:])
	return t
}

// seal encrypts in place and appends the tag.
func (e *eax) seal(nonce tag, header, text []byte) []byte {
	n, h := e.omac(0, nonce[:]), e.omac(1, header)
	cipher.NewCTR(e.block, n[:]).XORKeyStream(text, text)
	t := e.omac(2, text)
	for i := range t {
		t[i] ^= n[i] ^ h[i]
	}
	return append(text, t[:]...)
}

var errForged = errors.New("a message was changed on its way")

// open decrypts in place what seal made.
func (e *eax) open(nonce tag, header, sealed []byte) ([]byte, error) {
	if len(sealed) < aes.BlockSize {
		return nil, errForged
	}
	text, got := sealed[:len(sealed)-aes.BlockSize], sealed[len(sealed)-aes.BlockSize:]
	n, h, t := e.omac(0, nonce[:]), e.omac(1, header), e.omac(2, text)
	for i := range t {
		t[i] ^= n[i] ^ h[i]
	}
	if subtle.ConstantTimeCompare(t[:], got) != 1 {
		return nil, errForged
	}
	cipher.NewCTR(e.block, n[:]).XORKeyStream(text, text)
	return text, nil
}
