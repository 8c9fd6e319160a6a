package deadline

import (
	"context"
	"testing"
	"time"

	"gridgate/central/cases"
	"gridgate/central/store"
	"gridgate/central/store/sqlite"
)

// busy moves a case on whenever the job is about to write, a few times.
type busy struct {
	*sqlite.Store
	w     *world
	id    string
	times int
}

func (b *busy) meddle() {
	if b.times > 0 {
		b.times--
		b.w.append(cases.Event{CaseID: b.id, Type: cases.EventAnnotated, At: b.w.now, Actor: "zhao", Note: "x"})
	}
}

func (b *busy) Advance(ctx context.Context, a store.Advance) ([]cases.Case, error) {
	if len(a.Changes) > 0 && b.times > 0 {
		b.times--
		b.w.do(b.id, "acknowledge")
	}
	return b.Store.Advance(ctx, a)
}

func (b *busy) AppendAll(ctx context.Context, changes []store.Change) ([]cases.Case, error) {
	b.meddle()
	return b.Store.AppendAll(ctx, changes)
}

func TestCasesThatMoveOn(t *testing.T) {
	w := newWorld(t)
	first, other := w.open(), w.open()
	b := &busy{Store: w.store, w: w, id: first, times: 1}
	w.restart(b)
	w.round()
	if c := w.get(first); c.Step != "open" || w.told(first) != "" {
		t.Errorf("the first action was undone: %+v, told %s", c, w.told(first))
	}
	if w.get(other).Step != "collect" {
		t.Error("one case that moved on kept another out of its loop")
	}
	b.id, b.times = other, 3
	w.now = t0.Add(time.Hour)
	w.round()
	if got := w.told(other); got != "intake, respond red, supervise, escalate" {
		t.Errorf("told %s", got)
	}
}
