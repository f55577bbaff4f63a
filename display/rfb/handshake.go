package rfb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"govm-desktop/display/rfb/auth"
	"govm-desktop/display/rfb/enc"
	"govm-desktop/display/rfb/picture"
)

// handshake brings the client from its first byte to its ServerInit (RFC 6143, sections 7.1 to 7.3).
func (c *client) handshake() (*updater, error) {
	if err := c.conn.Limit(time.Now().Add(c.s.cfg.Handshake)); err != nil {
		return nil, err
	}
	v, err := c.version()
	if err != nil {
		return nil, err
	}
	if err := c.secure(v); err != nil {
		return nil, err
	}
	shared, err := c.conn.U8()
	if err != nil {
		return nil, err
	}
	if err := c.s.admit(c, shared != 0); err != nil {
		return nil, err
	}
	u := &updater{c: c, pic: picture.New(c.s.cfg.Screen)}
	u.pic.Plain = c.s.cfg.NonAdaptive
	if err := c.serverInit(u); err != nil {
		u.close()
		return nil, err
	}
	return u, c.conn.Limit(time.Time{})
}

// version agrees on the protocol's minor version: 3, 7 or 8.
func (c *client) version() (int, error) {
	if _, err := c.conn.Write([]byte("RFB 003.008\n")); err != nil {
		return 0, err
	}
	b, err := c.conn.Take(12)
	if err != nil {
		return 0, err
	}
	major, err1 := strconv.ParseUint(string(b[4:7]), 10, 16)
	minor, err2 := strconv.ParseUint(string(b[8:11]), 10, 16)
	if string(b[:4]) != "RFB " || b[7] != '.' || b[11] != '\n' || err1 != nil || err2 != nil {
		return 0, fmt.Errorf("not an RFB client: it starts with %q", b)
	}
	switch {
	case major < 3:
		err := fmt.Errorf("RFB %d.%d is too old", major, minor)
		return 0, errors.Join(err, c.sendRefusal(3, err.Error()))
	case major > 3: // RealVNC calls itself 4.0 and 5.0, and falls back
		return 8, nil
	case minor >= 8: // Apple's 3.889
		return 8, nil
	case minor == 7:
		return 7, nil
	}
	return 3, nil // what 3.5 and others are to be taken for, says 7.1.1
}

// sendRefusal says, where the security types are due, that there are none.
func (c *client) sendRefusal(version int, reason string) error {
	b := []byte{auth.InvalidID}
	if version == 3 {
		b = []byte{0, 0, 0, auth.InvalidID}
	}
	_, err := c.conn.Write(appendString(b, reason))
	return err
}

func appendString(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}

// secure has the client chosen a security type and pass it.
func (c *client) secure(version int) error {
	host := c.addr
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	session := &auth.Session{Conn: c.conn, Addr: host, Throttle: &c.s.throttle}
	if err := session.Throttle.Blocked(host); err != nil {
		return errors.Join(err, c.sendRefusal(version, err.Error()))
	}
	if len(c.types) == 0 {
		err := errors.New("no security type is safe on a page that came without TLS; use https, or a viewer")
		return errors.Join(err, c.sendRefusal(version, err.Error()))
	}
	t, err := c.chooseSecurity(version)
	if t == nil && err == nil {
		err := errors.New("RFB 3.3 has no security type that is safe here; use a newer viewer")
		return errors.Join(err, c.sendRefusal(version, err.Error()))
	}
	if err == nil {
		err = t.Check(session)
	}
	if err == nil {
		c.admitted(t, session)
	}
	var refusal auth.Refusal
	if err != nil && !errors.As(err, &refusal) {
		return err
	}
	// SecurityResult (7.1.3): not after None before 3.8, the reason of a failure only from 3.8 on.
	if err == nil && version < 8 && t.ID() == auth.NoneID {
		return nil
	}
	b := []byte{0, 0, 0, 0}
	if err != nil {
		if b[3] = 1; version >= 8 {
			b = appendString(b, string(refusal))
		}
	}
	_, werr := c.conn.Write(b)
	return errors.Join(err, werr)
}

func (c *client) chooseSecurity(version int) (auth.Type, error) {
	types := c.types
	if version == 3 { // the server chooses, among those that there were then
		for _, t := range types {
			if t.ID() == auth.NoneID || t.ID() == auth.VncAuthID {
				_, err := c.conn.Write([]byte{0, 0, 0, t.ID()})
				return t, err
			}
		}
		return nil, nil
	}
	b := []byte{byte(len(types))}
	for _, t := range types {
		b = append(b, t.ID())
	}
	if _, err := c.conn.Write(b); err != nil {
		return nil, err
	}
	id, err := c.conn.U8()
	if err != nil {
		return nil, err
	}
	for _, t := range types {
		if t.ID() == id {
			return t, nil
		}
	}
	return nil, auth.Refusal(fmt.Sprintf("security type %d was not offered", id))
}

// admitted keeps what is known of a client that may come in.
func (c *client) admitted(t auth.Type, s *auth.Session) {
	if s.ViewOnly {
		c.hands.to = nil
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.user, c.name, c.viewOnly, c.security = s.User, s.Name, s.ViewOnly, t.ID()
}

// serverInit says how large the picture is, in which format it comes, and what it is called.
func (c *client) serverInit(u *updater) error {
	if err := u.pic.Fresh(c.ctx); err != nil {
		return err
	}
	size := u.pic.Size()
	u.pic.SetClientSize(size)
	u.name = c.s.desktopName()
	b := binary.BigEndian.AppendUint16(nil, uint16(size.X))
	b = binary.BigEndian.AppendUint16(b, uint16(size.Y))
	b = enc.Native().Append(b)
	_, err := c.conn.Write(appendString(b, u.name))
	return err
}
