package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"gridgate/central/cases"
	"gridgate/central/store"
)

var _ store.Jobs = (*Store)(nil)

const selectCursor = "SELECT position FROM job_cursors WHERE job = $1"

// Cursor implements [store.Jobs].
func (s *Store) Cursor(ctx context.Context, job string) (position int64, err error) {
	err = s.read.QueryRow(ctx, selectCursor, job).Scan(&position)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return 0, fmt.Errorf("cursor of job %s: %w", job, err)
	}
	return position, nil
}

// Advance implements [store.Jobs].
func (s *Store) Advance(ctx context.Context, a store.Advance) (after []cases.Case, err error) {
	var at int64
	ask := func(b *pgx.Batch) {
		b.Queue(selectCursor, a.Job).Query(func(rows pgx.Rows) error {
			_, err := pgx.ForEachRow(rows, []any{&at}, func() error { return nil })
			return err
		})
	}
	err = s.transact(ctx, ask, func(c *section) error {
		if at != a.From || a.To < a.From {
			return fmt.Errorf("%w: its cursor is at %d", store.ErrConflict, at)
		}
		c.writes.Queue("INSERT INTO job_cursors (job, position) VALUES ($1,$2) ON CONFLICT (job) DO UPDATE SET position = excluded.position", a.Job, a.To)
		queueCounts(&c.writes, a.Counts)
		queueNotices(&c.writes, a.Notices)
		after, err = c.changeAll(ctx, a.Changes)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("advance job %s: %w", a.Job, err)
	}
	return after, nil
}

const noticeColumns = "id, case_id, position, channel, whom, template, urgent, at, state, attempts, trouble, done"

// queueNotices adds those that are not there yet.
func queueNotices(b *pgx.Batch, notices []store.Notice) {
	for _, n := range notices {
		if n.State == "" {
			n.State = store.NoticeWaiting
		}
		b.Queue("INSERT INTO notices ("+noticeColumns+") VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12) ON CONFLICT (id) DO NOTHING",
			n.ID, n.CaseID, n.Position, n.Channel, n.To, n.Template, n.Urgent, store.Nanos(n.At), string(n.State), int64(n.Attempts), n.Trouble,
			store.Nanos(n.Done))
	}
}

func scanNotice(scan scanner) (n store.Notice, err error) {
	var at, done int64
	err = scan(&n.ID, &n.CaseID, &n.Position, &n.Channel, &n.To, &n.Template, &n.Urgent, &at, &n.State, &n.Attempts, &n.Trouble, &done)
	n.At, n.Done = store.Instant(at), store.Instant(done)
	return n, err
}

const (
	selectWaiting = "SELECT " + noticeColumns + " FROM notices WHERE state = 'waiting' AND at <= $1 ORDER BY at, ref LIMIT $2"
	selectNotices = "SELECT " + noticeColumns + " FROM notices WHERE case_id = $1 ORDER BY ref LIMIT 500"
)

// Notices implements [store.Jobs].
func (s *Store) Notices(ctx context.Context, now time.Time, limit int) ([]store.Notice, error) {
	return s.notices(ctx, selectWaiting, store.Nanos(now), max(limit, 1))
}

// NoticesOf implements [store.Jobs].
func (s *Store) NoticesOf(ctx context.Context, caseID string) ([]store.Notice, error) {
	return s.notices(ctx, selectNotices, caseID)
}

func (s *Store) notices(ctx context.Context, query string, args ...any) ([]store.Notice, error) {
	rows, err := s.read.Query(ctx, query, args...)
	all, err := collect(rows, err, scanNotice)
	if err != nil {
		return nil, fmt.Errorf("list notices: %w", err)
	}
	if len(all) == 0 {
		return nil, nil
	}
	return all, nil
}

// SettleNotice implements [store.Jobs].
func (s *Store) SettleNotice(ctx context.Context, n store.Notice) error {
	tag, err := s.write.Exec(ctx, "UPDATE notices SET state = $1, at = $2, attempts = $3, trouble = $4, done = $5 WHERE id = $6",
		string(n.State), store.Nanos(n.At), int64(n.Attempts), n.Trouble, store.Nanos(n.Done), n.ID)
	switch {
	case err != nil:
		return fmt.Errorf("settle notice: %w", err)
	case tag.RowsAffected() == 0:
		return store.ErrNotFound
	}
	return nil
}

// PruneNotices implements [store.Jobs].
func (s *Store) PruneNotices(ctx context.Context, t time.Time, limit int) (int, error) {
	tag, err := s.write.Exec(ctx, `DELETE FROM notices WHERE ref IN (
		SELECT ref FROM notices WHERE state <> 'waiting' AND done < $1 ORDER BY done LIMIT $2)`, store.Nanos(t), max(limit, 1))
	if err != nil {
		return 0, fmt.Errorf("prune notices: %w", err)
	}
	return int(tag.RowsAffected()), nil
}
