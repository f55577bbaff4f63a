package auth

import (
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
)

// saslClient chooses a mechanism, and sends its data at once or in a step of their own.
func saslClient(mechanism string, once bool, data string) func(net.Conn) (io.Reader, error) {
	return func(nc net.Conn) (io.Reader, error) {
		offer := make([]byte, 9)
		if _, err := io.ReadFull(nc, offer); err != nil || string(offer) != "\x00\x00\x00\x05PLAIN" {
			return nil, fmt.Errorf("the server offers %q, %v", offer, err)
		}
		b := append(binary.BigEndian.AppendUint32(nil, uint32(len(mechanism))), mechanism...)
		more := append(binary.BigEndian.AppendUint32(nil, uint32(len(data))), data...)
		if once {
			b = append(b, more...)
		} else {
			b = append(b, 0, 0, 0, 0)
		}
		if _, err := nc.Write(b); err != nil {
			return nil, err
		}
		step := make([]byte, 5)
		if !once {
			if _, err := io.ReadFull(nc, step); err != nil || string(step) != "\x00\x00\x00\x00\x00" {
				return nil, fmt.Errorf("a step of %x, %v", step, err)
			}
			if _, err := nc.Write(more); err != nil {
				return nil, err
			}
		}
		if mechanism != "PLAIN" || strings.Count(strings.TrimSuffix(data, "\x00"), "\x00") != 2 {
			return nc, nil
		}
		_, err := io.ReadFull(nc, step)
		return nc, err
	}
}

func TestSASL(t *testing.T) {
	dir, roots := certificate(t)
	cfg, err := Credentials{Dir: dir}.TLS()
	if err != nil {
		t.Fatal(err)
	}
	v := VeNCrypt{cfg, []Subtype{X509SASL(password("secret", "look"))}}
	for _, c := range []struct {
		mechanism, data string
		once            bool
		want            string
	}{
		{"PLAIN", "\x00ann\x00secret\x00", true, ""},
		{"PLAIN", "\x00ann\x00secret", false, ""},
		{"PLAIN", "ann\x00ann\x00secret\x00", true, ""},
		{"PLAIN", "\x00ann\x00secreT\x00", true, "authentication failed"},
		{"PLAIN", "root\x00ann\x00secret\x00", true, "for another"},
		{"PLAIN", "secret", true, "without a name"},
		{"ANONYMOUS", "", true, "was not offered"},
		{strings.Repeat("X", 200), "", true, "of 200 bytes"},
	} {
		s, err := dialogue(t, v, nil, vencryptClient(X509SASLID, roots, saslClient(c.mechanism, c.once, c.data)))
		if c.want == "" && (err != nil || s.User != "ann") || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%q %q: %v, user %q", c.mechanism, c.data, err, s.User)
		}
	}
}

// TestCredentials_authorize asks clients for certificates, and takes one.
func TestCredentials_authorize(t *testing.T) {
	dir, roots := certificate(t)
	mine, err := tls.LoadX509KeyPair(dir+"/server-cert.pem", dir+"/server-key.pem")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		identity string
		show     bool
		want     string
	}{{"CN=ann,O=Home", true, ""}, {"CN=eve,O=Home", true, "may come in"}, {"", true, "may come in"}, {"CN=ann,O=Home", false, "certificate"}} {
		cfg, err := Credentials{Dir: dir, VerifyPeer: true, Authorize: func(name string) bool { return name == c.identity }}.TLS()
		if err != nil {
			t.Fatal(err)
		}
		ours, theirs := net.Pipe()
		failed := make(chan error, 1)
		go func() {
			s := tls.Server(ours, cfg)
			err := s.Handshake()
			if err == nil && PeerName(s.ConnectionState()) != "CN=ann,O=Home" {
				err = fmt.Errorf("the name is %q", PeerName(s.ConnectionState()))
			}
			ours.Close()
			failed <- err
		}()
		client := &tls.Config{RootCAs: roots, ServerName: "localhost"}
		if c.show {
			client.Certificates = []tls.Certificate{mine}
		}
		nc := tls.Client(theirs, client)
		_ = nc.Handshake() // the server says no afterwards
		_, _ = io.Copy(io.Discard, nc)
		if err := <-failed; c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%+v: %v", c, err)
		}
		theirs.Close()
	}
}
