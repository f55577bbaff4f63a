package main

import (
	"encoding/base64"
	"os"
	"strings"

	"govm-desktop/display/rfb/auth"
)

// objects are what -object makes, by id.
type objects struct {
	secrets map[string]string
	creds   map[string]auth.Credentials
}

// object reads secret,id=,data=|file=[,format=raw|base64] and tls-creds-x509,id=,dir=[,endpoint=server][,verify-peer=on|off].
func (s *settings) object(option, arg string) error {
	k := parseKeyval(option, arg, "qom-type")
	kind, id := k.str("qom-type", ""), k.str("id", "")
	if id == "" {
		return k.fail("an id= has to name it")
	}
	_, isSecret := s.objects.secrets[id]
	_, isCreds := s.objects.creds[id]
	if isSecret || isCreds {
		return k.fail("there is an object %q already", id)
	}
	switch kind {
	case "secret":
		return s.secret(k, id)
	case "tls-creds-x509":
		return s.credentials(k, id)
	}
	return k.fail("secret and tls-creds-x509 are there")
}

func (s *settings) secret(k *keyval, id string) error {
	data, hasData := k.get("data")
	file, hasFile := k.get("file")
	if hasData == hasFile {
		return k.fail("data= or file= says what the secret is")
	}
	if hasFile {
		b, err := os.ReadFile(file)
		if err != nil {
			return k.fail("%v", err)
		}
		data = string(b)
	}
	switch format := k.str("format", "raw"); format {
	case "raw":
	case "base64":
		b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(data))
		if err != nil {
			return k.fail("%v", err)
		}
		data = string(b)
	default:
		return k.fail("format=%s: raw or base64 belongs there", format)
	}
	if s.objects.secrets == nil {
		s.objects.secrets = map[string]string{}
	}
	s.objects.secrets[id] = data
	return k.rest()
}

func (s *settings) credentials(k *keyval, id string) error {
	c := auth.Credentials{Dir: k.str("dir", "")}
	if c.Dir == "" {
		return k.fail("dir= names the folder with server-cert.pem and server-key.pem")
	}
	if e := k.str("endpoint", "server"); e != "server" {
		return k.fail("endpoint=%s: server is there", e)
	}
	var err error
	if c.VerifyPeer, err = k.onOff("verify-peer", false); err != nil {
		return err
	}
	if s.objects.creds == nil {
		s.objects.creds = map[string]auth.Credentials{}
	}
	s.objects.creds[id] = c
	return k.rest()
}
