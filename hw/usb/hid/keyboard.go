package hid

import (
	"slices"

	"govm-desktop/hw/usb"
	"govm-desktop/input"
	"govm-desktop/snapshot"
)

// Usage pages.
const (
	pageDesktop  = 0x01
	pageKeyboard = 0x07
	pageConsumer = 0x0c
)

// Interfaces and reports of the second one.
const (
	ifaceBoot  = 0
	ifaceExtra = 1

	reportConsumer = 1
	reportSystem   = 2
	reportKeys     = 3 // keys beyond the six that a boot keyboard has
)

// Sizes.
const (
	bootKeys      = 6
	consumerKeys  = 4
	systemKeys    = 2
	firstModifier = 0xe0
	lastModifier  = 0xe7
	errRollOver   = 0x01 // in all places: more keys are down than can be reported
	maxHeld       = 256
)

// Keyboard is a keyboard.
type Keyboard struct {
	device
	usage func(input.Code) (uint32, bool)

	// Guarded by the lock.
	modifiers uint8
	keys      []uint8  // of the keyboard page, held, in the order in which they went down; the places of the first six are places[i]
	places    [6]uint8 // what the boot report shows
	extra     [28]uint8
	consumer  []uint16 // values of the array, held
	system    []uint8
	leds      uint8
	wide      bool // the guest reads the second interface too
}

var (
	_ usb.Device = (*Keyboard)(nil)
	_ input.Sink = (*Keyboard)(nil)
)

// NewKeyboard returns a keyboard in no port. usage gives a key's HID usage, its page in the upper half.
func NewKeyboard(cfg Config, usage func(input.Code) (uint32, bool)) *Keyboard {
	k := &Keyboard{usage: usage}
	endpoint := func(n uint8, size int) []usb.Endpoint {
		return []usb.Endpoint{{Address: n | usb.DirIn, Type: usb.Interrupt, MaxPacket: size, Micros: 8000}}
	}
	k.init(cfg, "GOVM USB Keyboard", k, []input.Kind{input.Key}, usb.Configuration{Settings: []usb.Setting{
		{Interface: ifaceBoot, Class: 3, Subclass: 1, Protocol: 1, Endpoints: endpoint(1, 8)},
		{Interface: ifaceExtra, Class: 3, Endpoints: endpoint(2, 32)},
	}}, &iface{descriptor: bootReports(), boot: true}, &iface{descriptor: extraReports()})
	return k
}

// bootReports is a boot keyboard's descriptor (HID 1.11, B.1): the report is the same in both protocols.
func bootReports() []byte {
	return []byte("\x05\x01\x09\x06\xa1\x01" +
		"\x05\x07\x19\xe0\x29\xe7\x15\x00\x25\x01\x75\x01\x95\x08\x81\x02" + // modifiers
		"\x95\x01\x75\x08\x81\x01" + // reserved
		"\x95\x05\x75\x01\x05\x08\x19\x01\x29\x05\x91\x02\x95\x01\x75\x03\x91\x01" + // lights
		"\x95\x06\x75\x08\x15\x00\x26\xff\x00\x05\x07\x19\x00\x2a\xff\x00\x81\x00\xc0") // keys
}

// extraReports describes the second interface. The consumer page's array leaves out what systems take for axes: volume as a dial and AC Pan.
func extraReports() []byte {
	return []byte("\x05\x0c\x09\x01\xa1\x01\x85\x01" +
		"\x19\x01\x2a\xdf\x00\x1a\xe1\x00\x2a\x37\x02\x1a\x39\x02\x2a\xff\x03\x15\x01\x26\xfd\x03\x75\x10\x95\x04\x81\x00\xc0" +
		"\x05\x01\x09\x80\xa1\x01\x85\x02" +
		"\x19\x81\x29\x8f\x09\xa9\x09\xb5\x15\x01\x25\x11\x75\x08\x95\x02\x81\x00\xc0" +
		"\x05\x01\x09\x06\xa1\x01\x85\x03" +
		"\x05\x07\x19\x00\x29\xdf\x15\x00\x25\x01\x75\x01\x95\xe0\x81\x02\xc0")
}

// consumerValue is a usage's number in the array, which has no usages 0, e0 and 238.
func consumerValue(u uint16) (uint16, bool) {
	switch {
	case u == 0 || u == 0xe0 || u == 0x238 || u > 0x3ff:
		return 0, false
	case u > 0x238:
		return u - 2, true
	case u > 0xe0:
		return u - 1, true
	}
	return u, true
}

// systemValue is a usage's number in the array of system controls.
func systemValue(u uint16) (uint8, bool) {
	switch {
	case u >= 0x81 && u <= 0x8f:
		return uint8(u - 0x80), true
	case u == 0xa9:
		return 16, true
	case u == 0xb5:
		return 17, true
	}
	return 0, false
}

// usual is the usage by which systems know a key best: what Windows has no key for on the keyboard page, it has on others.
func usual(usage uint32) uint32 {
	switch usage {
	case pageKeyboard<<16 | 0x66: // Power
		return pageDesktop<<16 | 0x81
	case pageKeyboard<<16 | 0x7f: // Mute
		return pageConsumer<<16 | 0xe2
	case pageKeyboard<<16 | 0x80: // Volume Up
		return pageConsumer<<16 | 0xe9
	case pageKeyboard<<16 | 0x81: // Volume Down
		return pageConsumer<<16 | 0xea
	}
	return usage
}

// Carries reports whether the keyboard can send a usage.
func Carries(usage uint32) bool {
	u := uint16(usage)
	switch usage >> 16 {
	case pageKeyboard:
		return u >= 4 && u <= lastModifier && (u < 0xe0 || u >= firstModifier)
	case pageConsumer:
		_, ok := consumerValue(u)
		return ok
	case pageDesktop:
		_, ok := systemValue(u)
		return ok
	}
	return false
}

