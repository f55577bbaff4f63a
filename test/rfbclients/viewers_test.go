package rfbclients

import (
	"crypto/tls"
	"fmt"
	"image"
	"image/jpeg"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"govm-desktop/display/rfb"
	"govm-desktop/display/rfb/auth"
	"govm-desktop/display/rfb/enc"
	"govm-desktop/input"
	"govm-desktop/test/vm"
	"govm-desktop/test/xdesk"
)

// all reports whether the long tests are wanted too.
func all() bool { return os.Getenv("GOVM_TEST_ALL") == "1" }

// need skips the test if a program is not installed.
func need(t *testing.T, tools ...string) {
	t.Helper()
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
}

// viewer is a client under test, and what it has to use.
type viewer struct {
	name string
	args []string // {host}, {port} and {n}, the display, are put in, and {dir} with the secrets
	env  []string
	enc  int32
	psnr float64 // 0: exact at once; else at least so much, and exact once what was lost has come, if rest
	rest bool
	spec rfb.Spec // security
	id   uint8    // of the security type
	ci   bool     // it is looked at in CI, too
}

func (v *viewer) title() string {
	return v.args[0] + " " + v.name
}

// size is that of the screen: remmina's window shows no more.
func (v *viewer) size() (w, h int) {
	if v.args[0] == "remmina" {
		return 560, 340
	}
	return 720, 400
}

// TestViewers has every viewer that Debian has look at a screen, in every encoding and through every security type that it knows. What its
// window shows is the picture, and the server says that it was the encoding and the security type that were meant.
func TestViewers(t *testing.T) {
	need(t, "Xvfb", "xdotool", "import")
	secrets := newSecrets(t)
	x := xdesk.Start(t, 1400, 1000)
	for _, v := range viewers() {
		if !v.ci && !all() {
			continue
		}
		t.Run(strings.ReplaceAll(v.title(), " ", "_"), func(t *testing.T) {
			need(t, v.args[0])
			x := x.With(t)
			w, h := v.size()
			s := newStage(t, w, h, rfb.Config{Name: "stage", Security: secrets.types(t, v.spec)})
			v.look(t, x, s, secrets.dir)
		})
	}
}

// tigervnc is xtigervncviewer with some options.
func tigervnc(options ...string) []string {
	return append([]string{"xtigervncviewer", "-AutoSelect=0", "-FullColor=1", "-RemoteResize=0"}, append(options, "localhost::{port}")...)
}

