package cpu

// rowsString are the string instructions on memory; those on ports are in rowsSystem.
func rowsString() []row {
	return []row{
		{"A4", "movsb", "", rowByte, featNone, execMovs},
		{"A5", "movs", "", 0, featNone, execMovs},
		{"A6", "cmpsb", "", rowByte, featNone, execCmps},
		{"A7", "cmps", "", 0, featNone, execCmps},
		{"AA", "stosb", "", rowByte, featNone, execStos},
		{"AB", "stos", "", 0, featNone, execStos},
		{"AC", "lodsb", "", rowByte, featNone, execLods},
		{"AD", "lods", "", 0, featNone, execLods},
		{"AE", "scasb", "", rowByte, featNone, execScas},
		{"AF", "scas", "", 0, featNone, execScas},
	}
}
