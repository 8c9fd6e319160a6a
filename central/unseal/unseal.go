// Package unseal opens sealed clips: the one way in which a picture that is not redacted can be seen, and it takes two people.
//
// In: a request with a written reason by one, the approval of another, and the sealed bytes. Out: the clip in memory, for the two of them,
// for an hour; or, where the key is kept off line, the sealed bytes for whoever brings the key. It never writes what it decrypts, never
// opens for one alone, for a program, or for somebody whose right has ended meanwhile, and says nothing of what a clip shows. Each step is an
// audit entry before its answer: gridgate/central/api sees to that.
package unseal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"gridgate/central/auth"
	"gridgate/central/freetext"
	"gridgate/central/store"
	"gridgate/protocols/alert"
	"gridgate/protocols/kit/seal"
)

// Kind is the kind of documents of requests; their versions are their history.
const Kind = "unsealing"

// Times and bounds.
const (
	DecideWithin = 24 * time.Hour   // for the other one to approve
	ViewWithin   = 60 * time.Minute // after the approval
	MaxPending   = 50               // requests that wait for an approval
	minText      = 10               // characters of the written reason
	maxText      = 500
	maxOpening   = 2 // clips that are decrypted at a time: each takes up to twice 16 MiB of memory
	listed       = 100
)

// Reason is why a clip is to be seen. The list is closed; the text says more.
type Reason string

// The reasons.
const (
	CaseEvidence Reason = "case-evidence" // of a case that is handled here
	Authority    Reason = "authority"     // a body that may demand it by law has done so
	Accident     Reason = "accident"      // how an accident or a fire came about
	Complaint    Reason = "complaint"     // about an alert or how it was handled
)

// Reasons are all of them.
var Reasons = []Reason{CaseEvidence, Authority, Accident, Complaint}

// State says how far a request is.
type State string

// The states.
const (
	Asked    State = "asked"
	Expired  State = "expired" // nobody decided in time
	Approved State = "approved"
	Refused  State = "refused"
	Closed   State = "closed" // the time to see it is over
)

// Request is a request to open one clip.
type Request struct {
	ID     string `json:"id"`
	Alert  string `json:"alert"`
	Clip   string `json:"clip" doc:"SHA-256 of the sealed clip"`
	Grid   string `json:"grid" doc:"of the alert"`
	Reason Reason `json:"reason" enum:"case-evidence,authority,accident,complaint"`
	Text   string `json:"text" doc:"why, in words, without naming anyone"`

	By    string    `json:"by" doc:"account that asks"`
	Unit  string    `json:"unit,omitempty" doc:"of that account"`
	At    time.Time `json:"at"`
	Until time.Time `json:"until" doc:"by when another is to approve"`

	Decided      State     `json:"decided,omitempty" enum:"approved,refused"`
	Approver     string    `json:"approver,omitempty" doc:"account that decided"`
	ApproverUnit string    `json:"approverUnit,omitempty"`
	DecidedAt    time.Time `json:"decidedAt,omitzero"`
	ViewUntil    time.Time `json:"viewUntil,omitzero" doc:"until when the two may see it"`
	version      int64
}

// State is how far r is at a time.
func (r Request) State(now time.Time) State {
	switch {
	case r.Decided == Approved && now.Before(r.ViewUntil):
		return Approved
	case r.Decided == Approved:
		return Closed
	case r.Decided == Refused:
		return Refused
	case now.Before(r.Until):
		return Asked
	}
	return Expired
}

// Why sorts what is not done.
type Why string

// The sorts.
const (
	Invalid   Why = "invalid"   // the request itself
	Forbidden Why = "forbidden" // not for this account
	Conflict  Why = "conflict"  // not as it stands
	Over      Why = "over"      // its time has passed
	Busy      Why = "busy"      // too much at once
)

// No is an error in words for whoever asked.
type No struct {
	Why  Why
	Text string
}

func (n *No) Error() string { return n.Text }

func no(why Why, text string) error { return &No{Why: why, Text: text} }

