// Package workflow drives a case through its closed loop, which is data.
//
// In: a definition (steps, actions, who may, which fields are demanded, which clocks run), a case, who asks for what, and when. Out: the one
// "stepped" event that carries the whole outcome, or a [Refusal] that says what and why. It is pure: no clock, no store. It
// never knows a step or an action by its name: all of them are in the definition, which a centre may replace. It never knows a person but
// the staff account that acts.
package workflow

import (
	"slices"

	"gridgate/central/cases"
)

// Definition is a loop. It does not change once it was built by [Parse].
type Definition struct {
	ID     string `yaml:"id" json:"id"`
	Base   string `yaml:"base" json:"base,omitempty"` // a shipped definition that this one is written on: steps and actions of the same id replace its own
	Drop   Drop   `yaml:"drop" json:"drop,omitzero"`  // what of the base is not there
	Titles Titles `yaml:"titles" json:"titles"`

	Start string `yaml:"start" json:"start"` // the step of an open case that is new to the loop
	Taken string `yaml:"taken" json:"taken"` // the step of an acknowledged one
	Void  string `yaml:"void" json:"void"`   // the step of one that closed by itself, once its situation was over

	Lapse  string   `yaml:"lapse" json:"lapse"`   // action of the system when an acknowledgement ends, where it is possible
	Follow string   `yaml:"follow" json:"follow"` // action of the system on a merged case whose parent closed
	Red    []string `yaml:"red" json:"red"`       // actions of the system when a deadline passed

	Steps   []Step   `yaml:"steps" json:"steps"`
	Actions []Action `yaml:"actions" json:"actions"`
}

// Drop names what a definition takes away from its base.
type Drop struct {
	Steps   []string `yaml:"steps" json:"steps,omitempty"`
	Actions []string `yaml:"actions" json:"actions,omitempty"`
}

// Titles are words for a screen.
type Titles struct {
	ZH string `yaml:"zh" json:"zh"`
	EN string `yaml:"en" json:"en"`
}

// Step is where a case may stand.
type Step struct {
	ID     string      `yaml:"id" json:"id"`
	Titles Titles      `yaml:"titles" json:"titles"`
	Phase  cases.State `yaml:"phase" json:"phase" enum:"open,acknowledged,closed"` // what it counts as
	End    bool        `yaml:"end" json:"end,omitempty"`                           // the loop may end here; what leads on from it reopens
}

// Action leads from a step to a step.
type Action struct {
	ID     string   `yaml:"id" json:"id"`
	Titles Titles   `yaml:"titles" json:"titles"`
	From   []string `yaml:"from" json:"from,omitempty"` // left out: every step that is not closed
	To     string   `yaml:"to" json:"to,omitempty"`     // left out: the case stays where it stands

	Roles []string    `yaml:"roles" json:"roles,omitempty"` // who may
	When  []Condition `yaml:"when" json:"when,omitempty"`   // all must hold
	Tiers []Tier      `yaml:"tiers" json:"tiers,omitempty"` // instead of roles: who may the first time, the second time, ...

	Needs   []Field        `yaml:"needs" json:"needs,omitempty"`
	May     []Field        `yaml:"may" json:"may,omitempty"`
	Reasons []cases.Reason `yaml:"reasons" json:"reasons,omitempty"` // one: it is the reason; several: one of them is demanded

	Marks  []Mark       `yaml:"marks" json:"marks,omitempty"` // starts the clocks that start here and meets those that end here
	Clocks Clocks       `yaml:"clocks" json:"clocks,omitzero"`
	Sets   []Setting    `yaml:"sets" json:"sets,omitempty"`
	Effect cases.Effect `yaml:"effect" json:"effect,omitempty"` // what it counts as in the figures
}

// Tier is who may do something for the n-th time.
type Tier struct {
	Roles []string    `yaml:"roles" json:"roles"`
	When  []Condition `yaml:"when" json:"when,omitempty"`
}

// Clocks say what an action does to deadlines that run, beside its marks.
type Clocks struct {
	Pauses  bool   `yaml:"pauses" json:"pauses,omitempty"`   // those that are not overdue stand still, until they are resumed or the case is led on
	Resumes bool   `yaml:"resumes" json:"resumes,omitempty"` // those that stand still go on with what was left
	Extends bool   `yaml:"extends" json:"extends,omitempty"` // those that wait get the time of the field "by" on top
	Drops   []Mark `yaml:"drops" json:"drops,omitempty"`     // those that started at one of these marks are no longer there, met or not
	Unmeets []Mark `yaml:"unmeets" json:"unmeets,omitempty"` // those that ended at one of these marks wait again, with the same end
}

