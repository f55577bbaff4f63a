package ps2

import (
	"fmt"
	"testing"

	"govm-desktop/clock"
	"govm-desktop/hw"
	"govm-desktop/hw/hwtest"
	"govm-desktop/input"
	"govm-desktop/memory"
)

// codes are a few keys in sets 1 to 3.
var codes = map[input.Code][3][]byte{
	30:  {{0x1e}, {0x1c}, {0x1c}},             // A
	48:  {{0x30}, {0x32}, {0x32}},             // B
	29:  {{0x1d}, {0x14}, {0x11}},             // left Ctrl
	42:  {{0x2a}, {0x12}, {0x12}},             // left Shift
	56:  {{0x38}, {0x11}, {0x19}},             // left Alt
	65:  {{0x41}, {0x83}, {0x37}},             // F7
	103: {{0xe0, 0x48}, {0xe0, 0x75}, {0x63}}, // Up
}

func scancode(code input.Code, set int) ([]byte, bool) {
	c, ok := codes[code]
	return c[set-1], ok
}

type rig struct {
	*hwtest.Bench
	c                *Controller
	irq1, irq12, a20 *hwtest.Wire
	leds             []input.LEDs
	resets           int
}

func newController(b *hwtest.Bench) *rig {
	r := &rig{Bench: b, irq1: b.Line("IRQ1"), irq12: b.Line("IRQ12"), a20: b.Line("A20")}
	r.c = New(Config{Clock: b.Clock, IRQ1: r.irq1, IRQ12: r.irq12, A20: r.a20, Scancode: scancode,
		LEDs: func(l input.LEDs) { r.leds = append(r.leds, l) }, ResetCPU: func() { r.resets++ }})
	b.MapPorts(0x60, 1, r.c.Data(), memory.Widths{Max: 1})
	b.MapPorts(0x64, 1, r.c.Command(), memory.Widths{Max: 1})
	return r
}

func newRig(t *testing.T) *rig {
	r := newController(hwtest.New(t))
	hwtest.PowerOn(r.c)
	return r
}

// drain reads everything there is.
func (r *rig) drain() (got []uint8) {
	for range 4000 {
		if r.In8(0x64)&statOBF == 0 {
			r.Step(gap)
			if r.In8(0x64)&statOBF == 0 {
				return got
			}
		}
		got = append(got, r.In8(0x60))
	}
	r.T.Fatal("bytes without end")
	return nil
}

func (r *rig) want(what string, want ...uint8) {
	r.T.Helper()
	if got := r.drain(); fmt.Sprintf("%x", got) != fmt.Sprintf("%x", want) {
		r.T.Errorf("%s: got % x, want % x", what, got, want)
	}
}

// aux sends bytes to the mouse and drops the answers.
func (r *rig) aux(b ...uint8) {
	for _, v := range b {
		r.Out8(0x64, 0xd4)
		r.Out8(0x60, v)
		r.drain()
	}
}

func (r *rig) key(code input.Code, down bool) {
	r.c.Keyboard().Send(input.Event{Kind: input.Key, Code: code, Down: down})
}

func (r *rig) move(x, y int32) { r.c.Mouse().Send(input.Event{Kind: input.Rel, X: x, Y: y}) }

func (r *rig) click(code input.Code, down bool) {
	r.c.Mouse().Send(input.Event{Kind: input.Button, Code: code, Down: down})
}

func TestConformance(t *testing.T) {
	hwtest.TestDevice(t, func(b *hwtest.Bench) hw.Device { return newController(b).c })
}

// TestFirmware is what a BIOS does at power-on.
func TestFirmware(t *testing.T) {
	r := newRig(t)
	for _, s := range []struct {
		port, val uint8
		want      []uint8
	}{
		{0x64, 0xaa, []uint8{0x55}},
		{0x64, 0xab, []uint8{0x00}},
		{0x64, 0xa9, []uint8{0x00}},
		{0x64, 0x20, []uint8{0x47}},
		{0x60, 0xff, []uint8{0xfa, 0xaa}},
		{0x60, 0xf5, []uint8{0xfa}},
		{0x60, 0xf0, []uint8{0xfa}},
		{0x60, 0x02, []uint8{0xfa}},
		{0x60, 0xf4, []uint8{0xfa}},
		{0x60, 0xf2, []uint8{0xfa, 0xab, 0x41}}, // translated
		{0x60, 0xee, []uint8{0xee}},
		{0x60, 0xef, []uint8{0xfe}},
		{0x64, 0xa4, []uint8{0xf1}},
		{0x64, 0xc0, []uint8{0xa0}},
		{0x64, 0xe0, []uint8{0x00}},
		{0x64, 0xd0, []uint8{0xcf}},
	} {
		r.Out8(uint16(s.port), s.val)
		r.want(fmt.Sprintf("%x to port %x", s.val, s.port), s.want...)
	}
}

