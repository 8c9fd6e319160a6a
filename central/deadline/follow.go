package deadline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gridgate/central/calendar"
	"gridgate/central/cases"
	"gridgate/central/store"
	"gridgate/central/workflow"
)

// FollowRule is the rule that closes a merged case with its parent.
const FollowRule = workflow.FollowRule

// page takes one step along the log and says how many events it took in.
func (j *Job) page(ctx context.Context) (int, error) {
	events, err := j.o.Store.Events(ctx, j.cursor, pageSize)
	if err != nil || len(events) == 0 {
		return 0, err
	}
	parents, err := j.parents(ctx, events)
	if err != nil {
		return 0, err
	}
	for _, parent := range parents {
		if err := j.followParent(ctx, parent); err != nil {
			return 0, fmt.Errorf("close the cases that were merged into %s: %w", parent, err)
		}
	}
	to := events[len(events)-1].Position
	begin, err := j.begin(ctx, events)
	if err != nil {
		return 0, err
	}
	if len(begin) > 0 || to-j.saved >= lazyEvents {
		if err := j.advance(ctx, to, begin); err != nil {
			return 0, fmt.Errorf("follow the case log from %d to %d: %w", j.cursor, to, err)
		}
	}
	j.cursor = to
	return len(events), nil
}

// begin returns the first steps of the cases that events opened.
func (j *Job) begin(ctx context.Context, events []cases.Event) ([]store.Change, error) {
	var changes []store.Change
	for _, e := range events {
		if e.Type != cases.EventOpened {
			continue
		}
		change, ok, err := j.first(ctx, e.CaseID)
		if err != nil {
			return nil, err
		}
		if ok {
			changes = append(changes, change)
		}
	}
	return changes, nil
}

// first is the first step of a case; false if it has taken one, is closed or is gone.
func (j *Job) first(ctx context.Context, id string) (store.Change, bool, error) {
	c, err := j.o.Store.Case(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return store.Change{}, false, nil
	}
	if err != nil {
		return store.Change{}, false, fmt.Errorf("read case %s: %w", id, err)
	}
	if c.Workflow != "" || c.State == cases.Closed {
		return store.Change{}, false, nil
	}
	now := j.o.Now().UTC()
	e, err := j.o.Loops.Of(c).Begin(c, j.o.Loops.Responsible(c.Grid, c.Class, now), j.o.Loops.Lowest(c.Class), now)
	var gap *calendar.GapError
	if errors.As(err, &gap) {
		j.did.WithLabelValues("uncovered").Inc()
		j.o.Logger.Warn("a case began without its deadlines", "case", c.ID, "error", gap)
	} else if err != nil {
		return store.Change{}, false, fmt.Errorf("begin case %s: %w", id, err)
	}
	return store.Change{Event: e}, true, nil
}

// advance stores first steps with the cursor's move. If some of the cases moved on meanwhile they are looked at one by one; a case that
// cannot be taken in is left to its first action.
func (j *Job) advance(ctx context.Context, to int64, changes []store.Change) error {
	step := store.Advance{Job: Name, From: j.saved, To: to, Changes: changes}
	after, err := j.o.Store.Advance(ctx, step)
	if errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrNotFound) {
		for _, change := range changes {
			if err := j.beginOne(ctx, change.Event.CaseID); err != nil {
				return err
			}
		}
		step.Changes = nil
		after, err = j.o.Store.Advance(ctx, step)
	}
	if err != nil {
		return err
	}
	j.saved, j.at = to, time.Now()
	for range after {
		j.did.WithLabelValues("begin").Inc()
	}
	j.stored(after)
	return nil
}

func (j *Job) beginOne(ctx context.Context, id string) error {
	for range maxTries {
		change, ok, err := j.first(ctx, id)
		if err != nil || !ok {
			return err
		}
		after, err := j.o.Store.AppendAll(ctx, []store.Change{change})
		if err == nil {
			j.stored(after, "begin")
			return nil
		}
		if !errors.Is(err, store.ErrConflict) && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("begin case %s: %w", id, err)
		}
	}
	j.o.Logger.Warn("a case goes on changing and was not taken into its loop; its first action will", "case", id)
	return nil
}

