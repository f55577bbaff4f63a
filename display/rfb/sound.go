package rfb

import (
	"encoding/binary"
	"fmt"
	"io"
	"sync"
	"time"

	"govm-desktop/audio"
)

// QEMU's audio messages (rfbproto.rst, QEMU Audio): operations of clients, and to them.
const (
	soundEnable  = 0
	soundDisable = 1
	soundFormat  = 2

	soundEnd   = 0
	soundBegin = 1
	soundData  = 2

	maxRate = 48000
	// soundAhead bounds the sound that a client has not taken: what is older is left out, so that it does not lag.
	soundAhead = 250 * time.Millisecond
	soundBlock = 20 * time.Millisecond
)

// sound is what a client listens to. The format and what is under way are of the reading goroutine; the rest is guarded by client.mu.
type sound struct {
	format audio.Format
	stop   func() // nil: nothing is under way

	begin, end bool
	queue      []byte
}

func defaultFormat() audio.Format {
	return audio.Format{Sample: audio.S16, Channels: 2, Rate: 44100}
}

// qemuSound takes a client's audio message.
func (c *client) qemuSound() error {
	op, err := c.conn.U16()
	if err != nil {
		return err
	}
	switch op {
	case soundEnable:
		c.listen()
	case soundDisable:
		c.unlisten()
	case soundFormat:
		b, err := c.conn.Take(6)
		if err != nil {
			return err
		}
		f := audio.Format{Sample: audio.Sample(b[0]), Channels: int(b[1]), Rate: int(min(binary.BigEndian.Uint32(b[2:]), 1<<30))}
		if f.Sample > audio.S32 || f.Channels < 1 || f.Channels > 2 || f.Rate < 1 || f.Rate > maxRate {
			return fmt.Errorf("it wants sound of the kind %d, %d channels, %d Hz", f.Sample, f.Channels, f.Rate)
		}
		on := c.sound.stop != nil
		c.unlisten()
		if c.sound.format = f; on {
			c.listen()
		}
	default:
		return fmt.Errorf("it sent the audio operation %d", op)
	}
	return nil
}

// listen starts to take the sound.
func (c *client) listen() {
	if c.s.cfg.Audio == nil || c.sound.stop != nil {
		return
	}
	f := c.sound.format
	if f.Channels == 0 {
		f = defaultFormat()
	}
	r := c.s.cfg.Audio.Listen(f)
	var wg sync.WaitGroup
	c.sound.stop = func() {
		_ = r.Close()
		wg.Wait()
	}
	c.mu.Lock()
	c.sound.begin, c.sound.end, c.sound.queue = true, false, nil
	c.pingLocked()
	c.mu.Unlock()
	wg.Go(func() { c.gather(r, f) })
}

// unlisten ends it.
func (c *client) unlisten() {
	if c.sound.stop == nil {
		return
	}
	c.sound.stop()
	c.sound.stop = nil
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sound.end, c.sound.queue = true, nil
	c.pingLocked()
}

// gather puts the sound where the sender finds it.
func (c *client) gather(r io.Reader, f audio.Format) {
	size := func(d time.Duration) int { return int(int64(f.Rate)*int64(d)/int64(time.Second)) * f.Frame() }
	b := make([]byte, max(size(soundBlock), f.Frame()))
	most := max(size(soundAhead), len(b))
	for {
		n, err := r.Read(b)
		c.mu.Lock()
		q := append(c.sound.queue, b[:n]...)
		if over := len(q) - most; over > 0 {
			over += (f.Frame() - over%f.Frame()) % f.Frame()
			q = append(q[:0], q[min(over, len(q)):]...)
		}
		c.sound.queue = q
		c.pingLocked()
		c.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// appendSound appends what there is to hear. Preconditions: client.mu is held.
func (u *updater) appendSound() {
	s := &u.c.sound
	op := func(n byte) { u.buf = append(u.buf, msgQEMU, qemuAudio, 0, n) }
	if s.end && !s.begin {
		op(soundEnd)
	}
	if s.begin {
		op(soundBegin)
	}
	s.begin, s.end = false, false
	if len(s.queue) > 0 {
		op(soundData)
		u.buf = binary.BigEndian.AppendUint32(u.buf, uint32(len(s.queue)))
		u.buf = append(u.buf, s.queue...)
		s.queue = s.queue[:0]
	}
}
