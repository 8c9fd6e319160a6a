// Package sqlite is the [store.Store] of one centre: one SQLite file, one writer connection, several readers.
//
// In: validated values. Out: committed facts (WAL, synchronous=FULL: a commit survives a power cut) and pages of them. It
// decides nothing about cases, and it never changes or deletes a case event: a trigger refuses it.
package sqlite

import (
	"context"

	"gridgate/central/store"
)

// Options say where and how.
type Options struct {
	Path       string // of the database file, made if missing; "-wal" and "-shm" live beside it
	CacheBytes int64  // page cache of the writer; 0: 64 MiB
	Readers    int    // concurrent reading connections; 0: 4
}

// Open opens the database and brings its schema up to date.
func Open(ctx context.Context, o Options) (store.Store, error) { return nil, store.ErrNotFound }
