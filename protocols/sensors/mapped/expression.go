package mapped

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"
)

// memoryBudget bounds what one evaluation may allocate, in the units of expr's virtual machine.
const memoryBudget = 10_000

// pure lists the built-in functions that an expression may call: all of them work on one value.
var pure = []string{"abs", "ceil", "floor", "round", "int", "float", "string", "trim", "upper", "lower", "hasPrefix", "hasSuffix", "len", "min", "max"}

// expression is a compiled expression and the paths of the payload that it reads.
type expression struct {
	program *vm.Program
	paths   []string // "a", "a.b"; sorted
}

// environment is what an expression sees.
func environment(topic []string, payload any) map[string]any {
	return map[string]any{"topic": topic, "payload": payload}
}

// expression compiles source; an empty one is a problem if it is demanded.
func (c *compiler) expression(field, source string, demanded bool) *expression {
	if source == "" {
		if demanded {
			c.problem(field, "missing", "write an expression, for example payload.value")
		}
		return nil
	}
	e, err := compile(source)
	if err != nil {
		c.problem(field, err.Error(), "an expression reads payload.<name> and topic[<n>]")
		return nil
	}
	return e
}

func compile(source string) (*expression, error) {
	reader := &pathReader{}
	options := []expr.Option{
		expr.Env(map[string]any{"topic": []string{}, "payload": map[string]any{}}), expr.MaxNodes(MaxNodes),
		expr.DisableAllBuiltins(), expr.Patch(reader),
	}
	for _, name := range pure {
		options = append(options, expr.EnableBuiltin(name))
	}
	program, err := expr.Compile(source, options...)
	if err != nil {
		return nil, explain(err)
	}
	if reader.err != nil {
		return nil, reader.err
	}
	return &expression{program: program, paths: reader.result()}, nil
}

// explain shortens the library's error to what is wrong and the column in the expression.
func explain(err error) error {
	var at *file.Error
	if errors.As(err, &at) {
		return fmt.Errorf("%s (column %d of the expression)", at.Message, at.Column+1)
	}
	return err
}

// eval runs the expression. A value that the expression cannot work on is an error, never a panic.
func (e *expression) eval(env map[string]any) (any, error) {
	machine := vm.VM{MemoryBudget: memoryBudget}
	return machine.Run(e.program, env)
}

// present says whether the payload holds any path that the expression reads; one that reads none is always present.
func (e *expression) present(payload any) bool {
	return len(e.paths) == 0 || slices.ContainsFunc(e.paths, func(path string) bool { return holds(payload, strings.Split(path, ".")) })
}

func holds(v any, path []string) bool {
	for _, key := range path {
		object, _ := v.(map[string]any)
		next, ok := object[key]
		if !ok {
			return false
		}
		v = next
	}
	return true
}

// pathReader walks an expression, gathers the paths it reads and refuses what could make it long.
type pathReader struct {
	paths []string
	err   error
}

// Visit implements [ast.Visitor]. The deepest member comes first, so that "a" of "a.b" is seen later and left out by result.
func (r *pathReader) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.MemberNode:
		if path, ok := pathOf(n); ok {
			r.paths = append(r.paths, path)
		}
	case *ast.PredicateNode:
		r.err = errors.New("functions that loop are not allowed")
	case *ast.BinaryNode:
		if n.Operator == ".." || n.Operator == "**" || n.Operator == "^" {
			r.err = fmt.Errorf("the operator %s is not allowed", n.Operator)
		}
	}
}

// pathOf returns the path below payload that a member names, if its parts are constant.
func pathOf(n *ast.MemberNode) (string, bool) {
	key, ok := n.Property.(*ast.StringNode)
	if !ok {
		return "", false
	}
	parent := n.Node
	if chain, ok := parent.(*ast.ChainNode); ok {
		parent = chain.Node
	}
	switch parent := parent.(type) {
	case *ast.IdentifierNode:
		return key.Value, parent.Value == "payload"
	case *ast.MemberNode:
		if above, ok := pathOf(parent); ok {
			return above + "." + key.Value, true
		}
	}
	return "", false
}

// result leaves out every path that only leads to a longer one.
func (r *pathReader) result() []string {
	slices.Sort(r.paths)
	paths := slices.Compact(r.paths)
	return slices.DeleteFunc(slices.Clone(paths), func(path string) bool {
		return slices.ContainsFunc(paths, func(other string) bool { return strings.HasPrefix(other, path+".") })
	})
}
