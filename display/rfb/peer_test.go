package rfb

import (
	"bufio"
	"bytes"
	"fmt"
	"image"
	"image/png"
	"math"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"govm-desktop/display/rfb/auth"
	"govm-desktop/display/rfb/enc"
)

// TestPeer_tigervnc has Debian's viewer look at a screen under Xvfb: what its window shows is the screen's picture, exactly,
// and what is typed and clicked into it arrives.
func TestPeer_tigervnc(t *testing.T) {
	if testing.Short() {
		t.Skip("a real viewer takes its time")
	}
	for _, tool := range []string{"xtigervncviewer", "Xvfb", "xdotool", "import"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	x := newX(t)
	for _, c := range []struct {
		name string
		args []string
		id   int32   // that is used
		psnr float64 // 0: exact
	}{
		{"ZRLE", []string{"-PreferredEncoding=ZRLE"}, enc.ZRLEID, 0},
		{"Hextile", []string{"-PreferredEncoding=Hextile"}, enc.HextileID, 0},
		{"Raw", []string{"-PreferredEncoding=Raw"}, enc.RawID, 0},
		{"Tight", []string{"-PreferredEncoding=Tight", "-NoJPEG=1", "-CompressLevel=1", "-CustomCompressLevel=1"}, enc.TightID, 0},
		{"Tight with JPEG", []string{"-PreferredEncoding=Tight", "-QualityLevel=6"}, enc.TightID, 30},
		{"Tight with coarse JPEG", []string{"-PreferredEncoding=Tight", "-QualityLevel=1"}, enc.TightID, 22},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, 720, 400, Config{Name: "peer " + c.name})
			b.fake.Paint(image.Rect(0, 0, 720, 400), desktop)
			args := append([]string{strings.Replace(b.addr, ":", "::", 1), "-AutoSelect=0"}, c.args...)
			stop := x.start("xtigervncviewer", args...)
			defer stop()
			if c.psnr > 0 {
				x.nearly(t, b, c.psnr)
			}
			x.shows(t, b, 720, 400) // what was lost comes in the end
			x.typeAndClick(t, b)
			b.fake.Fill(image.Rect(100, 100, 150, 120), 0xffffff)
			b.fake.Resize(640, 480)
			b.fake.Paint(image.Rect(0, 0, 640, 480), desktop)
			x.shows(t, b, 640, 480)
			for _, l := range b.s.List() {
				if l.Encoding != c.id {
					t.Errorf("the encoding is %d", l.Encoding)
				}
			}
		})
	}
}

// TestPeer_security has viewers pass each security type that they have.
func TestPeer_security(t *testing.T) {
	if testing.Short() {
		t.Skip("a real viewer takes its time")
	}
	for _, tool := range []string{"xtigervncviewer", "Xvfb", "xdotool", "import", "openssl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	x := newX(t)
	dir := t.TempDir()
	cmd := exec.Command("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", dir+"/server-key.pem", "-out", dir+"/server-cert.pem",
		"-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	cert, err := auth.Credentials{Dir: dir}.TLS()
	if err != nil {
		t.Fatal(err)
	}
	p := &auth.Password{}
	p.Set("sEcret7!")
	p.SetViewOnly("look")
	for _, c := range []struct {
		name, viewer, password string
		spec                   Spec
		id                     uint8
		args                   []string
	}{
		{"VncAuth", "xtigervncviewer", "sEcret7!", Spec{Password: true}, auth.VncAuthID, []string{"-SecurityTypes=VncAuth"}},
		{"VncAuth, to look", "xtigervncviewer", "look", Spec{Password: true}, auth.VncAuthID, []string{"-SecurityTypes=VncAuth"}},
		{"X509Vnc", "xtigervncviewer", "sEcret7!", Spec{Password: true, TLSCreds: "t"}, auth.VeNCryptID, []string{"-SecurityTypes=X509Vnc"}},
		{"X509None", "xtigervncviewer", "", Spec{TLSCreds: "t"}, auth.VeNCryptID, []string{"-SecurityTypes=X509None"}},
		{"xtightvncviewer", "xtightvncviewer", "sEcret7!", Spec{Password: true}, auth.VncAuthID, []string{"-encodings", "tight copyrect"}},
		{"xtightvncviewer, CoRRE", "xtightvncviewer", "sEcret7!", Spec{Password: true}, auth.VncAuthID, []string{"-encodings", "corre"}},
		{"xtightvncviewer, RRE", "xtightvncviewer", "sEcret7!", Spec{Password: true}, auth.VncAuthID, []string{"-encodings", "rre"}},
		{"xtightvncviewer, Zlib", "xtightvncviewer", "sEcret7!", Spec{Password: true}, auth.VncAuthID, []string{"-encodings", "zlib"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := exec.LookPath(c.viewer); err != nil {
				t.Skip(err)
			}
			types, err := c.spec.Security(p, cert)
			if err != nil {
				t.Fatal(err)
			}
			b := newBench(t, 720, 400, Config{Name: "peer " + c.name, Security: types})
			b.fake.Paint(image.Rect(0, 0, 720, 400), desktop)
			_, port, _ := strings.Cut(b.addr, ":")
			args := append([]string{"localhost::" + port}, c.args...)
			if c.viewer == "xtigervncviewer" {
				args = append(args, "-X509CA="+dir+"/server-cert.pem", "-AutoSelect=0", "-PreferredEncoding=ZRLE")
			} else {
				args = append([]string{"-nojpeg"}, args...)
			}
			if c.password != "" {
				file := dir + "/passwd"
				if err := os.WriteFile(file, auth.Obfuscate(c.password), 0o600); err != nil {
					t.Fatal(err)
				}
				args = append([]string{"-passwd", file}, args...)
			}
			stop := x.start(c.viewer, args...)
			defer stop()
			x.shows(t, b, 720, 400)
			for _, l := range b.s.List() {
				if l.Security != c.id || l.ViewOnly != (c.password == "look") {
					t.Errorf("security type %d, view only: %v", l.Security, l.ViewOnly)
				}
			}
		})
	}
}

// xserver is an X server without a screen.
type xserver struct {
	t       *testing.T
	display string
}

func newX(t *testing.T) *xserver {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd := exec.Command("Xvfb", "-noreset", "-displayfd", "3", "-screen", "0", "1280x900x24")
	cmd.ExtraFiles = []*os.File{w}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatalf("Xvfb: %v", err)
	}
	return &xserver{t, ":" + strings.TrimSpace(line)}
}

func (x *xserver) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "DISPLAY="+x.display)
	return cmd
}

