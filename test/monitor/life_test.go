package monitor

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"govm-desktop/test/vm"
)

// run runs the program to its end.
func run(t *testing.T, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.WaitDelay = time.Second // a child in the background may hold the pipes
	_ = cmd.Run()
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// qmp sends commands on a socket, each after the answer to the one before, and returns the answers.
func qmp(t *testing.T, socket string, commands ...string) (answers []map[string]any) {
	t.Helper()
	nc, err := net.Dial("unix", socket)
	for deadline := time.Now().Add(limit); err != nil && time.Now().Before(deadline); nc, err = net.Dial("unix", socket) {
		time.Sleep(10 * time.Millisecond) // it is being made
	}
	must(t, err)
	defer nc.Close()
	must(t, nc.SetDeadline(time.Now().Add(limit)))
	in := bufio.NewScanner(nc)
	in.Buffer(nil, 16<<20)
	in.Scan() // the greeting
	for _, c := range append([]string{`{"execute":"qmp_capabilities"}`}, commands...) {
		_, err := fmt.Fprintln(nc, c)
		must(t, err)
		for in.Scan() {
			var m map[string]any
			must(t, json.Unmarshal(in.Bytes(), &m))
			if m["event"] == nil {
				answers = append(answers, m)
				break
			}
		}
	}
	return answers[1:]
}

func TestDaemonize(t *testing.T) {
	dir := t.TempDir()
	pid, socket := filepath.Join(dir, "pid"), filepath.Join(dir, "qmp")
	args := []string{"-accel", "soft", "-demo", "-display", "none", "-daemonize", "-pidfile", pid, "-qmp", "unix:" + socket + ",server=on,wait=off", "-S"}
	if _, errs, status := run(t, args...); status != 0 {
		t.Fatalf("status %d: %s", status, errs)
	}
	b, err := os.ReadFile(pid)
	must(t, err)
	n, err := strconv.Atoi(strings.TrimSpace(string(b)))
	must(t, err)
	t.Cleanup(func() { syscall.Kill(n, syscall.SIGKILL) })
	if sid, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", n)); err != nil || !strings.Contains(string(sid), fmt.Sprintf(" %d %d ", n, n)) {
		t.Errorf("not in a session of its own: %s, %v", sid, err)
	}
	args[len(args)-2] = "unix:" + socket + "2,server=on,wait=off"
	if _, errs, status := run(t, args...); status == 0 || !strings.Contains(errs, "another process holds it") {
		t.Errorf("a second one with the same -pidfile: status %d, %s", status, errs)
	}
	if a := qmp(t, socket, `{"execute":"query-status"}`, `{"execute":"quit"}`); a[0]["return"].(map[string]any)["status"] != "prelaunch" {
		t.Errorf("status %v", a[0])
	}
	for deadline := time.Now().Add(limit); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(pid); err != nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the -pidfile is still there")
		}
	}
	for option, want := range map[string]string{"-nographic": "needs the terminal", "-serial stdio": "needs the terminal"} {
		if _, errs, status := run(t, append(strings.Fields(option), "-daemonize", "-demo")...); status != 1 || !strings.Contains(errs, want) {
			t.Errorf("-daemonize %s: status %d, %s", option, status, errs)
		}
	}
	if _, errs, status := run(t, "-daemonize", "-display", "none", "/no/such/image"); status != 1 || !strings.Contains(errs, "/no/such/image") {
		t.Errorf("a mistake found in the background: status %d, %s", status, errs)
	}
}

// TestSignal ends the machine as Ctrl-C does: the guest's disk is closed, its lock is gone, the monitors' clients hear of it.
func TestSignal(t *testing.T) {
	img := filepath.Join(t.TempDir(), "disk.img")
	must(t, os.WriteFile(img, make([]byte, 1<<20), 0o600))
	m, err := vm.Start(vm.Ours, program, "-drive", "file="+img+",format=raw")
	must(t, err)
	t.Cleanup(m.Close)
	must(t, syscall.Kill(m.PID(), syscall.SIGINT))
	if status, err := m.Wait(limit); status != 0 || err != nil {
		t.Errorf("status %d, %v: %s", status, err, m.Stderr())
	}
	must(t, m.WaitEvent("SHUTDOWN", 1, limit))
	again, err := vm.Start(vm.Ours, program, "-drive", "file="+img+",format=raw")
	must(t, err)
	again.Close()
}

// TestStalledClients has clients that send and never read: neither the guest nor other clients wait for them.
func TestStalledClients(t *testing.T) {
	dir := t.TempDir()
	m, err := vm.Start(vm.Ours, program, "-demo", "-monitor", "unix:"+dir+"/hmp,server=on,wait=off", "-qmp", "unix:"+dir+"/qmp,server=on,wait=off")
	must(t, err)
	t.Cleanup(m.Close)
	for name, line := range map[string]string{"hmp": "info mtree\n", "qmp": `{"execute":"qmp_capabilities"}{"execute":"query-qmp-schema"}`} {
		nc, err := net.Dial("unix", dir+"/"+name)
		must(t, err)
		defer nc.Close()
		must(t, nc.SetWriteDeadline(time.Now().Add(time.Second)))
		for range 20000 { // until its own buffers are full
			if _, err := nc.Write([]byte(line)); err != nil {
				break
			}
		}
	}
	ticks := func() (n int) {
		text, err := m.Monitor("info irq")
		must(t, err)
		for l := range strings.Lines(text) {
			if _, err := fmt.Sscanf(l, " 0: %d", &n); err == nil {
				return n
			}
		}
		return 0
	}
	first := ticks()
	for deadline := time.Now().Add(limit); ticks() < first+3; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the guest's timer stands at %d", first)
		}
	}
	for range 3 {
		if _, err := m.Execute("system_reset", nil); err != nil {
			t.Fatal(err)
		}
	}
	must(t, m.WaitEvent("RESET", 1, limit))
}

