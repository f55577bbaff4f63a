package main

import (
	"bytes"
	"fmt"
	"sort"
	"strings"
)

// docs is a list of a map's codes and names, for people.
func (j *job) docs(m mapping, byName bool) ([]byte, error) {
	if j.lang == "" {
		j.lang = "markdown"
	}
	if j.title == "" {
		j.title = m.title + " keys"
	}
	var rows []line
	for _, l := range j.table.list(m) {
		if l.name == "" {
			l.name = l.key // a code without a name of its own is known by its key's
		}
		if l.code != nil && l.name != "" {
			rows = append(rows, l)
		}
	}
	sort.SliceStable(rows, func(a, b int) bool {
		if x, y := rows[a].code, rows[b].code; !byName && *x != *y {
			return x.num < y.num || x.num == y.num && x.str < y.str
		}
		return byName && rows[a].name < rows[b].name
	})
	var w bytes.Buffer
	code := func(l line) string { return strings.Trim(l.code.String(), `"`) }
	switch j.lang {
	case "markdown":
		j.header(&w, "[//]: #")
		fmt.Fprintf(&w, "\n# %s\n\n%s\n\n| key | code |\n| --- | --- |\n", j.title, j.subtitle)
		for _, l := range rows {
			fmt.Fprintf(&w, "| `%s` | `%s` |\n", l.name, code(l))
		}
	case "rst":
		j.header(&w, "..")
		bar := strings.Repeat("=", len(j.title))
		fmt.Fprintf(&w, "\n%s\n%s\n%s\n\n%s\n\n", bar, j.title, bar, j.subtitle)
		for _, l := range rows {
			fmt.Fprintf(&w, "* ``%s``\n\n  %s\n\n", l.name, code(l))
		}
	case "pod":
		j.header(&w, "#")
		fmt.Fprintf(&w, "\n=head1 %s\n\n%s\n\n=over 4\n\n", j.title, j.subtitle)
		for _, l := range rows {
			fmt.Fprintf(&w, "=item %s\n\n%s\n\n", l.name, code(l))
		}
		fmt.Fprintf(&w, "=back\n\n=cut\n")
	default:
		return nil, fmt.Errorf("-lang %s: of documents there are markdown rst pod", j.lang)
	}
	return w.Bytes(), nil
}
