package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"gridgate/central/cases"
	"gridgate/central/store"
)

// Append implements [store.Store].
func (s *Store) Append(ctx context.Context, e cases.Event, expect int64) (cases.Case, error) {
	after, err := s.AppendAll(ctx, []store.Change{{Event: e, Expect: expect}})
	if err != nil {
		return cases.Case{}, err
	}
	return after[0], nil
}

// AppendAll implements [store.Changes].
func (s *Store) AppendAll(ctx context.Context, changes []store.Change) ([]cases.Case, error) {
	return s.step(ctx, changes, func() error { return nil })
}

// step makes changes and whatever else belongs to them, in one transaction.
func (s *Store) step(ctx context.Context, changes []store.Change, more func() error) (after []cases.Case, err error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	var last int64
	err = s.writer.attempt(func() error {
		if err := more(); err != nil {
			return err
		}
		after, err = s.writer.changeAll(changes)
		last = s.writer.last
		return err
	})
	if err != nil {
		return nil, err
	}
	s.advance(last)
	return after, nil
}

// changeAll appends events in their order.
func (w *writer) changeAll(changes []store.Change) ([]cases.Case, error) {
	after := make([]cases.Case, 0, len(changes))
	for _, c := range changes {
		r, err := w.change(c)
		if errors.Is(err, cases.ErrIllegal) {
			err = fmt.Errorf("%w: %w", store.ErrConflict, err)
		}
		if err != nil {
			return nil, fmt.Errorf("append %s to case %s: %w", c.Event.Type, c.Event.CaseID, err)
		}
		after = append(after, r.Case)
	}
	return after, nil
}

// change appends an event if the case stands where its author saw it.
func (w *writer) change(c store.Change) (caseRow, error) {
	if c.Event.Count != 0 {
		return caseRow{}, fmt.Errorf("%w: only alerts count", store.ErrConflict)
	}
	r, err := w.readCase(selectCase, c.Event.CaseID)
	switch {
	case err != nil:
		return r, err
	case c.Event.Type == cases.EventOpened:
		return w.open(r, c)
	case r.ref == 0:
		return r, store.ErrNotFound
	case c.Expect != 0 && r.Position != c.Expect:
		return r, store.ErrConflict
	}
	newest, err := w.newestCase(r.caseKey())
	if err != nil {
		return r, err
	}
	r.older = newest.ref > r.ref || newest.ref == r.ref && newest.older
	was := r.State
	if r, err = w.append(r, c.Event); err != nil {
		return r, err
	}
	other := newest.ref != r.ref
	if other && was == cases.Closed && r.State != cases.Closed && newest.State != cases.Closed {
		return r, fmt.Errorf("%w: case %s of the same key is open", store.ErrConflict, newest.ID)
	}
	w.touched = append(w.touched, r.caseKey())
	err = w.saveCase(r)
	if other && r.State == cases.Closed { // an event of an older case: the newest stays the newest
		w.newest[r.caseKey()] = newest
	}
	return r, err
}

func (r *caseRow) caseKey() caseKey { return caseKey{key: r.Key, exercise: r.Exercise} }

// open makes a case that no alert opens; found is the case that has its id already.
func (w *writer) open(found caseRow, c store.Change) (r caseRow, err error) {
	switch o := c.Event.Opening; {
	case found.ref != 0:
		return r, fmt.Errorf("%w: there is such a case", store.ErrConflict)
	case o != nil:
		newest, err := w.newestCase(caseKey{key: o.Key, exercise: o.Exercise})
		if err != nil {
			return r, err
		}
		if newest.ref != 0 && newest.State != cases.Closed {
			return r, fmt.Errorf("%w: case %s of the same key is open", store.ErrConflict, newest.ID)
		}
		r.line = newest.line
	}
	if r, err = w.append(r, c.Event); err != nil {
		return r, err
	}
	w.touched = append(w.touched, r.caseKey())
	return r, w.saveCase(r)
}

const selectDue = "SELECT " + caseColumns + " FROM case_states s INDEXED BY case_states_next CROSS JOIN cases c ON c.ref = s.ref" + joinWork +
	" WHERE s.next_at > 0 AND s.next_at <= ? ORDER BY s.next_at LIMIT ?"

// Due implements [store.Changes].
func (s *Store) Due(ctx context.Context, now time.Time, limit int) ([]cases.Case, error) {
	rows, err := s.read.QueryContext(ctx, selectDue, store.Nanos(now), max(limit, 1))
	due, err := collect(rows, err, justCase)
	if err != nil {
		return nil, fmt.Errorf("find cases that are due: %w", err)
	}
	return due, nil
}

func justCase(scan func(...any) error) (cases.Case, error) {
	r, err := scanCase(scan)
	return r.Case, err
}

// Parents implements [store.Changes].
func (s *Store) Parents(ctx context.Context, ids []string) ([]string, error) {
	list, err := json.Marshal(ids)
	if err != nil {
		return nil, fmt.Errorf("find parents: %w", err)
	}
	rows, err := s.read.QueryContext(ctx, `SELECT DISTINCT s.parent FROM json_each(?) j CROSS JOIN case_states s INDEXED BY case_states_parent
		ON s.parent = j.value`, string(list))
	parents, err := collect(rows, err, func(scan func(...any) error) (id string, err error) {
		err = scan(&id)
		return id, err
	})
	if err != nil {
		return nil, fmt.Errorf("find parents: %w", err)
	}
	return parents, nil
}
