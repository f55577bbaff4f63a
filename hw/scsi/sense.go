package scsi

// Sense says why a command has failed: sense key, additional sense code and its qualifier, in this order from bit 16 down.
type Sense uint32

// Sense keys.
const (
	KeyNotReady  = 0x2
	KeyMedium    = 0x3
	KeyIllegal   = 0x5
	KeyAttention = 0x6
)

// Senses (SPC-4, annex D).
const (
	Good           Sense = 0
	BadOpcode      Sense = 0x52000
	BadRange       Sense = 0x52100
	BadField       Sense = 0x52400
	BadUnit        Sense = 0x52500
	BadParameter   Sense = 0x52600
	BadLength      Sense = 0x51a00 // of a parameter list
	BadTrack       Sense = 0x56400 // illegal mode for this track
	BadMedium      Sense = 0x53002 // incompatible
	NoSaving       Sense = 0x53900 // of parameters
	Prevented      Sense = 0x55302 // removal of the medium
	ReadError      Sense = 0x31100
	WriteError     Sense = 0x30c00
	WriteProtected Sense = 0x72700
	PowerOnReset   Sense = 0x62900
	MediumChanged  Sense = 0x62800
	NoMedium       Sense = 0x23a00
	NotStarted     Sense = 0x20402
	Miscompare     Sense = 0xe1d00
)

// Key is the sense key.
func (s Sense) Key() uint8 { return uint8(s >> 16) }

// Code is the additional sense code.
func (s Sense) Code() uint8 { return uint8(s >> 8) }

// Qualifier is the code's qualifier.
func (s Sense) Qualifier() uint8 { return uint8(s) }

// NoDisc is the sense of a drive that has none to read.
func NoDisc(open bool) Sense {
	if open {
		return NoMedium | 2
	}
	return NoMedium | 1
}

// Fixed is the sense data in fixed format (SPC-4, 4.5.3).
func (s Sense) Fixed() []byte {
	b := make([]byte, 18)
	b[0], b[2], b[7], b[12], b[13] = 0x70, s.Key(), 10, s.Code(), s.Qualifier()
	return b
}

// descriptor is the sense data in descriptor format (SPC-4, 4.5.2).
func (s Sense) descriptor() []byte { return []byte{0x72, s.Key(), s.Code(), s.Qualifier(), 0, 0, 0, 0} }