// parents are those of [closedParents] that have parts: few, while a backlog closes many cases that have none.
func (j *Job) parents(ctx context.Context, events []cases.Event) ([]string, error) {
	closed := closedParents(events)
	if len(closed) == 0 {
		return nil, nil
	}
	return j.o.Store.Parents(ctx, closed)
}

// closedParents are the cases into which others may have been merged and that are closed, as far as events tell: those that closed, and those that
// something was merged into, which may have been closed then.
func closedParents(events []cases.Event) []string {
	seen := map[string]bool{}
	var out []string
	add := func(id string) {
		if !seen[id] {
			seen[id], out = true, append(out, id)
		}
	}
	for _, e := range events {
		switch {
		case e.Type == cases.EventClosed, e.Type == cases.EventStepped && e.State == cases.Closed:
			add(e.CaseID)
		case e.Type == cases.EventMerged:
			add(e.Into)
		}
	}
	return out
}

// followParent closes the cases that were merged into a closed one.
func (j *Job) followParent(ctx context.Context, id string) error {
	parent, err := j.o.Store.Case(ctx, id)
	if errors.Is(err, store.ErrNotFound) || err == nil && parent.State != cases.Closed {
		return nil
	}
	if err != nil {
		return err
	}
	for _, state := range []cases.State{cases.Open, cases.Acknowledged} {
		q := store.Query{Parent: id, State: string(state), Limit: store.MaxPage}
		for more := true; more; more = q.Cursor != "" {
			children, next, err := j.o.Store.Cases(ctx, q)
			if err != nil {
				return err
			}
			for _, child := range children {
				if err := j.closeChild(ctx, child.ID, id); err != nil {
					return err
				}
			}
			q.Cursor = next
		}
	}
	return nil
}

func (j *Job) closeChild(ctx context.Context, id, parent string) error {
	return j.onCase(ctx, id, func(c cases.Case) ([]cases.Event, []string) {
		if c.Parent != parent || c.State == cases.Closed || !j.stillClosed(ctx, parent) {
			return nil, nil
		}
		l := j.o.Loops.Of(c)
		e, err := l.Do(c, j.request(l.Definition.Follow, FollowRule))
		if err != nil {
			j.o.Logger.Warn("a merged case could not be closed with its parent", "case", c.ID, "error", err)
			return nil, nil
		}
		return []cases.Event{e}, []string{"follow"}
	})
}

// stillClosed says whether a parent was not opened again meanwhile: its closing may have been taken back.
func (j *Job) stillClosed(ctx context.Context, parent string) bool {
	p, err := j.o.Store.Case(ctx, parent)
	return err == nil && p.State == cases.Closed
}

func (j *Job) request(action, rule string) workflow.Request {
	return workflow.Request{Action: action, Actor: workflow.Actor{Role: workflow.System, Rule: rule}, At: j.o.Now().UTC()}
}

// onCase stores what do makes of a case, all or none, against the case as it was read; while it goes on changing it is read again. What
// cannot be stored at last is left for the next round.
func (j *Job) onCase(ctx context.Context, id string, do func(cases.Case) (events []cases.Event, did []string)) error {
	for range maxTries {
		c, err := j.o.Store.Case(ctx, id)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read case %s: %w", id, err)
		}
		events, did := do(c)
		if len(events) == 0 {
			return nil
		}
		changes := make([]store.Change, len(events))
		for i, e := range events {
			changes[i].Event = e
		}
		changes[0].Expect = c.Position
		after, err := j.o.Store.AppendAll(ctx, changes)
		if err == nil {
			j.stored(after, did...)
			return nil
		}
		if !errors.Is(err, store.ErrConflict) && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("change case %s: %w", id, err)
		}
	}
	j.o.Logger.Warn("a case goes on changing and is looked at again", "case", id)
	return nil
}
