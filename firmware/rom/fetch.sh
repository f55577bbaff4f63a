#!/bin/sh
# Copies the ROM images that are embedded in the program from the system's folders to data/, where `go build` finds them.
# What is there already and unchanged is left alone, so that nothing is built again; what the system lacks is named.
# Usage: fetch.sh [DIR]...   further folders to look in, before the system's
set -eu
here=$(cd "$(dirname "$0")" && pwd)
missing=
for rom in bios-256k.bin bios.bin \
	vgabios-stdvga.bin vgabios-cirrus.bin vgabios-vmware.bin vgabios-qxl.bin vgabios-virtio.bin vgabios-ramfb.bin \
	vgabios-bochs-display.bin vgabios-isavga.bin vgabios-ati.bin vgabios.bin \
	pxe-e1000.rom pxe-rtl8139.rom pxe-virtio.rom pxe-ne2k_pci.rom pxe-pcnet.rom
do
	for dir in "$@" /usr/share/seabios /usr/share/vgabios /usr/share/qemu /usr/lib/ipxe/qemu; do
		if [ -f "$dir/$rom" ]; then
			cmp -s "$dir/$rom" "$here/data/$rom" || install -m 644 "$dir/$rom" "$here/data/$rom"
			continue 2
		fi
	done
	missing="$missing $rom"
done
if [ -n "$missing" ]; then
	echo "fetch.sh: not found:$missing (apt-get install seabios ipxe-qemu)" >&2
fi