func TestStatus(t *testing.T) {
	r := newRig(t)
	hwtest.Want(t, "status", r.In8(0x64), 0x14)
	r.Out8(0x64, 0xaa)
	hwtest.Want(t, "status", r.In8(0x64), 0x1d)
	r.In8(0x60)
	hwtest.Want(t, "status", r.In8(0x64), 0x1c)
	hwtest.Want(t, "the byte read again", r.In8(0x60), 0x55)
	r.Out8(0x64, 0xd3)
	r.Out8(0x60, 0x77)
	hwtest.Want(t, "status", r.In8(0x64), 0x35)
	r.WantIRQ(r.irq12)
	r.In8(0x60)
	r.WantLow(r.irq12)
	r.Out8(0x64, 0xd2)
	r.Out8(0x60, 0x66)
	r.WantIRQ(r.irq1)
	hwtest.Want(t, "data", r.In8(0x60), 0x66)
}

func TestCommandByte(t *testing.T) {
	r := newRig(t)
	r.Out8(0x64, 0x60)
	r.Out8(0x60, 0x30)
	r.Out8(0x64, 0x20)
	r.want("command byte", 0x30)
	r.key(30, true)
	r.want("keyboard off")
	r.Out8(0x64, 0xae)
	r.want("keyboard on, not translated", 0x1c)
	r.Out8(0x64, 0x7f)
	r.Out8(0x60, 0x99)
	r.Out8(0x64, 0x3f)
	r.want("RAM 1f", 0x99)
	r.Out8(0x64, 0xa8)
	r.Out8(0x64, 0x20)
	r.want("command byte", 0x00)
}

func TestOutputPort(t *testing.T) {
	r := newRig(t)
	r.WantIRQ(r.a20)
	r.Out8(0x64, 0xd1)
	r.Out8(0x60, 0xdd)
	r.WantLow(r.a20)
	r.Out8(0x64, 0xdf)
	r.WantIRQ(r.a20)
	r.Out8(0x64, 0xdd)
	r.WantLow(r.a20)
	hwtest.Want(t, "resets", r.resets, 0)
	r.Out8(0x64, 0xff, 0xfe)
	hwtest.Want(t, "resets", r.resets, 1)
	r.Out8(0x64, 0xd1)
	r.Out8(0x60, 0x02)
	hwtest.Want(t, "resets", r.resets, 2)
}

func TestKeys(t *testing.T) {
	const pause, print, hangeul, hanja = 119, 99, 122, 123
	type ev struct {
		code input.Code
		down bool
	}
	press := func(c ...input.Code) (e []ev) {
		for _, k := range c {
			e = append(e, ev{k, true})
		}
		for i := len(c) - 1; i >= 0; i-- {
			e = append(e, ev{c[i], false})
		}
		return e
	}
	for _, c := range []struct {
		name   string
		events []ev
		set    [4]string // sets 1, 2, 3, and 2 translated
	}{
		{"A", press(30), [4]string{"1e9e", "1cf01c", "1cf01c", "1e9e"}},
		{"Up", press(103), [4]string{"e048e0c8", "e075e0f075", "63f063", "e048e0c8"}},
		{"F7", press(65), [4]string{"41c1", "83f083", "37f037", "41c1"}},
		{"Pause", press(pause), [4]string{"e11d45e19dc5", "e11477e1f014f077", "62f062", "e11d45e19dc5"}},
		{"Break", press(29, pause), [4]string{"1de046e0c69d", "14e07ee0f07ef014", "1162f062f011", "1de046e0c69d"}},
		{"PrintScreen", press(print), [4]string{"e02ae037e0b7e0aa", "e012e07ce0f07ce0f012", "57f057", "e02ae037e0b7e0aa"}},
		{"Shift PrintScreen", press(42, print), [4]string{"2ae037e0b7aa", "12e07ce0f07cf012", "1257f057f012", "2ae037e0b7aa"}},
		{"SysRq", press(56, print), [4]string{"3854d4b8", "1184f084f011", "1957f057f019", "3854d4b8"}},
		{"SysRq, Alt up first", []ev{{56, true}, {print, true}, {56, false}, {print, false}}, [4]string{"3854b8d4", "1184f011f084", "1957f019f057", "3854b8d4"}},
		{"Hangeul", press(hangeul), [4]string{"f2", "f2", "f2", "f2"}},
		{"Hanja", press(hanja), [4]string{"f1", "f1", "f1", "f1"}},
		{"unknown", press(500), [4]string{}},
		{"repeats of the display's", []ev{{30, true}, {30, true}, {30, false}, {30, false}}, [4]string{"1e9e", "1cf01c", "1cf01c", "1e9e"}},
	} {
		for i, want := range c.set {
			r := newRig(t)
			mode := []uint8{0x04, 0x44}[i/3]
			r.Out8(0x64, 0x60)
			r.Out8(0x60, mode)
			r.Out8(0x60, 0xf0)
			r.Out8(0x60, []uint8{1, 2, 3, 2}[i])
			r.drain()
			for _, e := range c.events {
				r.key(e.code, e.down)
			}
			hwtest.Want(t, fmt.Sprintf("%s, %d", c.name, i), fmt.Sprintf("%x", r.drain()), want)
		}
	}
}

