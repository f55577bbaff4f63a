package rfb

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParseSpec(t *testing.T) {
	for arg, want := range map[string]Spec{
		"none":             {None: true},
		":1":               {Host: "127.0.0.1", Display: 1, To: 1},
		"0.0.0.0:0":        {Host: "0.0.0.0"},
		"[::1]:7":          {Host: "::1", Display: 7, To: 7},
		"localhost:3,to=9": {Host: "localhost", Display: 3, To: 9},
		"unix:/run/a:b":    {Path: "/run/a:b"},
		":1,ipv6":          {Host: "::1", Display: 1, To: 1, IPv6: true},
		":5500,reverse":    {Host: "127.0.0.1", Display: 5500, To: 5500, Reverse: true},
		":1,password,users=/u,lossy=off,non-adaptive,lock-key-sync=off,key-delay-ms=7,power-control=on": {Host: "127.0.0.1", Display: 1, To: 1,
			Password: true, Users: "/u", Lossless: true, NonAdaptive: true, NoLockSync: true, KeyDelay: 7e6, PowerControl: true},
		":1,password-secret=s,tls-creds=t,websocket=5800": {Host: "127.0.0.1", Display: 1, To: 1, PasswordSecret: "s", TLSCreds: "t", WebSocket: "5800"},
		":2,share=force-shared":                           {Host: "127.0.0.1", Display: 2, To: 2, Share: ForceShared},
		":2,share=ignore":                                 {Host: "127.0.0.1", Display: 2, To: 2, Share: IgnoreShare},
		":2,connections=5,to=2":                           {Host: "127.0.0.1", Display: 2, To: 2, Connections: 5},
		":2,share=allow-exclusive":                        {Host: "127.0.0.1", Display: 2, To: 2},
	} {
		if got, err := ParseSpec(arg); err != nil || got != want {
			t.Errorf("%s: %+v, %v", arg, got, err)
		}
	}
	for arg, want := range map[string]string{
		"":                              "neither host:display",
		"1":                             "neither host:display",
		"unix:":                         "needs the path",
		":x":                            "no display number",
		":-1":                           "no display number",
		":60000":                        "no display number",
		":1,to=0":                       "",
		":5,to=3":                       "below the display",
		":1,sasl":                       "takes tls-creds=",
		":1,sasl,tls-creds=t":           "takes tls-creds=",
		":1,tls-authz=a":                "certificates of clients",
		":1,acl":                        "acl is QEMU's and not here",
		":1,paßword":                    "there is no option",
		":1,share=me":                   "allow-exclusive, force-shared or ignore",
		":1,connections=never":          "how many",
		":1,head=1":                     "one head",
		":1,display=vga2":               "one video device",
		":1,key-delay-ms=x":             "0 to 1000",
		":1,keys=some":                  "auto, raw or keysym",
		":1,password=maybe":             "on or off",
		":1,password,password-secret=s": "two things",
		":1,view-only-password=s":       "needs a password",
		":0,reverse":                    "no port of a viewer",
		":1,tls-creds=":                 "needs a value",
		"host:":                         "no display number",
	} {
		if _, err := ParseSpec(arg); want != "" && err == nil || err != nil && want == "" || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", arg, err)
		}
	}
}

func TestListen_none(t *testing.T) {
	if l, err := Listen("none"); l != nil || err != nil {
		t.Error(l, err)
	}
}

func TestListen_inUse(t *testing.T) {
	l, err := Listen(":40100,to=40400")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	n := l.Addr().(*net.TCPAddr).Port - basePort
	if n < 40100 || !strings.Contains(Describe(l), "this machine only") {
		t.Error(Describe(l))
	}
	if _, err := Listen(fmt.Sprintf(":%d", n)); err == nil || !strings.Contains(err.Error(), ",to=") {
		t.Errorf("no remedy in %v", err)
	}
	if _, err := Listen(fmt.Sprintf(":%d,to=%d", n, n)); err == nil {
		t.Error("there are two listeners")
	}
	next, err := Listen(fmt.Sprintf(":%d,to=%d", n, n+200))
	if err != nil {
		t.Fatal(err)
	}
	next.Close()
	if _, err := Listen("192.0.2.1:1"); err == nil {
		t.Error("listening on another's address")
	}
}

func TestListen_open(t *testing.T) {
	l, err := Listen("0.0.0.0:40500,to=40800")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if got := Describe(l); !strings.Contains(got, "open to the network") {
		t.Error(got)
	}
}

func TestListen_unix(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := Listen("unix:" + path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Listen("unix:" + path); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Error(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false) // as if it had crashed
	l.Close()
	if l, err = Listen("unix:" + path); err != nil {
		t.Fatal(err)
	}
	l.Close()
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen("unix:" + path); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Error(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error("the file is gone: ", err)
	}
}
