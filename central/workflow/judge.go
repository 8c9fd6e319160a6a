package workflow

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"gridgate/central/cases"
	"gridgate/protocols/kit/conf"
)

// judge finds what is wrong with a definition. written is what stands in the file, d is that over its base.
type judge struct {
	doc      *conf.Document
	written  *Definition
	d        *Definition
	problems conf.Problems
}

var validID = regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`)

func (j *judge) fault(field, message, remedy string, args ...any) {
	j.problems = append(j.problems, j.doc.At(field, fmt.Sprintf(message, args...), remedy))
}

func (j *judge) base() (Definition, bool) {
	switch id := j.written.Base; id {
	case "":
		return Definition{}, true
	case BaseID:
		base, err := Shipped(BaseID)
		if err != nil {
			j.fault("base", "%v", "report this", err)
			return Definition{}, false
		}
		return *base, true
	default:
		j.fault("base", "%q is not a definition to write on", "write base: "+BaseID+", or leave it out", id)
		return Definition{}, false
	}
}

func (j *judge) all() {
	j.id("id", j.d.ID)
	j.titles("titles", j.d.Titles)
	if n, m := len(j.d.Steps), len(j.d.Actions); n == 0 || n > maxSteps || m == 0 || m > maxActions {
		j.fault("steps", "%d steps and %d actions", fmt.Sprintf("have 1 to %d steps and 1 to %d actions", maxSteps, maxActions), n, m)
		return
	}
	j.dropped()
	j.steps()
	for i, a := range j.d.Actions {
		j.action(j.field("actions", i, a.ID), a)
	}
	j.named()
	if len(j.problems) == 0 {
		j.reach()
	}
}

// field is where the i-th step or action of the whole definition stands in the file; one that is only in the base stands at "base".
func (j *judge) field(list string, i int, id string) string {
	at := slices.IndexFunc(j.written.Steps, func(s Step) bool { return s.ID == id })
	if list == "actions" {
		at = slices.IndexFunc(j.written.Actions, func(a Action) bool { return a.ID == id })
	}
	switch {
	case j.written.Base == "":
		return fmt.Sprintf("%s[%d]", list, i)
	case at >= 0:
		return fmt.Sprintf("%s[%d]", list, at)
	}
	return "base"
}

func (j *judge) id(field, id string) {
	if !validID.MatchString(id) {
		j.fault(field, "%q is no id", "use lower-case letters, digits and dashes, at most 40", id)
	}
}

func (j *judge) titles(field string, t Titles) {
	for language, text := range map[string]string{"zh": t.ZH, "en": t.EN} {
		if strings.TrimSpace(text) == "" {
			j.fault(field, "the title in %s is missing", "write titles: {zh: ..., en: ...}", language)
		}
	}
}

func (j *judge) dropped() {
	for i, id := range j.written.Drop.Steps {
		if _, there := j.d.Step(id); there || j.written.Base == "" {
			j.fault(fmt.Sprintf("drop.steps[%d]", i), "%q is written here again, or there is no base to drop it from", "remove one of the two", id)
		}
	}
	for i, id := range j.written.Drop.Actions {
		if _, there := j.d.Action(id); there || j.written.Base == "" {
			j.fault(fmt.Sprintf("drop.actions[%d]", i), "%q is written here again, or there is no base to drop it from", "remove one of the two", id)
		}
	}
}

func (j *judge) steps() {
	seen := map[string]bool{}
	for i, s := range j.d.Steps {
		field := j.field("steps", i, s.ID)
		j.id(field+".id", s.ID)
		j.titles(field+".titles", s.Titles)
		if seen[s.ID] {
			j.fault(field+".id", "there are two steps %q", "give each its own id", s.ID)
		}
		seen[s.ID] = true
		if !slices.Contains([]cases.State{cases.Open, cases.Acknowledged, cases.Closed}, s.Phase) {
			j.fault(field+".phase", "%q is no phase", "use open, acknowledged or closed", s.Phase)
		}
		if s.End && s.Phase != cases.Closed {
			j.fault(field+".end", "%q is an end but not closed", "write phase: closed", s.ID)
		}
	}
}

func (j *judge) action(field string, a Action) {
	j.id(field+".id", a.ID)
	j.titles(field+".titles", a.Titles)
	same := func(b Action) bool { return b.ID == a.ID }
	if i := slices.IndexFunc(j.d.Actions, same); slices.ContainsFunc(j.d.Actions[i+1:], same) {
		j.fault(field+".id", "there are two actions %q", "give each its own id", a.ID)
	}
	for i, id := range a.From {
		j.step(fmt.Sprintf("%s.from[%d]", field, i), id)
	}
	if a.To != "" {
		j.step(field+".to", a.To)
	}
	j.who(field, a)
	known(j, field+".needs", a.Needs, fields())
	known(j, field+".may", a.May, fields())
	known(j, field+".marks", a.Marks, Marks())
	known(j, field+".clocks.drops", a.Clocks.Drops, Marks())
	known(j, field+".clocks.unmeets", a.Clocks.Unmeets, Marks())
	known(j, field+".sets", a.Sets, settings())
	if a.Effect != "" {
		known(j, field+".effect", []cases.Effect{a.Effect}, []cases.Effect{cases.Extends, cases.SendsBack, cases.Reworks, cases.Supervises})
	}
	j.consequences(field, a)
}

func (j *judge) step(field, id string) {
	if _, ok := j.d.Step(id); !ok {
		j.fault(field, "there is no step %q", "name a step of this definition", id)
	}
}

func (j *judge) who(field string, a Action) {
	known(j, field+".roles", a.Roles, roles())
	known(j, field+".when", a.When, conditions())
	for i, tier := range a.Tiers {
		known(j, fmt.Sprintf("%s.tiers[%d].roles", field, i), tier.Roles, roles())
		known(j, fmt.Sprintf("%s.tiers[%d].when", field, i), tier.When, conditions())
		if len(tier.Roles) == 0 {
			j.fault(fmt.Sprintf("%s.tiers[%d]", field, i), "nobody may", "name roles")
		}
	}
	if (len(a.Roles) == 0) == (len(a.Tiers) == 0) {
		j.fault(field, "%q has both roles and tiers, or nobody may do it", "name roles, or tiers for an extension", a.ID)
	}
}

// consequences judges what only makes sense together.
func (j *judge) consequences(field string, a Action) {
	closes := false
	if s, ok := j.d.Step(a.To); ok {
		closes = s.Phase == cases.Closed && slices.ContainsFunc(j.d.Steps, func(from Step) bool { return a.leads(from) && from.Phase != cases.Closed })
	}
	switch {
	case closes && len(a.Reasons) == 0:
		j.fault(field+".reasons", "%q closes a case and gives no reason", "name reasons: handled, verified, false-alarm, duplicate, not-ours", a.ID)
	case a.Clocks.Extends != slices.Contains(a.Needs, FieldBy):
		j.fault(field+".clocks", "extends and the field \"by\" go together", "write both or neither")
	case len(a.Tiers) > 0 && a.Effect != cases.Extends:
		j.fault(field+".tiers", "only an extension is counted", "write effect: extend, or roles instead of tiers")
	case a.Clocks.Pauses && a.Clocks.Resumes:
		j.fault(field+".clocks", "it both pauses and resumes", "choose one")
	}
	allowed := []cases.Reason{cases.ReasonHandled, cases.ReasonVerified, cases.ReasonFalseAlarm, cases.ReasonDuplicate, cases.ReasonNotOurs}
	known(j, field+".reasons", a.Reasons, allowed)
}

// known complains of values that are not among those allowed.
func known[T ~string](j *judge, field string, got, allowed []T) {
	for i, v := range got {
		if !slices.Contains(allowed, v) {
			j.fault(fmt.Sprintf("%s[%d]", field, i), "%q is unknown", fmt.Sprintf("use one of %v", allowed), v)
		}
	}
}

// named judges the steps and actions that the definition as a whole names.
func (j *judge) named() {
	for _, n := range []struct {
		field, id string
		phase     cases.State
	}{{"start", j.d.Start, cases.Open}, {"taken", j.d.Taken, cases.Acknowledged}, {"void", j.d.Void, cases.Closed}} {
		if s, ok := j.d.Step(n.id); !ok || s.Phase != n.phase {
			j.fault(n.field, "%q is no step of phase %s", "name one", n.id, n.phase)
		}
	}
	automatic := map[string]string{"lapse": j.d.Lapse, "follow": j.d.Follow}
	for i, id := range j.d.Red {
		automatic[fmt.Sprintf("red[%d]", i)] = id
	}
	for field, id := range automatic {
		if a, ok := j.d.Action(id); !ok || !slices.Contains(a.Roles, System) || len(a.Needs) > 0 || len(a.Reasons) > 1 {
			j.fault(field, "%q is no action that the system may do without being asked for a field", "name one with role system", id)
		}
	}
}

// reach finds steps that no case comes to, and steps that no case gets away from to an end.
func (j *judge) reach() {
	forward := j.closure([]string{j.d.Start, j.d.Taken, j.d.Void}, func(s Step, a Action) (string, bool) { return a.To, a.leads(s) && a.To != "" })
	var ends []string
	for _, s := range j.d.Steps {
		if s.End {
			ends = append(ends, s.ID)
		}
	}
	for i, s := range j.d.Steps {
		field := j.field("steps", i, s.ID)
		if !forward[s.ID] {
			j.fault(field, "no case ever comes to %q", "let an action lead to it, or remove it", s.ID)
		}
		reached := j.closure([]string{s.ID}, func(s Step, a Action) (string, bool) { return a.To, a.leads(s) && a.To != "" })
		if !slices.ContainsFunc(ends, func(id string) bool { return reached[id] }) {
			j.fault(field, "%q is a dead end", "let an action lead on towards a step with end: true", s.ID)
		}
	}
}

// closure is every step that can be come to from some.
func (j *judge) closure(from []string, next func(Step, Action) (string, bool)) map[string]bool {
	seen := map[string]bool{}
	for len(from) > 0 {
		s, _ := j.d.Step(from[0])
		from = from[1:]
		if seen[s.ID] {
			continue
		}
		seen[s.ID] = true
		for _, a := range j.d.Actions {
			if to, ok := next(s, a); ok {
				from = append(from, to)
			}
		}
	}
	return seen
}
