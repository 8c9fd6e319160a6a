package homeassistant

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// foreign are names of filters, functions and tests that Jinja or Home Assistant have and this package refuses. Only these are
// named in a refusal: another name in a template could be anything.
var foreign = []string{
	"states", "state_attr", "is_state", "now", "utcnow", "as_timestamp", "as_datetime", "as_local", "strptime", "timestamp_custom",
	"timestamp_local", "timestamp_utc", "relative_time", "today_at", "tojson", "to_json", "from_json", "regex_match",
	"regex_search", "regex_replace", "regex_findall", "regex_findall_index", "map", "select", "reject", "selectattr",
	"rejectattr", "join", "list", "sort", "sum", "random", "range", "namespace", "dict", "dictsort", "items",
	"format", "truncate", "urlencode", "base64_decode", "base64_encode", "pack", "unpack", "bitwise_and", "bitwise_or", "ord",
	"log", "sqrt", "sin", "cos", "pow", "average", "median", "slugify", "unique", "batch", "slice", "reverse", "wordcount",
	"timedelta", "as_timedelta", "divisibleby", "even", "odd", "escape", "safe", "e", "contains", "search", "match", "typeof",
}

// refuse says which construct is not understood, by name if the name is no secret.
func refuse(what, name string) error {
	if slices.Contains(foreign, name) {
		return fmt.Errorf("the %s %s in its template", what, name)
	}
	return fmt.Errorf("a %s in its template that is not on the list", what)
}

// apply computes a filter, function or method from its value and arguments.
type apply func(e *env, in val, args []val) (val, error)

// filters are those on the list; most are functions, too.
var filters = map[string]apply{
	"float":      converted(func(f float64) any { return f }),
	"int":        converted(func(f float64) any { return math.Trunc(f) }),
	"round":      round,
	"abs":        numeric(func(x, _ float64) any { return math.Abs(x) }),
	"multiply":   numeric(func(x, y float64) any { return x * y }),
	"add":        numeric(func(x, y float64) any { return x + y }),
	"default":    fallback,
	"d":          fallback,
	"is_defined": demanded,
	"iif":        iif,
	"bool":       boolean,
	"lower":      onText(func(s string, _ []string) any { return strings.ToLower(s) }),
	"upper":      onText(func(s string, _ []string) any { return strings.ToUpper(s) }),
	"trim":       onText(func(s string, _ []string) any { return strings.TrimSpace(s) }),
	"strip":      onText(func(s string, _ []string) any { return strings.TrimSpace(s) }),
	"string":     onText(func(s string, _ []string) any { return s }),
	"replace":    onText(replace),
	"split":      onText(cut),
	"startswith": onText(func(s string, args []string) any { return strings.HasPrefix(s, first(args)) }),
	"endswith":   onText(func(s string, args []string) any { return strings.HasSuffix(s, first(args)) }),
	"is_number":  func(_ *env, in val, _ []val) (val, error) { _, ok := number(in.v); return with(ok, in), nil },
	"min":        extreme(math.Min),
	"max":        extreme(math.Max),
	"length":     length,
	"count":      length,
	"first":      func(e *env, in val, _ []val) (val, error) { return end(e, in, 0) },
	"last":       func(e *env, in val, _ []val) (val, error) { return end(e, in, -1) },
	"get":        get,
}

// What may be written in which of the three ways. Every other entry is a filter.
var (
	functions = []string{"float", "int", "bool", "iif", "is_number", "min", "max"}
	methods   = []string{"get", "lower", "upper", "strip", "split", "startswith", "endswith", "replace"}
	noFilters = []string{"get", "strip", "startswith", "endswith"}
)

func (p *parser) filter(in expr) (expr, error) {
	name := p.next()
	f, ok := filters[name.text]
	if name.kind != tokName || !ok || slices.Contains(noFilters, name.text) {
		return nil, refuse("filter", name.text)
	}
	args, err := p.arguments()
	return call(f, in, args), err
}

