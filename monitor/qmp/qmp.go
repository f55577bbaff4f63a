// Package qmp is the monitor for programs: the QEMU Machine Protocol (docs/interop/qmp-spec), JSON objects in both directions, with events.
package qmp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"govm-desktop/monitor"
	"govm-desktop/monitor/hmp"
)

// closeWait is how long a client that says no more may take to read what is still queued.
const closeWait = 2 * time.Second

// maxCommand bounds one command in bytes.
const maxCommand = 64 << 20

// Server answers on any number of streams and tells each of events.
type Server struct {
	Table   *monitor.Table
	Control monitor.Control
	Trace   func(command string) // told of every command; nil: nobody
	// Settle waits until the events that a command has caused are sent, so that they come before its answer; nil: they come when they do.
	Settle func()

	mu       sync.Mutex // guards everything below
	sessions map[*session]bool
}

type object = map[string]any

// Event sends an event to every session that has finished negotiation. A session whose reader is so slow that its queue is full misses it.
func (s *Server) Event(name string, data any) {
	now := time.Now()
	e := object{"event": name, "timestamp": object{"seconds": now.Unix(), "microseconds": now.Nanosecond() / 1000}}
	if data != nil {
		e["data"] = data
	}
	for _, x := range s.all() {
		if x.ready.Load() {
			x.out.put(x.encode(e), false)
		}
	}
}

// Flush waits until every session has sent the answer it is at, and all that is queued, for as long as it takes up to the limit.
func (s *Server) Flush(limit time.Duration) {
	late := time.Now().Add(limit)
	for _, x := range s.all() {
		x.out.flush(time.Until(late))
	}
}

func (s *Server) all() []*session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.sessions))
}

// session is a conversation with one client.
type session struct {
	s     *Server
	out   *outbox
	ready atomic.Bool // qmp_capabilities has been executed
	// pretty breaks messages into lines, for people to read.
	pretty bool
}

// encode makes a message. What the table's commands return can always be encoded.
func (x *session) encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if x.pretty {
		e.SetIndent("", "    ")
	}
	if err := e.Encode(v); err != nil {
		b.Reset()
		e.Encode(object{"error": object{"class": monitor.GenericError, "desc": err.Error()}})
	}
	return append(bytes.TrimSuffix(b.Bytes(), []byte("\n")), '\r', '\n')
}

func (x *session) send(v any) { x.out.put(x.encode(v), true) }

// Serve greets and answers on a stream until it ends.
func (s *Server) Serve(rw io.ReadWriter) error { return s.serve(rw, false) }

// ServePretty is Serve with messages of many lines.
func (s *Server) ServePretty(rw io.ReadWriter) error { return s.serve(rw, true) }

func (s *Server) serve(rw io.ReadWriter, pretty bool) error {
	x := &session{s: s, out: newOutbox(rw), pretty: pretty}
	defer x.out.close(closeWait)
	s.mu.Lock()
	if s.sessions == nil {
		s.sessions = map[*session]bool{}
	}
	s.sessions[x] = true
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.sessions, x)
		s.mu.Unlock()
	}()
	x.send(object{"QMP": object{"version": monitor.Version(s.Control), "capabilities": []string{}}})
	return x.loop(rw)
}

