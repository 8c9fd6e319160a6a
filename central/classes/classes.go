// Package classes is the catalogue of event classes: what is a case, until when it is to be done, by what kind of unit, and when it is over.
//
// In: classes, from CSV as cities publish them or one by one. Out: a [Catalogue] that was checked as a whole and never changes. It is
// pure: no clock, no store. The catalogue that is built in is an example for the kinds that our detectors raise; its limits are data
// that fits no county as it is. It decides nothing about a case: central/workflow runs the clocks.
package classes

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"gridgate/central/cases"
	"gridgate/central/workflow"
	"gridgate/protocols/alert"
)

// Text is a name or a sentence in both languages.
type Text struct {
	Zh string `json:"zh,omitempty" maxLength:"500"`
	En string `json:"en,omitempty" maxLength:"500"`
}

// Class is a main class (大类: two digits, which has a title only) or a class (小类: four digits, the first two are its main class).
type Class struct {
	Code     string           `json:"code" pattern:"^([0-9]{2}|[0-9]{4})$"`
	Title    Text             `json:"title"`
	Opening  Text             `json:"opening,omitzero" doc:"what is a case (立案条件)"`
	Closing  Text             `json:"closing,omitzero" doc:"when it is over (结案条件)"`
	Kinds    []alert.Kind     `json:"kinds,omitempty" doc:"alerts of these kinds open cases of it"`
	Level    cases.Level      `json:"level,omitempty" enum:"grid,community,township,district" doc:"the lowest level at which it opens; left out: that of the alert"`
	Workflow string           `json:"workflow,omitempty" maxLength:"64" doc:"the definition that its cases follow; left out: base"`
	UnitKind string           `json:"unitKind,omitempty" pattern:"^[a-z0-9][a-z0-9-]{0,31}$" doc:"the kind of unit that is responsible"`
	Limits   []workflow.Limit `json:"limits,omitempty" doc:"the milestones that its cases have"`
}

// Main says whether c is a main class.
func (c Class) Main() bool { return len(c.Code) == mainDigits }

// Bounds of a catalogue.
const (
	MaxClasses = 2_000
	MaxLimits  = 16
	mainDigits = 2
	maxText    = 2000 // bytes of a text
)

