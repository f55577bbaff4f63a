package monitor

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// conversation are the commands that both are sent, in this order.
func conversation(dir string) []string {
	file := func(name string) string { return filepath.Join(dir, name) }
	c := []string{
		`{"execute":"query-status"}`, // before qmp_capabilities
		`{"execute":"qmp_capabilities","arguments":{"enable":["nosuch"]}}`,
		`{"execute":"qmp_capabilities"}`,
		`{"execute":"qmp_capabilities"}`,
		`{"execute":"nosuch"}`,
		`{"execute":"stop","arguments":{"now":true}}`,
		`{"execute":"memsave","arguments":{"val":"x","size":1,"filename":"y"}}`,
		`{"execute":"memsave","arguments":{"val":1}}`,
		`{"execute":17}`,
		`{"execute":"stop","arguments":[]}`,
		`{"nothing":1}`,
	}
	for _, q := range []string{"version", "status", "name", "uuid", "kvm", "cpus-fast", "machines", "current-machine", "cpu-definitions", "target", "memory-size-summary", "block", "blockstats",
		"block-jobs", "jobs", "named-block-nodes", "pci", "vnc", "vnc-servers", "spice", "mice", "iothreads", "balloon", "migrate", "tpm", "rx-filter", "fdsets", "memory-devices",
		"acpi-ospm-status", "commands", "display-options", "qmp-schema"} {
		c = append(c, fmt.Sprintf(`{"execute":"query-%s"}`, q))
	}
	return append(c,
		`{"execute":"x-query-roms"}`, `{"execute":"x-query-irq"}`, `{"execute":"x-query-usb"}`,
		`{"execute":"qom-list","arguments":{"path":"/"}}`, `{"execute":"qom-list","arguments":{"path":"/nosuch"}}`,
		`{"execute":"qom-get","arguments":{"path":"/machine","property":"type"}}`, `{"execute":"qom-get","arguments":{"path":"/machine","property":"nosuch"}}`,
		`{"execute":"qom-set","arguments":{"path":"/machine","property":"type","value":"x"}}`,
		`{"execute":"device-list-properties","arguments":{"typename":"VGA"}}`, `{"execute":"device-list-properties","arguments":{"typename":"nosuch"}}`,
		`{"execute":"device_add","arguments":{"driver":"nosuch"}}`, `{"execute":"device_del","arguments":{"id":"nosuch"}}`,
		`{"execute":"trace-event-get-state","arguments":{"name":"runstate_set"}}`, `{"execute":"trace-event-get-state","arguments":{"name":"nosuch"}}`,
		`{"execute":"trace-event-set-state","arguments":{"name":"runstate_set","enable":false}}`,
		`{"execute":"input-send-event","arguments":{"events":[{"type":"key","data":{"down":true,"key":{"type":"qcode","data":"a"}}},{"type":"key","data":{"down":false,"key":{"type":"qcode","data":"a"}}},{"type":"rel","data":{"axis":"x","value":3}}]}}`,
		`{"execute":"input-send-event","arguments":{"events":[{"type":"key","data":{"down":true,"key":{"type":"qcode","data":"nokey"}}}]}}`,
		`{"execute":"input-send-event","arguments":{"events":[{"type":"wink","data":{}}]}}`,
		`{"execute":"send-key","arguments":{"keys":[{"type":"qcode","data":"a"},{"type":"number","data":30}]}}`, `{"execute":"send-key","arguments":{"keys":"a"}}`,
		`{"execute":"screendump","arguments":{"filename":"`+file("a.ppm")+`"}}`, `{"execute":"screendump","arguments":{"filename":"`+file("a.png")+`","format":"png"}}`,
		`{"execute":"screendump","arguments":{"filename":"/no/such/file"}}`, `{"execute":"screendump","arguments":{"filename":"x","format":"gif"}}`, `{"execute":"screendump","arguments":{"filename":"x","head":1}}`,
		`{"execute":"memsave","arguments":{"val":20480,"size":16,"filename":"`+file("mem")+`"}}`, `{"execute":"pmemsave","arguments":{"val":20480,"size":16,"filename":"`+file("pmem")+`"}}`,
		`{"execute":"memsave","arguments":{"val":0,"size":1,"filename":"x","cpu-index":9}}`, `{"execute":"memsave","arguments":{"val":262144,"size":1,"filename":"`+file("gap")+`"}}`,
		`{"execute":"eject","arguments":{"device":"nosuch"}}`, `{"execute":"eject","arguments":{}}`, `{"execute":"eject","arguments":{"device":"ide0-hd0"}}`,
		`{"execute":"blockdev-open-tray","arguments":{"device":"ide1-cd0"}}`, `{"execute":"blockdev-close-tray","arguments":{"device":"ide1-cd0"}}`,
		`{"execute":"blockdev-change-medium","arguments":{"device":"ide1-cd0","filename":"/no/such"}}`, `{"execute":"blockdev-change-medium","arguments":{"device":"ide1-cd0","filename":"`+file("a.ppm")+`","format":"raw"}}`,
		`{"execute":"query-block"}`, `{"execute":"eject","arguments":{"device":"ide1-cd0","force":true}}`,
		`{"execute":"set_password","arguments":{"protocol":"vnc","password":"x"}}`, `{"execute":"set_password","arguments":{"protocol":"smoke","password":"x"}}`,
		`{"execute":"expire_password","arguments":{"protocol":"vnc","time":"now"}}`, `{"execute":"change-vnc-password","arguments":{"password":"x"}}`,
		`{"execute":"set-action","arguments":{"reboot":"reset"}}`, `{"execute":"set-action","arguments":{"reboot":"never"}}`,
		`{"execute":"human-monitor-command","arguments":{"command-line":"info name"}}`, `{"execute":"human-monitor-command","arguments":{"command-line":"info name","cpu-index":9}}`, `{"execute":"human-monitor-command"}`,
		`{"execute":"query-chardev"}`, `{"execute":"query-chardev-backends"}`, `{"execute":"chardev-add","arguments":{"id":"r","backend":{"type":"ringbuf","data":{"size":64}}}}`,
		`{"execute":"chardev-add","arguments":{"id":"r","backend":{"type":"null","data":{}}}}`, `{"execute":"chardev-add","arguments":{"id":"p","backend":{"type":"pty","data":{}}}}`,
		`{"execute":"chardev-add","arguments":{"id":"x","backend":{"type":"nosuch","data":{}}}}`, `{"execute":"chardev-add","arguments":{"id":"x","backend":{"type":"socket","data":{}}}}`,
		`{"execute":"chardev-add","arguments":{"id":"s","backend":{"type":"socket","data":{"addr":{"type":"unix","data":{"path":"`+file("sock")+`"}}}}}}`,
		`{"execute":"ringbuf-write","arguments":{"device":"r","data":"abc"}}`, `{"execute":"ringbuf-read","arguments":{"device":"r","size":2}}`, `{"execute":"ringbuf-read","arguments":{"device":"r","size":9,"format":"base64"}}`,
		`{"execute":"ringbuf-read","arguments":{"device":"nosuch","size":9}}`, `{"execute":"ringbuf-read","arguments":{"device":"r","size":0}}`,
		`{"execute":"chardev-remove","arguments":{"id":"r"}}`, `{"execute":"chardev-remove","arguments":{"id":"r"}}`, `{"execute":"chardev-remove","arguments":{"id":"serial0"}}`,
		`{"execute":"chardev-send-break","arguments":{"id":"serial0"}}`, `{"execute":"chardev-send-break","arguments":{"id":"nosuch"}}`,
		`{"execute":"inject-nmi"}`, `{"execute":"system_wakeup"}`, `{"execute":"stop"}`, `{"execute":"stop"}`, `{"execute":"query-status"}`, `{"execute":"cont"}`,
		`{"execute":"system_powerdown"}`, `{"execute":"system_reset"}`, `{"execute":"quit"}`)
}

