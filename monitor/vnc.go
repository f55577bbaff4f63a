package monitor

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// VNCInfo is an RFB server as `info vnc` shows it.
type VNCInfo struct {
	ID      string
	Host    string
	Service string
	Auth    string
	Clients []VNCClient
}

// VNCClient is one who looks at the screen.
type VNCClient struct {
	Address  string
	User     string
	ViewOnly bool
}

func vncCommands() []*Command {
	return []*Command{
		{HMP: "info vnc", QMP: "query-vnc", Help: "the RFB server and its clients", Run: runVNC, Print: printVNC},
		{QMP: "query-vnc-servers", Run: runVNCServers},
		{HMP: "set_password", QMP: "set_password", Help: "set a password: set_password vnc SECRET [fail|disconnect|keep]",
			Params: []Param{{"protocol", String, false}, {"password", String, false}, {"connected", String, true}, {"display", String, true}}, Run: runSetPassword},
		{HMP: "expire_password", QMP: "expire_password", Help: "let a password end: expire_password vnc now|never|+SECONDS|UNIX-TIME",
			Params: []Param{{"protocol", String, false}, {"time", String, false}, {"display", String, true}}, Run: runExpirePassword},
		{QMP: "change-vnc-password", Params: []Param{{"password", String, false}}, Run: func(c Control, a Args) (any, error) {
			return nil, drive(c.SetVNCPassword("", a.Str("password"), ""))
		}},
	}
}

func runVNC(c Control, _ Args) (any, error) {
	all := c.VNC()
	if len(all) == 0 {
		return map[string]any{"enabled": false}, nil
	}
	v := all[0]
	return map[string]any{"enabled": true, "host": v.Host, "service": v.Service, "family": family(v), "auth": v.Auth, "clients": clients(v)}, nil
}

func clients(v VNCInfo) []map[string]any {
	list := []map[string]any{}
	for _, p := range v.Clients {
		m := map[string]any{"address": p.Address}
		if i := strings.LastIndexByte(p.Address, ':'); i >= 0 {
			m = map[string]any{"address": p.Address, "host": strings.Trim(p.Address[:i], "[]"), "service": p.Address[i+1:]}
		}
		if p.User != "" {
			m["sasl_username"] = p.User
		}
		if p.ViewOnly {
			m["view-only"] = true
		}
		list = append(list, m)
	}
	return list
}

// family is the kind of address.
func family(v VNCInfo) string {
	switch {
	case v.Service == "":
		return "unix"
	case strings.Contains(v.Host, ":"):
		return "ipv6"
	}
	return "ipv4"
}

func runVNCServers(c Control, _ Args) (any, error) {
	out := []map[string]any{}
	for _, v := range c.VNC() {
		out = append(out, map[string]any{"id": v.ID, "auth": v.Auth, "clients": clients(v),
			"server": []map[string]any{{"host": v.Host, "service": v.Service, "family": family(v), "websocket": false, "auth": v.Auth}}})
	}
	return out, nil
}

func printVNC(w io.Writer, r any) {
	m := r.(map[string]any)
	if !m["enabled"].(bool) {
		fmt.Fprintln(w, "None")
		return
	}
	fmt.Fprintf(w, "default:\n  Server: %s:%s\n    Auth: %s\n", m["host"], m["service"], m["auth"])
	for _, c := range m["clients"].([]map[string]any) {
		fmt.Fprintf(w, "  Client: %s", c["address"])
		if u, ok := c["sasl_username"]; ok {
			fmt.Fprintf(w, " (%s)", u)
		}
		if c["view-only"] == true {
			io.WriteString(w, " view only")
		}
		fmt.Fprintln(w)
	}
}

func isVNC(a Args) error {
	if p := a.Str("protocol"); p != "vnc" {
		return errorf(GenericError, "Invalid parameter 'protocol': %q is not here, vnc is", p)
	}
	return nil
}

func runSetPassword(c Control, a Args) (any, error) {
	if err := isVNC(a); err != nil {
		return nil, err
	}
	how := a.Str("connected")
	switch how {
	case "", "keep", "disconnect":
	case "fail":
		for _, v := range c.VNC() {
			if len(v.Clients) > 0 {
				return nil, errorf(GenericError, "somebody is connected")
			}
		}
	default:
		return nil, errorf(GenericError, "Invalid parameter 'connected': fail, disconnect or keep")
	}
	return nil, drive(c.SetVNCPassword(a.Str("display"), a.Str("password"), how))
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

func runExpirePassword(c Control, a Args) (any, error) {
	if err := isVNC(a); err != nil {
		return nil, err
	}
	at, err := expiry(a.Str("time"), time.Now())
	if err != nil {
		return nil, err
	}
	return nil, drive(c.ExpireVNCPassword(a.Str("display"), at))
}

// runChange puts another medium in a drive, or sets VNC's password: change vnc password SECRET.
func runChange(c Control, a Args) (any, error) {
	if a.Str("device") != "vnc" {
		return nil, drive(c.Change(a.Str("device"), a.Str("target"), a.Str("arg")))
	}
	if t := a.Str("target"); t != "password" && t != "passwd" {
		return nil, errorf(GenericError, "change vnc password SECRET is there; addresses cannot be changed while the machine runs")
	}
	if _, ok := a["arg"]; !ok {
		return nil, errorf(GenericError, "the password is missing: change vnc password SECRET")
	}
	return nil, drive(c.SetVNCPassword("", a.Str("arg"), ""))
}
