package monitor

import (
	"fmt"
	"strings"
)

// Bind gives the rest of a line, after the command's name, to the parameters: words in order, flags anywhere before a Rest, expressions as far as they go.
func Bind(c *Call, cmd *Command, line string) error {
	l := &scanner{rest: line}
	for i := range cmd.Params {
		p := &cmd.Params[i]
		if p.Type == Flag {
			continue
		}
		if p.Type == Format {
			if err := l.format(c, p); err != nil {
				return err
			}
			continue
		}
		if err := l.flags(c, cmd); err != nil {
			return err
		}
		if l.blank() {
			if p.Optional {
				continue
			}
			if p.Type == Int {
				return fmt.Errorf("unexpected end of expression")
			}
			return fmt.Errorf("%s expected", p.Name)
		}
		v, err := l.value(c, p, i == len(cmd.Params)-1)
		if err != nil {
			return err
		}
		c.Args[p.Name] = v
	}
	if err := l.flags(c, cmd); err != nil {
		return err
	}
	if !l.blank() {
		return fmt.Errorf("extraneous characters at the end of line")
	}
	return nil
}

// scanner takes a line apart from the left.
type scanner struct{ rest string }

func (l *scanner) blank() bool {
	l.rest = strings.TrimLeft(l.rest, " \t")
	return l.rest == ""
}

// format reads what follows a slash.
func (l *scanner) format(c *Call, p *Param) error {
	if !strings.HasPrefix(l.rest, "/") {
		return nil
	}
	text := l.rest[1:]
	n := strings.IndexAny(text, " \t")
	if n < 0 {
		n = len(text)
	}
	f, err := parseFormat(text[:n], c.Session.format)
	l.rest = text[n:]
	c.Args[p.Name] = f
	return err
}

// flags reads words -x that are flags of the command.
func (l *scanner) flags(c *Call, cmd *Command) error {
	for !l.blank() && len(l.rest) >= 2 && l.rest[0] == '-' {
		end := strings.IndexAny(l.rest, " \t")
		if end < 0 {
			end = len(l.rest)
		}
		var set []string
		for _, b := range []byte(l.rest[1:end]) {
			for _, p := range cmd.Params {
				if p.Type == Flag && p.Letter == b {
					set = append(set, p.Name)
				}
			}
		}
		if len(set) != end-1 || end == 1 {
			return nil // something else that begins with a dash
		}
		for _, name := range set {
			c.Args[name] = true
		}
		l.rest = l.rest[end:]
	}
	return nil
}

func (l *scanner) value(c *Call, p *Param, last bool) (any, error) {
	switch p.Type {
	case Int:
		return l.number(c, last)
	case Rest:
		v := strings.TrimSpace(l.rest)
		l.rest = ""
		return v, nil
	}
	word, err := l.word()
	if err == nil && p.Type == Bool {
		if word != "on" && word != "off" {
			return nil, fmt.Errorf("'on' or 'off' expected")
		}
		return word == "on", nil
	}
	return word, err
}

// number is an expression: all that is left for the last parameter, for others a word, or as much as makes one.
func (l *scanner) number(c *Call, last bool) (int64, error) {
	if word, after, _ := strings.Cut(l.rest, " "); !last {
		if v, left, err := Eval(c, word); err == nil && left == "" {
			l.rest = after
			return v, nil
		}
	}
	v, rest, err := Eval(c, l.rest)
	if err == nil {
		l.rest = rest
	}
	return v, err
}

// word is up to the next blank; quotes keep blanks, a backslash inside quotes the next character.
func (l *scanner) word() (string, error) {
	var b strings.Builder
	i, quoted := 0, false
	for ; i < len(l.rest); i++ {
		ch := l.rest[i]
		if (ch == ' ' || ch == '\t') && !quoted {
			break
		}
		switch {
		case ch == '"':
			quoted = !quoted
		case ch == '\\' && i+1 < len(l.rest):
			i++
			b.WriteByte(escaped(l.rest[i]))
		default:
			b.WriteByte(ch)
		}
	}
	l.rest = l.rest[i:]
	if quoted {
		return "", fmt.Errorf("unterminated string literal")
	}
	return b.String(), nil
}

func escaped(b byte) byte {
	switch b {
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	}
	return b
}
