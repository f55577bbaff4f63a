package vm

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"
)

// commandLimit is how long a QMP command may take.
const commandLimit = 2 * time.Minute

// session is a QMP connection.
type session struct {
	mu     sync.Mutex // one command at a time; guards what follows, except events
	nc     net.Conn
	replys chan reply
	evmu   sync.Mutex
	events []string
}

type reply struct {
	Return json.RawMessage `json:"return"`
	Error  *struct {
		Class string `json:"class"`
		Desc  string `json:"desc"`
	} `json:"error"`
	Event string `json:"event"`
}

// dial waits for the socket of a program that is starting, and negotiates.
func dial(path string, ended <-chan struct{}) (*session, error) {
	deadline := time.Now().Add(commandLimit)
	for {
		nc, err := net.Dial("unix", path)
		if err == nil {
			s := &session{nc: nc, replys: make(chan reply, 1)}
			go s.receive()
			_, err := s.execute("qmp_capabilities", nil)
			return s, err
		}
		select {
		case <-ended:
			return nil, errors.New("it ended at once")
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return nil, err
		}
	}
}

func (s *session) close() { s.nc.Close() }

func (s *session) receive() {
	defer close(s.replys)
	in := bufio.NewScanner(s.nc)
	in.Buffer(nil, 16<<20)
	for in.Scan() {
		var r reply
		if json.Unmarshal(in.Bytes(), &r) != nil {
			return
		}
		switch {
		case r.Event != "":
			s.evmu.Lock()
			s.events = append(s.events, r.Event)
			s.evmu.Unlock()
		case r.Return != nil || r.Error != nil:
			s.replys <- r
		}
	}
}

func (s *session) execute(command string, args any) (json.RawMessage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := map[string]any{"execute": command}
	if args != nil {
		q["arguments"] = args
	}
	b, err := json.Marshal(q)
	if err != nil {
		return nil, err
	}
	if _, err := s.nc.Write(append(b, '\n')); err != nil {
		return nil, err
	}
	select {
	case r, ok := <-s.replys:
		if !ok {
			return nil, fmt.Errorf("qmp: %s: the connection ended", command)
		}
		if r.Error != nil {
			return nil, fmt.Errorf("qmp: %s: %s", command, r.Error.Desc)
		}
		return r.Return, nil
	case <-time.After(commandLimit):
		return nil, fmt.Errorf("qmp: %s: no answer within %v", command, commandLimit)
	}
}

// Execute runs a QMP command.
func (m *Machine) Execute(command string, args any) (json.RawMessage, error) {
	return m.qmp.execute(command, args)
}

// Monitor runs a command of the monitor for people and returns what it prints.
func (m *Machine) Monitor(line string) (string, error) {
	r, err := m.Execute("human-monitor-command", map[string]any{"command-line": line})
	if err != nil {
		return "", err
	}
	var text string
	err = json.Unmarshal(r, &text)
	return strings.ReplaceAll(text, "\r", ""), err
}

// Status is what query-status says: running, paused, …
func (m *Machine) Status() (string, error) {
	r, err := m.Execute("query-status", nil)
	if err != nil {
		return "", err
	}
	var s struct{ Status string }
	err = json.Unmarshal(r, &s)
	return s.Status, err
}

// Quit ends the machine by its monitor. The connection may end before the answer comes.
func (m *Machine) Quit() { _, _ = m.Execute("quit", nil) }

// Events counts the events of a name that have come.
func (m *Machine) Events(name string) int {
	m.qmp.evmu.Lock()
	defer m.qmp.evmu.Unlock()
	n := 0
	for _, e := range m.qmp.events {
		if e == name {
			n++
		}
	}
	return n
}

// WaitEvent waits until an event has come n times.
func (m *Machine) WaitEvent(name string, n int, limit time.Duration) error {
	for deadline := time.Now().Add(limit); m.Events(name) < n; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("%s: the event %s did not come %d times within %v", m.Kind, name, n, limit)
		}
	}
	return nil
}

// Keys presses keys by QEMU's names, one after another; those joined by a plus together. Each press waits until the last is over.
func (m *Machine) Keys(names ...string) error {
	for _, n := range names {
		var keys []map[string]string
		for _, k := range strings.Split(n, "+") {
			keys = append(keys, map[string]string{"type": "qcode", "data": k})
		}
		if _, err := m.Execute("send-key", map[string]any{"keys": keys, "hold-time": 60}); err != nil {
			return err
		}
		time.Sleep(120 * time.Millisecond) // QEMU answers before the key is released
	}
	return nil
}

// Type types lower-case text, figures and spaces.
func (m *Machine) Type(text string) error {
	for _, c := range text {
		name := string(c)
		switch c {
		case ' ':
			name = "spc"
		case '\n':
			name = "ret"
		case '.':
			name = "dot"
		case '-':
			name = "minus"
		}
		if err := m.Keys(name); err != nil {
			return err
		}
	}
	return nil
}
