package workflow

import (
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"gridgate/central/calendar"
	"gridgate/central/cases"
)

// Actor is who asks: a staff account or a program with its role and unit, or a rule of the system.
type Actor struct {
	Name string // staff account; empty for the system
	Role string
	Unit string // that the account belongs to; empty: the centre itself
	Rule string // of the system: which rule it is
}

// Request asks for an action on a case. Which of the fields are demanded and which are taken is said by the definition.
type Request struct {
	Action string
	Actor  Actor
	At     time.Time

	Unit     string
	Next     string
	Helpers  []string // nil: not given
	Assignee string
	Note     string
	Reason   cases.Reason
	Until    time.Time
	Rating   int
	By       calendar.Span
}

// Loop is a definition with what its clocks need: the calendar, and the limits of the case's class.
type Loop struct {
	Definition *Definition
	Calendar   *calendar.Calendar
	Limits     []Limit
}

// Bounds of a request's fields.
const (
	MaxUnit    = 64 // characters
	MaxHelpers = 8
	MaxUntil   = 31 * 24 * time.Hour
)

// turn is one request on its way to an event.
type turn struct {
	l    Loop
	c    cases.Case
	r    Request
	a    Action
	from Step
}

// Do returns the event that a request leads to, or a [*Refusal]. The event is complete: [cases.Apply] needs no definition.
func (l Loop) Do(c cases.Case, r Request) (cases.Event, error) {
	t := turn{l: l, c: c, r: r, from: l.Definition.Where(c)}
	var known bool
	if t.a, known = l.Definition.Action(r.Action); !known {
		return cases.Event{}, t.refuse(NoSuchAction, "action", "流程“%s”没有动作“%s”", "workflow %q has no action %q", l.Definition.ID, r.Action)
	}
	for _, check := range []func() *Refusal{t.place, t.who, t.fields} {
		if refusal := check(); refusal != nil {
			return cases.Event{}, refusal
		}
	}
	return t.event()
}

// place says whether the action leads on from where the case stands.
func (t *turn) place() *Refusal {
	if !t.a.leads(t.from) {
		return t.refuse(NotFromHere, "", "案件处于“%[1]s”，不能“%[3]s”", "the case stands at %[2]q, which does not lead to %[4]q",
			t.from.Titles.ZH, t.from.Titles.EN, t.a.Titles.ZH, t.a.Titles.EN)
	}
	if t.a.sets(LevelUp) && t.c.Level == cases.DistrictLevel || t.a.sets(LevelDown) && t.c.Level == cases.GridLevel {
		return t.refuse(NotFromHere, "", "案件级别“%s”已到尽头", "the case is at level %q, beyond which there is none", t.c.Level)
	}
	return nil
}

func (a Action) sets(s Setting) bool { return slices.Contains(a.Sets, s) }

// who says whether the actor may.
func (t *turn) who() *Refusal {
	roles, when := t.a.Roles, t.a.When
	if len(t.a.Tiers) > 0 {
		if t.c.Extended >= len(t.a.Tiers) {
			return t.refuse(Exhausted, "", "已延期%d次，不能再延", "the case was extended %d times, which is as often as it may be", t.c.Extended)
		}
		roles, when = t.a.Tiers[t.c.Extended].Roles, t.a.Tiers[t.c.Extended].When
	}
	if !slices.Contains(roles, t.r.Actor.Role) {
		return t.refuse(NotAllowed, "", "角色“%[1]s”不能“%[2]s”，需要：%[4]v", "role %[1]q may not do %[3]q, which is for %[4]v",
			t.r.Actor.Role, t.a.Titles.ZH, t.a.Titles.EN, roles)
	}
	if t.r.Actor.Role == System {
		return nil
	}
	for _, c := range when {
		if refusal := t.holds(c); refusal != nil {
			return refusal
		}
	}
	return nil
}

func (t *turn) holds(c Condition) *Refusal {
	me, mine := t.r.Actor.Name, t.r.Actor.Unit
	ofUnit := mine == "" || mine == t.c.Unit
	switch {
	case c == NotHandler && me == t.c.Handler:
		return t.refuse(SamePerson, "", "处置人不能核查、评价自己处置的案件", "whoever handled a case does not judge how it was handled: somebody else must")
	case c == IsHandler && me != t.c.Handler:
		return t.refuse(NotAllowed, "", "只有接收案件的经办人可以“%[1]s”", "only who accepted the case may do this: %[2]q", t.a.Titles.ZH, t.a.Titles.EN)
	case c == OfUnit && !ofUnit, c == OfUnits && !ofUnit && !slices.Contains(t.c.Helpers, mine):
		return t.refuse(NotAllowed, "", "案件由“%s”负责，不属于本单位", "the case is with unit %q, not with yours", t.c.Unit)
	case c == OfCentre && mine != "":
		return t.refuse(NotAllowed, "", "只有中心人员可以“%[1]s”", "only staff of the centre itself may do this: %[2]q", t.a.Titles.ZH, t.a.Titles.EN)
	}
	return nil
}

// given names the fields that a request carries.
func (r Request) given() map[Field]bool {
	return map[Field]bool{
		FieldUnit: r.Unit != "", FieldNext: r.Next != "", FieldHelpers: r.Helpers != nil, FieldAssignee: r.Assignee != "", FieldNote: r.Note != "",
		FieldUntil: !r.Until.IsZero(), FieldRating: r.Rating != 0, FieldBy: r.By != calendar.Span{}, FieldReason: r.Reason != "",
	}
}

