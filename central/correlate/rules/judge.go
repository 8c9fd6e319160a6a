package rules

import (
	"fmt"
	"regexp"
	"slices"
	"time"
	"unicode/utf8"

	"gridgate/protocols/kit/conf"
)

var (
	idForm   = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,47}$`)
	gridForm = regexp.MustCompile(`^[0-9]{2,20}$`)
)

// fieldsOf says which of the fields that not every rule has belong to a sort.
var fieldsOf = map[Sort][]string{
	Group:    {"match", "same", "near", "lifeSafety"},
	Confirm:  {"of", "same", "severity", "level"},
	Inhibit:  {"cause", "held", "same", "lifeSafety"},
	Flapping: {"match", "times"},
	Storm:    {"match", "same", "times", "lifeSafety"},
	Water:    {"match", "rivers", "merge", "lifeSafety"},
}

var allFields = []Field{ByGrid, ByCommunity, ByEdge, ByDevice, ByZone, ByKind, ByClass, ByMainClass}

// judgement gathers what is wrong with a file.
type judgement struct {
	doc      *conf.Document
	problems conf.Problems
}

func (j *judgement) tell(field, message, remedy string) {
	j.problems = append(j.problems, j.doc.At(field, message, remedy))
}

func judge(doc *conf.Document, f File) conf.Problems {
	j := &judgement{doc: doc}
	if len(f.Rules) > MaxRules {
		j.tell("rules", fmt.Sprintf("there are more than %d", MaxRules), "remove some")
		return j.problems
	}
	first := map[string]int{}
	for i, r := range f.Rules {
		at := fmt.Sprintf("rules[%d]", i)
		if n, ok := first[r.ID]; ok {
			j.tell(at+".id", fmt.Sprintf("is also that of rules[%d]", n), "give each rule its own")
		}
		first[r.ID] = i
		j.rule(at, r)
	}
	return j.problems
}

func (j *judgement) rule(at string, r Rule) {
	if !idForm.MatchString(r.ID) {
		j.tell(at+".id", "is missing or has other than lower-case letters, digits and dashes, at most 48", "for example: gateway-holds-its-devices")
	}
	wanted, known := fieldsOf[r.Sort]
	if !known {
		j.tell(at+".sort", "is not a sort of rule", "use group, confirm, inhibit, flapping, storm or water")
		return
	}
	j.name(at+".name", r.Name)
	if span, err := time.ParseDuration(r.Within); err != nil || span < time.Second || span > MaxSpan {
		j.tell(at+".within", "is missing, no length of time, or not between 1s and 24h", "for example: 10m")
	}
	for _, field := range r.present() {
		if !slices.Contains(wanted, field) {
			j.tell(at+"."+field, fmt.Sprintf("a rule of sort %s has no such field", r.Sort), "remove it")
		}
	}
	j.same(at, r, slices.Contains(wanted, "same"))
	j.condition(at+".match", r.Match, false)
	map[Sort]func(string, Rule){
		Group: j.group, Confirm: j.confirm, Inhibit: j.inhibit, Flapping: j.times, Storm: j.times, Water: j.water,
	}[r.Sort](at, r)
}

// present names the fields of r, of those that not every rule has, that are set.
func (r Rule) present() (fields []string) {
	for _, f := range []struct {
		name string
		set  bool
	}{
		{"match", r.Match != ""}, {"same", r.Same != nil}, {"near", r.Near}, {"of", r.Of != nil}, {"severity", r.Severity != ""}, {"level", r.Level != ""},
		{"cause", r.Cause != ""}, {"held", r.Held != ""}, {"times", r.Times != 0}, {"rivers", r.Rivers != nil}, {"merge", r.Merge}, {"lifeSafety", r.LifeSafety},
	} {
		if f.set {
			fields = append(fields, f.name)
		}
	}
	return fields
}

func (j *judgement) name(at string, n Name) {
	for _, s := range []string{n.ZH, n.EN} {
		if s == "" || utf8.RuneCountInString(s) > maxName {
			j.tell(at, fmt.Sprintf("zh or en is missing or has more than %d characters", maxName), "say in both what the rule is for")
			return
		}
	}
}

func (j *judgement) same(at string, r Rule, demanded bool) {
	if demanded && len(r.Same) == 0 {
		j.tell(at+".same", "is missing", "say in what the cases must agree, for example: [grid]")
	}
	for i, f := range r.Same {
		if !slices.Contains(allFields, f) || slices.Contains(r.Same[:i], f) {
			j.tell(fmt.Sprintf("%s.same[%d]", at, i), "is no field in which cases can agree, or stands here twice",
				"use grid, community, edge, device, zone, kind, class or main-class")
		}
	}
}

// condition judges an expression at a field.
func (j *judgement) condition(at, text string, demanded bool) {
	if text == "" {
		if demanded {
			j.tell(at, "is missing", `write a condition, for example: kind == "smoke"`)
		}
		return
	}
	if _, err := compile(text); err != nil {
		j.tell(at, err.Error(), "see the fields and operators in the reference of the rules")
	}
}

func (j *judgement) group(at string, r Rule) {
	if r.Near && !slices.Contains(r.Same, ByGrid) {
		j.tell(at+".near", "widens grid, which is not in same", "add grid to same")
	}
}

func (j *judgement) confirm(at string, r Rule) {
	if len(r.Of) < 2 || len(r.Of) > maxOf {
		j.tell(at+".of", fmt.Sprintf("must have 2 to %d conditions", maxOf), "write one for each thing that must come together")
	}
	for i, c := range r.Of {
		j.condition(fmt.Sprintf("%s.of[%d]", at, i), c, true)
	}
	if r.Severity != "" && r.Severity.Rank() < 0 {
		j.tell(at+".severity", "is no severity", "use info, minor, major or critical")
	}
	if r.Level != "" && r.Level.Rank() < 0 {
		j.tell(at+".level", "is no level", "use grid, community, township or district")
	}
	if r.Severity == "" && r.Level == "" {
		j.tell(at, "says neither severity nor level", "say what the cases are raised to")
	}
}

func (j *judgement) inhibit(at string, r Rule) {
	j.condition(at+".cause", r.Cause, true)
	j.condition(at+".held", r.Held, true)
}

func (j *judgement) times(at string, r Rule) {
	if r.Times < 2 || r.Times > maxTimes {
		j.tell(at+".times", fmt.Sprintf("must be 2 to %d", maxTimes), "say how often is too often")
	}
}

func (j *judgement) water(at string, r Rule) {
	if len(r.Rivers) == 0 {
		j.tell(at+".rivers", "is missing", "list at least one with its grids from the source down")
	}
	for i, river := range r.Rivers {
		here := fmt.Sprintf("%s.rivers[%d]", at, i)
		j.name(here+".name", river.Name)
		if len(river.Grids) < 2 || len(river.Grids) > maxGrids {
			j.tell(here+".grids", fmt.Sprintf("must have 2 to %d grids", maxGrids), "list them from the source down")
		}
		for k, g := range river.Grids {
			if !gridForm.MatchString(g) {
				j.tell(fmt.Sprintf("%s.grids[%d]", here, k), "is no grid's code nor the beginning of one", "write 2 to 20 digits in quotes")
			}
			if slices.Contains(river.Grids[:k], g) {
				j.tell(fmt.Sprintf("%s.grids[%d]", here, k), "stands here twice", "remove one of the two")
			}
		}
	}
}
