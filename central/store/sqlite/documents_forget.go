package sqlite

import (
	"context"
	"fmt"

	"gridgate/central/store"
)

// DocumentsBefore implements [store.Documents].
func (s *Store) DocumentsBefore(ctx context.Context, kind, before string, limit int) ([]store.Document, error) {
	rows, err := s.read.QueryContext(ctx, selectDocuments+" AND (? = '' OR d.id < ?) ORDER BY d.id DESC LIMIT ?", kind, before, before, store.PageSize(limit))
	list, err := collect(rows, err, scanDocument)
	if err != nil {
		return nil, fmt.Errorf("list documents backwards: %w", err)
	}
	return list, nil
}

// ForgetDocuments implements [store.Documents].
func (s *Store) ForgetDocuments(ctx context.Context, kind string, ids []string) error {
	if !store.Forgettable(kind) {
		return fmt.Errorf("forget documents: those of kind %q stay", kind)
	}
	return s.change(ctx, "forget documents", func(c *conn) error {
		for _, id := range ids {
			for _, table := range []string{"documents", "document_versions"} {
				if _, err := c.exec("DELETE FROM "+table+" WHERE kind = ? AND id = ?", kind, id); err != nil {
					return err
				}
			}
		}
		_, err := c.exec("UPDATE documents_revision SET n = n + 1")
		return err
	})
}