var (
	codeForm  = regexp.MustCompile(`^([0-9]{2}|[0-9]{4})$`)
	nameForm  = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)
	loopForm  = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{0,63}$`)
	allLevels = []cases.Level{"", cases.GridLevel, cases.CommunityLevel, cases.TownshipLevel, cases.DistrictLevel}
)

// Problem is one thing that is wrong with a catalogue.
type Problem struct {
	Row    int    // of the CSV file, the header is 1; 0 if it came from none
	Code   string // of the class
	Column string // or member
	Why    string
}

func (p *Problem) Error() string {
	var where []string
	if p.Row > 0 {
		where = append(where, fmt.Sprintf("row %d", p.Row))
	}
	if p.Code != "" {
		where = append(where, "class "+p.Code)
	}
	if p.Column != "" {
		where = append(where, "column "+p.Column)
	}
	return strings.Join(where, ", ") + ": " + p.Why
}

// MaxProblems bounds how many problems are told of at once.
const MaxProblems = 100

// problems gathers what is wrong.
type problems struct{ list []error }

func (p *problems) add(row int, code, column, why string, args ...any) {
	if len(p.list) < MaxProblems {
		p.list = append(p.list, &Problem{Row: row, Code: code, Column: column, Why: fmt.Sprintf(why, args...)})
	}
}

func (p *problems) err() error { return errors.Join(p.list...) }

// Catalogue is all classes. It never changes; safe for concurrent use. Made by [New].
type Catalogue struct {
	classes map[string]*Class
	codes   []string // in order
	byKind  map[alert.Kind]string
}

// New checks classes as a whole. loop says whether a workflow is there; nil: any is. The error joins one [Problem] for each thing that is wrong.
//
// Codes have two or four digits, once each, and the main class of a class is there. A kind leads to one class. Milestones have
// names of their own and a span, and end at another mark than they start at.
func New(classes []Class, loop func(id string) bool) (*Catalogue, error) {
	return build(classes, nil, loop)
}

// build is New; rows says in which row of a file each class stands.
func build(classes []Class, rows []int, loop func(id string) bool) (*Catalogue, error) {
	c := &Catalogue{classes: make(map[string]*Class, len(classes)), byKind: map[alert.Kind]string{}}
	var wrong problems
	if len(classes) > MaxClasses {
		wrong.add(0, "", "", "%d classes, more than %d", len(classes), MaxClasses)
		return nil, wrong.err()
	}
	for i := range classes {
		one, row := classes[i], 0
		if rows != nil {
			row = rows[i]
		}
		one.check(row, &wrong, loop)
		if c.classes[one.Code] != nil {
			wrong.add(row, one.Code, "code", "there are two classes with it")
		}
		for _, k := range one.Kinds {
			if other := c.byKind[k]; other != "" && other != one.Code {
				wrong.add(row, one.Code, "kinds", "%s leads to class %s already", k, other)
			}
			c.byKind[k] = one.Code
		}
		c.classes[one.Code] = &one
		c.codes = append(c.codes, one.Code)
	}
	slices.Sort(c.codes)
	for i, one := range classes {
		if len(one.Code) == 2*mainDigits && c.classes[one.Code[:mainDigits]] == nil {
			wrong.add(rowOf(rows, i), one.Code, "code", "its main class %s is not there", one.Code[:mainDigits])
		}
	}
	if err := wrong.err(); err != nil {
		return nil, err
	}
	return c, nil
}

func rowOf(rows []int, i int) int {
	if rows == nil {
		return 0
	}
	return rows[i]
}

// check checks what can be said of one class.
func (c Class) check(row int, wrong *problems, loop func(id string) bool) {
	bad := func(column, why string, args ...any) { wrong.add(row, c.Code, column, why, args...) }
	if !codeForm.MatchString(c.Code) {
		bad("code", "is not two digits (main class) or four")
	}
	if strings.TrimSpace(c.Title.Zh) == "" {
		bad("title_zh", "is missing")
	}
	for column, text := range map[string]string{
		"title_zh": c.Title.Zh, "title_en": c.Title.En, "opening_zh": c.Opening.Zh, "opening_en": c.Opening.En,
		"closing_zh": c.Closing.Zh, "closing_en": c.Closing.En,
	} {
		if len(text) > maxText || !utf8.ValidString(text) {
			bad(column, "has more than %d bytes or is no UTF-8", maxText)
		}
	}
	for _, k := range c.Kinds {
		if !k.Valid() {
			bad("kinds", "there is no kind %.40q", string(k))
		}
	}
	if !slices.Contains(allLevels, c.Level) {
		bad("level", "is none of grid, community, township, district")
	}
	if c.Workflow != "" && (!loopForm.MatchString(c.Workflow) || loop != nil && !loop(c.Workflow)) {
		bad("workflow", "there is no workflow %.64q", c.Workflow)
	}
	if c.UnitKind != "" && !nameForm.MatchString(c.UnitKind) {
		bad("unit_kind", "is not of the form %s", nameForm)
	}
	if c.Main() && (len(c.Kinds) > 0 || len(c.Limits) > 0 || c.Level != "" || c.Workflow != "" || c.UnitKind != "") {
		bad("code", "a main class has titles only")
	}
	c.checkLimits(bad)
}

func (c Class) checkLimits(bad func(column, why string, args ...any)) {
	if len(c.Limits) > MaxLimits {
		bad("limits", "more than %d", MaxLimits)
	}
	seen := map[string]bool{}
	for _, l := range c.Limits {
		switch {
		case !nameForm.MatchString(l.Name):
			bad("limits", "the name %.40q is not of the form %s", l.Name, nameForm)
		case seen[l.Name]:
			bad("limits", "there are two of the name %s", l.Name)
		case !slices.Contains(workflow.Marks(), l.From) || !slices.Contains(workflow.Marks(), l.To):
			bad("limits", "%s: starts and ends are among %v", l.Name, workflow.Marks())
		case l.From == l.To:
			bad("limits", "%s: starts and ends at the same moment", l.Name)
		case l.Span.Time <= 0 && l.Span.Days <= 0:
			bad("limits", "%s: has no span", l.Name)
		case l.Yellow < 0 || l.Yellow > 1:
			bad("limits", "%s: the yellow share is not between 0 and 1", l.Name)
		}
		seen[l.Name] = true
	}
}

// Class returns the class with a code.
func (c *Catalogue) Class(code string) (Class, bool) {
	one := c.classes[code]
	if one == nil {
		return Class{}, false
	}
	return *one, true
}

// Classes returns all, in the order of their codes: each main class before its classes.
func (c *Catalogue) Classes() []Class {
	out := make([]Class, len(c.codes))
	for i, code := range c.codes {
		out[i] = *c.classes[code]
	}
	return out
}

// OfKind is the code of the class to which a kind leads: that of the catalogue, else the default of the kind.
func (c *Catalogue) OfKind(k alert.Kind) string {
	traits, _ := alert.TraitsOf(k)
	return cmp.Or(c.byKind[k], traits.Class)
}

// Limits are the milestones of a class; none for a class that is not there.
func (c *Catalogue) Limits(code string) []workflow.Limit {
	one, _ := c.Class(code)
	return slices.Clone(one.Limits)
}