func viewers() []viewer {
	const none = auth.NoneID
	password := rfb.Spec{Password: true}
	certificate := rfb.Spec{TLSCreds: "t"}
	both := rfb.Spec{TLSCreds: "t", Password: true}
	ca, passwd := "-X509CA={dir}/server-cert.pem", "-passwd={dir}/passwd"
	list := []viewer{
		{name: "Tight", args: tigervnc("-PreferredEncoding=Tight", "-NoJPEG=1"), enc: enc.TightID, id: none, ci: true},
		{name: "Tight with JPEG", args: tigervnc("-PreferredEncoding=Tight", "-QualityLevel=6"), enc: enc.TightID, id: none, psnr: 30, rest: true, ci: true},
		{name: "Tight with coarse JPEG", args: tigervnc("-PreferredEncoding=Tight", "-QualityLevel=1"), enc: enc.TightID, id: none, psnr: 22, rest: true},
		{name: "ZRLE", args: tigervnc("-PreferredEncoding=ZRLE"), enc: enc.ZRLEID, id: none},
		{name: "Hextile", args: tigervnc("-PreferredEncoding=Hextile"), enc: enc.HextileID, id: none},
		{name: "Raw", args: tigervnc("-PreferredEncoding=Raw"), enc: enc.RawID, id: none},
		{name: "VncAuth", args: tigervnc("-SecurityTypes=VncAuth", passwd), enc: enc.TightID, spec: password, id: auth.VncAuthID, rest: true, psnr: 30, ci: true},
		{name: "X509None", args: tigervnc("-SecurityTypes=X509None", ca), enc: enc.TightID, spec: certificate, id: auth.VeNCryptID, rest: true, psnr: 30},
		{name: "X509Vnc", args: tigervnc("-SecurityTypes=X509Vnc", ca, passwd), enc: enc.TightID, spec: both, id: auth.VeNCryptID, rest: true, psnr: 30},
		{name: "X509Plain", args: tigervnc("-SecurityTypes=X509Plain", ca), env: []string{"VNC_USERNAME=eva", "VNC_PASSWORD=sEcret7!"}, enc: enc.TightID,
			spec: rfb.Spec{TLSCreds: "t", Users: "{dir}/users"}, id: auth.VeNCryptID, rest: true, psnr: 30},
		{name: "snapshot", args: []string{"vncsnapshot", "-quality", "100", "-encodings", "tight", "127.0.0.1:{n}", "{dir}/out.jpg"}, enc: enc.TightID, id: none, psnr: 36, ci: true},
		{name: "capture", args: []string{"gvnccapture", "127.0.0.1:{n}", "{dir}/out.png"}, enc: enc.ZRLEID, id: none, ci: true},
		{name: "window", args: []string{"gvncviewer", "127.0.0.1:{n}"}, enc: enc.TightID, id: none, psnr: 30, rest: true},
		{name: "window", args: []string{"remmina", "-c", "{dir}/stage.remmina"}, enc: enc.ZlibID, id: none},
	}
	for name, id := range map[string]int32{"raw": enc.RawID, "hextile": enc.HextileID, "zlib": enc.ZlibID, "tight": enc.TightID, "corre": enc.CoRREID, "rre": enc.RREID} {
		list = append(list, viewer{name: name, args: []string{"xtightvncviewer", "-nojpeg", "-encodings", name + " copyrect", "localhost::{port}"}, enc: id, id: none, ci: name == "zlib" || name == "corre"})
	}
	list = append(list,
		viewer{name: "tight with JPEG", args: []string{"xtightvncviewer", "-quality", "7", "-encodings", "tight", "localhost::{port}"}, enc: enc.TightID, id: none, psnr: 30, rest: true},
		viewer{name: "VncAuth", args: []string{"xtightvncviewer", "-nojpeg", "-passwd", "{dir}/passwd", "localhost::{port}"}, enc: enc.RawID, spec: password, id: auth.VncAuthID})
	for name, id := range map[string]int32{"raw": enc.RawID, "hextile": enc.HextileID, "zlib": enc.ZlibID, "tight": enc.TightID, "corre": enc.CoRREID, "rre": enc.RREID, "zrle": enc.ZRLEID} {
		list = append(list, viewer{name: name, args: []string{"ssvncviewer", "-nojpeg", "-encodings", name, "localhost::{port}"}, enc: id, id: none})
	}
	for quality, psnr := range map[string]float64{"0": 20, "4": 22, "7": 24, "9": 60} { // the transform's levels, and none of it
		list = append(list, viewer{name: "zywrle " + quality, args: []string{"ssvncviewer", "-encodings", "zywrle copyrect", "-quality", quality, "localhost::{port}"},
			enc: enc.ZYWRLEID, id: none, psnr: psnr, rest: true})
	}
	return append(list, viewer{name: "VncAuth", args: []string{"ssvncviewer", "-nojpeg", "-encodings", "zrle", "-passwd", "{dir}/passwd", "localhost::{port}"}, enc: enc.ZRLEID, spec: password, id: auth.VncAuthID})
}