// talk has Python speak with a machine: what it answered to each command (-1: the greeting), and the events.
func talk(t *testing.T, socket string, commands []string) (answers map[int]map[string]any, events []map[string]any) {
	t.Helper()
	cmd := exec.Command("python3", "testdata/talk.py", socket)
	cmd.Stdin = strings.NewReader(strings.Join(commands, "\n") + "\n")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("python3: %v\n%s", err, stderr.String())
	}
	answers = map[int]map[string]any{}
	for line := range bytes.Lines(out) {
		var m map[string]any
		must(t, json.Unmarshal(line, &m))
		switch id, ok := m["id"].(float64); {
		case m["event"] != nil:
			events = append(events, m)
		case m["QMP"] != nil:
			answers[-1] = m
		case ok:
			answers[int(id)] = m
		}
	}
	return answers, events
}

// shape compares keys and types all the way down. Elements of arrays are taken together: what some have and others have not need not be there.
func shape(path string, ours, qemus any, found func(path, what string)) {
	switch q := qemus.(type) {
	case map[string]any:
		o, ok := ours.(map[string]any)
		if !ok {
			found(path, fmt.Sprintf("%T, QEMU has an object", ours))
			return
		}
		for k, v := range q {
			if x, ok := o[k]; ok {
				shape(path+"."+k, x, v, found)
			} else {
				found(path+"."+k, "absent")
			}
		}
		for k := range o {
			if _, ok := q[k]; !ok {
				found(path+"."+k, "extra")
			}
		}
	case []any:
		o, ok := ours.([]any)
		if !ok {
			found(path, fmt.Sprintf("%T, QEMU has an array", ours))
			return
		}
		if len(o) > 0 && len(q) > 0 {
			shape(path+"[]", merge(o), merge(q), found)
		}
	default:
		if fmt.Sprintf("%T", ours) != fmt.Sprintf("%T", qemus) {
			found(path, fmt.Sprintf("%T, QEMU has %T", ours, qemus))
		}
	}
}

