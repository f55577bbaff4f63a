package monitor

import (
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// VNCInfo is an RFB server as Control describes it.
type VNCInfo struct {
	ID        string
	Host      string
	Service   string
	Auth      string // the names of its security types, joined by +
	WebSocket bool
	Clients   []VNCPeer
}

// VNCPeer is one who looks at the screen.
type VNCPeer struct {
	Address   string // HOST:PORT
	User      string
	ViewOnly  bool
	WebSocket bool
	// Certificate is the name in the client's.
	Certificate string
}

// Family is the kind of an address.
type Family string

// Values implements enum.
func (Family) Values() []string { return []string{"ipv4", "ipv6", "unix", "vsock", "unknown"} }

// familyOf is the kind of address that a host and a service make.
func familyOf(host, service string) Family {
	switch {
	case service == "":
		return "unix"
	case strings.Contains(host, ":"):
		return "ipv6"
	}
	return "ipv4"
}

// VNCAddress is an end of a connection.
type VNCAddress struct {
	Host      string `json:"host"`
	Service   string `json:"service"`
	Family    Family `json:"family"`
	WebSocket bool   `json:"websocket"`
}

// VNCClient is a client as query-vnc has it.
type VNCClient struct {
	VNCAddress
	Certificate string `json:"x509_dname,omitempty"`
	User        string `json:"sasl_username,omitempty"`
	ViewOnly    bool   `json:"-"`
}

// VNCServerAddress is where a server listens, and how clients prove who they are.
type VNCServerAddress struct {
	VNCAddress
	Auth VNCAuth `json:"auth"`
}

// VNCAuth is a security type, as QEMU's VncPrimaryAuth names it.
type VNCAuth string

// Values implements enum.
func (VNCAuth) Values() []string {
	return []string{"none", "vnc", "ra2", "ra2ne", "tight", "ultra", "tls", "vencrypt", "sasl"}
}

// primary is the first of a server's security types that QEMU has a word for.
func primary(auth string) VNCAuth {
	for _, a := range strings.Split(auth, "+") {
		if contains(VNCAuth("").Values(), a) {
			return VNCAuth(a)
		}
	}
	return "none"
}

// VNCShown is query-vnc's result.
type VNCShown struct {
	Enabled bool        `json:"enabled"`
	Host    string      `json:"host,omitempty"`
	Service string      `json:"service,omitempty"`
	Family  Family      `json:"family,omitempty"`
	Auth    string      `json:"auth,omitempty"`
	Clients []VNCClient `json:"clients,omitempty"`
}

// VNCServer is a line of query-vnc-servers'.
type VNCServer struct {
	ID      string             `json:"id"`
	Server  []VNCServerAddress `json:"server"`
	Clients []VNCClient        `json:"clients"`
	Auth    VNCAuth            `json:"auth"`
	Display string             `json:"display,omitempty"`
	all     string             // the names of all its security types
}

// Client is a peer as QMP shows it.
func (p VNCPeer) Client() VNCClient {
	host, service, err := net.SplitHostPort(p.Address)
	if err != nil {
		host = p.Address
	}
	return VNCClient{VNCAddress{host, service, familyOf(host, service), p.WebSocket}, p.Certificate, p.User, p.ViewOnly}
}

// Server is a server's address as QMP shows it.
func (v *VNCInfo) Server() VNCServerAddress {
	return VNCServerAddress{VNCAddress{v.Host, v.Service, familyOf(v.Host, v.Service), v.WebSocket}, primary(v.Auth)}
}

func vncServers(c *Call) []VNCServer {
	all := []VNCServer{}
	for _, v := range c.VNC() {
		s := VNCServer{ID: v.ID, Server: []VNCServerAddress{v.Server()}, Clients: []VNCClient{}, Auth: primary(v.Auth), all: v.Auth}
		for _, p := range v.Clients {
			s.Clients = append(s.Clients, p.Client())
		}
		all = append(all, s)
	}
	return all
}

func vncCommands() []*Command {
	protocol := Param{Name: "protocol", Values: []string{"vnc", "spice"}}
	connected := Param{Name: "connected", Optional: true, Values: []string{"fail", "disconnect", "keep"}}
	display := Param{Name: "display", Optional: true}
	return []*Command{
		{QMP: "query-vnc", Returns: VNCShown{}, Run: runVNC},
		{HMP: "info vnc", QMP: "query-vnc-servers", Help: "the RFB servers and their clients", Returns: []VNCServer{}, Run: func(c *Call) (any, error) { return vncServers(c), nil }, Print: printVNC},
		{HMP: "set_password", QMP: "set_password", Help: "set a password: set_password vnc SECRET [fail|disconnect|keep]",
			Params: []Param{protocol, {Name: "password"}, connected, display}, Run: runSetPassword},
		{HMP: "expire_password", QMP: "expire_password", Help: "let a password end: expire_password vnc now|never|+SECONDS|UNIX-TIME",
			Params: []Param{protocol, {Name: "time"}, display}, Run: runExpirePassword},
		{QMP: "change-vnc-password", Params: []Param{{Name: "password"}}, Run: try(func(c *Call) error { return c.SetVNCPassword("", c.Str("password"), "") })},
	}
}

func runVNC(c *Call) (any, error) {
	all := c.VNC()
	if len(all) == 0 {
		return VNCShown{}, nil
	}
	s := vncServers(c)[0]
	v := &all[0]
	return VNCShown{Enabled: true, Host: v.Host, Service: v.Service, Family: familyOf(v.Host, v.Service), Auth: v.Auth, Clients: s.Clients}, nil
}

func printVNC(w io.Writer, r any) {
	all := r.([]VNCServer)
	if len(all) == 0 {
		fmt.Fprintln(w, "None")
	}
	for _, s := range all {
		fmt.Fprintf(w, "%s:\n", s.ID)
		for _, a := range s.Server {
			fmt.Fprintf(w, "  Server: %s:%s (%s)\n    Auth: %s\n", a.Host, a.Service, a.Family, s.all)
		}
		for _, c := range s.Clients {
			fmt.Fprintf(w, "  Client: %s:%s (%s)\n    username: %s\n", c.Host, c.Service, c.Family, orNone(c.User))
			if c.ViewOnly {
				io.WriteString(w, "    view only\n")
			}
		}
	}
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func isVNC(a Args) error {
	switch p := a.Str("protocol"); p {
	case "vnc":
		return nil
	case "spice":
		return errorf(GenericError, "SPICE is not in use")
	default:
		return notAccepted("protocol", p)
	}
}

func runSetPassword(c *Call) (any, error) {
	if err := isVNC(c.Args); err != nil {
		return nil, err
	}
	how := c.Str("connected")
	switch how {
	case "", "keep", "disconnect":
	case "fail":
		for _, v := range c.VNC() {
			if len(v.Clients) > 0 {
				return nil, errorf(GenericError, "somebody is connected")
			}
		}
	default:
		return nil, notAccepted("connected", how)
	}
	return nil, generic(c.SetVNCPassword(c.Str("display"), c.Str("password"), how))
}

// expiry reads now, never, +SECONDS, or seconds since 1970.
func expiry(s string, now time.Time) (at time.Time, err error) {
	switch s {
	case "now":
		return now, nil
	case "never":
		return time.Time{}, nil
	}
	n, err := strconv.ParseInt(strings.TrimPrefix(s, "+"), 10, 64)
	if err != nil || n < 0 || n > 1<<40 {
		return at, errorf(GenericError, "Invalid parameter 'time': now, never, +SECONDS or a time in seconds since 1970")
	}
	if s[0] == '+' {
		return now.Add(time.Duration(min(n, 1<<33)) * time.Second), nil
	}
	return time.Unix(n, 0), nil
}

func runExpirePassword(c *Call) (any, error) {
	if err := isVNC(c.Args); err != nil {
		return nil, err
	}
	at, err := expiry(c.Str("time"), time.Now())
	if err != nil {
		return nil, err
	}
	return nil, generic(c.ExpireVNCPassword(c.Str("display"), at))
}

// changeVNC is change vnc password SECRET.
func changeVNC(c *Call) error {
	if t := c.Str("target"); t != "password" && t != "passwd" {
		return errorf(GenericError, "change vnc password SECRET is there; addresses cannot be changed while the machine runs")
	}
	if !c.Has("arg") {
		return errorf(GenericError, "the password is missing: change vnc password SECRET")
	}
	return c.SetVNCPassword("", c.Str("arg"), "")
}