func (x *session) loop(r io.Reader) error {
	var split splitter
	buf := make([]byte, 4096)
	for {
		n, err := r.Read(buf)
		for _, b := range buf[:n] {
			msg, over := split.feed(b)
			if over {
				x.fail(nil, monitor.GenericError, "JSON too large")
			}
			if msg != nil {
				x.out.busy(true)
				x.answer(msg)
				x.out.busy(false)
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("qmp: %w", err)
		}
	}
}

// splitter cuts a byte stream into JSON objects by counting braces outside strings, so that a syntax error spoils one object only.
type splitter struct {
	buf       bytes.Buffer
	depth     int
	str, skip bool
}

func (p *splitter) feed(b byte) (msg []byte, over bool) {
	if p.depth == 0 && !p.str {
		switch b {
		case ' ', '\t', '\r', '\n':
			if p.buf.Len() > 0 { // garbage between objects ends with white space
				return p.take(), false
			}
			return nil, false
		}
	}
	if p.buf.Len() >= maxCommand {
		*p = splitter{}
		return nil, true
	}
	p.buf.WriteByte(b)
	switch {
	case p.skip:
		p.skip = false
	case p.str && b == '\\':
		p.skip = true
	case b == '"':
		p.str = !p.str
	case p.str:
	case b == '{' || b == '[':
		p.depth++
	case b == '}' || b == ']':
		p.depth--
		if p.depth <= 0 {
			return p.take(), false
		}
	}
	return nil, false
}

func (p *splitter) take() []byte {
	msg := append([]byte(nil), p.buf.Bytes()...)
	*p = splitter{}
	return msg
}

// request is a command as the client sends it.
type request struct {
	name string
	args map[string]any
	id   any
}

// parse takes a message apart; the error says what is wrong with it. The id is there even then, if it could be read.
func parse(msg []byte) (q request, err error) {
	d := json.NewDecoder(bytes.NewReader(msg))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return q, fmt.Errorf("JSON parse error, %v", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return q, errors.New("JSON parse error, expecting one value")
	}
	m, ok := v.(map[string]any)
	if !ok {
		return q, errors.New("QMP input must be a JSON object")
	}
	q.id = m["id"]
	for k, v := range m {
		switch k {
		case "id":
		case "execute":
			if q.name, ok = v.(string); !ok {
				return q, errors.New("QMP input member 'execute' must be a string")
			}
		case "arguments":
			if q.args, ok = v.(map[string]any); !ok {
				return q, errors.New("QMP input member 'arguments' must be an object")
			}
		default:
			return q, fmt.Errorf("QMP input member '%s' is unexpected", k)
		}
	}
	if _, ok := m["execute"]; !ok {
		return q, errors.New("QMP input lacks member 'execute'")
	}
	return q, nil
}

func (x *session) fail(id any, class, desc string) {
	m := object{"error": object{"class": class, "desc": desc}}
	if id != nil {
		m["id"] = id
	}
	x.send(m)
}

func (x *session) answer(msg []byte) {
	q, err := parse(msg)
	if err != nil {
		x.fail(q.id, monitor.GenericError, err.Error())
		return
	}
	result, err := x.execute(q)
	if x.s.Settle != nil {
		x.s.Settle()
	}
	if err != nil {
		class := monitor.GenericError
		var e *monitor.Error
		if errors.As(err, &e) {
			class = e.Class
		}
		x.fail(q.id, class, err.Error())
		return
	}
	if result == nil {
		result = object{}
	}
	m := object{"return": result}
	if q.id != nil {
		m["id"] = q.id
	}
	x.send(m)
}

// execute runs the commands that belong to the protocol itself, and else the table's.
func (x *session) execute(q request) (any, error) {
	cmd := x.s.Table.ByQMP(q.name)
	switch {
	case !x.ready.Load() && q.name != capabilities:
		return nil, monitor.Errorf(monitor.CommandNotFound, "Expecting capabilities negotiation with 'qmp_capabilities'")
	case cmd == nil:
		return nil, monitor.Errorf(monitor.CommandNotFound, "The command %s has not been found", q.name)
	case x.ready.Load() && q.name == capabilities:
		return nil, monitor.Errorf(monitor.CommandNotFound, "Capabilities negotiation is already complete, command ignored")
	}
	if err := monitor.Check(cmd, q.args); err != nil {
		return nil, err
	}
	if x.s.Trace != nil {
		x.s.Trace(q.name)
	}
	if q.args == nil {
		q.args = map[string]any{}
	}
	call := &monitor.Call{Control: x.s.Control, Args: q.args, Session: &monitor.Session{}}
	switch q.name {
	case capabilities:
		if list, _ := q.args["enable"].([]any); len(list) > 0 {
			return nil, monitor.Errorf(monitor.GenericError, "Capability %v not available", list[0])
		}
		x.ready.Store(true)
		return nil, nil
	case "human-monitor-command":
		return x.human(call)
	}
	return cmd.Run(call)
}

const capabilities = "qmp_capabilities"

// human runs a line of the monitor for people.
func (x *session) human(c *monitor.Call) (any, error) {
	s := &monitor.Session{}
	if n := c.Int("cpu-index", 0); n < 0 || n >= int64(c.CPUs()) {
		return nil, monitor.Errorf(monitor.GenericError, "Parameter 'cpu-index' expects a CPU number")
	} else {
		s.CPU = int(n)
	}
	var out bytes.Buffer
	hmp.Run(x.s.Table, c.Control, s, &out, c.Str("command-line"))
	return string(bytes.ReplaceAll(out.Bytes(), []byte("\n"), []byte("\r\n"))), nil
}