// fields says whether what is demanded is there, and nothing else.
func (t *turn) fields() *Refusal {
	given := t.r.given()
	demanded := t.a.Needs
	if len(t.a.Reasons) > 1 {
		demanded = append(slices.Clone(demanded), FieldReason)
	}
	for _, f := range demanded {
		if !given[f] {
			return t.refuse(Missing, string(f), "缺少字段“%s”", "field %q is demanded", f)
		}
	}
	for _, f := range append(fields(), FieldReason) {
		single := f == FieldReason && slices.Equal(t.a.Reasons, []cases.Reason{t.r.Reason})
		if given[f] && !t.a.takes(f) && !single {
			return t.refuse(BadField, string(f), "此动作不接受字段“%s”", "this action takes no field %q", f)
		}
	}
	for f, fault := range t.faults() {
		if given[f] && fault {
			return t.refuse(BadField, string(f), "字段“%s”的值无效", "the value of field %q is not allowed", f)
		}
	}
	return nil
}

// faults says of each field whether its value, if there is one, is wrong.
func (t *turn) faults() map[Field]bool {
	r := t.r
	return map[Field]bool{
		FieldUnit: long(r.Unit), FieldNext: long(r.Next), FieldAssignee: long(r.Assignee),
		FieldHelpers: len(r.Helpers) > MaxHelpers || slices.ContainsFunc(r.Helpers, func(u string) bool { return u == "" || long(u) }),
		FieldNote:    utf8.RuneCountInString(r.Note) > cases.MaxNote,
		FieldUntil:   !r.Until.After(r.At) || r.Until.After(r.At.Add(MaxUntil)),
		FieldRating:  r.Rating < 1 || r.Rating > 5,
		FieldReason:  !slices.Contains(t.a.Reasons, r.Reason),
	}
}

func long(s string) bool { return utf8.RuneCountInString(s) > MaxUnit }

// event is the outcome of a request that may be.
func (t *turn) event() (cases.Event, error) {
	e := cases.Event{
		CaseID: t.c.ID, Type: cases.EventStepped, At: t.r.At, Actor: t.r.Actor.Name, Rule: t.r.Actor.Rule, Action: t.a.ID, Workflow: t.l.Definition.ID,
		Unit: t.r.Unit, Helpers: t.r.Helpers, Assignee: t.r.Assignee, Note: t.r.Note, Reason: t.r.Reason, Until: t.r.Until, Rating: t.r.Rating, Effect: t.a.Effect,
	}
	if t.r.Next != "" {
		e.Unit = t.r.Next
	}
	if len(t.a.Reasons) == 1 {
		e.Reason = t.a.Reasons[0]
	}
	t.lead(&e)
	t.set(&e)
	if err := t.clocks(&e); err != nil {
		return cases.Event{}, err
	}
	if _, err := cases.Apply(t.c, e); err != nil {
		return cases.Event{}, fmt.Errorf("do %s: %w", t.a.ID, err)
	}
	return e, nil
}

// lead says where the case stands afterwards. What does not lead on leaves a snooze and the parking as they are.
func (t *turn) lead(e *cases.Event) {
	to := t.from
	if t.a.To != "" {
		to, _ = t.l.Definition.Step(t.a.To)
	} else if e.Until.IsZero() {
		e.Until = t.c.WakeAt
	}
	e.Step, e.State = to.ID, to.Phase
	stays := t.a.To == "" && !t.c.ParkedAt.IsZero()
	e.Parked = t.a.Clocks.Pauses || stays && !t.a.Clocks.Resumes
	if to.Phase == cases.Closed {
		e.Until = time.Time{}
	}
}

var levels = []cases.Level{cases.GridLevel, cases.CommunityLevel, cases.TownshipLevel, cases.DistrictLevel}

func (t *turn) set(e *cases.Event) {
	at := slices.Index(levels, t.c.Level)
	for _, s := range t.a.Sets {
		switch s {
		case SetAssignee:
			e.Assignee = t.r.Actor.Name
		case SetHandler:
			e.Handler = t.r.Actor.Name
		case Free:
			e.Freed = true
		case LevelUp:
			e.Level = levels[at+1]
		case LevelDown:
			e.Level = levels[at-1]
		}
	}
}

// The rules of the system that are no definition's: BeginRule takes a case into its loop, FollowRule closes a merged case with its parent.
const (
	BeginRule  = "intake"
	FollowRule = "parent-closed"
)

// Begin takes a case into the loop at the step that its state says, with unit (may be empty) responsible, at the level lowest at least (empty: any); the clocks that start at
// [Opened] start at its opening. Where the calendar does not cover them it begins without them: the error is then a [*calendar.GapError] beside an
// event that is good. A case that is in a loop already is refused with [cases.ErrIllegal].
func (l Loop) Begin(c cases.Case, unit string, lowest cases.Level, at time.Time) (cases.Event, error) {
	if c.Workflow != "" {
		return cases.Event{}, fmt.Errorf("begin: %w: the case is in a loop already", cases.ErrIllegal)
	}
	step := l.Definition.Where(c)
	e := cases.Event{
		CaseID: c.ID, Type: cases.EventStepped, At: at, Rule: BeginRule, Action: BeginRule, Workflow: l.Definition.ID, Step: step.ID, State: step.Phase,
		Unit: unit, Effect: cases.Begins, Until: c.WakeAt, Reason: c.Reason,
	}
	if slices.Index(levels, lowest) > slices.Index(levels, c.Level) {
		e.Level = lowest
	}
	deadlines, err := l.start(nil, Opened, c.OpenedAt)
	var gap *calendar.GapError
	if err != nil && !errors.As(err, &gap) {
		return cases.Event{}, err
	}
	if len(deadlines) > 0 {
		e.Deadlines = deadlines
	}
	return e, err
}
