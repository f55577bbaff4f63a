//go:build sdl

package sdl

import (
	"image"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/veandco/go-sdl2/sdl"
	"golang.org/x/sys/unix"

	"govm-desktop/display"
	"govm-desktop/display/displaytest"
	"govm-desktop/display/window"
	"govm-desktop/input"
	"govm-desktop/input/keycodemap"
)

func processorTime(b *testing.B, who int) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(who, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkRepaint brings pictures of 1024×768 dots to a window on the desktop that DISPLAY names, all of each or one cell of text. What it counts as
// cpu-ms/op is all that this process does for one, the source's drawing and the Screen too; window-ms/op is the window's part, with SDL and Xlib.
func BenchmarkRepaint(b *testing.B) {
	if os.Getenv("DISPLAY") == "" {
		b.Skip("no DISPLAY")
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	src := displaytest.NewFake(1024, 768)
	screen := display.NewScreen(src, display.Options{Rate: 100000})
	defer screen.Close()
	grab, err := window.ParseGrabKey("")
	if err != nil {
		b.Fatal(err)
	}
	u, err := New(Config{Config: window.Config{Name: "bench", GrabKey: grab, Heads: []*display.Head{{Screen: screen, Input: &input.Router{}}}}, Keys: keycodemap.New()})
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		u.w.Destroy()
		u.win.Destroy()
		sdl.Quit()
	}()
	frame := func() {
		for !u.w.Update() {
			u.handle(sdl.WaitEvent())
			for e := sdl.PollEvent(); e != nil; e = sdl.PollEvent() {
				u.handle(e)
			}
		}
		u.paint()
	}
	for range 50 { // until the window is there and has its size
		src.Fill(image.Rect(0, 0, 8, 8), 1)
		frame()
	}
	for name, part := range map[string]image.Rectangle{"full": image.Rect(0, 0, 1024, 768), "cell": image.Rect(80, 160, 88, 176)} {
		b.Run(name, func(b *testing.B) {
			runtime.LockOSThread() // a goroutine of its own, which has taken SDL over
			defer runtime.UnlockOSThread()
			before, mine, n := processorTime(b, unix.RUSAGE_SELF), processorTime(b, unix.RUSAGE_THREAD), uint32(0)
			for b.Loop() {
				n += 0x010203
				src.Fill(part, n&0xffffff)
				frame()
			}
			b.ReportMetric(float64((processorTime(b, unix.RUSAGE_SELF)-before).Microseconds())/1000/float64(b.N), "cpu-ms/op")
			b.ReportMetric(float64((processorTime(b, unix.RUSAGE_THREAD)-mine).Microseconds())/1000/float64(b.N), "window-ms/op")
		})
	}
}
