package rule

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"
)

// memoryBudget bounds what one evaluation may allocate, in the units of expr's virtual machine.
const memoryBudget = 10_000

// pure lists the built-in functions that an expression may call: all of them work on numbers.
var pure = []string{"abs", "ceil", "floor", "round", "min", "max"}

// ages is the name by which an expression finds how old its inputs are.
const ages = "age"

var inputName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)

// program is a compiled combination. It is safe for concurrent use.
type program struct{ code *vm.Program }

// compile checks the expression of a combination against its inputs.
func (c *Combination) compile() (*program, error) {
	env := map[string]any{ages: map[string]float64{}}
	for name, in := range c.Inputs {
		env[name] = false
		if in.State == "" {
			env[name] = 0.0
		}
	}
	guard := &guard{inputs: c.Inputs}
	options := []expr.Option{expr.Env(env), expr.AsBool(), expr.MaxNodes(MaxNodes), expr.DisableAllBuiltins(), expr.Patch(guard)}
	for _, name := range pure {
		options = append(options, expr.EnableBuiltin(name))
	}
	code, err := expr.Compile(c.When, options...)
	switch {
	case err != nil:
		return nil, explain(err)
	case guard.err != nil:
		return nil, guard.err
	}
	for _, name := range sortedInputs(c) {
		if !guard.used[name] {
			return nil, fmt.Errorf("the input %s is not looked at", name)
		}
	}
	return &program{code}, nil
}

// explain shortens the library's error to what is wrong and the column in the expression.
func explain(err error) error {
	var at *file.Error
	if errors.As(err, &at) {
		return fmt.Errorf("%s (column %d of the expression)", at.Message, at.Column+1)
	}
	return err
}

// eval runs the program. What cannot be worked out is an error, never a panic.
func (p *program) eval(env map[string]any) (bool, error) {
	machine := vm.VM{MemoryBudget: memoryBudget}
	result, err := machine.Run(p.code, env)
	if err != nil {
		return false, err
	}
	is, ok := result.(bool)
	if !ok {
		return false, errors.New("neither true nor false")
	}
	return is, nil
}

// guard walks an expression, notes which inputs it uses and refuses what could make it long or make it look elsewhere.
type guard struct {
	inputs map[string]Input
	used   map[string]bool
	err    error
}

// Visit implements [ast.Visitor].
func (g *guard) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		g.use(n.Value)
	case *ast.MemberNode:
		g.member(n)
	case *ast.PredicateNode, *ast.ArrayNode, *ast.MapNode, *ast.StringNode:
		if _, text := n.(*ast.StringNode); !text {
			g.err = errors.New("lists and functions that loop are not allowed")
		}
	case *ast.BinaryNode:
		if n.Operator == ".." || n.Operator == "**" || n.Operator == "^" {
			g.err = fmt.Errorf("the operator %s is not allowed", n.Operator)
		}
	}
}

func (g *guard) use(name string) {
	if _, known := g.inputs[name]; !known {
		return
	}
	if g.used == nil {
		g.used = map[string]bool{}
	}
	g.used[name] = true
}

// member allows age.<input> only: the age of another would be 0.
func (g *guard) member(n *ast.MemberNode) {
	of, _ := n.Node.(*ast.IdentifierNode)
	key, _ := n.Property.(*ast.StringNode)
	if of == nil || key == nil || of.Value != ages {
		g.err = errors.New("only age.<input> has a part")
		return
	}
	if _, known := g.inputs[key.Value]; !known {
		g.err = fmt.Errorf("%s.%s is the age of no input", ages, key.Value)
	}
	g.use(key.Value)
}
