package indicators

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"gridgate/central/cases"
	"gridgate/central/store"
)

// Name is the job's name in the store.
const Name = "indicators"

const (
	pageSize = 500     // events of one step
	maxKnown = 100_000 // cases remembered; beyond, all are forgotten and read again
)

// Store is what the job needs of [store.Store].
type Store interface {
	Events(ctx context.Context, after int64, limit int) ([]cases.Event, error)
	CaseFile(ctx context.Context, id string, before int64, limit int) (cases.Case, []cases.Event, error)
	Cursor(ctx context.Context, job string) (int64, error)
	Advance(ctx context.Context, a store.Advance) ([]cases.Case, error)
}

// Job counts behind a cursor. It is run by [gridgate/central/job.Loop]; not for concurrent use.
type Job struct {
	Store Store
	Zone  *time.Location

	cursor int64
	known  map[string]cases.Case // as of the cursor
}

// Begin reads the cursor: another central may have counted meanwhile.
func (j *Job) Begin(ctx context.Context) (err error) {
	j.known = map[string]cases.Case{}
	j.cursor, err = j.Store.Cursor(ctx, Name)
	return err
}

// CatchUp counts all that the log has.
func (j *Job) CatchUp(ctx context.Context) error {
	for ctx.Err() == nil {
		events, err := j.Store.Events(ctx, j.cursor, pageSize)
		if err != nil || len(events) == 0 {
			return err
		}
		counts, err := j.count(ctx, events)
		if err != nil {
			return err
		}
		to := events[len(events)-1].Position
		if _, err := j.Store.Advance(ctx, store.Advance{Job: Name, From: j.cursor, To: to, Counts: counts}); err != nil {
			return fmt.Errorf("count cases from %d to %d: %w", j.cursor, to, err)
		}
		j.cursor = to
	}
	return nil
}

// count adds up what events add, so that a step writes each figure once.
func (j *Job) count(ctx context.Context, events []cases.Event) ([]store.Count, error) {
	sums := map[store.Count]int64{} // by the figure, N 0
	for _, e := range events {
		before, err := j.before(ctx, e)
		if errors.Is(err, store.ErrNotFound) { // retention took it
			continue
		}
		if err != nil {
			return nil, err
		}
		after, err := cases.Apply(before, e)
		if err != nil {
			return nil, fmt.Errorf("count case %s at %d: %w", e.CaseID, e.Position, err)
		}
		j.remember(after)
		for _, c := range Of(before, after, e, j.Zone) {
			n := c.N
			c.N = 0
			sums[c] += n
		}
	}
	figures := slices.Collect(maps.Keys(sums))
	for i := range figures {
		figures[i].N = sums[figures[i]]
	}
	return figures, nil
}

func (j *Job) remember(c cases.Case) {
	if len(j.known) >= maxKnown {
		clear(j.known)
	}
	j.known[c.ID] = c
}

// before is the case as it was before e: remembered, or added up from its history.
func (j *Job) before(ctx context.Context, e cases.Event) (cases.Case, error) {
	if e.Type == cases.EventOpened {
		return cases.Case{}, nil
	}
	if c, ok := j.known[e.CaseID]; ok {
		return c, nil
	}
	var history []cases.Event
	for before := e.Position; ; {
		_, page, err := j.Store.CaseFile(ctx, e.CaseID, before, pageSize)
		if err != nil {
			return cases.Case{}, err
		}
		if len(page) == 0 {
			return cases.Case{}, store.ErrNotFound
		}
		history = append(page, history...)
		if page[0].Type == cases.EventOpened {
			return cases.Rebuild(history)
		}
		before = page[0].Position
	}
}
