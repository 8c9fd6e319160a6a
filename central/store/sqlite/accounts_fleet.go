package sqlite

import (
	"context"
	"time"

	"gridgate/central/store"
)

// LastSyncs is as of [store.Store].
func (a *Accounts) LastSyncs(ctx context.Context) (map[string]time.Time, error) {
	return (&Store{read: a.db}).LastSyncs(ctx)
}

// Edge is as of [store.Store].
func (a *Accounts) Edge(ctx context.Context, id string) (store.Edge, error) {
	return (&Store{read: a.db}).Edge(ctx, id)
}