// The roles: those of staff accounts, and the system itself (deadlines, merged cases, a resident's rating).
const (
	Operator      = "operator"
	Worker        = "worker"
	Supervisor    = "supervisor"
	Verifier      = "verifier"
	Administrator = "administrator"
	Auditor       = "auditor"
	Integrator    = "integrator"
	System        = "system"
)

func roles() []string {
	return []string{Operator, Worker, Supervisor, Verifier, Administrator, Auditor, Integrator, System}
}

// Condition is something that must hold for who acts. The system is held to none.
type Condition string

// The conditions.
const (
	NotHandler Condition = "not-handler" // is not who handled the case
	IsHandler  Condition = "handler"     // is who accepted the case
	OfUnit     Condition = "of-unit"     // belongs to the responsible unit, or to the centre itself
	OfUnits    Condition = "of-units"    // belongs to the responsible unit, one that helps, or to the centre itself
	OfCentre   Condition = "of-centre"   // belongs to no unit but the centre itself
)

func conditions() []Condition { return []Condition{NotHandler, IsHandler, OfUnit, OfUnits, OfCentre} }

// Field is something that a request may carry.
type Field string

// The fields.
const (
	FieldUnit     Field = "unit"     // the unit responsible from now on
	FieldNext     Field = "next"     // who else has it from now on: a unit outside the centre
	FieldHelpers  Field = "helpers"  // all units that help from now on
	FieldAssignee Field = "assignee" // the staff account that has it in hand from now on
	FieldNote     Field = "note"     // words about the place or the thing
	FieldUntil    Field = "until"    // when it comes back
	FieldRating   Field = "rating"   // 1 to 5
	FieldBy       Field = "by"       // how much longer, a span
	FieldReason   Field = "reason"   // which of the action's reasons; demanded where there are several
)

func fields() []Field {
	return []Field{FieldUnit, FieldNext, FieldHelpers, FieldAssignee, FieldNote, FieldUntil, FieldRating, FieldBy}
}

// Mark is a moment in a case's life that clocks start and end at. The list is closed: event classes name these, whatever a
// definition calls its actions.
type Mark string

// The marks.
const (
	Opened     Mark = "opened"
	Taken      Mark = "taken" // somebody has it in hand
	Dispatched Mark = "dispatched"
	Accepted   Mark = "accepted"
	Handled    Mark = "handled"
	Closed     Mark = "closed"
	Rated      Mark = "rated"
)

// Marks lists the marks in the order of a case's life.
func Marks() []Mark { return []Mark{Opened, Taken, Dispatched, Accepted, Handled, Closed, Rated} }

// Setting is what else an action does.
type Setting string

// The settings.
const (
	SetAssignee Setting = "assignee" // who acts has it in hand
	SetHandler  Setting = "handler"  // who acts handles it
	Free        Setting = "free"     // nobody has it in hand, nobody handled it
	LevelUp     Setting = "level-up"
	LevelDown   Setting = "level-down"
)

func settings() []Setting { return []Setting{SetAssignee, SetHandler, Free, LevelUp, LevelDown} }

// Step returns the step of that id.
func (d *Definition) Step(id string) (Step, bool) {
	i := slices.IndexFunc(d.Steps, func(s Step) bool { return s.ID == id })
	if i < 0 {
		return Step{}, false
	}
	return d.Steps[i], true
}

// Action returns the action of that id.
func (d *Definition) Action(id string) (Action, bool) {
	i := slices.IndexFunc(d.Actions, func(a Action) bool { return a.ID == id })
	if i < 0 {
		return Action{}, false
	}
	return d.Actions[i], true
}

// Where is the step that c stands at. A case that was never taken into the loop, or that closed by itself, stands where its state says.
func (d *Definition) Where(c cases.Case) Step {
	s, known := d.Step(c.Step)
	if known && s.Phase == c.State {
		return s
	}
	s, _ = d.Step(map[cases.State]string{cases.Open: d.Start, cases.Acknowledged: d.Taken, cases.Closed: d.Void}[c.State])
	return s
}

// leads says whether a leads on from a step.
func (a Action) leads(from Step) bool {
	if len(a.From) == 0 {
		return from.Phase != cases.Closed
	}
	return slices.Contains(a.From, from.ID)
}

// takes says whether a request for a may carry a field.
func (a Action) takes(f Field) bool {
	return slices.Contains(a.Needs, f) || slices.Contains(a.May, f) || f == FieldReason && len(a.Reasons) > 1
}
