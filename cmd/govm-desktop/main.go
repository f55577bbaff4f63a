// Command govm-desktop is a PC in software: govm-desktop disk.img and there it is. Options are QEMU's; -help lists them.
package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"govm-desktop/cmd/govm-desktop/options"
)

func main() { os.Exit(run(os.Args[1:])) }

// gcPercent is how much garbage may lie beside what is in use before it is collected. What the processors keep is big and lives long, garbage
// is rare: collecting early costs next to nothing and halves the memory beside the guest's.
const gcPercent = 25

// run is the program; its result is the exit status: 1 for anything that the user must mend.
func run(args []string) int {
	takeMainThread()
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	s, err := parse(args)
	var help options.Help
	if errors.As(err, &help) {
		fmt.Print(string(help))
		return 0
	}
	if err != nil {
		return complain(err)
	}
	if err := s.daemonConflict(); err != nil {
		return complain(err)
	}
	tell := inBackground()
	if s.daemonize && tell == nil {
		return daemonize(args)
	}
	complain := s.complain
	s.stderr = &heldWriter{w: os.Stderr}
	log := slog.New(slog.NewTextHandler(s.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if s.play != nil {
		if err := playBack(s, log); err != nil {
			return complain(err)
		}
		return 0
	}
	p, err := build(s, log)
	if err != nil {
		return complain(err)
	}
	defer p.close()
	remove, err := pidFile(s.pidfile)
	if err != nil {
		return complain(err)
	}
	defer remove()
	if s.daemonize {
		if err := detach(tell); err != nil {
			return complain(err)
		}
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		<-stop
		p.pc.Quit("host-signal")
	}()
	if err := p.serveUI(s.stopped); err != nil {
		return complain(err)
	}
	return 0
}

func complain(err error) int {
	fmt.Fprintf(os.Stderr, "govm-desktop: %v\n", err)
	return 1
}

// complain is complain with what -msg puts before messages.
func (s *settings) complain(err error) int {
	if s.timestamps {
		fmt.Fprint(os.Stderr, time.Now().UTC().Format("2006-01-02T15:04:05.000000Z "))
	}
	if s.guestNames {
		fmt.Fprint(os.Stderr, s.name, " ")
	}
	return complain(err)
}

func version() string {
	if b, ok := debug.ReadBuildInfo(); ok && b.Main.Version != "" && b.Main.Version != "(devel)" {
		return b.Main.Version
	}
	return "0.1"
}
