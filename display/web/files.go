package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"crypto/subtle"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
)

//go:embed page
var ours embed.FS

// theirs is noVNC, where make deps has fetched it.
//
//go:embed all:blob
var theirs embed.FS

// files are what the page is made of, by path.
type files struct {
	index []byte
	all   map[string]*file
}

// file is one of them, packed when it is first asked for.
type file struct {
	kind, tag string
	plain     []byte
	packed    func() []byte
}

// load reads what is embedded.
func load() (*files, error) {
	f := &files{all: map[string]*file{}}
	var err error
	if f.index, err = ours.ReadFile("page/index.html"); err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	for from, tree := range map[string]fs.FS{"": ours, "novnc/": must(fs.Sub(theirs, "blob"))} {
		err := fs.WalkDir(tree, ".", func(name string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			b, err := fs.ReadFile(tree, name)
			f.all["/"+from+name] = newFile(name, b)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("web: %w", err)
		}
	}
	return f, nil
}

func must(f fs.FS, err error) fs.FS {
	if err != nil {
		panic(err) // the name is a constant
	}
	return f
}

func newFile(name string, b []byte) *file {
	sum := sha256.Sum256(b)
	kind := mime.TypeByExtension(path.Ext(name))
	switch path.Ext(name) { // whatever the system's tables say
	case ".js":
		kind = "text/javascript; charset=utf-8"
	case ".css":
		kind = "text/css; charset=utf-8"
	case ".svg":
		kind = "image/svg+xml"
	case ".html":
		kind = "text/html; charset=utf-8"
	}
	if kind == "" {
		kind = "text/plain; charset=utf-8"
	}
	return &file{kind: kind, tag: `"` + hex.EncodeToString(sum[:12]) + `"`, plain: b, packed: sync.OnceValue(func() []byte { return pack(b) })}
}

func pack(b []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(b); err != nil {
		return nil
	}
	if z.Close() != nil {
		return nil
	}
	return out.Bytes()
}

// modules are noVNC's, which a browser had better fetch all at once; none: noVNC is not there.
func (f *files) modules() (all []string) {
	for _, name := range slices.Sorted(maps.Keys(f.all)) {
		if strings.HasPrefix(name, "/novnc/") && strings.HasSuffix(name, ".js") {
			all = append(all, strings.TrimPrefix(name, "/"))
		}
	}
	if f.all["/novnc/core/rfb.js"] == nil {
		return nil
	}
	return all
}

// ServeHTTP implements http.Handler. A browser keeps a file, and asks whether it is still the same.
func (f *files) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g := f.all[r.URL.Path]
	if g == nil || r.URL.Path == "/page/index.html" {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", g.kind)
	h.Set("ETag", g.tag)
	h.Set("Cache-Control", "no-cache")
	h.Set("Vary", "Accept-Encoding")
	if r.Header.Get("If-None-Match") == g.tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	b := g.plain
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		if p := g.packed(); len(p) > 0 && len(p) < len(b) {
			h.Set("Content-Encoding", "gzip")
			b = p
		}
	}
	h.Set("Content-Length", fmt.Sprint(len(b)))
	_, _ = w.Write(b) // the browser went away
}

// same compares tokens in a time that tells nothing of them.
func same(a, b string) bool {
	return a != "" && subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}
