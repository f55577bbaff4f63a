// Package shot takes a picture of a screen and writes it to a file: PNG, or PPM (P6, as QEMU's screendump does).
package shot

import (
	"bufio"
	"context"
	"fmt"
	"image/png"
	"io"
	"strings"

	"govm-desktop/display"
)

// Formats that Write knows.
const (
	PNG = "png"
	PPM = "ppm"
)

// Grab returns the picture as it is now, for the caller to Release.
func Grab(ctx context.Context, s *display.Screen) (*display.Frame, error) {
	v := s.Watch()
	defer v.Close()
	f, _, err := v.Next(ctx)
	return f, err
}

// Write writes a picture in the given format; "" is PPM.
func Write(w io.Writer, f *display.Frame, format string) error {
	var err error
	switch strings.ToLower(format) {
	case PPM, "":
		err = writePPM(w, f)
	case PNG:
		err = png.Encode(w, f)
	default:
		return fmt.Errorf("shot: picture format %q is not known; png and ppm are", format)
	}
	if err != nil {
		return fmt.Errorf("shot: %w", err)
	}
	return nil
}

func writePPM(w io.Writer, f *display.Frame) error {
	b := bufio.NewWriterSize(w, 1<<16)
	fmt.Fprintf(b, "P6\n%d %d\n255\n", f.Rect.Dx(), f.Rect.Dy())
	line := make([]byte, 3*f.Rect.Dx())
	for y := f.Rect.Min.Y; y < f.Rect.Max.Y; y++ {
		row := f.Row(y, f.Rect.Min.X, f.Rect.Max.X)
		for x := range f.Rect.Dx() {
			line[3*x], line[3*x+1], line[3*x+2] = row[4*x+2], row[4*x+1], row[4*x]
		}
		if _, err := b.Write(line); err != nil {
			return err
		}
	}
	return b.Flush()
}
