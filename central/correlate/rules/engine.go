package rules

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"gridgate/central/cases"
	"gridgate/protocols/alert"
)

// Neighbours says which grids touch. central/grid implements it.
type Neighbours interface {
	// Near says whether the grids with these codes are neighbours. A code that is not known has none.
	Near(a, b string) bool
}

// Options are what an [Engine] is made of.
type Options struct {
	File       File
	Silences   Silences
	Neighbours Neighbours      // nil: no grid has any
	Approved   map[string]bool // by rule id: a second person approved that it puts life-safety cases under others
}

// Engine decides by rules that were compiled once. It holds no state and is safe for concurrent use.
type Engine struct {
	rules     []rule
	starting  []*rule // those that look at a case that begins: all
	gathering []*rule // those that look at a case that gathers further alerts
	silences  Silences
	near      Neighbours
	span      time.Duration
}

// rule is a [Rule] that is ready to run.
type rule struct {
	Rule
	Span  time.Duration
	hides bool // it may put life-safety under others
	match *condition
	of    []*condition
	cause *condition
	held  *condition
	run   func(x *turn, r *rule)
}

var runs = map[Sort]func(x *turn, r *rule){
	Group: (*turn).group, Confirm: (*turn).confirm, Inhibit: (*turn).inhibit, Flapping: (*turn).flapping, Storm: (*turn).storm, Water: (*turn).water,
}

// NewEngine compiles a file that [Parse] took. An error names the rule.
func NewEngine(o Options) (*Engine, error) {
	e := &Engine{silences: o.Silences, near: o.Neighbours, span: time.Minute}
	for _, r := range o.File.Rules {
		ready, err := newRule(r, o.Approved[r.ID])
		if err != nil {
			return nil, fmt.Errorf("rule %s: %w", r.ID, err)
		}
		e.rules = append(e.rules, ready)
		e.span = max(e.span, ready.Span)
	}
	number(e.rules)
	for i := range e.rules {
		if e.rules[i].Sort == Confirm {
			e.gathering = append(e.gathering, &e.rules[i])
		}
		e.starting = append(e.starting, &e.rules[i])
	}
	return e, nil
}

func newRule(r Rule, approved bool) (ready rule, err error) {
	ready = rule{Rule: r, hides: r.LifeSafety && approved, run: runs[r.Sort]}
	if ready.run == nil {
		return ready, fmt.Errorf("%q is not a sort of rule", r.Sort)
	}
	if ready.Span, err = time.ParseDuration(r.Within); err != nil {
		return ready, err
	}
	if ready.match, err = compile(r.Match); err != nil {
		return ready, err
	}
	if ready.cause, err = compile(r.Cause); err != nil {
		return ready, err
	}
	if ready.held, err = compile(r.Held); err != nil {
		return ready, err
	}
	for _, text := range r.Of {
		c, err := compile(text)
		if err != nil {
			return ready, err
		}
		ready.of = append(ready.of, c)
	}
	return ready, nil
}

// Span is how far back the window reaches that the rules need.
func (e *Engine) Span() time.Duration { return e.span }

// Item is an event of the log, with its case as somebody read it later if the window does not know it ([Engine.Wants]).
type Item struct {
	Event cases.Event
	Case  *cases.Case
}

// Decision is something that a rule wants done. Its Event has no At and no Position: whoever does it gives them.
type Decision struct {
	Event cases.Event
	By    int64     // position of the event that led to it
	At    time.Time // of that event
	Kind  alert.Kind
	Grid  string // of the case
	// Hides says that a second person let the rule put life-safety under others.
	Hides bool
	// Whole says that the window saw the whole history of the cases of a merge: it knows whether a person once took one out of the other.
	Whole bool
}

// Next takes events in the order of their positions, and returns what follows. s changes; a caller that gives up what Next decided keeps s
// all the same: what was not done is seen by what the log says next. How the log is cut into calls makes no difference.
//
// Only new alerts lead to decisions: events that open or reopen a case or gather alerts in it. What rules did is noted, nothing more.
func (e *Engine) Next(s *State, items []Item) []Decision {
	var out []Decision
	for _, it := range items {
		m, started, fresh := s.take(e, it)
		if m == nil || !fresh {
			continue
		}
		x := turn{e: e, s: s, m: m, started: started, by: it.Event}
		look := e.gathering
		if started {
			look = e.starting
		}
		for _, r := range look {
			r.run(&x, r)
		}
		x.silence()
		out = append(out, x.out...)
	}
	return out
}

