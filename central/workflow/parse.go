package workflow

import (
	"embed"
	"fmt"
	"slices"

	"gridgate/protocols/kit/conf"
)

//go:embed shipped/*.yaml
var shipped embed.FS

// BaseID is the loop of seven steps that the shipped profiles are written on.
const BaseID = "base"

// ShippedIDs names the shipped definitions, the base first.
func ShippedIDs() []string {
	return []string{BaseID, "report-route-verify", "seven-orders", "accept-dispatch"}
}

// Shipped returns a definition that comes with Gridgate.
func Shipped(id string) (*Definition, error) {
	if !slices.Contains(ShippedIDs(), id) {
		return nil, fmt.Errorf("workflow %q is not shipped: use one of %v", id, ShippedIDs())
	}
	file := "shipped/" + id + ".yaml"
	data, err := shipped.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read workflow: %w", err)
	}
	return Parse(file, data)
}

// Bounds of a definition.
const (
	maxSteps   = 40
	maxActions = 80
)

// Parse reads a definition from YAML (or JSON), lays it over its base and judges it. file only names it. The error is
// [conf.Problems]: each with file, line, field and remedy.
func Parse(file string, data []byte) (*Definition, error) {
	var d Definition
	var whole *Definition
	err := conf.Parse(file, data, &d, func(doc *conf.Document) conf.Problems {
		j := judge{doc: doc, written: &d}
		base, ok := j.base()
		if !ok {
			return j.problems
		}
		whole = overlay(base, d)
		j.d = whole
		j.all()
		return j.problems
	})
	if err != nil {
		return nil, err
	}
	return whole, nil
}

// overlay writes d over its base: what has the same id replaces, what is new comes last.
func overlay(base, d Definition) *Definition {
	if d.Base == "" {
		return &d
	}
	out := base
	out.ID, out.Titles, out.Base, out.Drop = d.ID, d.Titles, d.Base, d.Drop
	for value, own := range map[*string]string{&out.Start: d.Start, &out.Taken: d.Taken, &out.Void: d.Void, &out.Lapse: d.Lapse, &out.Follow: d.Follow} {
		if own != "" {
			*value = own
		}
	}
	if d.Red != nil {
		out.Red = d.Red
	}
	out.Steps = replace(base.Steps, d.Steps, d.Drop.Steps, func(s Step) string { return s.ID })
	out.Actions = replace(base.Actions, d.Actions, d.Drop.Actions, func(a Action) string { return a.ID })
	return &out
}

func replace[T any](base, own []T, drop []string, id func(T) string) []T {
	var out []T
	for _, b := range base {
		if i := slices.IndexFunc(own, func(o T) bool { return id(o) == id(b) }); i >= 0 {
			out = append(out, own[i])
		} else if !slices.Contains(drop, id(b)) {
			out = append(out, b)
		}
	}
	for _, o := range own {
		if !slices.ContainsFunc(base, func(b T) bool { return id(b) == id(o) }) {
			out = append(out, o)
		}
	}
	return out
}
