package auth

import (
	"fmt"
	"net/netip"
	"sync"
	"time"
)

// Throttle slows down those who guess: after some failures an address waits, twice as long after each further one.
type Throttle struct {
	Now func() time.Time // nil: time.Now

	mu    sync.Mutex // guards everything below
	hosts map[string]*record
}

// record is what is known of one address.
type record struct {
	failures int
	last     time.Time
}

// Bounds of a Throttle.
const (
	freeFailures = 5
	firstWait    = 2 * time.Second
	longestWait  = 10 * time.Minute
	forget       = time.Hour
	maxHosts     = 4096
)

func (t *Throttle) now() time.Time {
	if t.Now != nil {
		return t.Now()
	}
	return time.Now()
}

// Blocked reports how long an address has to wait.
func (t *Throttle) Blocked(addr string) error {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.blocked(t.hosts[hostKey(addr)])
}

func (t *Throttle) blocked(r *record) error {
	if r == nil || r.failures < freeFailures {
		return nil
	}
	wait := longestWait
	if n := r.failures - freeFailures; n < 10 {
		wait = min(firstWait<<n, longestWait)
	}
	if left := r.last.Add(wait).Sub(t.now()); left > 0 {
		return Refusal(fmt.Sprintf("too many authentication failures, try again in %v", left.Round(time.Second)+time.Second))
	}
	return nil
}

// begin counts an attempt, as a failure.
func (t *Throttle) begin(addr string) error {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	key := hostKey(addr)
	r := t.hosts[key]
	if err := t.blocked(r); err != nil {
		return err
	}
	if r == nil {
		t.makeRoom()
		r = &record{}
		t.hosts[key] = r
	}
	r.failures++
	r.last = t.now()
	return nil
}

// succeed takes back all that was counted against an address.
func (t *Throttle) succeed(addr string) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.hosts, hostKey(addr))
}

// makeRoom forgets what is old, and if that is not enough, the oldest.
func (t *Throttle) makeRoom() {
	if t.hosts == nil {
		t.hosts = map[string]*record{}
	}
	if len(t.hosts) < maxHosts {
		return
	}
	oldest := ""
	for k, r := range t.hosts {
		if t.now().Sub(r.last) > forget {
			delete(t.hosts, k)
			continue
		}
		if oldest == "" || r.last.Before(t.hosts[oldest].last) {
			oldest = k
		}
	}
	if len(t.hosts) >= maxHosts {
		delete(t.hosts, oldest)
	}
}

// hostKey is what counts as one address: of IPv6, the network that one subscriber gets.
func hostKey(addr string) string {
	a, err := netip.ParseAddr(addr)
	if err != nil {
		return addr
	}
	a = a.Unmap().WithZone("")
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}
