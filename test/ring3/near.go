package ring3

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"
)

// near reports whether a field of two results is near enough, for the functions that processors compute in their own ways.
func near(c *Case, got, want *Result, field string) bool {
	a, b := got.Out[recFX:], want.Out[recFX:]
	le := binary.LittleEndian
	switch {
	case field == "cr2":
		return get(got.Out[:], recCR2)-get(want.Out[:], recCR2)+512 <= 1024
	case strings.HasPrefix(field, "data"):
		return get(got.Out[:], recHow) == 2 && get(want.Out[:], recHow) == 2
	case field == "fsw":
		return (le.Uint16(a[2:])^le.Uint16(b[2:]))&^0x200 == 0
	case strings.HasPrefix(field, "st"):
		i, err := strconv.Atoi(field[2:])
		if err != nil {
			return false
		}
		x, y := a[32+16*i:], b[32+16*i:]
		return closeF80(le.Uint64(x), le.Uint16(x[8:]), le.Uint64(y), le.Uint16(y[8:]))
	case strings.HasPrefix(field, "xmm"):
		i, err := strconv.Atoi(field[3:])
		if err != nil {
			return false
		}
		for k := 0; k < 16; k += 4 {
			x, y := math.Float32frombits(le.Uint32(a[160+16*i+k:])), math.Float32frombits(le.Uint32(b[160+16*i+k:]))
			if math.Float32bits(x) != math.Float32bits(y) && !(math.Abs(float64(x)-float64(y)) <= math.Abs(float64(y))*3/4096) {
				return false
			}
		}
		return true
	}
	return false
}

// closeF80 reports whether two numbers are at most two units in the last place apart.
func closeF80(sx uint64, ex uint16, sy uint64, ey uint16) bool {
	if ex == ey {
		return sx-sy+2 <= 4
	}
	return ex+1 == ey && sx > ^uint64(1) && sy <= 1<<63+1 || ey+1 == ex && sy > ^uint64(1) && sx <= 1<<63+1
}
