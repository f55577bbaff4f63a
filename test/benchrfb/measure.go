package main

import (
	"errors"
	"fmt"
	"image"
	"math"
	"slices"
	"time"

	"govm-desktop/display/rfb/enc"
)

// measurement is made of each server in turn.
type measurement struct {
	name string
	f    func(b *bench, s server) error
}

var measurements = []measurement{
	{"key", keyIdle}, {"window", windowLoopback}, {"trips", windowTrips}, {"idle", changeAfterIdle}, {"scroll", scrollText}, {"video", videoLossless},
	{"four", fourViewers}, {"slow", keyOnSlowLine}, {"jpeg", jpegVideo}, {"none", noViewer}, {"large", largeScreen},
}

// Lines.
var (
	loopback = line{}
	slow     = line{rate: 10e6 / 8, rtt: 20 * time.Millisecond}
)

// Goals of nothing.
const none = -1

func percentile(d []time.Duration, p int) float64 {
	if len(d) == 0 {
		return math.NaN()
	}
	s := slices.Sorted(slices.Values(d))
	return float64(s[min(len(s)-1, len(s)*p/100)]) / 1e6
}

// idleCPU is what a server uses in a second while a part plays and nobody looks: what its viewers cost comes on top.
func (b *bench) idleCPU(s server, part int) (time.Duration, error) {
	key := [2]any{s.stage, part}
	if d, ok := b.idle[key]; ok {
		return d, nil
	}
	time.Sleep(300 * time.Millisecond)
	before, err := s.stage.cpu()
	if err != nil {
		return 0, err
	}
	const long = 2 * time.Second
	time.Sleep(long)
	after, err := s.stage.cpu()
	b.idle[key] = (after - before) / time.Duration(long/time.Second)
	return b.idle[key], err
}

// during shows a part to a viewer and measures.
func during(b *bench, s server, part int, ln line, t taste, f func(v *viewer) error) error {
	if err := s.stage.choose(part); err != nil {
		return err
	}
	idle, err := b.idleCPU(s, part)
	if err != nil {
		return err
	}
	v, err := look(s.stage, ln, t)
	if errors.Is(err, errNoStream) {
		return nil
	}
	if err != nil {
		return err
	}
	defer v.hangUp()
	v.idle = idle
	time.Sleep(time.Second + 4*ln.rtt) // the whole picture comes first
	return f(v)
}

func keyIdle(b *bench, s server) error {
	return during(b, s, partStatic, loopback, taste{encodings: with(enc.ZRLEID)}, func(v *viewer) error {
		d, err := v.press(40, 130*time.Millisecond, 3*time.Second)
		b.note(s, "key to pixel, idle screen, p50", percentile(d, 50), "ms", none, false)
		b.note(s, "key to pixel, idle screen, p95", percentile(d, 95), "ms", 10, false)
		return err
	})
}

