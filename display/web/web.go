// Package web serves a page that shows the screen in a browser: noVNC in a frame of our own, over WebSocket on the same port, with
// full screen, scaling, keys that browsers keep for themselves, clipboard, power buttons, screenshots and a list of the viewers.
// One URL is all a user needs.
//
// It knows neither RFB nor the machine: what carries the picture is a function that takes a browser's WebSocket request, as are
// the list and the screenshot. Those two are for browsers that have got in: a page makes a token up, shows it with the request
// that becomes its connection, and with each question; the token is good while that connection has passed the server's security.
//
// noVNC is not ours and not in this tree: fetch.sh puts it into the folder blob, which is embedded in the program. Without it the
// page says so.
package web

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Request is a browser's wish to become a viewer.
type Request struct {
	Token string
	Old   bool // it lacks what browsers give only to pages that came safely
}

// Viewer is one who looks at the screen.
type Viewer struct {
	Address  string `json:"address"`
	User     string `json:"user,omitempty"`
	ViewOnly bool   `json:"viewOnly"`
	Security string `json:"security"`
	Encoding string `json:"encoding"`
	Sent     uint64 `json:"sent"`
	Since    int64  `json:"since"` // Unix seconds
	Me       bool   `json:"me"`

	Token string `json:"-"` // of a browser
}

// Config says what the page is connected to. Connect is needed, the rest may be left.
type Config struct {
	Name       func() string // of the machine
	Connect    func(http.ResponseWriter, *http.Request, Request)
	Viewers    func() []Viewer
	Screenshot func(ctx context.Context, w io.Writer) error // PNG
	Log        *slog.Logger
}

// Server is the page's server. It is an http.Handler.
type Server struct {
	cfg     Config
	mux     http.ServeMux
	files   *files
	index   *template.Template
	modules []string
	busy    chan struct{} // a screenshot is being made
	http    *http.Server

	mu      sync.Mutex // guards everything below
	waiting int        // connections that have not become viewers
}

// ErrClosed is what Serve returns after Close.
var ErrClosed = http.ErrServerClosed

// Bounds of what browsers can ask for at once and how long they may take.
const (
	maxWaiting    = 64
	headerTime    = 10 * time.Second
	answerTime    = time.Minute
	maxHeader     = 16 << 10
	maxToken      = 128
	screenshotFor = 5 * time.Second
)

// New returns a Server that serves nobody yet.
func New(cfg Config) (*Server, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Name == nil {
		cfg.Name = func() string { return "govm-desktop" }
	}
	f, err := load()
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, files: f, modules: f.modules(), busy: make(chan struct{}, 1)}
	if s.index, err = template.New("index").Parse(string(f.index)); err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	s.mux.HandleFunc("GET /{$}", s.page)
	s.mux.Handle("GET /page/", f)
	s.mux.Handle("GET /novnc/", f)
	s.mux.HandleFunc("GET /rfb", s.connect)
	s.mux.HandleFunc("GET /websockify", s.connect) // where noVNC's own page looks
	s.mux.HandleFunc("GET /api/viewers", s.viewers)
	s.mux.HandleFunc("GET /api/screenshot.png", s.screenshot)
	// No WriteTimeout: a connection that becomes a viewer has its own.
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: headerTime, IdleTimeout: answerTime, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(cfg.Log.Handler(), slog.LevelDebug), ConnState: s.count}
	return s, nil
}

// Complete reports whether noVNC is in the program.
func Complete() bool {
	f, err := load()
	return err == nil && len(f.modules()) > 0
}

// count bounds the connections that have not become viewers, so that opening sockets costs nobody else anything.
func (s *Server) count(nc net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch state {
	case http.StateNew:
		if s.waiting++; s.waiting > maxWaiting {
			_ = nc.Close()
		}
	case http.StateHijacked, http.StateClosed:
		s.waiting--
	}
}

// Serve takes connections until the Server or the listener is closed; with a certificate, over TLS.
func (s *Server) Serve(l net.Listener, t *tls.Config) error {
	if t != nil {
		l = tls.NewListener(l, t)
	}
	err := s.http.Serve(l)
	if errors.Is(err, net.ErrClosed) {
		return ErrClosed
	}
	return err
}

// Close ends it. Viewers' connections are not its own any more.
func (s *Server) Close() error { return s.http.Close() }

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; "+
		"connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	s.mux.ServeHTTP(w, r)
}

func (s *Server) page(w http.ResponseWriter, r *http.Request) {
	var b bytes.Buffer
	err := s.index.Execute(&b, struct {
		Name    string
		Modules []string
	}{s.cfg.Name(), s.modules})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(b.Bytes())
}

func (s *Server) connect(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	token := q.Get("token")
	if len(token) > maxToken {
		http.Error(w, "too long a token", http.StatusBadRequest)
		return
	}
	s.cfg.Connect(w, r, Request{Token: token, Old: q.Get("old") != ""})
}

// in reports whether who asks has a connection that has got in.
func (s *Server) in(w http.ResponseWriter, r *http.Request) (all []Viewer, ok bool) {
	token, is := strings.CutPrefix(r.Header.Get("Authorization"), "Token ")
	if is && len(token) >= 16 && s.cfg.Viewers != nil {
		all = s.cfg.Viewers()
		for i, v := range all {
			if same(v.Token, token) {
				all[i].Me, ok = true, true
			}
		}
	}
	if !ok {
		http.Error(w, "this is for pages whose connection is up", http.StatusForbidden)
	}
	w.Header().Set("Cache-Control", "no-store")
	return all, ok
}

func (s *Server) viewers(w http.ResponseWriter, r *http.Request) {
	all, ok := s.in(w, r)
	if !ok {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(all) // the browser went away
}

func (s *Server) screenshot(w http.ResponseWriter, r *http.Request) {
	if _, ok := s.in(w, r); !ok {
		return
	}
	if s.cfg.Screenshot == nil {
		http.NotFound(w, r)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), screenshotFor)
	defer cancel()
	select {
	case s.busy <- struct{}{}: // one at a time: packing a PNG is work
		defer func() { <-s.busy }()
	case <-ctx.Done():
		http.Error(w, "too many screenshots at once", http.StatusServiceUnavailable)
		return
	}
	var b bytes.Buffer
	if err := s.cfg.Screenshot(ctx, &b); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "image/png")
	_, _ = w.Write(b.Bytes())
}
