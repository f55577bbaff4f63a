package rfb

import (
	"image"
	"math/rand/v2"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"govm-desktop/display/rfb/enc"
	"govm-desktop/display/rfb/rfbtest"
)

// TestServer_busyScreen has twenty viewers of all tastes on one screen that never rests. In the end all of them have its picture, and those
// of one taste have shared work.
func TestServer_busyScreen(t *testing.T) {
	const w, h, viewers = 320, 240, 20
	b := newBench(t, w, h, Config{})
	stop := make(chan struct{})
	var painter sync.WaitGroup
	painter.Go(func() {
		rnd := rand.New(rand.NewPCG(1, 2))
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			case <-time.After(2 * time.Millisecond):
			}
			if i%3 == 0 { // a film
				b.fake.Paint(image.Rect(64, 64, 256, 192), func(x, y int) uint32 { return rnd.Uint32() & 0xffffff })
			} else { // and drawings
				x, y := rnd.IntN(w), rnd.IntN(h)
				b.fake.Fill(image.Rect(x, y, x+40, y+20), rnd.Uint32()&0xffffff)
			}
		}
	})
	tastes := [][]int32{
		{enc.ZRLEID, enc.CopyRectID, rfbtest.LastRect, rfbtest.Fence, rfbtest.Continuous}, {enc.ZRLEID}, {enc.TightID, enc.CopyRectID},
		{enc.TightID, encQuality0 + 6}, {enc.ZlibID, encLevel0 + 6}, {enc.HextileID}, {enc.TightPNGID}, {enc.TRLEID},
	}
	var clients []*rfbtest.Client
	var wg sync.WaitGroup
	for i := range viewers {
		c := b.dial(rfbtest.Options{Encodings: append(tastes[i%len(tastes)], enc.RawID)})
		clients = append(clients, c)
		wg.Go(func() {
			for range 8 {
				if err := c.Next(b.ctx()); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	close(stop)
	painter.Wait()
	b.fake.Paint(image.Rect(0, 0, w, h), desktop)
	for i, c := range clients {
		if lossy := i%len(tastes) == 3; !lossy {
			want(t, b.shot(c), w, h, desktop, nil)
		}
	}
	if n := b.s.shared.Hits(); n == 0 {
		t.Error("nothing was shared")
	}
}

// TestServer_sharedStreams compares what two viewers of one kind get, picture after picture, with the screen: blocks and files that were
// made for one have to fit into the other's stream, whatever went before.
func TestServer_sharedStreams(t *testing.T) {
	const w, h = 256, 200
	b := newBench(t, w, h, Config{})
	rnd := rand.New(rand.NewPCG(3, 4))
	kinds := [][]int32{{enc.ZRLEID, encLevel0 + 6}, {enc.ZRLEID}, {enc.TightID}, {enc.TightID, encLevel0 + 9}}
	var clients []*rfbtest.Client
	for _, k := range kinds {
		for range 2 {
			clients = append(clients, b.dial(rfbtest.Options{Encodings: append(k, enc.RawID)}))
		}
	}
	for range 12 {
		area := image.Rect(rnd.IntN(100), rnd.IntN(100), w, h)
		seed := rnd.Uint32()
		noise := rnd.IntN(2) == 0
		colour := func(x, y int) uint32 {
			switch {
			case !(image.Point{X: x, Y: y}).In(area):
				return desktop(x, y)
			case noise:
				return (uint32(x*7919+y*104729) ^ seed) * 2654435761 >> 8
			}
			return desktop(x+int(seed%100), y)
		}
		b.fake.Paint(image.Rect(0, 0, w, h), colour)
		var wg sync.WaitGroup
		for _, c := range clients {
			wg.Go(func() {
				if shot, err := c.Screenshot(b.ctx()); err != nil {
					t.Error(err)
				} else if p := shot.RGBAAt(w-1, h-1); p != rgba(colour(w-1, h-1)) {
					t.Errorf("%v in the corner", p)
				}
			})
		}
		wg.Wait()
		for _, c := range clients[:1+rnd.IntN(len(clients))] {
			want(t, b.shot(c), w, h, colour, nil)
		}
	}
}

// TestServer_memory has a viewer of a large screen that is busy, and reads slowly: what the server keeps for it is less than a frame and
// 4 MiB, the frames of the screen itself not counted.
func TestServer_memory(t *testing.T) {
	const w, h, viewers = 1600, 1200, 6
	b := newBench(t, w, h, Config{})
	n := noise()
	b.fake.Paint(image.Rect(0, 0, w, h), n)
	kinds := []int32{enc.ZRLEID, enc.TightID, enc.ZlibID, enc.TightPNGID, enc.HextileID, enc.TRLEID}
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	b.shot(b.dial(rfbtest.Options{})) // what the first viewer of all needs
	before := heap()
	for i := range viewers {
		nc, err := net.Dial("tcp", b.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		hello := append([]byte("RFB 003.003\n\x01"), 2, 0, 0, 1)
		id := uint32(kinds[i%len(kinds)])
		hello = append(hello, byte(id>>24), byte(id>>16), byte(id>>8), byte(id))
		for range 4 {
			hello = append(hello, 3, 0, 0, 0, 0, 0, w>>8, w&0xff, h>>8, h&0xff)
		}
		if _, err := nc.Write(hello); err != nil {
			t.Fatal(err)
		}
		if _, err := nc.Read(make([]byte, 64<<10)); err != nil {
			t.Fatal(err)
		}
	}
	for end := time.Now().Add(10 * time.Second); len(b.s.List()) < viewers+1 && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(5 * time.Millisecond)
	b.fake.Fill(image.Rect(0, 0, 300, 300), 1)
	grown := int64(heap()) - int64(before)
	if most := int64(viewers * (4*w*h + 4<<20)); grown > most {
		t.Errorf("%d viewers take %d bytes, more than %d", viewers, grown, most)
	}
	t.Logf("%d KiB for each viewer; a frame has %d", grown/viewers>>10, 4*w*h>>10)
}
