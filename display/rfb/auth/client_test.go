package auth

import (
	"bytes"
	"crypto/aes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/md5"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"govm-desktop/display/rfb/stream"
)

// dialogue has a client and a Type talk over a pipe, and returns the session and what Check said. What Check let in is sent a
// word, which the client must read.
func dialogue(t *testing.T, typ Type, throttle *Throttle, client func(nc net.Conn) (io.Reader, error)) (*Session, error) {
	t.Helper()
	ours, theirs := net.Pipe()
	defer ours.Close()
	defer theirs.Close()
	for _, c := range []net.Conn{ours, theirs} {
		if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	done := make(chan error, 1)
	go func() {
		r, err := client(theirs)
		if err == nil {
			var b [5]byte
			if _, err = io.ReadFull(r, b[:]); err == nil && string(b[:]) != "hello" {
				err = errors.New("read " + string(b[:]))
			}
		}
		theirs.Close()
		done <- err
	}()
	s := &Session{Conn: stream.New(ours, 20*time.Second), Addr: "192.0.2.1", Throttle: throttle}
	err := typ.Check(s)
	if err == nil {
		if _, err := s.Write([]byte("hello")); err != nil {
			t.Error(err)
		}
	}
	ours.Close()
	if cerr := <-done; cerr != nil && err == nil {
		t.Errorf("the client: %v", cerr)
	}
	return s, err
}

// vncClient answers a challenge.
func vncClient(password string) func(net.Conn) (io.Reader, error) {
	return func(nc net.Conn) (io.Reader, error) {
		var c [16]byte
		if _, err := io.ReadFull(nc, c[:]); err != nil {
			return nil, err
		}
		a := respond(c, password)
		_, err := nc.Write(a[:])
		return nc, err
	}
}

// vencryptClient chooses a subtype and starts TLS.
func vencryptClient(subtype uint32, roots *x509.CertPool, inside func(net.Conn) (io.Reader, error)) func(net.Conn) (io.Reader, error) {
	return func(nc net.Conn) (io.Reader, error) {
		b := make([]byte, 64)
		if _, err := io.ReadFull(nc, b[:2]); err != nil {
			return nil, err
		}
		nc.Write([]byte{0, 2})
		if _, err := io.ReadFull(nc, b[:2]); err != nil {
			return nil, err
		}
		if _, err := io.ReadFull(nc, b[:4*b[1]]); err != nil {
			return nil, err
		}
		nc.Write(binary.BigEndian.AppendUint32(nil, subtype))
		if _, err := io.ReadFull(nc, b[:1]); err != nil || b[0] != 1 {
			return nil, errors.New("the subtype was refused")
		}
		c := tls.Client(nc, &tls.Config{RootCAs: roots, ServerName: "localhost"})
		if err := c.Handshake(); err != nil {
			return nil, err
		}
		return inside(c)
	}
}

func plainClient(user, password string) func(net.Conn) (io.Reader, error) {
	return func(nc net.Conn) (io.Reader, error) {
		b := binary.BigEndian.AppendUint32(nil, uint32(len(user)))
		b = binary.BigEndian.AppendUint32(b, uint32(len(password)))
		_, err := nc.Write(append(append(b, user...), password...))
		return nc, err
	}
}

// rsaClient is the other side of RSA-AES, written after the specification.
func rsaClient(number uint8, user, password string) func(net.Conn) (io.Reader, error) {
	return func(nc net.Conn) (io.Reader, error) {
		long, goesOn := number >= RA256ID, number == RA2ID || number == RA256ID
		n, hash := 16, func(b []byte) []byte { h := sha1.Sum(b); return h[:] }
		if long {
			n, hash = 32, func(b []byte) []byte { h := sha256.Sum256(b); return h[:] }
		}
		key, err := rsa.GenerateKey(rand.Reader, 1024)
		if err != nil {
			return nil, err
		}
		var head [4]byte
		if _, err := io.ReadFull(nc, head[:]); err != nil {
			return nil, err
		}
		size := int(binary.BigEndian.Uint32(head[:])+7) / 8
		pub := make([]byte, 2*size)
		if _, err := io.ReadFull(nc, pub); err != nil {
			return nil, err
		}
		server := append(head[:], pub...)
		own := binary.BigEndian.AppendUint32(nil, 1024)
		own = append(own, key.N.FillBytes(make([]byte, 128))...)
		own = append(own, big.NewInt(int64(key.E)).FillBytes(make([]byte, 128))...)
		nc.Write(own)
		secret := make([]byte, 2+128)
		if _, err := io.ReadFull(nc, secret); err != nil {
			return nil, err
		}
		//lint:ignore SA1019 the protocol has no other padding
		serverRandom, err := rsa.DecryptPKCS1v15(nil, key, secret[2:])
		if err != nil || len(serverRandom) != n {
			return nil, errors.New("a bad random number")
		}
		clientRandom := bytes.Repeat([]byte{7}, n)
		e := int(new(big.Int).SetBytes(pub[size:]).Int64())
		//lint:ignore SA1019 the protocol has no other padding
		out, err := rsa.EncryptPKCS1v15(rand.Reader, &rsa.PublicKey{N: new(big.Int).SetBytes(pub[:size]), E: e}, clientRandom)
		if err != nil {
			return nil, err
		}
		nc.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(out))), out...))
		c := &sealed{r: nc, w: nc}
		c.out, _ = newEAX(hash(append(bytes.Clone(serverRandom), clientRandom...))[:n])
		c.in, _ = newEAX(hash(append(bytes.Clone(clientRandom), serverRandom...))[:n])
		got := make([]byte, len(hash(nil)))
		if _, err := io.ReadFull(c, got); err != nil {
			return nil, err
		}
		if !bytes.Equal(got, hash(append(bytes.Clone(server), own...))) {
			return nil, errors.New("another hash of the keys")
		}
		c.Write(hash(append(bytes.Clone(own), server...)))
		var kind [1]byte
		if _, err := io.ReadFull(c, kind[:]); err != nil {
			return nil, err
		}
		if kind[0] == 2 && user != "" {
			return nil, errors.New("no name was asked for")
		}
		msg := append([]byte{byte(len(user))}, user...)
		c.Write(append(append(msg, byte(len(password))), password...))
		if goesOn {
			return c, nil
		}
		return nc, nil
	}
}

