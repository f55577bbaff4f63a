package rfb

import (
	"crypto/tls"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"govm-desktop/display/rfb/auth"
)

// Ports of display 0, for viewers and for browsers.
const (
	basePort      = 5900
	webSocketPort = 5700
)

// Spec is what is said after -vnc.
type Spec struct {
	None bool   // no server
	Path string // of a Unix socket; "": TCP
	Host string // "127.0.0.1" where none was given
	// Displays, as ports from 5900 on: the first, and the last to try. With Reverse, the port itself.
	Display, To int
	Share       Share
	Connections int // 0: not given

	Reverse   bool   // connect to a viewer that listens
	WebSocket string // "": viewers' own port only; on, a port or HOST:PORT
	IPv4      bool
	IPv6      bool

	Password         bool   // the monitor sets one
	PasswordSecret   string // name of an object
	ViewOnlyPassword string // name of an object, too
	Users            string // file of names and bcrypt hashes
	TLSCreds         string // name of an object

	Lossless     bool // no JPEG, even for clients that say a quality
	NonAdaptive  bool // no choice of encodings by what a rectangle shows
	NoLockSync   bool // do not take the guest's Caps Lock into account
	KeyDelay     time.Duration
	KeyMode      KeyMode // keys=
	PowerControl bool
	AudioDev     string // name of what there is to hear
	SASL         bool   // names and passwords by SASL, too
	Authz        string // name of an object that says whose certificates are taken
	ID           string
	Record       string // file to keep the session in
}

// ParseSpec reads a -vnc argument: host:N, unix:PATH or none, and options after commas.
func ParseSpec(arg string) (Spec, error) {
	addr, opts, _ := strings.Cut(arg, ",")
	var s Spec
	for o := range strings.SplitSeq(opts, ",") {
		if o == "" {
			continue
		}
		if err := s.option(o); err != nil {
			return s, fmt.Errorf("vnc: %s: %w", arg, err)
		}
	}
	if err := s.address(addr); err != nil {
		return s, fmt.Errorf("vnc: %s: %w", arg, err)
	}
	if err := s.check(); err != nil {
		return s, fmt.Errorf("vnc: %s: %w", arg, err)
	}
	return s, nil
}

func (s *Spec) check() error {
	switch {
	case s.To != 0 && s.To < s.Display && !s.Reverse:
		return fmt.Errorf("to=%d is below the display %d", s.To, s.Display)
	case s.Password && s.PasswordSecret != "":
		return errors.New("password=on and password-secret= say two things; one of them has to go")
	case s.Reverse && s.WebSocket != "":
		return errors.New("reverse and websocket= exclude each other")
	case s.SASL && (s.TLSCreds == "" || !s.wantsPassword()):
		return errors.New("sasl is the mechanism PLAIN, which takes tls-creds= around it, and users=, password= or password-secret=")
	case s.Authz != "" && s.TLSCreds == "":
		return errors.New("tls-authz= is about certificates of clients: tls-creds= with verify-peer=on asks for them")
	case s.ViewOnlyPassword != "" && !s.Password && s.PasswordSecret == "":
		return errors.New("view-only-password= needs a password= or password-secret= beside it: without, everybody may do everything")
	}
	s.To = max(s.To, s.Display)
	return nil
}

func (s *Spec) address(addr string) error {
	if path, ok := strings.CutPrefix(addr, "unix:"); ok {
		if s.Path = path; path == "" {
			return errors.New("unix: needs the path of a socket")
		}
		return nil
	}
	if addr == "none" {
		s.None = true
		return nil
	}
	i := strings.LastIndexByte(addr, ':')
	if i < 0 {
		return errors.New("this is neither host:display, as in 127.0.0.1:1, nor unix:PATH, nor none")
	}
	var err error
	if s.Reverse {
		s.Display, err = strconv.Atoi(addr[i+1:])
		if err != nil || s.Display < 1 || s.Display > 65535 {
			return fmt.Errorf("%q is no port of a viewer that listens: 1 to 65535", addr[i+1:])
		}
	} else if s.Display, err = displayNumber(addr[i+1:]); err != nil {
		return err
	}
	s.Host = strings.TrimSuffix(strings.TrimPrefix(addr[:i], "["), "]")
	if s.Host == "" {
		s.Host = "127.0.0.1"
		if s.IPv6 && !s.IPv4 {
			s.Host = "::1"
		}
	}
	return nil
}

func displayNumber(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > 65535-basePort {
		return 0, fmt.Errorf("%q is no display number: 0 to %d, for the ports from %d on", s, 65535-basePort, basePort)
	}
	return n, nil
}

