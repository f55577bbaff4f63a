// Package websocket lets browsers talk to a byte stream: binary messages (RFC 6455) carry its bytes, however they are cut.
package websocket

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/coder/websocket"
)

// handshakeTime is how long a client may take to ask for a WebSocket.
const handshakeTime = 10 * time.Second

// Server takes the opening handshake on a connection that has come in.
func Server(c net.Conn) (net.Conn, error) {
	if err := c.SetDeadline(time.Now().Add(handshakeTime)); err != nil {
		return nil, err
	}
	r := bufio.NewReader(c)
	req, err := http.ReadRequest(r)
	if err != nil {
		return nil, fmt.Errorf("websocket: %w", err)
	}
	// Any page may connect, as with QEMU: who can reach the port decides.
	ws, err := websocket.Accept(&responder{c: c, r: r, header: http.Header{}}, req,
		&websocket.AcceptOptions{Subprotocols: []string{"binary"}, InsecureSkipVerify: true})
	if err != nil {
		return nil, fmt.Errorf("websocket: %w", err)
	}
	if err := c.SetDeadline(time.Time{}); err != nil {
		return nil, err
	}
	return websocket.NetConn(context.Background(), ws, websocket.MessageBinary), nil
}

// responder is the answer to the one request of a connection that is no web server's.
type responder struct {
	c      net.Conn
	r      *bufio.Reader
	header http.Header
	said   bool
}

// Header implements http.ResponseWriter.
func (r *responder) Header() http.Header { return r.header }

// WriteHeader implements http.ResponseWriter.
func (r *responder) WriteHeader(status int) {
	if r.said {
		return
	}
	r.said = true
	w := bufio.NewWriter(r.c)
	fmt.Fprintf(w, "HTTP/1.1 %d %s\r\n", status, http.StatusText(status))
	_ = r.header.Write(w)
	_, _ = w.WriteString("\r\n")
	_ = w.Flush() // a client that has gone shows itself at the next read
}

// Write implements http.ResponseWriter: the words of a refusal.
func (r *responder) Write(p []byte) (int, error) {
	if !r.said {
		r.header.Set("Connection", "close")
		r.WriteHeader(http.StatusOK)
	}
	return r.c.Write(p)
}

// Hijack implements http.Hijacker.
func (r *responder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return r.c, bufio.NewReadWriter(r.r, bufio.NewWriter(r.c)), nil
}
