package postgres

import (
	"context"
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
func (s *Store) AppendAll(ctx context.Context, changes []store.Change) (after []cases.Case, err error) {
	if len(changes) == 0 {
		return nil, nil
	}
	err = s.transact(ctx, nil, func(c *section) error {
		after, err = c.changeAll(ctx, changes)
		return err
	})
	return after, err
}

// changeAll appends events in their order.
func (c *section) changeAll(ctx context.Context, changes []store.Change) ([]cases.Case, error) {
	rows, err := c.casesOf(ctx, changes)
	if err != nil {
		return nil, err
	}
	after := make([]cases.Case, 0, len(changes))
	for _, change := range changes {
		r, err := c.change(rows, change)
		if errors.Is(err, cases.ErrIllegal) {
			err = fmt.Errorf("%w: %w", store.ErrConflict, err)
		}
		if err != nil {
			return nil, fmt.Errorf("append %s to case %s: %w", change.Event.Type, change.Event.CaseID, err)
		}
		rows[r.ID] = r
		after = append(after, r.Case)
	}
	return after, nil
}

// casesOf reads the cases of changes, by id, and makes the memory know those that alerts of their keys join.
func (c *section) casesOf(ctx context.Context, changes []store.Change) (map[string]caseRow, error) {
	rows := make(map[string]caseRow)
	if len(changes) == 0 {
		return rows, nil
	}
	var ids []string
	var keys []caseKey
	for _, change := range changes {
		e := &change.Event
		if _, err := uuidOf(e.CaseID); err == nil {
			ids = append(ids, e.CaseID)
		}
		if e.Opening != nil {
			keys = append(keys, caseKey{key: e.Opening.Key, exercise: e.Opening.Exercise})
		}
	}
	found, err := c.tx.Query(ctx, "SELECT "+caseColumns+" FROM cases c JOIN heads h ON h.ref = c.ref WHERE c.id = ANY ($1::text[]::uuid[])", ids)
	all, err := collect(found, err, scanCase)
	if err != nil {
		return nil, fmt.Errorf("read cases: %w", err)
	}
	for _, r := range all {
		rows[r.ID] = r
		keys = append(keys, r.caseKey())
	}
	return rows, c.recall(ctx, keys)
}

// change appends an event if the case stands where its author saw it.
func (c *section) change(rows map[string]caseRow, change store.Change) (caseRow, error) {
	if change.Event.Count != 0 {
		return caseRow{}, fmt.Errorf("%w: only alerts count", store.ErrConflict)
	}
	r, known := rows[change.Event.CaseID]
	opening := change.Event.Type == cases.EventOpened
	switch {
	case opening && known:
		return r, fmt.Errorf("%w: there is such a case", store.ErrConflict)
	case opening:
		if _, err := uuidOf(change.Event.CaseID); err != nil {
			return r, fmt.Errorf("%w: its id is no UUID", store.ErrConflict)
		}
	case !known:
		return r, store.ErrNotFound
	case change.Expect != 0 && r.Position != change.Expect:
		return r, store.ErrConflict
	}
	wasOpen := known && r.State != cases.Closed
	r, err := c.append(r, change.Event)
	if err != nil {
		return r, err
	}
	k := r.caseKey()
	joins := c.newestOf(k)
	isOpen := r.State != cases.Closed
	if isOpen && !wasOpen && joins.ref != 0 && joins.ref != r.ref && joins.State != cases.Closed {
		return r, fmt.Errorf("%w: case %s of the same key is open", store.ErrConflict, joins.ID)
	}
	c.save(r)
	r.written = r.asWritten()
	if isOpen || joins.ref == r.ref {
		c.m.remember(r)
	}
	c.closed = append(c.closed, k) // which case is the newest of its key is looked up again
	return r, nil
}

// Due implements [store.Changes].
func (s *Store) Due(ctx context.Context, now time.Time, limit int) ([]cases.Case, error) {
	rows, err := s.read.Query(ctx, selectDue, store.Nanos(now), max(limit, 1))
	due, err := collect(rows, err, justCase)
	if err != nil {
		return nil, fmt.Errorf("find cases that are due: %w", err)
	}
	return due, nil
}

const selectDue = "SELECT " + caseColumns + " FROM heads h JOIN cases c ON c.ref = h.ref WHERE h.next_at > 0 AND h.next_at <= $1 ORDER BY h.next_at LIMIT $2"

func justCase(scan scanner) (cases.Case, error) {
	r, err := scanCase(scan)
	return r.Case, err
}

// Parents implements [store.Changes].
func (s *Store) Parents(ctx context.Context, ids []string) ([]string, error) {
	rows, err := s.read.Query(ctx, "SELECT id FROM unnest($1::text[]) i (id) WHERE EXISTS (SELECT FROM heads WHERE parent = i.id AND parent <> '')", ids)
	parents, err := texts(rows, err)
	if err != nil {
		return nil, fmt.Errorf("find parents: %w", err)
	}
	return parents, nil
}