// appleClient is the other side of Apple's DH.
func appleClient(user, password string) func(net.Conn) (io.Reader, error) {
	return func(nc net.Conn) (io.Reader, error) {
		b := make([]byte, 4)
		if _, err := io.ReadFull(nc, b); err != nil {
			return nil, err
		}
		n := int(binary.BigEndian.Uint16(b[2:]))
		rest := make([]byte, 2*n)
		if _, err := io.ReadFull(nc, rest); err != nil {
			return nil, err
		}
		g, p, theirs := big.NewInt(int64(b[1])), new(big.Int).SetBytes(rest[:n]), new(big.Int).SetBytes(rest[n:])
		private := big.NewInt(0x123456789abcdef)
		key := md5.Sum(new(big.Int).Exp(theirs, private, p).FillBytes(make([]byte, n)))
		text := make([]byte, 128)
		copy(text, user)
		copy(text[64:], password)
		c, _ := aes.NewCipher(key[:])
		for i := 0; i < 128; i += 16 {
			c.Encrypt(text[i:], text[i:])
		}
		_, err := nc.Write(append(text, new(big.Int).Exp(g, private, p).FillBytes(make([]byte, n))...))
		return nc, err
	}
}

// certificate makes a folder as tls-creds-x509 wants it.
func certificate(t *testing.T) (dir string, roots *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ann", Organization: []string{"Home"}}, NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	kb, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	for name, b := range map[string]*pem.Block{"server-cert.pem": {Type: "CERTIFICATE", Bytes: der}, "ca-cert.pem": {Type: "CERTIFICATE", Bytes: der}, "server-key.pem": {Type: "PRIVATE KEY", Bytes: kb}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	roots = x509.NewCertPool()
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots.AddCert(cert)
	return dir, roots
}
