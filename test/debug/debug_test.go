// Package debug has Debian's gdb debug guests on govm-desktop: the demo by its symbols and firmware on both accelerators, and a Linux kernel.
package debug

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"govm-desktop/test/vm"
)

var program string

func TestMain(m *testing.M) { os.Exit(vm.Main(m, &program)) }

// limit is when to give up on a loaded machine.
const limit = 3 * time.Minute

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// debugged is a machine with a door for gdb.
type debugged struct {
	*vm.Machine
	t    *testing.T
	door string
}

func start(t *testing.T, args ...string) *debugged {
	t.Helper()
	door := filepath.Join(t.TempDir(), "gdb")
	m, err := vm.Start(vm.Ours, program, append(args, "-gdb", "unix:"+door)...)
	must(t, err)
	t.Cleanup(m.Close)
	return &debugged{m, t, door}
}

// gdb runs a script in Debian's gdb and returns what it prints.
func (d *debugged) gdb(script ...string) string {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	args := []string{"-nx", "-batch", "-ex", "set pagination off", "-ex", "target remote " + d.door}
	for _, s := range script {
		args = append(args, "-ex", s)
	}
	out, err := exec.CommandContext(ctx, "gdb", args...).CombinedOutput()
	if err != nil {
		d.t.Fatalf("gdb: %v: %s", err, out)
	}
	return string(out)
}

// wants looks for patterns in the order in which they have to come.
func wants(t *testing.T, out string, patterns ...string) {
	t.Helper()
	rest := out
	for _, p := range patterns {
		at := regexp.MustCompile(p).FindStringIndex(rest)
		if at == nil {
			t.Fatalf("no %q in what is left of gdb's output, which is:\n%s", p, out)
		}
		rest = rest[at[1]:]
	}
}

const demoFolder = "../../demo"

// symbols assembles the demo anew and makes a file of its labels that gdb can read.
func symbols(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	tool := func(folder, name string, args ...string) {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Dir = folder
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", name, err, out)
		}
	}
	tool(demoFolder, "nasm", "-f", "bin", "--before", "[map symbols "+file("map")+"]", "-o", file("img"), "demo.asm")
	b, err := os.ReadFile(file("map"))
	must(t, err)
	var as strings.Builder
	fmt.Fprintf(&as, "base: .incbin %q\n", file("img"))
	for _, m := range regexp.MustCompile(`(?m)^ *([0-9A-F]+) +([0-9A-F]+) +(\w+)\r?$`).FindAllStringSubmatch(string(b), -1) {
		fmt.Fprintf(&as, ".globl %s\n.type %s, @function\n%s = base + 0x%s - 0x7c00\n", m[3], m[3], m[3], m[2])
	}
	must(t, os.WriteFile(file("s"), []byte(as.String()), 0o600))
	tool(dir, "as", "-o", file("o"), file("s"))
	tool(dir, "ld", "-Ttext=0x7c00", "-e", "0x7c00", "-o", file("elf"), file("o"))
	return file("elf")
}

func TestGDB_demo(t *testing.T) {
	d := start(t, "-m", "64", "-S", "-hda", demoFolder+"/demo.img")
	elf := symbols(t)
	out := d.gdb(
		"symbol-file "+elf,
		"info registers rip cs",
		"stepi", "info registers rip",
		"break *0x7c00", "continue", "x/i $pc", "info registers cs",
		"delete",
		"break *&protected_start", "continue",
		"stepi", "p $pc > (long)&protected_start",
		"p/x $cr0 & 1",
		"info threads",
		"monitor info status",
		"break *&main_loop", "continue", "continue",
		"p $xmm0.v4_int32[0]", "p/x $cr3", "p/x $eflags & 2",
		"delete",
		"set $rax = 0x12345678", "p/x $rax",
		"detach",
	)
	wants(t, out, `rip +0xfff0`, `cs +0xf000`, `rip +0xe05b`, `Breakpoint 1, 0x0*7c00`, `0x7c00`, `cs +0x0`,
		`Breakpoint 2, 0x[0-9a-f]+ in protected_start`, `= 1`, `= 0x1`, `Thread 1 \(CPU#0\)`, `paused \(debug\)`,
		`Breakpoint 3, 0x[0-9a-f]+ in main_loop`, `Breakpoint 3, 0x[0-9a-f]+ in main_loop`, `= 0`, `= 0x0`, `= 0x2`, `= 0x12345678`)
	if s, err := d.Status(); err != nil || s != "running" {
		t.Errorf("after detaching the machine is %s, %v", s, err)
	}
}

