package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"

	"govm-desktop/cmd/govm-desktop/options"
	"govm-desktop/display/rfb"
	"govm-desktop/display/shot"
	"govm-desktop/display/web"
	"govm-desktop/machine"
)

// webDisplay is -display web[=HOST:PORT],… .
func webDisplay() displayKind {
	return displayKind{options.Kind{Name: "web", Help: "web[=HOST:PORT],…: a page for browsers; further options as after -vnc: password=on, tls-creds=ID …", Open: true},
		func(s *settings, o *options.Opts) error {
			s.web = append(s.web, strings.TrimPrefix(strings.TrimPrefix(o.Text, "web"), "="))
			return nil
		}}
}

// page is one -display web.
type page struct {
	*web.Server
	at  net.Listener
	tls *tls.Config // nil: none
}

// web starts the pages for browsers, once it is known what there is to list on them.
func (p *program) web() error {
	for _, arg := range p.s.web {
		if err := p.oneWeb(arg); err != nil {
			return &machine.ConfigError{Option: "-display", Value: "web=" + arg, Reason: strings.TrimPrefix(err.Error(), "vnc: ")}
		}
	}
	for _, s := range p.pages {
		go s.Serve(s.at, s.tls)
	}
	return nil
}

// oneWeb is one page: an RFB server that only browsers reach. Options after the address are those of -vnc.
func (p *program) oneWeb(arg string) error {
	addr, opts, _ := strings.Cut(arg, ",")
	at, err := web.ParseSpec(addr)
	if err != nil {
		return err
	}
	spec, err := rfb.ParseSpec(":0,power-control=on," + opts)
	if err != nil {
		return err
	}
	if spec.Reverse || spec.WebSocket != "" || spec.To != 0 {
		return errors.New("reverse, websocket= and to= make no sense here")
	}
	v, t, err := p.newVNC(spec)
	if err != nil {
		return err
	}
	v.web = true
	s, err := web.New(web.Config{
		Name: func() string { return p.s.name },
		Connect: func(w http.ResponseWriter, r *http.Request, q web.Request) {
			v.ConnectWebSocket(w, r, rfb.Browser{Inside: t != nil, Old: q.Old, Tag: q.Token})
		},
		Viewers:    p.viewers,
		Screenshot: p.screenshot,
		Log:        p.log,
	})
	if err != nil {
		return err
	}
	if v.at, err = at.Listen(); err != nil {
		return err
	}
	p.rfb = append(p.rfb, v)
	fmt.Fprintf(os.Stderr, "govm-desktop: the screen is at %s\n", at.URL(v.at, t != nil))
	if !web.Complete() {
		fmt.Fprintln(os.Stderr, "govm-desktop: the page has no viewer in it: make deps fetches noVNC; then build again")
	}
	p.pages = append(p.pages, page{s, v.at, t})
	return nil
}

// viewers are those of all servers.
func (p *program) viewers() (all []web.Viewer) {
	for _, v := range p.rfb {
		for _, l := range v.List() {
			all = append(all, web.Viewer{Address: l.Addr, User: l.User, ViewOnly: l.ViewOnly, Security: authName(l.Security),
				Encoding: rfb.EncodingName(l.Encoding), Sent: l.Sent, Since: l.Since.Unix(), Token: l.Tag})
		}
	}
	return all
}

func (p *program) screenshot(ctx context.Context, w io.Writer) error {
	f, err := shot.Grab(ctx, p.screen)
	if err != nil {
		return err
	}
	defer f.Release()
	return shot.Write(w, f, "png")
}
