package monitor

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

func chardevCommands() []*Command {
	id := Param{Name: "id", Complete: chardevNames}
	formats := []string{"utf8", "base64"}
	return []*Command{
		{HMP: "info chardev", QMP: "query-chardev", Help: "the character devices", Returns: []Chardev{}, Run: withChardevs(func(c *Call, d Chardevs) (any, error) { return list(d.List()), nil }), Print: printChardevs},
		{QMP: "query-chardev-backends", Returns: []ChardevKind{}, Run: withChardevs(func(c *Call, d Chardevs) (any, error) {
			all := []ChardevKind{}
			for _, b := range d.Backends() {
				all = append(all, ChardevKind{b})
			}
			return all, nil
		})},
		{HMP: "chardev-add", Params: []Param{{Name: "args", Type: Rest}}, Help: "make a character device: chardev-add KIND,id=ID[,KEY=VALUE…]", Run: withChardevs(chardevAddHMP)},
		{QMP: "chardev-add", Params: []Param{{Name: "id"}, {Name: "backend", Type: JSON, Of: ChardevBackend{}}}, Returns: ChardevReturn{}, Run: withChardevs(func(c *Call, d Chardevs) (any, error) { return chardevQMP(c, d.Add) })},
		{HMP: "chardev-change", Params: []Param{id, {Name: "args", Type: Rest}}, Help: "put another backend behind a character device: chardev-change ID KIND[,KEY=VALUE…]", Run: withChardevs(chardevChangeHMP)},
		{QMP: "chardev-change", Params: []Param{{Name: "id"}, {Name: "backend", Type: JSON, Of: ChardevBackend{}}}, Returns: ChardevReturn{}, Run: withChardevs(func(c *Call, d Chardevs) (any, error) { return chardevQMP(c, d.Change) })},
		{HMP: "chardev-remove", QMP: "chardev-remove", Params: []Param{id}, Help: "close a character device", Run: onChardev(func(c *Call, d Chardevs) (any, error) { return nil, d.Remove(c.Str("id")) })},
		{HMP: "chardev-send-break", QMP: "chardev-send-break", Params: []Param{id}, Help: "send a break on a character device", Run: onChardev(func(c *Call, d Chardevs) (any, error) { return nil, d.SendBreak(c.Str("id")) })},
		{HMP: "ringbuf_read", Params: []Param{{Name: "device", Complete: chardevNames}, {Name: "size", Type: Int}}, Help: "take bytes out of a ring buffer", Run: withChardevs(ringRead), Print: func(w io.Writer, r any) { fmt.Fprintln(w, r) }},
		{HMP: "ringbuf_write", Params: []Param{{Name: "device", Complete: chardevNames}, {Name: "data"}}, Help: "put bytes into a ring buffer", Run: withChardevs(ringWrite)},
		{QMP: "ringbuf-read", Params: []Param{{Name: "device"}, {Name: "size", Type: Int}, {Name: "format", Optional: true, Values: formats}}, Returns: "", Run: withChardevs(ringRead)},
		{QMP: "ringbuf-write", Params: []Param{{Name: "device"}, {Name: "data"}, {Name: "format", Optional: true, Values: formats}}, Run: withChardevs(ringWrite)},
	}
}

// ChardevKind is a line of query-chardev-backends.
type ChardevKind struct {
	Name string `json:"name"`
}

// ChardevReturn is chardev-add's result.
type ChardevReturn struct {
	PTY string `json:"pty,omitempty"`
}

func withChardevs(f func(*Call, Chardevs) (any, error)) func(*Call) (any, error) {
	return func(c *Call) (any, error) {
		d := c.Chardevs()
		if d == nil {
			return nil, errorf(GenericError, "character devices cannot be changed while this machine runs")
		}
		r, err := f(c, d)
		return r, generic(err)
	}
}

// onChardev is withChardevs for one that must be there.
func onChardev(f func(*Call, Chardevs) (any, error)) func(*Call) (any, error) {
	return withChardevs(func(c *Call, d Chardevs) (any, error) {
		if !hasChardev(d, c.Str("id")) {
			return nil, errorf(GenericError, "Chardev '%s' not found", c.Str("id"))
		}
		return f(c, d)
	})
}

func hasChardev(d Chardevs, id string) bool {
	return slices.ContainsFunc(d.List(), func(x Chardev) bool { return x.Label == id })
}

