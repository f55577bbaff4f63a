package monitor

import (
	"strconv"
	"strings"
	"time"

	"govm-desktop/input"
)

// maxHold bounds how long one sendkey keeps the monitor.
const maxHold = 10 * time.Second

func inputCommands() []*Command {
	return []*Command{
		{HMP: "sendkey", Params: []Param{{"keys", String, false}, {"hold_ms", Int, true}},
			Help: "press keys together: sendkey ctrl-alt-f1 [milliseconds]", Run: runSendkey},
		{QMP: "send-key", Params: []Param{{"keys", Rest, false}, {"hold-time", Int, true}}, Run: runSendKeyQMP},
		{HMP: "mouse_move", Params: []Param{{"dx", Int, false}, {"dy", Int, false}, {"dz", Int, true}}, Help: "move the mouse by pixels, the wheel by dz", Run: runMouseMove},
		{HMP: "mouse_button", Params: []Param{{"state", Int, false}}, Help: "hold buttons: 1 left, 2 right, 4 middle, added up", Run: runMouseButton},
	}
}

// keyNames takes "ctrl-alt-f1" apart; "minus" is the key "-".
func keyNames(s string) []string { return strings.Split(s, "-") }

func runSendkey(c Control, a Args) (any, error) {
	return nil, press(c, keyNames(a.Str("keys")), time.Duration(a.Int("hold_ms", 100))*time.Millisecond)
}

// runSendKeyQMP takes a list of {"type":"qcode","data":"a"} or {"type":"number","data":30}.
func runSendKeyQMP(c Control, a Args) (any, error) {
	list, ok := a["keys"].([]any)
	if !ok {
		return nil, errorf(GenericError, "Invalid parameter type for 'keys', expected: array")
	}
	var names []string
	for _, k := range list {
		m, _ := k.(map[string]any)
		switch d := m["data"].(type) {
		case string:
			names = append(names, d)
		case float64:
			names = append(names, "0x"+strconv.FormatInt(int64(d), 16))
		default:
			return nil, errorf(GenericError, "Invalid parameter type for 'data', expected: qcode or number")
		}
	}
	return nil, press(c, names, time.Duration(a.Int("hold-time", 100))*time.Millisecond)
}

// press holds keys down together, then lets them go in the opposite order.
func press(c Control, names []string, hold time.Duration) error {
	var down []string
	defer func() {
		for i := len(down) - 1; i >= 0; i-- {
			c.Key(down[i], false)
		}
	}()
	for _, n := range names {
		if !c.Key(n, true) {
			return errorf(GenericError, "Invalid parameter '%s': no such key", n)
		}
		down = append(down, n)
	}
	time.Sleep(min(max(hold, 0), maxHold))
	return nil
}

func runMouseMove(c Control, a Args) (any, error) {
	c.Pointer(input.Event{Kind: input.Rel, X: int32(a.Int("dx", 0)), Y: int32(a.Int("dy", 0))})
	if dz := a.Int("dz", 0); dz != 0 {
		c.Pointer(input.Event{Kind: input.Wheel, Y: int32(-dz)})
	}
	c.Pointer(input.Event{Kind: input.Sync})
	return nil, nil
}

func runMouseButton(c Control, a Args) (any, error) {
	state := a.Int("state", 0)
	for i, b := range []input.Code{input.BtnLeft, input.BtnRight, input.BtnMiddle} {
		c.Pointer(input.Event{Kind: input.Button, Code: b, Down: state>>i&1 != 0})
	}
	c.Pointer(input.Event{Kind: input.Sync})
	return nil, nil
}
