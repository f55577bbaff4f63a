package rfb

import (
	"encoding/hex"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"govm-desktop/display/rfb/auth"
	"govm-desktop/display/rfb/rfbtest"
)

// talk plays a dialogue: lines of "<" and what the client sends, ">" and what it must get; "> EOF" is the end.
func talk(t *testing.T, addr, dialogue string) {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if err := nc.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(dialogue) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		dir, text, _ := strings.Cut(line, " ")
		if text == "EOF" {
			if n, err := nc.Read(make([]byte, 1)); n != 0 || err == nil {
				t.Fatalf("the server did not hang up: %d, %v", n, err)
			}
			continue
		}
		var data []byte
		for i, part := range strings.Split(text, "'") { // '…' is text, the rest is hexadecimal
			if i%2 == 1 {
				data = append(data, strings.ReplaceAll(part, `\n`, "\n")...)
				continue
			}
			b, err := hex.DecodeString(strings.ReplaceAll(part, " ", ""))
			if err != nil {
				t.Fatal(err)
			}
			data = append(data, b...)
		}
		if dir == "<" {
			if _, err := nc.Write(data); err != nil {
				t.Fatal(err)
			}
			continue
		}
		got := make([]byte, len(data))
		if n, err := io.ReadFull(nc, got); err != nil || string(got) != string(data) {
			t.Fatalf("got %q (%v)\nnot %q", got[:n], err, data)
		}
	}
}

// serverInit is that of a screen of 64×48.
const serverInit = `> 0040 0030 20 18 00 01 00ff 00ff 00ff 10 08 00 000000 0000000c 'govm-desktop'`

func TestServer_handshakes(t *testing.T) {
	none38 := "> 01 01\n< 01\n> 00000000\n< 01\n" + serverInit
	none3 := "> 00000001\n< 01\n" + serverInit
	for name, dialogue := range map[string]string{
		"3.3":              `< 'RFB 003.003\n'` + "\n" + none3,
		"3.7":              `< 'RFB 003.007\n'` + "\n> 01 01\n< 01\n< 01\n" + serverInit,
		"3.8":              `< 'RFB 003.008\n'` + "\n" + none38,
		"Apple's 3.889":    `< 'RFB 003.889\n'` + "\n" + none38,
		"RealVNC's 3.5":    `< 'RFB 003.005\n'` + "\n" + none3,
		"RealVNC's 5.0":    `< 'RFB 005.000\n'` + "\n" + none38,
		"too old":          `< 'RFB 002.002\n'` + "\n> 00000000 00000012 'RFB 2.2 is too old'",
		"not RFB":          "< 'GET / HTTP/1.1\\n'\n> EOF",
		"nearly RFB":       "< 'RFB 003.0x8\\n'\n> EOF",
		"wrong type":       "< 'RFB 003.008\\n'\n> 01 01\n< 02\n> 00000001 0000001f 'security type 2 was not offered'\n> EOF",
		"wrong type, 3.7":  "< 'RFB 003.007\\n'\n> 01 01\n< 02\n> 00000001\n> EOF",
		"unknown message":  "< 'RFB 003.003\\n'\n" + none3 + "\n< 63\n> EOF",
		"bad pixel format": "< 'RFB 003.003\\n'\n" + none3 + "\n< 00 000000 18 18 00 01 00ff 00ff 00ff 10 08 00 000000\n> EOF",
		"long clipboard":   "< 'RFB 003.003\\n'\n" + none3 + "\n< 06 000000 80000000\n> EOF",
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, 64, 48, Config{})
			talk(t, b.addr, "> 'RFB 003.008\\n'\n"+dialogue)
		})
	}
}

// denied is a security type that lets nobody in.
type denied struct{}

func (denied) ID() uint8                 { return 77 }
func (denied) Check(*auth.Session) error { return auth.Refusal("not you") }

func TestServer_securityTypeRefuses(t *testing.T) {
	b := newBench(t, 64, 48, Config{Security: []auth.Type{denied{}, auth.None{}}})
	talk(t, b.addr, "> 'RFB 003.008\\n'\n< 'RFB 003.008\\n'\n> 02 4d 01\n< 4d\n> 00000001 00000007 'not you'\n> EOF")
	talk(t, b.addr, "> 'RFB 003.008\\n'\n< 'RFB 003.007\\n'\n> 02 4d 01\n< 4d\n> 00000001\n> EOF")
	talk(t, b.addr, "> 'RFB 003.008\\n'\n< 'RFB 003.003\\n'\n> 00000001\n< 01")
	talk(t, b.addr, "> 'RFB 003.008\\n'\n< 'RFB 003.008\\n'\n> 02 4d 01\n< 01\n> 00000000")
}

func TestServer_handshakeTimeout(t *testing.T) {
	b := newBench(t, 64, 48, Config{Handshake: 5 * time.Millisecond})
	talk(t, b.addr, "> 'RFB 003.008\\n'\n< 'RFB'\n> EOF")
}

func TestServer_tooManyConnections(t *testing.T) {
	b := newBench(t, 64, 48, Config{Connections: 2})
	one := b.dial(rfbtest.Options{})
	b.dial(rfbtest.Options{})
	for _, v := range []string{"003.003", "003.007", "003.008"} {
		_, err := rfbtest.DialWith(b.addr, rfbtest.Options{Version: v})
		if err != rfbtest.Refused("too many connections") {
			t.Errorf("%s: %v", v, err)
		}
	}
	one.Close()
	for { // the server notices in its own time
		if c, err := rfbtest.Dial(b.addr); err == nil {
			c.Close()
			return
		}
	}
}

func TestServer_sharing(t *testing.T) {
	for _, c := range []struct {
		name     string
		policy   Share
		second   bool // the second client is exclusive
		refused  bool
		survives bool // the first one
	}{
		{"shared", AllowExclusive, false, false, true},
		{"exclusive", AllowExclusive, true, false, false},
		{"forced", ForceShared, true, true, true},
		{"ignored", IgnoreShare, true, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, 64, 48, Config{Share: c.policy})
			first := b.dial(rfbtest.Options{})
			b.shot(first)
			second, err := rfbtest.DialWith(b.addr, rfbtest.Options{Exclusive: c.second})
			if (err != nil) != c.refused {
				t.Fatalf("the second client: %v", err)
			}
			n := 1
			if err == nil {
				defer second.Close()
				b.shot(second)
				if c.survives {
					n = 2
				}
			}
			if _, err := first.Screenshot(b.ctx()); (err == nil) != c.survives {
				t.Errorf("the first client: %v", err)
			}
			if got := b.s.Clients(); len(got) != n {
				t.Errorf("Clients: %v", got)
			}
			if c.policy == AllowExclusive && c.second {
				if third, err := rfbtest.Dial(b.addr); err == nil {
					third.Close()
					t.Error("a third client shares with an exclusive one")
				}
			}
		})
	}
}
