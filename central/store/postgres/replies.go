package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"gridgate/central/store"
)

// ClaimReply implements [store.Replies].
func (s *Store) ClaimReply(ctx context.Context, r store.Reply) (stands store.Reply, claimed bool, err error) {
	err = s.change(ctx, "claim an idempotency key", func(tx pgx.Tx) error {
		// Whoever claims a key of this principal at the same moment waits here.
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtextextended('reply ' || $1, 0))", r.Principal); err != nil {
			return err
		}
		found, err := reply(ctx, tx, r.Principal, r.Key)
		switch {
		case err == nil && !found.Over(r.At):
			stands, claimed = found, false
			return nil
		case err != nil && !errors.Is(err, pgx.ErrNoRows):
			return err
		}
		stands, claimed = r, true
		return claim(ctx, tx, r)
	})
	return stands, claimed, err
}

func reply(ctx context.Context, tx pgx.Tx, principal, key string) (store.Reply, error) {
	r, at := store.Reply{Principal: principal, Key: key}, int64(0)
	err := tx.QueryRow(ctx, "SELECT hash, at, status, etag, type, body FROM replies WHERE principal = $1 AND key = $2", principal, key).
		Scan(&r.Hash, &at, &r.Status, &r.ETag, &r.Type, &r.Body)
	r.At = store.Instant(at)
	return r, err
}

// claim forgets what is over, a bounded part of it, and takes the key.
func claim(ctx context.Context, tx pgx.Tx, r store.Reply) error {
	_, err := tx.Exec(ctx, `DELETE FROM replies WHERE (principal, key) IN
		(SELECT principal, key FROM replies WHERE at <= $1 ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED)`, store.Nanos(r.At.Add(-store.KeepReply)), store.ForgetReplies)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `DELETE FROM replies WHERE principal = $1 AND key IN
		(SELECT key FROM replies WHERE principal = $1 ORDER BY at DESC OFFSET $2)`, r.Principal, store.MaxReplies-1)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO replies (principal, key, hash, at, status, etag, type, body) VALUES ($1,$2,$3,$4,0,'','','')
		ON CONFLICT (principal, key) DO UPDATE SET hash = excluded.hash, at = excluded.at, status = 0, etag = '', type = '', body = ''`,
		r.Principal, r.Key, r.Hash, store.Nanos(r.At))
	return err
}

// EndReply implements [store.Replies].
func (s *Store) EndReply(ctx context.Context, r store.Reply) error {
	return s.put(ctx, "keep an answer", "UPDATE replies SET status = $1, etag = $2, type = $3, body = $4 WHERE principal = $5 AND key = $6 AND at = $7 AND status = 0",
		r.Status, r.ETag, r.Type, append([]byte{}, r.Body...), r.Principal, r.Key, store.Nanos(r.At))
}

// DropReply implements [store.Replies].
func (s *Store) DropReply(ctx context.Context, r store.Reply) error {
	return s.put(ctx, "let an idempotency key go", "DELETE FROM replies WHERE principal = $1 AND key = $2 AND at = $3", r.Principal, r.Key, store.Nanos(r.At))
}
