package rfb

// Event is a step in a connection's life.
type Event uint8

// Events, in their order. A connection that never becomes a viewer has no Initialized.
const (
	Connected    Event = iota // it was taken
	Initialized               // it has got in
	Disconnected              // it has ended
)

// tell says what has happened to a client. Preconditions: no lock is held.
func (s *Server) tell(e Event, c *client) {
	if s.cfg.Event == nil || c.unseen {
		return
	}
	s.mu.Lock()
	info := c.info()
	s.mu.Unlock()
	s.cfg.Event(e, info)
}

// info describes the client. Preconditions: the server's mu is held.
func (c *client) info() Client {
	c.mu.Lock()
	encoding := c.settings.encoding
	c.mu.Unlock()
	return Client{Addr: c.addr, User: c.user, ViewOnly: c.viewOnly, Security: c.security, Sent: c.conn.Sent(), Encoding: encoding,
		Browser: c.browser, Tag: c.tag, Since: c.since, Name: c.name}
}
