package window

import (
	"image"
	"math/rand/v2"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"govm-desktop/display"
)

func surface(w, h int) *Surface {
	s := &Surface{Pix: make([]byte, (4*w+12)*h), Stride: 4*w + 12, Size: image.Pt(w, h)}
	for i := range s.Pix {
		s.Pix[i] = 0xee
	}
	return s
}

func (s *Surface) at(x, y int) [3]byte { return [3]byte(s.Pix[y*s.Stride+4*x:]) }

func noise(f *display.Frame, rnd *rand.Rand, part image.Rectangle) {
	for y := part.Min.Y; y < part.Max.Y; y++ {
		row := f.Row(y, part.Min.X, part.Max.X)
		for i := range row {
			if i&3 != 3 {
				row[i] = byte(rnd.Uint32())
			}
		}
	}
}

// slow is what a pixel of a magnified picture should be: its four dots, mixed.
func slow(f *display.Frame, x, y int, size image.Point) (c [3]float64) {
	u, v := (float64(x)+.5)*float64(f.Rect.Dx())/float64(size.X)-.5, (float64(y)+.5)*float64(f.Rect.Dy())/float64(size.Y)-.5
	u, v = max(u, 0), max(v, 0)
	i, j := int(u), int(v)
	fu, fv := u-float64(i), v-float64(j)
	at := func(x, y, k int) float64 {
		return float64(f.Row(min(y, f.Rect.Dy()-1), 0, f.Rect.Dx())[4*min(x, f.Rect.Dx()-1)+k])
	}
	for k := range c {
		c[k] = (at(i, j, k)*(1-fu)+at(i+1, j, k)*fu)*(1-fv) + (at(i, j+1, k)*(1-fu)+at(i+1, j+1, k)*fu)*fv
	}
	return c
}

func TestPaint_scales(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	f := display.NewFrame(37, 23)
	noise(f, rnd, f.Rect)
	for _, size := range []image.Point{{37, 23}, {74, 46}, {111, 69}, {60, 40}, {100, 23}, {37, 90}} {
		dst := surface(size.X, size.Y)
		g := Geometry{Guest: f.Rect.Size(), Window: size, Pixels: size}
		var p Painter
		p.Redraw()
		p.Paint(dst, g, f, nil, nil)
		in, k := g.Picture(), g.Factor()
		for y := range size.Y {
			for x := range size.X {
				got := dst.at(x, y)
				switch dx, dy := x-in.Min.X, y-in.Min.Y; {
				case !image.Pt(x, y).In(in):
					if got != [3]byte{} {
						t.Fatalf("%v: border at %d, %d is %v", size, x, y, got)
					}
				case k > 0:
					if want := [3]byte(f.Row(dy/k, dx/k, dx/k+1)); got != want {
						t.Fatalf("%v: %d, %d is %v, not %v", size, x, y, got, want)
					}
				default:
					for c, want := range slow(f, dx, dy, in.Size()) {
						if d := float64(got[c]) - want; d > 3 || d < -3 {
							t.Fatalf("%v: %d, %d is %v, not %v", size, x, y, got, slow(f, dx, dy, in.Size()))
						}
					}
				}
			}
		}
	}
}

func TestPaint_shrinks(t *testing.T) {
	f := display.NewFrame(90, 60)
	for y := range 60 {
		for x := range 90 {
			f.Row(y, x, x+1)[0] = byte(255 * (x & 1)) // stripes of one dot
			f.Row(y, x, x+1)[1] = 200
		}
	}
	dst := surface(45, 30)
	var p Painter
	p.Redraw()
	p.Paint(dst, Geometry{f.Rect.Size(), dst.Size, dst.Size}, f, nil, nil)
	for x := range 45 {
		if c := dst.at(x, 11); c != [3]byte{127, 200, 0} {
			t.Fatalf("pixel %d is %v: stripes are lost or made up", x, c)
		}
	}
}

// TestPaint_damage paints what has changed alone, and must come to the same as painting all.
func TestPaint_damage(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 8))
	cursor := &display.Cursor{Pix: make([]byte, 4*8*8), Size: image.Pt(8, 8), Hot: image.Pt(1, 1), Visible: true}
	for i := range cursor.Pix {
		cursor.Pix[i] = byte(rnd.Uint32())
	}
	for _, size := range []image.Point{{64, 48}, {128, 96}, {100, 70}, {40, 40}} {
		f := display.NewFrame(64, 48)
		noise(f, rnd, f.Rect)
		g := Geometry{f.Rect.Size(), size, size}
		var p Painter
		p.Redraw()
		dst := surface(size.X, size.Y)
		p.Paint(dst, g, f, nil, nil)
		for i := range 60 {
			var damage display.Region
			next := display.NewFrame(64, 48)
			copy(next.Pix, f.Pix)
			f = next
			for range rnd.IntN(3) {
				x, y := rnd.IntN(60), rnd.IntN(44)
				part := image.Rect(x, y, x+1+rnd.IntN(64-x-1), y+1+rnd.IntN(48-y-1))
				noise(f, rnd, part)
				damage.Add(part)
			}
			var c *display.Cursor
			if i%10 > 3 {
				moved := *cursor
				moved.Pos = image.Pt(rnd.IntN(64), rnd.IntN(48))
				c = &moved
			}
			p.Paint(dst, g, f, damage, c)
			var whole Painter
			whole.Redraw()
			want := surface(size.X, size.Y)
			whole.Paint(want, g, f, nil, c)
			if string(dst.Pix) != string(want.Pix) {
				t.Fatalf("%v: step %d: damage %v left something behind", size, i, damage)
			}
		}
	}
}

// processorTime is what the process has used: what the clock shows says little on a host that others use.
func processorTime(b *testing.B) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkPaint(b *testing.B) {
	f := display.NewFrame(1024, 768)
	noise(f, rand.New(rand.NewPCG(1, 1)), f.Rect)
	for _, size := range []image.Point{{1024, 768}, {2048, 1536}, {1600, 1200}, {800, 600}} {
		b.Run(size.String(), func(b *testing.B) {
			dst := surface(size.X, size.Y)
			g := Geometry{f.Rect.Size(), size, size}
			var p Painter
			before := processorTime(b)
			for b.Loop() {
				p.Paint(dst, g, f, display.Region{f.Rect}, nil)
			}
			b.ReportMetric(float64((processorTime(b)-before).Microseconds())/1000/float64(b.N), "cpu-ms/op")
		})
	}
}
