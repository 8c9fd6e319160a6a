package sqlite

import (
	"bytes"
	"context"
	"database/sql/driver"

	"gridgate/central/store"
)

// ClaimReply implements [store.Replies].
func (s *Store) ClaimReply(ctx context.Context, r store.Reply) (stands store.Reply, claimed bool, err error) {
	err = s.change(ctx, "claim an idempotency key", func(c *conn) error {
		found, err := reply(c, r.Principal, r.Key)
		if err != nil {
			return err
		}
		if found != nil && !found.Over(r.At) {
			stands = *found
			return nil
		}
		stands, claimed = r, true
		return claim(c, r)
	})
	return stands, claimed, err
}

func reply(c *conn, principal, key string) (found *store.Reply, err error) {
	err = c.query(func(v []driver.Value) error {
		r := store.Reply{Principal: principal, Key: key}
		r.Hash, _ = v[0].(string)
		at, _ := v[1].(int64)
		status, _ := v[2].(int64)
		r.ETag, _ = v[3].(string)
		r.Type, _ = v[4].(string)
		body, _ := v[5].([]byte)
		r.At, r.Status, r.Body = store.Instant(at), int(status), bytes.Clone(body)
		found = &r
		return nil
	}, "SELECT hash, at, status, etag, type, body FROM replies WHERE principal = ? AND key = ?", principal, key)
	return found, err
}

// claim forgets what is over, a bounded part of it, and takes the key.
func claim(c *conn, r store.Reply) error {
	_, err := c.exec("DELETE FROM replies WHERE rowid IN (SELECT rowid FROM replies WHERE at <= ? ORDER BY at LIMIT ?)",
		store.Nanos(r.At.Add(-store.KeepReply)), int64(store.ForgetReplies))
	if err != nil {
		return err
	}
	_, err = c.exec("DELETE FROM replies WHERE rowid IN (SELECT rowid FROM replies WHERE principal = ? ORDER BY at DESC LIMIT -1 OFFSET ?)",
		r.Principal, int64(store.MaxReplies-1))
	if err != nil {
		return err
	}
	_, err = c.exec("INSERT OR REPLACE INTO replies (principal, key, hash, at, status, etag, type, body) VALUES (?,?,?,?,0,'','',x'')",
		r.Principal, r.Key, r.Hash, store.Nanos(r.At))
	return err
}

// EndReply implements [store.Replies].
func (s *Store) EndReply(ctx context.Context, r store.Reply) error {
	return s.put(ctx, "keep an answer", "UPDATE replies SET status = ?, etag = ?, type = ?, body = ? WHERE principal = ? AND key = ? AND at = ? AND status = 0",
		int64(r.Status), r.ETag, r.Type, append([]byte{}, r.Body...), r.Principal, r.Key, store.Nanos(r.At))
}

// DropReply implements [store.Replies].
func (s *Store) DropReply(ctx context.Context, r store.Reply) error {
	return s.put(ctx, "let an idempotency key go", "DELETE FROM replies WHERE principal = ? AND key = ? AND at = ?", r.Principal, r.Key, store.Nanos(r.At))
}
