package archtest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestNoTypeCanHoldAPerson(t *testing.T) {
	_, packages := tree(t)
	for _, v := range Identity(packages) {
		t.Errorf("%s: Gridgate says that something happens at a place, never who. If it holds nobody, say why in namesNoPerson", v)
	}
}

func TestIdentityIsFound(t *testing.T) {
	for field, want := range map[string]bool{
		"PersonID string":               true,
		"ID string `json:\"face_id\"`":  true,
		"who string `json:\"plateNo\"`": true, // unexported in Go, on the wire all the same
		"Names []string":                true,
		"EstimatedAge int":              true,
		"Labels map[string]string":      true,
		"Owner string":                  true,
		"Grid string":                   false,
		"Surface float64":               false, // a word, not a part of one
		"Message, Storage string":       false,
		"face int":                      false, // never leaves the process
	} {
		packages, err := Parse(map[string]string{"protocols/alert/a.go": "package alert\ntype Alert struct {\n" + field + "\n}"})
		if err != nil {
			t.Fatal(err)
		}
		if found := Identity(packages); (len(found) > 0) != want {
			t.Errorf("%s: found %v", field, found)
		}
	}
	packages, err := Parse(map[string]string{"central/cases/c.go": "package cases\ntype Person struct{}"})
	if err != nil {
		t.Fatal(err)
	}
	if found := Identity(packages); len(found) != 1 {
		t.Errorf("type Person: found %v", found)
	}
}

// TestEveryExceptionIsUsed keeps the list of exceptions as short as the tree allows.
func TestEveryExceptionIsUsed(t *testing.T) {
	_, packages := tree(t)
	all := namesNoPerson
	namesNoPerson = map[string]string{}
	defer func() { namesNoPerson = all }()
	found := Identity(packages)
	for name, reason := range all {
		used := slices.ContainsFunc(found, func(v string) bool { return strings.HasSuffix(v, " "+name) })
		if !used || reason == "" {
			t.Errorf("the exception %s is not needed or has no reason", name)
		}
	}
}

func TestDocumentsCiteWhatExists(t *testing.T) {
	root, packages := tree(t)
	broken, err := BrokenCitations(root, packages)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range broken {
		t.Errorf("%s, which does not exist", b)
	}
}

func TestCitations(t *testing.T) {
	root := t.TempDir()
	sources := map[string]string{
		"edge/raise/raise.go": "package raise\ntype Raiser struct{ Log int }\nfunc (r *Raiser) Raise() {}\ntype Log interface{ Commit() }\nconst Max = 1",
		"edge/raise/b.go":     "package raise",
	}
	for name, text := range sources {
		full := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	packages, err := Parse(sources)
	if err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"see `edge/raise` and `edge/raise/raise.go`.":                                        "",
		"see `edge/raise.Raiser`, `edge/raise.Max`":                                          "",
		"see `edge/raise.Raiser.Raise` and `edge/raise.Log.Commit`, `edge/raise.Raiser.Log`": "",
		"see `edge/raise/{raise,b}.go`, `edge/<any>/`":                                       "",
		"run `go run ./edge/raise --x=edge/raise/b.go`":                                      "",
		"topic edge/nothing outside of backticks":                                            "",
		"a URL path `/edges/e1/cameras/c`":                                                   "",
		"see `edge/gone`":                                                                    "edge/gone",
		"see `edge/raise.Gone`":                                                              "edge/raise.Gone",
		"see `edge/raise/{raise,gone}.go`":                                                   "edge/raise/{raise,gone}.go",
		"run `go run ./central/gone NAME=x`":                                                 "central/gone",
	} {
		if err := os.WriteFile(filepath.Join(root, "README.md"), []byte("# Title\n"+line+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := BrokenCitations(root, packages)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Join(got, ";")
		if want != "" {
			want = "README.md:2 cites " + want
		}
		if text != want {
			t.Errorf("%s: %q, want %q", line, text, want)
		}
	}
}
