#!/bin/bash
# build.sh [NAME …]: builds the tests' guests from Debian 12 packages alone, without KVM or loop mounts, and keeps them in $GOVM_GUESTS
# (default ~/.cache/govm-desktop/guests). A guest that is there is left alone (FORCE=1 builds it anew).
#   cloud     Debian's cloud kernel and a busybox initramfs that prints GUEST-… lines to the serial port
#   fbcon     Debian's full kernel, with consoles on VGA text, VBE and bochs-drm
#   usb       Debian's full kernel with the drivers of USB controllers, disks, keyboards and usbtest; guest.end=shell gives a shell on the serial port
#   usbhost   a computer with USB gadgets plugged into itself (dummy_hcd), usbredirect and a network: for what gives devices away
#   memtest   memtest86+ 6 as ISO, .bin and floppy
#   grubiso   an ISO with GRUB's graphical menu            isolinux  an ISO and a disk with vesamenu
#   di        the Debian installer, text and GTK
#   desktop   Xorg on bochs-drm with the PS/2 keyboard and mouse, in an initramfs; it runs /session, which a test may add, or a shell on the serial port
set -euo pipefail
DIR=${GOVM_GUESTS:-${XDG_CACHE_HOME:-$HOME/.cache}/govm-desktop/guests}
mkdir -p "$DIR"; DIR=$(cd "$DIR" && pwd)
export LC_ALL=C.UTF-8 TZ=UTC SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-1700000000} DEBIAN_FRONTEND=noninteractive
SUDO=; [ "$(id -u)" = 0 ] || SUDO=sudo
CACHE=$DIR/.cache; mkdir -p "$CACHE/debs" "$CACHE/x"
ALL="cloud memtest grubiso isolinux fbcon usb usbhost di desktop"

say() { echo "guests: $*" >&2; }
have() { [ -z "${FORCE:-}" ] && local f && for f in "$@"; do [ -e "$DIR/$f" ] || return 1; done; }

