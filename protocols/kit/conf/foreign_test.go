package conf

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestForeignTexts: what could cost much or stand for something unseen is refused where it stands, before it is parsed.
func TestForeignTexts(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		line int
		what string // empty: it is taken
	}{
		"plain":          {"name: a\ncameras:\n  - id: x\n    fps: 5\n  - {id: y}\n", 0, ""},
		"an anchor":      {"name: &a b\n", 1, "anchor"},
		"an alias":       {"name: a\ncameras: *a\n", 2, "anchor"},
		"a merged key":   {"name: a\n<<: {name: b}\n", 2, "anchor"},
		"a tag":          {"name: !!str a\n", 1, "tag"},
		"a complex key":  {"? name\n: a\n", 1, "question mark"},
		"brackets":       {"name: a\ncameras: " + strings.Repeat("[", 17), 2, "brackets"},
		"lists":          {"- - - - - a\n", 1, "lists that begin"},
		"a long line":    {"name: a\n#" + strings.Repeat("x", maxLine), 2, "bytes"},
		"quotes":         {strings.Repeat("\"", maxLine+1), 1, "bytes"},
		"keys":           {many("k%d: 1\n", maxKeys+1), maxKeys + 1, "keys in one"},
		"keys of one":    {"cameras:\n  - fps:\n" + many("      k%d: 1\n", maxKeys+1), maxKeys + 3, "keys in one"},
		"keys within {}": {"cameras: [{\n" + many("k%d: 1,\n", maxKeys+1) + "}]", maxKeys + 2, "keys in one"},
		"keys of others": {"cameras:\n" + many("  - {id: c%[1]d, fps: 1}\n  - id: d%[1]d\n    fps: 1\n", maxKeys), 0, ""},
		"no entries":     {"cameras:\n" + strings.Repeat("  -\n", maxEmpty+2), maxEmpty + 3, "without a value"},
		"no values":      {"cameras:\n" + strings.Repeat("- id:\n", maxEmpty+2), maxEmpty + 3, "without a value"},
		"none within []": {"cameras: [\n" + strings.Repeat("{id:},\n", maxEmpty+1) + "]", maxEmpty + 2, "without a value"},
		"words":          {"name: a\n" + strings.Repeat("]\n", maxParts), maxParts - 1, "words and signs"},
		"documents":      {"--- # a comment\nname: a\n---\nname: b\n", 3, "more than one"},
		"one document":   {"# a comment\n---\nname: a\n", 0, ""},
		"no such number": {"cameras: [{fps: x}]\n", 1, "is not a"},
	} {
		t.Run(name, func(t *testing.T) {
			err := ParseForeign("f", []byte(c.text), &sample{}, func(*Document) Problems { return nil })
			found, _ := err.(Problems)
			switch {
			case c.what == "" && err != nil:
				t.Error(err)
			case c.what != "" && (len(found) == 0 || found[0].Line != c.line || !strings.Contains(found[0].Message, c.what)):
				t.Errorf("%v, want line %d, %q", err, c.line, c.what)
			}
		})
	}
}

func many(line string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, line, i)
	}
	return b.String()
}

func TestKeys(t *testing.T) {
	var top, inner, none []string
	err := Parse("f", []byte("name: a\n\"cameras\": [{id: x, place: {grid: \"1\"}}]\n"), &sample{}, func(d *Document) Problems {
		top, inner, none = d.Keys(""), d.Keys("cameras"), d.Keys("nothing.at.all")
		return nil
	})
	if err != nil || !slices.Equal(top, []string{"name", "cameras"}) || inner != nil || none != nil {
		t.Errorf("%v %v %v, %v", top, inner, none, err)
	}
}
