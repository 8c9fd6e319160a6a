package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"

	"gridgate/central/audit"
	"gridgate/central/store"
)

// record appends entries behind the newest one.
func record(c *conn, entries []audit.Entry) error {
	var head audit.Checkpoint
	err := c.query(func(v []driver.Value) error { return assign([]any{&head.Position, &head.Hash}, v) }, "SELECT head, head_hash FROM audit_ends")
	if err != nil {
		return err
	}
	chained, err := audit.Chain(head, entries)
	if err != nil {
		return err
	}
	for _, e := range chained {
		text, err := json.Marshal(e)
		if err != nil {
			return err
		}
		if _, err := c.exec("INSERT INTO audit (position, at, entry) VALUES (?,?,?)", e.Position, store.Nanos(e.At), string(text)); err != nil {
			return err
		}
		if _, err := c.exec("UPDATE audit_ends SET head = ?, head_hash = ?", e.Position, e.Hash); err != nil {
			return err
		}
	}
	return nil
}

// Record implements [store.AuditLog].
func (s *Store) Record(ctx context.Context, entries []audit.Entry) error {
	return s.change(ctx, "record", func(c *conn) error { return record(c, entries) })
}

func scanEntry(scan func(...any) error) (audit.Entry, error) {
	var position, at int64
	var text string
	if err := scan(&position, &at, &text); err != nil {
		return audit.Entry{}, err
	}
	return store.AuditRow(position, at, text), nil
}

func auditEntries(ctx context.Context, db *sql.DB, after int64, limit int) ([]audit.Entry, error) {
	rows, err := db.QueryContext(ctx, "SELECT position, at, entry FROM audit WHERE position > ? ORDER BY position LIMIT ?", after, limit)
	list, err := collect(rows, err, scanEntry)
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	return list, nil
}

// AuditEntries implements [store.AuditLog].
func (s *Store) AuditEntries(ctx context.Context, after int64, limit int) ([]audit.Entry, error) {
	return auditEntries(ctx, s.read, after, limit)
}

func auditEnds(ctx context.Context, db *sql.DB) (pruned, head audit.Checkpoint, err error) {
	err = db.QueryRowContext(ctx, "SELECT pruned, pruned_hash, head, head_hash FROM audit_ends").Scan(&pruned.Position, &pruned.Hash, &head.Position, &head.Hash)
	if err != nil {
		return pruned, head, fmt.Errorf("read the ends of the audit log: %w", err)
	}
	return pruned, head, nil
}

// AuditEnds implements [store.AuditLog].
func (s *Store) AuditEnds(ctx context.Context) (pruned, head audit.Checkpoint, err error) {
	return auditEnds(ctx, s.read)
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
		c.add("json_extract(entry, '$.actor') = ?", q.Actor)
	}
	if q.Action != "" {
		c.add("json_extract(entry, '$.action') = ?", q.Action)
	}
	if !q.Since.IsZero() {
		first, err := firstAt(ctx, s.read, "audit", "position", "at", q.Since)
		if err != nil {
			return nil, "", fmt.Errorf("list the audit log: %w", err)
		}
		c.add("position >= ? AND at >= ?", first, store.Nanos(q.Since))
	}
	if !q.Until.IsZero() {
		c.add("at < ?", store.Nanos(q.Until))
	}
	limit := store.PageSize(q.Limit)
	rows, err := s.read.QueryContext(ctx, "SELECT position, at, entry FROM audit"+c.where()+" ORDER BY position DESC LIMIT ?", append(c.args, limit)...)
	items, err := collect(rows, err, scanEntry)
	if err != nil {
		return nil, "", fmt.Errorf("list the audit log: %w", err)
	}
	return items, store.AuditNext(items, limit), nil
}

// PruneAudit implements [store.AuditLog].
func (s *Store) PruneAudit(ctx context.Context, upTo audit.Checkpoint) error {
	return s.change(ctx, "prune the audit log", func(c *conn) error {
		e := audit.Entry{}
		err := c.query(func(v []driver.Value) (err error) {
			e, err = scanEntry(func(dest ...any) error { return assign(dest, v) })
			return err
		}, "SELECT position, at, entry FROM audit WHERE position = ?", upTo.Position)
		if err != nil || e.Hash != upTo.Hash || upTo.Hash == "" {
			return errors.Join(err, store.ErrConflict)
		}
		if _, err := c.exec("UPDATE audit_ends SET pruned = ?, pruned_hash = ?", upTo.Position, upTo.Hash); err != nil {
			return err
		}
		_, err = c.exec("DELETE FROM audit WHERE position <= ?", upTo.Position)
		return err
	})
}
