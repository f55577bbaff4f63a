package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"govm-desktop/display/rfb"
	"govm-desktop/display/rfb/auth"
	"govm-desktop/machine"
	"govm-desktop/monitor"
)

// vncServer is one -vnc: a server with its own password and rules.
type vncServer struct {
	*rfb.Server
	spec     rfb.Spec
	at       net.Listener // nil: reverse
	password *auth.Password
	auth     string   // its security types, for the monitor
	web      bool     // it is a page's
	film     *os.File // a recording; nil: none
}

// defaultVNC is display 0, or the next that is free, for this host alone.
const defaultVNC = "127.0.0.1:0,to=99"

// vnc starts the RFB servers. Without any display option there is one on display 0 or the next free one, on loopback.
func (p *program) vnc() error {
	specs := p.s.vnc
	if len(specs) == 0 && p.s.display == "vnc" {
		specs = []string{defaultVNC}
	}
	for _, arg := range specs {
		if err := p.oneVNC(arg); err != nil {
			var c *machine.ConfigError
			if errors.As(err, &c) {
				return err
			}
			return &machine.ConfigError{Option: "-vnc", Value: arg, Reason: err.Error()}
		}
	}
	return nil
}

func (p *program) oneVNC(arg string) error {
	spec, err := rfb.ParseSpec(arg)
	if err != nil || spec.None {
		return err
	}
	v, t, err := p.newVNC(spec)
	if err != nil {
		return err
	}
	if v.at, err = spec.Listen(); err != nil {
		return err
	}
	p.rfb = append(p.rfb, v)
	if spec.Reverse {
		nc, err := spec.Dial()
		if err != nil {
			return err
		}
		v.Take(nc)
		return nil
	}
	fmt.Fprintf(os.Stderr, "govm-desktop: %s\n", spec.Describe(v.at))
	go v.Serve(v.at)
	if spec.WebSocket != "" {
		l, err := spec.ListenWebSocket(v.at)
		if err != nil {
			return err
		}
		fmt.Fprintf(os.Stderr, "govm-desktop: %s for WebSocket\n", l.Addr())
		go v.ServeWebSocket(l, t)
	}
	return nil
}

// newVNC makes a server that serves nobody yet. The TLS configuration is nil where there is no certificate.
func (p *program) newVNC(spec rfb.Spec) (*vncServer, *tls.Config, error) {
	v := &vncServer{spec: spec, password: &auth.Password{}}
	cfg := rfb.Config{Screen: p.screen, Keys: p.keys, Layout: p.s.layout, Name: p.s.name, Log: p.log,
		Clipboard: &p.clip}
	if p.pc != nil {
		cfg.Input, cfg.Power = p.input, p.power
		cfg.Event = func(e rfb.Event, c rfb.Client) { p.vncEvent(v, e, c) }
	}
	spec.Configure(&cfg)
	t, err := p.secure(v)
	if err != nil {
		return nil, nil, err
	}
	if cfg.Security, err = spec.Security(v.password, t); err != nil {
		return nil, nil, err
	}
	v.auth = authNames(cfg.Security)
	if id := spec.AudioDev; id != "" {
		src, ok := p.s.audio[id]
		if !ok {
			return nil, nil, fmt.Errorf("there is no -audiodev …,id=%s", id)
		}
		cfg.Audio = src
	}
	inside := spec
	inside.TLSCreds = "" // TLS once is enough
	if cfg.Inside, err = inside.Security(v.password, nil); err != nil {
		return nil, nil, err
	}
	v.Server = rfb.New(cfg)
	return v, t, p.record(v)
}

