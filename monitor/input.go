package monitor

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"govm-desktop/input"
)

// maxHold bounds how long one sendkey keeps the monitor.
const maxHold = 10 * time.Second

func inputCommands() []*Command {
	return []*Command{
		{HMP: "sendkey", Params: []Param{{Name: "keys", Complete: func(c Control) []string { return c.KeyNames() }}, {Name: "hold_ms", Type: Int, Optional: true}},
			Help: "press keys together: sendkey ctrl-alt-f1 [milliseconds]", Run: runSendkey},
		{QMP: "send-key", Params: []Param{{Name: "keys", Type: JSON, Of: []KeyValue{}}, {Name: "hold-time", Type: Int, Optional: true}}, Run: runSendKeyQMP},
		{QMP: "input-send-event", Params: []Param{{Name: "device", Optional: true}, {Name: "head", Type: Int, Optional: true}, {Name: "events", Type: JSON, Of: []InputEvent{}}}, Run: runInputSendEvent},
		{HMP: "mouse_move", Params: []Param{{Name: "dx", Type: Int}, {Name: "dy", Type: Int}, {Name: "dz", Type: Int, Optional: true}}, Help: "move the mouse by pixels, the wheel by dz", Run: do(mouseMove)},
		{HMP: "mouse_button", Params: []Param{{Name: "state", Type: Int}}, Help: "hold buttons: 1 left, 2 right, 4 middle, added up", Run: do(mouseButton)},
		{HMP: "mouse_set", Params: []Param{{Name: "index", Type: Int}}, Help: "choose the mouse that moves: mouse_set INDEX (info mice)", Run: try(func(c *Call) error { return c.UseMouse(int(c.Int("index", 0))) })},
		{HMP: "info mice", QMP: "query-mice", Help: "the guest's pointing devices", Returns: []Mouse{}, Run: func(c *Call) (any, error) { return list(c.Mice()), nil }, Print: printMice},
	}
}

// list is never null in JSON.
func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

func printMice(w io.Writer, r any) {
	all := r.([]Mouse)
	if len(all) == 0 {
		io.WriteString(w, "No mouse devices connected\n")
	}
	for _, m := range all {
		mark, abs := ' ', ""
		if m.Current {
			mark = '*'
		}
		if m.Absolute {
			abs = " (absolute)"
		}
		fmt.Fprintf(w, "%c Mouse #%d: %s%s\n", mark, m.Index, m.Name, abs)
	}
}

// KeyValue is a key as QMP names it.
type KeyValue struct {
	Type KeyValueKind `json:"type"`
}

// KeyValueKind says how.
type KeyValueKind string

// Values implements enum.
func (KeyValueKind) Values() []string { return []string{"number", "qcode"} }

func (KeyValue) tag() string { return "type" }

func (KeyValue) cases() map[string]any {
	return map[string]any{"number": struct {
		Data int64 `json:"data"`
	}{}, "qcode": struct {
		Data string `json:"data"`
	}{}}
}

// keyName is what Control.Key takes.
func keyName(v any) string {
	m, _ := v.(map[string]any)
	switch d := m["data"].(type) {
	case string:
		return d
	case json.Number:
		n, _ := integer(d)
		return "0x" + strconv.FormatInt(n, 16)
	}
	return ""
}

// keyNames takes "ctrl-alt-f1" apart; "minus" is the key "-".
func keyNames(s string) []string { return strings.Split(s, "-") }

func runSendkey(c *Call) (any, error) {
	return nil, press(c, keyNames(c.Str("keys")), c.Int("hold_ms", 100))
}

func runSendKeyQMP(c *Call) (any, error) {
	var names []string
	keys, _ := c.Args["keys"].([]any)
	for _, k := range keys {
		names = append(names, keyName(k))
	}
	return nil, press(c, names, c.Int("hold-time", 100))
}

// press holds keys down together, then lets them go in the opposite order.
func press(c *Call, names []string, ms int64) error {
	var down []string
	defer func() {
		for i := len(down) - 1; i >= 0; i-- {
			c.Key(down[i], false)
		}
	}()
	for _, n := range names {
		if !c.Key(n, true) {
			return noKey(n)
		}
		down = append(down, n)
	}
	time.Sleep(min(time.Duration(min(max(ms, 0), int64(maxHold/time.Millisecond)))*time.Millisecond, maxHold))
	return nil
}

func noKey(name string) error { return errorf(GenericError, "invalid parameter: %s", name) }

