package monitor

import (
	"encoding/json"
	"strings"
	"testing"

	"govm-desktop/test/vm"
)

// TestHotplug_likeQEMU plugs a tablet into a running machine and pulls it out, on both: by QMP, and by the monitor for people.
func TestHotplug_likeQEMU(t *testing.T) {
	need(t, "qemu-system-x86_64")
	for _, kind := range []vm.Kind{vm.QEMU, vm.Ours} {
		m, err := vm.Start(kind, program, "-m", "64", "-device", "qemu-xhci,id=xhci")
		must(t, err)
		defer m.Close()
		ask := func(line string) string {
			text, err := m.Monitor(line)
			must(t, err)
			return text
		}
		add := map[string]any{"driver": "usb-tablet", "id": "t1", "bus": "xhci.0"}
		if _, err := m.Execute("device_add", add); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		if _, err := m.Execute("device_add", add); err == nil || !strings.Contains(err.Error(), "Duplicate device ID 't1'") {
			t.Errorf("%s: the same id again: %v", kind, err)
		}
		if _, err := m.Execute("device_add", map[string]any{"driver": "usb-tablet", "nosuch": 1}); err == nil {
			t.Errorf("%s: a property that is none is taken", kind)
		}
		if text := ask("info usb"); !hasAll(text, "Port 1, Speed ", "Mb/s, Product ", "Tablet") {
			t.Errorf("%s: info usb: %s", kind, text)
		}
		if text := ask("info mice"); !strings.Contains(text, "ablet") && kind == vm.QEMU {
			t.Errorf("%s: info mice: %s", kind, text)
		}
		if text := ask("device_add usb-kbd,id=k1"); strings.TrimSpace(text) != "" {
			t.Errorf("%s: device_add: %s", kind, text)
		}
		for _, id := range []string{"t1", "k1"} {
			_, err = m.Execute("device_del", map[string]any{"id": id})
			must(t, err)
		}
		must(t, m.WaitEvent("DEVICE_DELETED", 2, limit))
		if text := ask("info usb"); strings.Contains(text, "Tablet") {
			t.Errorf("%s: info usb still says: %s", kind, text)
		}
		if _, err := m.Execute("device_del", map[string]any{"id": "t1"}); err == nil {
			t.Errorf("%s: it is removed twice", kind)
		}
		r, err := m.Execute("device-list-properties", map[string]any{"typename": "usb-tablet"})
		must(t, err)
		var list []struct{ Name, Type string }
		must(t, json.Unmarshal(r, &list))
		found := false
		for _, p := range list {
			found = found || p.Name == "serial" && p.Type == "str"
		}
		if !found {
			t.Errorf("%s: properties %v", kind, list)
		}
	}
}
