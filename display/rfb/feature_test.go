package rfb

import (
	"bytes"
	"context"
	"crypto/tls"
	"image"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/coder/websocket"

	"govm-desktop/display"
	"govm-desktop/display/rfb/auth"
	"govm-desktop/display/rfb/enc"
	"govm-desktop/display/rfb/rfbtest"
	"govm-desktop/input"
)

// text is a picture of lines that differ from each other.
func text(x, y int) uint32 {
	cell := (uint32(y/16)*73856093 ^ uint32(x/8)*19349663) * 2654435761
	if y%16 > 2 && y%16 < 14 && (cell>>13^uint32(x%8*(y%16)))&3 == 0 {
		return 0xd8dee9
	}
	return 0x101010
}

func TestCopyRect_scroll(t *testing.T) {
	const w, h = 640, 480
	b := newBench(t, w, h, Config{})
	b.fake.Paint(image.Rect(0, 0, w, h), text)
	c := b.dial(rfbtest.Options{Encodings: []int32{enc.CopyRectID, enc.ZRLEID}})
	b.shot(c)
	for n, dy := range []int{16, 3, 40, -25, 100} {
		before := c.State()
		at := 0
		for i := range []int{16, 3, 40, -25, 100}[:n+1] {
			at += []int{16, 3, 40, -25, 100}[i]
		}
		moved := func(x, y int) uint32 { return text(x, y+at+1000*16) }
		if n == 0 { // from another picture there is nothing to copy
			b.fake.Paint(image.Rect(0, 0, w, h), func(x, y int) uint32 { return text(x, y+1000*16) })
			if err := c.Next(b.ctx()); err != nil {
				t.Fatal(err)
			}
			before = c.State()
		}
		b.fake.Paint(image.Rect(0, 0, w, h), moved)
		if err := c.Follow(b.ctx(), func(i *image.RGBA) bool { return same(i, w, h, moved) }); err != nil {
			t.Fatalf("by %d: %v", dy, err)
		}
		after := c.State()
		if after.Rects[enc.CopyRectID] == before.Rects[enc.CopyRectID] {
			t.Errorf("by %d: nothing was copied", dy)
		}
		t.Logf("by %d: %d bytes", dy, after.Bytes-before.Bytes)
		if n := after.Bytes - before.Bytes; n > 20000 {
			t.Errorf("by %d: %d bytes", dy, n)
		}
	}
}

func same(i *image.RGBA, w, h int, colour func(x, y int) uint32) bool {
	if i.Rect != image.Rect(0, 0, w, h) {
		return false
	}
	for y := range h {
		for x := range w {
			if i.RGBAAt(x, y) != rgba(colour(x, y)) {
				return false
			}
		}
	}
	return true
}

func TestCopyRect_window(t *testing.T) {
	const w, h = 640, 480
	b := newBench(t, w, h, Config{})
	rnd := rand.New(rand.NewPCG(5, 6))
	noise := make([]uint32, 200*150)
	for i := range noise {
		noise[i] = rnd.Uint32() & 0xffffff
	}
	paint := func(at image.Point) func(x, y int) uint32 {
		return func(x, y int) uint32 {
			if p := image.Pt(x, y).Sub(at); p.In(image.Rect(0, 0, 200, 150)) {
				return noise[p.Y*200+p.X]
			}
			return desktop(x, y)
		}
	}
	at := image.Pt(100, 100)
	b.fake.Paint(image.Rect(0, 0, w, h), paint(at))
	c := b.dial(rfbtest.Options{Encodings: []int32{enc.CopyRectID, enc.ZRLEID}})
	b.shot(c)
	for _, d := range []image.Point{{5, 3}, {-40, 20}, {60, -70}, {1, 0}} {
		at = at.Add(d)
		before := c.State()
		colour := paint(at)
		b.fake.Paint(image.Rect(0, 0, w, h), colour)
		if err := c.Follow(b.ctx(), func(i *image.RGBA) bool { return same(i, w, h, colour) }); err != nil {
			t.Fatalf("by %v: %v", d, err)
		}
		after := c.State()
		if after.Rects[enc.CopyRectID] == before.Rects[enc.CopyRectID] {
			t.Errorf("by %v: nothing was copied", d)
		}
		if n := after.Bytes - before.Bytes; n > 40000 { // the window alone has 90000 of noise
			t.Errorf("by %v: %d bytes", d, n)
		}
	}
}

