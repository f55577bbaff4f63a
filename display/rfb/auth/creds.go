package auth

import (
	"crypto/tls"
	"crypto/x509"
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
	if !t.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, errors.New("tls-creds-x509: ca-cert.pem holds no certificate")
	}
	return t, nil
}
