package rfb

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"image"
	"io"
	"strings"
	"testing"
	"time"

	"govm-desktop/audio"
	"govm-desktop/display"
	"govm-desktop/display/displaytest"
	"govm-desktop/display/rfb/auth"
	"govm-desktop/display/rfb/rfbtest"
)

// follows is a screen whose guest takes the size that is suggested, when the test says so.
type follows struct {
	*displaytest.Fake
	asked chan image.Point
}

func (f follows) Suggest(w, h int) bool {
	f.asked <- image.Pt(w, h)
	return w != 666
}

// TestSize has clients ask for another size, which the guest follows, and divide it among several screens.
func TestSize(t *testing.T) {
	b := newBench(t, 64, 48, Config{})
	guest := follows{b.fake, make(chan image.Point, 4)}
	b.screen.SetSource(guest)
	sizes := []int32{0, rfbtest.ExtDesktopSize}
	c, other := b.dial(rfbtest.Options{Encodings: sizes}), b.dial(rfbtest.Options{Encodings: sizes})
	b.shot(c)
	b.shot(other)
	whole := func(w, h int) rfbtest.Head { return rfbtest.Head{Rect: image.Rect(0, 0, w, h)} }
	asks := func(w, h int, status int, heads ...rfbtest.Head) {
		t.Helper()
		n := c.State().Rects[rfbtest.ExtDesktopSize]
		if err := c.SetSize(w, h, heads...); err != nil {
			t.Fatal(err)
		}
		for c.State().Rects[rfbtest.ExtDesktopSize] == n {
			if err := c.Next(b.ctx()); err != nil {
				t.Fatal(err)
			}
		}
		if s := c.State(); s.Why != 1 || s.Status != status {
			t.Errorf("%dx%d: because of %d, status %d", w, h, s.Why, s.Status)
		}
	}
	// Impossible ones never reach the guest.
	asks(100, 100, sizeInvalid)
	asks(100, 100, sizeInvalid, whole(101, 100))
	asks(100, 100, sizeInvalid, whole(0, 0))
	asks(100, 100, sizeInvalid, whole(50, 100), whole(50, 100))
	asks(20000, 100, sizeResources, whole(20000, 100))
	if len(guest.asked) > 0 {
		t.Fatalf("the guest was asked for %v", <-guest.asked)
	}
	asks(666, 100, sizeProhibited, whole(666, 100)) // the device cannot
	<-guest.asked
	two := []rfbtest.Head{{ID: 7, Rect: image.Rect(0, 0, 100, 90), Flags: 1}, {ID: 9, Rect: image.Rect(100, 0, 200, 90)}}
	asks(200, 90, sizeForwarded, two...)
	if got := <-guest.asked; got != image.Pt(200, 90) {
		t.Errorf("the guest was asked for %v", got)
	}
	if c.Size() != image.Pt(64, 48) {
		t.Errorf("the size is %v before the guest has set it", c.Size())
	}
	b.fake.Resize(200, 90)
	for _, v := range []*rfbtest.Client{c, other} {
		for v.Size() != image.Pt(200, 90) {
			if err := v.Next(b.ctx()); err != nil {
				t.Fatal(err)
			}
		}
		if s := v.State(); s.Why != 0 || len(s.Heads) != 2 || s.Heads[0] != two[0] || s.Heads[1] != two[1] {
			t.Errorf("%+v", s.Heads)
		}
	}
	asks(200, 90, sizeDone, whole(200, 90)) // another layout of the same size
	for other.State().Why != 2 {
		if err := other.Next(b.ctx()); err != nil {
			t.Fatal(err)
		}
	}
	if s := other.State(); len(s.Heads) != 1 || other.Size() != image.Pt(200, 90) {
		t.Errorf("%+v", s.Heads)
	}
	b.fake.Resize(50, 40) // by the guest: one screen
	for c.Size() != image.Pt(50, 40) {
		if err := c.Next(b.ctx()); err != nil {
			t.Fatal(err)
		}
	}
	if s := c.State(); len(s.Heads) != 1 || s.Heads[0] != whole(50, 40) {
		t.Errorf("%+v", s.Heads)
	}
}

