// Package grid is the map of a township centre: who is responsible for which piece of land, now and at any time before.
//
// In: grids with codes, polygons and validity (GeoJSON, RFC 7946), and units. Out: a [Map] that was checked as a whole and never changes:
// the grid of a point, the responsible unit of a grid and an event class, neighbours, what lies downstream, and what a grid was
// split into or merged from. It is pure: no clock, no store. It holds no person: a unit is responsible, not somebody.
package grid

import (
	"fmt"
	"strings"
	"time"
)

// Title is a name in both languages; Zh is demanded.
type Title struct {
	Zh string `json:"zh" maxLength:"200"`
	En string `json:"en,omitempty" maxLength:"200"`
}

// Grid is a governed area of any [Level] with all that it was. Its periods follow each other without a gap.
type Grid struct {
	Code    string   `json:"code" pattern:"^([0-9]{12}|[0-9]{15}|[0-9]{20})$"`
	Title   Title    `json:"title"`
	Periods []Period `json:"periods" nullable:"false"`
	// Neighbours are grids that count as next to it beside those with which it shares a border: across a river, say.
	Neighbours []string `json:"neighbours,omitempty"`
	// Downstream are the grids into which its water runs.
	Downstream []string `json:"downstream,omitempty"`
	// Predecessors are the grids of which it took over land, Successors those that took over land of it.
	Predecessors []string `json:"predecessors,omitempty"`
	Successors   []string `json:"successors,omitempty"`
}

// Period is a time in which shape and responsibility of a grid stay as they are.
type Period struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to,omitzero"` // exclusive; zero: until further notice
	// Unit is responsible for what no entry of Units says otherwise. Units maps event classes (four digits) and main classes (two) to units.
	Unit  string            `json:"unit,omitempty"`
	Units map[string]string `json:"units,omitempty"`
	Shape Shape             `json:"shape,omitzero"` // may be missing of a community and above

	feature int // of the file that it came from, from 1; 0 for none
}

// Holds says whether t is in p.
func (p Period) Holds(t time.Time) bool {
	return !t.Before(p.From) && (p.To.IsZero() || t.Before(p.To))
}

// overlaps says whether p and q have a moment in common.
func (p Period) overlaps(q Period) bool {
	return (q.To.IsZero() || p.From.Before(q.To)) && (p.To.IsZero() || q.From.Before(p.To))
}

// At returns the period of g in which t is.
func (g Grid) At(t time.Time) (Period, bool) {
	for _, p := range g.Periods {
		if p.Holds(t) {
			return p, true
		}
	}
	return Period{}, false
}

// Level is that of the code; empty if the code is not valid.
func (g Grid) Level() Level {
	l, err := LevelOf(g.Code)
	if err != nil {
		return ""
	}
	return l
}

// Unit is an organisation that events are dispatched to: a fire brigade, a property company, a grid centre.
type Unit struct {
	ID     string `json:"id" pattern:"^[a-z0-9][a-z0-9-]{0,63}$"`
	Title  Title  `json:"title"`
	Parent string `json:"parent,omitempty" doc:"the unit above it"`
	Kind   string `json:"kind,omitempty" pattern:"^[a-z0-9][a-z0-9-]{0,31}$" doc:"what it is for: fire, water, police, urban-management, grid-centre, ..."`
	// Covers are codes of areas in which it is responsible for the event classes that demand a unit of its kind.
	Covers []string `json:"covers,omitempty"`
}

// Problem is one thing that is wrong with a map.
type Problem struct {
	Feature int    // of the GeoJSON file, from 0; -1 if it came from none
	Code    string // grid code or unit id; empty if there is none
	What    string // member or period
	Why     string
}

func (p *Problem) Error() string {
	var where []string
	if p.Feature >= 0 {
		where = append(where, fmt.Sprintf("feature %d", p.Feature))
	}
	if p.Code != "" {
		where = append(where, p.Code)
	}
	if p.What != "" {
		where = append(where, p.What)
	}
	return strings.Join(where, ", ") + ": " + p.Why
}

// MaxProblems bounds how many problems are told of at once.
const MaxProblems = 100

// Problems are all that is wrong, at most [MaxProblems].
type Problems struct {
	List []*Problem
	More int // how many were left out
}

func (p *Problems) Error() string {
	lines := make([]string, len(p.List))
	for i, one := range p.List {
		lines[i] = one.Error()
	}
	if p.More > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", p.More))
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the problems one by one.
func (p *Problems) Unwrap() []error {
	out := make([]error, len(p.List))
	for i, one := range p.List {
		out[i] = one
	}
	return out
}

func (p *Problems) add(feature int, code, what, why string, args ...any) {
	if len(p.List) >= MaxProblems {
		p.More++
		return
	}
	p.List = append(p.List, &Problem{Feature: feature, Code: code, What: what, Why: fmt.Sprintf(why, args...)})
}

// of tells of a period of g.
func (p *Problems) of(g Grid, i int, what, why string, args ...any) {
	feature := -1
	if i < len(g.Periods) {
		feature = g.Periods[i].feature - 1
	}
	p.add(feature, g.Code, what, why, args...)
}

// err is p, or nil if nothing is wrong.
func (p *Problems) err() error {
	if len(p.List) == 0 {
		return nil
	}
	return p
}
