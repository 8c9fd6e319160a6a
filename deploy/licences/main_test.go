package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestLicencesAreRead(t *testing.T) {
	ours, err := licencesOf(filepath.Join("..", ".."))
	if err != nil || !slices.Equal(ours, []string{"Apache-2.0"}) {
		t.Errorf("our own: %v, %v", ours, err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "LICENSE"), []byte("Ask the author before you use this."), 0o600); err != nil {
		t.Fatal(err)
	}
	if strange, err := licencesOf(dir); err != nil || len(strange) > 0 {
		t.Errorf("a text that is no licence: %v, %v", strange, err)
	}
}

func TestWhatMayBe(t *testing.T) {
	for _, c := range []struct {
		licences []string
		complain string
	}{
		{[]string{"MIT"}, ""},
		{[]string{"EPL-2.0", "BSD-3-Clause"}, ""},
		{[]string{"AGPL-3.0", "MIT"}, ""}, // by choice
		{[]string{"AGPL-3.0"}, "AGPL-3.0: judge it"},
		{nil, "no licence that is known"},
	} {
		err := judge([]part{{"example.org/x", "v1.0.0", c.licences, "go"}})
		if (err != nil) != (c.complain != "") || err != nil && !strings.Contains(err.Error(), c.complain) {
			t.Errorf("%v: %v", c.licences, err)
		}
	}
}

func TestTheConsolesPackages(t *testing.T) {
	parts, err := packages(filepath.Join("..", "..", lockFile))
	if err != nil || len(parts) == 0 {
		t.Fatal(parts, err)
	}
	for _, p := range parts {
		if p.Version == "" || len(p.Licences) == 0 || p.Name == "vite" || p.Name == "typescript" {
			t.Errorf("%+v", p)
		}
	}
}
