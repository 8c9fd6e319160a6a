package store

import (
	"context"
	"encoding/json"
	"time"
)

// Document is one version of something that a centre sets up: a grid, a unit, a calendar, an event class, a workflow, the rules, a silence.
// The store knows nothing of what is in it.
type Document struct {
	Kind    string
	ID      string
	Version int64 // 1, 2, ...
	Body    json.RawMessage
	At      time.Time
	Actor   string
	Gone    bool // this version says that it is no longer there
}

// Documents are kept in all their versions.
type Documents interface {
	// PutDocuments stores the next versions of some documents, all or none. [ErrConflict] if the Version of one is not one more than
	// the newest that is stored (1 for a new one).
	PutDocuments(ctx context.Context, d []Document) error
	// Document returns the newest version of one. [ErrNotFound] if there is none or it is gone.
	Document(ctx context.Context, kind, id string) (Document, error)
	// DocumentsOf returns the newest versions of all of a kind that are there, by id.
	DocumentsOf(ctx context.Context, kind string) ([]Document, error)
	// DocumentHistory returns the versions of one, newest first, at most limit.
	DocumentHistory(ctx context.Context, kind, id string, limit int) ([]Document, error)
	// DocumentsRevision changes whenever any document does: it is how a process notices that another one wrote.
	DocumentsRevision(ctx context.Context) (int64, error)
}
