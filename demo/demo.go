// Package demo holds the demo guest of govm-desktop: a bootable flat disk
// image, so that there is something to see with no download.
//
// The guest is a small program of our own for a bare PC. Its boot sector is
// started by the BIOS from a hard disk and loads the rest (INT 13h extended
// read, or cylinder/head/sector where that is missing). In real mode it asks
// the BIOS for the memory map (E820), the 8x16 font of the video BIOS and a
// VBE mode with a linear frame buffer: 1024x768 if there is one, else 800x600
// or 640x480, in true colour if there is any. Then it goes to 32-bit protected
// mode, where it uses the hardware alone: 8259s, 8254, MC146818, i8042 with
// keyboard and PS/2 mouse, PCI configuration mechanism #1, ACPI.
//
// It shows the machine (CPUID, memory, video mode), the PCI devices, a text
// box for what is typed (US layout), scan codes, lights of the locks and
// modifiers, the mouse with its buttons and wheel, a pointer, a colour test
// pattern, the time and the uptime. F1 or Esc explains, F10 switches the
// machine off, Ctrl-Alt-Del restarts it, Ctrl-L clears the box. Without VBE it
// says so in text mode and on the first serial port, and waits for a key.
// Between events the processor sleeps in HLT; the 8254 ticks 18.2 times and
// the real-time clock once a second.
//
// Nothing in it knows about any virtual machine monitor: it runs in the same
// way under others and on real hardware. At a given configuration its picture
// is the same every time, but for [Clock]; what depends on the configuration
// lies in [Machine] and [PCI].
//
// The image is assembled from demo.asm by nasm; go generate rebuilds it, and
// the bytes depend on the source alone. It has one cylinder of 16 heads and 63
// sectors and a partition table with one active entry.
package demo

import (
	_ "embed"
	"image"
)

//go:generate nasm -f bin -o demo.img demo.asm

//go:embed demo.img
var img []byte

// Size is the size of the image in bytes: 1 cylinder, 16 heads, 63 sectors.
const Size = 1 * 16 * 63 * 512

// Width and Height are the size of the picture on a video card with a VBE
// mode of that size.
const (
	Width  = 1024
	Height = 768
)

// The mouse pointer starts here, its tip at this pixel.
const (
	PointerX = 940
	PointerY = 580
)

// Image returns a copy of the disk image.
func Image() []byte {
	return append([]byte(nil), img...)
}

// Clock is the part of the picture, at Width x Height, that varies with time:
// time, date and uptime. Tests that compare pictures leave it out.
func Clock() image.Rectangle { return image.Rect(752, 12, 752+256, 12+48) }

// Machine is the panel with what CPUID, E820 and VBE tell.
func Machine() image.Rectangle { return image.Rect(16, 88, 16+488, 88+236) }

// PCI is the panel with the devices on the PCI buses.
func PCI() image.Rectangle { return image.Rect(520, 88, 520+488, 88+236) }

// Text is the panel with the text box.
func Text() image.Rectangle { return image.Rect(16, 340, 16+680, 340+300) }

// Input is the panel with scan codes, lights and the mouse.
func Input() image.Rectangle { return image.Rect(712, 340, 712+296, 340+300) }

// Pattern is the part of the test pattern with the eight colour bars (white,
// yellow, cyan, green, magenta, red, blue, black; each an eighth of the
// width).
func Pattern() image.Rectangle { return image.Rect(24, 664, 24+976, 664+26) }

// Help is the line at the bottom.
func Help() image.Rectangle { return image.Rect(0, 738, 1024, 768) }
