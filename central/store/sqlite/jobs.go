package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"gridgate/central/cases"
	"gridgate/central/store"
)

var _ store.Jobs = (*Store)(nil)

// Cursor implements [store.Jobs].
func (s *Store) Cursor(ctx context.Context, job string) (position int64, err error) {
	err = s.read.QueryRowContext(ctx, "SELECT position FROM job_cursors WHERE job = ?", job).Scan(&position)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("cursor of job %s: %w", job, err)
	}
	return position, nil
}

// Advance implements [store.Jobs].
func (s *Store) Advance(ctx context.Context, a store.Advance) ([]cases.Case, error) {
	after, err := s.step(ctx, a.Changes, func() error {
		for _, part := range []func(store.Advance) error{s.writer.moveCursor, s.writer.addCounts, s.writer.addNotices} {
			if err := part(a); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("advance job %s: %w", a.Job, err)
	}
	return after, nil
}

func (w *writer) moveCursor(a store.Advance) error {
	var at int64
	err := w.c.query(func(v []driver.Value) error {
		at = v[0].(int64)
		return nil
	}, "SELECT position FROM job_cursors WHERE job = ?", a.Job)
	if err != nil {
		return fmt.Errorf("read the cursor: %w", err)
	}
	if at != a.From || a.To < a.From {
		return fmt.Errorf("%w: its cursor is at %d", store.ErrConflict, at)
	}
	_, err = w.c.exec("INSERT INTO job_cursors (job, position) VALUES (?,?) ON CONFLICT (job) DO UPDATE SET position = excluded.position", a.Job, a.To)
	if err != nil {
		return fmt.Errorf("move the cursor: %w", err)
	}
	return nil
}

const noticeColumns = "id, case_id, position, channel, whom, template, urgent, at, state, attempts, trouble, done"

// addNotices adds those that are not there yet.
func (w *writer) addNotices(a store.Advance) error {
	for _, n := range a.Notices {
		if n.State == "" {
			n.State = store.NoticeWaiting
		}
		_, err := w.c.exec("INSERT INTO notices ("+noticeColumns+") VALUES (?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (id) DO NOTHING",
			n.ID, n.CaseID, n.Position, n.Channel, n.To, n.Template, n.Urgent, store.Nanos(n.At), string(n.State), int64(n.Attempts), n.Trouble,
			store.Nanos(n.Done))
		if err != nil {
			return fmt.Errorf("add notice: %w", err)
		}
	}
	return nil
}

func scanNotice(scan func(...any) error) (n store.Notice, err error) {
	var at, done int64
	err = scan(&n.ID, &n.CaseID, &n.Position, &n.Channel, &n.To, &n.Template, &n.Urgent, &at, &n.State, &n.Attempts, &n.Trouble, &done)
	n.At, n.Done = store.Instant(at), store.Instant(done)
	return n, err
}

const (
	selectWaiting = "SELECT " + noticeColumns + " FROM notices INDEXED BY notices_waiting WHERE state = 'waiting' AND at <= ? ORDER BY at LIMIT ?"
	selectNotices = "SELECT " + noticeColumns + " FROM notices WHERE case_id = ? ORDER BY ref LIMIT 500"
)

// Notices implements [store.Jobs].
func (s *Store) Notices(ctx context.Context, now time.Time, limit int) ([]store.Notice, error) {
	rows, err := s.read.QueryContext(ctx, selectWaiting, store.Nanos(now), max(limit, 1))
	waiting, err := collect(rows, err, scanNotice)
	if err != nil {
		return nil, fmt.Errorf("list notices that wait: %w", err)
	}
	return waiting, nil
}

// NoticesOf implements [store.Jobs].
func (s *Store) NoticesOf(ctx context.Context, caseID string) ([]store.Notice, error) {
	rows, err := s.read.QueryContext(ctx, selectNotices, caseID)
	of, err := collect(rows, err, scanNotice)
	if err != nil {
		return nil, fmt.Errorf("list the notices of a case: %w", err)
	}
	return of, nil
}

// SettleNotice implements [store.Jobs].
func (s *Store) SettleNotice(ctx context.Context, n store.Notice) error {
	return s.changeOne(ctx, "settle notice", "UPDATE notices SET state = ?, at = ?, attempts = ?, trouble = ?, done = ? WHERE id = ?",
		string(n.State), store.Nanos(n.At), int64(n.Attempts), n.Trouble, store.Nanos(n.Done), n.ID)
}

// changeOne changes one row in a transaction of its own. [store.ErrNotFound] if there is none.
func (s *Store) changeOne(ctx context.Context, what, query string, args ...driver.Value) error {
	n, err := s.changed(ctx, what, query, args...)
	if err == nil && n == 0 {
		return store.ErrNotFound
	}
	return err
}

// changed runs one statement in a transaction of its own and says how many rows it changed.
func (s *Store) changed(ctx context.Context, what, query string, args ...driver.Value) (n int64, err error) {
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	err = s.writer.transact(func() error {
		r, err := s.writer.c.exec(query, args...)
		if err != nil {
			return err
		}
		n, err = r.RowsAffected()
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("%s: %w", what, err)
	}
	return n, nil
}

// PruneNotices implements [store.Jobs].
func (s *Store) PruneNotices(ctx context.Context, t time.Time, limit int) (int, error) {
	n, err := s.changed(ctx, "prune notices", `DELETE FROM notices WHERE ref IN (
		SELECT ref FROM notices INDEXED BY notices_done WHERE state <> 'waiting' AND done < ? ORDER BY done LIMIT ?)`, store.Nanos(t), int64(max(limit, 1)))
	return int(n), err
}