func mouseMove(c *Call) {
	c.Pointer(input.Event{Kind: input.Rel, X: int32(c.Int("dx", 0)), Y: int32(c.Int("dy", 0))})
	if dz := c.Int("dz", 0); dz != 0 {
		c.Pointer(input.Event{Kind: input.Wheel, Y: int32(-dz)})
	}
	c.Pointer(input.Event{Kind: input.Sync})
}

func mouseButton(c *Call) {
	state := c.Int("state", 0)
	for i, b := range []input.Code{input.BtnLeft, input.BtnRight, input.BtnMiddle} {
		c.Pointer(input.Event{Kind: input.Button, Code: b, Down: state>>i&1 != 0})
	}
	c.Pointer(input.Event{Kind: input.Sync})
}

// InputEvent is one of input-send-event's.
type InputEvent struct {
	Type InputEventKind `json:"type"`
}

// InputEventKind says what an InputEvent is.
type InputEventKind string

// Values implements enum.
func (InputEventKind) Values() []string { return []string{"abs", "btn", "key", "rel"} }

// InputButton is a button of a mouse, wheels among them.
type InputButton string

// Values implements enum.
func (InputButton) Values() []string {
	return []string{"left", "middle", "right", "wheel-up", "wheel-down", "side", "extra", "wheel-left", "wheel-right"}
}

// InputAxis is a direction.
type InputAxis string

// Values implements enum.
func (InputAxis) Values() []string { return []string{"x", "y"} }

type (
	inputKey struct {
		Data struct {
			Key  KeyValue `json:"key"`
			Down bool     `json:"down"`
		} `json:"data"`
	}
	inputButton struct {
		Data struct {
			Button InputButton `json:"button"`
			Down   bool        `json:"down"`
		} `json:"data"`
	}
	inputMove struct {
		Data struct {
			Axis  InputAxis `json:"axis"`
			Value int64     `json:"value"`
		} `json:"data"`
	}
)

func (InputEvent) tag() string { return "type" }

func (InputEvent) cases() map[string]any {
	return map[string]any{"key": inputKey{}, "btn": inputButton{}, "rel": inputMove{}, "abs": inputMove{}}
}

// runInputSendEvent sends all events, or none if one of them names a key that is none.
func runInputSendEvent(c *Call) (any, error) {
	all, _ := c.Args["events"].([]any)
	for _, e := range all {
		m := e.(map[string]any)
		if m["type"] == "key" {
			name := keyName(m["data"].(map[string]any)["key"])
			if !contains(c.KeyNames(), name) && !strings.HasPrefix(name, "0x") {
				return nil, notAccepted("data", name)
			}
		}
	}
	moved := false
	for _, e := range all {
		m := e.(map[string]any)
		if moved && m["type"] != "abs" {
			moved = sendPosition(c)
		}
		moved = sendInput(c, m) || moved
	}
	if moved {
		sendPosition(c)
	}
	c.Pointer(input.Event{Kind: input.Sync})
	return nil, nil
}

// sendInput sends an event; moved: an absolute position has changed, of which the other half may be about to come.
func sendInput(c *Call, e map[string]any) (moved bool) {
	d := Args(e["data"].(map[string]any))
	x := d.Str("axis") == "x"
	v := int32(min(max(d.Int("value", 0), -1<<31), 1<<31-1))
	switch e["type"] {
	case "key":
		c.Key(keyName(d["key"]), d.Bool("down"))
	case "btn":
		sendButton(c, d.Str("button"), d.Bool("down"))
	case "rel":
		move := input.Event{Kind: input.Rel, X: v}
		if !x {
			move.X, move.Y = 0, v
		}
		c.Pointer(move)
	case "abs":
		v = min(max(v, 0), input.AbsMax)
		if x {
			c.Session.absX = v
		} else {
			c.Session.absY = v
		}
		return true
	}
	return false
}

// sendPosition sends both halves of an absolute position.
func sendPosition(c *Call) bool {
	c.Pointer(input.Event{Kind: input.Abs, X: c.Session.absX, Y: c.Session.absY})
	return false
}

func sendButton(c *Call, name string, down bool) {
	wheel := map[string]input.Event{"wheel-up": {Kind: input.Wheel, Y: 1}, "wheel-down": {Kind: input.Wheel, Y: -1}, "wheel-left": {Kind: input.Wheel, X: -1}, "wheel-right": {Kind: input.Wheel, X: 1}}
	if e, ok := wheel[name]; ok {
		if down {
			c.Pointer(e)
		}
		return
	}
	code := map[string]input.Code{"left": input.BtnLeft, "middle": input.BtnMiddle, "right": input.BtnRight, "side": input.BtnSide, "extra": input.BtnExtra}[name]
	c.Pointer(input.Event{Kind: input.Button, Code: code, Down: down})
}
