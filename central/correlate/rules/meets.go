package rules

import (
	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"

	"gridgate/protocols/alert"
)

// answer is what is known of a condition.
type answer byte

// The answers. The zero value is that nothing is known.
const (
	unknown answer = iota
	no
	yes
)

// meets is [condition.holds] for a case of the window, which remembers the answer until what a condition can see of it changes. Of most
// conditions the kind tells: they are answered for all kinds once, when they are compiled.
func (m *member) meets(c *condition) bool {
	if c == nil {
		return true
	}
	if a := c.kinds[m.c.Kind]; a != unknown {
		return a == yes
	}
	if len(m.met) <= c.n {
		m.met = append(m.met, make([]answer, c.n+1-len(m.met))...)
	}
	if m.met[c.n] == unknown {
		m.met[c.n] = no
		if c.holds(m.facts) {
			m.met[c.n] = yes
		}
	}
	return m.met[c.n] == yes
}

// number gives each condition of an engine its place among the answers that a member remembers.
func number(rules []rule) {
	n := 0
	for _, r := range rules {
		for _, c := range append([]*condition{r.match, r.cause, r.held}, r.of...) {
			if c != nil {
				c.n = n
				n++
			}
		}
	}
}

// answersByKind answers a condition that compiles for each kind of alert, as far as the kind tells: no, where one of the parts that must all
// hold asks for nothing but the kind and does not; yes, where there are no other parts.
func answersByKind(text string) map[alert.Kind]answer {
	tree, err := parser.Parse(text)
	if err != nil {
		return nil
	}
	answers, rest := map[alert.Kind]answer{}, false
	for _, part := range partsOf(tree.Node) {
		program, err := expr.Compile(part.String(), expr.Env(Facts{}), expr.AsBool(), expr.DisableAllBuiltins())
		if err != nil || !onlyKind(part) {
			rest = true
			continue
		}
		c := &condition{program: program}
		for _, kind := range alert.Kinds() {
			if !c.holds(Facts{Kind: string(kind)}) {
				answers[kind] = no
			}
		}
	}
	for _, kind := range alert.Kinds() {
		if !rest && answers[kind] == unknown {
			answers[kind] = yes
		}
	}
	return answers
}

// partsOf are the conditions that must all hold for node to hold.
func partsOf(node ast.Node) []ast.Node {
	if n, ok := node.(*ast.BinaryNode); ok && (n.Operator == "and" || n.Operator == "&&") {
		return append(partsOf(n.Left), partsOf(n.Right)...)
	}
	return []ast.Node{node}
}

// onlyKind says whether a condition sees nothing of a case but its kind.
func onlyKind(node ast.Node) bool {
	f := fields{only: true}
	ast.Walk(&node, &f)
	return f.only
}

type fields struct{ only bool }

// Visit implements [ast.Visitor].
func (f *fields) Visit(node *ast.Node) {
	if n, ok := (*node).(*ast.IdentifierNode); ok && n.Value != "kind" {
		f.only = false
	}
}
