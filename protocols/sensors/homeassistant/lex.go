package homeassistant

import (
	"errors"
	"strings"
)

// Bounds of one template. What exceeds them is refused.
const (
	maxTemplate = 2048 // bytes
	maxNodes    = 256  // operators, names and constants
	maxNesting  = 24
	maxText     = 4096 // bytes of a text that a template puts together
)

// Refusals of whole templates. No refusal repeats the template: a name in it can be anything.
var (
	errLong     = errors.New("a template of more than 2048 bytes")
	errNodes    = errors.New("a template with more than 256 parts")
	errDeep     = errors.New("a template nested deeper than 24")
	errSyntax   = errors.New("a template that is not well formed")
	errLoop     = errors.New("a loop in its template")
	errStmt     = errors.New("a statement of Jinja that is neither if nor set")
	errName     = errors.New("a name in its template that is not of the message")
	errOperator = errors.New("an operator in its template that is not on the list")
)

// kind is the kind of a token.
type kind int

const (
	tokEnd kind = iota
	tokName
	tokNumber
	tokString
	tokOp
)

type token struct {
	kind kind
	text string
}

// part is a stretch of a template: plain text, an expression {{ }} or a statement {% %}.
type part struct {
	text      string
	tokens    []token
	statement bool
}

// split cuts a template into its parts, and drops comments. A dash at a mark trims the white space beside it.
func split(src string) ([]part, error) {
	var parts []part
	trim := false
	for src != "" {
		at := nextMark(src)
		text := src[:at]
		if trim {
			text = strings.TrimLeft(text, " \t\r\n")
		}
		if at < len(src) && strings.HasPrefix(src[at+2:], "-") {
			text = strings.TrimRight(text, " \t\r\n")
		}
		if text != "" {
			parts = append(parts, part{text: text})
		}
		if at == len(src) {
			break
		}
		p, rest, cut, err := marked(src[at:])
		if err != nil {
			return nil, err
		}
		if p != nil {
			parts = append(parts, *p)
		}
		src, trim = rest, cut
	}
	return parts, nil
}

func nextMark(src string) int {
	for i := 0; i+1 < len(src); i++ {
		if src[i] == '{' && strings.IndexByte("{%#", src[i+1]) >= 0 {
			return i
		}
	}
	return len(src)
}

// marked reads what stands between marks at the start of src. A comment is nil.
func marked(src string) (p *part, rest string, trim bool, err error) {
	mark := src[1]
	end := map[byte]string{'{': "}}", '%': "%}", '#': "#}"}[mark]
	src = strings.TrimPrefix(src[2:], "-")
	if mark == '#' {
		body, rest, closed := strings.Cut(src, end)
		if !closed {
			return nil, "", false, errSyntax
		}
		return nil, rest, strings.HasSuffix(body, "-"), nil
	}
	p = &part{statement: mark == '%'}
	depth := 0
	for {
		src = strings.TrimLeft(src, " \t\r\n")
		for _, close := range []string{end, "-" + end} {
			if rest, ok := strings.CutPrefix(src, close); ok && depth == 0 {
				return p, rest, close != end, nil
			}
		}
		t, n := lex(src)
		if n == 0 {
			return nil, "", false, errSyntax
		}
		switch t.text {
		case "{", "[", "(":
			depth += nests(t)
		case "}", "]", ")":
			depth -= nests(t)
		}
		p.tokens = append(p.tokens, t)
		src = src[n:]
	}
}

// nests is 1 for an operator: a bracket in a text does not nest.
func nests(t token) int {
	if t.kind == tokOp {
		return 1
	}
	return 0
}

// operators, the longest first.
var operators = []string{"==", "!=", "<=", ">=", "//", "**", "<", ">", "+", "-", "*", "/", "%", "~", "|", ".", ",", ":", "(", ")", "[", "]", "{", "}", "="}

// lex reads one token at the start of src; n is its length, 0 if there is none.
func lex(src string) (t token, n int) {
	if src == "" {
		return t, 0
	}
	switch c := src[0]; {
	case c == '\'' || c == '"':
		return quoted(src)
	case isDigit(c):
		for n < len(src) && (isDigit(src[n]) || src[n] == '.' && n+1 < len(src) && isDigit(src[n+1])) {
			n++
		}
		return token{tokNumber, src[:n]}, n
	case isLetter(c):
		for n < len(src) && (isLetter(src[n]) || isDigit(src[n])) {
			n++
		}
		return token{tokName, src[:n]}, n
	}
	for _, op := range operators {
		if strings.HasPrefix(src, op) {
			return token{tokOp, op}, len(op)
		}
	}
	return t, 0
}

func quoted(src string) (token, int) {
	var b strings.Builder
	for i := 1; i < len(src); i++ {
		switch src[i] {
		case src[0]:
			return token{tokString, b.String()}, i + 1
		case '\\':
			i++
			if i < len(src) {
				b.WriteByte(src[i])
			}
		default:
			b.WriteByte(src[i])
		}
	}
	return token{}, 0
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isLetter(c byte) bool { return c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' }
