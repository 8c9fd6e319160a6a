package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
)

// Scrub empties the write-ahead log into the database, so that what was deleted stands in no file: deleted rows are overwritten with zeros
// (secure_delete), but the log still has the pages as they were. Readers that are under way can keep a part of the log; that is an error, and
// the next call finds them gone.
func (s *Store) Scrub(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	w := s.writer
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.c == nil {
		return errors.New("the database is closed")
	}
	busy := int64(0)
	if err := w.c.query(func(v []driver.Value) error { busy = v[0].(int64); return nil }, "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		return fmt.Errorf("empty the write-ahead log: %w", err)
	}
	if busy != 0 {
		return errors.New("empty the write-ahead log: somebody reads it")
	}
	return nil
}
