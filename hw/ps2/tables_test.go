package ps2

import (
	"fmt"
	"testing"

	"govm-desktop/hw/hwtest"
	"govm-desktop/input"
	"govm-desktop/input/keycodemap"
)

// newTabled is a controller whose keyboard has every key of the table.
func newTabled(t *testing.T, v keycodemap.Variant) (*rig, *keycodemap.Map) {
	r, keys := newRig(t), keycodemap.New(v)
	r.c.cfg.Scancode = keys.Scancode
	hwtest.PowerOn(r.c)
	r.drain()
	return r, keys
}

// TestKeyboard_everyKeyEverySet presses each key of the table in each scan set, with translation and without.
func TestKeyboard_everyKeyEverySet(t *testing.T) {
	for _, v := range []keycodemap.Variant{keycodemap.Windows, keycodemap.Linux} {
		r, keys := newTabled(t, v)
		for set := uint8(1); set <= 3; set++ {
			r.Out8(0x64, 0x60)
			r.Out8(0x60, modeKbdInt|modeSYS) // no translation
			for _, b := range []uint8{0xf0, set, 0xf8, 0xf4} {
				r.Out8(0x60, b)
				r.want(fmt.Sprintf("command %#x", b), 0xfa)
			}
			n := 0
			for code := range input.Code(maxCode) {
				mk, ok := keys.Scancode(code, int(set))
				if !ok || code == keySysRq || code == keyPause {
					continue
				}
				n++
				want := append([]uint8{}, mk...)
				r.c.Keyboard().Send(input.Event{Kind: input.Key, Code: code, Down: true})
				r.c.Keyboard().Send(input.Event{Kind: input.Key, Code: code})
				last := len(mk) - 1
				switch {
				case keys.MakeOnly(code):
				case set == 1:
					want = append(append(want, mk[:last]...), mk[last]|0x80)
				default:
					want = append(append(append(want, mk[:last]...), 0xf0), mk[last])
				}
				r.want(fmt.Sprintf("set %d, key %d", set, code), want...)
			}
			if n < 100 {
				t.Errorf("set %d: %d keys", set, n)
			}
		}
	}
}

// TestKeyboard_dropsWholeKeystrokes fills the queue: what the guest reads afterwards has a release for every press, and no release without one.
func TestKeyboard_dropsWholeKeystrokes(t *testing.T) {
	r, _ := newTabled(t, keycodemap.Windows)
	r.Out8(0x64, 0x60)
	r.Out8(0x60, modeKbdInt|modeSYS)
	for range 100 {
		for _, code := range []input.Code{30, 103, 42, 97} { // with a prefix and without
			r.c.Keyboard().Send(input.Event{Kind: input.Key, Code: code, Down: true})
		}
		for _, code := range []input.Code{97, 42, 103, 30} {
			r.c.Keyboard().Send(input.Event{Kind: input.Key, Code: code})
		}
	}
	down, e0, f0, presses := map[int]bool{}, 0, false, 0
	for _, b := range r.drain() {
		switch b {
		case 0xe0:
			e0 = 0x100
			continue
		case 0xf0:
			f0 = true
			continue
		}
		key := e0 | int(b)
		if down[key] != f0 {
			t.Fatalf("key %#x: down is %v, and then it goes %v", key, down[key], !f0)
		}
		down[key], e0 = !f0, 0
		if !f0 {
			presses++
		}
		f0 = false
	}
	for key, d := range down {
		if d {
			t.Errorf("key %#x hangs", key)
		}
	}
	if presses == 0 || presses == 400 {
		t.Errorf("%d of 400 presses arrived: the queue was not full", presses)
	}
}