// Store is what this package needs of [store.Store].
type Store interface {
	Alert(ctx context.Context, id string) (store.StoredAlert, error)
	EvidenceOf(ctx context.Context, id string) ([]alert.Evidence, error)
	User(ctx context.Context, name string) (store.User, error)
	PutDocuments(ctx context.Context, d []store.Document) error
	Document(ctx context.Context, kind, id string) (store.Document, error)
	DocumentsBefore(ctx context.Context, kind, before string, limit int) ([]store.Document, error)
}

// Objects opens sealed clips by their digests. A missing one is [store.ErrNotFound].
type Objects interface {
	Open(ctx context.Context, sha256 string) (io.ReadCloser, error)
}

// Options of [New]. Store and Objects are demanded.
type Options struct {
	Store   Store
	Objects Objects
	// Key reads the secret key, anew for each clip. nil: it is kept off line, and an approval gives the sealed bytes.
	Key func() (seal.SecretKey, error)
	Now func() time.Time // nil: time.Now
}

// Service is safe for concurrent use.
type Service struct {
	o       Options
	opening chan struct{}
}

// New returns a service.
func New(o Options) *Service {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Service{o: o, opening: make(chan struct{}, maxOpening)}
}

// Offline says whether an approval gives the sealed bytes, since the key is not here.
func (s *Service) Offline() bool { return s.o.Key == nil }

// State is how far a request is now.
func (s *Service) State(r Request) State { return r.State(s.o.Now()) }

// MayAsk says whether an account of this role may ask for a clip; MayApprove whether it may decide about another's request; maySee whether
// it may read what was asked.
func MayAsk(r auth.Role) bool     { return r == auth.Operator || r == auth.Supervisor }
func MayApprove(r auth.Role) bool { return r == auth.Supervisor }
func maySee(r auth.Role) bool     { return MayAsk(r) || r == auth.Auditor }

// Ask says who wants to see which clip of an alert, and why.
func (s *Service) Ask(ctx context.Context, who auth.Principal, id, clip string, reason Reason, text string) (Request, error) {
	a, err := s.o.Store.Alert(ctx, id)
	if err != nil {
		return Request{}, err
	}
	if !who.Sees(a.Grid) {
		return Request{}, store.ErrNotFound
	}
	if !MayAsk(who.Role) {
		return Request{}, no(Forbidden, "a clip is asked for by operators and supervisors, by name, not by programs")
	}
	text = strings.TrimSpace(text)
	if err := checkReason(reason, text); err != nil {
		return Request{}, err
	}
	if err := s.there(ctx, id, clip); err != nil {
		return Request{}, err
	}
	if err := s.room(ctx); err != nil {
		return Request{}, err
	}
	now := s.o.Now().UTC()
	r := Request{
		ID: alert.NewID(), Alert: id, Clip: clip, Grid: a.Grid, Reason: reason, Text: text,
		By: who.Name, Unit: who.Unit, At: now, Until: now.Add(DecideWithin),
	}
	return r, s.put(ctx, &r, who.Name)
}

func checkReason(reason Reason, text string) error {
	switch n := utf8.RuneCountInString(text); {
	case !slices.Contains(Reasons, reason):
		return no(Invalid, "the reason is none of the reasons")
	case n < minText || n > maxText || !utf8.ValidString(text) || strings.ContainsFunc(text, func(c rune) bool { return !unicode.IsPrint(c) && c != '\n' }):
		return no(Invalid, fmt.Sprintf("write why in %d to %d characters", minText, maxText))
	}
	if found := freetext.Check(text); len(found) > 0 {
		return no(Invalid, found[0].Error())
	}
	return nil
}

// there says whether an alert still has a clip: it goes at the end of its retention, whatever was asked.
func (s *Service) there(ctx context.Context, id, clip string) error {
	list, err := s.o.Store.EvidenceOf(ctx, id)
	if err != nil {
		return fmt.Errorf("read the evidence of the alert: %w", err)
	}
	if !slices.ContainsFunc(list, func(e alert.Evidence) bool { return e.Sealed && e.SHA256 == clip }) {
		return no(Conflict, "the alert has no such sealed clip, or no longer")
	}
	return nil
}

