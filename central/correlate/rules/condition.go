package rules

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/vm"

	"gridgate/central/cases"
	"gridgate/protocols/alert"
)

// Facts are what a condition can see of a case: what happens and where. There is nothing here that tells one person from another.
type Facts struct {
	Kind       string `expr:"kind"`
	Class      string `expr:"class"`
	Severity   string `expr:"severity"`
	Rank       int    `expr:"rank"` // of the severity: 0 for info to 3 for critical
	Level      string `expr:"level"`
	LifeSafety bool   `expr:"lifeSafety"`
	Grid       string `expr:"grid"`
	Community  string `expr:"community"`
	Edge       string `expr:"edge"`
	Family     string `expr:"family"` // cameras or sensors
	Device     string `expr:"device"`
	Zone       string `expr:"zone"`
	Key        string `expr:"key"`
	Exercise   bool   `expr:"exercise"`
	Origin     string `expr:"origin"` // who opened it; empty for alerts
}

// FactsOf are the facts of a case.
func FactsOf(c cases.Case) Facts {
	edge, family, device, _ := alert.ParseSource(c.Source) // a case of people has no such source
	return Facts{
		Kind: string(c.Kind), Class: c.Class, Severity: string(c.Severity), Rank: c.Severity.Rank(), Level: string(c.Level),
		LifeSafety: lifeSafety(c), Grid: c.Grid, Community: c.Grid[:min(12, len(c.Grid))],
		Edge: edge, Family: family, Device: device, Zone: c.Zone, Key: c.Key, Exercise: c.Exercise, Origin: string(c.Origin),
	}
}

func lifeSafety(c cases.Case) bool { return c.Kind.Lane() == alert.LifeSafety }

// Bounds of a condition. Without functions, loops and ranges it takes a time and a memory that grow with its length alone.
const (
	maxCondition = 1000 // bytes
	maxNodes     = 200
	maxMemory    = 1000 // elements of what it makes, as the machine counts them
)

// condition is a compiled expression; nil is always true.
type condition struct {
	program *vm.Program
	n       int // its number among the conditions of an engine
	kinds   map[alert.Kind]answer
}

// compile type-checks an expression. Only the fields of [Facts], constants, comparisons, arithmetic, and, or, not, in, ?:, contains,
// startsWith, endsWith and matches (with a constant RE2 pattern) are taken: no function, no member, no range, no variable.
func compile(text string) (*condition, error) {
	if text == "" {
		return nil, nil
	}
	if len(text) > maxCondition {
		return nil, fmt.Errorf("a condition has at most %d bytes", maxCondition)
	}
	guard := &allowed{}
	program, err := expr.Compile(text, expr.Env(Facts{}), expr.AsBool(), expr.DisableAllBuiltins(), expr.MaxNodes(maxNodes), expr.Patch(guard))
	switch {
	case guard.err != nil:
		return nil, guard.err
	case err != nil:
		first, _, _ := strings.Cut(err.Error(), "\n")
		return nil, errors.New(first)
	}
	c := &condition{program: program}
	c.kinds = answersByKind(text)
	return c, nil
}

// allowed refuses what a condition may not have.
type allowed struct{ err error }

var operators = []string{"==", "!=", "<", ">", "<=", ">=", "and", "&&", "or", "||", "in", "contains", "startsWith", "endsWith", "matches", "+", "-", "*", "/", "%"}

// Visit implements [ast.Visitor].
func (a *allowed) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.StringNode, *ast.ConstantNode, *ast.UnaryNode,
		*ast.ConditionalNode, *ast.ArrayNode:
	case *ast.BinaryNode:
		a.binary(n)
	default:
		a.refuse("a condition has only fields, constants and operators: no function, member, range or variable")
	}
}

func (a *allowed) binary(n *ast.BinaryNode) {
	if !slices.Contains(operators, n.Operator) {
		a.refuse(fmt.Sprintf("the operator %s is not one of %s", n.Operator, strings.Join(operators, " ")))
	}
	if n.Operator != "matches" {
		return
	}
	pattern, ok := n.Right.(*ast.StringNode)
	if !ok {
		a.refuse("matches needs a constant pattern")
		return
	}
	if _, err := regexp.Compile(pattern.Value); err != nil {
		a.refuse("the pattern of matches is not a regular expression (RE2)")
	}
}

func (a *allowed) refuse(why string) {
	if a.err == nil {
		a.err = errors.New(why)
	}
}

// holds says whether f meets c. What cannot be computed (a division by zero) does not hold.
func (c *condition) holds(f Facts) bool {
	if c == nil {
		return true
	}
	machine := vm.VM{MemoryBudget: maxMemory}
	out, err := machine.Run(c.program, f)
	met, _ := out.(bool)
	return err == nil && met
}
