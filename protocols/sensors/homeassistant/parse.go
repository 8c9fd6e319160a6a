package homeassistant

import (
	"slices"
	"strconv"
)

// expr computes a value; an error means that the message has nothing to compute it from.
type expr func(*env) (val, error)

// parser reads the expressions of one template. vars are the names that {% set %} made.
type parser struct {
	tokens []token
	nodes  int
	depth  int
	vars   map[string]bool
}

func (p *parser) peek() token {
	if len(p.tokens) == 0 {
		return token{}
	}
	return p.tokens[0]
}

func (p *parser) next() token {
	t := p.peek()
	if len(p.tokens) > 0 {
		p.tokens = p.tokens[1:]
	}
	return t
}

// take consumes an operator or a word if it comes next.
func (p *parser) take(text string) bool {
	t := p.peek()
	if t.text == text && (t.kind == tokOp || t.kind == tokName) {
		p.next()
		return true
	}
	return false
}

func (p *parser) takeOne(texts ...string) (string, bool) {
	i := slices.IndexFunc(texts, p.take)
	if i < 0 {
		return "", false
	}
	return texts[i], true
}

func (p *parser) count() error {
	if p.nodes++; p.nodes > maxNodes {
		return errNodes
	}
	return nil
}

// whole reads an expression that must end where the tokens end.
func (p *parser) whole() (expr, error) {
	e, err := p.expression()
	if err == nil && len(p.tokens) > 0 {
		err = errSyntax
	}
	return e, err
}

// expression reads "a if c else b", or less.
func (p *parser) expression() (expr, error) {
	if p.depth++; p.depth > maxNesting {
		return nil, errDeep
	}
	defer func() { p.depth-- }()
	yes, err := p.or()
	if err != nil || !p.take("if") {
		return yes, err
	}
	cond, err := p.or()
	if err != nil {
		return nil, err
	}
	no := constant(undefined{})
	if p.take("else") {
		if no, err = p.expression(); err != nil {
			return nil, err
		}
	}
	return choose(cond, yes, no), p.count()
}

func (p *parser) or() (expr, error) { return p.chain(p.and, "or") }

func (p *parser) and() (expr, error) { return p.chain(p.not, "and") }

func (p *parser) sum() (expr, error) { return p.chain(p.join, "+", "-") }

func (p *parser) join() (expr, error) { return p.chain(p.product, "~") }

func (p *parser) product() (expr, error) {
	return p.chain(func() (expr, error) { return p.unary(true) }, "*", "//", "/", "%", "**")
}

// chain reads operands that operators of one rank join, from left to right.
func (p *parser) chain(operand func() (expr, error), ops ...string) (expr, error) {
	left, err := operand()
	for err == nil {
		op, ok := p.takeOne(ops...)
		if !ok {
			return left, nil
		}
		if op == "**" {
			return nil, errOperator
		}
		var right expr
		if right, err = operand(); err == nil {
			left, err = binary(op, left, right), p.count()
		}
	}
	return nil, err
}

func (p *parser) not() (expr, error) {
	negated := false
	for p.take("not") {
		negated = !negated
	}
	e, err := p.compare()
	if err != nil || !negated {
		return e, err
	}
	return negate(e), p.count()
}

func (p *parser) compare() (expr, error) {
	left, err := p.sum()
	for err == nil {
		op, ok := p.takeOne("==", "!=", "<=", ">=", "<", ">", "in", "not")
		if !ok {
			return left, nil
		}
		if op == "not" && !p.take("in") {
			return nil, errSyntax
		}
		var right expr
		if right, err = p.sum(); err == nil {
			left, err = comparison(op, left, right), p.count()
		}
	}
	return nil, err
}

// unary reads a sign and what follows, with its filters and tests.
func (p *parser) unary(filtered bool) (e expr, err error) {
	if p.depth++; p.depth > maxNesting {
		return nil, errDeep
	}
	defer func() { p.depth-- }()
	switch {
	case p.take("-"):
		if e, err = p.unary(false); err == nil {
			e = binary("-", constant(0.0), e)
		}
	case p.take("+"):
		e, err = p.unary(false)
	default:
		e, err = p.primary()
	}
	if err == nil {
		e, err = p.postfix(e)
	}
	if err == nil && filtered {
		e, err = p.filters(e)
	}
	return e, err
}