// room says whether one more request may wait.
func (s *Service) room(ctx context.Context) error {
	list, err := s.newest(ctx)
	if err != nil {
		return err
	}
	waiting := 0
	for _, r := range list {
		if s.State(r) == Asked {
			waiting++
		}
	}
	if waiting >= MaxPending {
		return no(Busy, fmt.Sprintf("%d requests wait for an approval: decide about some first", waiting))
	}
	return nil
}

func (s *Service) newest(ctx context.Context) ([]Request, error) {
	docs, err := s.o.Store.DocumentsBefore(ctx, Kind, "", listed)
	if err != nil {
		return nil, fmt.Errorf("list the requests: %w", err)
	}
	list := make([]Request, 0, len(docs))
	for _, d := range docs {
		r, err := read(d)
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, nil
}

func read(d store.Document) (r Request, err error) {
	if err := json.Unmarshal(d.Body, &r); err != nil {
		return r, fmt.Errorf("read request %s: %w", d.ID, err)
	}
	r.version = d.Version
	return r, nil
}

// put stores the next version of r.
func (s *Service) put(ctx context.Context, r *Request, actor string) error {
	body, err := json.Marshal(r)
	if err != nil {
		return err
	}
	r.version++
	return s.o.Store.PutDocuments(ctx, []store.Document{{Kind: Kind, ID: r.ID, Version: r.version, Body: body, At: s.o.Now().UTC(), Actor: actor}})
}

// List returns the newest requests that who may see, newest first, at most a hundred.
func (s *Service) List(ctx context.Context, who auth.Principal) ([]Request, error) {
	if !maySee(who.Role) {
		return nil, no(Forbidden, "requests are seen by operators, supervisors and auditors")
	}
	list, err := s.newest(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(list, func(r Request) bool { return !who.Sees(r.Grid) }), nil
}

// Get returns one request that who may see.
func (s *Service) Get(ctx context.Context, who auth.Principal, id string) (Request, error) {
	r, err := s.get(ctx, who, id)
	if err == nil && !maySee(who.Role) {
		return Request{}, no(Forbidden, "requests are seen by operators, supervisors and auditors")
	}
	return r, err
}

func (s *Service) get(ctx context.Context, who auth.Principal, id string) (Request, error) {
	d, err := s.o.Store.Document(ctx, Kind, id)
	if err != nil {
		return Request{}, err
	}
	r, err := read(d)
	if err == nil && !who.Sees(r.Grid) {
		return Request{}, store.ErrNotFound
	}
	return r, err
}

// Decide approves a request or refuses it. Whoever asked cannot.
func (s *Service) Decide(ctx context.Context, who auth.Principal, id string, approve bool) (Request, error) {
	r, err := s.get(ctx, who, id)
	if err != nil {
		return Request{}, err
	}
	now := s.o.Now().UTC()
	switch {
	case !MayApprove(who.Role):
		return Request{}, no(Forbidden, "a supervisor decides about this, by name, not a program")
	case who.Name == r.By:
		return Request{}, no(Forbidden, "whoever asked does not approve: it takes another account")
	case r.State(now) == Expired:
		return Request{}, no(Over, "nobody decided within 24 hours; ask again")
	case r.State(now) != Asked:
		return Request{}, no(Conflict, "it was decided already")
	}
	r.Decided, r.Approver, r.ApproverUnit, r.DecidedAt = Refused, who.Name, who.Unit, now
	if approve {
		r.Decided, r.ViewUntil = Approved, now.Add(ViewWithin)
	}
	if err := s.put(ctx, &r, who.Name); errors.Is(err, store.ErrConflict) {
		return Request{}, no(Conflict, "somebody else decided at the same time")
	} else if err != nil {
		return Request{}, err
	}
	return r, nil
}
