package homeassistant

import (
	"strings"
)

// template is a value template of Home Assistant, compiled: a closed list of what Jinja can. It has no loops, so that it takes
// at most as many steps as it has parts.
type template struct {
	run   stmt
	nodes int
}

// stmt adds to the output.
type stmt func(e *env, out *output) error

// output is the text of a template, and whether it was told or made up.
type output struct {
	b          strings.Builder
	told, made bool
}

// compile reads a template. The error names the construct that is not understood, and never repeats the template.
func compile(src string) (*template, error) {
	if len(src) > maxTemplate {
		return nil, errLong
	}
	parts, err := split(src)
	if err != nil {
		return nil, err
	}
	c := &compiler{parts: parts, expressions: parser{vars: map[string]bool{}}}
	run, err := c.block(0)
	if err == nil && len(c.parts) > 0 {
		err = errSyntax
	}
	if err != nil {
		return nil, err
	}
	return &template{run: run, nodes: c.expressions.nodes}, nil
}

// value returns what the template makes of a payload, with the white space cut off. ok is false if the message does not hold
// what the template reads: what a template would make up in its place is no word of the source.
func (t *template) value(payload string, json any, isJSON bool) (string, bool) {
	e := &env{text: payload, json: json, isJSON: isJSON, vars: map[string]val{}}
	var out output
	if err := t.run(e, &out); err != nil || out.made {
		return "", false
	}
	return strings.TrimSpace(out.b.String()), out.told || e.read && !e.missed
}

// compiler puts parts together. Its parser goes on counting over all of them.
type compiler struct {
	parts       []part
	expressions parser
}

// block reads parts up to a statement that ends it (elif, else, endif), which it leaves.
func (c *compiler) block(depth int) (stmt, error) {
	if depth > maxNesting {
		return nil, errDeep
	}
	var body []stmt
	for len(c.parts) > 0 && !c.ends() {
		p := c.parts[0]
		c.parts = c.parts[1:]
		s, err := c.part(p, depth)
		if err != nil {
			return nil, err
		}
		body = append(body, s)
	}
	return sequence(body), nil
}

func sequence(body []stmt) stmt {
	return func(e *env, out *output) error {
		for _, s := range body {
			if err := s(e, out); err != nil {
				return err
			}
		}
		return nil
	}
}

// keyword is the first word of a statement, or "".
func (p part) keyword() string {
	if p.statement && len(p.tokens) > 0 && p.tokens[0].kind == tokName {
		return p.tokens[0].text
	}
	return ""
}

func (c *compiler) ends() bool {
	switch c.parts[0].keyword() {
	case "elif", "else", "endif":
		return true
	}
	return false
}

func (c *compiler) part(p part, depth int) (stmt, error) {
	switch {
	case p.text != "":
		return literal(p.text), c.expressions.count()
	case !p.statement:
		e, err := c.expression(p.tokens)
		return printed(e), err
	}
	switch p.keyword() {
	case "if":
		return c.branch(p.tokens[1:], depth)
	case "set":
		return c.set(p.tokens[1:])
	case "for":
		return nil, errLoop
	}
	return nil, errStmt
}

func (c *compiler) expression(tokens []token) (expr, error) {
	c.expressions.tokens = tokens
	return c.expressions.whole()
}

// branch reads what follows "if" or "elif", up to its endif.
func (c *compiler) branch(condition []token, depth int) (stmt, error) {
	cond, err := c.expression(condition)
	if err != nil {
		return nil, err
	}
	yes, err := c.block(depth + 1)
	if err != nil {
		return nil, err
	}
	no, err := c.otherwise(depth)
	if err != nil {
		return nil, err
	}
	return func(e *env, out *output) error {
		v, err := cond(e)
		if err != nil {
			return err
		}
		if truthy(v.v) {
			return yes(e, out)
		}
		return no(e, out)
	}, nil
}

// otherwise reads elif, else and endif.
func (c *compiler) otherwise(depth int) (stmt, error) {
	if len(c.parts) == 0 {
		return nil, errSyntax
	}
	p := c.parts[0]
	c.parts = c.parts[1:]
	switch p.keyword() {
	case "endif":
		return sequence(nil), nil
	case "elif":
		if depth >= maxNesting {
			return nil, errDeep
		}
		return c.branch(p.tokens[1:], depth+1)
	}
	no, err := c.block(depth + 1)
	if err != nil {
		return nil, err
	}
	if len(c.parts) == 0 || c.parts[0].keyword() != "endif" {
		return nil, errSyntax
	}
	c.parts = c.parts[1:]
	return no, nil
}

// set reads "name = expression".
func (c *compiler) set(tokens []token) (stmt, error) {
	if len(tokens) < 3 || tokens[0].kind != tokName || tokens[1] != (token{tokOp, "="}) {
		return nil, errStmt
	}
	name := tokens[0].text
	e, err := c.expression(tokens[2:])
	if err != nil {
		return nil, err
	}
	c.expressions.vars[name] = true
	return func(env *env, _ *output) (err error) {
		env.vars[name], err = e(env)
		return err
	}, nil
}

func literal(s string) stmt {
	return func(_ *env, out *output) error {
		out.b.WriteString(s)
		return nil
	}
}

// printed writes a value. An object or a list has no text.
func printed(x expr) stmt {
	return func(e *env, out *output) error {
		v, err := x(e)
		if err != nil {
			return err
		}
		switch v.v.(type) {
		case []any, map[string]any:
			return errNoValue
		}
		s := text(v.v)
		if out.b.Len()+len(s) > maxText {
			return errNoValue
		}
		out.b.WriteString(s)
		out.told, out.made = out.told || v.told, out.made || v.made
		return nil
	}
}
