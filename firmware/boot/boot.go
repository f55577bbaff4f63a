// Package boot brings a kernel into a virtual machine without a boot loader: a Linux bzImage, an ELF with a PVH entry, or a Multiboot
// kernel. It reads the image, decides what goes where, and hands that to the firmware as a fw_cfg file with a small option ROM (boot.asm)
// that carries it out; so a kernel finds the machine as the BIOS leaves it, with ACPI tables and a screen.
//
// Followed are the Linux/x86 boot protocol (2.00 to 2.15), Xen's "x86/HVM direct boot ABI" (PVH) and the Multiboot specification 0.6.96.
// Left out: kernels for the EFI handover, Linux before 2.0 of its protocol, Multiboot 2, the 64-bit Linux entry, and a screen_info for PVH
// kernels: the ABI has none, so a Linux entered this way starts without a VGA console.
package boot

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
)

//go:generate nasm -f bin -o boot.bin boot.asm

//go:embed boot.bin
var romImage []byte

// ROMName is the name under which the option ROM is offered to the firmware.
const ROMName = "govm-boot.bin"

// Options say what to boot.
type Options struct {
	Kernel  string // path
	Initrd  string // path; for Multiboot "module args,module args…"; empty: none
	Cmdline string
	// RAMBelow4G is the end of the memory below 4 GiB.
	RAMBelow4G uint64
}

// Key is an item of fw_cfg, for firmware that loads kernels itself.
type Key struct {
	Key  uint16
	Data *Blob
}

// Image is a kernel ready to be booted.
type Image struct {
	Kind Kind
	ROM  []byte // the option ROM
	File *Blob  // contents of the fw_cfg file FileName
	Keys []Key

	files []*os.File
}

// Open reads the heads of the files and plans the boot; their bodies are read when the guest loads them, so they must stay as they are.
func Open(o Options) (*Image, error) {
	img := &Image{}
	p, err := img.plan(o)
	if err != nil {
		return nil, errors.Join(err, img.Close())
	}
	img.Kind, img.ROM, img.File, img.Keys = p.kind, ROM(), p.file(), p.keys
	if img.File.Size() >= 1<<32 {
		return nil, errors.Join(fmt.Errorf("boot: %s: kernel and initrd are larger than 4 GiB", o.Kernel), img.Close())
	}
	return img, nil
}

// Close closes the files.
func (img *Image) Close() error {
	var errs []error
	for _, f := range img.files {
		errs = append(errs, f.Close())
	}
	img.files = nil
	return errors.Join(errs...)
}

func (img *Image) plan(o Options) (*plan, error) {
	k, err := img.open(o.Kernel)
	if err != nil {
		return nil, err
	}
	p, err := newPlan(k, o.Cmdline, o.RAMBelow4G, func(kind Kind) ([]module, error) { return img.modules(kind, o.Initrd) })
	if err != nil {
		return nil, fmt.Errorf("boot: %s: %w", o.Kernel, err)
	}
	return p, nil
}

// module is a file that a kernel gets beside itself.
type module struct {
	data *Blob
	args string
}

// modules opens the initrd, or all modules of a Multiboot kernel.
func (img *Image) modules(kind Kind, initrd string) ([]module, error) {
	if initrd == "" {
		return nil, nil
	}
	specs := []moduleSpec{{path: initrd}}
	if kind == Multiboot {
		specs = splitModules(initrd)
	}
	if len(specs) > maxModules {
		return nil, fmt.Errorf("%d modules, at most %d belong", len(specs), maxModules)
	}
	var ms []module
	for _, s := range specs {
		b, err := img.open(s.path)
		if err != nil {
			return nil, err
		}
		ms = append(ms, module{b, s.args})
	}
	return ms, nil
}

func (img *Image) open(path string) (*Blob, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("boot: %w", err)
	}
	img.files = append(img.files, f)
	st, err := f.Stat()
	switch {
	case err != nil:
		return nil, fmt.Errorf("boot: %w", err)
	case !st.Mode().IsRegular():
		return nil, fmt.Errorf("boot: %s: not a regular file", path)
	case st.Size() == 0:
		return nil, fmt.Errorf("boot: %s: empty", path)
	case st.Size() >= 1<<32:
		return nil, fmt.Errorf("boot: %s: larger than 4 GiB", path)
	}
	return fileBlob(f, 0, st.Size()), nil
}

// opener gives the modules once the kind of the kernel is known.
type opener func(Kind) ([]module, error)

// newPlan finds out what a kernel is: Linux's header first, then Multiboot's, since such kernels are often ELF files too, then PVH's note.
func newPlan(k *Blob, cmdline string, ramEnd uint64, mods opener) (*plan, error) {
	head := make([]byte, min(k.Size(), headRead))
	if _, err := k.ReadAt(head, 0); err != nil && err != io.EOF {
		return nil, err
	}
	var p *plan
	var err error
	switch {
	case isLinux(head):
		p, err = planLinux(k, head, cmdline, ramEnd, mods)
	case findMultiboot(head) != nil:
		p, err = planMultiboot(k, head, cmdline, ramEnd, mods)
	case isELF(head):
		p, err = planPVH(k, head, cmdline, ramEnd, mods)
	default:
		return nil, errors.New("not a kernel that can be booted directly (Linux bzImage, ELF with a PVH entry, Multiboot)")
	}
	if err != nil {
		return nil, err
	}
	return p, p.check(ramEnd)
}

// headRead is how much of a kernel is looked at to plan: Linux's setup code and Multiboot's header lie within.
const headRead = 64 << 10

// single is the one module that Linux and PVH take.
func (f opener) single(kind Kind) (*Blob, error) {
	ms, err := f(kind)
	if err != nil || len(ms) == 0 {
		return nil, err
	}
	return ms[0].data, nil
}

// ROM returns the option ROM, its size and checksums filled in.
func ROM() []byte {
	const block, pnp, pnpSize = 512, 0x20, 32
	rom := make([]byte, (len(romImage)+block-1)/block*block)
	copy(rom, romImage)
	rom[2] = uint8(len(rom) / block)
	rom[pnp+9] = 0
	rom[pnp+9] = -sum(rom[pnp : pnp+pnpSize])
	rom[len(rom)-1] -= sum(rom)
	return rom
}

func sum(b []byte) (s uint8) {
	for _, c := range b {
		s += c
	}
	return s
}
