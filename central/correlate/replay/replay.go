// Package replay tries rules on history: what would have differed had they been in force.
//
// In: the case-event log of a time, read page by page, and two engines. Out: lines that tell the decisions that only one of the two makes, and
// a summary. What rules did at the time is left out of the history, what people did stays in. It writes nothing, and holds two windows and
// some pending differences, however long the history is.
//
// Of a case that was opened before the time only what it is about is known; it counts as open and alone then, with the severity it has now.
package replay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gridgate/central/cases"
	"gridgate/central/correlate/follow"
	"gridgate/central/correlate/rules"
	"gridgate/central/store"
)

// Log is the history.
type Log interface {
	follow.Log
	LastPosition(ctx context.Context) (int64, error)
	Case(ctx context.Context, id string) (cases.Case, error)
}

// Options say what is tried on what.
type Options struct {
	Log      Log
	Old, New *rules.Engine
	Since    time.Time
	Grid     string // prefix of the grids whose cases are told of; empty: all
	Tell     func(Difference) error
}

// Difference is a decision that only one of the two makes.
type Difference struct {
	rules.Decision
	New bool // the new rules make it
}

// Summary counts what was read and decided, by type of event.
type Summary struct {
	Events   int
	Cases    int // opened in the time
	Old, New map[cases.EventType]int
	OnlyOld  int
	OnlyNew  int
	Elsewise int // decided by both, by rules of different names
}

const pageSize = 500

// Run reads the history up to its end as it is when Run begins.
func Run(ctx context.Context, o Options) (Summary, error) {
	r := &run{o: o, oldState: rules.NewState(), newState: rules.NewState(), pending: newPending(o.Tell), sum: Summary{
		Old: map[cases.EventType]int{}, New: map[cases.EventType]int{},
	}}
	last, err := o.Log.LastPosition(ctx)
	if err != nil {
		return r.sum, err
	}
	span := max(o.Old.Span(), o.New.Span())
	at, err := follow.Find(ctx, o.Log, o.Since.Add(-span), 0, last)
	if err != nil {
		return r.sum, err
	}
	for at < last {
		events, err := o.Log.Events(ctx, at, pageSize)
		if err != nil {
			return r.sum, fmt.Errorf("read the case log: %w", err)
		}
		if len(events) == 0 {
			break
		}
		at = events[len(events)-1].Position
		if err := r.page(ctx, events, span); err != nil {
			return r.sum, err
		}
	}
	err = r.pending.flush(time.Time{})
	r.sum.OnlyOld, r.sum.OnlyNew, r.sum.Elsewise = r.pending.onlyOld, r.pending.onlyNew, r.pending.elsewise
	return r.sum, err
}

type run struct {
	o                  Options
	oldState, newState *rules.State
	pending            *pending
	sum                Summary
}

func (r *run) page(ctx context.Context, events []cases.Event, span time.Duration) error {
	var kept []cases.Event
	for _, e := range events {
		if byRule(e) {
			continue
		}
		kept = append(kept, e)
		if !e.At.Before(r.o.Since) {
			r.sum.Events++
			if e.Type == cases.EventOpened {
				r.sum.Cases++
			}
		}
	}
	was, err := r.decide(ctx, r.o.Old, r.oldState, kept, r.sum.Old)
	if err != nil {
		return err
	}
	would, err := r.decide(ctx, r.o.New, r.newState, kept, r.sum.New)
	if err != nil {
		return err
	}
	if err := r.pending.compare(was, would); err != nil {
		return err
	}
	return r.pending.flush(r.newState.Now().Add(-2 * span))
}

// byRule says whether a rule of correlation made e.
func byRule(e cases.Event) bool {
	switch e.Type {
	case cases.EventMerged, cases.EventUnmerged, cases.EventRelated, cases.EventAnnotated, cases.EventRaised:
		return e.Rule != ""
	}
	return false
}

func (r *run) decide(ctx context.Context, e *rules.Engine, s *rules.State, events []cases.Event, count map[cases.EventType]int) (out []rules.Decision, err error) {
	known := map[string]*cases.Case{}
	for _, id := range e.Wants(s, events) {
		c, err := r.o.Log.Case(ctx, id)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read case %s: %w", id, err)
		}
		known[id] = &cases.Case{ID: c.ID, Opening: c.Opening, State: cases.Open, Severity: c.Severity, Level: cases.LevelOf(c.Severity), OpenedAt: c.OpenedAt}
	}
	items := make([]rules.Item, len(events))
	for i, ev := range events {
		items[i] = rules.Item{Event: ev, Case: known[ev.CaseID]}
	}
	for _, d := range e.Next(s, items) {
		if d.At.Before(r.o.Since) || len(d.Grid) < len(r.o.Grid) || d.Grid[:len(r.o.Grid)] != r.o.Grid {
			continue
		}
		count[d.Event.Type]++
		out = append(out, d)
	}
	return out, nil
}