func (p *parser) method(name string, in expr) (expr, error) {
	if !slices.Contains(methods, name) {
		return nil, refuse("method", name)
	}
	args, err := p.arguments()
	return call(filters[name], in, args), err
}

func (p *parser) function(name string) (expr, error) {
	if !slices.Contains(functions, name) {
		return nil, refuse("function", name)
	}
	args, err := p.arguments()
	if err == nil && len(args) == 0 {
		err = errSyntax
	}
	if err != nil {
		return nil, err
	}
	return call(filters[name], args[0], args[1:]), nil
}

func call(f apply, in expr, args []expr) expr {
	return func(e *env) (val, error) {
		v, err := in(e)
		if err != nil {
			return val{}, err
		}
		values := make([]val, len(args))
		for i, a := range args {
			if values[i], err = a(e); err != nil {
				return val{}, err
			}
		}
		return f(e, v, values)
	}
}

// converted reads a number. Its argument stands for one that is none, and is made up.
func converted(f func(float64) any) apply {
	return func(e *env, in val, args []val) (val, error) {
		x, ok := number(in.v)
		switch {
		case ok:
			return with(f(x), in), nil
		case len(args) == 0:
			return val{}, errNoValue
		}
		e.missed = true
		return val{v: args[0].v, made: true}, nil
	}
}

// numeric computes with a number and, if there is one, the argument.
func numeric(f func(x, y float64) any) apply {
	return func(_ *env, in val, args []val) (val, error) {
		x, ok := number(in.v)
		y, from := 0.0, in
		if ok && len(args) > 0 {
			y, ok = number(args[0].v)
			from = with(nil, in, args[0])
		}
		if !ok {
			return val{}, errNoValue
		}
		return with(f(x, y), from), nil
	}
}

// round rounds half to even, as Python does, or by the method of its second argument.
func round(_ *env, in val, args []val) (val, error) {
	x, ok := number(in.v)
	places := 0.0
	if ok && len(args) > 0 {
		places, ok = number(args[0].v)
	}
	if !ok || math.Abs(places) > 9 {
		return val{}, errNoValue
	}
	turn := math.RoundToEven
	if len(args) > 1 {
		switch text(args[1].v) {
		case "floor":
			turn = math.Floor
		case "ceil":
			turn = math.Ceil
		}
	}
	scale := math.Pow10(int(places))
	if f := turn(x*scale) / scale; !math.IsInf(f, 0) && !math.IsNaN(f) {
		return with(f, in), nil
	}
	return val{}, errNoValue
}

// fallback stands for what the message lacks. With a true second argument it stands for what is empty, too.
func fallback(e *env, in val, args []val) (val, error) {
	_, lacks := in.v.(undefined)
	if len(args) > 1 && truthy(args[1].v) {
		lacks = !truthy(in.v)
	}
	if !lacks {
		return in, nil
	}
	e.missed = true
	if len(args) == 0 {
		return val{v: "", made: true}, nil
	}
	return val{v: args[0].v, told: args[0].told, made: !args[0].told}, nil
}

// demanded lets a value through that the message has.
func demanded(e *env, in val, _ []val) (val, error) {
	if _, lacks := in.v.(undefined); lacks {
		e.missed = true
		return val{}, errNoValue
	}
	return in, nil
}

// iif chooses by a condition; without arguments it gives true and false.
func iif(_ *env, in val, args []val) (val, error) {
	i := 1
	switch {
	case in.v == nil && len(args) > 2:
		i = 2
	case truthy(in.v):
		i = 0
	}
	if i < len(args) {
		return args[i], nil
	}
	return val{v: i == 0}, nil
}

func boolean(_ *env, in val, _ []val) (val, error) {
	if s, ok := in.v.(string); ok {
		switch strings.ToLower(s) {
		case "true", "yes", "on", "enable", "1":
			return with(true, in), nil
		case "false", "no", "off", "disable", "0":
			return with(false, in), nil
		}
		return val{}, errNoValue
	}
	if f, ok := number(in.v); ok {
		return with(f != 0, in), nil
	}
	return val{}, errNoValue
}

