package auth

import (
	"bufio"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"golang.org/x/crypto/bcrypt"
)

// Users are names with bcrypt hashes of passwords, one "name:hash" a line as `htpasswd -B` writes them; ":view" after the hash is
// for those who may only look.
type Users struct {
	path   string
	nobody []byte     // what a name which is not there is compared with
	busy   sync.Mutex // one hash at a time: they cost what an attacker may not spend
}

// entry is one line.
type entry struct {
	hash []byte
	view bool
}

// OpenUsers reads a file, once to see whether it is right, and then for every login: who is taken out of it is out.
func OpenUsers(path string) (*Users, error) {
	u := &Users{path: path}
	all, err := u.read()
	if err != nil {
		return nil, err
	}
	cost := bcrypt.DefaultCost
	for _, e := range all {
		cost, _ = bcrypt.Cost(e.hash) // it was looked at
	}
	u.nobody, err = bcrypt.GenerateFromPassword([]byte(rand.Text()), cost)
	return u, err
}

func (u *Users) read() (map[string]entry, error) {
	f, err := os.Open(u.path)
	if err != nil {
		return nil, fmt.Errorf("auth: users: %w", err)
	}
	defer f.Close()
	all, err := parseUsers(f)
	if err != nil {
		return nil, fmt.Errorf("auth: users: %s: %w", u.path, err)
	}
	return all, nil
}

// maxCost bounds the time that one login takes.
const maxCost = 14

func parseUsers(r io.Reader) (map[string]entry, error) {
	all := map[string]entry{}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		parts := strings.Split(line, ":")
		if len(parts) < 2 || len(parts) > 3 || parts[0] == "" || len(parts) == 3 && parts[2] != "view" {
			return nil, fmt.Errorf("line %d: NAME:HASH or NAME:HASH:view belongs there", n)
		}
		cost, err := bcrypt.Cost([]byte(parts[1]))
		if err != nil || cost > maxCost {
			return nil, fmt.Errorf("line %d: a bcrypt hash of a cost up to %d belongs there, as from htpasswd -nB", n, maxCost)
		}
		all[parts[0]] = entry{[]byte(parts[1]), len(parts) == 3}
	}
	return all, lines.Err()
}

// Login implements Checker.
func (u *Users) Login(user, password string) (viewOnly bool, err error) {
	all, err := u.read()
	if err != nil {
		return false, err
	}
	e, known := all[user]
	if !known {
		e.hash = u.nobody
	}
	u.busy.Lock()
	defer u.busy.Unlock()
	if err := bcrypt.CompareHashAndPassword(e.hash, []byte(password)); err != nil || !known {
		return false, wrong
	}
	return e.view, nil
}
