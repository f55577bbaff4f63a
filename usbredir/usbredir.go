// Package usbredir is the USB network redirection protocol, version 0.7 with the later capabilities, as a pure codec: bytes to packets and
// packets to bytes, for both ends of a connection, the usb-host (which has the device) and the usb-guest (which has the virtual machine).
//
// The format followed is "USB Network Redirection protocol description", version 0.7, and the layouts of usbredirproto.h. A Decoder takes
// bytes in any portions and checks lengths, directions and capabilities strictly; an Encoder appends packets to a buffer, allocates nothing
// of its own, and refuses what the Decoder of the other end would. A Filter is the rule language of both ends.
//
// Left out: what packets mean to a device, the order of packets after the hello, connections, time. Those belong to the two programs at the ends.
package usbredir

import "fmt"

// A Role is one end of a connection.
type Role uint8

// The two ends.
const (
	Guest Role = iota // has the virtual machine
	Host              // has the device
)

// Peer is the other end.
func (r Role) Peer() Role { return r ^ 1 }

// String is the name the protocol gives the end.
func (r Role) String() string {
	if r == Host {
		return "usb-host"
	}
	return "usb-guest"
}

// Caps are capability bits of the hello packet. A feature is in use when both ends have its bit.
type Caps uint32

// The capabilities.
const (
	CapBulkStreams     Caps = 1 << iota // USB 3 bulk streams; needs CapEPMaxPacketSize
	CapDeviceVersion                    // device_connect has the device's version
	CapFilter                           // filter_reject and filter_filter
	CapDisconnectAck                    // device_disconnect_ack
	CapEPMaxPacketSize                  // ep_info has max_packet_size
	Cap64BitIDs                         // 64-bit ids in the header
	Cap32BitBulkLength                  // bulk_packet has length_high
	CapBulkReceiving                    // buffered bulk input
	AllCaps            = CapBulkReceiving<<1 - 1
)

// Normal takes away what may not stand alone: bulk streams without maximum packet sizes.
func (c Caps) Normal() Caps {
	if c&CapEPMaxPacketSize == 0 {
		c &^= CapBulkStreams
	}
	return c
}

// A Status is the outcome of a request; every value not named here is an error too.
type Status uint8

// The outcomes.
const (
	Success Status = iota
	Cancelled
	Invalid
	IOError
	Stall
	Timeout
	Babble
)

// A Speed is the speed of a device.
type Speed uint8

// The speeds. Hosts say SpeedUnknown for what was invented after the protocol.
const (
	SpeedLow     Speed = 0
	SpeedFull    Speed = 1
	SpeedHigh    Speed = 2
	SpeedSuper   Speed = 3
	SpeedUnknown Speed = 255
)

// An EPType is the transfer type of an endpoint.
type EPType uint8

// The transfer types.
const (
	EPControl   EPType = 0
	EPIso       EPType = 1
	EPBulk      EPType = 2
	EPInterrupt EPType = 3
	EPNone      EPType = 255 // no such endpoint
)

// EPIndex is the place of an endpoint address in the tables of EPInfo: OUT 0 to 15, IN 16 to 31.
func EPIndex(ep uint8) int { return int(ep&0x80>>3 | ep&0x0f) }

// EPAddress is the inverse of EPIndex.
func EPAddress(i int) uint8 { return uint8(i)&0x10<<3 | uint8(i)&0x0f }

// An Error says which packet broke which rule. The connection it came from has lost its framing and has to end.
type Error struct {
	Type   Type
	ID     uint64
	Reason string
}

func (e *Error) Error() string { return fmt.Sprintf("usbredir: %v, id %d: %s", e.Type, e.ID, e.Reason) }
