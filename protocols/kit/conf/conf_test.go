package conf

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

type place struct {
	Grid string `yaml:"grid"`
}

type camera struct {
	ID    string `yaml:"id"`
	Place place  `yaml:"place"`
	FPS   int    `yaml:"fps"`
}

type sample struct {
	Name    string   `yaml:"name"`
	Cameras []camera `yaml:"cameras"`
}

// TestGolden reads testdata/*.txt: a bad file, "=====", and the lines that it must bring.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no golden files")
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			input, want, _ := strings.Cut(string(data), "\n=====\n")
			err = Parse("edge.yaml", []byte(input), &sample{}, func(*Document) Problems { return nil })
			var problems Problems
			if !errors.As(err, &problems) {
				t.Fatalf("error %v, want problems", err)
			}
			if got := strings.TrimSpace(err.Error()); got != strings.TrimSpace(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

const good = "name: x\ncameras:\n  - id: a\n    place:\n      grid: \"1\"\n  - id: b\n"

func TestDefaultsStayAndFieldsAreFound(t *testing.T) {
	want := map[string]int{
		"name": 1, "cameras": 2, "cameras[0].id": 3, "cameras[0].place.grid": 5, "cameras[1].place.grid": 6, "cameras[7].id": 2, "nothing": 1,
	}
	v := sample{Name: "default", Cameras: []camera{{ID: "old"}}}
	asked := false
	err := Parse("edge.yaml", []byte(good), &v, func(doc *Document) Problems {
		asked = true
		for field, line := range want {
			if p := doc.At(field, "m", "r"); p.Line != line || p.Field != field || p.File != "edge.yaml" {
				t.Errorf("%s: %+v, want line %d", field, p, line)
			}
		}
		return nil
	})
	if err != nil || !asked || v.Name != "x" || len(v.Cameras) != 2 {
		t.Fatalf("%+v, %v", v, err)
	}
	empty := sample{Name: "default"}
	err = Parse("edge.yaml", nil, &empty, func(doc *Document) Problems { return Problems{doc.At("name", "is demanded", "")} })
	if err == nil || err.Error() != "edge.yaml:1:1: name: is demanded" || empty.Name != "default" {
		t.Errorf("an empty file: %+v, %v", empty, err)
	}
	if err := Load(filepath.Join(t.TempDir(), "none.yaml"), &empty, nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

// TestQuotedKeysAndAnchors: a file may be written as JSON, and parts of it may be shared.
func TestQuotedKeysAndAnchors(t *testing.T) {
	v := sample{}
	text := "{\"name\": \"x\",\n 'cameras': [&a {\"id\": \"1\",\n \"place\": &p {\"grid\": \"7\"}}, {id: '2', place: *p}]}"
	err := Parse("edge.json", []byte(text), &v, func(doc *Document) Problems {
		if p := doc.At("cameras[0].place.grid", "", ""); p.Line != 3 {
			t.Errorf("grid is found in line %d, want 3", p.Line)
		}
		return nil
	})
	if err != nil || len(v.Cameras) != 2 || v.Cameras[1].Place.Grid != "7" {
		t.Errorf("error %v, value %+v", err, v)
	}
}

func TestProblemsAreSortedAndPrinted(t *testing.T) {
	err := Problems{{File: "f", Line: 2, Column: 1, Field: "b", Message: "m"}, {File: "f", Line: 1, Column: 3, Field: "a", Message: "m", Remedy: "r"}}.Err()
	if err == nil || err.Error() != "f:1:3: a: m (r)\nf:2:1: b: m" {
		t.Errorf("%v", err)
	}
	if err := (Problems{}).Err(); err != nil {
		t.Errorf("no problem is an error: %v", err)
	}
}

func TestSecrets(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(" s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CONF_TEST_SECRET", "from-env")
	t.Setenv("CONF_TEST_EMPTY", " ")
	for _, s := range []Secret{{File: file}, {Env: "CONF_TEST_SECRET"}} {
		if v, err := s.Value(); err != nil || v != "s3cret" && v != "from-env" || !s.Set() {
			t.Errorf("%q, %v", v, err)
		}
		if got := s.LogValue().String(); strings.Contains(got, file) || strings.Contains(got, "CONF") {
			t.Errorf("the log would say %q", got)
		}
	}
	for _, s := range []Secret{{}, {File: file, Env: "X"}, {File: file + "x"}, {Env: "CONF_TEST_EMPTY"}} {
		if v, err := s.Value(); err == nil || v != "" {
			t.Errorf("%+v: %q", s, v)
		}
	}
}