// look starts the viewer and compares what it shows.
func (v *viewer) look(t *testing.T, x *xdesk.Desk, s *stage, dir string) {
	args := make([]string, len(v.args))
	for i, a := range v.args {
		args[i] = strings.NewReplacer("{port}", fmt.Sprint(s.at.Port), "{n}", fmt.Sprint(s.at.Port-5900), "{dir}", dir).Replace(a)
	}
	if v.args[0] == "remmina" {
		must(t, os.WriteFile(dir+"/stage.remmina", fmt.Appendf(nil, "[remmina]\nname=stage\nprotocol=VNC\nserver=127.0.0.1:%d\ncolordepth=32\nquality=9\nviewmode=1\nscale=0\n", s.at.Port), 0o600))
	}
	used := make(chan rfb.Client, 1)
	go func() { // the ones that take one picture do not stay
		var last rfb.Client
		for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
			if l := s.server.List(); len(l) == 1 {
				last = l[0]
			} else if last.Addr != "" {
				break
			}
			if last.Encoding == v.enc && last.Security == v.id {
				break
			}
		}
		used <- last
	}()
	want := picture(v.size())
	var out string
	if last := args[len(args)-1]; strings.HasPrefix(last, dir) && v.args[0] != "remmina" {
		out = last
		os.Remove(out)
	}
	p := x.Launch(append([]string{"GDK_BACKEND=x11", "NO_AT_BRIDGE=1"}, v.env...), args[0], args[1:]...)
	if out != "" {
		select {
		case <-p.Ended():
		case <-time.After(patience):
			t.Fatalf("it does not end; it says: %s", p.Log())
		}
		got, err := readPicture(out)
		if err != nil {
			t.Fatalf("%v; it says: %s", err, p.Log())
		}
		save(t, v.title(), got)
		v.compare(t, got, want)
	} else {
		v.window(t, x, p, s)
	}
	if c := <-used; c.Encoding != v.enc || c.Security != v.id {
		t.Errorf("the encoding is %s, the security type %d; it says: %s", rfb.EncodingName(c.Encoding), c.Security, p.Log())
	}
}

// compare compares a picture that does not change any more.
func (v *viewer) compare(t *testing.T, got, want *image.RGBA) {
	t.Helper()
	if v.psnr == 0 {
		if err := vm.Differ("the viewer's picture and the screen's", got, want); err != nil {
			t.Error(err)
		}
	} else if q := psnr(got, want); q < v.psnr {
		t.Errorf("PSNR %.1f dB", q)
	} else {
		t.Logf("PSNR %.1f dB", q)
	}
}

// window compares what a window shows, whatever frame the viewer draws around it, and again after the screen has changed its size.
func (v *viewer) window(t *testing.T, x *xdesk.Desk, p *xdesk.Program, s *stage) {
	t.Helper()
	best := 0.0
	finds := func(want *image.RGBA, enough float64) {
		t.Helper()
		var shot *image.RGBA
		q := 0.0
		for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
			var err error
			if shot, err = x.Picture("root"); err != nil {
				t.Fatal(err)
			}
			if q = find(shot, want); q >= enough {
				best = q
				save(t, v.title(), shot)
				return
			}
			select {
			case <-p.Ended():
				t.Fatalf("it has ended; it says: %s", p.Log())
			default:
			}
		}
		save(t, "failed "+v.title(), shot)
		t.Fatalf("the desktop shows the screen with %.1f dB; it says: %s", q, p.Log())
	}
	if v.psnr > 0 {
		finds(picture(v.size()), v.psnr)
		t.Logf("PSNR %.1f dB", best)
	}
	if v.psnr == 0 || v.rest {
		finds(picture(v.size()), math.Inf(1))
	}
	switch v.args[0] {
	case "xtightvncviewer", "gvncviewer", "remmina": // their windows stay as they are, and what they show is cut off or scaled
		turned := picture(v.size())
		for i := range turned.Pix {
			if i%4 != 3 {
				turned.Pix[i] ^= 0xff
			}
		}
		s.fake.Paint(turned.Rect, func(x, y int) uint32 { return desktop(x, y) ^ 0xffffff })
		finds(turned, math.Inf(1))
		return
	}
	s.repaint(640, 480)
	finds(picture(640, 480), math.Inf(1))
}

// find looks for a picture in a larger one, and says how well the best place shows it (PSNR in dB).
func find(in, p *image.RGBA) float64 {
	probes := []image.Point{}
	for i := range 40 {
		probes = append(probes, image.Pt((i*7919+3)%p.Rect.Dx(), (i*104729+5)%p.Rect.Dy()))
	}
	best, at := math.MaxInt, image.Point{}
	for y := 0; y+p.Rect.Dy() <= in.Rect.Dy(); y++ {
		for x := 0; x+p.Rect.Dx() <= in.Rect.Dx(); x++ {
			sum := 0
			for _, q := range probes {
				a, b := in.Pix[in.PixOffset(x+q.X, y+q.Y):], p.Pix[p.PixOffset(q.X, q.Y):]
				for i := range 3 {
					d := int(a[i]) - int(b[i])
					sum += d * d
				}
				if sum >= best {
					break
				}
			}
			if sum < best {
				best, at = sum, image.Pt(x, y)
			}
		}
	}
	if best == math.MaxInt {
		return 0
	}
	return psnr(sub(in, p.Rect.Add(at)), p)
}