// maxActs is how many decisions one event leads to at most.
const maxActs = 256

// turn is one event's turn.
type turn struct {
	e       *Engine
	s       *State
	m       *member
	started bool // the case was opened or reopened, not only joined
	by      cases.Event
	out     []Decision
}

// act decides, and makes it so in the window.
func (x *turn) act(r *rule, m *member, e cases.Event) {
	if len(x.out) >= maxActs {
		return
	}
	e.CaseID = m.c.ID
	x.out = append(x.out, Decision{Event: e, By: x.by.Position, At: x.by.At, Kind: m.c.Kind, Grid: m.c.Grid, Hides: r != nil && r.hides})
	e.At = x.by.At
	m.fold(e)
}

// merge puts child under parent if that is allowed, and says whether it did. A graver child raises its parent, so that nothing grave stands
// behind something light.
func (x *turn) merge(r *rule, child, parent *member, why cases.Words) bool {
	if !mayMerge(r, child, parent) {
		return false
	}
	x.act(r, child, cases.Event{Type: cases.EventMerged, Into: parent.c.ID, Rule: r.ID, Why: &why})
	if len(x.out) > 0 {
		x.out[len(x.out)-1].Whole = child.whole && parent.whole
	}
	if child.c.State != cases.Closed && child.c.Severity.Rank() > parent.c.Severity.Rank() {
		lift := liftWords(r, child.c)
		x.act(r, parent, cases.Event{Type: cases.EventRaised, Severity: child.c.Severity, Rule: r.ID, Why: &lift})
	}
	return true
}

// mayMerge says whether a rule may put child under parent at all.
func mayMerge(r *rule, child, parent *member) bool {
	alone := parent.alone && child != parent && (child.alone || child.c.Parent == "" && r.Sort == Flapping)
	return alone && child.c.Exercise == parent.c.Exercise &&
		!child.apart[parent.c.ID] && !parent.apart[child.c.ID] && !Hides(r.Sort, child.c, parent.c, r.hides)
}

// Hides says whether merging would put a life-safety case where fewer look. What follows from a cause and what belongs to a storm always counts
// as such, anything else if its parent is not life-safety itself. approved: a second person said yes.
func Hides(s Sort, child, parent cases.Case, approved bool) bool {
	if approved || !lifeSafety(child) {
		return false
	}
	return s == Inhibit || s == Storm || !lifeSafety(parent)
}

// once says whether a rule has not yet said something of that sort about m, and notes that it does now.
func (x *turn) once(m *member, what string) bool {
	if m.said[what] {
		return false
	}
	m.say(what)
	return true
}

// sep stands between the parts of a bucket's name.
const sep = "\x1f"

// bucketOf names the place where cases that agree in a rule's fields meet.
func bucketOf(r *rule, f *Facts, fields []Field) string {
	name := make([]byte, 0, 64)
	name = strconv.AppendBool(append(append(name, r.ID...), sep...), f.Exercise)
	for _, field := range fields {
		name = append(append(name, sep...), field.of(f)...)
	}
	return string(name)
}

// of is the value of a field.
func (field Field) of(f *Facts) string {
	switch field {
	case ByGrid:
		return f.Grid
	case ByCommunity:
		return f.Community
	case ByEdge:
		return f.Edge
	case ByDevice:
		return f.Edge + "/" + f.Device
	case ByZone:
		return f.Edge + "/" + f.Zone
	case ByKind:
		return f.Kind
	case ByClass:
		return f.Class
	}
	return f.Class[:min(2, len(f.Class))]
}

// apartBy is how far apart two cases began.
func apartBy(a, b *member) time.Duration { return time.Duration(a.begun - b.begun).Abs() }

func without(fields []Field, f Field) []Field {
	return slices.DeleteFunc(slices.Clone(fields), func(g Field) bool { return g == f })
}