// TestUpdates_falseDirt has a video device that says of more than changed.
func TestUpdates_falseDirt(t *testing.T) {
	b := newBench(t, 800, 600, Config{})
	b.fake.Paint(image.Rect(0, 0, 800, 600), desktop)
	c := b.dial(rfbtest.Options{Encodings: []int32{0}})
	b.shot(c)
	before := c.State()
	b.fake.Paint(image.Rect(0, 0, 800, 600), func(x, y int) uint32 {
		if x == 300 && y == 200 {
			return 0x123456
		}
		return desktop(x, y)
	})
	if err := c.Next(b.ctx()); err != nil {
		t.Fatal(err)
	}
	if n := c.State().Bytes - before.Bytes; n > 4+12+16*4 || c.Image().RGBAAt(300, 200) != rgba(0x123456) {
		t.Errorf("%d bytes for one pixel", n)
	}
}

func photo(x, y int) uint32 {
	return uint32(x*y/37)&0x1f*0x010305 + uint32(x/2)&0xff<<16 + uint32(y/2)&0xff<<8 + uint32(x*7+y*13)&0x0f
}

// TestLossy has a picture come with loss and then without.
func TestLossy(t *testing.T) {
	for _, id := range []int32{enc.TightID, enc.TightPNGID} {
		b := newBench(t, 320, 240, Config{})
		b.fake.Paint(image.Rect(0, 0, 320, 240), photo)
		c := b.dial(rfbtest.Options{Encodings: []int32{id, -27, 0}})
		first := b.shot(c)
		if same(first, 320, 240, photo) {
			t.Errorf("%d: nothing was lost", id)
		}
		if err := c.Follow(b.ctx(), func(i *image.RGBA) bool { return same(i, 320, 240, photo) }); err != nil {
			t.Errorf("%d: what was lost never came: %v", id, err)
		}
	}
	b := newBench(t, 320, 240, Config{Lossless: true})
	b.fake.Paint(image.Rect(0, 0, 320, 240), photo)
	if c := b.dial(rfbtest.Options{Encodings: []int32{enc.TightID, -27, 0}}); !same(b.shot(c), 320, 240, photo) {
		t.Error("lossy=off loses something")
	}
}

func TestTightPNG_lossless(t *testing.T) {
	b := newBench(t, 320, 240, Config{})
	for name, p := range map[string]func(x, y int) uint32{"desktop": desktop, "photo": photo, "text": text} {
		b.fake.Paint(image.Rect(0, 0, 320, 240), p)
		c := b.dial(rfbtest.Options{Encodings: []int32{enc.TightPNGID}})
		if want(t, b.shot(c), 320, 240, p, nil); c.State().Rects[enc.TightPNGID] == 0 {
			t.Errorf("%s: no TightPNG", name)
		}
	}
}

func TestContinuousUpdates(t *testing.T) {
	b := newBench(t, 320, 200, Config{})
	c := b.dial(rfbtest.Options{Encodings: []int32{enc.ZRLEID, rfbtest.Fence, rfbtest.Continuous, rfbtest.LastRect, rfbtest.DesktopSize}})
	b.shot(c)
	if s := c.State(); s.Ends != 1 || len(s.Fences) == 0 || s.Fences[0]>>31 != 1 {
		t.Fatalf("the server says %+v", s)
	}
	all := image.Rect(0, 0, 320, 200)
	if err := c.Stream(true, all); err != nil {
		t.Fatal(err)
	}
	for i := range uint32(50) {
		b.fake.Fill(image.Rect(int(i), 0, int(i)+20, 100), i)
		if err := c.Await(b.ctx(), func(_ *rfbtest.State, p *image.RGBA) bool { return p.RGBAAt(int(i)+3, 50) == rgba(i) }); err != nil {
			t.Fatal(err)
		}
	}
	b.fake.Resize(200, 300)
	b.fake.Fill(image.Rect(0, 0, 200, 300), 0xabcdef)
	if err := c.Await(b.ctx(), func(_ *rfbtest.State, p *image.RGBA) bool {
		return p.Rect.Dy() == 300 && p.RGBAAt(150, 150) == rgba(0xabcdef)
	}); err != nil {
		t.Fatal(err)
	}
	if err := c.Stream(false, all); err != nil {
		t.Fatal(err)
	}
	if err := c.Await(b.ctx(), func(s *rfbtest.State, _ *image.RGBA) bool { return s.Ends == 2 }); err != nil {
		t.Fatal(err)
	}
	before := c.State().Updates
	b.fake.Fill(all, 1)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if c.Await(ctx, func(s *rfbtest.State, _ *image.RGBA) bool { return s.Updates != before }) == nil {
		t.Error("updates go on after their end")
	}
}

