// Package usb is the contract between USB host controllers and USB devices, and the sockets that join them: a host controller or a hub owns
// Ports, a Device is plugged into one, and Packets travel between them. Whole transfers travel, not bus transactions: what the USB 2.0
// specification (chapters 5, 8 and 9) says about tokens, toggles and handshakes has no place here, what it says about endpoints does.
//
// A transfer on a bulk or interrupt endpoint is a piece of a pipe: devices take and give bytes in the order in which transfers were submitted,
// however a driver cuts the stream into transfers (at whole packets).
package usb

import (
	"fmt"

	"govm-desktop/hw"
)

// Speed is a signalling rate.
type Speed uint8

// Speeds, slowest first.
const (
	SpeedNone Speed = iota
	Low             // 1.5 Mbit/s
	Full            // 12 Mbit/s
	High            // 480 Mbit/s
	Super           // 5 Gbit/s
	SuperPlus       // 10 Gbit/s
)

// String names the speed as `info usb` shows it.
func (s Speed) String() string {
	if name := [...]string{"none", "1.5 Mb/s", "12 Mb/s", "480 Mb/s", "5000 Mb/s", "10000 Mb/s"}; int(s) < len(name) {
		return name[s]
	}
	return fmt.Sprintf("speed %d", uint8(s))
}

// Speeds is a set of speeds.
type Speeds uint8

// SpeedSet makes a set.
func SpeedSet(list ...Speed) (s Speeds) {
	for _, x := range list {
		s |= 1 << x
	}
	return s
}

// Has reports whether x is in the set.
func (s Speeds) Has(x Speed) bool { return s>>x&1 != 0 }

// DirIn is the bit of an endpoint address, and of a request's type, that says: towards the host.
const DirIn = 0x80

// Status says how a transfer ended.
type Status uint8

// Ends of a transfer.
const (
	OK           Status = iota
	Stall               // the endpoint is halted, or a control request is refused
	Babble              // the device sent more than was asked for
	IOError             // no valid answer: a transaction error; what became of the bytes is not known
	Cancelled           // Cancel was called before the transfer had ended; Actual bytes had been moved
	Disconnected        // the device has gone
	Overrun             // isochronous: data was lost for want of a transfer in time
)

var statusNames = [...]string{"ok", "stall", "babble", "I/O error", "cancelled", "disconnected", "overrun"}

// String names the status.
func (s Status) String() string {
	if int(s) < len(statusNames) {
		return statusNames[s]
	}
	return fmt.Sprintf("status %d", uint8(s))
}

// Device is a USB device. Its Reset with hw.BusReset is the reset of the port it is plugged into: it goes to the Default state and ends every
// transfer under way with Cancelled. With hw.WakeUp it keeps how it has been configured: in S3 the bus is powered.
//
// The address of a device is its controller's business: SET_ADDRESS may reach it, is to be accepted, and means nothing to it.
//
// Locks: Submit and Cancel are called with no lock of the caller held; both may complete packets before they return. The device calls
// Packet.Complete and the methods of its Port with no lock of its own held.
type Device interface {
	hw.Device
	// Plug tells the device which socket it has been put into, nil when it is pulled out. A device that is ready shows itself at once by
	// Port.Connect; one that comes from elsewhere does when it has come. Pulled out, it ends all its transfers with Disconnected.
	Plug(p *Port)
	// Submit starts a transfer. Any endpoint number may come, with any direction: one that the device has not is answered with Stall.
	// The packet and its buffer are the device's until it calls Complete.
	Submit(p *Packet)
	// Cancel asks for the end of a transfer that was submitted. The device still completes it exactly once, then or soon: with its true
	// result if it had already ended or had moved all its bytes, else with Cancelled and the number of bytes it had moved.
	// A packet that is not under way is left alone.
	Cancel(p *Packet)
}

// Optional abilities of a device, found by type assertion.
type (
	// Suspender is told when its port is suspended and when it resumes; while suspended it may call Port.Wake, if the host has enabled
	// remote wake-up (SET_FEATURE DEVICE_REMOTE_WAKEUP).
	Suspender interface{ Suspend(on bool) }
	// Streamer has bulk streams. The controller calls it when streams 1 to n of the endpoints are set up, with 0 when they are given up.
	Streamer interface {
		Streams(endpoints []uint8, n int)
	}
	// Hub is a device, or a controller, with sockets of its own.
	Hub interface{ Ports() []*Port }
	// Describer names the device for people: what `info usb` shows.
	Describer interface{ Product() string }
)

// Controller is a host controller as the wiring sees it.
type Controller interface {
	hw.Device
	Hub
}
