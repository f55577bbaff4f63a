package monitor

// event is a kind of message that QMP sends unasked.
type event struct {
	name string
	data any // a value of what comes with it; nil: nothing
}

// ShutdownData comes with SHUTDOWN and RESET.
type ShutdownData struct {
	Guest  bool   `json:"guest"`
	Reason string `json:"reason"`
}

// TrayData comes with DEVICE_TRAY_MOVED.
type TrayData struct {
	Device   string `json:"device"`
	ID       string `json:"id"`
	TrayOpen bool   `json:"tray-open"`
}

// DeletedData comes with DEVICE_DELETED.
type DeletedData struct {
	Device string `json:"device,omitempty"`
	Path   string `json:"path"`
}

// VNCData comes with VNC_CONNECTED, VNC_INITIALIZED and VNC_DISCONNECTED.
type VNCData struct {
	Server VNCServerAddress `json:"server"`
	Client VNCClient        `json:"client"`
}

// events are all that are sent.
func events() []event {
	return []event{
		{"SHUTDOWN", ShutdownData{}}, {"RESET", ShutdownData{}}, {"POWERDOWN", nil}, {"STOP", nil}, {"RESUME", nil}, {"SUSPEND", nil}, {"WAKEUP", nil},
		{"DEVICE_TRAY_MOVED", TrayData{}}, {"DEVICE_DELETED", DeletedData{}}, {"VNC_CONNECTED", VNCData{}}, {"VNC_INITIALIZED", VNCData{}}, {"VNC_DISCONNECTED", VNCData{}},
	}
}