func TestFence_answered(t *testing.T) {
	b := newBench(t, 64, 48, Config{})
	c := b.dial(rfbtest.Options{})
	for _, flags := range []uint32{1 << 31, 1<<31 | 0xffffff, 1<<31 | 4} {
		n := len(c.State().Fences)
		if err := c.SendFence(flags, []byte("hello")); err != nil {
			t.Fatal(err)
		}
		f := enc.Native()
		f.Shift = [3]uint8{0, 8, 16}
		if flags&4 != 0 { // what comes next takes effect with the answer
			if err := c.SetFormat(f); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.Await(b.ctx(), func(s *rfbtest.State, _ *image.RGBA) bool { return len(s.Fences) > n }); err != nil {
			t.Fatal(err)
		}
		if got := c.State().Fences[n]; got != flags&7 {
			t.Errorf("flags %x answered with %x", flags, got)
		}
	}
	b.fake.Fill(image.Rect(0, 0, 64, 48), 0x123456)
	b.follow(c, 5, 5, 0x123456)
	if err := c.SendFence(1<<31, bytes.Repeat([]byte{1}, 65)); err != nil {
		t.Fatal(err)
	}
	if err := c.Await(b.ctx(), func(*rfbtest.State, *image.RGBA) bool { return false }); err == nil {
		t.Error("a long fence was taken")
	}
}

func TestCursor(t *testing.T) {
	pix := []byte{1, 2, 3, 255, 10, 20, 30, 128, 200, 200, 200, 255, 0, 0, 0, 0}
	cur := &display.Cursor{Pix: pix, Size: image.Pt(2, 2), Hot: image.Pt(1, 0), Pos: image.Pt(30, 20), Visible: true}
	pos := rfbtest.PointerPos
	for id, want := range map[int32][]byte{
		rfbtest.VMwareCursor: {3, 2, 1, 255, 30, 20, 10, 128, 200, 200, 200, 255, 0, 0, 0, 0},
		rfbtest.AlphaCursor:  {3, 2, 1, 255, 15, 10, 5, 128, 200, 200, 200, 255, 0, 0, 0, 0},
		rfbtest.Cursor:       {1, 2, 3, 255, 10, 20, 30, 128, 200, 200, 200, 255, 0, 0, 0, 0, 0xc0, 0x80},
		rfbtest.XCursor:      {255, 255, 255, 0, 0, 0, 0x00, 0x80, 0xc0, 0x80},
	} {
		b := newBench(t, 64, 48, Config{})
		c := b.dial(rfbtest.Options{Encodings: []int32{0, id, pos, rfbtest.VMwareState}})
		b.shot(c)
		b.screen.SetCursor(cur)
		if err := c.Next(b.ctx()); err != nil {
			t.Fatal(err)
		}
		s := c.State()
		if s.CursorSize != cur.Size || s.CursorHot != cur.Hot || s.PointerAt != cur.Pos || !bytes.Equal(s.CursorPix, want) {
			t.Errorf("%d: %v at %v: %v", id, s.CursorSize, s.CursorHot, s.CursorPix)
		}
		if s.VMwareState != 1 {
			t.Errorf("%d: the state is %d", id, s.VMwareState)
		}
		moved := *cur
		moved.Pos = image.Pt(1, 2)
		b.screen.SetCursor(&moved)
		if err := c.Next(b.ctx()); err != nil {
			t.Fatal(err)
		}
		if s := c.State(); s.PointerAt != moved.Pos || s.Rects[id] != 1 {
			t.Errorf("%d: at %v, sent %d times", id, s.PointerAt, s.Rects[id])
		}
		hidden := moved
		hidden.Visible = false
		b.screen.SetCursor(&hidden)
		if err := c.Next(b.ctx()); err != nil {
			t.Fatal(err)
		}
		if s := c.State(); s.CursorSize != (image.Point{}) {
			t.Errorf("%d: hidden, but of %v", id, s.CursorSize)
		}
		if s := c.State(); s.VMwareState != 0 {
			t.Errorf("%d: hidden, the state is %d", id, s.VMwareState)
		}
		pos = rfbtest.VMwarePos
	}
}

func TestXVP(t *testing.T) {
	got := make(chan Power, 4)
	b := newBench(t, 64, 48, Config{Power: func(p Power) { got <- p }})
	c := b.dial(rfbtest.Options{Encodings: []int32{0, rfbtest.XVP}})
	b.shot(c)
	if s := c.State(); string(s.XVP) != "\x01" {
		t.Fatalf("the server says %v", s.XVP)
	}
	for _, p := range []Power{PowerShutdown, PowerReboot, PowerReset} {
		if err := c.Write([]byte{250, 0, 1, byte(p)}); err != nil {
			t.Fatal(err)
		}
		if w := <-got; w != p {
			t.Errorf("%d instead of %d", w, p)
		}
	}
	for _, msg := range [][]byte{{250, 0, 1, 9}, {250, 0, 7, 2}} {
		n := len(c.State().XVP)
		if err := c.Write(msg); err != nil {
			t.Fatal(err)
		}
		if err := c.Await(b.ctx(), func(s *rfbtest.State, _ *image.RGBA) bool { return len(s.XVP) > n && s.XVP[n] == 0 }); err != nil {
			t.Errorf("%v: %v", msg, err)
		}
	}
	if len(got) > 0 {
		t.Error("something was done")
	}
}

func TestPointer_sideButtons(t *testing.T) {
	b := newBench(t, 64, 48, Config{})
	c := b.dial(rfbtest.Options{Encodings: []int32{0, rfbtest.ExtButtons}})
	b.shot(c)
	if !c.State().ExtButtons {
		t.Fatal("the server does not know of more buttons")
	}
	for _, m := range []string{"\x05\x80\x00\x05\x00\x05\x01", "\x05\x81\x00\x05\x00\x05\x02", "\x05\x00\x00\x05\x00\x05"} {
		if err := c.Write([]byte(m)); err != nil {
			t.Fatal(err)
		}
	}
	var got string
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end) && got != " b+275 b+272 b-275 b+276 b-272 b-276"; time.Sleep(time.Millisecond) {
		for _, e := range b.guest.take() {
			if e.Kind == input.Button {
				got += " " + said([]input.Event{e})
			}
		}
	}
	if got != " b+275 b+272 b-275 b+276 b-272 b-276" {
		t.Error(got)
	}
}

