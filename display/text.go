package display

import "image"

// Texter is a Source that can say what a screen of text holds, for front ends that have no pixels. Found by type assertion.
type Texter interface {
	// Text returns the text; nil: there are graphics at present. It is called from any goroutine, and must not call the Screen.
	Text() *TextScreen
}

// CellAttr is how a Cell looks.
type CellAttr uint8

// Attributes.
const (
	CellBlink CellAttr = 1 << iota
	CellUnderline
	CellBold
	CellWide // it takes two columns: the Cell after it is empty
)

// Cell is one character. Colours are 0xRRGGBB. Rune 0 shows nothing.
type Cell struct {
	Rune   rune
	Fg, Bg uint32
	Attr   CellAttr
}

// TextScreen is a screen of text, row by row.
type TextScreen struct {
	Cols, Rows int
	Cells      []Cell
	Cursor     image.Point
	CursorOn   bool
}

// Text is what the Source holds as text; nil: it shows graphics.
func (s *Screen) Text() *TextScreen {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.src.(Texter)
	if !ok || s.closed {
		return nil
	}
	return t.Text()
}

// cp437 is IBM's code page 437 with the graphics that PCs show for control characters.
const cp437 = " ☺☻♥♦♣♠•◘○◙♂♀♪♫☼►◄↕‼¶§▬↨↑↓→←∟↔▲▼" +
	" !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~⌂" +
	"ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀" +
	"αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0"

// CP437 returns what each byte of a PC's text screen shows, by its number.
func CP437() [256]rune {
	return [256]rune([]rune(cp437))
}
