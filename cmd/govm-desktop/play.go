package main

import (
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"govm-desktop/cmd/govm-desktop/options"
	"govm-desktop/display"
	"govm-desktop/display/rfb/fbs"
	"govm-desktop/input/keycodemap"
	"govm-desktop/machine"
	"govm-desktop/monitor/qmp"
)

// playing is what -vnc-play says.
type playing struct {
	file  string
	speed float64
}

func playOptions() []option {
	return []option{{Name: "vnc-play", Part: "Display", Arg: "FILE[,speed=N]", Help: "show a recording of -vnc …,record=FILE in place of a machine, to viewers (-vnc, -display web)", Files: true, Set: (*settings).vncPlay}}
}

// vncPlay is -vnc-play.
func (s *settings) vncPlay(o *options.Opts) error {
	file, rest, has := strings.Cut(o.Text, ",")
	s.play = &playing{file, 1}
	if !has {
		return nil
	}
	v, ok := strings.CutPrefix(rest, "speed=")
	n, err := strconv.ParseFloat(v, 64)
	if !ok || err != nil || !(n >= 0.01 && n <= 1000) {
		return &machine.ConfigError{Option: o.Option, Value: o.Text, Reason: "FILE,speed=0.01 to 1000 belongs there"}
	}
	s.play.speed = n
	return nil
}

// playBack serves a recording until the program is interrupted.
func playBack(s *settings, log *slog.Logger) error {
	f, err := os.Open(s.play.file)
	if err != nil {
		return &machine.ConfigError{Option: "-vnc-play", Value: s.play.file, Reason: err.Error()}
	}
	defer f.Close()
	player, err := fbs.NewPlayer(f, s.play.speed)
	if err != nil {
		return &machine.ConfigError{Option: "-vnc-play", Value: s.play.file, Reason: err.Error()}
	}
	defer player.Close()
	p := &program{s: s, log: log, keys: keycodemap.New(s.scancodes), qmp: &qmp.Server{}, screen: display.NewScreen(player, display.Options{})}
	defer p.screen.Close()
	defer p.closeDisplays()
	if len(s.vnc) == 0 && len(s.web) == 0 {
		s.vnc = []string{"127.0.0.1:0,to=99"}
	}
	for _, step := range []func() error{p.vnc, p.web} {
		if err := step(); err != nil {
			return err
		}
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	select {
	case <-stop:
		return nil
	case <-player.Done():
		if err := player.Err(); err != nil {
			return &machine.ConfigError{Option: "-vnc-play", Value: s.play.file, Reason: err.Error()}
		}
		fmt.Fprintln(os.Stderr, "govm-desktop: this was the recording; its last picture stays until Ctrl-C")
	}
	<-stop
	return nil
}
