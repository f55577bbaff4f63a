package auth

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Credentials is a folder with a server's certificate, as QEMU's tls-creds-x509 has it: server-cert.pem, server-key.pem, and
// ca-cert.pem if clients have to show certificates, too.
type Credentials struct {
	Dir        string
	VerifyPeer bool
	// Authorize says whether the client with a certificate of this name may come in; nil: every one whose certificate is good.
	// Names are as RFC 4514 writes them: CN=…,O=…,C=….
	Authorize func(name string) bool
}

// TLS reads the folder, and again for every connection, so that a renewed certificate needs no restart.
func (c Credentials) TLS() (*tls.Config, error) {
	first, err := c.read()
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion:   tls.VersionTLS12,
		Certificates: first.Certificates,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			now, err := c.read()
			if err != nil { // half renewed: the old one is still good
				return first, nil
			}
			return now, nil
		},
	}, nil
}

// authorize looks at the name in a client's certificate, which was found good.
func (c Credentials) authorize(s tls.ConnectionState) error {
	if name := PeerName(s); c.Authorize != nil && !c.Authorize(name) {
		return fmt.Errorf("the certificate of %s is not one of those that may come in", name)
	}
	return nil
}

// PeerName is the name in the client's certificate; "": it showed none.
func PeerName(s tls.ConnectionState) string {
	if len(s.PeerCertificates) == 0 {
		return ""
	}
	var name pkix.RDNSequence
	if rest, err := asn1.Unmarshal(s.PeerCertificates[0].RawSubject, &name); err != nil || len(rest) > 0 {
		return ""
	}
	return name.String()
}

func (c Credentials) read() (*tls.Config, error) {
	cert, err := tls.LoadX509KeyPair(filepath.Join(c.Dir, "server-cert.pem"), filepath.Join(c.Dir, "server-key.pem"))
	if err != nil {
		return nil, fmt.Errorf("tls-creds-x509: %w", err)
	}
	t := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}}
	if !c.VerifyPeer {
		return t, nil
	}
	pem, err := os.ReadFile(filepath.Join(c.Dir, "ca-cert.pem"))
	if err != nil {
		return nil, fmt.Errorf("tls-creds-x509: verify-peer=on: %w", err)
	}
	t.ClientCAs, t.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
	t.VerifyConnection = c.authorize
	if !t.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, errors.New("tls-creds-x509: ca-cert.pem holds no certificate")
	}
	return t, nil
}
