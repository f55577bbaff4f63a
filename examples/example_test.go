package examples_test

import (
	"os"
	"strings"
	"testing"

	"govm-desktop/examples"
)

func ExampleAddAndPrint() {
	if err := examples.AddAndPrint("soft", os.Stdout); err != nil {
		os.Stdout.WriteString(err.Error())
	}
	// Output: 4
}

func ExampleCount() {
	if err := examples.Count("soft", os.Stdout, 3); err != nil {
		os.Stdout.WriteString(err.Error())
	}
	// Output:
	// 0
	// 1
	// 2
}

// TestKVM runs both examples on the other accelerator.
func TestKVM(t *testing.T) {
	f, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("KVM: %v", err)
	}
	f.Close()
	var b strings.Builder
	if err := examples.AddAndPrint("kvm", &b); err != nil || b.String() != "4\n" {
		t.Errorf("AddAndPrint printed %q, %v, want 4 and a newline", b.String(), err)
	}
	b.Reset()
	if err := examples.Count("kvm", &b, 3); err != nil || b.String() != "0\n1\n2\n" {
		t.Errorf("Count printed %q, %v, want 0 to 2", b.String(), err)
	}
}
