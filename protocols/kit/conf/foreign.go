package conf

import (
	"bytes"
	"fmt"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/token"
)

// Bounds of a text that somebody else wrote.
const (
	maxFlow    = 16 // brackets within each other
	maxEntries = 4  // entries of lists that begin on one line
	maxLine    = 8 << 10
	maxKeys    = 1000    // of one mapping: what the parser needs grows with the square of them
	maxEmpty   = 1000    // entries and values that are not there: the parser moves all that follows for each
	maxParts   = 100_000 // words and signs (tokens) in all: some 5,000 sensors
)

// ParseForeign is [Parse] for a text of somebody else: before it is parsed, whatever could make little text cost much time or memory (anchors,
// aliases, deep nesting) or stand for something that the eye does not see (tags, merged or complex keys) is refused.
func ParseForeign(file string, data []byte, value any, validate func(*Document) Problems) (err error) {
	defer func() {
		if recover() != nil {
			err = Problems{{File: file, Line: 1, Column: 1, Field: "(yaml)", Message: "it cannot be read", Remedy: "write valid YAML"}}
		}
	}()
	if problems := Foreign(file, data); len(problems) > 0 {
		return problems
	}
	return Parse(file, data, value, validate)
}

// Foreign is what [ParseForeign] refuses before it parses. It takes a time in proportion to the text, and may panic on one that nothing can read.
func Foreign(file string, data []byte) Problems {
	if p := long(file, data); p != nil {
		return Problems{*p}
	}
	if p := plain(file, data); p != nil {
		return Problems{*p}
	}
	return nil
}

// long returns the first line that is too long: the parser takes a time that grows with the square of one that it does not understand.
func long(file string, data []byte) *Problem {
	number := 0
	for line := range bytes.Lines(data) {
		if number++; len(line) > maxLine {
			return &Problem{File: file, Line: number, Column: 1, Field: "(yaml)", Message: fmt.Sprintf("a line of more than %d bytes", maxLine), Remedy: "break it"}
		}
	}
	return nil
}

// plain returns the first thing that a foreign text may not hold, nil if there is none.
func plain(file string, data []byte) *Problem {
	tokens := lexer.Tokenize(string(data))
	var s sight
	for i, t := range tokens {
		what := ""
		if s.see(t); i >= maxParts {
			what = fmt.Sprintf("more than %d words and signs", maxParts)
		} else if what = s.refused(t); what == "" {
			continue
		}
		p := Problem{File: file, Line: t.Position.Line, Column: t.Position.Column, Field: "(yaml)", Message: what, Remedy: "write it out in plain YAML"}
		if what == oneDocument.Message {
			p.Field, p.Remedy = oneDocument.Field, oneDocument.Remedy
		}
		return &p
	}
	return nil
}

// sight is what was seen of a text so far.
type sight struct {
	flow    []int    // keys in each of the brackets that are open
	block   []column // mappings without brackets that are open, by columns that grow
	entries int      // of lists that begin on line
	line    int
	last    *token.Token // the one before
	empty   int          // entries and values that are not there
	keys    int          // in the mapping of the last key
	ended   bool         // something stands before
	again   bool         // a document begins after that
}

type column struct{ at, keys int }

// see counts.
func (s *sight) see(t *token.Token) {
	if t.Type == token.CommentType {
		return
	}
	if s.hollow(t) {
		s.empty++
	}
	switch t.Type {
	case token.MappingStartType, token.SequenceStartType:
		s.flow = append(s.flow, 0)
	case token.MappingEndType, token.SequenceEndType:
		s.flow = s.flow[:max(0, len(s.flow)-1)]
	case token.SequenceEntryType:
		s.within(t.Position.Column)
		if t.Position.Line != s.line {
			s.entries, s.line = 0, t.Position.Line
		}
		s.entries++
	case token.MappingValueType:
		s.key()
	case token.DocumentHeaderType:
		s.again = s.ended
	}
	s.ended, s.last = true, t
}

// hollow says whether the last token begins an entry or a value that is not there.
func (s *sight) hollow(t *token.Token) bool {
	switch {
	case s.last == nil:
	case s.last.Type == token.SequenceEntryType:
		return t.Position.Line > s.last.Position.Line && t.Position.Column <= s.last.Position.Column
	case s.last.Type != token.MappingValueType:
	case len(s.flow) > 0:
		return t.Type == token.CollectEntryType || t.Type == token.MappingEndType
	case t.Position.Line > s.last.Position.Line && len(s.block) > 0:
		at := s.block[len(s.block)-1].at
		return t.Position.Column < at || t.Position.Column == at && t.Type != token.SequenceEntryType
	}
	return false
}

// within ends the mappings that are deeper than a column.
func (s *sight) within(at int) {
	for len(s.block) > 0 && s.block[len(s.block)-1].at > at {
		s.block = s.block[:len(s.block)-1]
	}
}

// key counts the last token as one.
func (s *sight) key() {
	if n := len(s.flow); n > 0 {
		s.flow[n-1]++
		s.keys = s.flow[n-1]
		return
	}
	at := 1
	if s.last != nil {
		at = s.last.Position.Column
	}
	if s.within(at); len(s.block) == 0 || s.block[len(s.block)-1].at < at {
		s.block = append(s.block, column{at: at})
	}
	here := &s.block[len(s.block)-1]
	here.keys++
	s.keys = here.keys
}

// refused says what a token is that may not be there, "" if it may.
func (s *sight) refused(t *token.Token) string {
	switch {
	case t.Type == token.AnchorType, t.Type == token.AliasType, t.Type == token.MergeKeyType:
		return "an anchor, an alias or a merged key"
	case t.Type == token.TagType, t.Type == token.DirectiveType:
		return "a tag or a directive"
	case t.Type == token.MappingKeyType:
		return "a key that begins with a question mark"
	case t.Type == token.DocumentEndType, s.again:
		return oneDocument.Message
	case len(s.flow) > maxFlow:
		return fmt.Sprintf("more than %d brackets within each other", maxFlow)
	case s.entries > maxEntries:
		return fmt.Sprintf("more than %d lists that begin on one line", maxEntries)
	case s.empty > maxEmpty:
		return fmt.Sprintf("more than %d entries and keys without a value", maxEmpty)
	case s.keys > maxKeys:
		return fmt.Sprintf("more than %d keys in one mapping", maxKeys)
	}
	return ""
}

// Keys are the keys of the mapping at a field, "" for the document's own, in their order; none if it is no mapping or not there.
func (d *Document) Keys(field string) (keys []string) {
	n := d.root
	for _, name := range split(field) {
		if n = valueOf(n, name); n == nil {
			return nil
		}
	}
	for _, kv := range pairs(n) {
		keys = append(keys, textOf(kv.Key))
	}
	return keys
}

func valueOf(n ast.Node, key string) ast.Node {
	for _, kv := range pairs(n) {
		if textOf(kv.Key) == key {
			return kv.Value
		}
	}
	return nil
}

func pairs(n ast.Node) []*ast.MappingValueNode {
	switch v := n.(type) {
	case *ast.MappingNode:
		return v.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{v}
	}
	return nil
}
