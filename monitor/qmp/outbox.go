package qmp

import (
	"io"
	"sync"
	"time"
)

// maxQueued is how many messages wait for a slow reader at most.
const maxQueued = 256

// outbox sends a session's messages, one after the other, on a goroutine of its own: whoever has something to say need not wait for the reader.
type outbox struct {
	w io.Writer

	mu      sync.Mutex // guards everything below
	cond    sync.Cond  // any of it has changed
	queue   [][]byte
	work    int // messages being sent, and commands being carried out
	closing bool
}

func newOutbox(w io.Writer) *outbox {
	o := &outbox{w: w}
	o.cond.L = &o.mu
	go o.run()
	return o
}

func (o *outbox) run() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for {
		for len(o.queue) == 0 && !o.closing {
			o.cond.Wait()
		}
		if o.closing {
			return
		}
		msg := o.queue[0]
		o.queue = o.queue[1:]
		o.work++
		o.cond.Broadcast()
		o.mu.Unlock()
		_, _ = o.w.Write(msg) // a stream that fails ends the session's reading too
		o.mu.Lock()
		o.work--
		o.cond.Broadcast()
	}
}

// put queues a message. When the queue is full it waits, or drops the message.
func (o *outbox) put(msg []byte, wait bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.queue) >= maxQueued {
		if !wait || o.closing {
			return
		}
		o.cond.Wait()
	}
	o.queue = append(o.queue, msg)
	o.cond.Broadcast()
}

// busy says that a command begins or ends: flush waits for its answer.
func (o *outbox) busy(begins bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if begins {
		o.work++
	} else {
		o.work--
	}
	o.cond.Broadcast()
}

// flush waits until all is sent, up to the limit.
func (o *outbox) flush(limit time.Duration) {
	late := false
	t := time.AfterFunc(limit, func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		late = true
		o.cond.Broadcast()
	})
	defer t.Stop()
	o.mu.Lock()
	defer o.mu.Unlock()
	for (len(o.queue) > 0 || o.work > 0) && !late && !o.closing {
		o.cond.Wait()
	}
}

// close sends what is queued, up to the limit, and drops the rest.
func (o *outbox) close(limit time.Duration) {
	o.flush(limit)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closing = true
	o.cond.Broadcast()
}