// merge is an array's elements in one: of objects, every member that one of them has.
func merge(list []any) any {
	all := map[string]any{}
	for _, x := range list {
		m, ok := x.(map[string]any)
		if !ok {
			return list[0]
		}
		for k, v := range m {
			switch old := all[k].(type) {
			case map[string]any:
				if v, ok := v.(map[string]any); ok {
					all[k] = merge([]any{old, v})
					continue
				}
			case []any:
				if v, ok := v.([]any); ok {
					all[k] = append(old, v...)
					continue
				}
			}
			all[k] = v
		}
	}
	return all
}

// known are the differences that are meant, by the command and the beginning of the path, with why.
func known() map[string]string {
	return map[string]string{
		"query-cpu-definitions .return[].alias-of":   "qemu64 has no versions here",
		"query-blockstats .return[].parent":          "there is no graph of nodes under a drive",
		"query-blockstats .return[].backing":         "as above: with snapshot=on QEMU has a node over the image",
		"query-blockstats .return[].driver-specific": "as above",
		"query-block .return[].inserted.image":       "the image's own facts (sizes on the host, the format's, snapshots) belong to the image formats",
		"query-block .return[].inserted.backing":     "with snapshot=on QEMU has a qcow2 over the image",
		"query-named-block-nodes .return[].image":    "as query-block",
		"query-named-block-nodes .return[].backing":  "as query-block",
		"query-qmp-schema .return[].members[].feat":  "as below",
		"query-qmp-schema .return[].features":        "nothing here is deprecated or unstable",
		"query-qmp-schema .return[].allow-oob":       "no command is executed out of band",
		"device-list-properties .return[].default":   "defaults stand in the description",
	}
}

func TestQMP_likeQEMU(t *testing.T) {
	p := startPair(t)
	ourDir, qDir := t.TempDir(), t.TempDir()
	commands := conversation(ourDir)
	ours, ourEvents := talk(t, p.ourDir+"/"+p.qmp, commands)
	qemus, qEvents := talk(t, p.qDir+"/"+p.qmp, conversation(qDir))
	count := 0
	for i := -1; i < len(commands); i++ {
		name := "greeting"
		if i >= 0 {
			var c struct{ Execute any }
			json.Unmarshal([]byte(commands[i]), &c)
			name = fmt.Sprint(c.Execute)
		}
		a, b := ours[i], qemus[i]
		if a == nil || b == nil {
			t.Errorf("%d %s: answers %v, QEMU %v", i, name, a, b)
			continue
		}
		count++
		if qe, ok := b["error"].(map[string]any); ok {
			oe, ok := a["error"].(map[string]any)
			if !ok || oe["class"] != qe["class"] {
				t.Errorf("%s: %v, QEMU's error is %v", commands[i], a, qe)
			}
			continue
		}
		shape("", a, b, func(path, what string) {
			for k, why := range known() {
				if strings.HasPrefix(name+" "+path, k) {
					t.Logf("known: %s %s: %s (%s)", name, path, what, why)
					return
				}
			}
			t.Errorf("%s %s: %s", name, path, what)
		})
	}
	if count < 41 {
		t.Errorf("%d answers compared, want the greeting and 40", count)
	}
	compareEvents(t, ourEvents, qEvents)
	for _, f := range []string{"mem", "pmem"} {
		out, err := exec.Command("cmp", filepath.Join(ourDir, f), filepath.Join(qDir, f)).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %s", f, out)
		}
	}
}

// compareEvents wants the same kinds of events in the same order, with the same shapes.
func compareEvents(t *testing.T, ours, qemus []map[string]any) {
	t.Helper()
	names := func(all []map[string]any) (out []string) {
		for _, e := range all {
			out = append(out, e["event"].(string))
		}
		return out
	}
	if a, b := names(ours), names(qemus); !slices.Equal(a, b) {
		t.Errorf("events %v, QEMU's %v", a, b)
		return
	}
	for i := range ours {
		shape(ours[i]["event"].(string), ours[i], qemus[i], func(path, what string) { t.Errorf("event %s: %s", path, what) })
		if d := qemus[i]["data"]; d != nil && ours[i]["event"] != "DEVICE_TRAY_MOVED" && fmt.Sprint(ours[i]["data"]) != fmt.Sprint(d) {
			t.Errorf("event %v: data %v, QEMU's %v", ours[i]["event"], ours[i]["data"], d)
		}
	}
	if len(ours) < 8 {
		t.Errorf("%d events, want STOP, RESUME, POWERDOWN, RESET, SHUTDOWN and the tray's", len(ours))
	}
}
