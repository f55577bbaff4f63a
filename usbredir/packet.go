package usbredir

import "strconv"

// A Type is the type of a packet.
type Type uint32

// The packet types; the comments say who sends them.
const (
	TypeHello                    Type = iota // both, first
	TypeDeviceConnect                        // host
	TypeDeviceDisconnect                     // host
	TypeReset                                // guest
	TypeInterfaceInfo                        // host
	TypeEPInfo                               // host
	TypeSetConfiguration                     // guest
	TypeGetConfiguration                     // guest
	TypeConfigurationStatus                  // host
	TypeSetAltSetting                        // guest
	TypeGetAltSetting                        // guest
	TypeAltSettingStatus                     // host
	TypeStartIsoStream                       // guest
	TypeStopIsoStream                        // guest
	TypeIsoStreamStatus                      // host
	TypeStartInterruptReceiving              // guest
	TypeStopInterruptReceiving               // guest
	TypeInterruptReceivingStatus             // host
	TypeAllocBulkStreams                     // guest
	TypeFreeBulkStreams                      // guest
	TypeBulkStreamsStatus                    // host
	TypeCancelDataPacket                     // guest; the id is that of the packet to cancel
	TypeFilterReject                         // guest
	TypeFilterFilter                         // both
	TypeDeviceDisconnectAck                  // guest
	TypeStartBulkReceiving                   // guest
	TypeStopBulkReceiving                    // guest
	TypeBulkReceivingStatus                  // host

	TypeControlPacket      Type = 100 // both
	TypeBulkPacket         Type = 101 // both
	TypeIsoPacket          Type = 102 // the end the data comes from
	TypeInterruptPacket    Type = 103 // the end the data comes from; the host answers OUT
	TypeBufferedBulkPacket Type = 104 // host
)

// String is the name in the protocol description.
func (t Type) String() string {
	if l, ok := layoutOf(t); ok {
		return l.name
	}
	return "packet type " + strconv.FormatUint(uint64(t), 10)
}

// A Packet is any packet. Fields that its type does not have are zero when decoded and ignored when encoded.
type Packet struct {
	Type Type
	ID   uint64 // 32 bits of it travel without Cap64BitIDs

	Status        Status
	Endpoint      uint8 // address, with the direction in bit 7
	Configuration uint8
	Interface     uint8
	Alt           uint8

	Request     uint8 // control_packet: the SETUP stage, with Length as wLength
	RequestType uint8
	Value       uint16
	Index       uint16

	PacketsPerURB uint8 // start_iso_stream
	URBs          uint8 // start_iso_stream; start_bulk_receiving calls them transfers

	// Length is the number of bytes wanted in a request, moved in an answer, equal to len(Data) where data travels;
	// in start_bulk_receiving it is the size of one transfer.
	Length    uint32
	Stream    uint32 // stream id
	Endpoints uint32 // bulk streams: bit EPIndex(ep) for every endpoint meant
	Streams   uint32 // bulk streams: how many

	Device     Device         // device_connect
	Hello      Hello          // hello
	Interfaces *InterfaceInfo // interface_info
	EPs        *EPInfo        // ep_info

	// Data is the payload; for filter_filter the text without its final NUL. From a Decoder it is valid until the next packet.
	Data []byte
	// Placed says that the Decoder has put the payload where Config.Place told it to; Data is nil then.
	Placed bool
}

// Hello is the body of hello.
type Hello struct {
	Version string // free text, at most 63 bytes
	Caps    Caps
}

// Device is the body of device_connect.
type Device struct {
	Speed                     Speed
	Class, SubClass, Protocol uint8
	Vendor, Product           uint16
	Version                   uint16 // bcdDevice, 0 without CapDeviceVersion
}

// InterfaceInfo is the body of interface_info: the interfaces of the active configuration in the first Count places.
type InterfaceInfo struct {
	Count                             uint32
	Number, Class, SubClass, Protocol [32]uint8
}

