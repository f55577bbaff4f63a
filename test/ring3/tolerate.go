package ring3

import (
	"slices"
	"strings"
)

// Known differences between the reference as it is seen through KVM and what a processor does: none of them is the software CPU's.

// emulated reports whether the reference shows not the processor but the emulator of the KVM in use: it runs instructions again that have raised #GP or
// #UD in user code, in case they want emulating. Of instructions it does not know it makes #UD, where the processor raised #GP or #SS; of some
// that the processor refuses for their LOCK it makes nothing.
func emulated(c *Case, got, want *Result) bool {
	ours, theirs := get(got.Out[:], recVector), get(want.Out[:], recVector)
	switch {
	case get(want.Out[:], recHow) == 2 && c.Form != nil && strings.HasPrefix(c.Form.Name, "maskmov") && ours != theirs:
		return true // bytes that the mask leaves out may fault or not (SDM volume 2, MASKMOVQ)
	case get(want.Out[:], recHow) == 2 && theirs == 6 && get(got.Out[:], recHow) == 2:
		return (ours == 12 || ours == 13) && get(got.Out[:], recRIP) == get(want.Out[:], recRIP)
	case ours == 13 && (c.Form != nil && (c.Form.Name == "fxsave" || c.Form.Name == "fxrstor")): // it knows nothing of their alignment
		return true
	case get(got.Out[:], recHow) == 2 && ours == 6:
		return get(want.Out[:], recHow) != 2 && slices.Contains(c.Code, 0xf0)
	}
	return false
}

// free is what the software CPU may do otherwise, by mnemonic: fields, and why.
type free struct {
	names  string
	fields string // prefixes of Field.Name
	why    string
}

func freedoms() []free {
	return []free{
		{"fsin fcos fsincos fptan fpatan f2xm1 fyl2x fyl2xp1", "st fsw", "the last bit of transcendental functions, and whether it was rounded up (C1), differ between processors"},
		{"maskmovq maskmovdqu fldenv frstor fnstenv fnsave fxsave fxrstor", "cr2", "which of a long operand's bytes is reported first"},
		{"call", "data", "Intel's processors have pushed the return address when the target turns out not to be canonical"},
		{"rcpps rcpss rsqrtps rsqrtss", "xmm", "approximations, each with a relative error of up to 1.5/4096"},
	}
}

// tolerated removes what may differ.
func tolerated(c *Case, got, want *Result, d []Field) []Field {
	if len(d) == 0 || emulated(c, got, want) {
		return nil
	}
	for _, f := range freedoms() {
		if c.Form == nil || !slices.Contains(strings.Fields(f.names), c.Form.Name) {
			continue
		}
		d = slices.DeleteFunc(d, func(x Field) bool {
			return slices.ContainsFunc(strings.Fields(f.fields), func(p string) bool { return strings.HasPrefix(x.Name, p) && near(c, got, want, x.Name) })
		})
	}
	return d
}
