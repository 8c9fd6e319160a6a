package homeassistant

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// env is one evaluation: the payload, and what the template found of it.
type env struct {
	text   string // the payload
	json   any    // the payload as JSON
	isJSON bool
	vars   map[string]val

	read   bool // something of the message was looked at
	missed bool // something that the template names is not in the message
}

// val is a value: undefined, nil, bool, float64, string, []any or map[string]any. told: it comes out of the message. made: the
// template made it up, since the message lacks it.
type val struct {
	v          any
	told, made bool
}

// undefined is what the message does not hold.
type undefined struct{}

// errNoValue says that the message does not hold what the template computes with.
var errNoValue = errors.New("no value")

// with returns v as computed from others.
func with(v any, from ...val) val {
	out := val{v: v}
	for _, f := range from {
		out.told = out.told || f.told
		out.made = out.made || f.made
	}
	return out
}

func constant(v any) expr { return func(*env) (val, error) { return val{v: v}, nil } }

func variable(name string) expr {
	return func(e *env) (val, error) {
		v, set := e.vars[name]
		if !set { // in a branch that was not taken
			return val{}, errNoValue
		}
		return v, nil
	}
}

// message is "value", the payload as a text, or "value_json".
func message(name string) expr {
	return func(e *env) (val, error) {
		e.read = true
		if name == "value" {
			return val{v: e.text, told: true}, nil
		}
		if !e.isJSON {
			return val{}, errNoValue
		}
		return val{v: e.json, told: true}, nil
	}
}

// element is a member of an object or an element of a list.
func element(of, key expr) expr {
	return func(e *env) (val, error) {
		o, k, err := both(e, of, key)
		if err != nil {
			return val{}, err
		}
		found, ok := pick(o.v, k.v)
		if _, nothing := o.v.(undefined); nothing || o.v == nil {
			e.missed = true
			return val{}, errNoValue
		}
		if !ok {
			e.missed = true
			return val{v: undefined{}}, nil
		}
		return with(found, o, k), nil
	}
}

// pick looks a key up in an object, or a position in a list.
func pick(of, key any) (any, bool) {
	switch of := of.(type) {
	case map[string]any:
		v, ok := of[text(key)]
		return v, ok
	case []any:
		f, ok := number(key)
		i := int(f)
		if i < 0 {
			i += len(of)
		}
		if !ok || math.Abs(f) > maxText || f != math.Trunc(f) || i < 0 || i >= len(of) {
			return nil, false
		}
		return of[i], true
	}
	return nil, false
}

func both(e *env, a, b expr) (x, y val, err error) {
	if x, err = a(e); err == nil {
		y, err = b(e)
	}
	return x, y, err
}

func choose(cond, yes, no expr) expr {
	return func(e *env) (val, error) {
		c, err := cond(e)
		if err != nil {
			return val{}, err
		}
		if truthy(c.v) {
			return yes(e)
		}
		return no(e)
	}
}

func negate(a expr) expr {
	return func(e *env) (val, error) {
		x, err := a(e)
		return with(!truthy(x.v), x), err
	}
}

// listOf and mapOf are the lists and maps that a template writes down.
func listOf(items []expr) expr {
	return func(e *env) (val, error) {
		out := val{v: []any{}}
		list := make([]any, 0, len(items))
		for _, item := range items {
			v, err := item(e)
			if err != nil {
				return val{}, err
			}
			list, out = append(list, v.v), with(nil, out, v)
		}
		out.v = list
		return out, nil
	}
}

func mapOf(keys, values []expr) expr {
	return func(e *env) (val, error) {
		out, object := val{}, make(map[string]any, len(keys))
		for i := range keys {
			k, v, err := both(e, keys[i], values[i])
			if err != nil {
				return val{}, err
			}
			object[text(k.v)], out = v.v, with(nil, out, v)
		}
		out.v = object
		return out, nil
	}
}