// onText computes with the text of a scalar and those of the arguments.
func onText(f func(s string, args []string) any) apply {
	return func(_ *env, in val, args []val) (val, error) {
		switch in.v.(type) {
		case undefined, []any, map[string]any:
			return val{}, errNoValue
		}
		s := text(in.v)
		if len(s) > maxText {
			return val{}, errNoValue
		}
		words := make([]string, len(args))
		for i, a := range args {
			words[i] = text(a.v)
		}
		out := f(s, words)
		if out == nil {
			return val{}, errNoValue
		}
		return with(out, append(args, in)...), nil
	}
}

func first(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return words[0]
}

func replace(s string, args []string) any {
	if len(args) != 2 || args[0] == "" || len(s)+strings.Count(s, args[0])*len(args[1]) > 2*maxText {
		return nil
	}
	return strings.ReplaceAll(s, args[0], args[1])
}

func cut(s string, args []string) any {
	words := strings.Fields(s)
	if sep := first(args); sep != "" {
		words = strings.Split(s, sep)
	}
	out := make([]any, len(words))
	for i, w := range words {
		out[i] = w
	}
	return out
}

// extreme is the least or greatest of a list, or of the value and the arguments.
func extreme(f func(x, y float64) float64) apply {
	return func(_ *env, in val, args []val) (val, error) {
		list, ok := in.v.([]any)
		if !ok {
			list = []any{in.v}
		}
		out := in
		for _, a := range args {
			list, out = append(slices.Clip(list), a.v), with(nil, out, a)
		}
		best := math.NaN()
		for i, v := range list {
			x, ok := number(v)
			if !ok {
				return val{}, errNoValue
			}
			if best = f(best, x); i == 0 {
				best = x
			}
		}
		if len(list) == 0 {
			return val{}, errNoValue
		}
		return with(best, out), nil
	}
}

func length(_ *env, in val, _ []val) (val, error) {
	switch v := in.v.(type) {
	case string:
		return with(float64(len([]rune(v))), in), nil
	case []any:
		return with(float64(len(v)), in), nil
	case map[string]any:
		return with(float64(len(v)), in), nil
	}
	return val{}, errNoValue
}

func end(e *env, in val, at float64) (val, error) {
	if v, ok := pick(in.v, at); ok {
		return with(v, in), nil
	}
	e.missed = true
	return val{v: undefined{}}, nil
}

// get is the method of an object: a member, or the second argument.
func get(e *env, in val, args []val) (val, error) {
	object, ok := in.v.(map[string]any)
	if !ok || len(args) == 0 {
		return val{}, errNoValue
	}
	if v, ok := object[text(args[0].v)]; ok {
		return with(v, in, args[0]), nil
	}
	e.missed = true
	if len(args) > 1 {
		return val{v: args[1].v, made: true}, nil
	}
	return val{v: nil, made: true}, nil
}

// tests are the words after "is".
var tests = map[string]func(v any) bool{
	"defined":   func(v any) bool { return !is[undefined](v) },
	"undefined": is[undefined],
	"none":      func(v any) bool { return v == nil },
	"number":    is[float64],
	"string":    is[string],
	"boolean":   is[bool],
	"mapping":   is[map[string]any],
	"true":      func(v any) bool { return v == true },
	"false":     func(v any) bool { return v == false },
}

func is[T any](v any) bool { _, ok := v.(T); return ok }

func (p *parser) test(in expr) (expr, error) {
	negated := p.take("not")
	name := p.next()
	ok := tests[name.text]
	if name.kind != tokName || ok == nil {
		return nil, refuse("test", name.text)
	}
	return func(e *env) (val, error) {
		v, err := in(e)
		return with(ok(v.v) != negated, v), err
	}, nil
}