// Send implements input.Sink. Repeated presses of a key that is down change nothing: guests repeat keys by themselves.
func (k *Keyboard) Send(e input.Event) {
	if e.Kind != input.Key {
		return
	}
	usage, ok := k.usage(e.Code)
	usage = usual(usage)
	if !ok || !Carries(usage) {
		return
	}
	k.Lock()
	defer k.Unlock()
	u := uint16(usage)
	switch usage >> 16 {
	case pageKeyboard:
		if u >= firstModifier {
			k.modifier(uint8(u-firstModifier), e.Down)
		} else {
			k.key(uint8(u), e.Down)
		}
	case pageConsumer:
		if v, _ := consumerValue(u); toggle(&k.consumer, v, e.Down, consumerKeys) {
			k.push(ifaceExtra, k.report(ifaceExtra, reportConsumer), !e.Down)
		}
	case pageDesktop:
		if v, _ := systemValue(u); toggle(&k.system, v, e.Down, systemKeys) {
			k.push(ifaceExtra, k.report(ifaceExtra, reportSystem), !e.Down)
		}
	}
}

// toggle adds a key to those held, if there is a place, or takes it away. False: nothing has changed.
func toggle[T comparable](held *[]T, v T, down bool, places int) bool {
	at := slices.Index(*held, v)
	switch {
	case down == (at >= 0), down && len(*held) >= places:
		return false
	case down:
		*held = append(*held, v)
	default:
		*held = slices.Delete(*held, at, at+1)
	}
	return true
}

func (k *Keyboard) modifier(n uint8, down bool) {
	if k.modifiers>>n&1 != 0 == down {
		return
	}
	k.modifiers ^= 1 << n
	k.push(ifaceBoot, k.report(ifaceBoot, 0), !down)
}

// key is a change of a key. The first six held have places in the boot report, those beyond a bit in the other.
func (k *Keyboard) key(u uint8, down bool) {
	if !toggle(&k.keys, u, down, maxHeld) {
		return
	}
	at := slices.Index(k.places[:], u)
	switch bit := uint8(1) << (u % 8); {
	case down:
		if at = slices.Index(k.places[:], 0); at >= 0 {
			k.places[at] = u
			break
		}
		k.extra[u/8] |= bit
	case at >= 0:
		k.places[at] = 0
	default:
		k.extra[u/8] &^= bit
	}
	if at < 0 {
		k.push(ifaceExtra, k.report(ifaceExtra, reportKeys), !down)
		if k.wide {
			return
		}
	}
	k.push(ifaceBoot, k.report(ifaceBoot, 0), !down)
}

// report implements kind.
func (k *Keyboard) report(n int, id uint8) []byte {
	switch {
	case n == ifaceBoot && id == 0:
		b := append([]byte{k.modifiers, 0}, k.places[:]...)
		if !k.wide && len(k.keys) > bootKeys {
			for i := range k.places {
				b[2+i] = errRollOver
			}
		}
		return b
	case n == ifaceBoot:
		return nil
	}
	switch id {
	case reportConsumer:
		b := make([]byte, 1+2*consumerKeys)
		b[0] = id
		for i, v := range k.consumer {
			b[1+2*i], b[2+2*i] = byte(v), byte(v>>8)
		}
		return b
	case reportSystem:
		b := make([]byte, 1+systemKeys)
		b[0] = id
		copy(b[1:], k.system)
		return b
	case reportKeys:
		return append([]byte{id}, k.extra[:]...)
	}
	return nil
}

// output implements kind: the lights (HID Usage Tables, 11).
func (k *Keyboard) output(n int, data []byte) bool {
	if n != ifaceBoot || len(data) == 0 {
		return false
	}
	k.leds = data[0]
	k.tellLEDs()
	return true
}

func (k *Keyboard) tellLEDs() {
	var l input.LEDs
	for bit, led := range [3]input.LEDs{input.LEDNum, input.LEDCaps, input.LEDScroll} {
		if k.leds>>bit&1 != 0 {
			l |= led
		}
	}
	if r := k.cfg.Input; r != nil {
		k.errands.add(func() { r.SetLEDs(l) })
	}
}

// polled implements kind.
func (k *Keyboard) polled(n int) { k.wide = k.wide || n == ifaceExtra }

// forget implements kind.
func (k *Keyboard) forget() {
	k.modifiers, k.leds, k.wide = 0, 0, false
	k.keys, k.consumer, k.system = nil, nil, nil
	k.places, k.extra = [6]uint8{}, [28]uint8{}
}

// State implements hw.Device.
func (k *Keyboard) State(c *snapshot.Coder) {
	k.Lock()
	defer k.Unlock()
	k.state(c)
	consumer := make([]byte, 0, 2*consumerKeys)
	for _, v := range k.consumer {
		consumer = append(consumer, byte(v), byte(v>>8))
	}
	snapshot.Field(c, "modifiers", &k.modifiers)
	c.Slice("keys", &k.keys, maxHeld)
	c.Bytes("places", k.places[:])
	c.Bytes("extra", k.extra[:])
	c.Slice("consumer", &consumer, 2*consumerKeys)
	c.Slice("system", &k.system, systemKeys)
	snapshot.Field(c, "leds", &k.leds)
	snapshot.Field(c, "wide", &k.wide)
	if !c.Loading() {
		return
	}
	k.consumer = nil
	for ; len(consumer) > 1; consumer = consumer[2:] {
		k.consumer = append(k.consumer, uint16(consumer[0])|uint16(consumer[1])<<8)
	}
	for _, u := range k.keys {
		if u >= firstModifier { // a damaged stream
			k.forget()
			break
		}
	}
	k.tellLEDs()
}