// psnr says how alike two pictures are; +Inf: the same.
func psnr(a, b *image.RGBA) float64 {
	if a.Rect != b.Rect {
		return 0
	}
	sum := 0
	for y := range a.Rect.Dy() {
		p, q := a.Pix[a.PixOffset(0, y):], b.Pix[b.PixOffset(0, y):]
		for i := range 4 * a.Rect.Dx() {
			if d := int(p[i]) - int(q[i]); i%4 != 3 {
				sum += d * d
			}
		}
	}
	return 10 * math.Log10(255*255*3*float64(a.Rect.Dx()*a.Rect.Dy())/float64(sum))
}

func readPicture(name string) (*image.RGBA, error) {
	if filepath.Ext(name) == ".png" {
		return vm.ReadPNG(name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	i, err := jpeg.Decode(f)
	if err != nil {
		return nil, err
	}
	out := image.NewRGBA(i.Bounds())
	for y := range out.Rect.Dy() {
		for x := range out.Rect.Dx() {
			out.Set(x, y, i.At(x, y))
		}
	}
	return out, nil
}

// secrets are what viewers prove themselves with.
type secrets struct {
	dir      string
	password *auth.Password
	cert     *tls.Config
}

func newSecrets(t *testing.T) *secrets {
	t.Helper()
	need(t, "openssl")
	s := &secrets{dir: t.TempDir(), password: &auth.Password{}}
	s.password.Set("sEcret7!")
	cmd := exec.Command("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", s.dir+"/server-key.pem", "-out", s.dir+"/server-cert.pem",
		"-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var err error
	s.cert, err = auth.Credentials{Dir: s.dir}.TLS()
	must(t, err)
	must(t, os.WriteFile(s.dir+"/passwd", auth.Obfuscate("sEcret7!"), 0o600))
	hash, err := bcrypt.GenerateFromPassword([]byte("sEcret7!"), bcrypt.MinCost)
	must(t, err)
	must(t, os.WriteFile(s.dir+"/users", append([]byte("eva:"), append(hash, '\n')...), 0o600))
	return s
}

// types are the security types of a Spec.
func (s *secrets) types(t *testing.T, spec rfb.Spec) []auth.Type {
	t.Helper()
	spec.Users = strings.ReplaceAll(spec.Users, "{dir}", s.dir)
	types, err := spec.Security(s.password, s.cert)
	must(t, err)
	return types
}

// TestViewers_hands types chords, points, clicks and turns the wheel in a viewer that sends keys by their place.
func TestViewers_hands(t *testing.T) {
	need(t, "Xvfb", "xdotool", "import", "xtigervncviewer", "openbox")
	x := xdesk.Start(t, 1000, 700)
	manage(t, x) // without a window manager the viewer gets no focus
	s := newStage(t, 720, 400, rfb.Config{Name: "stage"})
	p := x.Launch(nil, "xtigervncviewer", "-AutoSelect=0", "-PreferredEncoding=ZRLE", fmt.Sprintf("127.0.0.1::%d", s.at.Port))
	window := x.Window(p, patience)
	x.Shows(window, picture(720, 400), patience)
	do := func(args ...string) {
		t.Helper()
		_, err := x.Run("xdotool", args...)
		must(t, err)
	}
	do("windowfocus", "--sync", window)
	do("mousemove", "--window", window, "359", "198") // the pointer is put there, which is no movement for those that listen to devices
	do("mousemove_relative", "1", "2")
	at := func(v, size int) int { return (v*input.AbsMax + (size-1)/2) / (size - 1) }
	s.guest.hears(t, fmt.Sprintf("a%d,%d", at(360, 720), at(200, 400)))
	do("click", "1")
	s.guest.hears(t, "b+272", "b-272")
	do("click", "4", "click", "5", "click", "3")
	s.guest.hears(t, "w0,1", "w0,-1", "b+273", "b-273")
	do("type", "aB")
	s.guest.hears(t, "+30", "-30", "+42", "+48", "-48")
	do("key", "ctrl+alt+Delete", "Left")
	s.guest.hears(t, "+29", "+56", "+111", "-111", "+105", "-105")
}