// binary is an operator on two values. "and" and "or" give one of their operands, as in Python.
func binary(op string, a, b expr) expr {
	if op == "and" || op == "or" {
		return func(e *env) (val, error) {
			x, err := a(e)
			if err != nil || truthy(x.v) == (op == "or") {
				return x, err
			}
			return b(e)
		}
	}
	return func(e *env) (val, error) {
		x, y, err := both(e, a, b)
		if err != nil {
			return val{}, err
		}
		v, err := compute(op, x.v, y.v)
		return with(v, x, y), err
	}
}

func compute(op string, a, b any) (any, error) {
	s, isText := a.(string)
	t, both := b.(string)
	if op == "~" || op == "+" && isText && both {
		if op == "~" {
			s, t = text(a), text(b)
		}
		if len(s)+len(t) > maxText {
			return nil, errNoValue
		}
		return s + t, nil
	}
	x, ok := number(a)
	y, ok2 := number(b)
	if !ok || !ok2 || isText || both {
		return nil, errNoValue
	}
	return arithmetic(op, x, y)
}

func arithmetic(op string, x, y float64) (any, error) {
	if y == 0 && op != "+" && op != "-" && op != "*" {
		return nil, errNoValue
	}
	f := math.NaN()
	switch op {
	case "+":
		f = x + y
	case "-":
		f = x - y
	case "*":
		f = x * y
	case "/":
		f = x / y
	case "//":
		f = math.Floor(x / y)
	case "%":
		f = x - y*math.Floor(x/y)
	}
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, errNoValue
	}
	return f, nil
}

func comparison(op string, a, b expr) expr {
	return func(e *env) (val, error) {
		x, y, err := both(e, a, b)
		if err != nil {
			return val{}, err
		}
		ok, err := compares(op, x.v, y.v)
		return with(ok, x, y), err
	}
}

func compares(op string, a, b any) (bool, error) {
	switch op {
	case "==":
		return equal(a, b), nil
	case "!=":
		return !equal(a, b), nil
	case "in":
		return within(a, b)
	case "not":
		ok, err := within(a, b)
		return !ok, err
	}
	order, err := compareOrder(a, b)
	switch op {
	case "<":
		return order < 0, err
	case "<=":
		return order <= 0, err
	case ">":
		return order > 0, err
	}
	return order >= 0, err
}

func compareOrder(a, b any) (int, error) {
	s, isText := a.(string)
	t, both := b.(string)
	if isText && both {
		return strings.Compare(s, t), nil
	}
	x, ok := number(a)
	y, ok2 := number(b)
	switch {
	case !ok || !ok2 || isText || both:
		return 0, errNoValue
	case x < y:
		return -1, nil
	case x > y:
		return 1, nil
	}
	return 0, nil
}

// equal compares as Python does: a text never equals a number, true equals 1. Lists and objects are never equal: a template
// could nest one in itself so often that comparing them would not end.
func equal(a, b any) bool {
	switch a := a.(type) {
	case string:
		s, ok := b.(string)
		return ok && a == s
	case bool, float64:
		x, _ := number(a)
		y, ok := number(b)
		return ok && x == y && !is[string](b)
	case nil:
		return b == nil
	}
	return is[undefined](a) && is[undefined](b)
}

func within(a, b any) (bool, error) {
	switch b := b.(type) {
	case string:
		s, ok := a.(string)
		return ok && strings.Contains(b, s), nil
	case []any:
		for _, v := range b {
			if equal(a, v) {
				return true, nil
			}
		}
		return false, nil
	case map[string]any:
		_, ok := b[text(a)]
		return ok, nil
	}
	return false, errNoValue
}

func truthy(v any) bool {
	switch v := v.(type) {
	case bool:
		return v
	case float64:
		return v != 0
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	case map[string]any:
		return len(v) > 0
	}
	return false
}

// number reads a number, a flag, or a text that is a number.
func number(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	case string:
		f, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
		return f, err == nil && !math.IsNaN(f) && !math.IsInf(f, 0)
	}
	return 0, false
}

// text writes a value as Python does. What is no scalar has no text: nothing on the list needs it.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		if v {
			return "True"
		}
		return "False"
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case nil:
		return "None"
	}
	return ""
}
