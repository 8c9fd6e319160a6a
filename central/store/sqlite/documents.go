package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"fmt"

	"gridgate/central/store"
)

const (
	selectDocuments = `SELECT v.kind, v.id, v.version, v.at, v.actor, v.gone, v.body FROM documents d
		JOIN document_versions v ON v.kind = d.kind AND v.id = d.id AND v.version = d.version WHERE d.gone = 0 AND d.kind = ?`
	selectRevision = "SELECT n FROM documents_revision"
)

// anyRevision stands for "whatever it is".
const anyRevision = -1

// PutDocuments implements [store.Documents].
func (s *Store) PutDocuments(ctx context.Context, d []store.Document) error {
	return s.PutDocumentsAt(ctx, anyRevision, d)
}

// PutDocumentsAt implements [store.Documents].
func (s *Store) PutDocumentsAt(ctx context.Context, revision int64, d []store.Document) error {
	return putDocuments(ctx, revision, d, s.change)
}

// putDocuments checks d and puts them by a transaction of one of the doors.
func putDocuments(ctx context.Context, revision int64, d []store.Document, change func(context.Context, string, func(*conn) error) error) error {
	if err := store.CheckDocuments(d); err != nil {
		return fmt.Errorf("put documents: %w", err)
	}
	return change(ctx, "put documents", func(c *conn) error {
		if err := followAll(c, revision, d); err != nil {
			return err
		}
		return addDocuments(c, d)
	})
}

// followAll finds out, before anything is written, whether each document is the next version of itself.
func followAll(c *conn, revision int64, d []store.Document) error {
	var now int64
	if err := c.query(func(v []driver.Value) error { now = v[0].(int64); return nil }, selectRevision); err != nil {
		return err
	}
	if revision != anyRevision && revision != now {
		return fmt.Errorf("%w: the documents are at revision %d, not %d", store.ErrConflict, now, revision)
	}
	for _, one := range d {
		var newest int64
		err := c.query(func(v []driver.Value) error { newest = v[0].(int64); return nil },
			"SELECT version FROM documents WHERE kind = ? AND id = ?", one.Kind, one.ID)
		if err != nil {
			return err
		}
		if err := one.Follows(newest); err != nil {
			return err
		}
	}
	return nil
}

func addDocuments(c *conn, d []store.Document) error {
	for _, one := range d {
		_, err := c.exec("INSERT INTO document_versions (kind, id, version, at, actor, gone, body) VALUES (?,?,?,?,?,?,?)",
			one.Kind, one.ID, one.Version, store.Nanos(one.At), one.Actor, one.Gone, string(one.Body))
		if err != nil {
			return err
		}
		_, err = c.exec(`INSERT INTO documents (kind, id, version, gone) VALUES (?,?,?,?)
			ON CONFLICT (kind, id) DO UPDATE SET version = excluded.version, gone = excluded.gone`, one.Kind, one.ID, one.Version, one.Gone)
		if err != nil {
			return err
		}
	}
	_, err := c.exec("UPDATE documents_revision SET n = n + 1")
	return err
}

// Document implements [store.Documents].
func (s *Store) Document(ctx context.Context, kind, id string) (store.Document, error) {
	d, err := scanDocument(s.read.QueryRowContext(ctx, selectDocuments+" AND d.id = ?", kind, id).Scan)
	return d, found("document", err)
}

// DocumentsOf implements [store.Documents].
func (s *Store) DocumentsOf(ctx context.Context, kind string) ([]store.Document, error) {
	return documentsOf(ctx, s.read, kind)
}

func documentsOf(ctx context.Context, db *sql.DB, kind string) ([]store.Document, error) {
	rows, err := db.QueryContext(ctx, selectDocuments+" ORDER BY d.id", kind)
	list, err := collect(rows, err, scanDocument)
	if err != nil {
		return nil, fmt.Errorf("list documents: %w", err)
	}
	return list, nil
}

// DocumentVersions implements [store.Documents].
func (s *Store) DocumentVersions(ctx context.Context, kind string) (map[string]int64, error) {
	return documentVersions(ctx, s.read, kind)
}

func documentVersions(ctx context.Context, db *sql.DB, kind string) (map[string]int64, error) {
	versions := make(map[string]int64)
	rows, err := db.QueryContext(ctx, "SELECT id, version FROM documents WHERE kind = ?", kind)
	_, err = collect(rows, err, func(scan func(...any) error) (_ struct{}, err error) {
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
	rows, err := s.read.QueryContext(ctx, `SELECT kind, id, version, at, actor, gone, body FROM document_versions
		WHERE kind = ? AND id = ? ORDER BY version DESC LIMIT ?`, kind, id, store.PageSize(limit))
	list, err := collect(rows, err, scanDocument)
	if err != nil {
		return nil, fmt.Errorf("list versions of a document: %w", err)
	}
	return list, nil
}

func scanDocument(scan func(...any) error) (d store.Document, err error) {
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
func (s *Store) DocumentsRevision(ctx context.Context) (int64, error) {
	return documentsRevision(ctx, s.read)
}

func documentsRevision(ctx context.Context, db *sql.DB) (n int64, err error) {
	if err := db.QueryRowContext(ctx, selectRevision).Scan(&n); err != nil {
		return 0, fmt.Errorf("read the documents' revision: %w", err)
	}
	return n, nil
}

// PutDocumentsAt is [Store.PutDocumentsAt].
func (a *Accounts) PutDocumentsAt(ctx context.Context, revision int64, d []store.Document) error {
	return putDocuments(ctx, revision, d, a.change)
}

// DocumentsOf is [Store.DocumentsOf].
func (a *Accounts) DocumentsOf(ctx context.Context, kind string) ([]store.Document, error) {
	return documentsOf(ctx, a.db, kind)
}

// DocumentsRevision is [Store.DocumentsRevision].
func (a *Accounts) DocumentsRevision(ctx context.Context) (int64, error) {
	return documentsRevision(ctx, a.db)
}

// DocumentVersions is [Store.DocumentVersions].
func (a *Accounts) DocumentVersions(ctx context.Context, kind string) (map[string]int64, error) {
	return documentVersions(ctx, a.db, kind)
}
