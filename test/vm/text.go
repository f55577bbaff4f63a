package vm

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"strings"
	"time"

	"govm-desktop/firmware/rom"
)

// Font reads text off pictures of VGA text screens, by the shapes of its characters: 8 by 16 pixels in cells 9 wide (720x400) or 8 wide.
type Font struct{ byShape map[[16]byte]byte }

// VGAFont takes the shapes from the VGA BIOS, where 256 characters of 16 bytes lie in a row. The letter A tells where.
func VGAFont() (*Font, error) {
	img, err := (rom.Finder{}).Find(rom.StdVGA)
	if err != nil {
		return nil, err
	}
	a := []byte{0x00, 0x00, 0x10, 0x38, 0x6c, 0xc6, 0xc6, 0xfe, 0xc6, 0xc6, 0xc6, 0xc6, 0x00, 0x00, 0x00, 0x00}
	at := bytes.Index(img.Data, a) - 'A'*16
	if at < 0 || at+256*16 > len(img.Data) {
		return nil, errors.New("vm: no font in the VGA BIOS")
	}
	f := &Font{map[[16]byte]byte{}}
	for c := 255; c >= 0; c-- { // of equal shapes the lower code counts
		f.byShape[[16]byte(img.Data[at+c*16:])] = byte(c)
	}
	f.byShape[[16]byte{}] = ' '
	return f, nil
}

// Read returns the screen's text, a line a row, blanks at the end of lines cut off. What is not a character is a question mark.
func (f *Font) Read(p *image.RGBA) string {
	width := 8
	if p.Rect.Dx()%9 == 0 && p.Rect.Dx() != 1152 {
		width = 9
	}
	var b strings.Builder
	for y := 0; y+16 <= p.Rect.Dy(); y += 16 {
		var line []byte
		for x := 0; x+8 <= p.Rect.Dx(); x += width {
			line = append(line, f.char(p, x, y))
		}
		b.Write(bytes.TrimRight(line, " "))
		b.WriteByte('\n')
	}
	return b.String()
}

// char tries both colours of a cell as the background.
func (f *Font) char(p *image.RGBA, x, y int) byte {
	for _, back := range []color.RGBA{p.RGBAAt(x, y), p.RGBAAt(x+7, y+15), p.RGBAAt(x+7, y)} {
		var shape, inverse [16]byte
		for row := range 16 {
			for col := range 8 {
				if p.RGBAAt(x+col, y+row) != back {
					shape[row] |= 0x80 >> col
				} else {
					inverse[row] |= 0x80 >> col
				}
			}
		}
		if c, ok := f.byShape[shape]; ok {
			return printable(c)
		}
		if c, ok := f.byShape[inverse]; ok {
			return printable(c)
		}
	}
	return '?'
}

func printable(c byte) byte {
	if c < ' ' || c > '~' {
		return '?'
	}
	return c
}

// WaitText looks at a text screen until its text is as wanted.
func (m *Machine) WaitText(f *Font, limit time.Duration, ok func(text string) bool) (string, error) {
	text := ""
	_, err := m.WaitScreen(limit, func(p *image.RGBA) bool {
		text = f.Read(p)
		return ok(text)
	})
	if err != nil {
		return text, fmt.Errorf("%w; it shows:\n%s", err, text)
	}
	return text, nil
}
