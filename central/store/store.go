// Package store is central's one door to its database: the alert log (step 7), cases and their events (step 9), evidence,
// edges, staff and tokens. SQL lives only in its sub-packages (sqlite, postgres).
//
// In: validated values. Out: committed facts and pages of them. It decides nothing: which case an alert joins is told to it by
// central/correlate through a function.
package store

import (
	"context"
	"errors"
	"time"

	"gridgate/central/cases"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// Errors that callers tell apart.
var (
	ErrNotFound = errors.New("not found")
	ErrConflict = errors.New("the record changed meanwhile or does not allow this")
	// ErrBadCursor means that [Query.Cursor] is not one that this list gave out.
	ErrBadCursor = errors.New("the cursor is not one that this list gave out")
)

// Received is an alert as central got it.
type Received struct {
	alert.Alert
	ReceivedAt time.Time
}

// Group is what [Store.Ingest] stores in one transaction: the alerts of some batches, and what the headers of those batches said.
type Group struct {
	Alerts     []Received
	Deliveries []Delivery
}

// MaxEvidence is how many pictures and clips of one alert are listed.
const MaxEvidence = 32

// StoredAlert is an alert with what central knows of it.
type StoredAlert struct {
	Received
	Position int64            // in the alert log
	CaseID   string           // the case that it joined; empty for one that joined none
	Evidence []alert.Evidence // the first [MaxEvidence] by their time
}

// Decider says what each new alert of a group does to the cases of its key. It is called inside the transaction, once for
// each pair of key and exercise flag, with the newest case of that pair (nil for none; the open one if somebody reopened an older one)
// and the new alerts in order of arrival; ended names the situations among them that were already cleared when their raise arrived.
// It returns the events to append, without positions; it is pure apart from minting the ids of new cases.
//
// An alert belongs to the case that is newest once it is handled: the alerts before the one that an opened event names
// belong to the case that was newest before (to none if there was none), that one and those after it to the new case. A group
// opens at most one case of a key.
type Decider func(newest *cases.Case, alerts []Received, ended func(situation string) bool, now time.Time) []cases.Event

// Query filters and pages a list. The zero value of a field does not filter. Cursor is what the last page returned as next.
type Query struct {
	Grid     string // prefix: a community code lists all its grids
	Kind     alert.Kind
	Severity alert.Severity // at least
	State    string         // of a case; an alert's state for alerts
	Edge     string         // alerts only
	Device   string         // alerts only
	CaseID   string         // alerts only
	Since    time.Time      // at or after: when an alert was received, when a case was opened (central's clock)
	Until    time.Time      // before
	Cursor   string
	Limit    int // 1 to 500

	// Within are the prefixes of the grids that whoever asks may see; empty: all.
	Within []string
	// Of cases only.
	Class     string      // prefix: two digits list a main class
	Level     cases.Level // exactly
	Unit      string      // the responsible one
	Step      string
	Assignee  string
	Parent    string    // those merged into this case; [Alone]: those merged into none
	DueBefore time.Time // open and acknowledged ones with a deadline before
	Exercise  Answer
	Origin    cases.Origin // who opened it; cases of alerts have none
}

// Alone is the [Query.Parent] of cases that are merged into no other.
const Alone = "none"

// Answer filters by yes or no.
type Answer string

// The answers; empty is both.
const (
	Yes Answer = "yes"
	No  Answer = "no"
)

// Edge is what central knows of an edge.
type Edge struct {
	ID         string
	LastSync   time.Time // central's clock
	SkewMs     int64     // edge clock minus central clock
	Report     ingest.SyncRequest
	ReportedAt time.Time
}

// User is a staff account. There is no other person in Gridgate.
type User struct {
	Name string
	Hash string // argon2id, encoded; empty: it signs in by Subject only
	Role string

	Grids    []string  // prefixes of the grids that it may see; empty: all
	Unit     string    // that it belongs to; empty for none
	Disabled bool      // it cannot sign in; its name stays in histories
	Subject  string    // issuer and subject of single sign-on, separated by a space; empty: a local account
	At       time.Time // when it was changed last
}

// Token authenticates a program. Only its SHA-256 is stored.
type Token struct {
	SHA256  string
	Name    string
	Edge    string   // the one edge it speaks for; empty for none
	Scopes  []string // see central/auth
	Expires time.Time
	Grids   []string // as of a [User]
	Actor   string   // who made it
	At      time.Time
}

// Store is the whole of central's durable state. Implementations are safe for concurrent use; every method that writes
// returns nil only once the change is on stable storage.
type Store interface {
	// Ingest stores those alerts of g whose id is new, asks decide for their case events, key by key, and appends those, and it
	// books the deliveries of g ([Tally.Take]), all in one transaction. The result has one entry per alert, in order:
	// [ingest.Accepted] or [ingest.Duplicate]. A group may have deliveries alone: all that was in the batches was refused.
	//
	// A clear that names a situation whose raise is not stored is remembered, so that the late raise is known as already ended.
	// A clear that finds no case of its key joins none. So the sum of [cases.Case.Alerts] over all cases always equals the
	// number of stored alerts that have a case; all have one but such clears.
	Ingest(ctx context.Context, g Group, decide Decider, now time.Time) ([]ingest.Outcome, error)
	// Gaps returns the tallies in which something is missing, the one that changed last first, at most [MaxGaps]. Of each edge
	// the tallies of the [MaxEpochs] epochs that changed last are kept; older ones are forgotten.
	Gaps(ctx context.Context) ([]Tally, error)
	// AddEvidence records evidence events; one seen before changes nothing. The alert need not have arrived yet. What belongs to a case
	// itself, such as a photo of a report, names the case's id as its alert: it stays as long as the case may not go.
	AddEvidence(ctx context.Context, evidence []alert.Evidence, now time.Time) ([]ingest.Outcome, error)
	// EvidenceOf lists the evidence of an alert, or of a case itself: the first [MaxEvidence] by their time.
	EvidenceOf(ctx context.Context, id string) ([]alert.Evidence, error)
	// Alerts lists alerts, newest first by position.
	Alerts(ctx context.Context, q Query) (items []StoredAlert, next string, err error)
	// Alert returns one alert.
	Alert(ctx context.Context, id string) (StoredAlert, error)

	// Cases lists cases by their opening, newest first: events move no case. How many cases are looked at for one page is bounded, so
	// a page may hold fewer than q.Limit, even none, and still have a next; the last page has none.
	Cases(ctx context.Context, q Query) (items []cases.Case, next string, err error)
	// Case returns one case.
	Case(ctx context.Context, id string) (cases.Case, error)
	// CaseFile returns one case and, as of the same moment, the newest events of its history in order: at most limit, and only
	// those before the event of this case at position before (0: up to the newest).
	CaseFile(ctx context.Context, id string, before int64, limit int) (cases.Case, []cases.Event, error)
	// Append adds an operator's event to a case whose newest position is expect (0: whatever it is). [ErrConflict] if it moved
	// on or if [cases.Apply] refuses the event; the position of e is given by the store.
	Append(ctx context.Context, e cases.Event, expect int64) (cases.Case, error)
	// Events returns at most limit case events after position, in order: the feed's cursor.
	Events(ctx context.Context, after int64, limit int) ([]cases.Event, error)
	// LastPosition is the position of the newest case event, 0 if there is none.
	LastPosition(ctx context.Context) (int64, error)

	// Prune deletes, in one transaction, at most limit rows of each sort of what h gives free, the oldest first, and says what
	// and whether there is more. A case that begins to go is no longer there for any method from then on, nor are its events,
	// even if its alerts and its history take several calls; the newest case and the newest event stay. An open or acknowledged
	// case never goes, nor does one that is held ([cases.Case.Hold]); both keep their alerts and evidence. The events of a case
	// go only with the whole case. Ids that were pruned are forgotten: the same alert sent again would be new.
	Prune(ctx context.Context, h Horizon, limit int) (Pruned, error)
	// Orphans returns digests, at most limit, of objects whose last evidence row was pruned and which no row names by now, until
	// [Store.ForgetOrphans] is told that the objects are gone.
	Orphans(ctx context.Context, limit int) ([]string, error)
	ForgetOrphans(ctx context.Context, digests []string) error
	// NoteOrphan notes an object that was stored and that central will not have, for [Store.Orphans]: nothing, if evidence names it.
	NoteOrphan(ctx context.Context, sha256 string) error

	// SaveSync records what edges reported, all of it in one transaction; of an edge that stands twice the later one counts. Edges lists all
	// edges by name.
	SaveSync(ctx context.Context, edges ...Edge) error
	Edges(ctx context.Context) ([]Edge, error)
	// Edge returns one edge. [ErrNotFound] if it never reported.
	Edge(ctx context.Context, id string) (Edge, error)
	// LastSyncs returns when each edge reported last, by central's clock, without reading the reports.
	LastSyncs(ctx context.Context) (map[string]time.Time, error)

	Staff
	AuditLog
	Enrolments
	Jobs
	Documents
	Replies

	// Ping says whether the database answers; Close ends it.
	Ping(ctx context.Context) error
	Close() error
}

// KeepEnded is how long an ended situation is remembered for a raise that does not come: longer than an edge's outbox lasts.
const KeepEnded = 90 * 24 * time.Hour
