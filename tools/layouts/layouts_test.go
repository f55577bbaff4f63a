package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestPack_reproduces makes the tables anew from Debian's xkb-data and compares them with those in the tree.
func TestPack_reproduces(t *testing.T) {
	version, err := exec.Command("dpkg-query", "-W", "-f", "${Version}", "xkb-data").Output()
	if err != nil || !strings.HasPrefix(string(version), "2.35.1") {
		t.Skipf("xkb-data %s, the tables are of 2.35.1: %v", version, err)
	}
	dump := filepath.Join(t.TempDir(), "dump")
	if out, err := exec.Command("gcc", "-O1", "-Wall", "-o", dump, "dump/dump.c", "-lxkbcommon").CombinedOutput(); err != nil {
		t.Skipf("no libxkbcommon (make deps-test): %v: %s", err, out)
	}
	text, err := exec.Command(dump).Output()
	if err != nil {
		t.Fatal(err)
	}
	got, err := pack(bytes.NewReader(text), "xkb-data "+string(version))
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("../../input/layout/layouts.gz")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("input/layout/layouts.gz is not what xkb-data %s gives: make layouts", version)
	}
}