// TestClipboard passes texts between clients that know the extended clipboard and those that do not.
func TestClipboard(t *testing.T) {
	b := newBench(t, 64, 48, Config{})
	plain := b.dial(rfbtest.Options{Encodings: []int32{0}})
	one, two := b.dial(rfbtest.Options{Encodings: []int32{0, rfbtest.Clipboard}}), b.dial(rfbtest.Options{Encodings: []int32{0, rfbtest.Clipboard}})
	hears := func(c *rfbtest.Client, ok func(m rfbtest.ClipMessage) bool) {
		t.Helper()
		err := c.Await(b.ctx(), func(s *rfbtest.State, _ *image.RGBA) bool { return len(s.Clip) > 0 && ok(s.Clip[len(s.Clip)-1]) })
		if err != nil {
			t.Fatalf("%v: %+v", err, c.State().Clip)
		}
	}
	for _, c := range []*rfbtest.Client{plain, one, two} {
		b.shot(c)
	}
	for _, c := range []*rfbtest.Client{one, two} {
		hears(c, func(m rfbtest.ClipMessage) bool {
			return m.Flags == clipActions|clipText && binary.BigEndian.Uint32(m.Data) == display.MaxClipboard
		})
	}
	if err := one.Provide("Grüße,\r\n→ λ"); err != nil {
		t.Fatal(err)
	}
	hears(two, func(m rfbtest.ClipMessage) bool { return m.Text == "Grüße,\r\n→ λ" })
	if err := plain.Await(b.ctx(), func(s *rfbtest.State, _ *image.RGBA) bool { return s.CutText == "Gr\xfc\xdfe,\n? ?" }); err != nil {
		t.Errorf("%v: %q", err, plain.State().CutText)
	}
	// A stream that is flushed and not ended, as noVNC's are.
	var flushed bytes.Buffer
	z := zlib.NewWriter(&flushed)
	if _, err := z.Write([]byte("\x00\x00\x00\x05open\x00")); err != nil {
		t.Fatal(err)
	}
	if err := z.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := one.SendClip(clipProvide|clipText, flushed.Bytes()); err != nil {
		t.Fatal(err)
	}
	hears(two, func(m rfbtest.ClipMessage) bool { return m.Text == "open" })
	if err := plain.CutText("caf\xe9\nau lait"); err != nil {
		t.Fatal(err)
	}
	hears(one, func(m rfbtest.ClipMessage) bool { return m.Text == "café\r\nau lait" })
	// One that wants no more than 5 bytes unasked hears that there is something, and asks.
	if err := one.SendClip(clipActions|clipText, []byte{0, 0, 0, 5}); err != nil {
		t.Fatal(err)
	}
	if err := one.SendClip(clipPeek, nil); err != nil {
		t.Fatal(err)
	}
	hears(one, func(m rfbtest.ClipMessage) bool { return m.Flags == clipNotify|clipText })
	heard := len(one.State().Clip) // the answer to the peek is one too
	if err := two.Provide("longer than that"); err != nil {
		t.Fatal(err)
	}
	if err := one.Await(b.ctx(), func(s *rfbtest.State, _ *image.RGBA) bool {
		return len(s.Clip) > heard && s.Clip[len(s.Clip)-1].Flags == clipNotify|clipText
	}); err != nil {
		t.Fatalf("%v: %+v", err, one.State().Clip)
	}
	if err := one.SendClip(clipRequest|clipText, nil); err != nil {
		t.Fatal(err)
	}
	hears(one, func(m rfbtest.ClipMessage) bool { return m.Text == "longer than that" })
	// And one that says that it has something is asked for it.
	if err := one.SendClip(clipNotify|clipText, nil); err != nil {
		t.Fatal(err)
	}
	hears(one, func(m rfbtest.ClipMessage) bool { return m.Flags == clipRequest|clipText })
}

// TestClipboard_bombs sends clipboards that are larger than they look: who does is dropped, and nobody else notices; what is only too
// large is left out.
func TestClipboard_bombs(t *testing.T) {
	size := func(n uint32, b []byte) []byte { return append(binary.BigEndian.AppendUint32(nil, n), b...) }
	for name, c := range map[string]struct {
		data []byte
		drop bool
	}{
		"1 GiB of zeros":      {rfbtest.Deflate(size(1<<30, make([]byte, 1<<20))), true},
		"longer than it says": {rfbtest.Deflate(size(3, make([]byte, 4<<20))), true},
		"shorter":             {rfbtest.Deflate(size(30, make([]byte, 3))), true},
		"no zlib":             {[]byte("no zlib at all"), true},
		"cut off":             {rfbtest.Deflate(size(3000, make([]byte, 3000)))[:12], true},
		"an honest 3 MiB":     {rfbtest.Deflate(size(3<<20, bytes.Repeat([]byte("x"), 3<<20))), false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, 64, 48, Config{})
			other := b.dial(rfbtest.Options{Encodings: []int32{0, rfbtest.Clipboard}})
			bad := b.dial(rfbtest.Options{Encodings: []int32{0, rfbtest.Clipboard}})
			b.shot(bad)
			if err := bad.SendClip(clipProvide|clipText, c.data); err != nil {
				t.Fatal(err)
			}
			_, err := bad.Screenshot(b.ctx())
			if (err != nil) != c.drop {
				t.Errorf("%v", err)
			}
			b.shot(other)
			for _, m := range other.State().Clip {
				if m.Flags&clipCaps == 0 {
					t.Errorf("the other hears %#x of %d bytes", m.Flags, len(m.Text))
				}
			}
		})
	}
	b := newBench(t, 64, 48, Config{})
	c := b.dial(rfbtest.Options{})
	if err := c.Write([]byte("\x06\x00\x00\x00\x80\x00\x00\x00")); err != nil { // 2 GiB to come
		t.Fatal(err)
	}
	if _, err := c.Screenshot(b.ctx()); err == nil {
		t.Error("2 GiB of clipboard are awaited")
	}
}

