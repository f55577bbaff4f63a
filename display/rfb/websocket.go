package rfb

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"sync/atomic"

	"github.com/coder/websocket"

	"govm-desktop/display/rfb/auth"
)

// maxWebSockets bounds the browsers that have not got as far as RFB.
const maxWebSockets = 64

// ServeWebSocket takes browsers' connections (RFC 6455, binary messages as noVNC has them) until the listener or the Server is
// closed; with a certificate, over TLS. A page of another host may only connect where there is a password: what a browser does
// for a page that its user happens to look at is not its user's wish.
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
			s.webSocket(w, r, s.types(t != nil))
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

func (s *Server) webSocket(w http.ResponseWriter, r *http.Request, types []auth.Type) {
	o := &websocket.AcceptOptions{Subprotocols: []string{"binary"}, CompressionMode: websocket.CompressionDisabled}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	o.OriginPatterns = []string{host, host + ":*"}
	o.InsecureSkipVerify = asksPassword(types)
	c, err := websocket.Accept(w, r, o)
	if err != nil {
		s.cfg.Log.Info("not a WebSocket of ours", "from", r.RemoteAddr, "err", err)
		return
	}
	c.SetReadLimit(2 * maxCutText)
	s.accept(&webConn{websocket.NetConn(context.Background(), c, websocket.MessageBinary), c, r.RemoteAddr, types})
}

// types are what is offered to clients, inside of TLS or not.
func (s *Server) types(inside bool) []auth.Type {
	if inside && len(s.cfg.Inside) > 0 {
		return s.cfg.Inside
	}
	return s.cfg.Security
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