func TestWebSocket(t *testing.T) {
	for name, c := range map[string]struct {
		types  []auth.Type
		origin string
		in     bool
	}{
		"a program":                   {nil, "", true},
		"a page from here":            {nil, "http://127.0.0.1:8000", true},
		"a page from elsewhere":       {nil, "http://example.com", false},
		"elsewhere, with a password":  {[]auth.Type{auth.VncAuth{Password: &auth.Password{}}}, "http://example.com", true},
		"elsewhere, with None beside": {[]auth.Type{auth.VncAuth{Password: &auth.Password{}}, auth.None{}}, "http://example.com", false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, 64, 48, Config{Security: c.types})
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			go b.s.ServeWebSocket(l, nil)
			o := &websocket.DialOptions{Subprotocols: []string{"binary"}, HTTPHeader: map[string][]string{}}
			if c.origin != "" {
				o.HTTPHeader.Set("Origin", c.origin)
			}
			ws, _, err := websocket.Dial(b.ctx(), "ws://"+l.Addr().String()+"/websockify", o)
			if (err == nil) != c.in {
				t.Fatalf("%v", err)
			}
			if err != nil {
				return
			}
			ws.SetReadLimit(-1)
			nc := websocket.NetConn(context.Background(), ws, websocket.MessageBinary)
			defer nc.Close()
			if c.types != nil {
				hello := make([]byte, 12)
				if _, err := nc.Read(hello); err != nil || string(hello) != "RFB 003.008\n" {
					t.Errorf("%q, %v", hello, err)
				}
				return
			}
			b.fake.Paint(image.Rect(0, 0, 64, 48), desktop)
			v, err := rfbtest.New(nc, rfbtest.Options{})
			if err != nil {
				t.Fatal(err)
			}
			want(t, b.shot(v), 64, 48, desktop, nil)
		})
	}
}

