package rfbclients

import (
	"crypto/tls"
	"fmt"
	"image"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"govm-desktop/display/rfb"
	"govm-desktop/display/rfb/auth"
	"govm-desktop/display/rfb/enc"
	"govm-desktop/display/web"
	"govm-desktop/test/vm"
)

// served is a stage with its page.
type served struct {
	*stage
	url string
}

// newPage serves the page; with a certificate, over TLS.
func newPage(t *testing.T, w, h int, cfg rfb.Config, cert *tls.Config) *served {
	t.Helper()
	if !web.Complete() {
		t.Fatal("noVNC is not in the program: make deps")
	}
	s := &served{stage: newStage(t, w, h, cfg)}
	site, err := web.New(web.Config{Connect: func(w http.ResponseWriter, r *http.Request, q web.Request) {
		s.server.ConnectWebSocket(w, r, rfb.Browser{Inside: cert != nil, Old: q.Old, Tag: q.Token})
	}})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go site.Serve(l, cert)
	t.Cleanup(func() { site.Close() })
	s.url = fmt.Sprintf("http://%s/", l.Addr())
	if cert != nil {
		s.url = fmt.Sprintf("https://%s/", l.Addr())
	}
	return s
}

// only has the page say of the encodings of pixels that it knows this one alone.
func (p *page) only(id int32) {
	p.call("Page.addScriptToEvaluateOnNewDocument", map[string]any{"source": fmt.Sprintf(`{
		const send = WebSocket.prototype.send;
		WebSocket.prototype.send = function (data) {
			const b = new Uint8Array(data.buffer ?? data, data.byteOffset ?? 0, data.byteLength);
			const v = new DataView(b.buffer, b.byteOffset, b.byteLength);
			if (b.length < 8 || b[0] !== 2 || b.length !== 4 + 4 * v.getUint16(2)) return send.call(this, data);
			const kept = [%d];
			for (let i = 4; i < b.length; i += 4) {
				const id = v.getInt32(i);
				if (id === 1 || id < 0 && id !== -260 || id > 1000) kept.push(id);
			}
			const out = new DataView(new ArrayBuffer(4 + 4 * kept.length));
			out.setUint8(0, 2);
			out.setUint16(2, kept.length);
			kept.forEach((id, i) => out.setInt32(4 + 4 * i, id));
			return send.call(this, out.buffer);
		};
	}`, id)}, nil)
}

// shows waits until the canvas holds the picture, exactly.
func (p *page) shows(want *image.RGBA) {
	p.t.Helper()
	var got *image.RGBA
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if got = p.canvas(); got != nil && got.Rect == want.Rect && vm.Diff(got, want).Empty() {
			return
		}
	}
	if got == nil {
		p.t.Fatalf("no picture; the page says %v %v", p.eval("document.getElementById('state').textContent"), p.said)
	}
	p.t.Fatal(vm.Differ("the page and the guest's screen", got, want))
}

// TestWeb_encodings has noVNC, on our page, decode every encoding that it knows.
func TestWeb_encodings(t *testing.T) {
	b := startBrowser(t)
	for name, id := range map[string]int32{"Raw": enc.RawID, "RRE": enc.RREID, "Hextile": enc.HextileID, "Zlib": enc.ZlibID, "Tight": enc.TightID,
		"ZRLE": enc.ZRLEID, "TightPNG": enc.TightPNGID} {
		t.Run(name, func(t *testing.T) {
			s := newPage(t, 720, 400, rfb.Config{}, nil)
			p := b.open(t, "about:blank")
			p.only(id)
			p.call("Page.navigate", map[string]any{"url": s.url}, nil)
			p.until("document.querySelector('#screen canvas')?.width === 720")
			p.shows(picture(720, 400)) // with JPEG, once what was lost has come
			if c := s.client(t); c.Encoding != id || !c.Browser {
				t.Errorf("the encoding is %s", rfb.EncodingName(c.Encoding))
			}
			s.repaint(640, 480)
			p.shows(picture(640, 480))
			save(t, "web "+name, p.look())
		})
	}
}

// TestWeb_security has it pass each security type that it knows, and be told why not.
func TestWeb_security(t *testing.T) {
	b := startBrowser(t)
	secret := &auth.Password{}
	secret.Set("sEcret7!")
	key := new(auth.Key)
	h := httptest.NewUnstartedServer(nil) // for its certificate
	h.StartTLS()
	defer h.Close()
	for _, c := range []struct {
		name  string
		types []auth.Type
		id    uint8
		tls   bool
	}{
		{"VncAuth", []auth.Type{auth.VncAuth{Password: secret}}, auth.VncAuthID, false},
		{"RA2ne", []auth.Type{auth.RSAAES{Number: auth.RA2neID, Key: key, Checker: secret}}, auth.RA2neID, false},
		{"AppleDH", []auth.Type{auth.AppleDH{Checker: secret}}, auth.AppleDHID, false},
		{"VncAuth in TLS", []auth.Type{auth.VncAuth{Password: secret}}, auth.VncAuthID, true},
		{"all of them", []auth.Type{auth.RSAAES{Number: auth.RA256ID, Key: key, Checker: secret}, auth.RSAAES{Number: auth.RA2neID, Key: key, Checker: secret},
			auth.AppleDH{Checker: secret}, auth.VncAuth{Password: secret}}, auth.RA2neID, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var cert *tls.Config
			if c.tls {
				cert = &tls.Config{Certificates: h.TLS.Certificates}
			}
			s := newPage(t, 720, 400, rfb.Config{Security: c.types}, cert)
			p := b.open(t, s.url)
			p.until("document.getElementById('login')?.open === true")
			p.eval(`document.getElementById("password").value = "wrong", document.querySelector("#login button").click()`)
			p.until("document.getElementById('why').textContent !== '' && document.getElementById('login').open")
			if why := p.eval("document.getElementById('why').textContent"); why != "authentication failed" {
				t.Errorf("the page says %q", why)
			}
			save(t, "login "+c.name, p.look())
			p.eval(`document.getElementById("password").value = "sEcret7!", document.querySelector("#login button").click()`)
			p.shows(picture(720, 400))
			if l := s.client(t); l.Security != c.id {
				t.Errorf("the security type is %d", l.Security)
			}
		})
	}
}
