package x86

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"govm-desktop/snapshot"
)

// fill gives every field of v a value of its own.
func fill(v reflect.Value, r *rand.Rand) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), r)
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i), r)
		}
	case reflect.Bool:
		v.SetBool(true)
	default:
		v.SetUint(r.Uint64() >> (64 - v.Type().Bits()))
	}
}

// TestState_roundTrip finds fields that State forgets.
func TestState_roundTrip(t *testing.T) {
	var a, b State
	fill(reflect.ValueOf(&a).Elem(), rand.New(rand.NewPCG(1, 1)))
	if err := snapshot.Load(&b, snapshot.Save(&a)); err != nil {
		t.Fatal(err)
	}
	va, vb := reflect.ValueOf(a), reflect.ValueOf(b)
	for i := range va.NumField() {
		if !reflect.DeepEqual(va.Field(i).Interface(), vb.Field(i).Interface()) {
			t.Errorf("%s is lost: %v, want %v", va.Type().Field(i).Name, vb.Field(i), va.Field(i))
		}
	}
}

func TestReset(t *testing.T) {
	s := Reset(true)
	if pc := s.Seg[CS].Base + s.RIP; pc != 0xfffffff0 {
		t.Errorf("starts at %#x", pc)
	}
	if s.WaitSIPI || s.APICBase&APICBaseBSP == 0 {
		t.Error("the boot processor waits to be started")
	}
	ap := Reset(false)
	if !ap.WaitSIPI || ap.APICBase&APICBaseBSP != 0 {
		t.Error("an application processor starts by itself")
	}
	if s.CR0 != 0x60000010 || s.RFLAGS != 2 || s.FPU.FCW != 0x40 || s.FPU.MXCSR != 0x1f80 || s.DR6 != 0xffff0ff0 || s.DR7 != 0x400 {
		t.Errorf("registers %+v", s)
	}
	if s.Seg[CS].Attr.DPL() != 0 || Attr(3<<5).DPL() != 3 {
		t.Error("DPL")
	}
}