// tool runs a command that has to end soon.
func (x *xserver) tool(name string, args ...string) ([]byte, error) {
	cmd := x.command(name, args...)
	var out bytes.Buffer
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	stop := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
	defer stop.Stop()
	err := cmd.Wait()
	return out.Bytes(), err
}

func (x *xserver) start(name string, args ...string) (stop func()) {
	cmd := x.command(name, args...)
	if err := cmd.Start(); err != nil {
		x.t.Fatal(err)
	}
	return func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
}

// window is the viewer's, once there is one.
func (x *xserver) window(b *bench) string {
	out, err := x.tool("xdotool", "search", "--name", b.s.desktopName())
	if err != nil {
		return ""
	}
	id, _, _ := strings.Cut(string(out), "\n")
	return id
}

// nearly waits until the viewer's window is like the picture, at least so well (PSNR in dB).
func (x *xserver) nearly(t *testing.T, b *bench, psnr float64) {
	t.Helper()
	best := 0.0
	for end := time.Now().Add(40 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		img := x.shot(t, b)
		if img == nil || img.Bounds() != image.Rect(0, 0, 720, 400) {
			continue
		}
		sum := 0.0
		for y := range 400 {
			for x := range 720 {
				r, g, bl, _ := img.At(x, y).RGBA()
				v := desktop(x, y)
				for i, u := range []uint32{r, g, bl} {
					d := float64(u>>8) - float64(v>>(16-8*i)&0xff)
					sum += d * d
				}
			}
		}
		if best = 10 * math.Log10(255*255*3*720*400/max(sum, 1)); best >= psnr {
			t.Logf("PSNR %.1f dB", best)
			return
		}
	}
	t.Fatalf("PSNR %.1f dB", best)
}

// shot is what the viewer's window shows, nil where there is none.
func (x *xserver) shot(t *testing.T, b *bench) image.Image {
	t.Helper()
	id := x.window(b)
	if id == "" {
		return nil
	}
	out, err := x.tool("import", "-window", id, "png:-")
	if err != nil {
		return nil
	}
	img, err := png.Decode(bytes.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// shows waits until the viewer's window holds the picture.
func (x *xserver) shows(t *testing.T, b *bench, w, h int) {
	t.Helper()
	why := "no window"
	for end := time.Now().Add(40 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		img := x.shot(t, b)
		if img == nil {
			continue
		}
		if why = differs(img, w, h); why == "" {
			return
		}
	}
	t.Fatalf("the viewer does not show the screen: %s", why)
}

func differs(img image.Image, w, h int) string {
	if img.Bounds() != image.Rect(0, 0, w, h) {
		return fmt.Sprintf("size %v", img.Bounds())
	}
	for y := range h {
		for x := range w {
			r, g, bl, _ := img.At(x, y).RGBA()
			if got, want := r>>8<<16|g>>8<<8|bl>>8, desktop(x, y); got != want {
				return fmt.Sprintf("at %d,%d: %06x instead of %06x", x, y, got, want)
			}
		}
	}
	return ""
}

// typeAndClick uses the keyboard and the mouse.
func (x *xserver) typeAndClick(t *testing.T, b *bench) {
	t.Helper()
	id := x.window(b)
	for _, args := range [][]string{
		{"mousemove", "--window", id, "100", "100", "windowfocus", id},
		{"mousemove", "--window", id, "130", "120", "click", "1", "click", "4"},
		{"type", "aB"},
		{"key", "ctrl+alt+Delete", "Left"},
	} {
		if out, err := x.tool("xdotool", args...); err != nil {
			t.Fatalf("xdotool %v: %v: %s", args, err, out)
		}
	}
	var got string
	want := []string{"b+272", "b-272", "w0,1", "+30", "-30", "+42", "+48", "-48", "+29", "+56", "+111", "-111", "+105", "-105"}
	missing := ""
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		got += " " + said(b.guest.take())
		missing = ""
		at := 0
		for _, w := range want {
			i := strings.Index(got[at:]+" ", " "+w+" ")
			if i < 0 {
				missing = w
				break
			}
			at += i + 1
		}
		if missing == "" {
			return
		}
	}
	t.Errorf("%s is missing in%s", missing, got)
}
