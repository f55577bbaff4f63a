package scsi

import (
	"bytes"
	"encoding/binary"

	"govm-desktop/block"
)

// Mode pages of disks.
const (
	pageRecovery = 0x01
	pageCaching  = 0x08
	pageControl  = 0x0a
	pageInfo     = 0x1c

	cachingWCE = 1 << 2
)

// modePages are error recovery, caching, control, informational exceptions (SPC-4, 7.5; SBC-3, 6.4).
func (u *Unit) modePages() [][]byte {
	recovery := make([]byte, 12)
	recovery[0], recovery[1], recovery[2] = pageRecovery, 10, 0x80
	caching := make([]byte, 20)
	caching[0], caching[1] = pageCaching, 18
	if !u.noCache {
		caching[2] = cachingWCE
	}
	control := make([]byte, 12)
	control[0], control[1], control[3] = pageControl, 10, 0x10
	info := make([]byte, 12)
	info[0], info[1] = pageInfo, 10
	return [][]byte{recovery, caching, control, info}
}

// modeSense is MODE SENSE(6) and (10).
func (u *Unit) modeSense(r *Request) {
	if u.cfg.Kind == CDROM {
		r.answer(DriveModeSense(r.cdb[:], u.tray()))
		return
	}
	if r.cdb[2]>>6 == 3 {
		r.fail(NoSaving)
		return
	}
	if r.cdb[3] != 0 && r.cdb[3] != 0xff { // subpages
		r.fail(BadField)
		return
	}
	pages := pickPages(r.cdb[:], u.modePages(), map[byte][]byte{pageCaching: {cachingWCE}})
	if pages == nil && r.cdb[2]&0x3f != 0 { // SBC has page 0 mean: no page
		r.fail(BadField)
		return
	}
	specific := byte(0x10) // DPO and FUA
	if u.image != nil && block.IsReadOnly(u.image) {
		specific |= 0x80
	}
	var descriptor []byte
	if m := u.medium(); m != nil && r.cdb[1]&8 == 0 {
		descriptor = make([]byte, 8)
		binary.BigEndian.PutUint32(descriptor, uint32(min(u.size()/BlockSize, 0xffffffff)))
		binary.BigEndian.PutUint32(descriptor[4:], BlockSize)
	}
	r.answer(modeHeader(r.cdb[:], 0, specific, descriptor, pages), Good)
}

// modeSelect is MODE SELECT(6) and (10).
func (u *Unit) modeSelect(r *Request) {
	if r.cdb[1]&0x10 == 0 || r.cdb[1]&1 != 0 { // no page format, or to be saved
		r.fail(BadField)
		return
	}
	n := int64(r.cdb[4])
	if r.cdb[0] == 0x55 {
		n = int64(binary.BigEndian.Uint16(r.cdb[7:]))
	}
	r.collect(n)
}

// selectMode takes the list of MODE SELECT: whether writes are cached can be changed, everything else has to be as it is.
func (u *Unit) selectMode(r *Request) {
	b := r.data
	if len(b) == 0 {
		return
	}
	header, skip := 4, 0
	if r.cdb[0] == 0x55 {
		header = 8
	}
	if len(b) < header {
		r.fail(BadLength)
		return
	}
	if skip = int(b[3]); header == 8 {
		skip = int(binary.BigEndian.Uint16(b[6:]))
	}
	if skip > len(b)-header {
		r.fail(BadLength)
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	noCache := u.noCache
	for b = b[header+skip:]; len(b) > 0; {
		if len(b) < 2 || len(b) < 2+int(b[1]) {
			r.fail(BadLength)
			return
		}
		page := bytes.Clone(b[:2+int(b[1])])
		b = b[len(page):]
		page[0] &= 0x3f
		if page[0] == pageCaching && len(page) > 2 {
			noCache = page[2]&cachingWCE == 0
			page[2] = page[2]&^cachingWCE | u.modePages()[1][2]&cachingWCE
		}
		if !u.hasPage(page) {
			r.fail(BadParameter)
			return
		}
	}
	u.noCache = noCache
}

func (u *Unit) hasPage(page []byte) bool {
	for _, p := range u.modePages() {
		if bytes.Equal(p, page) {
			return true
		}
	}
	return false
}
