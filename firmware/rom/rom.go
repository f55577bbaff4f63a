// Package rom finds the ROM images that a PC needs: those of SeaBIOS, of its VGA BIOSes and of iPXE. They are not ours and not in this
// tree; fetch.sh copies them from the system to the folder data, which is embedded in the program. A program built without them takes them
// from the system's folders when it runs.
package rom

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

//go:embed data
var embedded embed.FS

// Names of images.
const (
	BIOS   = "bios-256k.bin"      // SeaBIOS
	StdVGA = "vgabios-stdvga.bin" // of the VGA with Bochs VBE
)

// maxSize is the largest image that is read: more than any of them, less than what would hurt.
const maxSize = 16 << 20

// Embedded says whether an image came from the program itself.
const Embedded = "(embedded)"

// Finder finds images.
type Finder struct {
	// Dirs are searched before all else: the folders that a person gives with -L.
	Dirs []string
	// Builtin are the images in the program; nil means those embedded at build time.
	Builtin fs.FS
	// System are searched last; nil means SystemDirs.
	System []string
}

// SystemDirs are the folders where distributions keep these images.
func SystemDirs() []string {
	return []string{"/usr/share/seabios", "/usr/share/qemu", "/usr/share/vgabios", "/usr/lib/ipxe/qemu", "/usr/share/qemu-kvm", "/usr/local/share/qemu"}
}

// Image is an image found.
type Image struct {
	Name string
	Path string // Embedded, or of the file
	Data []byte
}

// Find returns the image of the given name; a name with a slash is a path. Nothing but the first one found is looked at: a file that
// cannot be read is an error, not a reason to take another.
func (f Finder) Find(name string) (*Image, error) {
	if strings.ContainsRune(name, '/') {
		return f.read(name, name)
	}
	if img, err := f.in(f.Dirs, name); img != nil || err != nil {
		return img, err
	}
	if data := f.builtin(name); data != nil {
		return &Image{Name: name, Path: Embedded, Data: data}, nil
	}
	system := f.System
	if system == nil {
		system = SystemDirs()
	}
	if img, err := f.in(system, name); img != nil || err != nil {
		return img, err
	}
	where := append(append([]string{}, f.Dirs...), system...)
	return nil, fmt.Errorf("rom: %s: not in the program nor in %s (%s, or -L DIR)", name, strings.Join(where, ", "), remedy(name))
}

// Has reports whether Find would find the image.
func (f Finder) Has(name string) bool {
	_, err := f.Find(name)
	return err == nil
}

func remedy(name string) string {
	if strings.HasSuffix(name, ".rom") {
		return "apt-get install ipxe-qemu"
	}
	return "apt-get install seabios"
}

func (f Finder) in(dirs []string, name string) (*Image, error) {
	for _, dir := range dirs {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		return f.read(name, path)
	}
	return nil, nil
}

func (f Finder) read(name, path string) (*Image, error) {
	st, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, fmt.Errorf("rom: %w", err)
	case !st.Mode().IsRegular():
		return nil, fmt.Errorf("rom: %s: not a regular file", path)
	case st.Size() == 0 || st.Size() > maxSize:
		return nil, fmt.Errorf("rom: %s: %d bytes, 1 to %d belong", path, st.Size(), maxSize)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("rom: %w", err)
	}
	return &Image{Name: filepath.Base(name), Path: path, Data: data}, nil
}

func (f Finder) builtin(name string) []byte {
	fsys := f.Builtin
	if fsys == nil {
		fsys, _ = fs.Sub(embedded, "data") // cannot fail: the name is valid
	}
	if name == "README" {
		return nil
	}
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil
	}
	return data
}

// MapBIOS checks an image that is to be mapped up to 4 GiB, and returns how much of its end is seen below 1 MiB as well.
func MapBIOS(img *Image) (low int, err error) {
	n := len(img.Data)
	if n%(64<<10) != 0 {
		return 0, fmt.Errorf("rom: %s: %d bytes, a BIOS is a multiple of 64 KiB", img.Path, n)
	}
	return min(n, 128<<10), nil
}
