package ps2

import "govm-desktop/input"

// sequence is what a key sends in the present scan set when it goes down or up.
func (k *keyboard) sequence(code input.Code, down bool) []byte {
	switch code {
	case keySysRq:
		if down {
			return k.sysRqMake()
		}
		return k.sysRqBreak()
	case keyPause:
		return k.pause(down)
	case keyHangeul, keyHanja: // make codes alone, in every set: keyboards of 103 keys have no break here
		if !down {
			return nil
		}
		if code == keyHangeul {
			return []byte{0xf2}
		}
		return []byte{0xf1}
	}
	mk, ok := k.c.cfg.Scancode(code, int(k.set))
	if !ok || len(mk) == 0 {
		return nil
	}
	if down {
		return mk
	}
	return k.breakOf(mk)
}

// breakOf is the break code that belongs to a make code.
func (k *keyboard) breakOf(mk []byte) []byte {
	last := mk[len(mk)-1]
	prefix := mk[: len(mk)-1 : len(mk)-1]
	switch {
	case k.set == 1:
		return append(prefix, last|0x80)
	case k.set == 3 && k.types[mk[0]]&typeNoBreak != 0:
		return nil
	default:
		return append(prefix, 0xf0, last)
	}
}

// Sequences of PrintScreen: with a shift before it, plain under Ctrl or Shift, and SysRq under Alt.
const (
	sysRqPlain = iota
	sysRqShifted
	sysRqAlt
)

func (k *keyboard) sysRqMake() []byte {
	switch {
	case k.anyHeld(keyLeftAlt, keyRightAlt):
		k.sysRq = sysRqAlt
	case k.anyHeld(keyLeftShift, keyRightShift, keyLeftCtrl, keyRightCtrl):
		k.sysRq = sysRqShifted
	default:
		k.sysRq = sysRqPlain
	}
	if k.sysRq == sysRqPlain && k.set < 3 {
		return append([]byte{0xe0, [2]byte{0x2a, 0x12}[k.set-1]}, k.sysRqRepeat()...)
	}
	return k.sysRqRepeat()
}

// sysRqRepeat is the make code without the shift.
func (k *keyboard) sysRqRepeat() []byte {
	switch {
	case k.set == 3:
		return []byte{0x57}
	case k.sysRq == sysRqAlt:
		return []byte{[2]byte{0x54, 0x84}[k.set-1]}
	default:
		return []byte{0xe0, [2]byte{0x37, 0x7c}[k.set-1]}
	}
}

func (k *keyboard) sysRqBreak() []byte {
	switch {
	case k.set == 3:
		return []byte{0xf0, 0x57}
	case k.set == 2 && k.sysRq == sysRqAlt:
		return []byte{0xf0, 0x84}
	case k.set == 2 && k.sysRq == sysRqShifted:
		return []byte{0xe0, 0xf0, 0x7c}
	case k.set == 2:
		return []byte{0xe0, 0xf0, 0x7c, 0xe0, 0xf0, 0x12}
	case k.sysRq == sysRqAlt:
		return []byte{0xd4}
	case k.sysRq == sysRqShifted:
		return []byte{0xe0, 0xb7}
	default:
		return []byte{0xe0, 0xb7, 0xe0, 0xaa}
	}
}

// pause sends make and break at once when it goes down; under Ctrl it is Break.
func (k *keyboard) pause(down bool) []byte {
	ctrl := k.anyHeld(keyLeftCtrl, keyRightCtrl)
	switch {
	case k.set == 3 && down:
		return []byte{0x62}
	case k.set == 3:
		return []byte{0xf0, 0x62}
	case !down:
		return nil
	case k.set == 2 && ctrl:
		return []byte{0xe0, 0x7e, 0xe0, 0xf0, 0x7e}
	case k.set == 2:
		return []byte{0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77}
	case ctrl:
		return []byte{0xe0, 0x46, 0xe0, 0xc6}
	default:
		return []byte{0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5}
	}
}
