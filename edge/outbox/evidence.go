package outbox

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
	"gridgate/protocols/kit/durable"
)

// EvidenceEntry is an object whose alert has been answered for and that waits to be sent.
type EvidenceEntry struct {
	ID        string
	AlertID   string
	SHA256    string
	MediaType string
	Bytes     int64
	Event     []byte // CloudEvent, see [alert.EncodeEvidence]
}

// PutEvidence stores an object and the event that announces it. The object is on stable storage before the event is; it
// must be what e says in size and digest. Objects over the budget push out the oldest, large ones first. [ErrFull] means that there is
// no room, or that the disk has only what alerts may need.
func (b *Outbox) PutEvidence(ctx context.Context, e alert.Evidence, object []byte) error {
	event, err := alert.EncodeEvidence(e)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(object)
	if int64(len(object)) != e.Bytes || hex.EncodeToString(sum[:]) != e.SHA256 {
		return errors.New("put evidence: the object is not the one that the event describes")
	}
	if e.Bytes > b.o.MaxEvidence {
		return fmt.Errorf("put evidence of %d bytes: %w", e.Bytes, ErrFull)
	}
	if err := b.leavesRoom(e.Bytes); err != nil {
		return fmt.Errorf("put evidence: %w", err)
	}
	b.files.Lock()
	defer b.files.Unlock()
	if err := writeObject(b.object(e.SHA256), object); err != nil {
		if full(err) {
			err = errors.Join(ErrFull, err)
		}
		return fmt.Errorf("put evidence: %w", err)
	}
	var shed []string
	err = b.submit(ctx, func(t *tx) error {
		shed, err = t.insertEvidence(e, event)
		return err
	})
	if err != nil {
		return errors.Join(err, b.removeUnused(ctx, e.SHA256))
	}
	return b.removeUnused(ctx, shed...)
}

// spare is how many bytes of the disk evidence leaves: pictures must not fill a small disk before alerts do.
const spare = 64 << 20

func (b *Outbox) leavesRoom(n int64) error {
	free, err := b.free()
	if err != nil {
		return fmt.Errorf("look for room: %w", err)
	}
	if free < n+spare {
		return fmt.Errorf("%w: %d bytes are left on the disk, and %d of them are for alerts", ErrFull, free, spare)
	}
	return nil
}

// freeBytes is what the disk of a folder has left for this user.
func freeBytes(dir string) (int64, error) {
	var disk syscall.Statfs_t
	err := syscall.Statfs(dir, &disk)
	return int64(disk.Bavail) * int64(disk.Bsize), err
}

