package xhci

// streamPrimary is the Stream Context Type of a linear array's entry (6.2.4.1): a primary transfer ring.
const streamPrimary = 1

const streamSize = 16 // of a stream context

// target is the ring that a doorbell means; nil: there is none, which an event has said.
func (e *endpoint) target(stream int) *ring {
	if e.streams == nil {
		return e.ring
	}
	if stream == 0 || stream >= len(e.streams) {
		e.streamError(codeStreamID)
		return nil
	}
	if r := e.streams[stream]; r != nil {
		return r
	}
	ctx, ok := e.c.load(e.base + uint64(stream)*streamSize)
	if !ok || ctx.param>>1&7 != streamPrimary {
		e.streamError(codeStreamType)
		return nil
	}
	r := &ring{ep: e, stream: stream, deq: ctx.param &^ 0xf, cycle: ctx.param&1 != 0}
	e.streams[stream] = r
	return r
}

// streamError says that a doorbell named a stream that is none.
func (e *endpoint) streamError(c code) {
	e.c.post(0, trb{status: uint32(c) << 24, control: control(kindTransferEvent, uint32(e.dci)<<16|uint32(e.slot.id)<<24)}, false)
}

// showStream writes where a stream stands into its context, with the Stopped EDTLA (SEC).
func (e *endpoint) showStream(id int, r *ring) {
	at := e.base + uint64(id)*streamSize
	if ctx, ok := e.c.load(at); ok {
		ctx.param = r.position() | streamPrimary<<1
		ctx.status = ctx.status&^lengthMask | (r.edtla+uint32(r.skip))&lengthMask
		e.c.store(at, ctx)
	}
}
