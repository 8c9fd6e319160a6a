package configure

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"gridgate/protocols/ingest"
)

// Bounds of the form, which keep the parser's work in proportion to the text.
const (
	maxLine  = 4096 // bytes
	maxDepth = 64   // of brackets
)

// span is where a section stands in a text: lines first to end, without end; the first line is 1.
type span struct {
	section    string
	first, end int
}

// form judges what has to hold before a text is given to a parser: it is text, of plain lines, one document.
func form(text string) []ingest.Problem {
	if len(text) > ingest.MaxConfiguration {
		return one(0, "(text)", fmt.Sprintf("it has more than %d bytes", ingest.MaxConfiguration), "split it among layers, or shorten it")
	}
	if !utf8.ValidString(text) {
		return one(0, "(text)", "it is not UTF-8", "save it as UTF-8")
	}
	depth := 0
	for i, line := range strings.Split(text, "\n") {
		if p := formOfLine(line); p.What != "" {
			p.Line = i + 1
			return []ingest.Problem{p}
		}
		for _, r := range line {
			switch r {
			case '[', '{':
				depth++
			case ']', '}':
				depth = max(depth-1, 0)
			}
		}
		if depth > maxDepth {
			return one(i+1, "(yaml)", "brackets are nested too deep", "close them")
		}
	}
	return nil
}

func formOfLine(line string) ingest.Problem {
	bad := func(what, remedy string) ingest.Problem {
		return ingest.Problem{Field: "(yaml)", What: what, Remedy: remedy}
	}
	switch {
	case len(line) > maxLine:
		return bad(fmt.Sprintf("the line has more than %d bytes", maxLine), "break it")
	case strings.ContainsFunc(line, func(r rune) bool {
		return r < ' ' && r != '\t' || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029 || r == 0xfeff
	}):
		return bad("a character that cannot be seen", "remove it")
	case strings.HasPrefix(line, "---"), strings.HasPrefix(line, "..."), strings.HasPrefix(line, "%"):
		return bad("the mark of a document", "remove the line: the text is one document")
	}
	return ingest.Problem{}
}

func one(line int, field, what, remedy string) []ingest.Problem {
	return []ingest.Problem{{Line: line, Field: field, What: what, Remedy: remedy}}
}

// spansOf finds the sections of a text that was judged by [form]; none if it does not parse.
func spansOf(text string) []span {
	spans, _ := topLevel(text)
	return spans
}

// topLevel reads the keys of the first level and refuses one that is not on a line of its own.
func topLevel(text string) (spans []span, problems []ingest.Problem) {
	root, err := parse(text)
	if err != nil || root == nil {
		return nil, nil // what is wrong is told by whoever decodes it, with its place
	}
	pairs := pairsOf(root)
	if pairs == nil {
		return nil, one(root.GetToken().Position.Line, "(yaml)", "it is not a list of sections", "begin each section with its name at the left edge, as in: cameras:")
	}
	last := 0
	for _, kv := range pairs {
		at := kv.Key.GetToken().Position
		name := keyOf(kv)
		if at.Column != 1 || at.Line <= last {
			return nil, one(at.Line, name, "it does not begin a line", "begin each section at the left edge of a line of its own")
		}
		if last = at.Line; sectionOf(name) == "" {
			problems = append(problems, ingest.Problem{Line: at.Line, Field: name, What: "not a section that central may say", Remedy: "remove it, or write it in the edge's own file; here are: " + strings.Join(Sections, ", ")})
			continue
		}
		spans = append(spans, span{section: sectionOf(name), first: at.Line})
	}
	if len(problems) > 0 {
		return nil, problems
	}
	total := strings.Count(text, "\n") + 1
	for i := range spans {
		spans[i].end = total
		if i+1 < len(spans) {
			spans[i].end = spans[i+1].first
		}
	}
	return spans, nil
}

// parse is the parser that returns an error for a text that it does not survive.
func parse(text string) (root ast.Node, err error) {
	defer func() {
		if recover() != nil {
			root, err = nil, fmt.Errorf("the text is of no form that can be read")
		}
	}()
	file, err := parser.ParseBytes([]byte(text), 0)
	if err != nil || len(file.Docs) == 0 {
		return nil, err
	}
	return file.Docs[0].Body, nil
}

func pairsOf(n ast.Node) []*ast.MappingValueNode {
	switch v := n.(type) {
	case *ast.MappingNode:
		return v.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{v}
	}
	return nil
}

func keyOf(kv *ast.MappingValueNode) string {
	if s, ok := kv.Key.(*ast.StringNode); ok {
		return s.Value
	}
	return kv.Key.String()
}
