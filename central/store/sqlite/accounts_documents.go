package sqlite

import (
	"context"

	"gridgate/central/store"
)

// reads is what the door reads by.
func (a *Accounts) reads() *Store { return &Store{read: a.db} }

// PutDocuments is [Store.PutDocuments].
func (a *Accounts) PutDocuments(ctx context.Context, d []store.Document) error {
	return a.PutDocumentsAt(ctx, anyRevision, d)
}

// Document is [Store.Document].
func (a *Accounts) Document(ctx context.Context, kind, id string) (store.Document, error) {
	return a.reads().Document(ctx, kind, id)
}

// DocumentsBefore is [Store.DocumentsBefore].
func (a *Accounts) DocumentsBefore(ctx context.Context, kind, before string, limit int) ([]store.Document, error) {
	return a.reads().DocumentsBefore(ctx, kind, before, limit)
}

// DocumentHistory is [Store.DocumentHistory].
func (a *Accounts) DocumentHistory(ctx context.Context, kind, id string, limit int) ([]store.Document, error) {
	return a.reads().DocumentHistory(ctx, kind, id, limit)
}

// Edges is [Store.Edges].
func (a *Accounts) Edges(ctx context.Context) ([]store.Edge, error) { return a.reads().Edges(ctx) }
