package display

import "sync"

// MaxClipboard bounds the text in a Clipboard, in bytes.
const MaxClipboard = 1 << 20

// Clipboard is a text that all share who show the screen, and the guest where it has a way to take part. Its zero value is empty.
type Clipboard struct {
	mu   sync.Mutex // guards everything below
	text string
	all  map[*Sharer]struct{}
}

// Sharer is one who takes part in a Clipboard.
type Sharer struct {
	c    *Clipboard
	told func()
}

// Share adds one. told is called when another has put a text; it must not block. The Sharer must be closed.
func (c *Clipboard) Share(told func()) *Sharer {
	s := &Sharer{c, told}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all == nil {
		c.all = map[*Sharer]struct{}{}
	}
	c.all[s] = struct{}{}
	return s
}

// Put gives the others a text. One that is too long is not taken; the same text again tells nobody anything.
func (s *Sharer) Put(text string) {
	c := s.c
	c.mu.Lock()
	if len(text) > MaxClipboard || text == c.text {
		c.mu.Unlock()
		return
	}
	c.text = text
	var others []*Sharer
	for o := range c.all {
		if o != s {
			others = append(others, o)
		}
	}
	c.mu.Unlock()
	for _, o := range others {
		o.told()
	}
}

// Text is what was put last, by anyone.
func (s *Sharer) Text() string {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	return s.c.text
}

// Close ends the Sharer's part. What it has put stays.
func (s *Sharer) Close() {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	delete(s.c.all, s)
}