// TestWebSocket_names lets a name that anybody can make mean this machine be no way in where there is no password.
func TestWebSocket_names(t *testing.T) {
	for _, c := range []struct {
		host  string
		types []auth.Type
		code  int // 426: everything is right but that it is no WebSocket request
	}{
		{"127.0.0.1:5700", nil, 426}, {"[::1]:5700", nil, 426}, {"localhost", nil, 426}, {"x.localhost:1", nil, 426}, {"rebound.example:5700", nil, 403},
		{"rebound.example", []auth.Type{auth.VncAuth{Password: &auth.Password{}}}, 426},
	} {
		b := newBench(t, 64, 48, Config{Security: c.types})
		r := httptest.NewRequest("GET", "http://"+c.host+"/", nil)
		w := httptest.NewRecorder()
		b.s.ConnectWebSocket(w, r, Browser{})
		if w.Code != c.code {
			t.Errorf("%s: %d", c.host, w.Code)
		}
	}
}

// TestWebSocket_old has a browser without cryptography get what it can do, and the reason where there is nothing.
func TestWebSocket_old(t *testing.T) {
	secret := &auth.Password{}
	for _, c := range []struct {
		types []auth.Type
		says  string // after the version
	}{
		{[]auth.Type{auth.AppleDH{Checker: secret}, auth.VncAuth{Password: secret}}, "\x01\x02"},
		{[]auth.Type{auth.AppleDH{Checker: secret}}, "\x00\x00\x00\x00Pno security type"},
	} {
		b := newBench(t, 64, 48, Config{Security: c.types})
		h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { b.s.ConnectWebSocket(w, r, Browser{Old: true, Tag: "t"}) }))
		defer h.Close()
		ws, _, err := websocket.Dial(b.ctx(), h.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		nc := websocket.NetConn(b.ctx(), ws, websocket.MessageBinary)
		if _, err := nc.Write([]byte("RFB 003.008\n")); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 12+len(c.says))
		if _, err := io.ReadFull(nc, got); err != nil || string(got[12:]) != c.says {
			t.Errorf("%q, %v", got, err)
		}
		nc.Close()
	}
}

// TestWebSocket_tls has a browser's program come through TLS, where TLS is not asked for again.
func TestWebSocket_tls(t *testing.T) {
	b := newBench(t, 64, 48, Config{Security: []auth.Type{auth.VeNCrypt{}}, Inside: []auth.Type{auth.None{}}})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewUnstartedServer(nil) // for its certificate
	h.StartTLS()
	defer h.Close()
	go b.s.ServeWebSocket(l, &tls.Config{Certificates: h.TLS.Certificates})
	ws, _, err := websocket.Dial(b.ctx(), "wss://"+l.Addr().String(), &websocket.DialOptions{HTTPClient: h.Client()})
	if err != nil {
		t.Fatal(err)
	}
	ws.SetReadLimit(-1)
	b.fake.Paint(image.Rect(0, 0, 64, 48), desktop)
	v, err := rfbtest.New(websocket.NetConn(context.Background(), ws, websocket.MessageBinary), rfbtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	want(t, b.shot(v), 64, 48, desktop, nil)
}

// TestBusy has twenty viewers of all kinds look at one busy screen; what each has in the end is what there is.
func TestBusy(t *testing.T) {
	b := newBench(t, 400, 300, Config{})
	ids := []int32{enc.RawID, enc.RREID, enc.CoRREID, enc.HextileID, enc.ZlibID, enc.TightID, enc.TRLEID, enc.ZRLEID, enc.TightPNGID}
	var all []*rfbtest.Client
	for i := range 20 {
		e := []int32{ids[i%len(ids)], enc.CopyRectID, rfbtest.LastRect}
		if i%2 == 0 {
			e = append(e, rfbtest.Fence, rfbtest.Continuous)
		}
		c := b.dial(rfbtest.Options{Encodings: e})
		b.shot(c)
		if i%2 == 0 {
			if err := c.Stream(true, image.Rect(0, 0, 400, 300)); err != nil {
				t.Fatal(err)
			}
		}
		all = append(all, c)
	}
	at := 0
	last := func(x, y int) uint32 { return text(x, y+at) }
	for i := range 30 {
		at += 7
		b.fake.Paint(image.Rect(0, 0, 400, 300), last)
		b.fake.Fill(image.Rect(i*5, i*3, i*5+50, i*3+40), uint32(i)*0x010203)
	}
	b.fake.Paint(image.Rect(0, 0, 400, 300), last)
	for i, c := range all {
		var err error
		if i%2 == 0 {
			err = c.Await(b.ctx(), func(_ *rfbtest.State, p *image.RGBA) bool { return same(p, 400, 300, last) })
		} else {
			err = c.Follow(b.ctx(), func(p *image.RGBA) bool { return same(p, 400, 300, last) })
		}
		if err != nil {
			t.Errorf("viewer %d: %v", i, err)
		}
	}
}
