package store

import (
	"context"
	"time"

	"gridgate/central/cases"
)

// Change is an event for a case whose newest position is Expect (0: whatever it is). An opened event makes the case.
type Change struct {
	Event  cases.Event
	Expect int64
}

// Changes are steps on cases beside those of [Store.Ingest].
type Changes interface {
	// AppendAll adds events to cases, all or none, in their order, and returns the cases as they are afterwards, one for each change.
	// [ErrConflict] if a case moved on, if [cases.Apply] refuses an event, if an opened event names an id or an open key that exists,
	// or if an event would reopen a case while a newer one of its key is open; [ErrNotFound] if there is no such case.
	AppendAll(ctx context.Context, changes []Change) ([]cases.Case, error)
	// Due returns open and acknowledged cases whose [cases.Case.NextAt] is not after now, the earliest first, at most limit.
	Due(ctx context.Context, now time.Time, limit int) ([]cases.Case, error)
	// Parents returns those of some cases, by their ids, that others are merged into.
	Parents(ctx context.Context, ids []string) ([]string, error)
}

// Jobs follow the case-event log, each with a durable cursor of its own. What came of some events and the move of the cursor over them are one
// transaction, so each event has its effect once, whoever is killed.
type Jobs interface {
	Changes
	// Cursor is the position up to which a job has come; 0 for one that never ran.
	Cursor(ctx context.Context, job string) (int64, error)
	// Advance stores a step of a job. [ErrConflict] if its cursor is not at From, or as [Changes.AppendAll] says: nothing is stored, and
	// the job looks again.
	Advance(ctx context.Context, a Advance) ([]cases.Case, error)

	// Counts sums what was counted, see [CountQuery].
	Counts(ctx context.Context, q CountQuery) ([]Count, error)

	// Notices lists those that wait and are due at now, in the order of their time, at most limit.
	Notices(ctx context.Context, now time.Time, limit int) ([]Notice, error)
	// NoticesOf lists all notices of a case, oldest first, at most 500.
	NoticesOf(ctx context.Context, caseID string) ([]Notice, error)
	// SettleNotice stores how an attempt ended: State, At, Attempts, Trouble and Done of n. [ErrNotFound] if there is none.
	SettleNotice(ctx context.Context, n Notice) error
	// PruneNotices deletes settled notices that were done before t, at most limit, and says how many.
	PruneNotices(ctx context.Context, t time.Time, limit int) (int, error)
}

// Advance is one step of a job.
type Advance struct {
	Job      string
	From, To int64
	Changes  []Change
	Counts   []Count
	Notices  []Notice // one whose ID exists already changes nothing
}

// Count adds N to a figure of one day.
type Count struct {
	Day      string `json:"day,omitempty"`   // of central's zone, 2006-01-02
	Grid     string `json:"grid,omitempty"`  // code
	Unit     string `json:"unit,omitempty"`  // responsible unit, empty for none
	Class    string `json:"class,omitempty"` // event class, four digits
	Source   string `json:"source,omitempty"`
	Measure  string `json:"measure"`
	Exercise bool   `json:"exercise,omitempty"`
	N        int64  `json:"n"`
}

// CountQuery asks for sums. Zero values do not filter; By names the fields that the sums are told apart by, of "day", "month", "grid",
// "unit", "class", "source"; always by measure. A month is a Day of seven characters.
type CountQuery struct {
	From, To string // days, To exclusive
	Grid     string // prefix
	Within   []string
	Unit     string
	Class    string // prefix
	Source   string
	Measures []string
	Exercise bool
	By       []string
	// Digits shortens the grids that sums are told apart by to so many digits, which names the area that they lie in; 0: whole codes.
	Digits int
	Limit  int
}

// Notice is something that somebody is to be told.
type Notice struct {
	ID       string // minted from what it is about, so that it is told once
	CaseID   string
	Position int64       // of the event that it tells of
	Channel  string      // the configured way
	To       string      // unit, role or staff account that the way leads to
	Template string      // what is said
	Urgent   bool        // life-safety: quiet hours do not hold it back
	At       time.Time   // not before
	State    NoticeState // waiting when it is made
	Attempts int
	Trouble  string    // of the last attempt, without anything that was sent
	Done     time.Time // when it was sent, given up or acknowledged
}

// NoticeState says what became of a notice.
type NoticeState string

// The states.
const (
	NoticeWaiting      NoticeState = "waiting"
	NoticeSent         NoticeState = "sent"
	NoticeGivenUp      NoticeState = "given-up"
	NoticeAcknowledged NoticeState = "acknowledged"
	NoticeNeedless     NoticeState = "needless" // what it would have told of was over before its time
)
