package input

import (
	"fmt"
	"testing"
)

func TestRouter_pointers(t *testing.T) {
	var r Router
	var kbd, ps2, tablet sink
	r.Add(&kbd, Key)
	r.AddPointer("mouse", &ps2, Rel, Button)
	r.AddPointer("tablet", &tablet, Abs, Button)
	if got := fmt.Sprint(r.Pointers()); got != "[{2 tablet true true} {1 mouse false false}]" {
		t.Errorf("pointers %s", got)
	}
	btn := Event{Kind: Button, Code: BtnLeft, Down: true}
	r.Send(btn)
	if r.Choose(0) || r.Choose(9) || !r.Choose(1) {
		t.Error("a keyboard was chosen, or the mouse was not")
	}
	tablet.want(t, btn, Event{Kind: Button, Code: BtnLeft}) // nothing stays pressed where nobody reaches it
	r.Send(btn)
	ps2.want(t, btn)
	if r.Absolute() || fmt.Sprint(r.Pointers()) != "[{1 mouse false true} {2 tablet true false}]" {
		t.Errorf("pointers %v", r.Pointers())
	}
}