// TestGarbage sends what is no command; the monitors go on.
func TestGarbage(t *testing.T) {
	dir := t.TempDir()
	m, err := vm.Start(vm.Ours, program, "-demo", "-S", "-monitor", "unix:"+dir+"/hmp,server=on,wait=off", "-qmp", "unix:"+dir+"/qmp,server=on,wait=off")
	must(t, err)
	t.Cleanup(m.Close)
	r := rand.New(rand.NewPCG(1, 2))
	for _, name := range []string{"hmp", "qmp"} {
		for range 5 {
			nc, err := net.Dial("unix", dir+"/"+name)
			must(t, err)
			must(t, nc.SetDeadline(time.Now().Add(limit)))
			b := make([]byte, 1<<16)
			for i := range b {
				b[i] = byte(r.Uint32())
			}
			go func() {
				buf := make([]byte, 4096)
				for _, err := nc.Read(buf); err == nil; _, err = nc.Read(buf) {
				}
			}()
			_, _ = nc.Write(b)
			nc.Close()
		}
	}
	if a := qmp(t, dir+"/qmp", `{"execute":"query-name"}`); a[0]["return"] == nil {
		t.Errorf("after garbage: %v", a)
	}
	if s, err := m.Status(); err != nil || s != "prelaunch" {
		t.Errorf("status %q, %v", s, err)
	}
}

// TestLogAndTrace looks into the files of -D, -d and -trace.
func TestLogAndTrace(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	m, err := vm.Start(vm.Ours, program, "-demo", "-S", "-D", log, "-d", "cpu_reset", "-trace", "runstate_set", "-trace", "enable=input_event_*", "-trace", "monitor_protocol_event_emit", "-trace", "handle_hmp_command", "-singlestep", "-msg", "timestamp=on")
	must(t, err)
	t.Cleanup(m.Close)
	for _, c := range []string{"cont", "stop", "system_reset"} {
		_, err := m.Execute(c, nil)
		must(t, err)
	}
	must(t, m.WaitEvent("RESET", 1, limit))
	must(t, m.Keys("a"))
	if text, err := m.Monitor("info status"); err != nil || !strings.Contains(text, "single step mode") {
		t.Errorf("%q, %v", text, err)
	}
	m.Quit()
	_, err = m.Wait(limit)
	must(t, err)
	b, err := os.ReadFile(log)
	must(t, err)
	for _, want := range []string{"CPU Reset (CPU 0)\nEAX=", "EIP=0000fff0", "runstate_set new state", "input_event_key_qcode con 0, key qcode a, down true",
		"monitor_protocol_event_emit event RESET", `handle_hmp_command "info status"`} {
		if !strings.Contains(string(b), want) {
			t.Errorf("the log lacks %q:\n%s", want, b)
		}
	}
	if strings.Contains(string(b), "handle_qmp_command") {
		t.Error("what was not asked for is traced")
	}
	if _, errs, status := run(t, "-msg", "timestamp=on", "-trace", "nosuch", "-demo"); status != 1 || !strings.HasPrefix(errs, "20") || !strings.Contains(errs, "no event is called") {
		t.Errorf("status %d, %s", status, errs)
	}
}

// TestActions: a reboot that ends the machine, power-off that keeps it, changed while it runs.
func TestActions(t *testing.T) {
	m, err := vm.Start(vm.Ours, program, "-demo", "-action", "reboot=shutdown")
	must(t, err)
	t.Cleanup(m.Close)
	_, err = m.Execute("set-action", map[string]string{"reboot": "reset"})
	must(t, err)
	_, err = m.Execute("system_reset", nil)
	must(t, err)
	must(t, m.WaitEvent("RESET", 1, limit))
	if m.Events("SHUTDOWN") > 0 {
		t.Error("ended")
	}
	_, err = m.Execute("set-action", map[string]string{"reboot": "shutdown"})
	must(t, err)
	_, err = m.Execute("system_reset", nil)
	must(t, err)
	if _, err := m.Wait(limit); err != nil {
		t.Error(err)
	}
}

// TestConfigFile writes what was typed and starts from it.
func TestConfigFile(t *testing.T) {
	dir := t.TempDir()
	cfg, socket := filepath.Join(dir, "vm.cfg"), filepath.Join(dir, "qmp")
	if _, errs, status := run(t, "-name", "from,,file", "-m", "64", "-chardev", "socket,id=q,path="+socket+",server=on,wait=off", "-mon", "q,mode=control", "-writeconfig", cfg, "-version"); status != 0 {
		t.Fatalf("status %d: %s", status, errs)
	}
	text, err := os.ReadFile(cfg)
	must(t, err)
	cmd := exec.Command(program, "-accel", "soft", "-demo", "-display", "none", "-S", "-readconfig", cfg)
	must(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	a := qmp(t, socket, `{"execute":"query-name"}`, `{"execute":"query-memory-size-summary"}`)
	if fmt.Sprint(a[0]["return"]) != "map[name:from,file]" || fmt.Sprint(a[1]["return"]) != "map[base-memory:6.7108864e+07 plugged-memory:0]" {
		t.Errorf("%v; the file is\n%s", a, text)
	}
}