// EPInfo is the body of ep_info; EPIndex says which place belongs to an endpoint.
type EPInfo struct {
	Type          [32]EPType
	Interval      [32]uint8
	Interface     [32]uint8
	MaxPacketSize [32]uint16 // 0 without CapEPMaxPacketSize
	MaxStreams    [32]uint32 // 0 without CapBulkStreams
}

type senders uint8

const (
	fromGuest senders = 1 << Guest
	fromHost  senders = 1 << Host
	fromBoth          = fromGuest | fromHost
)

// A layout is what the header of a packet decides alone.
type layout struct {
	name string
	by   senders
	need Caps // the receiver must have offered these
	size int  // bytes of the body when both ends have all capabilities
	data bool // variable bytes may follow the body
}

func layoutOf(t Type) (layout, bool) {
	control := [...]layout{
		{"hello", fromBoth, 0, 64, true},
		{"device_connect", fromHost, 0, 10, false},
		{"device_disconnect", fromHost, 0, 0, false},
		{"reset", fromGuest, 0, 0, false},
		{"interface_info", fromHost, 0, 132, false},
		{"ep_info", fromHost, 0, 288, false},
		{"set_configuration", fromGuest, 0, 1, false},
		{"get_configuration", fromGuest, 0, 0, false},
		{"configuration_status", fromHost, 0, 2, false},
		{"set_alt_setting", fromGuest, 0, 2, false},
		{"get_alt_setting", fromGuest, 0, 1, false},
		{"alt_setting_status", fromHost, 0, 3, false},
		{"start_iso_stream", fromGuest, 0, 3, false},
		{"stop_iso_stream", fromGuest, 0, 1, false},
		{"iso_stream_status", fromHost, 0, 2, false},
		{"start_interrupt_receiving", fromGuest, 0, 1, false},
		{"stop_interrupt_receiving", fromGuest, 0, 1, false},
		{"interrupt_receiving_status", fromHost, 0, 2, false},
		{"alloc_bulk_streams", fromGuest, CapBulkStreams, 8, false},
		{"free_bulk_streams", fromGuest, CapBulkStreams, 4, false},
		{"bulk_streams_status", fromHost, CapBulkStreams, 9, false},
		{"cancel_data_packet", fromGuest, 0, 0, false},
		{"filter_reject", fromGuest, CapFilter, 0, false},
		{"filter_filter", fromBoth, CapFilter, 0, true},
		{"device_disconnect_ack", fromGuest, CapDisconnectAck, 0, false},
		{"start_bulk_receiving", fromGuest, CapBulkReceiving, 10, false},
		{"stop_bulk_receiving", fromGuest, CapBulkReceiving, 5, false},
		{"bulk_receiving_status", fromHost, CapBulkReceiving, 6, false},
	}
	data := [...]layout{
		{"control_packet", fromBoth, 0, 10, true},
		{"bulk_packet", fromBoth, 0, 10, true},
		{"iso_packet", fromBoth, 0, 4, true},
		{"interrupt_packet", fromBoth, 0, 4, true},
		{"buffered_bulk_packet", fromHost, CapBulkReceiving, 10, true},
	}
	switch {
	case t < Type(len(control)):
		return control[t], true
	case t >= TypeControlPacket && t-TypeControlPacket < Type(len(data)):
		return data[t-TypeControlPacket], true
	}
	return layout{}, false
}

// bodySize is the length of a body when shared are the capabilities of both ends.
func bodySize(t Type, l layout, shared Caps) int {
	switch {
	case t == TypeDeviceConnect && shared&CapDeviceVersion == 0, t == TypeBulkPacket && shared&Cap32BitBulkLength == 0:
		return 8
	case t == TypeEPInfo && shared&CapBulkStreams != 0:
		return 288
	case t == TypeEPInfo && shared&CapEPMaxPacketSize != 0:
		return 160
	case t == TypeEPInfo:
		return 96
	}
	return l.size
}
