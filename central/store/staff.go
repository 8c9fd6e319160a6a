package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"gridgate/central/audit"
	"gridgate/central/cases"
)

// ErrLastOne means that a change would leave nobody who can administer the centre.
var ErrLastOne = errors.New("no account would be left that may do this")

// Bounds of what is listed.
const (
	MaxUsers  = 10_000
	MaxTokens = 10_000
)

// TokenID is how many leading digits of a token's SHA-256 name it to people.
const TokenID = 16

// Session is one browser that is signed in. Only the SHA-256 of its cookie is stored.
type Session struct {
	SHA256  string
	User    string
	Stamp   string // of the account when it signed in: another password or role ends it
	Expires time.Time
}

// Staff are the accounts, their sessions and the tokens. Nothing of it is remembered outside the database: a change holds for every process at once.
type Staff interface {
	// PutUser and PutToken replace; a missing one is [ErrNotFound].
	PutUser(ctx context.Context, u User) error
	User(ctx context.Context, name string) (User, error)
	PutToken(ctx context.Context, t Token) error
	Token(ctx context.Context, sha256 string) (Token, error)

	// Users and Tokens list all, by name, at most [MaxUsers] and [MaxTokens].
	Users(ctx context.Context) ([]User, error)
	Tokens(ctx context.Context) ([]Token, error)
	// UserBySubject returns the account of single sign-on that has this subject.
	UserBySubject(ctx context.Context, subject string) (User, error)
	// ReplaceUser stores u in place of what was changed last at seen; the zero time: there must be none of this name, or one without an At. [ErrConflict] if
	// that is not so, or if another account has its Subject. [ErrLastOne] if afterwards no account that is not disabled had the role keep
	// and all grids, while one had before. seen must be u's At as it was read, to the nanosecond.
	ReplaceUser(ctx context.Context, u User, seen time.Time, keep string) error
	// RemoveToken ends the token whose SHA-256 begins with id, of [TokenID] digits. [ErrNotFound] if there is none.
	RemoveToken(ctx context.Context, id string) error

	// PutSession adds a session; those that are over at now go, and of its account the ones that end first, until at most are left.
	PutSession(ctx context.Context, s Session, now time.Time, most int) error
	// Session returns a session and its account as it is now. [ErrNotFound] if one of them is gone.
	Session(ctx context.Context, sha256 string) (Session, User, error)
	// RemoveSession ends a session; one that is gone is no error.
	RemoveSession(ctx context.Context, sha256 string) error
	// Sessions counts those that are not over at now.
	Sessions(ctx context.Context, now time.Time) (int, error)

	// EvidenceGrids lists the grids of the alerts that an evidence object belongs to, at most 100; none if no alert has it.
	EvidenceGrids(ctx context.Context, sha256 string) ([]string, error)
}

// AuditLog is the audit log. It is only ever appended; nothing in it changes, and it loses only its oldest entries, by [AuditLog.PruneAudit].
type AuditLog interface {
	// Record appends entries, all or none, and gives them position and hash ([audit.Chain]).
	Record(ctx context.Context, entries []audit.Entry) error
	// AuditEntries returns at most limit entries after a position, in order.
	AuditEntries(ctx context.Context, after int64, limit int) ([]audit.Entry, error)
	// AuditPage lists entries, newest first. [ErrBadCursor] as for the other lists.
	AuditPage(ctx context.Context, q AuditQuery) (items []audit.Entry, next string, err error)
	// AuditEnds returns the last entry that was pruned and the newest one; zero for none.
	AuditEnds(ctx context.Context) (pruned, head audit.Checkpoint, err error)
	// PruneAudit deletes the entries up to one, which must have this hash ([ErrConflict]), and keeps its hash.
	PruneAudit(ctx context.Context, upTo audit.Checkpoint) error
}

// AuditQuery filters and pages the audit log. The zero value of a field does not filter.
type AuditQuery struct {
	Actor  string
	Action string
	Since  time.Time
	Until  time.Time
	Cursor string
	Limit  int // 1 to 500
}

// GridsOf lists the grids of some alerts; one that is not there has none. It is for implementations.
func GridsOf(ctx context.Context, s interface {
	Alert(ctx context.Context, id string) (StoredAlert, error)
	Case(ctx context.Context, id string) (cases.Case, error)
}, ids []string) (grids []string, err error) {
	for _, id := range ids {
		a, err := s.Alert(ctx, id)
		grid := a.Grid
		if errors.Is(err, ErrNotFound) { // it may be a picture of a case itself
			var c cases.Case
			c, err = s.Case(ctx, id)
			grid = c.Grid
		}
		switch {
		case errors.Is(err, ErrNotFound):
			continue
		case err != nil:
			return nil, fmt.Errorf("read what evidence is of: %w", err)
		}
		if !slices.Contains(grids, grid) {
			grids = append(grids, grid)
		}
	}
	return grids, nil
}

// AuditRow is an entry as it stands in a row. Whatever was changed of the row shows when the entry is judged. It is for implementations.
func AuditRow(position, nanos int64, text string) audit.Entry {
	var e audit.Entry
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		e = audit.Entry{}
	}
	e.Position, e.At = position, Instant(nanos)
	return e
}

// AuditNext is the cursor of the page after items. It is for implementations.
func AuditNext(items []audit.Entry, limit int) string {
	if len(items) < limit {
		return ""
	}
	return CursorOf("u", items[len(items)-1].Position)
}