func (p *parser) primary() (expr, error) {
	if err := p.count(); err != nil {
		return nil, err
	}
	switch t := p.next(); t.kind {
	case tokNumber:
		f, err := strconv.ParseFloat(t.text, 64)
		if err != nil {
			return nil, errSyntax
		}
		return constant(f), nil
	case tokString:
		return constant(t.text), nil
	case tokName:
		return p.name(t.text)
	case tokOp:
		return p.bracket(t.text)
	}
	return nil, errSyntax
}

// name reads a constant, a name of the message, a variable, or a function on the list.
func (p *parser) name(name string) (expr, error) {
	switch name {
	case "true", "True":
		return constant(true), nil
	case "false", "False":
		return constant(false), nil
	case "none", "None":
		return constant(nil), nil
	case "value", "value_json":
		return message(name), nil
	}
	if p.peek().text == "(" && p.peek().kind == tokOp {
		return p.function(name)
	}
	if !p.vars[name] {
		return nil, errName
	}
	return variable(name), nil
}

// bracket reads a value in parentheses, a list or a map.
func (p *parser) bracket(open string) (expr, error) {
	switch open {
	case "(":
		list, err := p.list(")")
		if err == nil && len(list) == 1 {
			return list[0], nil
		}
		return listOf(list), err
	case "[":
		list, err := p.list("]")
		return listOf(list), err
	case "{":
		return p.dict()
	}
	return nil, errSyntax
}

// list reads expressions up to the closing bracket.
func (p *parser) list(close string) ([]expr, error) {
	var list []expr
	for !p.take(close) {
		if len(list) > 0 && !p.take(",") {
			return nil, errSyntax
		}
		if len(list) > 0 && p.take(close) {
			break
		}
		e, err := p.expression()
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, nil
}

func (p *parser) dict() (expr, error) {
	var keys, values []expr
	for !p.take("}") {
		if len(keys) > 0 && !p.take(",") {
			return nil, errSyntax
		}
		if len(keys) > 0 && p.take("}") {
			break
		}
		k, err := p.expression()
		if err == nil && !p.take(":") {
			err = errSyntax
		}
		if err != nil {
			return nil, err
		}
		v, err := p.expression()
		if err != nil {
			return nil, err
		}
		keys, values = append(keys, k), append(values, v)
	}
	return mapOf(keys, values), nil
}

// postfix reads members, elements and methods.
func (p *parser) postfix(e expr) (expr, error) {
	for {
		switch {
		case p.take("."):
			t := p.next()
			if t.kind != tokName && t.kind != tokNumber {
				return nil, errSyntax
			}
			if p.peek().kind == tokOp && p.peek().text == "(" {
				method, err := p.method(t.text, e)
				if err != nil {
					return nil, err
				}
				e = method
				continue
			}
			e = element(e, constant(t.text))
		case p.take("["):
			key, err := p.expression()
			if err == nil && !p.take("]") {
				err = unclosed(p)
			}
			if err != nil {
				return nil, err
			}
			e = element(e, key)
		default:
			return e, nil
		}
		if err := p.count(); err != nil {
			return nil, err
		}
	}
}

// unclosed tells a slice, which is not understood, from a mistake.
func unclosed(p *parser) error {
	if p.peek().text == ":" {
		return errOperator
	}
	return errSyntax
}

// filters reads "| filter(args)" and "is test" after a value.
func (p *parser) filters(e expr) (expr, error) {
	for {
		var err error
		switch {
		case p.take("|"):
			e, err = p.filter(e)
		case p.take("is"):
			e, err = p.test(e)
		default:
			return e, nil
		}
		if err == nil {
			err = p.count()
		}
		if err != nil {
			return nil, err
		}
	}
}

// arguments reads "(a, b)", or nothing. A keyword before an argument is read over: every filter on the list has one that
// matters.
func (p *parser) arguments() ([]expr, error) {
	if !p.take("(") {
		return nil, nil
	}
	var args []expr
	for !p.take(")") {
		if len(args) > 0 && !p.take(",") {
			return nil, errSyntax
		}
		if len(p.tokens) > 1 && p.tokens[0].kind == tokName && p.tokens[1] == (token{tokOp, "="}) {
			p.tokens = p.tokens[2:]
		}
		e, err := p.expression()
		if err != nil {
			return nil, err
		}
		args = append(args, e)
	}
	return args, nil
}