func TestKey_interrupts(t *testing.T) {
	r := newRig(t)
	r.key(103, true)
	r.WantIRQ(r.irq1)
	hwtest.Want(t, "first byte", r.In8(0x60), 0xe0)
	r.WantLow(r.irq1)
	hwtest.Want(t, "first byte read by the next handler", r.In8(0x60), 0xe0)
	r.Step(gap)
	r.WantIRQ(r.irq1)
	hwtest.Want(t, "second byte", r.In8(0x60), 0x48)
	r.WantPulses(r.irq1, 2)
}

func TestReply_keepsWaitingByte(t *testing.T) {
	r := newRig(t)
	r.key(30, true)
	r.Out8(0x64, 0x20)
	hwtest.Want(t, "command byte", r.In8(0x60), 0x47)
	r.want("key", 0x1e)
}

func TestTypematic(t *testing.T) {
	r := newRig(t)
	r.key(30, true)
	r.want("make", 0x1e)
	r.Step(499*clock.Millisecond - 3*gap)
	r.want("before the delay")
	n := 0
	for range 1000 {
		r.Step(clock.Millisecond)
		n += len(r.drain())
	}
	if n < 10 || n > 14 {
		t.Errorf("%d repetitions in a second and a bit, want 11 or so", n)
	}
	r.key(48, true)
	r.want("other key", 0x30)
	r.key(30, false)
	r.want("break", 0x9e)
	r.Step(600 * clock.Millisecond)
	hwtest.Want(t, "the last key pressed repeats", r.drain()[0], 0x30)
	r.key(48, false)
	r.drain()
	r.Step(2 * clock.Second)
	r.want("nothing repeats")
}

func TestTypematic_rate(t *testing.T) {
	r := newRig(t)
	r.Out8(0x60, 0xf3)
	r.Out8(0x60, 0x00)
	r.want("acknowledgements", 0xfa, 0xfa)
	r.key(30, true)
	r.drain()
	r.Step(250 * clock.Millisecond)
	n := 0
	for range 200 {
		r.Step(5 * clock.Millisecond)
		n += len(r.drain())
	}
	if n < 28 || n > 33 {
		t.Errorf("%d repetitions in a second, want 30", n)
	}
}

func TestSet3_types(t *testing.T) {
	r := newRig(t)
	r.Out8(0x64, 0x60)
	r.Out8(0x60, 0x04)
	for _, v := range []uint8{0xf0, 3, 0xf8, 0xfd, 0x1c} {
		r.Out8(0x60, v)
		r.drain()
	}
	r.key(30, true)
	r.key(30, false)
	r.key(48, true)
	r.key(48, false)
	r.want("A makes only, B breaks", 0x1c, 0x32, 0xf0, 0x32)
	r.key(48, true)
	r.drain()
	r.Step(2 * clock.Second)
	r.want("no repetition")
	r.Out8(0x60, 0xf0)
	r.drain()
	r.Out8(0x60, 0)
	r.want("set", 0xfa, 3)
}

func TestLEDs(t *testing.T) {
	r := newRig(t)
	r.Out8(0x60, 0xed)
	r.drain()
	r.Out8(0x60, 0x06)
	r.want("acknowledgement", 0xfa)
	r.Out8(0x60, 0xed)
	r.Out8(0x60, 0x06)
	hwtest.Want(t, "lights", fmt.Sprint(r.leds), fmt.Sprint([]input.LEDs{input.LEDNum | input.LEDCaps}))
	r.Out8(0x60, 0xff)
	hwtest.Want(t, "lights told", len(r.leds), 2)
}

func TestResend(t *testing.T) {
	r := newRig(t)
	r.key(30, true)
	r.drain()
	r.Out8(0x60, 0xfe)
	r.want("last byte", 0x1e)
}

func TestDisable(t *testing.T) {
	r := newRig(t)
	r.Out8(0x60, 0xf5)
	r.drain()
	r.key(30, true)
	r.want("scanning off")
	r.Out8(0x60, 0xf4)
	r.drain()
	r.key(30, false)
	r.want("break", 0x9e)
}

// TestKeyboard_floods presses keys that nobody reads: the queue is bounded, and what was pressed is let go.
func TestKeyboard_floods(t *testing.T) {
	r := newRig(t)
	for range 1000 {
		for _, k := range []input.Code{30, 48, 103} {
			r.key(k, true)
			r.key(k, false)
		}
	}
	got := r.drain()
	if len(got) > breakLimit {
		t.Fatalf("%d bytes", len(got))
	}
	down := map[uint8]bool{}
	for _, b := range got {
		if b != 0xe0 {
			down[b&0x7f] = b < 0x80
		}
	}
	for b, d := range down {
		hwtest.Want(t, fmt.Sprintf("key %x hangs", b), d, false)
	}
}

func TestTranslation_isABijection(t *testing.T) {
	seen := map[uint8]int{}
	for i, v := range translation[1:] {
		if j, twice := seen[v]; twice && v != 0x54 && v != 0x41 {
			t.Errorf("codes %x and %x both become %x", j, i+1, v)
		}
		seen[v] = i + 1
	}
}
