package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"govm-desktop/display/rfb"
	"govm-desktop/display/rfb/auth"
)

func TestObject(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pw")
	if err := os.WriteFile(file, []byte("from a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := parse([]string{"-object", "secret,id=a,data=x,,y", "-object", "secret,id=b,file=" + file, "-object", "secret,id=c,data=YWJj,format=base64",
		"-object", "tls-creds-x509,id=t,dir=/pki,endpoint=server,verify-peer=on"})
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]string{"a": "x,y", "b": "from a file", "c": "abc"} {
		if got := s.objects.secrets[id]; got != want {
			t.Errorf("%s is %q", id, got)
		}
	}
	if c := s.objects.creds["t"]; c.Dir != "/pki" || !c.VerifyPeer {
		t.Errorf("%+v", c)
	}
	for arg, want := range map[string]string{
		"secret,data=x":                        "an id=",
		"secret,id=a":                          "data= or file=",
		"secret,id=a,data=x,file=y":            "data= or file=",
		"secret,id=a,file=/nonexistent":        "no such file",
		"secret,id=a,data=!,format=base64":     "illegal base64",
		"secret,id=a,data=x,keyid=k":           "unknown property",
		"tls-creds-x509,id=a":                  "dir=",
		"tls-creds-x509,id=a,dir=x,endpoint=c": "server is there",
		"rng-random,id=a":                      `unknown object "rng-random"`,
	} {
		if _, err := parse([]string{"-object", arg}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", arg, err)
		}
	}
	if _, err := parse([]string{"-object", "secret,id=a,data=x", "-object", "secret,id=a,data=y"}); err == nil {
		t.Error("two objects of one name")
	}
}

// TestVNC_security looks at which security types come of which options.
func TestVNC_security(t *testing.T) {
	for arg, want := range map[string]string{
		":0":                                 "none",
		":0,password=on":                     "ra2_256+ra2+ra2ne_256+ra2ne+apple-dh+vnc",
		":0,password-secret=s":               "ra2_256+ra2+ra2ne_256+ra2ne+apple-dh+vnc",
		":0,tls-creds=t":                     "vencrypt",
		":0,tls-creds=t,password-secret=s":   "vencrypt",
		":0,password-secret=s,tls-creds=old": "there is no -object tls-creds-x509,id=old",
		":0,password-secret=x":               "there is no -object secret,id=x",
		":0,users=/nonexistent":              "no such file",
	} {
		p := &program{s: &settings{objects: objects{secrets: map[string]string{"s": "geheim"}, creds: map[string]auth.Credentials{"t": {}}}}}
		spec, err := rfb.ParseSpec(arg)
		if err != nil {
			t.Fatal(err)
		}
		v := &vncServer{spec: spec, password: &auth.Password{}}
		if spec.TLSCreds != "t" { // which would need files
			_, err = p.secure(v)
		}
		got := ""
		if err == nil {
			var types []auth.Type
			if types, err = spec.Security(v.password, nil); err == nil {
				got = authNames(types)
			}
		}
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, want) || err == nil && got != want {
			t.Errorf("%s: %q, want %q", arg, got, want)
		}
		if err == nil && v.spec.PasswordSecret == "s" && spec.TLSCreds == "" && !v.password.IsSet() {
			t.Errorf("%s: the password is not set", arg)
		}
	}
}