func chardevNames(c Control) (all []string) {
	if d := c.Chardevs(); d != nil {
		for _, x := range d.List() {
			all = append(all, x.Label)
		}
	}
	return all
}

func printChardevs(w io.Writer, r any) {
	for _, c := range r.([]Chardev) {
		fmt.Fprintf(w, "%s: filename=%s\n", c.Label, c.Filename)
	}
}

// keyValues takes "kind,key=value,flag" apart, as on the command line.
func keyValues(arg string) (kind string, pairs [][2]string) {
	const comma = "\x00"
	for i, part := range strings.Split(strings.ReplaceAll(arg, ",,", comma), ",") {
		k, v, has := strings.Cut(strings.ReplaceAll(part, comma, ","), "=")
		switch {
		case i == 0 && !has:
			kind = k
		case !has:
			pairs = append(pairs, [2]string{k, "on"})
		default:
			pairs = append(pairs, [2]string{k, v})
		}
	}
	return kind, pairs
}

// takeKey removes a key from a list.
func takeKey(pairs [][2]string, key string) (value string, rest [][2]string) {
	for _, p := range pairs {
		if p[0] == key {
			value = p[1]
		} else {
			rest = append(rest, p)
		}
	}
	return value, rest
}

func chardevAddHMP(c *Call, d Chardevs) (any, error) {
	kind, pairs := keyValues(c.Str("args"))
	id, pairs := takeKey(pairs, "id")
	if id == "" {
		return nil, errorf(GenericError, "Parameter 'id' is missing")
	}
	if hasChardev(d, id) {
		return nil, errorf(GenericError, "Chardev with id '%s' already exists", id)
	}
	_, err := d.Add(id, kind, pairs)
	return nil, err
}

func chardevChangeHMP(c *Call, d Chardevs) (any, error) {
	if !hasChardev(d, c.Str("id")) {
		return nil, errorf(GenericError, "Chardev '%s' does not exist", c.Str("id"))
	}
	kind, pairs := keyValues(c.Str("args"))
	_, err := d.Change(c.Str("id"), kind, pairs)
	return nil, err
}