// record keeps the session in a file, if the user wants it kept.
func (p *program) record(v *vncServer) error {
	if v.spec.Record == "" {
		return nil
	}
	f, err := os.OpenFile(v.spec.Record, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	v.film = f
	return v.Record(f)
}

// closeDisplays ends the servers, and with them the recordings.
func (p *program) closeDisplays() {
	for _, s := range p.pages {
		s.Close()
	}
	for _, v := range p.rfb {
		v.Close()
		if v.at != nil {
			v.at.Close()
		}
		if v.film == nil {
			continue
		}
		if err := v.film.Close(); err != nil {
			p.log.Error("recording", "err", err)
		}
	}
}

// secure looks up the secrets and certificates that a Spec names.
func (p *program) secure(v *vncServer) (*tls.Config, error) {
	secrets := p.s.objects.secrets
	for name, set := range map[string]func(string){v.spec.PasswordSecret: v.password.Set, v.spec.ViewOnlyPassword: v.password.SetViewOnly} {
		if name == "" {
			continue
		}
		data, ok := secrets[name]
		if !ok {
			return nil, fmt.Errorf("there is no -object secret,id=%s", name)
		}
		set(data)
	}
	if v.spec.TLSCreds == "" {
		return nil, nil
	}
	c, ok := p.s.objects.creds[v.spec.TLSCreds]
	if !ok {
		return nil, fmt.Errorf("there is no -object tls-creds-x509,id=%s", v.spec.TLSCreds)
	}
	if id := v.spec.Authz; id != "" {
		identity, ok := p.s.objects.authz[id]
		if !ok {
			return nil, fmt.Errorf("there is no -object authz-simple,id=%s", id)
		}
		if !c.VerifyPeer {
			return nil, fmt.Errorf("tls-authz=%s: clients show no certificate unless -object tls-creds-x509,id=%s,… has verify-peer=on", id, v.spec.TLSCreds)
		}
		c.Authorize = func(name string) bool { return name == identity }
	}
	return c.TLS()
}

// power is what a viewer's power buttons do.
func (p *program) power(w rfb.Power) {
	switch w {
	case rfb.PowerShutdown:
		p.pc.Machine.PowerButton()
	case rfb.PowerReboot, rfb.PowerReset:
		p.pc.RequestReset(false, "host-ui")
	}
}

// authName is what the monitor calls a security type.
func authName(id uint8) string {
	switch id {
	case auth.NoneID:
		return "none"
	case auth.VncAuthID:
		return "vnc"
	case auth.RA2ID:
		return "ra2"
	case auth.RA2neID:
		return "ra2ne"
	case auth.RA256ID:
		return "ra2_256"
	case auth.RAne256ID:
		return "ra2ne_256"
	case auth.AppleDHID:
		return "apple-dh"
	case auth.VeNCryptID:
		return "vencrypt"
	}
	return fmt.Sprint(id)
}

func authNames(types []auth.Type) string {
	var all []string
	for _, t := range types {
		all = append(all, authName(t.ID()))
	}
	return strings.Join(all, "+")
}

// vncEvent tells QMP's clients of a viewer's.
func (p *program) vncEvent(v *vncServer, e rfb.Event, c rfb.Client) {
	info := monitor.VNCInfo{Auth: v.auth, WebSocket: c.Browser}
	if v.at != nil {
		info.Host, info.Service = vncHostPort(v.at.Addr())
	}
	name := map[rfb.Event]string{rfb.Connected: "VNC_CONNECTED", rfb.Initialized: "VNC_INITIALIZED", rfb.Disconnected: "VNC_DISCONNECTED"}[e]
	p.event(name, monitor.VNCData{Server: info.Server(), Client: vncPeer(c).Client()})
}

func vncPeer(c rfb.Client) monitor.VNCPeer {
	return monitor.VNCPeer{Address: c.Addr, User: c.User, ViewOnly: c.ViewOnly, WebSocket: c.Browser, Certificate: c.Name}
}

// VNC implements monitor.Control, as do the methods below.
func (c *control) VNC() []monitor.VNCInfo {
	var all []monitor.VNCInfo
	for i, v := range c.p.rfb {
		info := monitor.VNCInfo{ID: v.spec.ID, Auth: v.auth}
		if info.ID == "" {
			info.ID = "default"
			if i > 0 {
				info.ID = fmt.Sprintf("vnc%d", i+1)
			}
		}
		if v.at != nil {
			info.Host, info.Service = vncHostPort(v.at.Addr())
		}
		for _, l := range v.List() {
			info.Clients = append(info.Clients, vncPeer(l))
		}
		all = append(all, info)
	}
	return all
}

// passworded visits the servers that ask for a password.
func (c *control) passworded(id string, f func(*vncServer)) error {
	done := false
	for i, info := range c.VNC() {
		v := c.p.rfb[i]
		if id != "" && info.ID != id || !v.spec.Password && v.spec.PasswordSecret == "" {
			continue
		}
		f(v)
		done = true
	}
	if !done {
		return errors.New("no VNC server asks for a password: start it with -vnc …,password=on")
	}
	return nil
}

func (c *control) SetVNCPassword(id, password, connected string) error {
	return c.passworded(id, func(v *vncServer) {
		if v.password.Set(password); password == "" {
			v.password.Disable()
		}
		if connected == "disconnect" {
			v.DropAll(errors.New("the password was changed"))
		}
	})
}

func (c *control) ExpireVNCPassword(id string, at time.Time) error {
	return c.passworded(id, func(v *vncServer) { v.password.Expire(at) })
}
