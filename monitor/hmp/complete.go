package hmp

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"govm-desktop/monitor"
)

// maxShown bounds the list of what a word may become.
const maxShown = 200

// complete finishes the word before the cursor, or lists what it may become.
func (e *editor) complete() {
	before := string(e.line[:e.pos])
	start := strings.LastIndexAny(before, " \t") + 1
	word := before[start:]
	var fits []string
	for _, w := range e.candidates(before[:start], &word) {
		if strings.HasPrefix(w, word) {
			fits = append(fits, w)
		}
	}
	slices.Sort(fits)
	fits = slices.Compact(fits)
	if len(fits) == 0 {
		return
	}
	common := fits[0]
	for _, f := range fits {
		for !strings.HasPrefix(f, common) {
			common = common[:len(common)-1]
		}
	}
	common = strings.ToValidUTF8(common, "")
	if len(fits) > 1 && common == word {
		if len(fits) > maxShown {
			fits = append(fits[:maxShown], "…")
		}
		fmt.Fprintf(e.w, "\r\n%s\r\n", strings.Join(fits, "  "))
	}
	added := []rune(strings.TrimPrefix(common, word))
	if len(fits) == 1 && !strings.HasSuffix(common, "/") {
		added = append(added, ' ')
	}
	if len(e.line)+len(added) > maxLine {
		return
	}
	e.line = slices.Insert(e.line, e.pos, added...)
	e.pos += len(added)
	e.redraw()
}

// candidates are all words that may stand where the word begins. Where just the end of the word counts, as with keys joined by -, it is cut down to that.
func (e *editor) candidates(before string, word *string) (words []string) {
	fields := strings.Fields(before)
	if len(fields) > 0 && (fields[0] == "help" || fields[0] == "?") {
		fields = fields[1:]
		if len(fields) == 0 {
			return e.names("")
		}
	}
	switch {
	case len(fields) == 0:
		return append(e.names(""), "help", "info")
	case fields[0] == "info" && len(fields) == 1:
		return e.names("info ")
	}
	name := fields[0]
	given := fields[1:]
	if name == "info" {
		name, given = "info "+fields[1], fields[2:]
	}
	name, _, _ = strings.Cut(name, "/")
	cmd := e.table.ByHMP(name)
	if cmd == nil {
		return nil
	}
	p := parameter(cmd, len(slices.DeleteFunc(slices.Clone(given), func(w string) bool { return strings.HasPrefix(w, "-") && len(w) == 2 })))
	if p == nil {
		return nil
	}
	words = append(words, p.Values...)
	if p.Complete != nil {
		words = append(words, p.Complete(e.control)...)
	}
	switch {
	case p.Type == monitor.Bool:
		words = append(words, "on", "off")
	case p.Type == monitor.File:
		words = append(words, files(*word)...)
	case p.Name == "keys":
		*word = (*word)[strings.LastIndexByte(*word, '-')+1:]
	case p.Name == "items":
		*word = (*word)[strings.LastIndexByte(*word, ',')+1:]
	}
	return words
}

// names are the commands that begin with a prefix, without it.
func (e *editor) names(prefix string) (names []string) {
	e.table.All(func(c *monitor.Command) {
		if rest, ok := strings.CutPrefix(c.HMP, prefix); ok && rest != "" && !strings.Contains(rest, " ") {
			names = append(names, rest)
		}
	})
	return names
}

// parameter is the nth one that takes a word.
func parameter(cmd *monitor.Command, n int) *monitor.Param {
	for i := range cmd.Params {
		p := &cmd.Params[i]
		if p.Type == monitor.Flag || p.Type == monitor.Format {
			continue
		}
		if n == 0 {
			return p
		}
		n--
	}
	return nil
}

// maxFiles bounds how much of a folder is read.
const maxFiles = 4096

// files are those that a path may become.
func files(word string) (names []string) {
	dir, _ := filepath.Split(word)
	at := dir
	if at == "" {
		at = "."
	}
	f, err := os.Open(at)
	if err != nil {
		return nil
	}
	defer f.Close()
	all, err := f.ReadDir(maxFiles)
	if err != nil && err != io.EOF {
		return nil
	}
	for _, x := range all {
		name := dir + x.Name()
		if x.IsDir() {
			name += "/"
		}
		names = append(names, name)
	}
	return names
}
