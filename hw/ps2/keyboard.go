package ps2

import (
	"govm-desktop/clock"
	"govm-desktop/input"
	"govm-desktop/snapshot"
)

// Limits of the keyboard's queue, in bytes: a new key needs room below the first; what lets a key go that the guest knows to be down may
// go on to the second, so that no key hangs.
const (
	makeLimit  = 128
	breakLimit = 1024
)

// defaultRate is 10.9 characters a second after half a second.
const defaultRate = 0x2b

// Keys with sequences of their own (evdev numbers).
const (
	keyLeftCtrl   input.Code = 29
	keyLeftShift  input.Code = 42
	keyRightShift input.Code = 54
	keyLeftAlt    input.Code = 56
	keyRightCtrl  input.Code = 97
	keySysRq      input.Code = 99
	keyRightAlt   input.Code = 100
	keyPause      input.Code = 119
	keyHangeul    input.Code = 122
	keyHanja      input.Code = 123
	maxCode                  = 0x300
)

// queue is bytes on their way to the guest.
type queue []byte

func (q *queue) take() uint8 {
	b := (*q)[0]
	*q = (*q)[1:]
	return b
}

// Kinds of keys in scan set 3.
const (
	typeNoBreak  = 1 << 0
	typeNoRepeat = 1 << 1
)

// keyboard is the keyboard. The controller's mu guards it.
type keyboard struct {
	c         *Controller
	typematic clock.Timer

	scanning bool
	set      uint8
	leds     input.LEDs
	rate     uint8
	cmd      uint8 // the command whose parameter is awaited; 0: none
	last     uint8 // for resending
	replies  queue // go before q
	q        queue
	held     [maxCode / 8]uint8
	types    [256]uint8 // per code of set 3
	repeat   input.Code // the key that repeats; 0: none
	repeatAt clock.Time
	sysRq    uint8 // which sequence PrintScreen began: see sysRqMake
}

func (k *keyboard) powerOn() {
	k.typematic.Stop()
	k.defaults()
	k.scanning = true
	k.leds, k.cmd, k.last = 0, 0, 0
	k.replies, k.q = nil, nil
	k.held = [maxCode / 8]uint8{}
	k.sysRq = 0
}

// defaults is what the commands F5, F6 and FF restore.
func (k *keyboard) defaults() {
	k.set, k.rate = 2, defaultRate
	k.types = [256]uint8{}
	k.q = nil
	k.repeat, k.repeatAt = 0, 0
}

func (k *keyboard) state(s *snapshot.Coder) {
	snapshot.Field(s, "scanning", &k.scanning)
	snapshot.Field(s, "set", &k.set)
	snapshot.Field(s, "leds", &k.leds)
	snapshot.Field(s, "rate", &k.rate)
	snapshot.Field(s, "cmd", &k.cmd)
	snapshot.Field(s, "last", &k.last)
	s.Slice("replies", (*[]byte)(&k.replies), breakLimit)
	s.Slice("queue", (*[]byte)(&k.q), breakLimit)
	s.Bytes("held", k.held[:])
	s.Bytes("types", k.types[:])
	snapshot.Field(s, "repeat", &k.repeat)
	snapshot.Field(s, "repeatat", &k.repeatAt)
	snapshot.Field(s, "sysrq", &k.sysRq)
	k.set = min(max(k.set, 1), 3)
	k.repeat = min(k.repeat, maxCode-1)
}

// waiting reports whether there is a byte to send. Between a command and its parameter the keyboard does not scan (keyboard reference, "set/reset
// status indicators"): what is pressed then is sent afterwards.
func (k *keyboard) waiting() bool { return len(k.replies) > 0 || len(k.q) > 0 && !k.commanded() }

// commanded reports whether a command is under way. Those that take any number of parameters (types of single keys) end when they like.
func (k *keyboard) commanded() bool { return k.cmd != 0 && k.cmd < 0xfb || len(k.replies) > 0 }

// take is the next byte; a break prefix and its code stay together.
func (k *keyboard) take() uint8 {
	q := &k.replies
	if len(k.replies) == 0 || k.c.xlateF0 && len(k.q) > 0 {
		q = &k.q
	}
	k.last = q.take()
	return k.last
}

func (k *keyboard) isHeld(code input.Code) bool { return k.held[code/8]&(1<<(code%8)) != 0 }

func (k *keyboard) anyHeld(codes ...input.Code) bool {
	for _, c := range codes {
		if k.isHeld(c) {
			return true
		}
	}
	return false
}

// Keyboard is where key events go.
func (c *Controller) Keyboard() input.Sink { return (*keyboardSink)(&c.kbd) }

type keyboardSink keyboard

// Send implements input.Sink. Repeated presses of a key that is down are dropped: the keyboard repeats by itself.
func (s *keyboardSink) Send(e input.Event) {
	k := (*keyboard)(s)
	if e.Kind != input.Key || e.Code >= maxCode {
		return
	}
	k.c.mu.Lock()
	defer k.c.mu.Unlock()
	if e.Down != k.isHeld(e.Code) {
		k.key(e.Code, e.Down)
		k.c.pump()
		k.c.lines()
	}
}

