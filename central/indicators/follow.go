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
	pageSize = 500     // events of one read
	maxStep  = 5000    // events of one step, and a page more
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
	// Every is how long figures are gathered before they are stored with the cursor, which is a commit beside ingest's; 0: what CatchUp
	// finds is stored when it returns. What was not stored when a central ended is counted again by the next.
	Every time.Duration

	cursor int64 // up to which events were counted
	stored int64 // cursor in the store
	at     time.Time
	sums   map[store.Count]int64 // what is to be stored, by the figure, N 0
	known  map[string]cases.Case // as of the cursor
}

// Begin reads the cursor: another central may have counted meanwhile.
func (j *Job) Begin(ctx context.Context) (err error) {
	j.known, j.sums = map[string]cases.Case{}, map[store.Count]int64{}
	j.cursor, err = j.Store.Cursor(ctx, Name)
	j.stored, j.at = j.cursor, time.Now()
	return err
}

// CatchUp counts all that the log has.
func (j *Job) CatchUp(ctx context.Context) error {
	for ctx.Err() == nil {
		events, err := j.Store.Events(ctx, j.cursor, pageSize)
		if err != nil {
			return err
		}
		if len(events) == 0 {
			break
		}
		if err := j.count(ctx, events); err != nil {
			return err
		}
		j.cursor = events[len(events)-1].Position
		if j.cursor-j.stored < maxStep {
			continue
		}
		if err := j.store(ctx); err != nil {
			return err
		}
	}
	if j.cursor == j.stored || time.Since(j.at) < j.Every {
		return nil
	}
	return j.store(ctx)
}

// store writes what was counted since the last time, each figure once, together with the cursor.
func (j *Job) store(ctx context.Context) error {
	figures := slices.Collect(maps.Keys(j.sums))
	for i := range figures {
		figures[i].N = j.sums[figures[i]]
	}
	if _, err := j.Store.Advance(ctx, store.Advance{Job: Name, From: j.stored, To: j.cursor, Counts: figures}); err != nil {
		return fmt.Errorf("count cases from %d to %d: %w", j.stored, j.cursor, err)
	}
	j.stored, j.at = j.cursor, time.Now()
	clear(j.sums)
	return nil
}

// count adds up what events add.
func (j *Job) count(ctx context.Context, events []cases.Event) error {
	for _, e := range events {
		if _, known := j.known[e.CaseID]; e.Type == cases.EventJoined && !known {
			continue // alerts that a case gathers are no figure: its history need not be read
		}
		before, err := j.before(ctx, e)
		if errors.Is(err, store.ErrNotFound) { // retention took it
			continue
		}
		if err != nil {
			return err
		}
		after, err := cases.Apply(before, e)
		if err != nil {
			return fmt.Errorf("count case %s at %d: %w", e.CaseID, e.Position, err)
		}
		j.remember(after)
		for _, c := range Of(before, after, e, j.Zone) {
			n := c.N
			c.N = 0
			j.sums[c] += n
		}
	}
	return nil
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
