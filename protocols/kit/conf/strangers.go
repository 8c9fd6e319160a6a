package conf

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// strangers finds every key of the document that the type of value does not know.
func (d *Document) strangers(value any) Problems {
	w := walker{file: d.file, known: keysOf(reflect.TypeOf(value))}
	w.walk(d.root, reflect.TypeOf(value), "")
	return w.problems
}

// maxStrangers bounds the unknown keys that are told: each costs a search for what was meant.
const maxStrangers = 100

type walker struct {
	file     string
	known    []string
	problems Problems
}

var unmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()

// walk compares a node with the type that it will be decoded into. Types that read themselves are left to do so.
func (w *walker) walk(n ast.Node, t reflect.Type, path string) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if reflect.PointerTo(t).Implements(unmarshaler) {
		return
	}
	switch v := n.(type) {
	case *ast.AnchorNode: // an alias needs no look: its anchor has had one
		w.walk(v.Value, t, path)
	case *ast.MappingNode:
		for _, kv := range v.Values {
			w.entry(kv, t, path)
		}
	case *ast.MappingValueNode:
		w.entry(v, t, path)
	case *ast.SequenceNode:
		if t.Kind() != reflect.Slice && t.Kind() != reflect.Array {
			return
		}
		for i, item := range v.Values {
			w.walk(item, t.Elem(), fmt.Sprintf("%s[%d]", path, i))
		}
	}
}

func (w *walker) entry(kv *ast.MappingValueNode, t reflect.Type, path string) {
	key := textOf(kv.Key)
	field := strings.TrimPrefix(path+"."+key, ".")
	switch t.Kind() {
	case reflect.Map:
		w.walk(kv.Value, t.Elem(), field)
	case reflect.Struct:
		if f, ok := fieldOf(t, key); ok {
			w.walk(kv.Value, f, field)
			return
		}
		if len(w.problems) == maxStrangers {
			return
		}
		pos := kv.Key.GetToken().Position
		w.problems = append(w.problems, Problem{File: w.file, Line: pos.Line, Column: pos.Column, Field: field,
			Message: "unknown key", Remedy: w.suggest(key, t)})
	}
}

// suggest prefers a key that is known at this very place.
func (w *walker) suggest(key string, t reflect.Type) string {
	var here []string
	for i := range t.NumField() {
		if name := keyOf(t.Field(i)); name != "" {
			here = append(here, name)
		}
	}
	if near := nearest(key, here); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	if near := nearest(key, w.known); near != "" {
		return fmt.Sprintf("%q is known, but not here; here are: %s", near, strings.Join(here, ", "))
	}
	return "remove it; known here: " + strings.Join(here, ", ")
}

func keyOf(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	if name == "-" {
		return ""
	}
	return name
}

func fieldOf(t reflect.Type, key string) (reflect.Type, bool) {
	for i := range t.NumField() {
		if f := t.Field(i); keyOf(f) == key && key != "" {
			return f.Type, true
		}
	}
	return nil, false
}

// keysOf collects every key that a configuration type knows, at any depth.
func keysOf(t reflect.Type) []string {
	seen := map[reflect.Type]bool{}
	var keys []string
	var walk func(reflect.Type)
	walk = func(t reflect.Type) {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct || seen[t] {
			return
		}
		seen[t] = true
		for i := range t.NumField() {
			f := t.Field(i)
			if name := keyOf(f); name != "" {
				keys = append(keys, name)
			}
			walk(f.Type)
		}
	}
	walk(t)
	slices.Sort(keys)
	return slices.Compact(keys)
}

// nearest returns the known key that is at most two edits from s, "" if none is.
func nearest(s string, known []string) string {
	best, bestDistance := "", 3
	for _, k := range known {
		if d := distance(s, k); d < bestDistance {
			best, bestDistance = k, d
		}
	}
	return best
}

// distance is the Levenshtein distance in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
