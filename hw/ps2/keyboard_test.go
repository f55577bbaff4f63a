package ps2

import "testing"

// TestKeyboard_commandWhileKeysCome: the answers of a command come first and together, the keys afterwards, none lost.
func TestKeyboard_commandWhileKeysCome(t *testing.T) {
	r := newRig(t)
	r.key(56, true) // in the buffer, unread
	r.Out8(0x60, 0xed)
	r.key(56, false)
	r.want("the first answer, alone", 0xfa)
	r.key(65, true)
	r.Out8(0x60, 2)
	r.want("the second answer, then what was pressed", 0xfa, 0x38, 0xb8, 0x41)
	r.key(65, false)
	r.Out8(0x60, 0xf4)
	r.want("enable forgets what was pressed before", 0xfa)
}
