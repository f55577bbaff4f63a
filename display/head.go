package display

import "govm-desktop/input"

// Head is one of the things that a front end shows by turns: the guest's screen, or a text console of the program's own. Its Input takes keys and the
// pointer, each front end through a Front of it.
type Head struct {
	Name   string
	Screen *Screen
	Input  *input.Router
	Text   Text // nil: a guest's screen
}

// Text is what a Head of text understands besides keys. Its methods may be called from any goroutine and never block.
type Text interface {
	// Type takes characters from a front end whose user's keyboard says what it types; keys that type nothing come by Input.
	Type(s string)
	// Paste takes text from a clipboard.
	Paste(s string)
	// Selection is the text that the user has marked with the pointer.
	Selection() string
}