# need PROGRAM PACKAGE ... : install host tools that are missing
need() {
  local miss=()
  while [ $# -gt 1 ]; do
    case $1 in /*) [ -e "$1" ] || miss+=("$2");; *) command -v "$1" >/dev/null || miss+=("$2");; esac; shift 2
  done
  [ ${#miss[@]} = 0 ] && return
  say "installing ${miss[*]}"
  $SUDO apt-get install -y --no-install-recommends "${miss[@]}" >/dev/null || { $SUDO apt-get update >/dev/null; $SUDO apt-get install -y --no-install-recommends "${miss[@]}" >/dev/null; }
}
# deb PKG : print a folder with PKG's files, unpacked but not installed
deb() {
  local p=$1 f
  [ -e "$CACHE/x/$p/.done" ] && { echo "$CACHE/x/$p"; return; }
  f=$(ls "$CACHE/debs/${p}"_*.deb 2>/dev/null | head -1 || true)
  if [ -z "$f" ]; then
    (cd "$CACHE/debs" && { apt-get -o APT::Sandbox::User=root download "$p" >/dev/null 2>&1 || { $SUDO apt-get update >/dev/null 2>&1; apt-get -o APT::Sandbox::User=root download "$p" >/dev/null; }; })
    f=$(ls "$CACHE/debs/${p}"_*.deb | head -1)
  fi
  rm -rf "$CACHE/x/$p"; mkdir -p "$CACHE/x/$p"; dpkg-deb -x "$f" "$CACHE/x/$p"; touch "$CACHE/x/$p/.done"
  echo "$CACHE/x/$p"
}
# kernel cloud|full : print "folder version"; bzImage is folder/boot/vmlinuz-version
kernel() {
  local meta=linux-image-amd64 p v x
  [ "$1" = cloud ] && meta=linux-image-cloud-amd64
  apt-cache show $meta >/dev/null 2>&1 || $SUDO apt-get update >/dev/null
  p=$(apt-cache depends $meta | awk '/Depends: linux-image-[0-9]/{print $2; exit}')
  v=${p#linux-image-}; x=$(deb "$p")
  [ -e "$x/lib/modules/$v/modules.dep" ] || { need depmod kmod; depmod -b "$x" "$v"; }
  echo "$x $v"
}
# mods KDIR VER DEST NAME... : copy modules with their dependencies; write load order to DEST/modules.list
mods() {
  local x=$1 v=$2 d=$3 m l; shift 3; mkdir -p "$d"
  need modprobe kmod
  for m in "$@"; do
    modprobe -d "$x" -S "$v" --show-depends "$m" 2>/dev/null | awk '/^insmod/{print $2}' || say "no module $m"
  done | awk '!s[$0]++' > "$d/.order"
  mkdir -p "$d/lib/modules"; : > "$d/modules.list"
  while read -r l; do cp "$l" "$d/lib/modules/"; basename "$l" >> "$d/modules.list"; done < "$d/.order"; rm "$d/.order"
}
# pack TREE OUT : newc cpio + gzip, reproducible
pack() {
  need cpio cpio
  find "$1" -exec touch -hd @$SOURCE_DATE_EPOCH {} +
  (cd "$1" && find . | sort | cpio --quiet -o -H newc -R 0:0 --reproducible | gzip -n9) > "$2.tmp"; mv "$2.tmp" "$2"
}
# tree NAME : a fresh initramfs tree with static busybox; prints its path
tree() {
  local t=$CACHE/tree-$1; rm -rf "$t"; mkdir -p "$t"/{bin,sbin,proc,sys,dev,etc,tmp,run,mnt,root,lib,usr/bin,usr/sbin,var}
  cp "$(deb busybox-static)/bin/busybox" "$t/bin/"; ln -s busybox "$t/bin/sh"
  cat > "$t/init" <<'INIT'
#!/bin/busybox sh
export PATH=/usr/bin:/usr/sbin:/bin:/sbin
/bin/busybox --install -s /bin 2>/dev/null
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev 2>/dev/null; mkdir -p /dev/pts; mount -t devpts pts /dev/pts
opt() { for w in $(cat /proc/cmdline); do case $w in $1=*) echo "${w#*=}"; return;; esac; done; echo "$2"; }
say() { echo "$@" > /dev/ttyS0; }
for m in $(cat /modules.list 2>/dev/null); do insmod /lib/modules/$m 2>/dev/null || say "insmod $m failed"; done
say "GUEST-INIT $(uname -r) up $(cut -d' ' -f1 /proc/uptime)"
. /guest.sh
case $(opt guest.end poweroff) in
  shell) say GUEST-SHELL; exec setsid cttyhack sh </dev/ttyS0 >/dev/ttyS0 2>&1;;
  stay) while :; do sleep 1000; done;;
  reboot) reboot -f;;
  *) poweroff -f;;
esac
INIT
  chmod +x "$t/init"; echo "$t"
}
# vmlinux BZIMAGE OUT : the ELF inside a bzImage (for PVH/direct loaders)
vmlinux() {
  need python3 python3 lz4 lz4 xz xz-utils
  python3 - "$1" "$2" <<'PY'
import sys,struct,subprocess
d=open(sys.argv[1],'rb').read()
setup=(d[0x1f1] or 4)+1
off,n=struct.unpack_from('<II',d,0x248)
p=d[setup*512+off:setup*512+off+n]
for magic,cmd in ((b'\xfd7zXZ',['xz','-dcq']),(b'\x02!L\x18',['lz4','-dcq']),(b'\x1f\x8b',['gzip','-dcq']),(b'\x28\xb5\x2f\xfd',['zstd','-dcq'])):
    if p.startswith(magic):
        o=subprocess.run(cmd,input=p[:-4],stdout=subprocess.PIPE,stderr=subprocess.DEVNULL).stdout; break
assert o[:4]==b'\x7fELF'; open(sys.argv[2],'wb').write(o)
PY
}

g_cloud() { have cloud/vmlinuz cloud/initrd.gz cloud/vmlinux && return; mkdir -p "$DIR/cloud"
  local x v t; read -r x v <<<"$(kernel cloud)"; t=$(tree cloud)
  cat > "$t/guest.sh" <<'G'
say "GUEST-CPU $(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2) x$(grep -c ^processor /proc/cpuinfo)"
say "GUEST-MEM $(grep MemTotal /proc/meminfo)"
say "GUEST-CLK $(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)"
t0=$(cut -d' ' -f1 /proc/uptime); n=$(opt guest.loop 100000); i=0; while [ $i -lt $n ]; do i=$((i+1)); done
say "GUEST-LOOP $t0 $(cut -d' ' -f1 /proc/uptime)"
say "GUEST-OK cloud"
G
  pack "$t" "$DIR/cloud/initrd.gz"; cp "$x/boot/vmlinuz-$v" "$DIR/cloud/vmlinuz"; vmlinux "$DIR/cloud/vmlinuz" "$DIR/cloud/vmlinux"; }

g_fbcon() { have fbcon/vmlinuz fbcon/initrd.gz fbcon/vmlinux && return; mkdir -p "$DIR/fbcon"
  local x v t; read -r x v <<<"$(kernel full)"; t=$(tree fbcon)
  mods "$x" "$v" "$t" bochs cirrus virtio_pci virtio-gpu psmouse evdev; mv "$t/modules.list" "$t/modules.drm"
  cat > "$t/guest.sh" <<'G'
# guest.fb=bochs loads the DRM drivers; otherwise vgacon (no vga=) or vesafb (vga=0x317 etc.)
case $(opt guest.fb none) in drm|bochs) for m in $(cat /modules.drm); do insmod /lib/modules/$m 2>/dev/null; done; sleep 1
  i=0; while [ $i -lt 60 ] && ! grep -q Mouse /proc/bus/input/devices; do sleep 1; i=$((i+1)); done;; esac
say "GUEST-FB $(cat /proc/fb | tr '\n' ';')"
T=/dev/tty0; printf '\033[2J\033[H' > $T
cat > $T <<'ART'
         .--.
        |o_o |      govm guest: fbcon
        |:_/ |      "Tux" in text (Debian kernels have CONFIG_LOGO=n)
       //   \ \
      (|     | )
     /'\_   _/`\
     \___)=(___/
ART
for b in 0 1 2 3 4 5 6 7; do for f in 0 1 2 3 4 5 6 7; do printf '\033[1;3%d;4%dm %d%d ' $f $b $f $b > $T; done; printf '\033[0m\n' > $T; done
printf 'fb: %s\n' "$(cat /proc/fb)" > $T; uname -a > $T; cat /proc/bus/input/devices | grep N: > $T
printf 'GUEST-OK fbcon\n' > $T
say "GUEST-OK fbcon"
G
  pack "$t" "$DIR/fbcon/initrd.gz"; cp "$x/boot/vmlinuz-$v" "$DIR/fbcon/vmlinuz"; vmlinux "$DIR/fbcon/vmlinuz" "$DIR/fbcon/vmlinux"; }

g_usb() { have usb/vmlinuz usb/initrd.gz usb/vmlinux && return; mkdir -p "$DIR/usb"
  local x v t; read -r x v <<<"$(kernel full)"; t=$(tree usb)
  mods "$x" "$v" "$t" xhci_pci ehci_pci uhci_hcd sd_mod sr_mod sg usb_storage uas usbhid hid_generic hid_multitouch evdev psmouse vfat ext4 isofs nls_cp437 nls_ascii nls_utf8 usbserial ftdi_sio cdc_acm
  mods "$x" "$v" "$t/usbtest" usbtest
  cat > "$t/guest.sh" <<'G'
# The test driver is loaded on demand, since it takes devices from others: guest.usbtest=1.
[ "$(opt guest.usbtest 0)" = 1 ] && insmod /usbtest/lib/modules/usbtest.ko
i=0; while [ $i -lt $(opt guest.wait 20) ] && [ $(ls -d /sys/bus/usb/devices/*-* 2>/dev/null | grep -vc :) -lt $(opt guest.devices 0) ]; do sleep 0.5; i=$((i+1)); done
for d in /sys/bus/usb/devices/*; do [ -e $d/idVendor ] && say "GUEST-USB ${d##*/} $(cat $d/idVendor):$(cat $d/idProduct) $(cat $d/speed) $(cat $d/product 2>/dev/null)"; done
for d in /sys/class/input/event*; do [ -e $d ] && say "GUEST-INPUT ${d##*/} $(cat $d/device/name)"; done
n=$(opt guest.disks 0); i=0; while [ $i -lt 60 ] && [ $(ls -d /sys/block/sd* 2>/dev/null | wc -l) -lt $n ]; do sleep 0.5; i=$((i+1)); done
for d in /dev/sd?; do [ -e $d ] && say "GUEST-DISK $d $(cat /sys/block/${d#/dev/}/size) $(md5sum < $d | cut -c1-32)"; done
say "GUEST-OK usb"
G
  pack "$t" "$DIR/usb/initrd.gz"; cp "$x/boot/vmlinuz-$v" "$DIR/usb/vmlinuz"; vmlinux "$DIR/usb/vmlinuz" "$DIR/usb/vmlinux"; }

