package ingest

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestFoundNotes(t *testing.T) {
	given := []any{"channels", 40, "proposed", 32, "off", "1m30s", "port", 8000, "maker", "Hikvision"}
	for code, words := range FoundNotes {
		note := FoundNote(code, given...)
		if strings.ContainsAny(note, "{}") || utf8.RuneCountInString(note) > MaxFoundNote {
			t.Errorf("%s: %q", code, note)
		}
		got, args, ok := ReadFoundNote(note)
		if !ok || got != code || len(args) != strings.Count(words, "{") {
			t.Errorf("%q is read as %s with %v, %t; want %s", note, got, args, ok, code)
		}
	}
	if _, args, _ := ReadFoundNote("it has 40 channels: 32 are proposed"); args["channels"] != "40" || args["proposed"] != "32" {
		t.Errorf("%v", args)
	}
	for _, other := range []string{"", "its clock is", "it is blue", "well, whether it tells events of its own is not known"} {
		if code, _, ok := ReadFoundNote(other); ok {
			t.Errorf("%q is taken for %s", other, code)
		}
	}
}
