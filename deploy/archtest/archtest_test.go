package archtest

import (
	"strings"
	"testing"
)

func tree(t *testing.T) (root string, packages []Package) {
	t.Helper()
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	packages, err = Load(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(packages) < 10 {
		t.Fatalf("found %d packages under %s: that is not the repository", len(packages), root)
	}
	return root, packages
}

func TestRules(t *testing.T) {
	_, packages := tree(t)
	for _, r := range Rules {
		t.Run(r.Name, func(t *testing.T) {
			for _, p := range packages {
				for _, v := range r.Check(p) {
					t.Errorf("%s\n\twhy it may not: %s", v, r.Reason)
				}
			}
		})
	}
}

// TestRulesCatch feeds every rule a tree that breaks it.
func TestRulesCatch(t *testing.T) {
	for _, r := range Rules {
		packages, err := Parse(r.Broken)
		if err != nil {
			t.Fatalf("%s: %v", r.Name, err)
		}
		found := 0
		for _, p := range packages {
			found += len(r.Check(p))
		}
		if found != 1 {
			t.Errorf("%s: found %d violations in its broken tree, want 1", r.Name, found)
		}
		if r.Reason == "" {
			t.Errorf("%s: no reason", r.Name)
		}
	}
}

// TestRulesAllow feeds all rules what the design allows.
func TestRulesAllow(t *testing.T) {
	const doc = "// Package x holds what the test of the rules needs and no more.\n"
	for name, sources := range map[string]map[string]string{
		"an implementation imports its family":      {"edge/source/rtsp/r.go": doc + "package rtsp\nimport _ \"gridgate/edge/source\""},
		"a source imports its own standard":         {"edge/source/gb28181/s.go": doc + "package gb28181\nimport _ \"gridgate/protocols/gb28181/media\""},
		"a family member's part imports the member": {"central/store/sqlite/sub/s.go": doc + "package sub\nimport _ \"gridgate/central/store/sqlite\""},
		"app picks implementations":                 {"central/app/a.go": doc + "package app\nimport _ \"gridgate/central/store/sqlite\"\nimport _ \"gridgate/central/config\""},
		"a test uses the contract suite":            {"central/tsdb/embedded/e.go": doc + "package embedded", "central/tsdb/embedded/e_test.go": "package embedded\nimport _ \"gridgate/central/tsdb/tsdbtest\""},
		"a test uses the kit":                       {"edge/forward/f.go": doc + "package forward", "edge/forward/f_test.go": "package forward\nimport _ \"gridgate/deploy/testkit/rtspcam\""},
		"a zero alert beside an error":              {"edge/forward/f.go": doc + "package forward\nimport \"gridgate/protocols/alert\"\nvar Z = alert.Alert{}"},
		"an HTTP client":                            {"edge/forward/f.go": doc + "package forward\nimport \"net/http\"\nvar C http.Client"},
		"a folder whose name begins like another":   {"central/storefront/s.go": doc + "package storefront\nimport _ \"gridgate/edgecase\""},
	} {
		packages, err := Parse(sources)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range Rules {
			for _, p := range packages {
				if v := r.Check(p); len(v) > 0 {
					t.Errorf("%s: refused by %q: %s", name, r.Name, strings.Join(v, "; "))
				}
			}
		}
	}
}
