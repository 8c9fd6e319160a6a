// Package conf reads configuration files strictly and says where a mistake stands.
//
// In: a YAML file and a Go value that already holds the defaults. Out: the filled value, or [Problems] that name file, line,
// column, field and remedy. It holds no policy: what a field may contain is judged by the caller, who asks [Document.At] for the place.
package conf

import (
	"errors"
	"fmt"
	"os"
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

// Load reads file into value, a pointer to a struct that holds the defaults, and judges it. Every unknown or doubled key is
// found, and, if the rest could be decoded, whatever validate finds as well: the error is [Problems]. An unreadable file is an
// ordinary error.
func Load(file string, value any, validate func(*Document) Problems) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read configuration: %w", err)
	}
	return Parse(file, data, value, validate)
}

// Parse is [Load] for bytes; file only names them.
func Parse(file string, data []byte, value any, validate func(*Document) Problems) error {
	parsed, err := parser.ParseBytes(data, 0)
	if err != nil {
		return Problems{problemOf(file, err)}
	}
	if len(parsed.Docs) > 1 {
		p := oneDocument
		p.File, p.Line = file, parsed.Docs[1].GetToken().Position.Line
		return Problems{p}
	}
	doc := &Document{file: file}
	var problems Problems
	if len(parsed.Docs) == 1 && parsed.Docs[0].Body != nil {
		doc.root = parsed.Docs[0].Body
		problems = doc.strangers(value)
		if err := decode(doc.root, value); err != nil {
			return append(problems, doc.locate(problemOf(file, err))).Err()
		}
	}
	return append(problems, validate(doc)...).Err()
}

// oneDocument is the problem of a file that holds more.
var oneDocument = Problem{Column: 1, Field: "---", Message: "more than one YAML document", Remedy: "keep one document in the file"}

// decode is yaml.NodeToValue that survives what its decoder does not: a list that holds nothing but a tag, say.
func decode(root ast.Node, value any) (err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("a value is of no form that can be read")
		}
	}()
	return yaml.NodeToValue(root, value)
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

// locate names the field of a problem of which only the place is known.
func (d *Document) locate(p Problem) Problem {
	f := finder{line: p.Line, column: p.Column}
	ast.Walk(&f, d.root)
	if f.path != "" {
		p.Field = f.path
	}
	return p
}

// finder looks for the value at a place and keeps its path.
type finder struct {
	line, column int
	path         string
}

// Visit implements [ast.Visitor].
func (f *finder) Visit(n ast.Node) ast.Visitor {
	if _, pair := n.(*ast.MappingValueNode); pair {
		return f
	}
	if tok := n.GetToken(); tok != nil && tok.Position.Line == f.line && tok.Position.Column == f.column {
		f.path = strings.TrimPrefix(n.GetPath(), "$.")
	}
	return f
}

var step = regexp.MustCompile(`[^.\[\]]+`)

func split(field string) []string { return step.FindAllString(field, -1) }

// find walks as far as the path leads and returns the deepest node reached; for a mapping value that is its key, where the eye looks first.
func find(n ast.Node, path []string) ast.Node {
	if n == nil || len(path) == 0 {
		return n
	}
	switch v := n.(type) {
	case *ast.AnchorNode:
		return find(v.Value, path)
	case *ast.MappingNode:
		for _, kv := range v.Values {
			if textOf(kv.Key) == path[0] {
				if len(path) == 1 {
					return kv.Key
				}
				if deeper := find(kv.Value, path[1:]); deeper != nil && deeper != kv.Value {
					return deeper
				}
				return kv.Key
			}
		}
	case *ast.MappingValueNode: // a mapping of one pair in some forms
		if textOf(v.Key) == path[0] {
			if deeper := find(v.Value, path[1:]); len(path) > 1 && deeper != nil && deeper != v.Value {
				return deeper
			}
			return v.Key
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

// textOf is a key as it is meant: without the quotes in which it may be written.
func textOf(key ast.MapKeyNode) string {
	if s, ok := key.(*ast.StringNode); ok {
		return s.Value
	}
	return key.String()
}

// first is the first key of a mapping: its own token is the colon after it.
func first(n ast.Node) ast.Node {
	if a, ok := n.(*ast.AnchorNode); ok {
		n = a.Value
	}
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 {
		return m.Values[0].Key
	}
	return n
}

// doubledKey is how the parser names a key that a mapping holds twice.
var doubledKey = regexp.MustCompile(`mapping key "([^"]*)" already defined`)

func problemOf(file string, err error) Problem {
	p := Problem{File: file, Line: 1, Column: 1, Field: "(yaml)", Message: err.Error(), Remedy: "write valid YAML"}
	var ye yaml.Error
	if !errors.As(err, &ye) {
		return p
	}
	p.Message = ye.GetMessage()
	tok := ye.GetToken()
	if tok != nil && tok.Position != nil {
		p.Line, p.Column = tok.Position.Line, tok.Position.Column
	}
	var mistyped *yaml.TypeError
	switch {
	case doubledKey.MatchString(p.Message):
		p.Field, p.Remedy = doubledKey.FindStringSubmatch(p.Message)[1], "keep one of the two"
	case errors.As(err, &mistyped):
		p.Field = "(value)"
		if mistyped.StructFieldName != nil {
			p.Field = *mistyped.StructFieldName
		}
		p.Message = fmt.Sprintf("a %s is not a %s", mistyped.SrcType, mistyped.DstType)
		p.Remedy = "write a value of the right type"
	}
	return p
}
