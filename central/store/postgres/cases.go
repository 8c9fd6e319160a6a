package postgres

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"

	"gridgate/central/cases"
	"gridgate/central/store"
)

const selectCase = "SELECT " + caseColumns + " FROM cases c JOIN heads h ON h.ref = c.ref WHERE c.id = $1"

// querier is a pool or a transaction.
type querier interface {
	Query(ctx context.Context, query string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, query string, args ...any) pgx.Row
}

func readCase(ctx context.Context, q querier, id string) (caseRow, error) {
	key, err := uuidOf(id)
	if err != nil {
		return caseRow{}, err
	}
	r, err := scanCase(q.QueryRow(ctx, selectCase, key).Scan)
	return r, found("case", err)
}

// Case implements [store.Store].
func (s *Store) Case(ctx context.Context, id string) (cases.Case, error) {
	r, err := readCase(ctx, s.read, id)
	return r.Case, err
}

// readHistory follows the chain of a case back from one of its events.
const readHistory = `WITH RECURSIVE history (position, previous, event, n) AS (
		SELECT position, previous, event, 1 FROM case_events WHERE position = $1
		UNION ALL
		SELECT e.position, e.previous, e.event, n + 1 FROM history h JOIN case_events e ON e.position = h.previous WHERE n < $2
	) SELECT event FROM history ORDER BY position`

// CaseFile implements [store.Store].
func (s *Store) CaseFile(ctx context.Context, id string, before int64, limit int) (c cases.Case, events []cases.Event, err error) {
	asOfNow := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly} // the case and its history as of one moment
	err = pgx.BeginTxFunc(ctx, s.read, asOfNow, func(tx pgx.Tx) error {
		r, err := readCase(ctx, tx, id)
		if err != nil {
			return err
		}
		last := r.Position
		if before != 0 {
			const query = "SELECT coalesce(max(previous), 0) FROM case_events WHERE position = $1 AND case_ref = $2"
			if err := tx.QueryRow(ctx, query, before, r.ref).Scan(&last); err != nil {
				return err
			}
		}
		c = r.Case
		events, err = readEvents(tx.Query(ctx, readHistory, last, max(limit, 1)))
		return err
	})
	return c, events, found("case file", err)
}

// Events implements [store.Store]. Positions become visible in their order, so a reader that goes on after the last one it saw
// misses none.
func (s *Store) Events(ctx context.Context, after int64, limit int) ([]cases.Event, error) {
	events, err := readEvents(s.read.Query(ctx, `SELECT event FROM case_events e WHERE position > $1
		AND NOT EXISTS (SELECT 1 FROM pruning p WHERE p.case_ref = e.case_ref) ORDER BY position LIMIT $2`, after, limit))
	if err != nil {
		return nil, fmt.Errorf("read case events: %w", err)
	}
	return events, nil
}

func readEvents(rows pgx.Rows, err error) ([]cases.Event, error) {
	events, err := collect(rows, err, func(scan scanner) (e cases.Event, err error) {
		var raw []byte
		if err := scan(&raw); err != nil {
			return e, err
		}
		err = json.Unmarshal(raw, &e)
		return e, err
	})
	if len(events) == 0 {
		return nil, err
	}
	return events, err
}

// lastPosition is the position of the newest case event, or one that no event has, see [store.PositionJump].
const lastPosition = "greatest((SELECT coalesce(max(position), 0) FROM case_events), (SELECT coalesce(max(position), 0) FROM job_cursors WHERE job = '" + store.Restored + "'))"

// LastPosition implements [store.Store].
func (s *Store) LastPosition(ctx context.Context) (last int64, err error) {
	err = s.read.QueryRow(ctx, "SELECT "+lastPosition).Scan(&last)
	return last, found("last position", err)
}
