package rfb

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"

	"github.com/coder/websocket"

	"govm-desktop/display/rfb/auth"
)

// maxWebSockets bounds the browsers that have not got as far as RFB.
const maxWebSockets = 64

// ServeWebSocket takes browsers' connections (RFC 6455, binary messages as noVNC has them) until the listener or the Server is
// closed; with a certificate, over TLS.
func (s *Server) ServeWebSocket(l net.Listener, t *tls.Config) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		_ = l.Close()
		return ErrClosed
	}
	s.listeners = append(s.listeners, l)
	s.mu.Unlock()
	var waiting atomic.Int32
	h := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s.ConnectWebSocket(w, r, Browser{Inside: t != nil})
		}),
		ReadHeaderTimeout: s.cfg.Handshake,
		IdleTimeout:       s.cfg.Handshake,
		MaxHeaderBytes:    16 << 10,
		ConnState: func(nc net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				if waiting.Add(1) > maxWebSockets {
					_ = nc.Close()
				}
			case http.StateHijacked, http.StateClosed:
				waiting.Add(-1)
			}
		},
	}
	if t != nil {
		l = tls.NewListener(l, t)
	}
	err := h.Serve(l)
	if s.isClosed() || errors.Is(err, net.ErrClosed) {
		return ErrClosed
	}
	return err
}

// Browser is what is known of one before it speaks RFB.
type Browser struct {
	Inside bool   // of TLS, so that no more of it is needed
	Old    bool   // it cannot do what browsers do only on pages that came safely: nothing but VncAuth is possible then
	Tag    string // what Client has of it later: who knows it is as good as the client
}

// ConnectWebSocket makes a client of a browser's request. A page of another host may only connect where there is a password: what
// a browser does for a page that its user happens to look at is not its user's wish. For the same reason the host must then go by
// an address of its own, or any name could be made to mean it (DNS rebinding).
func (s *Server) ConnectWebSocket(w http.ResponseWriter, r *http.Request, b Browser) {
	types := s.types(b)
	o := &websocket.AcceptOptions{Subprotocols: []string{"binary"}, CompressionMode: websocket.CompressionDisabled}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	o.OriginPatterns = []string{host, host + ":*"}
	o.InsecureSkipVerify = asksPassword(types)
	if !o.InsecureSkipVerify && !OwnHost(host) {
		http.Error(w, "without a password this is served under the machine's own addresses alone, not "+host, http.StatusForbidden)
		return
	}
	c, err := websocket.Accept(w, r, o)
	if err != nil {
		s.cfg.Log.Info("not a WebSocket of ours", "from", r.RemoteAddr, "err", err)
		return
	}
	c.SetReadLimit(2 * maxCutText)
	s.accept(&webConn{websocket.NetConn(context.Background(), c, websocket.MessageBinary), c, r.RemoteAddr, b.Tag, types})
}

// OwnHost reports whether a name in a URL can only mean the machine that is asked: an address, localhost, or the machine's name.
func OwnHost(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") || net.ParseIP(host) != nil {
		return true
	}
	name, err := os.Hostname()
	return err == nil && strings.EqualFold(host, name)
}

// types are what is offered to a browser.
func (s *Server) types(b Browser) []auth.Type {
	types := s.cfg.Security
	if b.Inside && len(s.cfg.Inside) > 0 {
		types = s.cfg.Inside
	}
	if !b.Old {
		return types
	}
	var old []auth.Type
	for _, t := range types {
		if t.ID() == auth.NoneID || t.ID() == auth.VncAuthID {
			old = append(old, t)
		}
	}
	return old
}

// asksPassword reports whether nobody gets in without a secret.
func asksPassword(types []auth.Type) bool {
	for _, t := range types {
		switch v := t.(type) {
		case auth.None:
			return false
		case auth.VeNCrypt:
			for _, sub := range v.Subtypes {
				if sub.Number == auth.X509NoneID {
					return false
				}
			}
		}
	}
	return true
}

// webConn is a browser's connection.
type webConn struct {
	net.Conn
	ws    *websocket.Conn
	from  string
	tag   string
	types []auth.Type
}

// RemoteAddr implements net.Conn.
func (w *webConn) RemoteAddr() net.Addr { return webAddr(w.from) }

// Close implements net.Conn. It does not wait for the browser to agree.
func (w *webConn) Close() error { return w.ws.CloseNow() }

// webAddr is where a browser is.
type webAddr string

// Network implements net.Addr.
func (webAddr) Network() string { return "websocket" }

// String implements net.Addr.
func (a webAddr) String() string { return string(a) }
