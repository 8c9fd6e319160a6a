package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"gridgate/central/store"
)

// DocumentsBefore implements [store.Documents].
func (s *Store) DocumentsBefore(ctx context.Context, kind, before string, limit int) ([]store.Document, error) {
	rows, err := s.read.Query(ctx, selectDocuments+" AND ($2 = '' OR d.id < $2) ORDER BY d.id DESC LIMIT $3", kind, before, store.PageSize(limit))
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
	ctx, cancel := context.WithTimeout(ctx, writeWithin)
	defer cancel()
	return s.change(ctx, "forget documents", func(tx pgx.Tx) error {
		if err := nextRevision(ctx, tx, anyRevision); err != nil {
			return err
		}
		for _, table := range []string{"documents", "document_versions"} {
			if _, err := tx.Exec(ctx, "DELETE FROM "+table+" WHERE kind = $1 AND id = ANY($2)", kind, ids); err != nil {
				return err
			}
		}
		return nil
	})
}
