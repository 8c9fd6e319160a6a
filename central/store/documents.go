package store

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
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
	// the newest that is stored (1 for a new one). An error of [CheckDocuments] if one is out of bounds.
	PutDocuments(ctx context.Context, d []Document) error
	// PutDocumentsAt is PutDocuments for changes that were checked against all documents as of a revision: [ErrConflict], too, if
	// the revision is another by now.
	PutDocumentsAt(ctx context.Context, revision int64, d []Document) error
	// Document returns the newest version of one. [ErrNotFound] if there is none or it is gone.
	Document(ctx context.Context, kind, id string) (Document, error)
	// DocumentsOf returns the newest versions of all of a kind that are there, by id.
	DocumentsOf(ctx context.Context, kind string) ([]Document, error)
	// DocumentVersions returns the newest version of each of a kind by id, of those that are gone, too.
	DocumentVersions(ctx context.Context, kind string) (map[string]int64, error)
	// DocumentHistory returns the versions of one, newest first, at most limit.
	DocumentHistory(ctx context.Context, kind, id string, limit int) ([]Document, error)
	// DocumentsBefore returns the newest versions of those of a kind that are there, from the last id to the first, at most limit, and only
	// those whose id sorts before an id ("": from the end): a page of what is kept by ids that grow with time.
	DocumentsBefore(ctx context.Context, kind, before string, limit int) ([]Document, error)
	// ForgetDocuments deletes documents of a kind with all their versions; ids that are not there are passed over. Only of kinds that
	// [Forgettable] names: what a centre sets up stays in all its versions, and the database itself sees to that.
	ForgetDocuments(ctx context.Context, kind string, ids []string) error
	// DocumentsRevision changes whenever any document does: it is how a process notices that another one wrote. What is read after
	// it is as new as it or newer.
	DocumentsRevision(ctx context.Context) (int64, error)
}

// KindHandover is the kind of shift handovers, see gridgate/central/shift.
const KindHandover = "handover"

// Forgettable says whether documents of a kind may be deleted. The databases hold the same list in their triggers.
func Forgettable(kind string) bool { return kind == KindHandover }

// Bounds of documents.
const (
	MaxDocument      = 1 << 20  // bytes of a body
	MaxDocuments     = 20_000   // of one put
	MaxDocumentBytes = 64 << 20 // of all bodies of one put
)

var (
	documentKind = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)
	documentID   = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N}._:-]{0,127}$`)
)

// CheckDocuments says what is wrong with documents that are to be put together: a kind or an id of another form, a body that is no JSON
// or too large, the same document twice, too many of them. The body of one that is gone may be empty.
func CheckDocuments(d []Document) error {
	if len(d) > MaxDocuments {
		return fmt.Errorf("%d documents at once, more than %d", len(d), MaxDocuments)
	}
	total, seen := 0, make(map[[2]string]bool, len(d))
	for _, one := range d {
		if err := one.check(); err != nil {
			return fmt.Errorf("document %q of kind %q: %w", one.ID, one.Kind, err)
		}
		name := [2]string{one.Kind, one.ID}
		if seen[name] {
			return fmt.Errorf("document %q of kind %q stands twice in one put", one.ID, one.Kind)
		}
		seen[name] = true
		total += len(one.Body)
	}
	if total > MaxDocumentBytes {
		return fmt.Errorf("%d bytes of documents at once, more than %d", total, MaxDocumentBytes)
	}
	return nil
}

func (d Document) check() error {
	switch {
	case !documentKind.MatchString(d.Kind):
		return fmt.Errorf("the kind is not of the form %s", documentKind)
	case !documentID.MatchString(d.ID):
		return fmt.Errorf("the id is not of the form %s", documentID)
	case d.Version < 1:
		return fmt.Errorf("version %d: the first is 1", d.Version)
	case len(d.Body) > MaxDocument:
		return fmt.Errorf("the body has %d bytes, more than %d", len(d.Body), MaxDocument)
	case !json.Valid(d.Body) && !(d.Gone && len(d.Body) == 0):
		return fmt.Errorf("the body is no JSON")
	}
	return nil
}

// Follows says whether d is the version that comes after newest (0: there is none yet); [ErrConflict] if not.
func (d Document) Follows(newest int64) error {
	if d.Version != newest+1 {
		return fmt.Errorf("%w: %s %s is at version %d, so the next is not %d", ErrConflict, d.Kind, d.ID, newest, d.Version)
	}
	return nil
}
