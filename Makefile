# govm-desktop: `make run` installs what is needed, builds, and starts a PC you can see; `make test` is what CI runs.

GO      ?= go
SUDO    := $(if $(filter 0,$(shell id -u)),,sudo)
BIN     := bin
ROMS    := firmware/rom/data
COMMANDS := $(notdir $(wildcard cmd/*))
# Not empty where SDL 2 can be built in. It is looked for when a recipe runs, after `make deps`.
SDL      = $(shell pkg-config --exists sdl2 2>/dev/null && command -v gcc >/dev/null && echo sdl)

# What the build, the tests and `make run` need of Debian.
DEPS_BUILD := seabios ipxe-qemu
DEPS_RUN   := libsdl2-dev pkg-config gcc libc6-dev tigervnc-viewer
NPM        := $(if $(shell command -v npm),,npm)
DEPS_TEST  := libsdl2-dev pkg-config icewm tmux socat gcc gdb libc6-dev nasm binutils qemu-system-x86 qemu-utils acpica-tools dmidecode xvfb xauth xdotool imagemagick x11-apps x11-utils tigervnc-viewer chromium openssl \
	rustc nodejs python3 libxkbcommon-dev libx11-dev libusbredirparser-dev usbredirect xkb-data libx11-data kmod cpio lz4 xz-utils zstd xorriso mtools dosfstools fdisk isolinux syslinux syslinux-common grub-common grub-pc-bin

DEPS_VIEW  := xtightvncviewer ssvnc vncsnapshot gvncviewer remmina remmina-plugin-vnc openbox dbus-x11 xclip
DEPS_BENCH := tigervnc-standalone-server

.PHONY: bench-rfb layouts all build roms deps deps-test run test test-all check bench bench-usb generate guests clean

all: build

# The programs, with the firmware inside, and with a window where SDL 2 is installed. SDL's binding takes a minute or two the first time.
build: roms
	@mkdir -p $(BIN)
	CGO_ENABLED=$(if $(SDL),1,0) $(GO) build $(if $(SDL),-tags sdl) -o $(BIN)/ ./cmd/...
	@$(BIN)/govm-desktop -print man >$(BIN)/govm-desktop.1
	@$(BIN)/govm-desktop -print bash >$(BIN)/govm-desktop.bash

# The firmware images come from Debian's packages; they are never committed.
roms:
	@sh firmware/rom/fetch.sh || echo "make: no firmware embedded; it is looked for in the system's folders at run time (make deps installs it)" >&2

deps:
	@sh tools/apt.sh $(DEPS_BUILD) $(DEPS_RUN) openssl $(NPM)
	@sh display/web/fetch.sh

deps-test:
	@sh tools/apt.sh $(DEPS_BUILD) $(DEPS_TEST) $(DEPS_VIEW) $(NPM)
	@sh display/web/fetch.sh

# A PC on the built-in demo guest: in a window on a desktop, else over VNC.
run: deps build
	@WINDOW=$(SDL) bash tools/run.sh $(BIN)/govm-desktop $(ARGS)

# Guests from Debian's packages, cached outside the tree.
guests:
	@sh tools/apt.sh $(DEPS_TEST)
	@bash test/guests/build.sh cloud memtest grubiso isolinux usb

# What CI runs: units under -race, then short boots without it.
test: deps-test roms guests
	$(GO) vet ./...
	$(if $(SDL),$(GO) vet -tags sdl ./display/sdl ./cmd/govm-desktop)
	sh tools/gotest.sh -race -short $$($(GO) list ./... | grep -v /test/)
	sh tools/gotest.sh -timeout 30m ./test/...

# Everything, the long boots too.
test-all: deps-test roms
	@bash test/guests/build.sh
	GOVM_TEST_ALL=1 sh tools/gotest.sh -race -timeout 60m $$($(GO) list ./... | grep -v /test/)
	GOVM_TEST_ALL=1 sh tools/gotest.sh -timeout 80m ./test/...

check: generate
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo "make: gofmt the files above" >&2; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	git diff --exit-code
	sh tools/gotest.sh -race -short $$($(GO) list ./... | grep -v /test/)

generate:
	$(GO) generate ./...

# The keyboard layouts' tables, from Debian's xkb-data through libxkbcommon.
XKB_VERSION = $(shell dpkg-query -W -f '$${Version}' xkb-data)
layouts:
	@sh tools/apt.sh $(DEPS_TEST)
	@mkdir -p $(BIN) && gcc -O1 -Wall -o $(BIN)/xkbdump tools/layouts/dump/dump.c -lxkbcommon
	$(BIN)/xkbdump | $(GO) run ./tools/layouts "xkb-data $(XKB_VERSION)" input/layout/layouts.gz; rm -f $(BIN)/xkbdump
	cp /usr/share/doc/xkb-data/copyright input/layout/LICENSE.xkb-data

bench: deps-test roms guests
	$(GO) run ./test/bench

# The VNC server beside QEMU's and TigerVNC's: a table of figures, ratios and goals, in some eight minutes.
bench-rfb: deps-test roms
	@sh tools/apt.sh $(DEPS_BENCH)
	$(GO) run ./test/benchrfb

# Redirected storage with latencies, in our machine and in QEMU's.
bench-usb: deps-test roms
	@bash test/guests/build.sh usb
	GOVM_BENCH_USB=1 $(GO) test -count=1 -timeout 60m -run TestSpeed -v ./test/usbredir

clean:
	rm -rf $(BIN)