// option reads one word after a comma.
func (s *Spec) option(o string) error {
	name, value, has := strings.Cut(o, "=")
	if to, ok := s.flags()[name]; ok {
		on, err := onOff(name, value, has)
		*to = on
		return err
	}
	if to, ok := s.strings()[name]; ok {
		if value == "" {
			return fmt.Errorf("%s= needs a value", name)
		}
		*to = value
		return nil
	}
	var err error
	switch name {
	case "to":
		s.To, err = displayNumber(value)
		return err
	case "connections":
		if s.Connections, err = strconv.Atoi(value); err != nil || s.Connections < 1 {
			return fmt.Errorf("connections=%s: how many, from 1 on?", value)
		}
		return nil
	case "share":
		return s.share(value)
	case "key-delay-ms":
		n, err := strconv.Atoi(value)
		if err != nil || n < 0 || n > 1000 {
			return fmt.Errorf("key-delay-ms=%s: 0 to 1000", value)
		}
		s.KeyDelay = time.Duration(n) * time.Millisecond
		return nil
	case "websocket":
		if s.WebSocket = value; value == "" {
			s.WebSocket = "on"
		}
		return nil
	case "keys":
		modes := map[string]KeyMode{"auto": KeysAuto, "raw": KeysRaw, "keysym": KeysKeysym}
		m, ok := modes[value]
		if !ok {
			return fmt.Errorf("keys=%s: auto, raw or keysym", value)
		}
		s.KeyMode = m
		return nil
	case "lossy":
		on, err := onOff(name, value, has)
		s.Lossless = !on
		return err
	case "lock-key-sync":
		on, err := onOff(name, value, has)
		s.NoLockSync = !on
		return err
	case "head":
		if value != "0" {
			return fmt.Errorf("head=%s: the video device has one head, number 0", value)
		}
		return nil
	case "display":
		return fmt.Errorf("display=%s: there is one video device; leave display= out", value)
	}
	return unknownOption(name)
}

func unknownOption(name string) error {
	switch name {
	case "sasl-authz", "acl", "tls", "x509", "x509verify":
		return fmt.Errorf("the option %s is QEMU's and not here", name)
	}
	return fmt.Errorf("there is no option %s; there are to, share, connections, reverse, websocket, ipv4, ipv6, password, password-secret, "+
		"view-only-password, users, sasl, tls-creds, tls-authz, lossy, non-adaptive, lock-key-sync, key-delay-ms, keys, power-control, audiodev, record, head and id", name)
}

func (s *Spec) flags() map[string]*bool {
	return map[string]*bool{"reverse": &s.Reverse, "ipv4": &s.IPv4, "ipv6": &s.IPv6, "password": &s.Password,
		"non-adaptive": &s.NonAdaptive, "power-control": &s.PowerControl, "sasl": &s.SASL}
}

func (s *Spec) strings() map[string]*string {
	return map[string]*string{"password-secret": &s.PasswordSecret, "view-only-password": &s.ViewOnlyPassword, "users": &s.Users,
		"tls-creds": &s.TLSCreds, "id": &s.ID, "audiodev": &s.AudioDev, "tls-authz": &s.Authz, "record": &s.Record}
}

func onOff(name, value string, has bool) (bool, error) {
	switch {
	case !has, value == "on", value == "yes", value == "true", value == "y":
		return true, nil
	case value == "off", value == "no", value == "false", value == "n":
		return false, nil
	}
	return false, fmt.Errorf("%s=%s: on or off belongs there", name, value)
}

func (s *Spec) share(value string) error {
	switch value {
	case "allow-exclusive":
		s.Share = AllowExclusive
	case "force-shared":
		s.Share = ForceShared
	case "ignore":
		s.Share = IgnoreShare
	default:
		return fmt.Errorf("share=%s: it can be allow-exclusive, force-shared or ignore", value)
	}
	return nil
}

func (s Spec) wantsPassword() bool { return s.Password || s.PasswordSecret != "" || s.Users != "" }

// Security is what clients have to pass, by what the Spec says. p holds the password, if it wants one; t the certificate. With a
// certificate nothing goes in the clear; without one, what encrypts comes first.
func (s Spec) Security(p *auth.Password, t *tls.Config) ([]auth.Type, error) {
	var login auth.Checker
	if s.Password || s.PasswordSecret != "" {
		login = p
	} else {
		p = nil
	}
	if s.Users != "" {
		u, err := auth.OpenUsers(s.Users)
		if err != nil {
			return nil, err
		}
		login = u
	}
	switch {
	case s.TLSCreds != "":
		v := auth.VeNCrypt{TLS: t}
		if login != nil {
			v.Subtypes = append(v.Subtypes, auth.X509Plain(login))
			if s.SASL {
				v.Subtypes = append(v.Subtypes, auth.X509SASL(login))
			}
		}
		if p != nil {
			v.Subtypes = append(v.Subtypes, auth.X509Vnc(p))
		}
		if login == nil {
			v.Subtypes = append(v.Subtypes, auth.X509None())
		}
		return []auth.Type{v}, nil
	case login == nil:
		return []auth.Type{auth.None{}}, nil
	}
	key := new(auth.Key)
	var types []auth.Type
	for _, n := range []uint8{auth.RA256ID, auth.RA2ID, auth.RAne256ID, auth.RA2neID} {
		types = append(types, auth.RSAAES{Number: n, Key: key, Checker: login, Users: s.Users != ""})
	}
	types = append(types, auth.AppleDH{Checker: login})
	if p != nil {
		types = append(types, auth.VncAuth{Password: p})
	}
	return types, nil
}

// Configure sets what the Spec says of a server.
func (s Spec) Configure(c *Config) {
	c.Share, c.Connections = s.Share, s.Connections
	c.Lossless, c.NonAdaptive = s.Lossless, s.NonAdaptive
	c.NoLockSync, c.KeyDelay, c.KeyMode = s.NoLockSync, s.KeyDelay, s.KeyMode
	if !s.PowerControl {
		c.Power = nil
	}
}
