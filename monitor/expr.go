package monitor

import (
	"fmt"
	"strconv"
	"strings"

	"govm-desktop/x86"
)

// expression evaluates what addresses and numbers are typed as: C's operators on 64 bits, of which + and - bind the loosest, then & | ^, then * / %, then
// the unary + - ~; parentheses, characters in quotes, and registers as $pc.
type expression struct {
	text     string
	pos      int
	depth    int
	register func(name string) (uint64, bool)
}

// maxDepth bounds parentheses and signs.
const maxDepth = 200

// Eval evaluates as much of a text as makes an expression, and returns what is left.
func Eval(c *Call, text string) (val int64, rest string, err error) {
	e := &expression{text: text, register: c.register}
	v, err := e.sum()
	if err != nil {
		return 0, text, err
	}
	e.blanks()
	return int64(v), e.text[e.pos:], nil
}

func (e *expression) blanks() {
	for e.pos < len(e.text) && (e.text[e.pos] == ' ' || e.text[e.pos] == '\t') {
		e.pos++
	}
}

// peek is the next character; 0: there is none.
func (e *expression) peek() byte {
	e.blanks()
	if e.pos == len(e.text) {
		return 0
	}
	return e.text[e.pos]
}

// chain is a level of operators that associate to the left.
func (e *expression) chain(ops string, below func() (uint64, error), apply func(op byte, a, b uint64) (uint64, error)) (uint64, error) {
	v, err := below()
	for err == nil {
		op := e.peek()
		if op == 0 || strings.IndexByte(ops, op) < 0 {
			return v, nil
		}
		e.pos++
		var b uint64
		if b, err = below(); err == nil {
			v, err = apply(op, v, b)
		}
	}
	return v, err
}

func (e *expression) sum() (uint64, error) {
	return e.chain("+-", e.logic, func(op byte, a, b uint64) (uint64, error) {
		if op == '+' {
			return a + b, nil
		}
		return a - b, nil
	})
}

func (e *expression) logic() (uint64, error) {
	return e.chain("&|^", e.product, func(op byte, a, b uint64) (uint64, error) {
		switch op {
		case '&':
			return a & b, nil
		case '|':
			return a | b, nil
		}
		return a ^ b, nil
	})
}

func (e *expression) product() (uint64, error) {
	return e.chain("*/%", e.unary, func(op byte, a, b uint64) (uint64, error) {
		switch {
		case op == '*':
			return a * b, nil
		case b == 0:
			return 0, fmt.Errorf("division by zero")
		case int64(a) == -1<<63 && int64(b) == -1:
			return 0, fmt.Errorf("the quotient is too large")
		case op == '/':
			return uint64(int64(a) / int64(b)), nil
		}
		return uint64(int64(a) % int64(b)), nil
	})
}

func (e *expression) unary() (v uint64, err error) {
	if e.depth++; e.depth > maxDepth {
		return 0, fmt.Errorf("expression is nested too deeply")
	}
	defer func() { e.depth-- }()
	switch b := e.peek(); b {
	case 0:
		return 0, fmt.Errorf("unexpected end of expression")
	case '+', '-', '~':
		e.pos++
		v, err = e.unary()
		switch b {
		case '-':
			v = -v
		case '~':
			v = ^v
		}
		return v, err
	case '(':
		e.pos++
		if v, err = e.sum(); err != nil {
			return 0, err
		}
		if e.peek() != ')' {
			return 0, fmt.Errorf("')' expected")
		}
		e.pos++
		return v, nil
	case '\'':
		if e.pos+2 >= len(e.text) || e.text[e.pos+2] != '\'' {
			return 0, fmt.Errorf("character constant expected")
		}
		e.pos += 3
		return uint64(e.text[e.pos-2]), nil
	case '$':
		e.pos++
		name := e.word()
		v, ok := e.register(name)
		if !ok {
			return 0, fmt.Errorf("unknown register")
		}
		return v, nil
	}
	return e.number()
}

// word is letters, digits, dots and underscores.
func (e *expression) word() string {
	start := e.pos
	for e.pos < len(e.text) {
		b := e.text[e.pos]
		if b != '.' && b != '_' && (b < '0' || b > '9') && (b|0x20 < 'a' || b|0x20 > 'z') {
			break
		}
		e.pos++
	}
	return e.text[start:e.pos]
}

func (e *expression) number() (uint64, error) {
	start := e.pos
	word := e.word()
	v, err := strconv.ParseUint(word, 0, 64)
	if err != nil || strings.Contains(word, "_") {
		if word == "" {
			return 0, fmt.Errorf("invalid char '%c' in expression", e.text[e.pos])
		}
		e.pos = start
		return 0, fmt.Errorf("invalid number '%s' in expression", word)
	}
	return v, nil
}

// register is a register of the session's processor, by its name without the $.
func (c *Call) register(name string) (uint64, bool) {
	name = strings.ToLower(name)
	find, ok := registers()[name]
	if !ok {
		return 0, false
	}
	s, err := c.Registers(c.Session.CPU)
	if err != nil {
		return 0, false
	}
	return find(&s), true
}

// registers are those that expressions know.
func registers() map[string]func(*x86.State) uint64 {
	m := map[string]func(*x86.State) uint64{
		"eflags": func(s *x86.State) uint64 { return s.RFLAGS },
		"eip":    func(s *x86.State) uint64 { return s.RIP },
		"rip":    func(s *x86.State) uint64 { return s.RIP },
		"pc":     func(s *x86.State) uint64 { return s.Seg[x86.CS].Base + s.RIP },
		"cr0":    func(s *x86.State) uint64 { return s.CR0 },
		"cr2":    func(s *x86.State) uint64 { return s.CR2 },
		"cr3":    func(s *x86.State) uint64 { return s.CR3 },
		"cr4":    func(s *x86.State) uint64 { return s.CR4 },
		"efer":   func(s *x86.State) uint64 { return s.EFER },
	}
	for i, n := range []string{"ax", "cx", "dx", "bx", "sp", "bp", "si", "di"} {
		for _, prefix := range []string{"", "e", "r"} {
			m[prefix+n] = func(s *x86.State) uint64 { return s.GPR[i] }
		}
	}
	m["fp"] = m["ebp"]
	for i := 8; i < 16; i++ {
		m["r"+strconv.Itoa(i)] = func(s *x86.State) uint64 { return s.GPR[i] }
	}
	for i, n := range segmentNames() {
		n = strings.ToLower(n)
		m[n] = func(s *x86.State) uint64 { return uint64(s.Seg[i].Selector) }
		m[n+".base"] = func(s *x86.State) uint64 { return s.Seg[i].Base }
		m[n+".limit"] = func(s *x86.State) uint64 { return uint64(s.Seg[i].Limit) }
	}
	return m
}

func segmentNames() []string { return []string{"ES", "CS", "SS", "DS", "FS", "GS"} }
