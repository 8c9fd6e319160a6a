package rules

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gridgate/central/cases"
	"gridgate/protocols/alert"
)

// FuzzFile: no text makes Parse panic, and what it takes compiles and runs.
func FuzzFile(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.txt")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		text, _, _ := strings.Cut(string(data), "\n=====")
		f.Add(text)
	}
	f.Add(DefaultText())
	f.Add(all)
	f.Fuzz(func(t *testing.T, text string) {
		file, err := Parse("rules.yaml", []byte(text))
		if err != nil {
			return
		}
		e, err := NewEngine(Options{File: file})
		if err != nil {
			t.Fatalf("a file that was taken does not compile: %v", err)
		}
		e.Next(NewState(), []Item{{Event: cases.Event{
			Position: 1, CaseID: "c", Type: cases.EventOpened, At: t0, Count: 1, Severity: alert.Minor,
			Opening: &cases.Opening{Key: "k", Kind: alert.Door, Class: "0406", Grid: gridA, Source: alert.SensorSource("e", "d")},
		}}})
	})
}

// FuzzCondition: no expression makes the compiler or the machine panic.
func FuzzCondition(f *testing.F) {
	for _, text := range []string{`kind == "smoke"`, `rank > 1 and grid startsWith "33"`, `1..9`, `any([1], # > 0)`, `kind matches "^a"`, `not (kind in ["a"])`, `rank / 0 > 1 ? true : false`} {
		f.Add(text)
	}
	facts := FactsOf(cases.Case{Opening: cases.Opening{Kind: alert.Smoke, Class: "0101", Grid: gridA, Source: alert.CameraSource("e", "c")}, Severity: alert.Critical})
	f.Fuzz(func(_ *testing.T, text string) {
		if c, err := compile(text); err == nil {
			c.holds(facts)
		}
	})
}
