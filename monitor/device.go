package monitor

import (
	"slices"
)

func deviceCommands() []*Command {
	return []*Command{
		{HMP: "device_add", Params: []Param{{Name: "device", Type: Rest, Complete: deviceKinds}}, Help: "add a device: device_add DRIVER[,id=ID][,KEY=VALUE…]", Run: runDeviceAddHMP},
		{QMP: "device_add", Open: true, Params: []Param{{Name: "driver"}, {Name: "bus", Optional: true}, {Name: "id", Optional: true}}, Run: runDeviceAdd},
		{HMP: "device_del", QMP: "device_del", Params: []Param{{Name: "id", Complete: deviceIDs}}, Help: "ask for a device to be removed", Run: runDeviceDel},
		{QMP: "device-list-properties", Params: []Param{{Name: "typename"}}, Returns: []DeviceProperty{}, Run: runDeviceProperties},
		{QMP: "qom-list-properties", Params: []Param{{Name: "typename"}}, Returns: []DeviceProperty{}, Run: runDeviceProperties},
		{QMP: "qom-list-types", Params: []Param{{Name: "implements", Optional: true}, {Name: "abstract", Type: Bool, Optional: true}}, Returns: []typeInfo{}, Run: func(c *Call) (any, error) {
			all := []typeInfo{}
			for _, k := range kinds(c) {
				all = append(all, typeInfo{k.Name, "device"})
			}
			return all, nil
		}},
	}
}

// typeInfo is a line of qom-list-types.
type typeInfo struct {
	Name   string `json:"name"`
	Parent string `json:"parent,omitempty"`
}

// kinds are the drivers of devices.
func kinds(c Control) []DeviceKind {
	if d := c.Devices(); d != nil {
		return d.Kinds()
	}
	return nil
}

func deviceKinds(c Control) (names []string) {
	for _, k := range kinds(c) {
		names = append(names, k.Name)
	}
	return names
}

func deviceIDs(c Control) []string {
	if d := c.Devices(); d != nil {
		return d.IDs()
	}
	return nil
}

// findKind is the driver with a name, and its place to be made.
func findKind(c *Call, name string) (*DeviceKind, error) {
	all := kinds(c)
	i := slices.IndexFunc(all, func(k DeviceKind) bool { return k.Name == name })
	if i < 0 {
		return nil, errorf(GenericError, "'%s' is not a valid device model name", name)
	}
	return &all[i], nil
}

func runDeviceAddHMP(c *Call) (any, error) {
	driver, pairs := keyValues(c.Str("device"))
	if driver == "" {
		driver, pairs = takeKey(pairs, "driver")
	}
	id, pairs := takeKey(pairs, "id")
	return nil, addDevice(c, driver, id, pairs)
}

func addDevice(c *Call, driver, id string, pairs [][2]string) error {
	if _, err := findKind(c, driver); err != nil {
		return err
	}
	if id != "" && slices.Contains(deviceIDs(c.Control), id) {
		return errorf(GenericError, "Duplicate device ID '%s'", id)
	}
	return generic(c.Devices().Add(driver, id, pairs))
}

// runDeviceAdd is QMP's: every further argument is a property of the device.
func runDeviceAdd(c *Call) (any, error) {
	var pairs [][2]string
	for k, v := range c.Args {
		if k == "driver" || k == "id" {
			continue
		}
		if v == nil {
			return nil, errorf(GenericError, "Invalid parameter type for '%s'", k)
		}
		pairs = append(pairs, [2]string{k, plain(v)})
	}
	slices.SortFunc(pairs, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	return nil, addDevice(c, c.Str("driver"), c.Str("id"), pairs)
}

func runDeviceDel(c *Call) (any, error) {
	id := c.Str("id")
	if !slices.Contains(deviceIDs(c.Control), id) {
		return nil, errorf(DeviceNotFound, "Device '%s' not found", id)
	}
	return nil, generic(c.Devices().Remove(id))
}

func runDeviceProperties(c *Call) (any, error) {
	name := c.Str("typename")
	all := kinds(c.Control)
	i := slices.IndexFunc(all, func(k DeviceKind) bool { return k.Name == name })
	if i < 0 {
		return nil, errorf(DeviceNotFound, "Device '%s' not found", name)
	}
	return list(all[i].Properties), nil
}
