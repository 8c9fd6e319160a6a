package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"gridgate/central/store"
)

const selectDocuments = `SELECT v.kind, v.id, v.version, v.at, v.actor, v.gone, v.body FROM documents d
	JOIN document_versions v ON v.kind = d.kind AND v.id = d.id AND v.version = d.version WHERE NOT d.gone AND d.kind = $1`

// anyRevision stands for "whatever it is".
const anyRevision = -1

// PutDocuments implements [store.Documents].
func (s *Store) PutDocuments(ctx context.Context, d []store.Document) error {
	return s.PutDocumentsAt(ctx, anyRevision, d)
}

// PutDocumentsAt implements [store.Documents].
func (s *Store) PutDocumentsAt(ctx context.Context, revision int64, d []store.Document) error {
	if err := store.CheckDocuments(d); err != nil {
		return fmt.Errorf("put documents: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, writeWithin)
	defer cancel()
	return s.change(ctx, "put documents", func(tx pgx.Tx) error {
		if err := nextRevision(ctx, tx, revision); err != nil {
			return err
		}
		if err := followAll(ctx, tx, d); err != nil {
			return err
		}
		return addDocuments(ctx, tx, d)
	})
}

// nextRevision locks the revision until the end of tx, so that puts follow each other.
func nextRevision(ctx context.Context, tx pgx.Tx, want int64) error {
	var n int64
	if err := tx.QueryRow(ctx, "UPDATE documents_revision SET n = n + 1 WHERE one RETURNING n").Scan(&n); err != nil {
		return err
	}
	if want != anyRevision && want != n-1 {
		return fmt.Errorf("%w: the documents are at revision %d, not %d", store.ErrConflict, n-1, want)
	}
	return nil
}

// followAll finds out whether each document is the next version of itself.
func followAll(ctx context.Context, tx pgx.Tx, d []store.Document) error {
	b := &pgx.Batch{}
	for _, one := range d {
		b.Queue("SELECT version FROM documents WHERE kind = $1 AND id = $2", one.Kind, one.ID).QueryRow(func(row pgx.Row) error {
			var newest int64
			if err := row.Scan(&newest); err != nil && !errors.Is(err, pgx.ErrNoRows) {
				return err
			}
			return one.Follows(newest)
		})
	}
	return tx.SendBatch(ctx, b).Close()
}

func addDocuments(ctx context.Context, tx pgx.Tx, d []store.Document) error {
	b := &pgx.Batch{}
	for _, one := range d {
		b.Queue("INSERT INTO document_versions (kind, id, version, at, actor, gone, body) VALUES ($1,$2,$3,$4,$5,$6,$7)",
			one.Kind, one.ID, one.Version, store.Nanos(one.At), one.Actor, one.Gone, string(one.Body))
		b.Queue(`INSERT INTO documents (kind, id, version, gone) VALUES ($1,$2,$3,$4)
			ON CONFLICT (kind, id) DO UPDATE SET version = excluded.version, gone = excluded.gone`, one.Kind, one.ID, one.Version, one.Gone)
	}
	return tx.SendBatch(ctx, b).Close()
}

// Document implements [store.Documents].
func (s *Store) Document(ctx context.Context, kind, id string) (store.Document, error) {
	d, err := scanDocument(s.read.QueryRow(ctx, selectDocuments+" AND d.id = $2", kind, id).Scan)
	return d, found("document", err)
}

// DocumentsOf implements [store.Documents].
func (s *Store) DocumentsOf(ctx context.Context, kind string) ([]store.Document, error) {
	rows, err := s.read.Query(ctx, selectDocuments+" ORDER BY d.id", kind)
	list, err := collect(rows, err, scanDocument)
	if err != nil {
		return nil, fmt.Errorf("list documents: %w", err)
	}
	return list, nil
}

// DocumentVersions implements [store.Documents].
func (s *Store) DocumentVersions(ctx context.Context, kind string) (map[string]int64, error) {
	versions := make(map[string]int64)
	rows, err := s.read.Query(ctx, "SELECT id, version FROM documents WHERE kind = $1", kind)
	_, err = collect(rows, err, func(scan scanner) (_ struct{}, err error) {
		var id string
		var version int64
		err = scan(&id, &version)
		versions[id] = version
		return struct{}{}, err
	})
	if err != nil {
		return nil, fmt.Errorf("list versions of documents: %w", err)
	}
	return versions, nil
}

// DocumentHistory implements [store.Documents].
func (s *Store) DocumentHistory(ctx context.Context, kind, id string, limit int) ([]store.Document, error) {
	rows, err := s.read.Query(ctx, `SELECT kind, id, version, at, actor, gone, body FROM document_versions
		WHERE kind = $1 AND id = $2 ORDER BY version DESC LIMIT $3`, kind, id, store.PageSize(limit))
	list, err := collect(rows, err, scanDocument)
	if err != nil {
		return nil, fmt.Errorf("list versions of a document: %w", err)
	}
	return list, nil
}

func scanDocument(scan scanner) (d store.Document, err error) {
	var at int64
	var body string
	err = scan(&d.Kind, &d.ID, &d.Version, &at, &d.Actor, &d.Gone, &body)
	d.At = store.Instant(at)
	if body != "" {
		d.Body = json.RawMessage(body)
	}
	return d, err
}

// DocumentsRevision implements [store.Documents].
func (s *Store) DocumentsRevision(ctx context.Context) (n int64, err error) {
	if err := s.read.QueryRow(ctx, "SELECT n FROM documents_revision WHERE one").Scan(&n); err != nil {
		return 0, fmt.Errorf("read the documents' revision: %w", err)
	}
	return n, nil
}
