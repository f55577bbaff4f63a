package rfbclients

import (
	"context"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"govm-desktop/demo"
	"govm-desktop/display/rfb/rfbtest"
	"govm-desktop/test/vm"
)

// TestRecord records the demo guest, and plays it back: the last picture is the one that the guest showed.
func TestRecord(t *testing.T) {
	film := filepath.Join(t.TempDir(), "demo.fbs")
	m, err := vm.Start(vm.Ours, program, "-m", "64", "-demo", "-vnc", "127.0.0.1:0,to=99,record="+film)
	must(t, err)
	defer m.Close()
	last, err := m.WaitScreen(patience, func(q *image.RGBA) bool {
		return q.Rect.Dx() == demo.Width && !vm.Plain(sub(q, demo.Help())) && !vm.Plain(sub(q, demo.PCI()))
	})
	must(t, err)
	for size := int64(-1); ; time.Sleep(500 * time.Millisecond) { // until it has that, too
		i, err := os.Stat(film)
		must(t, err)
		if i.Size() == size || size > 0 && i.Size()-size < 4000 { // the clock goes on
			break
		}
		size = i.Size()
	}
	last, err = m.Screenshot()
	must(t, err)
	m.Quit()
	_, err = m.Wait(patience)
	must(t, err)
	socket := filepath.Join(t.TempDir(), "play")
	cmd := exec.Command(program, "-vnc-play", film+",speed=50", "-vnc", "unix:"+socket)
	cmd.Stderr = os.Stderr
	must(t, cmd.Start())
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	var c *rfbtest.Client
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		if c, err = rfbtest.Dial("unix:" + socket); err == nil || time.Now().After(end) {
			break
		}
	}
	must(t, err)
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	must(t, c.WaitFor(ctx, func(i *image.RGBA) bool { return i.Rect == last.Rect && vm.Diff(i, last, demo.Clock()).Empty() }))
}
