package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"time"

	"gridgate/central/cases"
	"gridgate/central/store"
	"gridgate/central/store/sqlite"
	"gridgate/protocols/alert"
)

// A centre's year of cases: a million, of which about 15,000 are not closed.
const (
	yearCases  = 1_000_000
	yearGroup  = 2_000 // cases of one transaction
	yearDays   = 365
	yearGrids  = 2_000 // of 20 in each of 100 communities, in 5 townships
	yearUnits  = 60
	yearStaff  = 300
	openedLate = 20_000 // of the newest cases, half are not closed
)

// yearVersion names the cached file; another schema, or another year, needs another.
const yearVersion = "central-1m-cases-schema7"

// changer is a store that cases can be put into.
type changer interface {
	store.Store
	store.Changes
}

// casesKept returns the path of the database with a year of cases, which is made once and kept.
func casesKept(ctx context.Context) (string, error) {
	dir, err := kept(yearVersion, func(dir string) error {
		db, err := sqlite.Open(ctx, sqlite.Options{Path: filepath.Join(dir, "central.db")})
		if err != nil {
			return err
		}
		return errors.Join(fillCases(ctx, db), db.Close())
	})
	return filepath.Join(dir, "central.db"), err
}

// fillCases puts a year of cases into an empty store.
func fillCases(ctx context.Context, db changer) error {
	y := year{random: rand.New(rand.NewPCG(7, 7)), end: time.Now().UTC().Truncate(time.Second)}
	for y.made < yearCases {
		var group []store.Change
		for range yearGroup {
			group = append(group, y.next()...)
		}
		if _, err := db.AppendAll(ctx, group); err != nil {
			return fmt.Errorf("fill with cases: %w", err)
		}
	}
	return nil
}

// year makes the cases of a year.
type year struct {
	random *rand.Rand
	end    time.Time
	made   int
	parent string // an earlier case
}

var (
	yearKinds   = []alert.Kind{alert.Motion, alert.Tripwire, alert.Flood, alert.WaterLevel, alert.Smoke, alert.SOS}
	yearSources = []string{"/edges/a/cameras/1", "/staff", "/residents"}
)

func (y *year) percent(p float64) bool { return y.random.Float64()*100 < p }

// next returns the events of the next case.
func (y *year) next() []store.Change {
	at := y.end.Add(-time.Duration(float64(yearCases-y.made) / yearCases * yearDays * float64(24*time.Hour)))
	id := alert.NewID()
	opened := cases.Event{CaseID: id, Type: cases.EventOpened, At: at, Actor: "staff", Severity: y.severity(), Opening: &cases.Opening{
		Key: fmt.Sprint("case ", y.made), Kind: yearKinds[min(y.random.IntN(12), len(yearKinds)-1)], Class: fmt.Sprintf("%02d%02d", 1+y.random.IntN(10), 1+y.random.IntN(10)),
		Grid: yearGrid(y.random.IntN(yearGrids)), Source: yearSources[y.random.IntN(len(yearSources))], Origin: cases.ByStaff, Exercise: y.percent(0.5),
	}}
	events := []cases.Event{opened, y.step(id, at.Add(time.Minute))}
	if y.parent != "" && y.percent(2) {
		events = append(events, cases.Event{CaseID: id, Type: cases.EventMerged, At: at.Add(2 * time.Minute), Rule: "neighbours", Into: y.parent})
	} else if y.percent(5) {
		y.parent = id
	}
	y.made++
	changes := make([]store.Change, len(events))
	for i, e := range events {
		changes[i].Event = e
	}
	return changes
}

func (y *year) severity() alert.Severity {
	switch n := y.random.IntN(100); {
	case n < 1:
		return alert.Critical
	case n < 10:
		return alert.Major
	case n < 50:
		return alert.Minor
	}
	return alert.Info
}

// step is where the loop of a case has come.
func (y *year) step(id string, at time.Time) cases.Event {
	e := cases.Event{
		CaseID: id, Type: cases.EventStepped, At: at, Actor: "staff", Action: "evaluate", Workflow: "base", Step: "evaluated", State: cases.Closed,
		Reason: cases.ReasonVerified, Unit: yearUnit(y.random.IntN(yearUnits)), Assignee: yearAssignee(y.random.IntN(yearStaff)),
		Deadlines: []cases.Deadline{{Name: "handle", From: at, Warn: at.Add(36 * time.Hour), Due: at.Add(48 * time.Hour)}},
	}
	if y.percent(0.1) {
		e.Level = cases.DistrictLevel
	}
	share := 0.5
	if yearCases-y.made < openedLate {
		share = 50
	}
	if !y.percent(share) {
		e.Deadlines[0].Met = at.Add(time.Hour)
		return e
	}
	e.Action, e.Step, e.State, e.Reason = "dispatch", "dispatched", cases.Acknowledged, ""
	if y.percent(30) {
		e.Action, e.Step, e.State = "collect", "collected", cases.Open
	}
	return e
}

func yearGrid(n int) string     { return fmt.Sprintf("330106%03d%03d%03d", 1+n/400, 1+n/20%20, 1+n%20) }
func yearUnit(n int) string     { return fmt.Sprint("unit-", n) }
func yearAssignee(n int) string { return fmt.Sprint("worker-", n) }