// key is a change of one key.
func (k *keyboard) key(code input.Code, down bool) {
	seq := k.sequence(code, down)
	if down {
		if k.scanning && len(k.q)+len(seq) > makeLimit {
			return // as if it had not been pressed
		}
		k.held[code/8] |= 1 << (code % 8)
	} else {
		k.held[code/8] &^= 1 << (code % 8)
	}
	if k.scanning && len(k.q)+len(seq) <= breakLimit {
		k.q = append(k.q, seq...)
	}
	switch {
	case !down && code == k.repeat:
		k.repeat = 0
	case down && k.repeats(code, seq):
		k.repeat = code
		k.repeatAt = k.c.cfg.Clock.Now() + clock.Time(1+k.rate>>5&3)*250*clock.Millisecond
	}
	k.arm()
}

// repeats reports whether a key that sent seq repeats while it is held.
func (k *keyboard) repeats(code input.Code, seq []byte) bool {
	switch code {
	case keyPause, keyHangeul, keyHanja:
		return false
	}
	return len(seq) > 0 && (k.set != 3 || k.types[seq[0]]&typeNoRepeat == 0)
}

func (k *keyboard) arm() {
	if k.repeat == 0 {
		k.typematic.Stop()
		return
	}
	k.typematic.Set(max(k.repeatAt, k.c.cfg.Clock.Now()))
}

// period is the time between repetitions (keyboard reference, "set typematic rate/delay").
func (k *keyboard) period() clock.Time {
	return clock.Time(8+k.rate&7) << (k.rate >> 3 & 3) * 4170 * clock.Microsecond
}

// fire repeats the key that is held. Repetitions that find the queue in use are dropped.
func (k *keyboard) fire() {
	k.c.mu.Lock()
	defer k.c.mu.Unlock()
	now := k.c.cfg.Clock.Now()
	if k.repeat == 0 || now < k.repeatAt {
		return
	}
	k.repeatAt = now + k.period()
	if k.scanning && len(k.q) < 16 {
		if k.repeat == keySysRq {
			k.q = append(k.q, k.sysRqRepeat()...)
		} else {
			k.q = append(k.q, k.sequence(k.repeat, true)...)
		}
		k.c.pump()
		k.c.lines()
	}
	k.arm()
}

// write is a byte from the host.
func (k *keyboard) write(v uint8) {
	if k.cmd != 0 && v < 0xed {
		cmd := k.cmd
		k.cmd = 0
		k.parameter(cmd, v)
		return
	}
	k.cmd = 0
	k.replies = nil
	if v >= 0xf4 && v <= 0xf6 || v == 0xff {
		k.c.saved = k.c.saved && !k.c.savedScan // what was pressed before counts no more
	}
	switch v {
	case 0xed, 0xf0, 0xf3, 0xfb, 0xfc, 0xfd: // lights, scan set, rate, types of single keys
		k.cmd = v
		k.ack()
	case 0xee: // echo
		k.reply(0xee)
	case 0xf2: // identify
		k.ack(0xab, 0x83)
	case 0xf4: // enable
		k.q, k.scanning = nil, true
		k.ack()
	case 0xf5: // disable
		k.defaults()
		k.scanning = false
		k.ack()
	case 0xf6: // defaults
		k.defaults()
		k.scanning = true
		k.ack()
	case 0xf7, 0xf8, 0xf9, 0xfa: // all keys typematic, make and break, make, everything
		t := [4]uint8{typeNoBreak, typeNoRepeat, typeNoBreak | typeNoRepeat, 0}[v-0xf7]
		for i := range k.types {
			k.types[i] = t
		}
		k.ack()
	case 0xfe: // resend
		k.reply(k.last)
	case 0xff: // reset
		k.powerOn()
		k.ack(0xaa)
	default:
		k.reply(0xfe)
	}
	k.arm()
}

// parameter is the byte after a command that takes one.
func (k *keyboard) parameter(cmd, v uint8) {
	switch {
	case cmd == 0xed:
		k.leds = input.LEDs(v & 7) // scroll, num, caps from bit 0, as input has them
	case cmd == 0xf3:
		k.rate = v & 0x7f
	case cmd == 0xf0 && v == 0:
		k.ack(k.set)
		return
	case cmd == 0xf0 && v <= 3:
		k.set = v
		k.q = nil
	case cmd >= 0xfb:
		k.types[v] = [3]uint8{typeNoBreak, typeNoRepeat, typeNoBreak | typeNoRepeat}[cmd-0xfb]
		k.cmd = cmd // until the next command
	default:
		k.reply(0xfe)
		return
	}
	k.ack()
}

func (k *keyboard) ack(more ...uint8) { k.reply(append([]uint8{keyboardAck}, more...)...) }

func (k *keyboard) reply(b ...uint8) {
	if len(k.replies)+len(b) <= makeLimit {
		k.replies = append(k.replies, b...)
	}
}
