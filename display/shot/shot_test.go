package shot

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/png"
	"testing"

	"govm-desktop/display"
	"govm-desktop/display/displaytest"
)

func TestGrabAndWrite(t *testing.T) {
	src := displaytest.NewFake(3, 2)
	src.Fill(image.Rect(1, 0, 2, 1), 0x112233)
	s := display.NewScreen(src, display.Options{})
	defer s.Close()
	f, err := Grab(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Release()
	var ppm, p bytes.Buffer
	if err := Write(&ppm, f, PPM); err != nil {
		t.Fatal(err)
	}
	want := "P6\n3 2\n255\n\x00\x00\x00\x11\x22\x33\x00\x00\x00" + "\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	if ppm.String() != want {
		t.Errorf("ppm %q, want %q", ppm.String(), want)
	}
	if err := Write(&p, f, "PNG"); err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(&p)
	if err != nil {
		t.Fatal(err)
	}
	if c := color.RGBAModel.Convert(img.At(1, 0)); c != (color.RGBA{0x11, 0x22, 0x33, 0xff}) || img.Bounds() != f.Rect {
		t.Errorf("png has %v at (1,0), bounds %v", c, img.Bounds())
	}
	if Write(&p, f, "bmp") == nil {
		t.Error("bmp was written")
	}
}
