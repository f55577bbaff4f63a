package enc

import (
	"encoding/binary"
	"image"

	"govm-desktop/display"
)

// ZRLE is the encoding 16 (7.7.6): tiles of 64×64, each as short as it gets as a palette, runs or pixels, in one zlib stream.
type ZRLE struct {
	z      deflater
	tile   [64 * 64]uint32
	data   []byte
	index  palette
	fast   bool
	shared *Shared
	wave   *zywrle // of ZYWRLE, else nil
	lossy  bool
	inner  bool // a tile of coefficients is being written
	raw    int  // bytes of tiles as they are
}

// Compression levels of ZRLE.
const zrleLevel = 2 // live pictures: little slower than 1, and level 6 costs twice the time for a fifth of the bytes

// NewZRLE returns the Encoder of one connection.
func NewZRLE() *ZRLE {
	z := &ZRLE{}
	z.z.setLevel(zrleLevel)
	return z
}

// Set implements Tunable.
func (z *ZRLE) Set(t Tuning) {
	z.z.setLevel(t.level(zrleLevel))
	z.fast = t.Fast
	if z.wave != nil {
		z.wave.level = t.Waves
	}
}

// Lossy implements Lossier.
func (z *ZRLE) Lossy() bool { return z.lossy }

// Share implements Sharer.
func (z *ZRLE) Share(s *Shared) { z.shared = s }

// Encode implements Encoder.
func (z *ZRLE) Encode(b []byte, p *Pixels, f *display.Frame, r image.Rectangle) []byte {
	w := work{frame: f.Serial(), rect: r, id: ZRLEID, format: p.format}
	z.lossy = false
	data, raw, shared := z.shared.get(w, func() ([]byte, int) {
		n := r.Dx() * r.Dy()
		return z.appendTiles(make([]byte, 0, n*p.csize/2+n/64), p, f, r)
	})
	if !shared {
		z.data, raw = z.appendTiles(z.data[:0], p, f, r)
		data = z.data
	}
	photo := 4*raw > 3*len(data) // to which a history is no use
	start := len(b)
	b = append(b, 0, 0, 0, 0)
	w.kind = workBlock
	switch {
	case photo && z.fast:
		b = z.z.store(b, data)
	case photo && shared:
		block, _, ok := z.shared.get(w, func() ([]byte, int) { return z.shared.block(data), 0 })
		if !ok { // all others have gone
			block = z.shared.block(data)
		}
		b = z.z.insert(b, block)
	default:
		b = z.z.append(b, data)
	}
	binary.BigEndian.PutUint32(b[start:], uint32(len(b)-start-4))
	return b
}

// appendTiles writes all tiles, and counts the bytes of those that are pixels as they are.
func (z *ZRLE) appendTiles(b []byte, p *Pixels, f *display.Frame, r image.Rectangle) ([]byte, int) {
	z.raw = 0
	for y := r.Min.Y; y < r.Max.Y; y += 64 {
		for x := r.Min.X; x < r.Max.X; x += 64 {
			t := image.Rect(x, y, min(x+64, r.Max.X), min(y+64, r.Max.Y))
			b = z.appendTile(b, p, p.load(z.tile[:], f, t), t.Dx())
		}
	}
	return b, z.raw
}

// Sub-encodings of a tile: 0 is raw, 2 to 16 a packed palette of that size.
const (
	zrleSolid      = 1
	zrleRLE        = 128
	zrlePaletteRLE = 128 // plus the size of the palette
	maxPalette     = 127
	maxPacked      = 16
)

// appendTile writes a tile in the shortest way.
func (z *ZRLE) appendTile(b []byte, p *Pixels, tile []uint32, w int) []byte {
	plain, indexed, runs := z.measure(p, tile)
	colours := z.index.n
	if runs == 1 {
		return p.appendCPixel(append(b, zrleSolid), tile[0])
	}
	best, how := len(tile)*p.csize, 0
	if z.wave != nil && !z.inner {
		best >>= z.wave.level
	}
	if plain < best {
		best, how = plain, zrleRLE
	}
	if colours > 0 {
		if n := colours*p.csize + indexed; n < best {
			best, how = n, zrlePaletteRLE+colours
		}
		if n := colours*p.csize + len(tile)/w*packedRow(w, colours); colours <= maxPacked && n <= best {
			how = colours
		}
	}
	switch {
	case how == 0 && z.wave != nil && !z.inner:
		return z.appendWave(b, p, tile, w)
	case how == 0:
		z.raw += len(tile) * p.csize
		return p.appendCPixels(append(b, 0), tile)
	case how == zrleRLE:
		return appendRuns(append(b, zrleRLE), p, tile)
	}
	b = append(b, byte(how))
	for _, v := range z.index.colours[:colours] {
		b = p.appendCPixel(b, v)
	}
	if how > zrlePaletteRLE {
		return z.appendIndexRuns(b, tile)
	}
	return z.appendPacked(b, tile, w)
}