// insertEvidence writes the row and tells which objects were shed.
func (t *tx) insertEvidence(e alert.Evidence, event []byte) (shed []string, err error) {
	for t.t.evidenceBytes+e.Bytes > t.w.o.MaxEvidence && t.t.evidence > 0 {
		id, digest, err := t.leastEvidence()
		if err != nil {
			return nil, fmt.Errorf("find oldest evidence: %w", err)
		}
		if _, _, err := t.deleteEvidence(id); err != nil {
			return nil, err
		}
		t.t.shedEvidence++
		shed = append(shed, digest)
	}
	res, err := t.exec(`INSERT INTO evidence (id, alert, sha256, bytes, event) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
		e.ID, e.AlertID, e.SHA256, e.Bytes, event)
	if err != nil {
		return nil, fmt.Errorf("write evidence: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return shed, err
	}
	t.t.evidence++
	t.t.evidenceBytes += e.Bytes
	t.t.added++
	return shed, nil
}

// leastEvidence is what is shed first: the oldest large object, or the oldest of all.
func (t *tx) leastEvidence() (id, digest string, err error) {
	err = t.queryRow(`SELECT id, sha256 FROM evidence WHERE bytes > ? ORDER BY seq LIMIT 1`, []any{large}, &id, &digest)
	if errors.Is(err, sql.ErrNoRows) {
		err = t.queryRow(`SELECT id, sha256 FROM evidence ORDER BY seq LIMIT 1`, nil, &id, &digest)
	}
	return id, digest, err
}

// deleteEvidence removes a row and returns its object's digest, empty if there is none, and its event.
func (t *tx) deleteEvidence(id string) (digest string, event []byte, err error) {
	var size int64
	err = t.queryRow(`DELETE FROM evidence WHERE id = ? RETURNING bytes, sha256, event`, []any{id}, &size, &digest, &event)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil, nil
	} else if err != nil {
		return "", nil, fmt.Errorf("remove evidence: %w", err)
	}
	t.t.evidence--
	t.t.evidenceBytes -= size
	return digest, event, nil
}

// large is the size in bytes above which an object goes after all others and is shed before them: a sealed clip, of which one takes
// as long as a hundred pictures.
const large = 1 << 20

// PeekEvidence returns evidence whose alert has its receipt, at most limit: the oldest first, large objects behind all others.
// Evidence of an alert that is pending or a dead letter waits. One whose event cannot be read any more becomes a dead letter.
func (b *Outbox) PeekEvidence(ctx context.Context, limit int) (out []EvidenceEntry, err error) {
	for _, size := range []string{"bytes <= ?", "bytes > ?"} {
		if len(out) == limit {
			break
		}
		more, err := b.peekEvidence(ctx, size, limit-len(out))
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return out, nil
}

// peekEvidence is PeekEvidence for the rows whose size, compared with large, is as said.
func (b *Outbox) peekEvidence(ctx context.Context, size string, limit int) ([]EvidenceEntry, error) {
	rows, err := b.read.QueryContext(ctx, `SELECT id, event FROM evidence AS e WHERE `+size+`
		AND NOT EXISTS (SELECT 1 FROM alerts WHERE id = e.alert) AND NOT EXISTS (SELECT 1 FROM dead_letters WHERE id = e.alert)
		ORDER BY seq LIMIT ?`, large, limit)
	if err != nil {
		return nil, fmt.Errorf("read evidence: %w", b.suspect(err))
	}
	defer rows.Close()
	var out []EvidenceEntry
	var bad []string
	for rows.Next() {
		var id string
		var event []byte
		if err := rows.Scan(&id, &event); err != nil {
			return nil, fmt.Errorf("read evidence: %w", err)
		}
		e, err := decodeEvidence(event)
		if err != nil {
			bad = append(bad, id)
			continue
		}
		out = append(out, EvidenceEntry{ID: e.ID, AlertID: e.AlertID, SHA256: e.SHA256, MediaType: e.MediaType, Bytes: e.Bytes, Event: event})
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read evidence: %w", b.suspect(err))
	}
	for _, id := range bad {
		if err := b.SettleEvidence(ctx, ingest.Receipt{ID: id, Outcome: ingest.Rejected, Reason: unreadable}); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// OpenEvidence opens an object for sending. The caller closes it.
func (b *Outbox) OpenEvidence(digest string) (io.ReadCloser, error) {
	if !alert.ValidSHA256(digest) {
		return nil, errors.New("open evidence: not a digest")
	}
	f, err := os.Open(b.object(digest))
	if err != nil {
		return nil, fmt.Errorf("open evidence: %w", err)
	}
	return f, nil
}

// SettleEvidence takes the receipt of an evidence event: its row and its object are removed; if it was rejected the event
// becomes a dead letter. A receipt for what is not there changes nothing.
func (b *Outbox) SettleEvidence(ctx context.Context, r ingest.Receipt) error {
	b.files.Lock()
	defer b.files.Unlock()
	var digest string
	err := b.submit(ctx, func(t *tx) (err error) {
		digest, err = t.settleEvidence(r)
		return err
	})
	if err != nil || digest == "" {
		return err
	}
	return b.removeUnused(ctx, digest)
}

func decodeEvidence(event []byte) (*alert.Evidence, error) {
	decoded, err := alert.DecodeEvent(event)
	if err != nil {
		return nil, fmt.Errorf("decode evidence: %w", err)
	}
	if decoded.Evidence == nil {
		return nil, errors.New("decode evidence: the event is an alert")
	}
	return decoded.Evidence, nil
}

// settleEvidence tells the digest of the object whose row it removed, empty if it removed none.
func (t *tx) settleEvidence(r ingest.Receipt) (digest string, err error) {
	switch r.Outcome {
	case ingest.Accepted, ingest.Duplicate:
		digest, _, err := t.deleteEvidence(r.ID)
		return digest, err
	case ingest.Rejected:
		digest, event, err := t.deleteEvidence(r.ID)
		if err != nil || digest == "" {
			return "", err
		}
		return digest, t.bury(streamEvidence, r.ID, r.Reason, event)
	}
	return "", nil
}

func (b *Outbox) object(digest string) string { return filepath.Join(b.o.Dir, evidenceDir, digest) }

// removeUnused removes objects that no row names any more, whatever becomes of ctx: nothing else would before the next
// start. The caller holds b.files.
func (b *Outbox) removeUnused(ctx context.Context, digests ...string) error {
	ctx = context.WithoutCancel(ctx)
	for _, d := range digests {
		var used bool
		err := b.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM evidence WHERE sha256 = ?)`, d).Scan(&used)
		if err != nil {
			return fmt.Errorf("look for evidence: %w", err)
		}
		if used {
			continue
		}
		if err := os.Remove(b.object(d)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("remove evidence: %w", err)
		}
	}
	return nil
}