g_memtest() { have memtest/memtest86+x64.iso && return; mkdir -p "$DIR/memtest"; local x; x=$(deb memtest86+)
  cp "$x"/boot/memtest86+* "$x"/usr/lib/memtest86+/*.iso "$DIR/memtest/"
  # a floppy/raw-disk form: the .bin is also a legacy boot sector (bzImage header), so padding makes it bootable
  for b in x64 ia32; do cp "$DIR/memtest/memtest86+$b.bin" "$DIR/memtest/memtest86+$b.img"; truncate -s 1474560 "$DIR/memtest/memtest86+$b.img"; done; }

g_grubiso() { have grubiso/grub.iso && return; mkdir -p "$DIR/grubiso"; g_cloud; g_memtest
  need grub-mkrescue grub-common /usr/lib/grub/i386-pc/boot.img grub-pc-bin xorriso xorriso mformat mtools
  local s=$CACHE/grub-iso; rm -rf "$s"; mkdir -p "$s/boot/grub/fonts"; cp /usr/share/grub/unicode.pf2 "$s/boot/grub/fonts/"
  cp "$DIR/cloud/vmlinuz" "$DIR/cloud/initrd.gz" "$DIR/memtest/memtest86+x64.bin" "$s/boot/"
  cat > "$s/boot/grub/grub.cfg" <<'C'
set timeout=-1
set default=0
insmod all_video
insmod serial
serial --unit=0 --speed=115200
loadfont unicode
set gfxmode=1024x768x32,800x600,auto
terminal_input console
terminal_output gfxterm serial
set color_normal=white/blue
set color_highlight=black/light-gray
menuentry "Linux cloud kernel (serial)" { linux /boot/vmlinuz console=ttyS0,115200; initrd /boot/initrd.gz; }
menuentry "Memtest86+ 6.10 (x64)" { linux /boot/memtest86+x64.bin console=ttyS0,115200; }
menuentry "GRUB lsmmap, lspci, videoinfo" { lsmmap; lspci; videoinfo; sleep 600; }
menuentry "Reboot" { reboot; }
menuentry "Power off (APM/ACPI)" { halt; }
C
  grub-mkrescue -d /usr/lib/grub/i386-pc --fonts=unicode --locales= --themes= -o "$DIR/grubiso/grub.iso" "$s" -- -volid GRUBGUEST >/dev/null 2>&1; [ -s "$DIR/grubiso/grub.iso" ]; }

g_isolinux() { have isolinux/isolinux.iso isolinux/syslinux.img && return; mkdir -p "$DIR/isolinux"; g_cloud; g_memtest
  need xorriso xorriso /usr/lib/ISOLINUX/isolinux.bin isolinux /usr/lib/syslinux/modules/bios/vesamenu.c32 syslinux-common syslinux syslinux mcopy mtools mkfs.vfat dosfstools convert imagemagick
  local m=/usr/lib/syslinux/modules/bios s=$CACHE/isolinux f=$DIR/isolinux/syslinux.img i; rm -rf "$s"; mkdir -p "$s/isolinux"
  cp /usr/lib/ISOLINUX/isolinux.bin $m/{ldlinux,libcom32,libutil,libmenu,libgpl,vesamenu,menu,hdt,cpuid,cpuidtest,vesainfo,meminfo,lfs,reboot,poweroff,pcitest,kbdmap,ls,hexdump,mboot,memdisk,memdisk}.c32 "$s/isolinux/" 2>/dev/null || true
  cp /usr/lib/syslinux/memdisk "$s/isolinux/"; cp "$DIR/cloud/vmlinuz" "$s/"; cp "$DIR/cloud/initrd.gz" "$s/"; cp "$DIR/memtest/memtest86+x64.bin" "$s/mt64"
  convert -size 640x480 -seed 7 plasma:'#2a5a8a-#0a1020' -blur 0x3 -strip -define png:exclude-chunks=date,time png24:"$s/isolinux/splash.png"
  cat > "$s/isolinux/isolinux.cfg" <<'C'
serial 0 115200
ui vesamenu.c32
prompt 0
timeout 0
menu title govm isolinux test menu
menu background splash.png
label cloud
  menu label ^Linux cloud kernel (serial)
  kernel /vmlinuz
  append initrd=/initrd.gz console=ttyS0,115200
label memtest
  menu label ^Memtest86+
  linux /mt64
label hdt
  menu label ^Hardware Detection Tool
  com32 hdt.c32
label vesainfo
  com32 vesainfo.c32
label meminfo
  com32 meminfo.c32
label reboot
  com32 reboot.c32
label poweroff
  com32 poweroff.c32
C
  xorriso -as mkisofs -quiet -V ISOLINUX -J -r -c isolinux/boot.cat -b isolinux/isolinux.bin -no-emul-boot -boot-load-size 4 -boot-info-table -isohybrid-mbr /usr/lib/ISOLINUX/isohdpfx.bin -o "$DIR/isolinux/isolinux.iso" "$s" 2>/dev/null
  # the same menu on a FAT16 partition of a hard disk image (MBR from syslinux-common), written without a loop mount
  rm -f "$f"; truncate -s 64M "$f"; need sfdisk fdisk; echo '2048,,e,*' | sfdisk -q "$f"; dd if=/usr/lib/syslinux/mbr/mbr.bin of="$f" conv=notrunc bs=440 count=1 status=none
  mkfs.vfat -F16 -n SYSLINUX --offset 2048 "$f" $((63*1024)) >/dev/null; syslinux --install -t $((2048*512)) "$f"
  for i in "$s"/isolinux/*.c32 "$s/isolinux/splash.png" "$s/vmlinuz" "$s/initrd.gz" "$s/mt64"; do mcopy -o -i "$f@@1M" "$i" ::; done; mcopy -o -i "$f@@1M" "$s/isolinux/isolinux.cfg" ::syslinux.cfg; }

# Debian installer 12, text and GTK, as kernel+initrd and as a bootable ISO each (isolinux + vesamenu)
di_iso() { # FOLDER(arch dir) OUT LABEL
  need xorriso xorriso /usr/lib/ISOLINUX/isolinux.bin isolinux /usr/lib/syslinux/modules/bios/vesamenu.c32 syslinux-common
  local s=$CACHE/di-iso; rm -rf "$s"; mkdir -p "$s/isolinux"
  cp "$1/linux" "$1/initrd.gz" "$s/"; cp "$1/boot-screens/splash.png" "$s/isolinux/"
  cp /usr/lib/ISOLINUX/isolinux.bin /usr/lib/syslinux/modules/bios/{ldlinux,libcom32,libutil,vesamenu}.c32 "$s/isolinux/"
  cat > "$s/isolinux/isolinux.cfg" <<C
default vesamenu.c32
prompt 0
timeout 50
menu title $3
menu background splash.png
label install
  menu label ^Install
  menu default
  kernel /linux
  append vga=788 initrd=/initrd.gz --- quiet
label expert
  menu label ^Expert install
  kernel /linux
  append priority=low vga=788 initrd=/initrd.gz ---
C
  xorriso -as mkisofs -quiet -V DI -J -r -c isolinux/boot.cat -b isolinux/isolinux.bin -no-emul-boot -boot-load-size 4 -boot-info-table -o "$2" "$s" 2>/dev/null; }
g_usbhost() { have usbhost/vmlinuz usbhost/initrd.gz && return; mkdir -p "$DIR/usbhost"
  need usbredirect usbredirect
  local x v t l; read -r x v <<<"$(kernel full)"; t=$(tree usbhost)
  mods "$x" "$v" "$t" e1000 libcomposite usb_f_mass_storage usb_f_ss_lb usb_storage sd_mod configfs
  mods "$x" "$v" "$t/dummy" dummy_hcd
  cp /usr/bin/usbredirect "$t/bin/"
  ldd /usr/bin/usbredirect | grep -o '/[^ ]*' | while read -r l; do mkdir -p "$t$(dirname "$l")"; cp -L "$l" "$t$l"; done
  cat > "$t/bin/gadget" <<'G'
#!/bin/sh
# gadget msd FILE | zero   high | super : plugs a gadget in; gadget off : pulls it out
C=/sys/kernel/config/usb_gadget/g
if [ -d $C ]; then
  echo > $C/UDC; for l in $C/configs/*/*.*; do [ -L $l ] && rm $l; done
  rmdir $C/configs/c.1/strings/0x409 $C/configs/c.1 $C/functions/* $C/strings/0x409 $C 2>/dev/null
  rmmod dummy_hcd
fi
[ $1 = off ] && exit
kind=$1; [ $kind = msd ] && { file=$2; shift; }
p=; [ $2 = super ] && p=is_super_speed=1
insmod /dummy/lib/modules/dummy_hcd.ko $p
mkdir -p $C/strings/0x409 $C/configs/c.1/strings/0x409
echo 0x0100 > $C/bcdDevice; echo GADGET01 > $C/strings/0x409/serialnumber; echo govm > $C/strings/0x409/manufacturer; echo "$kind gadget" > $C/strings/0x409/product
if [ $kind = msd ]; then
  echo 0x1d6b > $C/idVendor; echo 0x0104 > $C/idProduct
  mkdir $C/functions/mass_storage.0; echo $file > $C/functions/mass_storage.0/lun.0/file; ln -s $C/functions/mass_storage.0 $C/configs/c.1/
else
  echo 0x0525 > $C/idVendor; echo 0xa4a0 > $C/idProduct
  mkdir $C/functions/SourceSink.0; ln -s $C/functions/SourceSink.0 $C/configs/c.1/
fi
echo dummy_udc.0 > $C/UDC
G
  chmod +x "$t/bin/gadget"
  cat > "$t/guest.sh" <<'G'
mount -t configfs configfs /sys/kernel/config
ip link set lo up; ip link set eth0 up; ip addr add 10.0.2.15/24 dev eth0; ip route add default via 10.0.2.2
say "GUEST-OK usbhost"
G
  pack "$t" "$DIR/usbhost/initrd.gz"; cp "$x/boot/vmlinuz-$v" "$DIR/usbhost/vmlinuz"; }

g_di() { have di/text/linux di/gtk.iso && return; mkdir -p "$DIR/di/text" "$DIR/di/gtk"
  local x; x=$(deb debian-installer-12-netboot-amd64)/usr/lib/debian-installer/images/12/amd64
  cp "$x"/text/debian-installer/amd64/{linux,initrd.gz} "$DIR/di/text/"; cp "$x"/gtk/debian-installer/amd64/{linux,initrd.gz} "$DIR/di/gtk/"
  di_iso "$x/text/debian-installer/amd64" "$DIR/di/text.iso" "Debian 12 installer (text)"; di_iso "$x/gtk/debian-installer/amd64" "$DIR/di/gtk.iso" "Debian 12 installer (GTK)"; }

# deps PKG ... : the packages of libraries that PKGs need, without OpenGL
deps() {
  local todo=("$@") seen=" " d
  while [ ${#todo[@]} -gt 0 ]; do
    local next=()
    for d in $(apt-cache depends --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances "${todo[@]}" | awk '/^ *\|?(Pre)?Depends: (lib|zlib)/{print $2}'); do
      case $d in libgl*|libegl*|libgbm*|libepoxy*|*mesa*) continue;; esac
      case $seen in *" $d "*) continue;; esac
      seen="$seen$d "; next+=("$d"); echo "$d"
    done
    todo=("${next[@]}")
  done
}
# fetch PKG ... : download what is missing of several packages at once
fetch() {
  local p miss=()
  for p in "$@"; do ls "$CACHE/debs/${p}"_*.deb >/dev/null 2>&1 || miss+=("$p"); done
  [ ${#miss[@]} = 0 ] || (cd "$CACHE/debs" && apt-get -o APT::Sandbox::User=root download "${miss[@]}" >/dev/null 2>&1) || true # deb tries again, one by one
}
# shared TREE : fail by name if a program or library below TREE lacks a library
shared() {
  need objdump binutils
  local miss
  miss=$(find "$1" -type f \( -name '*.so*' -o -path '*/bin/*' -o -name Xorg \) -exec objdump -p {} + 2>/dev/null | awk '/NEEDED/{print $2}' | sort -u | while read -r l; do
    [ -n "$(find "$1" -name "$l" | head -1)" ] || echo "$l"; done)
  [ -z "$miss" ] || { say "missing libraries:" $miss; return 1; }
}
g_desktop() { have desktop/vmlinux desktop/vmlinuz desktop/initrd.gz && return; mkdir -p "$DIR/desktop"
  local x v t p l s; read -r x v <<<"$(kernel full)"; t=$(tree desktop)
  mods "$x" "$v" "$t" bochs psmouse evdev
  mkdir -p "$t"/usr/{bin,lib/x86_64-linux-gnu,lib/xorg,lib/locale,share/X11/locale,share/fonts/X11/misc} "$t"/lib64 "$t"/etc/X11 "$t"/var/{log,lib/xkb} "$t"/lib/x86_64-linux-gnu
  local pk="xserver-xorg-core xserver-xorg-input-evdev x11-xkb-utils"
  local libs; libs=$(deps $pk); fetch $pk $libs xkb-data libx11-data libc-bin xfonts-base
  for p in $libs; do s=$(deb "$p")
    for l in "$s"/lib/x86_64-linux-gnu "$s"/usr/lib/x86_64-linux-gnu; do [ ! -d "$l" ] || (cd "$l" && find . -maxdepth 1 -name '*.so*' -exec cp -a {} "$t/usr/lib/x86_64-linux-gnu/" \;); done; done
  ln -s /lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 "$t/lib64/"; rmdir "$t/lib/x86_64-linux-gnu"; ln -s ../usr/lib/x86_64-linux-gnu "$t/lib/x86_64-linux-gnu"
  cp -a "$(deb xserver-xorg-core)"/usr/lib/xorg/. "$(deb xserver-xorg-input-evdev)"/usr/lib/xorg/. "$t/usr/lib/xorg/"
  rm -f "$t"/usr/lib/xorg/modules/{libglamoregl.so,extensions/libglx.so,input/inputtest_drv.so}
  s=$(deb x11-xkb-utils); cp "$s"/usr/bin/{setxkbmap,xkbcomp} "$t/usr/bin/"
  cp -a "$(deb xkb-data)/usr/share/X11/xkb" "$t/usr/share/X11/"
  s=$(deb libx11-data)/usr/share/X11; cp -a "$s"/XKeysymDB "$t/usr/share/X11/" 2>/dev/null || true
  cp "$s"/locale/{compose.dir,locale.alias,locale.dir} "$t/usr/share/X11/locale/"; cp -a "$s"/locale/{C,en_US.UTF-8} "$t/usr/share/X11/locale/"
  cp -a "$(deb libc-bin)/usr/lib/locale/C.utf8" "$t/usr/lib/locale/"
  # fonts by name, as mkfontdir would list them
  s=$(deb xfonts-base)/usr/share/fonts/X11/misc; cp "$s"/{10x20,6x13,18x18ja,18x18ko,cursor}.pcf.gz "$t/usr/share/fonts/X11/misc/"
  cat > "$t/usr/share/fonts/X11/misc/fonts.dir" <<'F'
5
10x20.pcf.gz -misc-fixed-medium-r-normal--20-200-75-75-c-100-iso10646-1
6x13.pcf.gz -misc-fixed-medium-r-semicondensed--13-120-75-75-c-60-iso10646-1
18x18ja.pcf.gz -misc-fixed-medium-r-normal-ja-18-120-100-100-c-180-iso10646-1
18x18ko.pcf.gz -misc-fixed-medium-r-normal-ko-18-120-100-100-c-180-iso10646-1
cursor.pcf.gz cursor
F
  shared "$t"
  cat > "$t/guest.sh" <<'G'
export DISPLAY=:0 LANG=C.UTF-8
event() { awk -v kind="$1" 'BEGIN{RS=""} $0 ~ kind && match($0, /event[0-9]+/) {print substr($0, RSTART, RLENGTH); exit}' /proc/bus/input/devices; }
i=0; while [ -z "$(event Mouse)" ] && [ $i -lt 50 ]; do usleep 200000; i=$((i+1)); done
mkdir -p /tmp/.X11-unix /run/udev; chmod 1777 /tmp /tmp/.X11-unix
{ cat <<'X'
Section "ServerFlags"
 Option "AutoAddDevices" "false"
 Option "AutoEnableDevices" "true"
 Option "BlankTime" "0"
EndSection
Section "Files"
 FontPath "/usr/share/fonts/X11/misc"
 FontPath "built-ins"
EndSection
Section "Device"
 Identifier "screen"
 Driver "modesetting"
 Option "AccelMethod" "none"
EndSection
X
for d in Keyboard:keyboard Mouse:Mouse; do printf 'Section "InputDevice"\n Identifier "%s"\n Driver "evdev"\n Option "Device" "/dev/input/%s"\n Option "Core%s" "true"\nEndSection\n' \
  ${d%:*} "$(event ${d#*:})" "$([ ${d%:*} = Mouse ] && echo Pointer || echo Keyboard)"; done
printf 'Section "ServerLayout"\n Identifier "all"\n InputDevice "Keyboard" "CoreKeyboard"\n InputDevice "Mouse" "CorePointer"\nEndSection\n'; } > /etc/X11/xorg.conf
/usr/lib/xorg/Xorg :0 vt1 -nolisten tcp -noreset > /var/log/x.out 2>&1 &
i=0; while [ ! -S /tmp/.X11-unix/X0 ] && [ $i -lt 300 ]; do usleep 200000; i=$((i+1)); done
until setxkbmap us 2>/var/log/setxkbmap || [ $i -ge 300 ]; do usleep 200000; i=$((i+1)); done
[ $i -lt 300 ] || { say "GUEST-FAIL no X server"; tail -40 /var/log/Xorg.0.log /var/log/x.out /var/log/setxkbmap > /dev/ttyS0; }
say "GUEST-OK desktop"
[ -x /session ] && /session || { setsid cttyhack sh </dev/ttyS0 >/dev/ttyS0 2>&1; }
G
  pack "$t" "$DIR/desktop/initrd.gz"; cp "$x/boot/vmlinuz-$v" "$DIR/desktop/vmlinuz"; vmlinux "$DIR/desktop/vmlinuz" "$DIR/desktop/vmlinux"; }

[ $# -gt 0 ] || set -- $ALL
for n in "$@"; do
  declare -F "g_$n" >/dev/null || { say "unknown guest: $n (know: $ALL)"; exit 2; }
  "g_$n"
done
