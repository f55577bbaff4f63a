package govm_test

import (
	"os/exec"
	"sort"
	"strings"
	"testing"
)

// rules say who may import whom inside this module: a line "group: packages" names a group, "group < groups" what it may import; "own" stands
// for packages of the same group under the same top-level folder.
// A package belongs to the group that names it, else to the one with the longest pattern that fits; "/..." stands for everything below. Tests may import what they like.
//
// This is the plan of the house: do not change it to make an import pass, change the import.
const rules = `
words:     x86 snapshot clock memory input input/keycodemap input/layout block chardev display audio usbredir
contracts: hw accel
commands:  hw/scsi
buses:     hw/pci hw/ata hw/usb
devices:   hw/... vga
benches:   hw/hwtest hw/usb/usbtest block/blocktest display/displaytest accel/acceltest
softfloat: cpu/softfloat
cpus:      cpu kvm
backends:  display/... block/... chardev/... audio/...
firmware:  firmware/... demo
machine:   machine
boards:    machine/pc
control:   monitor/...
debug:     gdbstub
program:   cmd/... examples/... test/... tools/...

words     < words
contracts < words contracts
commands  < words
buses     < words contracts commands
benches   < words contracts buses
devices   < words contracts commands buses
cpus      < words contracts softfloat
backends  < words own
firmware  < words own
machine   < words contracts buses
boards    < words contracts commands buses devices firmware machine
control   < words own
debug     < words contracts
program   < words contracts commands buses devices benches softfloat cpus backends firmware machine boards control debug program
`

const module = "govm-desktop/"

func TestDependencies(t *testing.T) {
	group, allowed := parseRules(t)
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}}:{{join .Imports " "}}`, "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		from, imports, _ := strings.Cut(strings.TrimSpace(line), ":")
		from = strings.TrimPrefix(from, module)
		if from == strings.TrimSuffix(module, "/") {
			continue
		}
		g := group(from)
		if g == "" {
			t.Errorf("%s belongs to no group: the rules in deps_test.go need a place for it", from)
		}
		for _, to := range strings.Fields(imports) {
			to, ours := strings.CutPrefix(to, module)
			if ours && !allowed[g][group(to)] && !(allowed[g]["own"] && g == group(to) && top(from) == top(to)) {
				t.Errorf("%s (%s) may not import %s (%s)", from, g, to, group(to))
			}
		}
	}
}

// top is a package's folder at the root of the module.
func top(pkg string) string {
	dir, _, _ := strings.Cut(pkg, "/")
	return dir
}

func parseRules(t *testing.T) (group func(string) string, allowed map[string]map[string]bool) {
	patterns := map[string]string{}
	allowed = map[string]map[string]bool{}
	for line := range strings.Lines(rules) {
		if name, list, ok := strings.Cut(line, ":"); ok {
			for _, p := range strings.Fields(list) {
				patterns[p] = strings.TrimSpace(name)
			}
		} else if name, list, ok := strings.Cut(line, "<"); ok {
			name = strings.TrimSpace(name)
			allowed[name] = map[string]bool{}
			for _, g := range strings.Fields(list) {
				allowed[name][g] = true
			}
		}
	}
	var keys []string
	for p := range patterns {
		keys = append(keys, p)
	}
	sort.Slice(keys, func(i, j int) bool { return len(keys[i]) > len(keys[j]) })
	return func(pkg string) string {
		if g, ok := patterns[pkg]; ok {
			return g
		}
		for _, p := range keys {
			prefix, below := strings.CutSuffix(p, "/...")
			if pkg == p || below && (pkg == prefix || strings.HasPrefix(pkg, prefix+"/")) {
				return patterns[p]
			}
		}
		return ""
	}, allowed
}
