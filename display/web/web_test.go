package web

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const token = "0123456789abcdef0123"

func site(t *testing.T, cfg Config) *Server {
	t.Helper()
	if cfg.Connect == nil {
		cfg.Connect = func(w http.ResponseWriter, _ *http.Request, q Request) { io.WriteString(w, "connected "+q.Token) }
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func get(s http.Handler, path string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", path, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func TestServer_files(t *testing.T) {
	s := site(t, Config{Name: func() string { return "<b>a name" }})
	page := get(s, "/")
	if page.Code != 200 || !strings.Contains(page.Body.String(), "&lt;b&gt;a name") {
		t.Errorf("%d %s", page.Code, page.Body)
	}
	if csp := page.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "script-src") {
		t.Error(csp)
	}
	for _, path := range []string{"/page/main.js", "/page/style.css", "/page/icon.svg", "/novnc/README"} {
		plain := get(s, path)
		if plain.Code != 200 || plain.Body.Len() == 0 || plain.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d", path, plain.Code)
		}
		packed := get(s, path, "Accept-Encoding", "gzip")
		if packed.Header().Get("Content-Encoding") == "gzip" {
			z, err := gzip.NewReader(packed.Body)
			if err != nil {
				t.Fatal(err)
			}
			if b, err := io.ReadAll(z); err != nil || !bytes.Equal(b, plain.Body.Bytes()) {
				t.Errorf("%s packed is another: %v", path, err)
			}
		} else if strings.HasSuffix(path, ".js") {
			t.Errorf("%s is not packed", path)
		}
		if again := get(s, path, "If-None-Match", plain.Header().Get("ETag")); again.Code != http.StatusNotModified || again.Body.Len() > 0 {
			t.Errorf("%s again: %d", path, again.Code)
		}
	}
	for _, path := range []string{"/page/index.html", "/page/", "/novnc/", "/page/../web.go", "/etc/passwd", "/api/", "/rfbx"} {
		if r := get(s, path); r.Code == 200 {
			t.Errorf("%s: %d", path, r.Code)
		}
	}
}

// TestServer_secrets asks for what only pages may see that have got in.
func TestServer_secrets(t *testing.T) {
	s := site(t, Config{
		Viewers: func() []Viewer {
			return []Viewer{{Address: "a:1", Token: token}, {Address: "b:2", User: "eva"}, {Address: "c:3", Token: "another token, long"}}
		},
		Screenshot: func(_ context.Context, w io.Writer) error { _, err := io.WriteString(w, "PNG"); return err },
	})
	for _, c := range []struct {
		token string
		in    bool
	}{{"Token " + token, true}, {"", false}, {"Token ", false}, {"Token " + token[1:], false}, {"Bearer " + token, false}, {"Token " + token + "x", false}, {token, false}} {
		for _, path := range []string{"/api/viewers", "/api/screenshot.png"} {
			r := get(s, path, "Authorization", c.token)
			if (r.Code == 200) != c.in || !c.in && strings.Contains(r.Body.String(), "eva") {
				t.Errorf("%s with %q: %d %s", path, c.token, r.Code, r.Body)
			}
		}
	}
	var all []Viewer
	b := get(s, "/api/viewers", "Authorization", "Token "+token).Body.Bytes()
	if err := json.Unmarshal(b, &all); err != nil || len(all) != 3 || !all[0].Me || all[1].Me || all[1].User != "eva" {
		t.Errorf("%+v, %v", all, err)
	}
	if bytes.Contains(b, []byte("another token")) {
		t.Error("the list tells others' tokens")
	}
	if r := get(s, "/rfb?token="+token); r.Body.String() != "connected "+token {
		t.Error(r.Body)
	}
	if r := get(s, "/rfb?token="+strings.Repeat("x", maxToken+1)); r.Code != http.StatusBadRequest {
		t.Error(r.Code)
	}
}

func TestServer_screenshotFails(t *testing.T) {
	s := site(t, Config{Viewers: func() []Viewer { return []Viewer{{Token: token}} },
		Screenshot: func(context.Context, io.Writer) error { return errors.New("no screen") }})
	if r := get(s, "/api/screenshot.png", "Authorization", "Token "+token); r.Code != 500 || !strings.Contains(r.Body.String(), "no screen") {
		t.Errorf("%d %s", r.Code, r.Body)
	}
}

// TestServer_sockets opens more connections than are needed: the ones over the limit are closed, and others get in once they have gone.
func TestServer_sockets(t *testing.T) {
	s := site(t, Config{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l, nil) }()
	var all []net.Conn
	for range maxWaiting + 20 {
		nc, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, nc)
	}
	last := all[len(all)-1]
	_ = last.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := last.Read(make([]byte, 1)); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the last socket was not closed: %v", err)
	}
	for _, nc := range all {
		nc.Close()
	}
	ok := false
	for end := time.Now().Add(20 * time.Second); !ok && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		r, err := http.Get("http://" + l.Addr().String() + "/page/icon.svg")
		if ok = err == nil && r.StatusCode == 200; err == nil {
			r.Body.Close()
		}
	}
	if !ok {
		t.Error("nobody gets in afterwards")
	}
	s.Close()
	if err := <-done; err != ErrClosed {
		t.Error(err)
	}
}

func TestSpec(t *testing.T) {
	for arg, want := range map[string]Spec{"": {"127.0.0.1", 0}, "8080": {"127.0.0.1", 8080}, ":8080": {"127.0.0.1", 8080},
		"0.0.0.0:80": {"0.0.0.0", 80}, "[::1]:80": {"::1", 80}} {
		if got, err := ParseSpec(arg); err != nil || got != want {
			t.Errorf("%q: %v, %v", arg, got, err)
		}
	}
	for _, arg := range []string{"x", "host:", "host:0", "host:65536", "1:2:3"} {
		if _, err := ParseSpec(arg); err == nil {
			t.Errorf("%q is taken", arg)
		}
	}
	l, err := Spec{Host: "127.0.0.1"}.Listen()
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	if _, err := (Spec{"127.0.0.1", port}).Listen(); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Error(err)
	}
	m, err := Spec{Host: "127.0.0.1"}.Listen() // the next
	if err != nil {
		t.Fatal(err)
	}
	m.Close()
	if u := (Spec{"0.0.0.0", port}).URL(l, true); !strings.HasPrefix(u, "https://0.0.0.0:") {
		t.Error(u)
	}
}
