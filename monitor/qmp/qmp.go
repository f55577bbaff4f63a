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

	mu       sync.Mutex // guards everything below
	sessions map[*session]bool
}

type object = map[string]any

// Event sends an event to every session that has finished negotiation. A session whose reader is so slow that its queue is full misses it.
func (s *Server) Event(name string, data object) {
	now := time.Now()
	e := object{"event": name, "timestamp": object{"seconds": now.Unix(), "microseconds": now.Nanosecond() / 1000}}
	if data != nil {
		e["data"] = data
	}
	for _, x := range s.all() {
		if x.ready.Load() {
			x.out.put(encode(e), false)
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
}

// encode makes a message. What the table's commands return can always be encoded.
func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		b, _ = json.Marshal(object{"error": object{"class": monitor.GenericError, "desc": err.Error()}})
	}
	return append(b, '\r', '\n')
}

func (x *session) send(v any) { x.out.put(encode(v), true) }

// Serve greets and answers on a stream until it ends.
func (s *Server) Serve(rw io.ReadWriter) error {
	x := &session{s: s, out: newOutbox(rw)}
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
	x.send(object{"QMP": object{"version": s.version(), "capabilities": []string{}}})
	return x.loop(rw)
}

func (s *Server) version() object {
	return object{"qemu": object{"major": 7, "minor": 2, "micro": 0}, "package": "govm-desktop " + s.Control.Version()}
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

type request struct {
	Execute   string         `json:"execute"`
	Arguments map[string]any `json:"arguments"`
	ID        any            `json:"id"`
}

func (x *session) fail(id any, class, desc string) {
	m := object{"error": object{"class": class, "desc": desc}}
	if id != nil {
		m["id"] = id
	}
	x.send(m)
}

func (x *session) answer(msg []byte) {
	var q request
	if err := json.Unmarshal(msg, &q); err != nil {
		x.fail(nil, monitor.GenericError, "JSON parse error: "+err.Error())
		return
	}
	if q.Execute == "" {
		x.fail(q.ID, monitor.GenericError, "QMP input lacks member 'execute'")
		return
	}
	if !x.ready.Load() && q.Execute != "qmp_capabilities" {
		x.fail(q.ID, monitor.CommandNotFound, "Expecting capabilities negotiation with 'qmp_capabilities'")
		return
	}
	result, err := x.execute(q)
	if err != nil {
		class := monitor.GenericError
		var e *monitor.Error
		if errors.As(err, &e) {
			class = e.Class
		}
		x.fail(q.ID, class, err.Error())
		return
	}
	if result == nil {
		result = object{}
	}
	m := object{"return": result}
	if q.ID != nil {
		m["id"] = q.ID
	}
	x.send(m)
}

// execute runs the commands that belong to the protocol itself, and else the table's.
func (x *session) execute(q request) (any, error) {
	switch q.Execute {
	case "qmp_capabilities":
		if x.ready.Swap(true) {
			return nil, &monitor.Error{Class: monitor.CommandNotFound, Desc: "Capabilities negotiation is already complete, command ignored"}
		}
		return nil, nil
	case "query-version":
		return x.s.version(), nil
	case "query-commands":
		return x.commands(), nil
	case "human-monitor-command":
		line, _ := q.Arguments["command-line"].(string)
		var out bytes.Buffer
		hmp.Run(x.s.Table, x.s.Control, &out, line)
		return out.String(), nil
	}
	cmd := x.s.Table.ByQMP(q.Execute)
	if cmd == nil {
		return nil, &monitor.Error{Class: monitor.CommandNotFound, Desc: fmt.Sprintf("The command %s has not been found", q.Execute)}
	}
	if err := check(cmd, q.Arguments); err != nil {
		return nil, err
	}
	return cmd.Run(x.s.Control, q.Arguments)
}

func (x *session) commands() []object {
	names := []object{{"name": "qmp_capabilities"}, {"name": "query-version"}, {"name": "query-commands"}, {"name": "human-monitor-command"}}
	x.s.Table.All(func(c *monitor.Command) {
		if c.QMP != "" {
			names = append(names, object{"name": c.QMP})
		}
	})
	return names
}

// check compares the arguments with the parameters.
func check(cmd *monitor.Command, args map[string]any) error {
	known := map[string]bool{"force": cmd.QMP == "eject"}
	for _, p := range cmd.Params {
		known[p.Name] = p.Type != monitor.Flag
		v, there := args[p.Name]
		if !there {
			if !p.Optional {
				return &monitor.Error{Class: monitor.GenericError, Desc: fmt.Sprintf("Parameter '%s' is missing", p.Name)}
			}
			continue
		}
		if want := typeName(p.Type); want != "" && jsonType(v) != want {
			return &monitor.Error{Class: monitor.GenericError, Desc: fmt.Sprintf("Invalid parameter type for '%s', expected: %s", p.Name, want)}
		}
	}
	for name := range args {
		if !known[name] {
			return &monitor.Error{Class: monitor.GenericError, Desc: fmt.Sprintf("Parameter '%s' is unexpected", name)}
		}
	}
	return nil
}

func typeName(t monitor.Type) string {
	switch t {
	case monitor.String, monitor.File:
		return "string"
	case monitor.Int:
		return "integer"
	case monitor.Bool:
		return "boolean"
	}
	return ""
}

func jsonType(v any) string {
	switch v.(type) {
	case string:
		return "string"
	case float64:
		return "integer"
	case bool:
		return "boolean"
	}
	return "other"
}
