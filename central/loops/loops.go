// Package loops says which loop a case follows: its workflow, its calendar, and the limits of its class.
//
// In: the documents that a centre set up (workflows, calendars, the choice between them), and the catalogue of event classes and grids. Out:
// a [workflow.Loop] for a case, and the unit that is responsible for a new one. It is pure, and it decides nothing about a case.
package loops

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	strict "github.com/go-json-experiment/json"

	"gridgate/central/calendar"
	"gridgate/central/cases"
	"gridgate/central/workflow"
)

// The kinds of documents.
const (
	WorkflowKind = "workflow" // a [workflow.Definition], by its id
	CalendarKind = "calendar" // a [calendar.Table], by its id
	ChoiceKind   = "loop"     // a [Choice], by the id [ChoiceID]
	ChoiceID     = "choice"
)

// Kinds lists them.
func Kinds() []string { return []string{WorkflowKind, CalendarKind, ChoiceKind} }

// Choice says what holds where nothing else is said.
type Choice struct {
	Workflow string `json:"workflow"` // of the event classes that name none
	Calendar string `json:"calendar"`
}

// DefaultChoice is what a centre has that chose nothing: the loop of seven steps, by the calendar of mainland China.
func DefaultChoice() Choice { return Choice{Workflow: workflow.BaseID, Calendar: "cn"} }

// Catalogue is what the loops need to know of event classes and grids. All methods are pure lookups.
type Catalogue interface {
	// Workflow is the id of the one that cases of an event class follow; empty for none in particular.
	Workflow(class string) string
	// Limits are the milestones of an event class, none for one that has none.
	Limits(class string) []workflow.Limit
	// Responsible is the unit that is responsible for an event class in a grid at a time; empty for none.
	Responsible(grid, class string, at time.Time) string
}

// Bodies are the newest documents of the three kinds: kind, id, body.
type Bodies map[string]map[string]json.RawMessage

// Book holds all loops. It does not change and is safe for concurrent use.
type Book struct {
	workflows map[string]*workflow.Definition
	calendars map[string]*calendar.Calendar
	choice    Choice
}

// Default is the book of what is shipped.
func Default() (*Book, error) { return Build(nil) }

// Build makes a book of what is shipped and what is set up; a document of the same id replaces what is shipped. The error joins what is wrong with
// each document.
func Build(set Bodies) (*Book, error) {
	b := &Book{workflows: map[string]*workflow.Definition{}, calendars: map[string]*calendar.Calendar{}, choice: DefaultChoice()}
	if err := b.ship(); err != nil {
		return nil, err
	}
	var errs []error
	for _, id := range slices.Sorted(maps.Keys(set[WorkflowKind])) {
		d, err := workflow.Parse(WorkflowKind+" "+id, set[WorkflowKind][id])
		if err == nil && d.ID != id {
			err = fmt.Errorf("workflow %s: its id says %q", id, d.ID)
		}
		b.workflows[id], errs = d, append(errs, err)
	}
	for _, id := range slices.Sorted(maps.Keys(set[CalendarKind])) {
		c, err := calendar.Parse(set[CalendarKind][id])
		if err == nil && c.ID() != id {
			err = fmt.Errorf("its id says %q", c.ID())
		}
		if err != nil {
			err = fmt.Errorf("calendar %s: %w", id, err)
		}
		b.calendars[id], errs = c, append(errs, err)
	}
	errs = append(errs, b.choose(set[ChoiceKind]))
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return b, nil
}

func (b *Book) ship() error {
	for _, id := range workflow.ShippedIDs() {
		d, err := workflow.Shipped(id)
		if err != nil {
			return err
		}
		b.workflows[id] = d
	}
	c, err := calendar.Default()
	if err != nil {
		return err
	}
	b.calendars[c.ID()] = c
	return nil
}

func (b *Book) choose(set map[string]json.RawMessage) error {
	for id, body := range set {
		if id != ChoiceID {
			return fmt.Errorf("%s %s: the one document of this kind is %q", ChoiceKind, id, ChoiceID)
		}
		c := DefaultChoice()
		if err := strict.Unmarshal(body, &c, strict.RejectUnknownMembers(true)); err != nil {
			return fmt.Errorf("%s %s: %w", ChoiceKind, id, err)
		}
		b.choice = c
	}
	var errs []error
	if b.calendars[b.choice.Calendar] == nil {
		errs = append(errs, fmt.Errorf("%s: calendar: there is no calendar %q", ChoiceKind, b.choice.Calendar))
	}
	if b.workflows[b.choice.Workflow] == nil {
		errs = append(errs, fmt.Errorf("%s: workflow: there is no workflow %q", ChoiceKind, b.choice.Workflow))
	}
	return errors.Join(errs...)
}

// Of returns the loop of a case: the one that it follows, or the one for its class. A workflow that is no longer there gives way to that of
// the class, or to the one that is chosen for all, in which the case stands where its state says.
func (b *Book) Of(c cases.Case, catalogue Catalogue) workflow.Loop {
	d := b.workflows[c.Workflow]
	if d == nil {
		d = b.workflows[catalogue.Workflow(c.Class)]
	}
	if d == nil {
		d = b.workflows[b.choice.Workflow]
	}
	return workflow.Loop{Definition: d, Calendar: b.Calendar(), Limits: catalogue.Limits(c.Class)}
}

// Calendar is the one by which limits are counted.
func (b *Book) Calendar() *calendar.Calendar { return b.calendars[b.choice.Calendar] }

// Has says whether there is a workflow of that id.
func (b *Book) Has(id string) bool { return b.workflows[id] != nil }

// Workflows lists all definitions, by id.
func (b *Book) Workflows() []*workflow.Definition {
	out := make([]*workflow.Definition, 0, len(b.workflows))
	for _, id := range slices.Sorted(maps.Keys(b.workflows)) {
		out = append(out, b.workflows[id])
	}
	return out
}

// Choice is what holds where nothing else is said.
func (b *Book) Choice() Choice { return b.choice }

// NoCatalogue knows no limits and no units.
type NoCatalogue struct{}

// Workflow implements [Catalogue].
func (NoCatalogue) Workflow(string) string { return "" }

// Limits implements [Catalogue].
func (NoCatalogue) Limits(string) []workflow.Limit { return nil }

// Responsible implements [Catalogue].
func (NoCatalogue) Responsible(string, string, time.Time) string { return "" }
