package auth

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"govm-desktop/display/rfb/stream"
)

func password(full, view string) *Password {
	p := &Password{}
	p.Set(full)
	if view != "" {
		p.SetViewOnly(view)
	}
	return p
}

func TestTypes(t *testing.T) {
	dir, roots := certificate(t)
	cfg, err := Credentials{Dir: dir}.TLS()
	if err != nil {
		t.Fatal(err)
	}
	hash, err := bcrypt.GenerateFromPassword([]byte("correct horse"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "users")
	if err := os.WriteFile(file, []byte("# us\nann:"+string(hash)+"\nbob:"+string(hash)+":view\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	users, err := OpenUsers(file)
	if err != nil {
		t.Fatal(err)
	}
	p, key := password("secret", "look"), new(Key)
	v := VeNCrypt{cfg, []Subtype{X509Vnc(p), X509Plain(users), X509None()}}
	ra := func(n uint8) Type { return RSAAES{Number: n, Key: key, Checker: users, Users: true} }
	type client = func(net.Conn) (io.Reader, error)
	for _, c := range []struct {
		name   string
		typ    Type
		client client
		want   string // "": in
		user   string
		view   bool
	}{
		{"vnc", VncAuth{p}, vncClient("secret"), "", "", false},
		{"vnc, to look", VncAuth{p}, vncClient("look"), "", "", true},
		{"vnc, wrong", VncAuth{p}, vncClient("secreT"), "authentication failed", "", false},
		{"vnc, empty", VncAuth{p}, vncClient(""), "authentication failed", "", false},
		{"vnc, unset", VncAuth{&Password{}}, vncClient(""), "no password is set", "", false},
		{"x509vnc", v, vencryptClient(X509VncID, roots, vncClient("secret")), "", "", false},
		{"x509vnc, wrong", v, vencryptClient(X509VncID, roots, vncClient("x")), "authentication failed", "", false},
		{"x509none", v, vencryptClient(X509NoneID, roots, func(nc net.Conn) (io.Reader, error) { return nc, nil }), "", "", false},
		{"x509plain", v, vencryptClient(X509PlainID, roots, plainClient("ann", "correct horse")), "", "ann", false},
		{"x509plain, to look", v, vencryptClient(X509PlainID, roots, plainClient("bob", "correct horse")), "", "bob", true},
		{"x509plain, wrong", v, vencryptClient(X509PlainID, roots, plainClient("ann", "correct")), "authentication failed", "", false},
		{"x509plain, nobody", v, vencryptClient(X509PlainID, roots, plainClient("eve", "correct horse")), "authentication failed", "", false},
		{"x509plain, long", v, vencryptClient(X509PlainID, roots, plainClient("ann", strings.Repeat("x", 2000))), "of 2000 bytes", "", false},
		{"another subtype", v, vencryptClient(257, roots, nil), "was not offered", "", false},
		{"RA2", ra(RA2ID), rsaClient(RA2ID, "ann", "correct horse"), "", "ann", false},
		{"RA2ne", ra(RA2neID), rsaClient(RA2neID, "bob", "correct horse"), "", "bob", true},
		{"RA256", ra(RA256ID), rsaClient(RA256ID, "ann", "correct horse"), "", "ann", false},
		{"RAne256", ra(RAne256ID), rsaClient(RAne256ID, "ann", "wrong"), "authentication failed", "", false},
		{"RA256, password", RSAAES{Number: RA256ID, Key: key, Checker: p}, rsaClient(RA256ID, "", "secret"), "", "", false},
		{"Apple", AppleDH{users}, appleClient("ann", "correct horse"), "", "ann", false},
		{"Apple, wrong", AppleDH{users}, appleClient("ann", "x"), "authentication failed", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := dialogue(t, c.typ, nil, c.client)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Fatalf("%v, want %q", err, c.want)
			}
			if err == nil && (s.User != c.user || s.ViewOnly != c.view) {
				t.Errorf("user %q, view only %v", s.User, s.ViewOnly)
			}
		})
	}
}

func TestPassword_expires(t *testing.T) {
	p := password("x", "y")
	for _, c := range []struct {
		at time.Time
		ok bool
	}{{time.Now().Add(time.Hour), true}, {time.Now(), false}, {time.Time{}, true}} {
		p.Expire(c.at)
		if _, err := p.Login("", "x"); (err == nil) != c.ok {
			t.Errorf("%v: %v", c.at, err)
		}
	}
	if p.Disable(); p.IsSet() {
		t.Error("a password is set after Disable")
	}
	if _, err := p.Login("", ""); err == nil {
		t.Error("the empty password is good after Disable")
	}
}

func TestThrottle(t *testing.T) {
	now := time.Unix(0, 0)
	th := &Throttle{Now: func() time.Time { return now }}
	p := password("right", "")
	try := func(addr, pw string) error {
		s := &Session{Addr: addr, Throttle: th}
		return s.login(p, "", pw)
	}
	for range freeFailures {
		if err := try("192.0.2.1", "wrong"); err != wrong {
			t.Fatal(err)
		}
	}
	if err := try("192.0.2.1", "right"); err == nil || !strings.Contains(err.Error(), "too many") {
		t.Errorf("not throttled: %v", err)
	}
	if err := try("192.0.2.2", "right"); err != nil {
		t.Errorf("another address: %v", err)
	}
	for _, pw := range []string{"wrong", "wrong", "wrong"} { // each failure doubles the time
		now = now.Add(firstWait)
		before := th.Blocked("192.0.2.1")
		_ = try("192.0.2.1", pw)
		now = now.Add(time.Second)
		if before == nil && th.Blocked("192.0.2.1") == nil {
			t.Error("not blocked after a further failure")
		}
	}
	now = now.Add(longestWait)
	if err := try("192.0.2.1", "right"); err != nil {
		t.Errorf("still blocked: %v", err)
	}
	if err := th.Blocked("192.0.2.1"); err != nil {
		t.Errorf("success is not remembered: %v", err)
	}
	for i := range maxHosts + 50 {
		_ = try("h"+string(rune('a'+i%26))+hex.EncodeToString([]byte{byte(i), byte(i >> 8)}), "x")
	}
	if len(th.hosts) > maxHosts {
		t.Errorf("%d addresses are kept", len(th.hosts))
	}
	if hostKey("2001:db8:1:2:3::9") != hostKey("2001:db8:1:2:4::7") || hostKey("::ffff:1.2.3.4") != hostKey("1.2.3.4") {
		t.Error("addresses of one subscriber are told apart")
	}
}

// TestEAX has the vectors of the paper that describes the mode.
func TestEAX(t *testing.T) {
	for _, v := range [][5]string{
		{"233952DEE4D5ED5F9B9C6D6FF80FF478", "62EC67F9C3A4A407FCB2A8C49031A8B3", "6BFB914FD07EAE6B", "", "E037830E8389F27B025A2D6527E79D01"},
		{"91945D3F4DCBEE0BF45EF52255F095A4", "BECAF043B0A23D843194BA972C66DEBD", "FA3BFD4806EB53FA", "F7FB", "19DD5C4C9331049D0BDAB0277408F67967E5"},
		{"8395FCF1E95BEBD697BD010BC766AAC3", "22E7ADD93CFC6393C57EC0B3C17D6B44", "126735FCC320D25A", "CA40D7446E545FFAED3BD12A740A659FFBBB3CEAB7",
			"CB8920F87A6C75CFF39627B56E3ED197C552D295A7CFC46AFC253B4652B1AF3795B124AB6E"},
	} {
		var b [5][]byte
		for i := range v {
			b[i], _ = hex.DecodeString(v[i])
		}
		e, err := newEAX(b[0])
		if err != nil {
			t.Fatal(err)
		}
		got := e.seal(tag(b[1]), b[2], bytes.Clone(b[3]))
		if !bytes.Equal(got, b[4]) {
			t.Errorf("%x instead of %x", got, b[4])
		}
		if text, err := e.open(tag(b[1]), b[2], bytes.Clone(got)); err != nil || !bytes.Equal(text, b[3]) {
			t.Errorf("%x, %v", text, err)
		}
		got[0] ^= 1
		if _, err := e.open(tag(b[1]), b[2], got); err == nil {
			t.Error("a changed message was taken")
		}
	}
}

// TestVncAuth_vector is an exchange that DES was computed for by another program (openssl des-ecb).
func TestVncAuth_vector(t *testing.T) {
	got := respond([16]byte{}, "")
	if hex.EncodeToString(got[:]) != "8ca64de9c1b123a78ca64de9c1b123a7" {
		t.Errorf("%x", got)
	}
	if a, b := respond([16]byte{1}, "longerthan8"), respond([16]byte{1}, "longerth"); a != b {
		t.Error("more than eight characters count")
	}
}

func TestCredentials(t *testing.T) {
	if _, err := (Credentials{Dir: t.TempDir()}).TLS(); err == nil {
		t.Error("an empty folder has a certificate")
	}
	dir, _ := certificate(t)
	if c, err := (Credentials{Dir: dir, VerifyPeer: true}).TLS(); err != nil || c == nil {
		t.Error(err)
	}
}

func TestParseUsers_mistakes(t *testing.T) {
	for _, s := range []string{"ann", ":x", "ann:plain", "ann:$2a$31$" + strings.Repeat("a", 53), "ann:$2a$10$x:all"} {
		if _, err := parseUsers(strings.NewReader(s)); err == nil {
			t.Errorf("%q was taken", s)
		}
	}
	if _, err := OpenUsers("/nonexistent/users"); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

// FuzzTypes sends any bytes to every handshake: it ends, and nobody gets in.
func FuzzTypes(f *testing.F) {
	p, key := password("secret", ""), new(Key)
	types := []Type{VncAuth{p}, AppleDH{p}, VeNCrypt{nil, []Subtype{{X509PlainID, func(s *Session) error { return plain(s, p) }}}}}
	for _, n := range []uint8{RA2ID, RA256ID} {
		types = append(types, RSAAES{Number: n, Key: key, Checker: p})
	}
	for i := range types {
		f.Add(uint8(i), []byte("\x00\x02\x00\x00\x01\x06"))
		f.Add(uint8(i), append([]byte{0, 0, 4, 0}, bytes.Repeat([]byte{0xff, 1}, 300)...))
	}
	f.Add(uint8(9), []byte("\x00\x00\x00\x01\x00\x00\x00\x02ab"))
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		typ := types[int(which)%len(types)]
		ours, theirs := net.Pipe()
		for _, c := range []net.Conn{ours, theirs} {
			_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		}
		go io.Copy(io.Discard, theirs)
		go func() {
			_, _ = theirs.Write(data)
			theirs.Close()
		}()
		s := &Session{Conn: stream.New(ours, time.Second)}
		var err error
		if v, ok := typ.(VeNCrypt); ok && which > 8 {
			err = v.Subtypes[0].Check(s)
		} else {
			err = typ.Check(s)
		}
		ours.Close()
		if err == nil {
			t.Fatal("somebody got in by chance")
		}
	})
}