// chardevQMP turns a backend's JSON into the properties of -chardev.
func chardevQMP(c *Call, make func(id, kind string, pairs [][2]string) (string, error)) (any, error) {
	backend := c.Args["backend"].(map[string]any)
	kind, _ := backend["type"].(string)
	data, _ := backend["data"].(map[string]any)
	var pairs [][2]string
	for k, v := range data {
		if k == "addr" {
			pairs = append(pairs, addressPairs(v, "")...)
			continue
		}
		if k == "remote" || k == "local" {
			pairs = append(pairs, addressPairs(v, map[string]string{"remote": "", "local": "local"}[k])...)
			continue
		}
		if rename, ok := map[string]string{"out": "path", "in": "input-path", "device": "path"}[k]; ok {
			k = rename
		}
		pairs = append(pairs, [2]string{k, plain(v)})
	}
	if kind == "socket" { // as QMP has it, not the command line
		for key, def := range map[string]string{"server": "on", "wait": "off"} {
			if data[key] == nil {
				pairs = append(pairs, [2]string{key, def})
			}
		}
	}
	slices.SortFunc(pairs, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	pty, err := make(c.Str("id"), kind, pairs)
	return ChardevReturn{pty}, err
}

// addressPairs are a SocketAddressLegacy's members as properties.
func addressPairs(v any, prefix string) (pairs [][2]string) {
	m, _ := v.(map[string]any)
	data, _ := m["data"].(map[string]any)
	for k, x := range data {
		pairs = append(pairs, [2]string{prefix + k, plain(x)})
	}
	return pairs
}

// plain is a JSON value as the command line has it.
func plain(v any) string {
	switch x := v.(type) {
	case bool:
		return map[bool]string{true: "on", false: "off"}[x]
	case string:
		return x
	case json.Number:
		return x.String()
	}
	return fmt.Sprint(v)
}

func ringRead(c *Call, d Chardevs) (any, error) {
	if !hasChardev(d, c.Str("device")) {
		return nil, errorf(GenericError, "Device '%s' not found", c.Str("device"))
	}
	n := c.Int("size", 0)
	if n <= 0 || n > 1<<24 {
		return nil, errorf(GenericError, "size must be greater than zero")
	}
	b, err := d.RingRead(c.Str("device"), int(n))
	if err != nil {
		return nil, err
	}
	if c.Str("format") == "base64" {
		return base64.StdEncoding.EncodeToString(b), nil
	}
	if !utf8.Valid(b) {
		return strings.ToValidUTF8(string(b), "\ufffd"), nil
	}
	return string(b), nil
}

func ringWrite(c *Call, d Chardevs) (any, error) {
	if !hasChardev(d, c.Str("device")) {
		return nil, errorf(GenericError, "Device '%s' not found", c.Str("device"))
	}
	data := []byte(c.Str("data"))
	if c.Str("format") == "base64" {
		var err error
		if data, err = base64.StdEncoding.DecodeString(c.Str("data")); err != nil {
			return nil, err
		}
	}
	return nil, d.RingWrite(c.Str("device"), data)
}

// ChardevBackend is what chardev-add makes: its type, and data that depend on it.
type ChardevBackend struct {
	Type ChardevType `json:"type"`
}

// ChardevType is a kind of character device.
type ChardevType string

// Values implements enum.
func (ChardevType) Values() []string {
	return []string{"file", "serial", "pipe", "socket", "udp", "pty", "null", "stdio", "vc", "ringbuf"}
}

func (ChardevBackend) tag() string { return "type" }

type (
	chardevCommon struct {
		LogFile   string `json:"logfile,omitempty"`
		LogAppend bool   `json:"logappend,omitempty"`
	}
	chardevData[T any] struct {
		Data T `json:"data"`
	}
	chardevFile struct {
		chardevCommon
		In     string `json:"in,omitempty"`
		Out    string `json:"out"`
		Append bool   `json:"append,omitempty"`
	}
	chardevHost struct {
		chardevCommon
		Device string `json:"device"`
	}
	chardevSocket struct {
		chardevCommon
		Addr      SocketAddress `json:"addr"`
		TLSCreds  string        `json:"tls-creds,omitempty"`
		Server    bool          `json:"server,omitempty"`
		Wait      bool          `json:"wait,omitempty"`
		NoDelay   bool          `json:"nodelay,omitempty"`
		Telnet    bool          `json:"telnet,omitempty"`
		WebSocket bool          `json:"websocket,omitempty"`
		Reconnect int64         `json:"reconnect,omitempty"`
	}
	chardevUDP struct {
		chardevCommon
		Remote SocketAddress  `json:"remote"`
		Local  *SocketAddress `json:"local,omitempty"`
	}
	chardevStdio struct {
		chardevCommon
		Signal bool `json:"signal,omitempty"`
	}
	chardevVC struct {
		chardevCommon
		Width  int64 `json:"width,omitempty"`
		Height int64 `json:"height,omitempty"`
		Cols   int64 `json:"cols,omitempty"`
		Rows   int64 `json:"rows,omitempty"`
	}
	chardevRing struct {
		chardevCommon
		Size int64 `json:"size,omitempty"`
	}
)

func (ChardevBackend) cases() map[string]any {
	return map[string]any{"file": chardevData[chardevFile]{}, "serial": chardevData[chardevHost]{}, "pipe": chardevData[chardevHost]{}, "socket": chardevData[chardevSocket]{},
		"udp": chardevData[chardevUDP]{}, "pty": chardevData[chardevCommon]{}, "null": chardevData[chardevCommon]{}, "stdio": chardevData[chardevStdio]{},
		"vc": chardevData[chardevVC]{}, "ringbuf": chardevData[chardevRing]{}}
}

// SocketAddress is QAPI's SocketAddressLegacy.
type SocketAddress struct {
	Type SocketType `json:"type"`
}

// SocketType is a kind of address.
type SocketType string

// Values implements enum.
func (SocketType) Values() []string { return []string{"inet", "unix"} }

func (SocketAddress) tag() string { return "type" }

func (SocketAddress) cases() map[string]any {
	return map[string]any{"inet": chardevData[struct {
		Host string `json:"host"`
		Port string `json:"port"`
		To   int64  `json:"to,omitempty"`
		IPv4 bool   `json:"ipv4,omitempty"`
		IPv6 bool   `json:"ipv6,omitempty"`
	}]{}, "unix": chardevData[struct {
		Path     string `json:"path"`
		Abstract bool   `json:"abstract,omitempty"`
	}]{}}
}
