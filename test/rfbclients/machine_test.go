package rfbclients

import (
	"encoding/base64"
	"image"
	"os"
	"regexp"
	"testing"
	"time"

	"govm-desktop/demo"
	"govm-desktop/test/vm"
)

// program is govm-desktop, built once for all tests.
var program string

func TestMain(m *testing.M) { os.Exit(vm.Main(m, &program)) }

// patience is when to give up on a loaded machine. Nothing is expected to take as long.
const patience = 3 * time.Minute

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// sub is a part of a picture, from (0, 0).
func sub(p *image.RGBA, r image.Rectangle) *image.RGBA {
	q := *p.SubImage(r).(*image.RGBA)
	q.Rect = q.Rect.Sub(r.Min)
	return &q
}

// TestWeb_machine uses the demo guest through the page as a person does: looks, types, points, saves a screenshot, lists the viewers, and
// presses reset.
func TestWeb_machine(t *testing.T) {
	m, err := vm.Start(vm.Ours, program, "-m", "64", "-demo", "-display", "web", "-name", "the demo")
	must(t, err)
	defer m.Close()
	url := regexp.MustCompile(`http://\S+`).FindString(m.Stderr())
	if url == "" {
		t.Fatalf("no URL in %q", m.Stderr())
	}
	p := startBrowser(t).open(t, url)
	p.until(`document.querySelector("#screen canvas")?.width === 1024`)
	complete := func() (q *image.RGBA) { // the page shows what the guest shows, but for the clock
		t.Helper()
		var err error
		for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
			shot, e := m.Screenshot()
			must(t, e)
			if q = p.canvas(); q == nil || q.Rect.Dx() != demo.Width || vm.Plain(sub(q, demo.Help())) || vm.Plain(sub(q, demo.PCI())) {
				continue
			}
			if err = vm.Differ("the page and the screen", q, shot, demo.Clock()); err == nil {
				return q
			}
		}
		t.Fatal(err)
		return nil
	}
	before := complete()
	if p.eval("document.title") != "the demo" {
		t.Error(p.eval("document.title"))
	}
	p.eval(`document.querySelector("#screen canvas").focus()`)
	p.press("KeyH", "h", 'H')
	p.press("KeyI", "i", 'I')
	// A browser on a German keyboard says z for what the guest's keyboard has y on: the place counts.
	p.press("KeyY", "z", 'Z')
	typed := complete()
	if vm.Diff(sub(before, demo.Text()), sub(typed, demo.Text())).Empty() {
		t.Error("what was typed is not on the screen")
	}
	save(t, "machine typed", p.look())
	p.eval(`document.getElementById("text").value = "Pasted: ok?", document.getElementById("type").click()`)
	pasted := complete()
	for end := time.Now().Add(20 * time.Second); vm.Diff(sub(typed, demo.Text()), sub(pasted, demo.Text())).Dx() < 80 && time.Now().Before(end); {
		pasted = complete()
	}
	save(t, "machine pasted", p.look())
	if vm.Diff(sub(typed, demo.Text()), sub(pasted, demo.Text())).Dx() < 80 {
		t.Error("what was pasted is not on the screen")
	}
	p.eval(`document.querySelector("[popovertarget=who]").click()`)
	p.until(`document.querySelectorAll("#list tr.me").length === 1`)
	save(t, "machine viewers", p.look())
	t.Log(p.eval(`document.querySelector("#list").innerText`))
	b64, _ := p.eval(`(async () => {
		let kept; const made = URL.createObjectURL; URL.createObjectURL = (b) => { kept = b; return made.call(URL, b); };
		document.getElementById("shot").click();
		for (let i = 0; i < 200 && !kept; i++) await new Promise((d) => setTimeout(d, 50));
		return btoa(String.fromCharCode(...new Uint8Array(await kept.arrayBuffer())));
	})()`).(string)
	if shot := decode(t, b64); !vm.Diff(shot, complete(), demo.Clock()).Empty() {
		t.Error("the screenshot is another picture")
	} else if b, _ := base64.StdEncoding.DecodeString(b64); len(b) < 1000 {
		t.Errorf("a screenshot of %d bytes", len(b))
	}
	p.eval(`window.confirm = () => true`)
	p.until(`!document.getElementById("powerbutton").hidden`)
	p.eval(`document.querySelector("[data-power=machineReset]").click()`)
	must(t, m.WaitEvent("RESET", 1, patience))
	complete()
	m.Quit()
	p.until(`document.getElementById("state").textContent !== ""`)
	save(t, "machine ended", p.look())
}
