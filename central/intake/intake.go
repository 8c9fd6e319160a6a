// Package intake makes the opening of a case that no alert opened: what staff, a grid worker, a resident or a public warning reports.
//
// In: a report, and what is set up (event classes, grids). Out: the opened event, or every field that is wrong. It asks for a place
// and a thing, never for who reports: a resident has no account, and no field here could hold a name or a number. It reads no clock
// and no store.
package intake

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"gridgate/central/cases"
	"gridgate/central/freetext"
	"gridgate/protocols/alert"
)

// Report is what somebody says happens at a place.
type Report struct {
	ID       string // of the case that it opens; a UUIDv7
	Key      string // same key = same ongoing thing; empty: the report stands alone
	Origin   cases.Origin
	Actor    string // staff account; empty for a resident and for a warning
	Class    string // event class, four digits
	Grid     string // code; empty: found by Place
	Place    *cases.LonLat
	Severity alert.Severity // empty: that of the class
	Note     string         // free words about the place or the thing
	Exercise bool
	At       time.Time

	// Sees says whether whoever reports may see a grid; nil: all of them.
	Sees func(grid string) bool
}

// Class is what a report needs to know of an event class.
type Class struct {
	Code     string
	Kind     alert.Kind // the first of its kinds; other if it has none
	Severity alert.Severity
}

// Catalogue is what is set up. Both methods are pure lookups.
type Catalogue interface {
	// Class returns an event class, or false.
	Class(code string) (Class, bool)
	// GridAt returns the code of the smallest grid that holds a position at a time, or false.
	GridAt(p cases.LonLat, at time.Time) (string, bool)
}

// Sources of cases that no device opened; they have the form of a device's source, so that lists and filters treat them alike.
const sourceEdge = "reports"

// Source is what a case that was opened this way names as its source.
func Source(o cases.Origin) string { return alert.SensorSource(sourceEdge, string(o)) }

// ErrReport is wrapped by what [Opened] returns for a report that cannot be taken; the joined errors name each field.
var ErrReport = errors.New("the report cannot be taken")

// Opened returns the event that opens a case for r.
func Opened(r Report, c Catalogue) (cases.Event, error) {
	class, known := c.Class(r.Class)
	errs := []error{judge(r), unless(known, "class: there is no such event class")}
	grid := r.Grid
	if grid == "" && r.Place != nil {
		var found bool
		grid, found = c.GridAt(*r.Place, r.At)
		errs = append(errs, unless(found, "place: it is in no grid of this centre; name a grid"))
	} else {
		errs = append(errs, unless(alert.ValidGridCode(grid), "grid: a code of 12, 15 or 20 digits, or a place, is demanded"))
	}
	errs = append(errs, unless(r.Sees == nil || r.Sees(grid), "grid: it is outside the grids that you may see"))
	if err := errors.Join(errs...); err != nil {
		return cases.Event{}, fmt.Errorf("%w: %w", ErrReport, err)
	}
	if r.Severity == "" {
		r.Severity = class.Severity
	}
	if r.Key == "" {
		r.Key = "report/" + r.ID
	}
	return cases.Event{
		CaseID: r.ID, Type: cases.EventOpened, At: r.At, Actor: r.Actor, Severity: r.Severity, Note: strings.TrimSpace(r.Note),
		Opening: &cases.Opening{
			Key: r.Key, Kind: class.Kind, Class: class.Code, Grid: grid, Source: Source(r.Origin), Exercise: r.Exercise, Origin: r.Origin, Place: r.Place,
		},
	}, nil
}

// origins are those that a report may have, with whether staff stands behind it.
var origins = map[cases.Origin]bool{cases.ByStaff: true, cases.ByWorker: true, cases.ByResident: false, cases.ByWarning: false}

// judge says what is wrong with r by itself.
func judge(r Report) error {
	staff, known := origins[r.Origin]
	return errors.Join(
		unless(known, "origin: it is none of ours"),
		unless(staff == (r.Actor != ""), "actor: staff and workers have one, others none"),
		unless(r.ID != "" && !r.At.IsZero(), "id or time is missing"),
		unless(r.Severity == "" || r.Severity.Rank() >= 0, "severity: it is none of ours"),
		unless(utf8.RuneCountInString(r.Note) <= cases.MaxNote, fmt.Sprintf("note: more than %d characters", cases.MaxNote)),
		note(r.Note), place(r.Place),
	)
}

// note refuses words in which a person could be found again. The error repeats none of them.
func note(s string) error {
	if found := freetext.Check(s); len(found) > 0 {
		return fmt.Errorf("note: %w", found[0])
	}
	return nil
}

func place(p *cases.LonLat) error {
	return unless(p == nil || p.Lon >= -180 && p.Lon <= 180 && p.Lat >= -90 && p.Lat <= 90, "place: not a longitude and a latitude in degrees")
}

func unless(holds bool, otherwise string) error {
	if holds {
		return nil
	}
	return errors.New(otherwise)
}
