package main

import (
	"fmt"
	"slices"
	"sync"

	"govm-desktop/cmd/govm-desktop/options"
	"govm-desktop/monitor"
)

// Debugger implements monitor.Control, as does the method below.
func (c *control) Debugger() monitor.Debugger { return &gdbControl{c.p} }
func (c *control) Devices() monitor.Devices   { return &deviceControl{c.p} }

// hotDevices are those that device_add has made.
type hotDevices struct {
	mu  sync.Mutex // guards everything below
	all []hotDevice
	n   int // made without an id, ever
}

// hotDevice is a device that can be taken away while the machine runs.
type hotDevice struct {
	id, driver string
	device     any // which it is, for those who know it otherwise
	unplug     func() error
}

func (h *hotDevices) idOf(device any) (id string, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, d := range h.all {
		if d.device == device {
			return d.id, true
		}
	}
	return "", false
}

func (h *hotDevices) ids() (ids []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, d := range h.all {
		ids = append(ids, d.id)
	}
	return ids
}

func (h *hotDevices) driver(id string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, d := range h.all {
		if d.id == id {
			return d.driver
		}
	}
	return ""
}

// note keeps a device. Those of the command line that can be taken away are noted too.
func (h *hotDevices) note(d hotDevice) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if d.id == "" {
		d.id = fmt.Sprintf("device[%d]", h.n)
		h.n++
	}
	h.all = append(h.all, d)
}

func (h *hotDevices) take(id string) (d hotDevice, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	i := slices.IndexFunc(h.all, func(d hotDevice) bool { return d.id == id })
	if i < 0 {
		return d, false
	}
	d = h.all[i]
	h.all = slices.Delete(h.all, i, i+1)
	return d, true
}

// deviceControl is device_add and device_del.
type deviceControl struct{ p *program }

// Kinds implements monitor.Devices, as do the methods below.
func (d *deviceControl) Kinds() (all []monitor.DeviceKind) {
	for _, k := range devices() {
		m := monitor.DeviceKind{Name: k.Name}
		for _, key := range k.Keys {
			t := string(key.Type)
			if t == "" {
				t = string(options.Str)
			}
			m.Properties = append(m.Properties, monitor.DeviceProperty{Name: key.Name, Type: t, Description: key.Help})
		}
		all = append(all, m)
	}
	return all
}

func (d *deviceControl) IDs() []string { return d.p.hot.ids() }

// Add goes the way of -device: the same checks, the same messages.
func (d *deviceControl) Add(driver, id string, properties [][2]string) error {
	i := slices.IndexFunc(devices(), func(k deviceKind) bool { return k.Name == driver })
	if i < 0 || devices()[i].plug == nil {
		return monitor.Errorf(monitor.GenericError, "Device '%s' cannot be added while the machine runs", driver)
	}
	pairs := []options.Pair{{Key: "driver", Value: driver}}
	if id != "" {
		pairs = append(pairs, options.Pair{Key: "id", Value: id})
	}
	for _, p := range properties {
		pairs = append(pairs, options.Pair{Key: p[0], Value: p[1]})
	}
	o := options.Of("device_add", pairs...)
	if err := table().Check("device", o); err != nil {
		return err
	}
	h, err := devices()[i].plug(d.p, o)
	if err == nil {
		d.p.hot.note(h)
	}
	return err
}

func (d *deviceControl) Remove(id string) error {
	h, ok := d.p.hot.take(id)
	if !ok {
		return &monitor.Error{Class: monitor.DeviceNotFound, Desc: fmt.Sprintf("Device '%s' not found", id)}
	}
	if err := h.unplug(); err != nil {
		d.p.hot.note(h)
		return err
	}
	d.p.post("DEVICE_DELETED", monitor.DeletedData{Device: id, Path: "/machine/peripheral/" + id})
	return nil
}