// TestGDB_firmware breaks in SeaBIOS and at the boot sector. Watchpoints work where the processor has them: KVM without hardware says no.
func TestGDB_firmware(t *testing.T) {
	for _, accel := range []string{"soft", "kvm"} {
		t.Run(accel, func(t *testing.T) {
			if accel == "kvm" {
				if err := vm.KVM(); err != nil {
					t.Skip(err)
				}
			}
			d := start(t, "-accel", accel, "-m", "64", "-S", "-hda", demoFolder+"/demo.img")
			out := d.gdb(
				"break *0xfe05b", "continue", "info registers rip cs", // the jump from the reset vector, in segment F000
				"delete", "break *0x7c00", "continue", "x/i $pc", "stepi", "stepi", "info registers rip",
				"delete", "watch *(unsigned char *)0x46c", "continue", "info registers cs",
				"kill")
			wants(t, out, `Breakpoint 1`, `rip +0xe05b`, `cs +0xf000`, `Breakpoint 2, 0x0*7c00`, `rip +0x7c02`, `Hardware watchpoint 3`)
			if accel == "soft" || !strings.Contains(d.Stderr(), "use -accel soft") {
				wants(t, out, `Old value = \d+`, `New value = \d+`, `cs +0xf000`)
			}
		})
	}
}

// address looks a symbol up in the running kernel's own list.
func (d *debugged) address(name string) string {
	d.t.Helper()
	must(d.t, d.Send("echo \"<$(grep -w "+name+" /proc/kallsyms | head -1)>\"\n"))
	re := regexp.MustCompile(`<([0-9a-f]{16}) . ` + name)
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if m := re.FindStringSubmatch(d.Serial()); m != nil {
			return "0x" + m[1]
		}
	}
	d.t.Fatalf("%s is not in /proc/kallsyms; the guest said %s", name, d.Serial())
	return ""
}

func TestGDB_linux(t *testing.T) {
	kernel, err := vm.Guest("cloud/vmlinux")
	must(t, err)
	initrd, err := vm.Guest("cloud/initrd.gz")
	must(t, err)
	d := start(t, "-m", "256", "-kernel", kernel, "-initrd", initrd, "-append", "console=ttyS0 guest.loop=0 nokaslr guest.end=shell")
	must(t, d.WaitSerial("GUEST-SHELL", 1, limit))
	must(t, d.WaitSerial("# ", 1, limit))
	must(t, d.Send("echo 0 > /proc/sys/kernel/kptr_restrict\n"))
	newuname, jiffies, banner := d.address("__do_sys_newuname"), d.address("jiffies_64"), d.address("linux_banner")
	must(t, d.Send("(sleep 1; uname -s) &\n"))
	out := d.gdb(
		"x/s "+banner,
		"hbreak *"+newuname, "continue", "x/3i $pc", "p/x $cs & 3", "p/x $cr0 >> 31",
		"stepi", "stepi", "p $pc > "+newuname,
		"delete",
		"watch *(unsigned long *)"+jiffies, "continue", "p $pc > 0xffffffff80000000",
		"delete", "detach")
	wants(t, out, `Linux version \d+`, `Breakpoint 1, 0x[0-9a-f]+ in`, `= 0x0`, `= 0x1`, `= 1`, `Hardware watchpoint 2`, `Old value = \d+`, `New value = \d+`)
	must(t, d.Send("echo gu\"\"est-runs-on\n"))
	must(t, d.WaitSerial("guest-runs-on", 1, limit))
}