// appendWave writes a tile by ZYWRLE's transform, or as runs where that is not possible or nothing may be lost.
func (z *ZRLE) appendWave(b []byte, p *Pixels, tile []uint32, w int) []byte {
	if z.wave.level == 0 || !p.waves() {
		return appendRuns(append(b, zrleRLE), p, tile)
	}
	z.wave.analyse(tile, w)
	z.lossy, z.inner = true, true
	b = z.appendTile(append(b, 0), p, tile, w)
	z.inner = false
	return b
}

// measureEnough is how many pixels tell what the rest of a tile is like.
const measureEnough = 512

// measure fills the palette and finds how long the tile is in plain runs and in runs of a palette.
func (z *ZRLE) measure(p *Pixels, tile []uint32) (plain, indexed, runs int) {
	z.index.reset()
	for i := 0; i < len(tile); {
		if i >= measureEnough && z.index.full && plain > i*p.csize {
			return len(tile) * (p.csize + 1), 0, len(tile) // a photo: it will not become better
		}
		n := run(tile[i:])
		z.index.add(tile[i])
		long := (n-1)/255 + 1
		plain += p.csize + long
		indexed++
		if n > 1 {
			indexed += long
		}
		runs++
		i += n
	}
	return plain, indexed, runs
}

// run is how many pixels at the start are the same.
func run(tile []uint32) int {
	v := tile[0]
	for i, u := range tile {
		if u != v {
			return i
		}
	}
	return len(tile)
}

// appendLength writes the length of a run.
func appendLength(b []byte, n int) []byte {
	for n--; n >= 255; n -= 255 {
		b = append(b, 255)
	}
	return append(b, byte(n))
}

func appendRuns(b []byte, p *Pixels, tile []uint32) []byte {
	for len(tile) > 0 {
		n := run(tile)
		b = appendLength(p.appendCPixel(b, tile[0]), n)
		tile = tile[n:]
	}
	return b
}

func (z *ZRLE) appendIndexRuns(b []byte, tile []uint32) []byte {
	for len(tile) > 0 {
		n, i := run(tile), z.index.find(tile[0])
		if n == 1 {
			b = append(b, i)
		} else {
			b = appendLength(append(b, i|0x80), n)
		}
		tile = tile[n:]
	}
	return b
}

// packedBits is how many bits an index of a packed palette has.
func packedBits(colours int) int {
	switch {
	case colours <= 2:
		return 1
	case colours <= 4:
		return 2
	}
	return 4
}

func packedRow(w, colours int) int { return (w*packedBits(colours) + 7) / 8 }

func (z *ZRLE) appendPacked(b []byte, tile []uint32, w int) []byte {
	bits := packedBits(z.index.n)
	for ; len(tile) > 0; tile = tile[w:] {
		acc, n := byte(0), 0
		last, i := tile[0], z.index.find(tile[0])
		for _, v := range tile[:w] {
			if v != last {
				last, i = v, z.index.find(v)
			}
			acc = acc<<bits | i
			if n += bits; n == 8 {
				b = append(b, acc)
				acc, n = 0, 0
			}
		}
		if n > 0 {
			b = append(b, acc<<(8-n))
		}
	}
	return b
}

// palette is a set of up to maxPalette colours in the order they came, with a hash table over them.
type palette struct {
	n       int // 0: there were too many
	full    bool
	colours [maxPalette]uint32
	slots   [512]uint8 // index+1 of a colour; 0 is free
}

func (c *palette) reset() {
	c.n, c.full = 0, false
	clear(c.slots[:])
}

// slot is where a colour is, or would be.
func (c *palette) slot(v uint32) int {
	h := int(v * 0x9e3779b1 >> 23)
	for c.slots[h] != 0 && c.colours[c.slots[h]-1] != v {
		h = (h + 1) & (len(c.slots) - 1)
	}
	return h
}

func (c *palette) add(v uint32) {
	if c.full || c.n > 0 && c.colours[c.n-1] == v {
		return
	}
	h := c.slot(v)
	if c.slots[h] != 0 {
		return
	}
	if c.n == maxPalette {
		c.n, c.full = 0, true
		return
	}
	c.colours[c.n] = v
	c.n++
	c.slots[h] = uint8(c.n)
}

// find is the index of a colour that was added.
func (c *palette) find(v uint32) byte { return c.slots[c.slot(v)] - 1 }
