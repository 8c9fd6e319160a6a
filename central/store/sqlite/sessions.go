package sqlite

import (
	"context"
	"fmt"
	"time"

	"gridgate/central/store"
)

// PutSession implements [store.Staff].
func (s *Store) PutSession(ctx context.Context, n store.Session, now time.Time, most int) error {
	return s.change(ctx, "put session", func(c *conn) error {
		if _, err := c.exec("DELETE FROM sessions WHERE expires <= ?", store.Nanos(now)); err != nil {
			return err
		}
		_, err := c.exec("INSERT INTO sessions (sha256, user, stamp, expires) VALUES (?,?,?,?)", n.SHA256, n.User, n.Stamp, store.Nanos(n.Expires))
		if err != nil {
			return err
		}
		_, err = c.exec(`DELETE FROM sessions WHERE sha256 IN
			(SELECT sha256 FROM sessions WHERE user = ? ORDER BY sha256 = ? DESC, expires DESC LIMIT -1 OFFSET ?)`, n.User, n.SHA256, int64(most))
		return err
	})
}

// Session implements [store.Staff].
func (s *Store) Session(ctx context.Context, sha256 string) (n store.Session, u store.User, err error) {
	var expires int64
	row := s.door.QueryRowContext(ctx, "SELECT s.sha256, s.user, s.stamp, s.expires, u.name, u.hash, u.role, u.grids, u.unit, u.disabled, u.subject, u.at"+
		" FROM sessions s JOIN users u ON u.name = s.user WHERE s.sha256 = ?", sha256)
	u, err = scanUser(func(dest ...any) error {
		return row.Scan(append([]any{&n.SHA256, &n.User, &n.Stamp, &expires}, dest...)...)
	})
	if err != nil {
		return store.Session{}, store.User{}, found("session", err)
	}
	n.Expires = store.Instant(expires)
	return n, u, nil
}

// RemoveSession implements [store.Staff].
func (s *Store) RemoveSession(ctx context.Context, sha256 string) error {
	return s.put(ctx, "remove session", "DELETE FROM sessions WHERE sha256 = ?", sha256)
}

// Sessions implements [store.Staff].
func (s *Store) Sessions(ctx context.Context, now time.Time) (n int, err error) {
	if err := s.read.QueryRowContext(ctx, "SELECT count(*) FROM sessions WHERE expires > ?", store.Nanos(now)).Scan(&n); err != nil {
		return 0, fmt.Errorf("count sessions: %w", err)
	}
	return n, nil
}

// EvidenceGrids implements [store.Staff].
func (s *Store) EvidenceGrids(ctx context.Context, sha256 string) ([]string, error) {
	ids, err := s.EvidenceAlerts(ctx, sha256)
	if err != nil {
		return nil, err
	}
	return store.GridsOf(ctx, s, ids)
}
