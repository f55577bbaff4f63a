package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
	"time"
)

// xvnc is a stage whose film is played by an X client of ours, which keeps the images in the server as pixmaps.
type xvnc struct {
	cmd  *exec.Cmd
	port int
	x    *xclient
	f    *film
	seen marks
	stop chan struct{}
	wg   sync.WaitGroup

	mu   sync.Mutex // guards everything below
	part int
	new  bool
	keys uint8
}

func startXvnc(b *bench, f *film) (stage, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	n := 60 + port - 5940
	s := &xvnc{port: port, f: f, stop: make(chan struct{})}
	s.cmd = exec.Command("Xtigervnc", fmt.Sprintf(":%d", n), "-rfbport", fmt.Sprint(port), "-geometry", fmt.Sprintf("%dx%d", f.w, f.h), "-depth", "24",
		"-SecurityTypes", "None", "-localhost", "-AlwaysShared", "-ac", "-nolisten", "tcp", "-FrameRate", "60")
	s.cmd.Dir = b.dir
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	path := fmt.Sprintf("/tmp/.X11-unix/X%d", n)
	for end := time.Now().Add(20 * time.Second); ; {
		if s.x, err = dialX(path); err == nil {
			break
		}
		if time.Now().After(end) {
			s.kill()
			return nil, fmt.Errorf("starting Xtigervnc: %w", err)
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err := s.x.window(f.w, f.h); err != nil {
		s.kill()
		return nil, err
	}
	for i, m := range f.images {
		s.x.upload(uint32(i), m)
	}
	if err := s.x.flush(); err != nil {
		s.kill()
		return nil, err
	}
	s.wg.Go(s.listen)
	s.wg.Go(s.play)
	return s, s.choose(partStatic)
}

func (s *xvnc) kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

func (s *xvnc) addr() string  { return fmt.Sprintf("127.0.0.1:%d", s.port) }
func (s *xvnc) marks() *marks { return &s.seen }

func (s *xvnc) close() {
	close(s.stop)
	s.x.nc.Close()
	s.wg.Wait()
	s.kill()
}

func (s *xvnc) choose(part int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.part, s.new = part, true
	return nil
}

func (s *xvnc) cpu() (time.Duration, error) {
	all, err := threads(s.cmd.Process.Pid)
	sum := time.Duration(0)
	for _, t := range all {
		sum += t
	}
	return sum, err
}

// listen counts keys and stamps them at once.
func (s *xvnc) listen() {
	for {
		var e [32]byte
		if _, err := io.ReadFull(s.x.nc, e[:]); err != nil {
			return
		}
		if e[0] == 0 {
			fmt.Fprintf(os.Stderr, "bench: X error %d at request %d\n", e[1], e[10])
		}
		if e[0]&0x7f != 2 { // KeyPress
			continue
		}
		s.mu.Lock()
		s.keys++
		n := s.keys
		s.mu.Unlock()
		s.x.stamp(uint32(n), numberBits, stampBits-numberBits)
		if s.x.flush() != nil {
			return
		}
	}
}

// play paints the pictures of the chosen part.
func (s *xvnc) play() {
	next := time.Now()
	count, at, number := 0, 0, uint32(0)
	for {
		next = next.Add(time.Second / 60)
		select {
		case <-time.After(time.Until(next)):
		case <-s.stop:
			return
		}
		s.mu.Lock()
		p, fresh := &s.f.parts[s.part], s.new
		s.new = false
		s.mu.Unlock()
		if fresh {
			s.x.run(p.prologue)
			s.x.stamp(number, 0, numberBits)
			count, at = 0, 0
		}
		if count++; count >= p.every && len(p.pictures) > 0 {
			count = 0
			ops := p.pictures[at]
			at = (at + 1) % len(p.pictures)
			if ops != nil {
				number++
				s.x.run(ops)
				s.x.stamp(number, 0, numberBits)
				s.seen.add(byte(number))
			}
		}
		if s.x.flush() != nil {
			return
		}
	}
}

// xclient speaks as much of the X protocol as painting takes.
type xclient struct {
	nc   net.Conn
	base uint32 // of resource numbers
	root uint32

	mu  sync.Mutex // guards everything below
	buf bytes.Buffer
	rgb uint32 // the foreground
}

// Resources, from base on.
const (
	xWindow = 1 + iota
	xGC
	xPixmaps
)

func dialX(path string) (*xclient, error) {
	nc, err := net.Dial("unix", path)
	if err != nil {
		return nil, err
	}
	x := &xclient{nc: nc, rgb: 1}
	if _, err := nc.Write([]byte{'l', 0, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0}); err != nil {
		return nil, err
	}
	var head [8]byte
	if _, err := io.ReadFull(nc, head[:]); err != nil {
		return nil, err
	}
	body := make([]byte, 4*int(binary.LittleEndian.Uint16(head[6:])))
	if _, err := io.ReadFull(nc, body); err != nil {
		return nil, err
	}
	if head[0] != 1 || len(body) < 32 {
		return nil, fmt.Errorf("refused by the X server: %q", body)
	}
	le := binary.LittleEndian
	x.base = le.Uint32(body[4:])
	vendor, formats := int(le.Uint16(body[16:])), int(body[21])
	screen := 32 + (vendor+3)&^3 + 8*formats
	if len(body) < screen+4 {
		return nil, io.ErrUnexpectedEOF
	}
	x.root = le.Uint32(body[screen:])
	return x, nil
}

// request adds a request of 32-bit words after its head.
func (x *xclient) request(op, data byte, words ...uint32) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.add(op, data, words...)
}

func (x *xclient) add(op, data byte, words ...uint32) {
	n := len(words) + 1
	x.buf.Write([]byte{op, data, byte(n), byte(n >> 8)})
	for _, w := range words {
		_ = binary.Write(&x.buf, binary.LittleEndian, w)
	}
}

func pair(lo, hi int) uint32 { return uint32(uint16(lo)) | uint32(uint16(hi))<<16 }

// window covers the screen with a window that gets the keys.
func (x *xclient) window(w, h int) error {
	const overrideRedirect, eventMask, keyPress = 1 << 9, 1 << 11, 1
	x.request(1, 0, x.base+xWindow, x.root, 0, pair(w, h), pair(0, 1), 0, overrideRedirect|eventMask, 1, keyPress) // CreateWindow
	x.request(8, 0, x.base+xWindow)                                                                                // MapWindow
	const graphicsExposures = 1 << 16
	x.request(55, 0, x.base+xGC, x.base+xWindow, graphicsExposures, 0) // CreateGC
	x.request(42, 1, x.base+xWindow, 0)                                // SetInputFocus
	return x.flush()
}

// upload puts an image into a pixmap.
func (x *xclient) upload(n uint32, m *image.RGBA) {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	id := x.base + xPixmaps + n
	x.request(53, 24, id, x.root, pair(w, h)) // CreatePixmap
	rows := min(h, 200<<10/(4*w))
	for y := 0; y < h; y += rows {
		k := min(rows, h-y)
		words := []uint32{id, x.base + xGC, pair(w, k), pair(0, y), 24 << 8}
		for p := m.Pix[y*m.Stride : (y+k)*m.Stride]; len(p) > 0; p = p[4:] {
			words = append(words, uint32(p[0])<<16|uint32(p[1])<<8|uint32(p[2]))
		}
		x.request(72, 2, words...) // PutImage, ZPixmap
	}
}

func (x *xclient) run(list []op) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, o := range list {
		src := x.base + xWindow
		switch o.kind {
		case fill:
			x.fill(o.to, o.rgb)
			continue
		case blit:
			src = x.base + xPixmaps + uint32(o.image)
		}
		x.add(62, 0, src, x.base+xWindow, x.base+xGC, pair(o.from.X, o.from.Y), pair(o.to.Min.X, o.to.Min.Y), pair(o.to.Dx(), o.to.Dy())) // CopyArea
	}
}

func (x *xclient) fill(r image.Rectangle, rgb uint32) {
	if rgb != x.rgb {
		x.rgb = rgb
		x.add(56, 0, x.base+xGC, 1<<2, rgb) // ChangeGC, foreground
	}
	x.add(70, 0, x.base+xWindow, x.base+xGC, pair(r.Min.X, r.Min.Y), pair(r.Dx(), r.Dy())) // PolyFillRectangle
}

// stamp paints bits of a number, the lowest first.
func (x *xclient) stamp(v uint32, first, n int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, rgb := range []uint32{0, 0xffffff} {
		for i := range n {
			if on := v>>i&1 != 0; on == (rgb != 0) {
				at := (first + i) * square
				x.fill(image.Rect(at, 0, at+square, square), rgb)
			}
		}
	}
}

func (x *xclient) flush() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	_, err := x.nc.Write(x.buf.Bytes())
	x.buf.Reset()
	return err
}