// looksOnly is a security type that lets everybody in to look.
type looksOnly struct{ auth.None }

func (looksOnly) Check(s *auth.Session) error {
	s.ViewOnly = true
	return nil
}

// TestClipboard_viewOnly neither gives nor takes.
func TestClipboard_viewOnly(t *testing.T) {
	var shared display.Clipboard
	got := make(chan string, 4)
	var me *display.Sharer
	me = shared.Share(func() { got <- me.Text() })
	b := newBench(t, 64, 48, Config{Clipboard: &shared, Security: []auth.Type{looksOnly{}}})
	looks := b.dial(rfbtest.Options{Encodings: []int32{0, rfbtest.Clipboard}})
	if err := looks.CutText("secret"); err != nil {
		t.Fatal(err)
	}
	b.shot(looks)
	me.Put("mine")
	b.shot(looks)
	if s := looks.State(); len(got) > 0 || s.CutText != "" || len(s.Clip) > 0 {
		t.Errorf("%d texts, %q, %+v", len(got), s.CutText, s.Clip)
	}
}

// fakeSound is a source that counts up.
type fakeSound struct{ formats chan audio.Format }

type counting struct {
	n      byte
	closed chan struct{}
}

func (f fakeSound) Listen(g audio.Format) io.ReadCloser {
	f.formats <- g
	return &counting{closed: make(chan struct{})}
}

func (c *counting) Read(b []byte) (int, error) {
	select {
	case <-c.closed:
		return 0, io.EOF
	case <-time.After(time.Millisecond):
	}
	b = b[:min(64, len(b))]
	for i := range b {
		b[i] = c.n
		c.n++
	}
	return len(b), nil
}

func (c *counting) Close() error {
	close(c.closed)
	return nil
}

func TestSound(t *testing.T) {
	src := fakeSound{make(chan audio.Format, 8)}
	b := newBench(t, 64, 48, Config{Audio: src})
	c := b.dial(rfbtest.Options{Encodings: []int32{0, rfbtest.Audio}})
	b.shot(c)
	if !c.State().Audio {
		t.Fatal("there is nothing to hear")
	}
	if err := c.SetSound(true, 3, 1, 22050); err != nil {
		t.Fatal(err)
	}
	if f := <-src.formats; f != (audio.Format{Sample: audio.S16, Channels: 1, Rate: 22050}) {
		t.Errorf("%+v", f)
	}
	wait := func(ok func(s *rfbtest.State) bool) {
		t.Helper()
		if err := c.Await(b.ctx(), func(s *rfbtest.State, _ *image.RGBA) bool { return ok(s) }); err != nil {
			t.Fatal(err)
		}
	}
	wait(func(s *rfbtest.State) bool { return s.SoundStarts == 1 && len(s.Sound) > 640 })
	for i, v := range c.State().Sound[:640] {
		if v != byte(i) {
			t.Fatalf("byte %d is %d", i, v)
		}
	}
	if err := c.SetSound(false, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	wait(func(s *rfbtest.State) bool { return s.SoundEnds == 1 })
	n := len(c.State().Sound)
	b.shot(c)
	if len(c.State().Sound) != n {
		t.Error("it goes on after its end")
	}
	if err := c.SetSound(true, 9, 1, 22050); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Screenshot(b.ctx()); err == nil {
		t.Error("an impossible format is taken")
	}
	silent := newBench(t, 64, 48, Config{})
	d := silent.dial(rfbtest.Options{Encodings: []int32{0, rfbtest.Audio}})
	if err := d.SetSound(true, 3, 2, 44100); err != nil {
		t.Fatal(err)
	}
	silent.shot(d)
	if s := d.State(); s.Audio || s.SoundStarts > 0 {
		t.Error("sound without a source")
	}
}

// TestSound_lag has a client not read for a while: what it hears then is new.
func TestSound_lag(t *testing.T) {
	c := &client{}
	c.sound.format = defaultFormat()
	f := audio.Format{Sample: audio.S16, Channels: 2, Rate: 44100}
	c.gather(io.MultiReader(strings.NewReader(strings.Repeat("abcd", 44100)), strings.NewReader("last")), f)
	if n := len(c.sound.queue); n != 44100 || string(c.sound.queue[n-4:]) != "last" || string(c.sound.queue[:4]) != "abcd" {
		t.Errorf("%d bytes: %q", n, c.sound.queue[:4])
	}
}
