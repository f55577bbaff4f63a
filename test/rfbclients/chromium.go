// Package rfbclients holds tests of the RFB server and its page with the programs that people use to look at screens, and what drives them:
// Chromium, without a window, through its DevTools protocol.
package rfbclients

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// browser is a Chromium.
type browser struct {
	ws   *websocket.Conn
	next int
}

// answer is a message of the DevTools protocol.
type answer struct {
	ID     int
	Method string
	Params json.RawMessage
	Result json.RawMessage
	Error  *struct{ Message string }
}

// startBrowser starts Chromium with further flags; it ends with the test.
func startBrowser(t *testing.T, flags ...string) *browser {
	t.Helper()
	if _, err := exec.LookPath("chromium"); err != nil {
		t.Skip(err)
	}
	dir, err := os.MkdirTemp("", "chromium") // not t.TempDir: its processes may write after the main one has ended
	if err != nil {
		t.Fatal(err)
	}
	args := append([]string{"--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--remote-debugging-port=0",
		"--disable-background-networking", "--disable-component-update", "--user-data-dir=" + dir, "--window-size=1100,800"}, flags...)
	cmd := exec.Command("chromium", append(args, "about:blank")...)
	cmd.Env = append(os.Environ(), "HOME="+dir)
	says, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		for range 20 {
			if os.RemoveAll(dir) == nil {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
	})
	found := make(chan string, 1)
	go func() {
		listening := regexp.MustCompile(`DevTools listening on (ws://\S+)`)
		for lines := bufio.NewScanner(says); lines.Scan(); {
			if m := listening.FindStringSubmatch(lines.Text()); m != nil {
				found <- m[1]
			}
		}
		close(found)
	}()
	var at string
	select {
	case at = <-found:
	case <-time.After(60 * time.Second):
	}
	if at == "" {
		t.Fatal("Chromium does not start")
	}
	ws, _, err := websocket.Dial(t.Context(), at, nil)
	if err != nil {
		t.Fatal(err)
	}
	ws.SetReadLimit(-1)
	return &browser{ws: ws}
}

// page is one of its pages.
type page struct {
	t       *testing.T
	b       *browser
	session string
	said    []string // on the page's console
}

// open opens a URL.
func (b *browser) open(t *testing.T, url string) *page {
	t.Helper()
	p := &page{t: t, b: b}
	var target struct{ TargetID string }
	p.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	p.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	p.session = attached.SessionID
	p.call("Runtime.enable", nil, nil)
	p.call("Page.enable", nil, nil)
	p.call("Security.setIgnoreCertificateErrors", map[string]any{"ignore": true}, nil)
	p.call("Page.navigate", map[string]any{"url": url}, nil)
	return p
}

// call has the browser do something.
func (p *page) call(method string, params map[string]any, result any) {
	p.t.Helper()
	if err := p.try(method, params, result); err != nil {
		p.t.Fatalf("%s: %v; the page said: %s", method, err, strings.Join(p.said, "\n"))
	}
}

func (p *page) try(method string, params map[string]any, result any) error {
	ctx, cancel := context.WithTimeout(p.t.Context(), 60*time.Second)
	defer cancel()
	p.b.next++
	id := p.b.next
	m := map[string]any{"id": id, "method": method, "params": params}
	if params == nil {
		m["params"] = map[string]any{}
	}
	if p.session != "" {
		m["sessionId"] = p.session
	}
	b, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if err := p.b.ws.Write(ctx, websocket.MessageText, b); err != nil {
		return err
	}
	for {
		_, b, err := p.b.ws.Read(ctx)
		if err != nil {
			return err
		}
		var a answer
		if err := json.Unmarshal(b, &a); err != nil {
			return err
		}
		switch {
		case a.ID == id && a.Error != nil:
			return errors.New(a.Error.Message)
		case a.ID == id && result != nil:
			return json.Unmarshal(a.Result, result)
		case a.ID == id:
			return nil
		case a.Method == "Runtime.consoleAPICalled", a.Method == "Runtime.exceptionThrown":
			p.said = append(p.said, string(a.Params))
		}
	}
}

// eval is the value of an expression on the page, which may be a promise.
func (p *page) eval(expression string) any {
	p.t.Helper()
	var r struct {
		Result           struct{ Value any }
		ExceptionDetails *struct {
			Text      string
			Exception struct{ Description string }
		}
	}
	p.call("Runtime.evaluate", map[string]any{"expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true}, &r)
	if e := r.ExceptionDetails; e != nil {
		p.t.Fatalf("%s: %s %s", expression, e.Text, e.Exception.Description)
	}
	return r.Result.Value
}

// until waits for an expression to be true.
func (p *page) until(expression string) {
	p.t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if p.eval(expression) == true {
			return
		}
	}
	p.t.Fatalf("%s does not come true; the page says %v; %s", expression, p.eval("document.getElementById('state')?.textContent"), strings.Join(p.said, "\n"))
}

// canvas is what noVNC has drawn; nil: nothing yet.
func (p *page) canvas() *image.RGBA {
	p.t.Helper()
	url, _ := p.eval(`document.querySelector("#screen canvas")?.toDataURL("image/png") ?? ""`).(string)
	b64, ok := strings.CutPrefix(url, "data:image/png;base64,")
	if !ok { // it has no size yet
		return nil
	}
	return decode(p.t, b64)
}

// look is the whole page as a person sees it.
func (p *page) look() *image.RGBA {
	p.t.Helper()
	var r struct{ Data string }
	p.call("Page.captureScreenshot", map[string]any{"format": "png"}, &r)
	return decode(p.t, r.Data)
}

func decode(t *testing.T, b64 string) *image.RGBA {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(b64)
	if err != nil {
		t.Fatal(err)
	}
	i, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	out := image.NewRGBA(i.Bounds())
	draw.Draw(out, out.Rect, i, i.Bounds().Min, draw.Src)
	return out
}

// press presses and releases a key by its place, with what it gives on the browser's side.
func (p *page) press(code, key string, virtual int) {
	p.t.Helper()
	for _, kind := range []string{"rawKeyDown", "keyUp"} {
		p.call("Input.dispatchKeyEvent", map[string]any{"type": kind, "code": code, "key": key, "windowsVirtualKeyCode": virtual}, nil)
	}
}

// save keeps a picture where SHOTS names a folder, to look at.
func save(t *testing.T, name string, i image.Image) {
	dir := os.Getenv("SHOTS")
	if dir == "" || i == nil {
		return
	}
	var b bytes.Buffer
	if err := png.Encode(&b, i); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(fmt.Sprintf("%s/%s.png", dir, strings.NewReplacer("/", "-", " ", "_").Replace(name)), b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
