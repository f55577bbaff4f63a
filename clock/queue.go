package clock

import (
	"container/heap"
	"sync"
	"sync/atomic"
)

// queue holds the armed timers of a clock, soonest first.
type queue struct {
	woken   func()       // called, unlocked, when a sooner deadline has been set
	soonest atomic.Int64 // the first deadline, or Never; stored under mu, read anywhere

	mu   sync.Mutex // guards everything below, and the timers' fields
	heap timerHeap
}

type timer struct {
	q     *queue
	f     func()
	at    Time
	index int // in the heap; -1 when stopped
}

func (q *queue) newTimer(f func()) Timer { return &timer{q: q, f: f, index: -1} }

// Set implements Timer.
func (t *timer) Set(at Time) {
	if at == Never {
		t.Stop()
		return
	}
	q := t.q
	q.mu.Lock()
	t.at = at
	if t.index < 0 {
		heap.Push(&q.heap, t)
	} else {
		heap.Fix(&q.heap, t.index)
	}
	sooner := at < q.next()
	q.publish()
	q.mu.Unlock()
	if sooner {
		q.woken() // a sleeper that wakes too early finds out by itself
	}
}

// Stop implements Timer.
func (t *timer) Stop() {
	t.q.mu.Lock()
	defer t.q.mu.Unlock()
	if t.index >= 0 {
		heap.Remove(&t.q.heap, t.index)
		t.q.publish()
	}
}

// next is the soonest deadline, or Never.
func (q *queue) next() Time { return Time(q.soonest.Load()) }

// publish brings soonest up to date.
// Preconditions: mu is held.
func (q *queue) publish() {
	at := Never
	if len(q.heap) > 0 {
		at = q.heap[0].at
	}
	q.soonest.Store(int64(at))
}

// fire runs every timer whose time has come at now, in order of their deadlines. A timer that arms itself anew for a
// time not after now runs again in the next call, so that fire always ends.
func (q *queue) fire(now Time) {
	q.mu.Lock()
	var due []*timer
	for len(q.heap) > 0 && q.heap[0].at <= now {
		due = append(due, heap.Pop(&q.heap).(*timer))
	}
	q.publish()
	q.mu.Unlock()
	for _, t := range due {
		t.f()
	}
}

type timerHeap []*timer

func (h timerHeap) Len() int           { return len(h) }
func (h timerHeap) Less(i, j int) bool { return h[i].at < h[j].at }
func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push implements heap.Interface.
func (h *timerHeap) Push(x any) {
	t := x.(*timer)
	t.index = len(*h)
	*h = append(*h, t)
}

// Pop implements heap.Interface.
func (h *timerHeap) Pop() any {
	old := *h
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	t.index = -1
	return t
}