func windowLoopback(b *bench, s server) error {
	for _, stream := range []bool{false, true} {
		how := ""
		if stream {
			how = ", continuous"
		}
		err := during(b, s, partWindow, loopback, taste{encodings: with(enc.ZRLEID), stream: stream}, func(v *viewer) error {
			t, err := v.watch(s.stage, 4*time.Second)
			b.note(s, "60 Hz window"+how, t.rate(), "updates/s", 59, true)
			b.note(s, "60 Hz window"+how+", CPU", t.cpuMS(), "ms/update", none, false)
			b.note(s, "60 Hz window"+how+", size", t.kb(), "KB/update", none, false)
			b.note(s, "60 Hz window"+how+", late by, p95", percentile(t.late(s.stage.marks()), 95), "ms", none, false)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func windowTrips(b *bench, s server) error {
	for _, ms := range []int{50, 100, 200} {
		for _, stream := range []bool{false, true} {
			what, goal := fmt.Sprintf("60 Hz window, RTT %d ms", ms), float64(none)
			if stream {
				what += ", continuous"
				if goal = 59; ms == 200 {
					goal = 45
				}
			}
			err := during(b, s, partWindow, line{rtt: time.Duration(ms) * time.Millisecond}, taste{encodings: with(enc.ZRLEID), stream: stream}, func(v *viewer) error {
				t, err := v.watch(s.stage, 4*time.Second)
				b.note(s, what, t.rate(), "updates/s", goal, true)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func changeAfterIdle(b *bench, s server) error {
	return during(b, s, partIdle, loopback, taste{encodings: with(enc.ZRLEID)}, func(v *viewer) error {
		t, err := v.watch(s.stage, 14*time.Second)
		late := t.late(s.stage.marks())
		b.note(s, "change after 1–4 s of idle, p50", percentile(late, 50), "ms", none, false)
		b.note(s, "change after 1–4 s of idle, worst", percentile(late, 100), "ms", 10, false)
		return err
	})
}

// kinds are the lossless encodings that are compared.
var kinds = []struct {
	name      string
	encodings []int32
}{{"ZRLE", with(enc.ZRLEID)}, {"Tight", with(enc.TightID, level1)}}

func scrollText(b *bench, s server) error {
	for _, k := range kinds {
		err := during(b, s, partScroll, loopback, taste{encodings: k.encodings}, func(v *viewer) error {
			t, err := v.watch(s.stage, 4*time.Second)
			b.note(s, "scrolling text, "+k.name, t.rate(), "updates/s", 29, true)
			b.note(s, "scrolling text, "+k.name+", size", t.kb(), "KB/update", 1, false)
			b.note(s, "scrolling text, "+k.name+", CPU", t.cpuMS(), "ms/update", 1, false)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func videoLossless(b *bench, s server) error {
	for _, k := range kinds {
		err := during(b, s, partVideo, loopback, taste{encodings: k.encodings}, func(v *viewer) error {
			t, err := v.watch(s.stage, 4*time.Second)
			b.note(s, "lossless video 640×360, "+k.name, t.rate(), "updates/s", 29, true)
			b.note(s, "lossless video 640×360, "+k.name+", size", t.kb(), "KB/update", none, false)
			b.note(s, "lossless video 640×360, "+k.name+", CPU", t.cpuMS(), "ms/update", 3, false)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func fourViewers(b *bench, s server) error {
	t := taste{encodings: with(enc.ZRLEID), skim: true}
	return during(b, s, partVideo, loopback, t, func(v *viewer) error {
		all := []*viewer{v}
		for range 3 {
			o, err := look(s.stage, loopback, t)
			if err != nil {
				return err
			}
			defer o.hangUp()
			all = append(all, o)
		}
		time.Sleep(time.Second)
		before := make([]int, len(all))
		count := func(v *viewer) int {
			v.mu.Lock()
			defer v.mu.Unlock()
			return v.stamped
		}
		for i, v := range all {
			before[i] = count(v)
		}
		got, err := v.watch(s.stage, 4*time.Second)
		least, sum := math.Inf(1), 0.0
		for i, v := range all {
			n := float64(count(v) - before[i])
			least, sum = min(least, n/got.took.Seconds()), sum+n
		}
		b.note(s, "four viewers of lossless video, the least", least, "updates/s", 29, true)
		b.note(s, "four viewers of lossless video, CPU", float64(got.cpu)/1e6/sum, "ms/update", none, false)
		return err
	})
}

func keyOnSlowLine(b *bench, s server) error {
	for _, k := range []struct {
		name string
		t    taste
	}{
		{"ZRLE", taste{encodings: with(enc.ZRLEID)}}, {"ZRLE, continuous", taste{encodings: with(enc.ZRLEID), stream: true}},
		{"Tight q6", taste{encodings: with(enc.TightID, level1, quality6)}}, {"Tight q6, continuous", taste{encodings: with(enc.TightID, level1, quality6), stream: true}},
	} {
		err := during(b, s, partVideo, slow, k.t, func(v *viewer) error {
			begin, n := time.Now(), 0
			v.mu.Lock()
			v.seen = nil
			v.mu.Unlock()
			d, err := v.press(12, 250*time.Millisecond, 5*time.Second)
			v.mu.Lock()
			n = len(v.seen)
			v.mu.Unlock()
			b.note(s, "key during video, 10 Mbit/s + 20 ms, "+k.name+", p50", percentile(d, 50), "ms", 100, false)
			b.note(s, "key during video, 10 Mbit/s + 20 ms, "+k.name+", p95", percentile(d, 95), "ms", none, false)
			b.note(s, "video, 10 Mbit/s + 20 ms, "+k.name, float64(n)/time.Since(begin).Seconds(), "updates/s", none, true)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func jpegVideo(b *bench, s server) error {
	return during(b, s, partVideo, loopback, taste{encodings: with(enc.TightID, level1, quality6)}, func(v *viewer) error {
		t, err := v.watch(s.stage, 4*time.Second)
		if err != nil {
			return err
		}
		b.note(s, "JPEG video 640×360", t.rate(), "updates/s", 29, true)
		b.note(s, "JPEG video 640×360, CPU", t.cpuMS(), "ms/update", 2, false)
		b.note(s, "JPEG video 640×360, size", t.kb(), "KB/update", none, false)
		v.mu.Lock()
		v.keepLast = true
		v.mu.Unlock()
		time.Sleep(500 * time.Millisecond)
		v.mu.Lock()
		m := v.last
		v.mu.Unlock()
		if m != nil {
			b.note(s, "JPEG video 640×360, PSNR", b.psnr(m), "dB", none, true)
		}
		return nil
	})
}

// psnr is how good a picture of the video is: against the picture of the film that it resembles most.
func (b *bench) psnr(m *image.RGBA) float64 {
	best := 0.0
	for _, pic := range b.film.parts[partVideo].pictures {
		want := b.film.images[pic[0].image]
		sum := 0.0
		for y := range videoAt.Dy() {
			p, q := m.Pix[m.PixOffset(videoAt.Min.X, videoAt.Min.Y+y):], want.Pix[y*want.Stride:]
			for i := range 4 * videoAt.Dx() {
				if i&3 != 3 {
					d := float64(p[i]) - float64(q[i])
					sum += d * d
				}
			}
		}
		best = max(best, 10*math.Log10(255*255*3*float64(videoAt.Dx()*videoAt.Dy())/max(sum, 1)))
	}
	return best
}

// noViewer is what a moving picture costs that nobody sees, beside one that stands still.
func noViewer(b *bench, s server) error {
	var used [2]time.Duration
	for i, part := range []int{partStatic, partVideo} {
		if err := s.stage.choose(part); err != nil {
			return err
		}
		var err error
		if used[i], err = b.idleCPU(s, part); err != nil {
			return err
		}
	}
	b.note(s, "no viewer, video's CPU above a still picture's", float64(used[1]-used[0])/1e6, "ms/s", 3, false)
	return nil
}

// largeScreen sees how much of a screen past what QEMU's server takes is served, and how soon a key shows on it.
func largeScreen(b *bench, s server) error {
	const w, h = 6144, 3456
	st, err := s.start(newLarge(w, h))
	if err != nil {
		return err
	}
	defer st.close()
	s.stage = st
	v, err := look(st, loopback, taste{encodings: with(enc.ZRLEID)})
	if err != nil {
		return err
	}
	defer v.hangUp()
	time.Sleep(4 * time.Second)
	v.mu.Lock()
	size := v.size
	v.mu.Unlock()
	b.note(s, "rows served of 6144×3456", float64(size.Dy()), "", h, true)
	d, err := v.press(8, 200*time.Millisecond, 3*time.Second)
	b.note(s, "key to pixel on 6144×3456, p50", percentile(d, 50), "ms", none, false)
	return err
}