// sweepEvidence puts right what a crash left: a file without a row is removed, and a row without its file too.
func (b *Outbox) sweepEvidence(ctx context.Context) error {
	files, err := os.ReadDir(filepath.Join(b.o.Dir, evidenceDir))
	if err != nil {
		return fmt.Errorf("list evidence: %w", err)
	}
	present := map[string]bool{}
	for _, f := range files {
		if strings.HasSuffix(f.Name(), temporary) {
			if err := os.Remove(b.object(f.Name())); err != nil {
				return fmt.Errorf("remove half-written evidence: %w", err)
			}
			continue
		}
		present[f.Name()] = true
	}
	for name := range present {
		if err := b.removeUnused(ctx, name); err != nil {
			return err
		}
	}
	return b.forgetMissing(ctx, present)
}

func (b *Outbox) forgetMissing(ctx context.Context, present map[string]bool) error {
	rows, err := b.read.QueryContext(ctx, `SELECT id, sha256 FROM evidence`)
	if err != nil {
		return fmt.Errorf("list evidence: %w", err)
	}
	defer rows.Close()
	var missing []func(*tx) error
	for rows.Next() {
		var id, digest string
		if err := rows.Scan(&id, &digest); err != nil {
			return fmt.Errorf("list evidence: %w", err)
		}
		if present[digest] {
			continue
		}
		missing = append(missing, func(t *tx) error {
			_, err := t.settleEvidence(ingest.Receipt{ID: id, Outcome: ingest.Rejected, Reason: "the object is missing from the edge's disk"})
			return err
		})
	}
	if err := rows.Err(); err != nil || len(missing) == 0 {
		return err
	}
	if err := b.directly(missing...); err != nil {
		return fmt.Errorf("forget missing evidence: %w", err)
	}
	return nil
}

// temporary marks an object that is being written.
const temporary = ".tmp"

// writeObject makes path hold data, all of it or nothing, on stable storage. An object that is there is left alone: its
// name is its digest.
func writeObject(path string, data []byte) error {
	if info, err := os.Stat(path); err == nil && info.Size() == int64(len(data)) {
		return nil
	}
	f, err := os.OpenFile(path+temporary, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, bytes.NewReader(data))
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(path+temporary))
	}
	if err := os.Rename(path+temporary, path); err != nil {
		return err
	}
	return durable.SyncDir(filepath.Dir(path))
}
