package layout

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"govm-desktop/input"
)

// guest is libxkbcommon with a layout.
type guest struct {
	in    io.Writer
	out   *bufio.Scanner
	wants map[uint32]bool
}

func compile(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "guest")
	if out, err := exec.Command("gcc", "-O1", "-o", bin, "testdata/guest.c", "-lxkbcommon").CombinedOutput(); err != nil {
		t.Skipf("no libxkbcommon to compare with (make deps-test): %v: %s", err, out)
	}
	return bin
}

func startGuest(t *testing.T, bin, name string) *guest {
	t.Helper()
	base, variant, _ := strings.Cut(strings.TrimSuffix(name, ")"), "(")
	cmd := exec.Command(bin, base, variant)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); cmd.Wait() })
	g := &guest{in: in, out: bufio.NewScanner(out), wants: map[uint32]bool{}}
	g.out.Buffer(nil, 1<<20)
	if !g.out.Scan() {
		t.Fatalf("%s: the guest does not know the layout", name)
	}
	for _, f := range strings.Fields(g.out.Text()) {
		s, _, _ := strings.Cut(f, ":")
		n, _ := strconv.ParseUint(s, 16, 32)
		g.wants[uint32(n)] = true
	}
	return g
}

// types sends keys; the result is what they gave, and what they composed.
func (g *guest) types(t *testing.T, keys string) (syms []uint32, composed uint32) {
	t.Helper()
	fmt.Fprintln(g.in, keys)
	if !g.out.Scan() {
		t.Fatalf("the guest ended after %q", keys)
	}
	plainOut, c, _ := strings.Cut(g.out.Text(), "=")
	for _, f := range strings.Fields(plainOut) {
		n, _ := strconv.ParseUint(f, 16, 32)
		if n >= 0xffe1 && n <= 0xffee || n == symCapsLock || n >= 0xfe01 && n <= 0xfe13 || n == symSwitch {
			continue
		}
		syms = append(syms, uint32(n))
	}
	n, _ := strconv.ParseUint(strings.TrimSpace(c), 16, 32)
	return syms, uint32(n)
}

// printable reports a keysym that makes a character, or a dead key.
func printable(l *Layout, sym uint32) bool {
	p := plain(l.chars, sym)
	return p > 0x20 && p < 0x7f || p > 0xa0 && p < 0x100 || p > unicode && p < 2*unicode || p >= 0xfe50 && p <= 0xfe6f
}

// roundTrip types every character of a layout; it returns how many there are and which did not arrive.
func roundTrip(t *testing.T, bin, name string, leds input.LEDs) (n int, lost []string) {
	l, err := Find(name)
	if err != nil {
		t.Fatal(err)
	}
	g := startGuest(t, bin, name)
	if leds&input.LEDCaps != 0 {
		g.types(t, map[bool]string{true: "+58 -58", false: "+42 +58 -58 -42"}[l.capsLocks])
	}
	for sym := range g.wants {
		if !printable(l, sym) {
			continue
		}
		n++
		var keys []string
		r := l.Resolver(func(c input.Code, down bool) {
			keys = append(keys, map[bool]string{true: "+", false: "-"}[down]+strconv.Itoa(int(c)))
		}, func() input.LEDs { return leds })
		r.Keysym(sym, true)
		r.Keysym(sym, false)
		if len(r.held) > 0 {
			t.Errorf("%s: %#x leaves %v down", name, sym, r.held)
		}
		syms, composed := g.types(t, strings.Join(keys, " "))
		want := plain(l.chars, sym)
		if plain(l.chars, composed) != want && (len(syms) != 1 || plain(l.chars, syms[0]) != want) {
			lost = append(lost, fmt.Sprintf("%x(%s→%x)", sym, strings.Join(keys, ""), syms))
		}
	}
	slices.Sort(lost)
	return n, lost
}

// TestResolver_everyLayout types each printable keysym of each layout into libxkbcommon.
func TestResolver_everyLayout(t *testing.T) {
	bin := compile(t)
	perfect := strings.Fields("us de fr gb es it pt br ru ua gr il tr jp kr ch se no dk fi pl cz hu ro")
	names := perfect
	if os.Getenv("GOVM_TEST_ALL") != "" {
		names = Names()
	}
	all, bad, whole := 0, 0, 0
	for _, name := range names {
		if name == "et" {
			continue // QEMU's name of Estonian; xkb-data's is Amharic, which Find does not give
		}
		n, lost := roundTrip(t, bin, name, 0)
		all, bad = all+n, bad+len(lost)
		if len(lost) == 0 {
			whole++
		} else {
			t.Logf("%s: %d of %d (%.1f %%) arrive; not %s", name, n-len(lost), n, 100*float64(n-len(lost))/float64(n), strings.Join(lost, " "))
		}
		if len(lost) > 0 && slices.Contains(perfect, name) {
			t.Errorf("%s: %d of %d characters do not arrive", name, len(lost), n)
		}
	}
	t.Logf("%d of %d layouts whole, %d of %d characters (%.2f %%)", whole, len(names), all-bad, all, 100*float64(all-bad)/float64(all))
}

// TestResolver_underCapsLock does the same to a guest with Caps Lock on.
func TestResolver_underCapsLock(t *testing.T) {
	bin := compile(t)
	for _, name := range strings.Fields("us de fr gb es it pt br ru ua gr il tr jp kr ch se no dk fi pl cz hu ro") {
		if n, lost := roundTrip(t, bin, name, input.LEDCaps); len(lost) > 0 {
			t.Errorf("%s: %d of %d characters do not arrive: %s", name, len(lost), n, strings.Join(lost, " "))
		}
	}
}
