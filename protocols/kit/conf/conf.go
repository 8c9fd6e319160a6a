// Package conf reads configuration files strictly and says where a mistake stands.
//
// In: a YAML file and a Go value that already holds the defaults. Out: the filled value, or [Problems] that name file, line,
// column, field and remedy. It holds no policy: what a field may contain is judged by the caller, who asks [Document.At] for the place.
package conf

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Problem is one mistake in a file. Line and Column are 1-based; 0 where the place is not known.
type Problem struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Field   string `json:"field"`
	Message string `json:"message"`
	Remedy  string `json:"remedy"`
}

func (p Problem) Error() string {
	s := fmt.Sprintf("%s:%d:%d: %s: %s", p.File, p.Line, p.Column, p.Field, p.Message)
	if p.Remedy != "" {
		s += " (" + p.Remedy + ")"
	}
	return s
}

// Problems are all mistakes found in one file; as an error it prints one a line.
type Problems []Problem

func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Err returns ps as an error, nil if there is none. Problems are sorted by line.
func (ps Problems) Err() error {
	if len(ps) == 0 {
		return nil
	}
	slices.SortStableFunc(ps, func(a, b Problem) int { return a.Line - b.Line })
	return ps
}

// Document is a parsed file that can tell where a field stands.
type Document struct {
	file string
	root ast.Node
}

// Load reads file into value, which must be a pointer to a struct that holds the defaults. Unknown and doubled keys, wrong
// types and broken YAML come back as [Problems]; an unreadable file as an ordinary error.
func Load(file string, value any) (*Document, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	return Parse(file, data, value)
}

// Parse is [Load] for bytes; file only names them.
func Parse(file string, data []byte, value any) (*Document, error) {
	parsed, err := parser.ParseBytes(data, 0)
	if err != nil {
		return nil, Problems{problemOf(file, err, value)}
	}
	doc := &Document{file: file}
	if len(parsed.Docs) > 1 {
		return nil, Problems{{File: file, Line: parsed.Docs[1].GetToken().Position.Line, Column: 1, Field: "---",
			Message: "more than one YAML document", Remedy: "keep one document in the file"}}
	}
	if len(parsed.Docs) == 0 || parsed.Docs[0].Body == nil {
		return doc, nil
	}
	doc.root = parsed.Docs[0].Body
	if err := yaml.NodeToValue(doc.root, value, yaml.Strict()); err != nil {
		return nil, Problems{problemOf(file, err, value)}
	}
	return doc, nil
}

// At builds a problem at the place of a field, for example "cameras[2].place.grid". Where the field is not in the file,
// the place is that of the nearest parent that is.
func (d *Document) At(field, message, remedy string) Problem {
	p := Problem{File: d.file, Line: 1, Column: 1, Field: field, Message: message, Remedy: remedy}
	if n := find(d.root, split(field)); n != nil {
		pos := n.GetToken().Position
		p.Line, p.Column = pos.Line, pos.Column
	}
	return p
}

var step = regexp.MustCompile(`[^.\[\]]+`)

func split(field string) []string { return step.FindAllString(field, -1) }

// find walks as far as the path leads and returns the deepest node reached; for a mapping value that is its key, where the eye looks first.
func find(n ast.Node, path []string) ast.Node {
	if n == nil || len(path) == 0 {
		return n
	}
	switch v := n.(type) {
	case *ast.MappingNode:
		for _, kv := range v.Values {
			if kv.Key.String() == path[0] {
				if len(path) == 1 {
					return kv.Key
				}
				if deeper := find(kv.Value, path[1:]); deeper != nil && deeper != kv.Value {
					return deeper
				}
				return kv.Key
			}
		}
	case *ast.SequenceNode:
		var i int
		if _, err := fmt.Sscanf(path[0], "%d", &i); err == nil && i >= 0 && i < len(v.Values) {
			if len(path) == 1 {
				return first(v.Values[i])
			}
			if deeper := find(v.Values[i], path[1:]); deeper != nil && deeper != v.Values[i] {
				return deeper
			}
			return first(v.Values[i])
		}
	}
	return n
}

// first is the first key of a mapping: its own token is the colon after it.
func first(n ast.Node) ast.Node {
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 {
		return m.Values[0].Key
	}
	return n
}

var unknownKey = regexp.MustCompile(`unknown field "([^"]*)"`)

func problemOf(file string, err error, value any) Problem {
	p := Problem{File: file, Line: 1, Column: 1, Field: "(file)", Message: err.Error(), Remedy: "write valid YAML"}
	var ye yaml.Error
	if !errors.As(err, &ye) {
		return p
	}
	p.Message = ye.GetMessage()
	if tok := ye.GetToken(); tok != nil && tok.Position != nil {
		p.Line, p.Column, p.Field = tok.Position.Line, tok.Position.Column, tok.Value
	}
	var syntax *yaml.SyntaxError
	var duplicate *yaml.DuplicateKeyError
	switch m := unknownKey.FindStringSubmatch(p.Message); {
	case m != nil:
		p.Field, p.Message = m[1], "unknown key"
		p.Remedy = "remove it"
		if near := nearest(m[1], keysOf(reflect.TypeOf(value))); near != "" {
			p.Remedy = fmt.Sprintf("did you mean %q?", near)
		}
	case errors.As(err, &duplicate):
		p.Remedy = "keep one of the two"
	case errors.As(err, &syntax):
		p.Field = "(yaml)"
	default:
		p.Remedy = "write a value of the right type"
	}
	return p
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
			if name, _, _ := strings.Cut(f.Tag.Get("yaml"), ","); name != "" && name != "-" {
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
