package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"gridgate/central/audit"
	"gridgate/central/store"
)

// Record implements [store.AuditLog]. Of several centrals one at a time appends: the row of the log's ends is locked until the commit.
func (s *Store) Record(ctx context.Context, entries []audit.Entry) error {
	return s.change(ctx, "record", func(tx pgx.Tx) error {
		var head audit.Checkpoint
		err := tx.QueryRow(ctx, "SELECT head, head_hash FROM audit_ends WHERE only_one = 1 FOR UPDATE").Scan(&head.Position, &head.Hash)
		if err != nil {
			return err
		}
		chained, err := audit.Chain(head, entries)
		if err != nil || len(chained) == 0 {
			return err
		}
		batch := &pgx.Batch{}
		for _, e := range chained {
			text, err := json.Marshal(e)
			if err != nil {
				return err
			}
			batch.Queue("INSERT INTO audit (position, at, entry) VALUES ($1,$2,$3)", e.Position, store.Nanos(e.At), string(text))
		}
		last := chained[len(chained)-1]
		batch.Queue("UPDATE audit_ends SET head = $1, head_hash = $2 WHERE only_one = 1", last.Position, last.Hash)
		return tx.SendBatch(ctx, batch).Close()
	})
}

func scanEntry(scan scanner) (audit.Entry, error) {
	var position, at int64
	var text string
	if err := scan(&position, &at, &text); err != nil {
		return audit.Entry{}, err
	}
	return store.AuditRow(position, at, text), nil
}

// AuditEntries implements [store.AuditLog].
func (s *Store) AuditEntries(ctx context.Context, after int64, limit int) ([]audit.Entry, error) {
	rows, err := s.read.Query(ctx, "SELECT position, at, entry FROM audit WHERE position > $1 ORDER BY position LIMIT $2", after, limit)
	list, err := collect(rows, err, scanEntry)
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	return list, nil
}

// AuditEnds implements [store.AuditLog].
func (s *Store) AuditEnds(ctx context.Context) (pruned, head audit.Checkpoint, err error) {
	err = s.read.QueryRow(ctx, "SELECT pruned, pruned_hash, head, head_hash FROM audit_ends WHERE only_one = 1").
		Scan(&pruned.Position, &pruned.Hash, &head.Position, &head.Hash)
	if err != nil {
		return pruned, head, fmt.Errorf("read the ends of the audit log: %w", err)
	}
	return pruned, head, nil
}

// AuditPage implements [store.AuditLog].
func (s *Store) AuditPage(ctx context.Context, q store.AuditQuery) ([]audit.Entry, string, error) {
	before, err := store.PositionOf("u", q.Cursor)
	if err != nil {
		return nil, "", err
	}
	c := conditions{}
	c.add("position < ?", before)
	if q.Actor != "" {
		c.add(`((entry::json) ->> 'actor') COLLATE "C" = ?`, q.Actor)
	}
	if q.Action != "" {
		c.add(`((entry::json) ->> 'action') COLLATE "C" = ?`, q.Action)
	}
	if !q.Since.IsZero() {
		first, err := firstAt(ctx, s.read, "audit", "at", q.Since)
		if err != nil {
			return nil, "", fmt.Errorf("list the audit log: %w", err)
		}
		c.add("position >= ? AND at >= ?", first, store.Nanos(q.Since))
	}
	if !q.Until.IsZero() {
		c.add("at < ?", store.Nanos(q.Until))
	}
	limit := store.PageSize(q.Limit)
	size := c.bind(limit)
	rows, err := s.read.Query(ctx, "SELECT position, at, entry FROM audit"+c.where()+" ORDER BY position DESC LIMIT "+size, c.args...)
	items, err := collect(rows, err, scanEntry)
	if err != nil {
		return nil, "", fmt.Errorf("list the audit log: %w", err)
	}
	return items, store.AuditNext(items, limit), nil
}

// PruneAudit implements [store.AuditLog].
func (s *Store) PruneAudit(ctx context.Context, upTo audit.Checkpoint) error {
	return s.change(ctx, "prune the audit log", func(tx pgx.Tx) error {
		e, err := scanEntry(tx.QueryRow(ctx, "SELECT position, at, entry FROM audit WHERE position = $1", upTo.Position).Scan)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return store.ErrConflict
		case err != nil:
			return err
		case e.Hash != upTo.Hash || upTo.Hash == "":
			return store.ErrConflict
		}
		if _, err := tx.Exec(ctx, "UPDATE audit_ends SET pruned = $1, pruned_hash = $2 WHERE only_one = 1", upTo.Position, upTo.Hash); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "DELETE FROM audit WHERE position <= $1", upTo.Position)
		return err
	})
}
