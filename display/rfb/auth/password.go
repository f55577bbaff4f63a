package auth

import (
	"crypto/sha256"
	"crypto/subtle"
	"sync"
	"time"
)

// Password is what a server's clients have to know: one for those who may do everything, and perhaps another for those who may
// only look. Its zero value lets nobody in.
type Password struct {
	mu      sync.Mutex // guards everything below
	full    string
	view    string
	set     bool // full
	look    bool // view is set
	expires time.Time
}

// Set takes another password.
func (p *Password) Set(password string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.full, p.set = password, true
}

// SetViewOnly takes another password of those who only look.
func (p *Password) SetViewOnly(password string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.view, p.look = password, true
}

// Disable forgets the password: nobody new gets in.
func (p *Password) Disable() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.full, p.set = "", false
}

// Expire says from when on the passwords are no longer good; zero: never.
func (p *Password) Expire(at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expires = at
}

// IsSet reports whether there is a password.
func (p *Password) IsSet() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.set
}

// match finds out which of the passwords a client knows. Both are looked at, in the same time whatever the outcome.
func (p *Password) match(is func(password string) bool) (viewOnly bool, err error) {
	p.mu.Lock()
	full, view, set, look, expires := p.full, p.view, p.set, p.look, p.expires
	p.mu.Unlock()
	isFull, isView := is(full), is(view)
	switch {
	case !expires.IsZero() && !time.Now().Before(expires):
		return false, Refusal("the password has expired")
	case !set && !look:
		return false, Refusal("no password is set, so nobody may come in")
	case set && isFull:
		return false, nil
	case look && isView:
		return true, nil
	}
	return false, wrong
}

// Login implements Checker. The password is for every user.
func (p *Password) Login(_, password string) (viewOnly bool, err error) {
	return p.match(func(want string) bool { return same(want, password) })
}

// same compares secrets in a time that tells nothing of them, not even their length.
func same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
