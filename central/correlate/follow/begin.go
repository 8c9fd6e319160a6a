package follow

import (
	"context"
	"fmt"
	"time"

	"gridgate/central/correlate/rules"
	"gridgate/central/store"
)

// begin goes to the cursor, past what is too old to act on, and builds the window of what was before. Nothing before the window is read:
// where it begins is found by halving.
func (j *Job) begin(ctx context.Context, engine *rules.Engine) (err error) {
	j.engine, j.state = nil, rules.NewState()
	if j.cursor, err = j.o.Store.Cursor(ctx, Name); err != nil {
		return err
	}
	j.stored, j.at = j.cursor, time.Now()
	last, err := j.o.Store.LastPosition(ctx)
	if err != nil {
		return err
	}
	if err := j.skip(ctx, last); err != nil {
		return err
	}
	edge := j.o.Now()
	if next, err := j.o.Store.Events(ctx, j.cursor, 1); err != nil {
		return err
	} else if len(next) > 0 && next[0].At.Before(edge) {
		edge = next[0].At
	}
	from, err := Find(ctx, j.o.Store, edge.Add(-engine.Span()), max(0, j.cursor-maxLearn), j.cursor)
	if err != nil {
		return err
	}
	if err := j.learn(ctx, engine, from); err != nil {
		return err
	}
	j.engine = engine
	return nil
}

// skip moves the cursor over what is too old to act on.
func (j *Job) skip(ctx context.Context, last int64) error {
	to, err := Find(ctx, j.o.Store, j.o.Now().Add(-ActWithin), j.cursor, max(last, j.cursor))
	if err != nil || to == j.cursor {
		return err
	}
	if _, err := j.o.Store.Advance(ctx, store.Advance{Job: Name, From: j.cursor, To: to}); err != nil {
		return fmt.Errorf("skip what is too old: %w", err)
	}
	j.o.Logger.Info("the rules pass over what is too old to act on", "from", j.cursor, "to", to)
	j.cursor, j.stored = to, to
	return nil
}

// learn reads the log from one position to the cursor into the window.
func (j *Job) learn(ctx context.Context, engine *rules.Engine, from int64) error {
	for from < j.cursor {
		events, err := j.o.Store.Events(ctx, from, pageSize)
		if err != nil || len(events) == 0 {
			return err
		}
		from = events[len(events)-1].Position
		for len(events) > 0 && events[len(events)-1].Position > j.cursor {
			events = events[:len(events)-1]
		}
		items, err := j.items(ctx, engine, events)
		if err != nil {
			return err
		}
		engine.Learn(j.state, items)
	}
	return nil
}

// Find returns a position of lo to hi such that events after it happened at t or later and those up to it before, as far as the times of the
// log rise with their positions. It reads some twenty events.
func Find(ctx context.Context, log Log, t time.Time, lo, hi int64) (int64, error) {
	for lo < hi {
		middle := lo + (hi-lo)/2
		events, err := log.Events(ctx, middle, 1)
		if err != nil {
			return 0, err
		}
		if len(events) == 0 || !events[0].At.Before(t) {
			hi = middle
			continue
		}
		lo = min(hi, events[0].Position)
	}
	return lo, nil
}
