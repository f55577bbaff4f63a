package ata

import (
	"fmt"
	"log/slog"
	"sync"

	"govm-desktop/block"
)

// Drive is one drive. All of it is guarded by the lock of its Port.
type Drive struct {
	cfg         Config
	port        Port
	second      bool // device 1
	translation Translation
	cond        *sync.Cond
	closed      bool

	// The job that the worker has to do or is doing; a reset drops it. One that was dropped while it ran leaves running true until it ends.
	job     *job
	running bool
	logged  bool // a failure of the image has been reported

	image block.Disk
	reg   registers
	irq   bool // INTRQ

	op   operation
	buf  []byte // data on its way through the data port or to the bus master
	pos  int    // in buf, of the next byte
	end  int    // of the present DRQ block
	dma  bool   // waits for StartDMA
	busy bool   // by StartDMA: the bus master is on

	heads, sectors int // the current translation
	mult           int // sectors of a block of READ MULTIPLE
	mode           uint8
	noWriteCache   bool
	smartOff       bool
	standby        bool

	cd cdState
}

// registers are the task file. Those of two bytes keep what was written before for 48-bit addresses.
type registers struct {
	feature, count, low, mid, high [2]uint8
	device, status, err            uint8
}

// opKind is what the drive is at.
type opKind uint8

const (
	opNone   opKind = iota
	opRead          // data of the disk, in
	opWrite         // out
	opVerify        // read, and drop
	opIn            // data that is all in buf, in
	opTrim          // a list of ranges, out
	opCDB           // a packet, out
	opPacket        // the data of a packet command, in
	opOther         // no data
)

// operation is the command under way.
type operation struct {
	kind   opKind
	dma    bool
	ext    bool   // 48-bit registers
	packet bool   // ends as packet commands do
	fua    bool   // flush before the end
	lba    uint64 // of the next sector
	left   uint64 // sectors, from lba on
	block  int    // bytes of a DRQ block
	raw    bool   // opPacket: sectors of 2352 bytes
}

// job is work outside the lock.
type job struct {
	work func() error // touches nothing of the drive that changes
	done func(error)  // with the lock, unless the job was dropped
}

