package snapshot

import (
	"encoding/binary"
	"reflect"
)

// bits is the value as 64 bits, signed numbers extended.
func bits(v any) uint64 {
	r := reflect.ValueOf(v)
	switch {
	case r.Kind() == reflect.Bool:
		if r.Bool() {
			return 1
		}
		return 0
	case r.CanInt():
		return uint64(r.Int())
	default:
		return r.Uint()
	}
}

// decode stores the value that encode made into *p; a stream that holds no number leaves *p alone.
func decode[T Scalar](b []byte, p *T) {
	u, w := binary.Uvarint(b)
	if w <= 0 {
		return
	}
	r := reflect.ValueOf(p).Elem()
	switch {
	case r.Kind() == reflect.Bool:
		r.SetBool(u != 0)
	case r.CanInt():
		r.SetInt(int64(u))
	default:
		r.SetUint(u)
	}
}
