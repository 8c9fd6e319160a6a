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
	"strings"
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

// Choice says which loop is for which event class.
type Choice struct {
	Workflow string            `json:"workflow"` // of all classes that Classes does not name
	Calendar string            `json:"calendar"`
	Classes  map[string]string `json:"classes,omitempty"` // workflow by event class (four digits) or main class (two)
}

// DefaultChoice is what a centre has that chose nothing: the loop of seven steps, by the calendar of mainland China.
func DefaultChoice() Choice { return Choice{Workflow: workflow.BaseID, Calendar: "cn"} }

// Catalogue is what the loops need to know of event classes and grids. All methods are pure lookups.
type Catalogue interface {
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
	for _, class := range slices.Sorted(maps.Keys(b.choice.Classes)) {
		if id := b.choice.Classes[class]; b.workflows[id] == nil || !digits(class) {
			errs = append(errs, fmt.Errorf("%s: classes.%s: there is no workflow %q, or the class is not of two or four digits", ChoiceKind, class, id))
		}
	}
	return errors.Join(errs...)
}

func digits(class string) bool {
	return (len(class) == 2 || len(class) == 4) && strings.Trim(class, "0123456789") == ""
}

// Of returns the loop of a case: the one that it follows, or the one for its class. A workflow that is no longer there gives way to that of
// the class, in which the case stands where its state says.
func (b *Book) Of(c cases.Case, catalogue Catalogue) workflow.Loop {
	d := b.workflows[c.Workflow]
	if d == nil {
		d = b.workflows[b.chosen(c.Class)]
	}
	return workflow.Loop{Definition: d, Calendar: b.Calendar(), Limits: catalogue.Limits(c.Class)}
}

func (b *Book) chosen(class string) string {
	for _, prefix := range []string{class, class[:min(2, len(class))]} {
		if id, ok := b.choice.Classes[prefix]; ok {
			return id
		}
	}
	return b.choice.Workflow
}

// Calendar is the one by which limits are counted.
func (b *Book) Calendar() *calendar.Calendar { return b.calendars[b.choice.Calendar] }

// Workflows lists all definitions, by id.
func (b *Book) Workflows() []*workflow.Definition {
	out := make([]*workflow.Definition, 0, len(b.workflows))
	for _, id := range slices.Sorted(maps.Keys(b.workflows)) {
		out = append(out, b.workflows[id])
	}
	return out
}

// Choice is which loop is for which class.
func (b *Book) Choice() Choice { return b.choice }

// NoCatalogue knows no limits and no units.
type NoCatalogue struct{}

// Limits implements [Catalogue].
func (NoCatalogue) Limits(string) []workflow.Limit { return nil }

// Responsible implements [Catalogue].
func (NoCatalogue) Responsible(string, string, time.Time) string { return "" }