// New returns a drive. It does nothing before Attach.
func New(cfg Config) *Drive {
	def := func(p *string, v string) {
		if *p == "" {
			*p = v
		}
	}
	def(&cfg.Firmware, "1.0")
	if cfg.Kind == CDROM {
		def(&cfg.Model, "GOVM DVD-ROM")
	} else {
		def(&cfg.Model, "GOVM HARDDISK")
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	d := &Drive{cfg: cfg, image: cfg.Image}
	if cfg.Kind == Disk {
		d.cfg.Geometry, d.translation = geometry(cfg)
	}
	return d
}

// Attach connects the drive to a channel, as device 0 or 1, and starts its worker; Close ends it.
// Preconditions: called once; the lock is not held.
func (d *Drive) Attach(p Port, device int) {
	d.port, d.second = p, device == 1
	d.cond = sync.NewCond(p)
	if d.cfg.Serial == "" {
		d.cfg.Serial = fmt.Sprintf("GV%05d", device+1)
	}
	p.Lock()
	defer p.Unlock()
	d.Reset()
	go d.worker()
}

// Kind is what the drive is.
func (d *Drive) Kind() Kind { return d.cfg.Kind }

// worker does the drive's jobs, one at a time.
func (d *Drive) worker() {
	d.port.Lock()
	defer d.port.Unlock()
	for {
		for d.job == nil && !d.closed {
			d.cond.Wait()
		}
		if d.closed {
			return
		}
		j := d.job
		d.running = true
		d.port.Unlock()
		err := j.work()
		d.port.Lock()
		d.running = false
		if d.job == j {
			d.job = nil
			j.done(err)
		}
		d.cond.Broadcast()
	}
}

// submit gives the worker a job. The drive is busy until it is done.
func (d *Drive) submit(work func() error, done func(error)) {
	d.reg.status = StatusBSY
	if d.cfg.Kind == Disk {
		d.reg.status |= StatusDSC
	}
	d.job = &job{work, done}
	d.cond.Broadcast()
}

// drop forgets the job under way; what it works on is not used again.
func (d *Drive) drop() {
	if d.job != nil || d.running {
		d.buf = nil
	}
	d.job = nil
	d.cond.Broadcast()
}

// Drain waits until no job is under way. Preconditions: the lock is not held.
func (d *Drive) Drain() {
	d.port.Lock()
	defer d.port.Unlock()
	d.drain()
}

func (d *Drive) drain() {
	for (d.job != nil || d.running) && !d.closed {
		d.cond.Wait()
	}
}

// Close ends the worker after the job under way; the image is its owner's to close. Preconditions: the lock is not held.
func (d *Drive) Close() error {
	d.port.Lock()
	defer d.port.Unlock()
	d.drain()
	d.closed = true
	d.cond.Broadcast()
	return nil
}

// failed reports a failure of the image, once.
func (d *Drive) failed(what string, err error) {
	if !d.logged {
		d.logged = true
		d.cfg.Log.Error("ata: drive's image fails", "drive", d.cfg.Name, "doing", what, "err", err)
	}
}

// Reset is what power-on and the bus's RESET- line do.
func (d *Drive) Reset() {
	d.heads, d.sectors = d.cfg.Geometry.Heads, d.cfg.Geometry.Sectors
	d.mult, d.mode = maxMultiple, 0x45
	d.noWriteCache, d.smartOff, d.standby = false, false, false
	d.cd.reset()
	d.SoftReset()
}

// SoftReset ends whatever the drive is at and leaves its signature in the registers, as after the SRST bit has been cleared.
func (d *Drive) SoftReset() {
	d.idle()
	d.reg = registers{err: 1}
	d.signature()
	d.reg.status = ready
	if d.cfg.Kind == CDROM {
		d.reg.status = 0 // until the first packet command
	}
}

// HoldReset is the SRST bit being set.
func (d *Drive) HoldReset() {
	d.idle()
	d.reg.status = StatusBSY | StatusDSC
}

// idle ends the operation.
func (d *Drive) idle() {
	d.drop()
	if d.busy {
		d.port.DMADone(d)
	}
	d.op = operation{}
	d.buf, d.pos, d.end = nil, 0, 0
	d.dma, d.busy = false, false
	d.setIRQ(false)
}

// signature is how software tells disks from packet devices.
func (d *Drive) signature() {
	d.reg.count, d.reg.low = [2]uint8{1}, [2]uint8{1}
	d.reg.mid, d.reg.high = [2]uint8{}, [2]uint8{}
	d.reg.device &= deviceDev
	if d.cfg.Kind == CDROM {
		d.reg.mid[0], d.reg.high[0] = 0x14, 0xeb
	}
}

// Diagnose is the command EXECUTE DEVICE DIAGNOSTIC. The controller selects device 0 afterwards.
func (d *Drive) Diagnose(interrupt bool) {
	d.SoftReset()
	d.reg.device = 0
	if interrupt {
		d.setIRQ(true)
	}
}

// INTRQ is the level of the drive's interrupt request.
func (d *Drive) INTRQ() bool { return d.irq }

// Acknowledge is a read of the status register.
func (d *Drive) Acknowledge() { d.setIRQ(false) }

func (d *Drive) setIRQ(high bool) {
	if d.irq != high {
		d.irq = high
		d.port.INTRQ(d)
	}
}

// ReadReg reads a register other than the data port; hob selects the previous contents.
func (d *Drive) ReadReg(r int, hob bool) uint8 {
	i := 0
	if hob {
		i = 1
	}
	switch r {
	case RegError:
		return d.reg.err
	case RegCount:
		return d.reg.count[i]
	case RegLow:
		return d.reg.low[i]
	case RegMid:
		return d.reg.mid[i]
	case RegHigh:
		return d.reg.high[i]
	case RegDevice:
		return d.reg.device | deviceFix
	default:
		return d.reg.status
	}
}

// WriteReg writes a register other than data port and command. The controller writes those of both drives.
func (d *Drive) WriteReg(r int, val uint8) {
	if r == RegDevice {
		d.reg.device = val
		return
	}
	if d.reg.status&(StatusBSY|StatusDRQ) != 0 {
		return
	}
	push := func(p *[2]uint8) { p[1], p[0] = p[0], val }
	switch r {
	case RegError:
		push(&d.reg.feature)
	case RegCount:
		push(&d.reg.count)
	case RegLow:
		push(&d.reg.low)
	case RegMid:
		push(&d.reg.mid)
	case RegHigh:
		push(&d.reg.high)
	}
}

// finish ends the operation well.
func (d *Drive) finish() {
	d.endOp()
	d.reg.err = 0
	d.reg.status = ready
	d.setIRQ(true)
}

// finishQuietly ends an operation whose last interrupt has been.
func (d *Drive) finishQuietly() {
	d.endOp()
	d.reg.status = ready
}

// fail ends the operation with bits of the error register.
func (d *Drive) fail(bits uint8) {
	d.endOp()
	d.reg.err = bits
	d.reg.status = ready | StatusERR
	d.setIRQ(true)
}

func (d *Drive) abort() { d.fail(errABRT) }

func (d *Drive) endOp() {
	if d.busy {
		d.port.DMADone(d)
	}
	d.op = operation{}
	d.dma, d.busy = false, false
	d.pos, d.end = 0, 0
}
