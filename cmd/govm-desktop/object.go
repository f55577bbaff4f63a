package main

import (
	"encoding/base64"
	"os"
	"strings"

	"govm-desktop/cmd/govm-desktop/options"
	"govm-desktop/display/rfb/auth"
)

// objects are what -object makes, by id.
type objects struct {
	secrets map[string]string
	creds   map[string]auth.Credentials
	authz   map[string]string // names in certificates
}

// object reads secret,id=,data=|file=[,format=raw|base64] and tls-creds-x509,id=,dir=[,endpoint=server][,verify-peer=on|off].
func (s *settings) object(k *options.Opts) error {
	kind, id := k.Str("qom-type", ""), k.Str("id", "")
	if id == "" {
		return k.Fail("an id= has to name it")
	}
	_, isSecret := s.objects.secrets[id]
	_, isCreds := s.objects.creds[id]
	_, isAuthz := s.objects.authz[id]
	if isSecret || isCreds || isAuthz {
		return k.Fail("there is an object %q already", id)
	}
	switch kind {
	case "secret":
		return s.secret(k, id)
	case "tls-creds-x509":
		return s.credentials(k, id)
	case "authz-simple":
		identity := k.Str("identity", "")
		if identity == "" {
			return k.Fail("identity= is the name in the certificate, as in CN=laptop,,O=Home (commas twice)")
		}
		if s.objects.authz == nil {
			s.objects.authz = map[string]string{}
		}
		s.objects.authz[id] = identity
		return nil
	}
	return k.Fail("secret, tls-creds-x509 and authz-simple are there")
}

func (s *settings) secret(k *options.Opts, id string) error {
	data, hasData := k.Get("data")
	file, hasFile := k.Get("file")
	if hasData == hasFile {
		return k.Fail("data= or file= says what the secret is")
	}
	if hasFile {
		b, err := os.ReadFile(file)
		if err != nil {
			return k.Fail("%v", err)
		}
		data = string(b)
	}
	switch format := k.Str("format", "raw"); format {
	case "raw":
	case "base64":
		b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(data))
		if err != nil {
			return k.Fail("%v", err)
		}
		data = string(b)
	default:
		return k.Fail("format=%s: raw or base64 belongs there", format)
	}
	if s.objects.secrets == nil {
		s.objects.secrets = map[string]string{}
	}
	s.objects.secrets[id] = data
	return k.Rest()
}

func (s *settings) credentials(k *options.Opts, id string) error {
	c := auth.Credentials{Dir: k.Str("dir", "")}
	if c.Dir == "" {
		return k.Fail("dir= names the folder with server-cert.pem and server-key.pem")
	}
	if e := k.Str("endpoint", "server"); e != "server" {
		return k.Fail("endpoint=%s: server is there", e)
	}
	var err error
	if c.VerifyPeer, err = k.Bool("verify-peer", false); err != nil {
		return err
	}
	if s.objects.creds == nil {
		s.objects.creds = map[string]auth.Credentials{}
	}
	s.objects.creds[id] = c
	return k.Rest()
}

func objectKinds() []options.Kind {
	return []options.Kind{
		{Name: "authz-simple", Help: "whose certificate is taken, for -vnc …,tls-authz=ID", Keys: []options.Key{{Name: "identity", Help: "the name in it"}}},
		{Name: "secret", Help: "a password", Keys: []options.Key{{Name: "data", Help: "the secret itself"}, {Name: "file", Type: options.File, Help: "a file with it"}, {Name: "format", Help: "raw or base64"}}},
		{Name: "tls-creds-x509", Help: "a certificate with its key", Keys: []options.Key{{Name: "dir", Type: options.File, Help: "the folder with server-cert.pem and server-key.pem"}, {Name: "endpoint", Help: "server"},
			{Name: "verify-peer", Type: options.Bool, Help: "clients need a certificate, too"}}},
	}
}
