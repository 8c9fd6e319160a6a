package postgres

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"gridgate/central/store"
)

// change runs f in a transaction of its own.
func (s *Store) change(ctx context.Context, what string, f func(tx pgx.Tx) error) error {
	err := pgx.BeginFunc(ctx, s.write, f)
	if errors.Is(err, pgx.ErrNoRows) {
		err = store.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// lockEdge lets changes to the way in of one edge follow each other. [store.ErrNotFound] if it was never added.
func lockEdge(ctx context.Context, tx pgx.Tx, edge string) (code string, expires int64, err error) {
	err = tx.QueryRow(ctx, "SELECT code, code_expires FROM enrolments WHERE edge = $1 FOR UPDATE", edge).Scan(&code, &expires)
	return code, expires, err
}

// PutCode implements [store.Enrolments].
func (s *Store) PutCode(ctx context.Context, k store.Code, now time.Time) error {
	return s.put(ctx, "put code", `INSERT INTO enrolments (edge, added, code, code_expires, revoked) VALUES ($1,$2,$3,$4,0)
		ON CONFLICT (edge) DO UPDATE SET code = excluded.code, code_expires = excluded.code_expires`, k.Edge, store.Nanos(now), k.SHA256, store.Nanos(k.Expires))
}

// Enrol implements [store.Enrolments].
func (s *Store) Enrol(ctx context.Context, code string, k store.Credential, now time.Time) error {
	return s.change(ctx, "enrol", func(tx pgx.Tx) error {
		open, expires, err := lockEdge(ctx, tx, k.Edge)
		if err != nil {
			return err
		}
		if open == "" || subtle.ConstantTimeCompare([]byte(open), []byte(code)) != 1 || expires <= store.Nanos(now) {
			return store.ErrNotFound
		}
		if _, err := tx.Exec(ctx, "UPDATE enrolments SET code = '', code_expires = 0, revoked = 0 WHERE edge = $1", k.Edge); err != nil {
			return err
		}
		return addCredential(ctx, tx, k, now)
	})
}

// addCredential also removes those of the edge that were never used or are over.
func addCredential(ctx context.Context, tx pgx.Tx, k store.Credential, now time.Time) error {
	if _, err := tx.Exec(ctx, "DELETE FROM credentials WHERE edge = $1 AND (used = 0 OR expires <= $2)", k.Edge, store.Nanos(now)); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "INSERT INTO credentials (sha256, edge, issued, expires, used) VALUES ($1,$2,$3,$4,$5)",
		k.SHA256, k.Edge, store.Nanos(k.Issued), store.Nanos(k.Expires), store.Nanos(k.Used))
	return err
}

// Renew implements [store.Enrolments].
func (s *Store) Renew(ctx context.Context, by string, k store.Credential, now time.Time) error {
	return s.change(ctx, "renew credential", func(tx pgx.Tx) error {
		if _, _, err := lockEdge(ctx, tx, k.Edge); err != nil {
			return err
		}
		var good int
		err := tx.QueryRow(ctx, `SELECT 1 FROM credentials c WHERE c.sha256 = $1 AND c.edge = $2 AND c.expires > $3 AND NOT EXISTS
			(SELECT 1 FROM credentials later WHERE later.edge = c.edge AND later.used > 0 AND later.issued > c.issued
			AND later.expires > $3)`,
			by, k.Edge, store.Nanos(now)).Scan(&good)
		if err != nil {
			return err
		}
		// One that asks for its successor is in use, whether that was noted or not.
		if _, err := tx.Exec(ctx, "UPDATE credentials SET used = $1 WHERE sha256 = $2 AND used = 0", store.Nanos(now), by); err != nil {
			return err
		}
		return addCredential(ctx, tx, k, now)
	})
}

// UseCredential implements [store.Enrolments].
func (s *Store) UseCredential(ctx context.Context, sha256 string, now, until time.Time) error {
	return s.change(ctx, "use credential", func(tx pgx.Tx) error {
		var edge string
		var used int64
		if err := tx.QueryRow(ctx, "SELECT edge FROM credentials WHERE sha256 = $1", sha256).Scan(&edge); err != nil {
			return err
		}
		if _, _, err := lockEdge(ctx, tx, edge); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, "SELECT used FROM credentials WHERE sha256 = $1", sha256).Scan(&used); err != nil || used != 0 {
			return err
		}
		if _, err := tx.Exec(ctx, "UPDATE credentials SET used = $1 WHERE sha256 = $2", store.Nanos(now), sha256); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "UPDATE credentials SET expires = least(expires, $1) WHERE edge = $2 AND sha256 <> $3", store.Nanos(until), edge, sha256)
		return err
	})
}

// Credential implements [store.Enrolments].
func (s *Store) Credential(ctx context.Context, sha256 string) (k store.Credential, err error) {
	var issued, expires, used int64
	row := s.door.QueryRow(ctx, "SELECT sha256, edge, issued, expires, used FROM credentials WHERE sha256 = $1", sha256)
	err = found("credential", row.Scan(&k.SHA256, &k.Edge, &issued, &expires, &used))
	k.Issued, k.Expires, k.Used = store.Instant(issued), store.Instant(expires), store.Instant(used)
	return k, err
}

// Revoke implements [store.Enrolments].
func (s *Store) Revoke(ctx context.Context, edge string, now time.Time) error {
	return s.change(ctx, "revoke edge", func(tx pgx.Tx) error {
		known := int64(0)
		for _, step := range []struct {
			query string
			args  []any
		}{
			{"UPDATE enrolments SET code = '', code_expires = 0, revoked = $1 WHERE edge = $2", []any{store.Nanos(now), edge}},
			{"DELETE FROM credentials WHERE edge = $1", []any{edge}},
			{"DELETE FROM tokens WHERE edge = $1", []any{edge}},
		} {
			tag, err := tx.Exec(ctx, step.query, step.args...)
			if err != nil {
				return err
			}
			known += tag.RowsAffected()
		}
		if known == 0 {
			return store.ErrNotFound
		}
		return nil
	})
}

// Enrolments implements [store.Enrolments].
func (s *Store) Enrolments(ctx context.Context) ([]store.Enrolment, error) {
	rows, err := s.read.Query(ctx, `SELECT e.edge, e.added, e.code_expires, e.revoked, coalesce(c.issued, 0), coalesce(c.expires, 0)
		FROM enrolments e LEFT JOIN LATERAL
		(SELECT issued, expires FROM credentials n WHERE n.edge = e.edge AND n.used > 0 ORDER BY n.issued DESC LIMIT 1) c ON true ORDER BY e.edge`)
	list, err := collect(rows, err, func(scan scanner) (e store.Enrolment, err error) {
		var at [5]int64
		err = scan(&e.Edge, &at[0], &at[1], &at[2], &at[3], &at[4])
		e.Added, e.CodeExpires, e.Revoked, e.Issued, e.Expires = store.Instant(at[0]), store.Instant(at[1]), store.Instant(at[2]), store.Instant(at[3]), store.Instant(at[4])
		return e, err
	})
	if err != nil {
		return nil, fmt.Errorf("list enrolments: %w", err)
	}
	return list, nil
}
