// Package shift is the handover between two shifts at a centre's desk: what stands open, what comes due, and two signatures.
//
// In: cases, edges and silences as of one moment, and who does what. Out: a [Picture] of that moment, and the next state of a [Handover] or
// why it may not be. A handover is signed by the account that goes and then by another one that comes; the second signature freezes it.
// It reads no clock and no store, it changes no case, and it measures nobody: its counts are of cases and devices, never of staff.
package shift

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"gridgate/central/freetext"
	"gridgate/central/store"
)

// Kind is that of the documents in which handovers are kept, by their ids (UUIDv7).
const Kind = store.KindHandover

// Bounds of a handover.
const (
	MaxNotes  = 2000           // characters
	MaxEdits  = 100            // changes before it is signed
	MaxPeriod = 24 * time.Hour // of the shift that ends, and of the one that begins
	Keep      = 400 * 24 * time.Hour
)

// State says how far a handover has come.
type State string

// The states.
const (
	Draft     State = "draft"     // who goes may still change it
	Signed    State = "signed"    // who goes has signed; it waits for who comes
	Accepted  State = "accepted"  // both have signed: it does not change any more
	Withdrawn State = "withdrawn" // taken back before the second signature
)

// Open says whether a handover still waits for something.
func (s State) Open() bool { return s == Draft || s == Signed }

// Handover is one handover of one post.
type Handover struct {
	Head
	Picture Picture `json:"picture"`
}

// Head is a handover without its picture: what a list shows.
type Head struct {
	ID    string    `json:"id"`
	State State     `json:"state" enum:"draft,signed,accepted,withdrawn"`
	Grids []string  `json:"grids" nullable:"false" doc:"prefixes of the grids that it is about: those of who began it; empty: all"`
	From  time.Time `json:"from" doc:"when the shift that ends began"`
	Until time.Time `json:"until" doc:"when the shift that begins will end"`
	Notes string    `json:"notes" doc:"free words about places and things, never about a person"`
	Edits int       `json:"edits,omitzero" doc:"how often it was changed before it was signed"`

	Outgoing    string    `json:"outgoing" doc:"the staff account that goes"`
	SignedAt    time.Time `json:"signedAt,omitzero"`
	Incoming    string    `json:"incoming,omitempty" doc:"the staff account that comes; empty until it signed"`
	AcceptedAt  time.Time `json:"acceptedAt,omitzero"`
	WithdrawnBy string    `json:"withdrawnBy,omitempty"`
	WithdrawnAt time.Time `json:"withdrawnAt,omitzero"`
}

// Errors of what may not be; [ErrNotes] is wrapped with what is wrong.
var (
	ErrState  = errors.New("the handover does not stand where this can be done")
	ErrOther  = errors.New("only the account that began the handover may do this")
	ErrSame   = errors.New("whoever hands over cannot take over: another account has to sign")
	ErrEdits  = fmt.Errorf("the handover was changed %d times: sign it, or withdraw it", MaxEdits)
	ErrPeriod = fmt.Errorf("from must be before now and until after it, each by at most %d hours", int(MaxPeriod.Hours()))
	ErrNotes  = errors.New("notes")
)

// Period checks the two shifts around now.
func Period(from, now, until time.Time) error {
	if !from.Before(now) || !until.After(now) || now.Sub(from) > MaxPeriod || until.Sub(now) > MaxPeriod {
		return ErrPeriod
	}
	return nil
}

// Notes checks free words, and returns them without space around.
func Notes(text string) (string, error) {
	text = strings.TrimSpace(text)
	if n := utf8.RuneCountInString(text); n > MaxNotes {
		return "", fmt.Errorf("%w: %d characters, more than %d", ErrNotes, n, MaxNotes)
	}
	if found := freetext.Check(text); len(found) > 0 {
		return "", fmt.Errorf("%w: %w", ErrNotes, found[0])
	}
	return text, nil
}

// Change gives it new words, and a new picture if p is not nil, by who goes.
func (h Handover) Change(actor, notes string, p *Picture) (Handover, error) {
	switch {
	case h.State != Draft:
		return h, ErrState
	case h.Outgoing != actor:
		return h, ErrOther
	case h.Edits >= MaxEdits:
		return h, ErrEdits
	}
	text, err := Notes(notes)
	if err != nil {
		return h, err
	}
	h.Notes, h.Edits = text, h.Edits+1
	if p != nil {
		h.Picture = *p
	}
	return h, nil
}

// Sign is the signature of who goes.
func (h Handover) Sign(actor string, now time.Time) (Handover, error) {
	switch {
	case h.State != Draft:
		return h, ErrState
	case h.Outgoing != actor:
		return h, ErrOther
	}
	h.State, h.SignedAt = Signed, now
	return h, nil
}

// Accept is the signature of who comes; afterwards nothing changes.
func (h Handover) Accept(actor string, now time.Time) (Handover, error) {
	switch {
	case h.State != Signed:
		return h, ErrState
	case h.Outgoing == actor:
		return h, ErrSame
	}
	h.State, h.Incoming, h.AcceptedAt = Accepted, actor, now
	return h, nil
}

// Withdraw takes a handover back before the second signature: by who began it, or by a chief, since who began it may have gone home.
func (h Handover) Withdraw(actor string, chief bool, now time.Time) (Handover, error) {
	switch {
	case !h.State.Open():
		return h, ErrState
	case h.Outgoing != actor && !chief:
		return h, ErrOther
	}
	h.State, h.WithdrawnBy, h.WithdrawnAt = Withdrawn, actor, now
	return h, nil
}

// Within says whether all that a handover is about lies in the grids of an account (prefixes; none: all grids).
func (h Head) Within(grids []string) bool {
	if len(grids) == 0 {
		return true
	}
	if len(h.Grids) == 0 {
		return false
	}
	for _, mine := range h.Grids {
		if !slices.ContainsFunc(grids, func(prefix string) bool { return strings.HasPrefix(mine, prefix) }) {
			return false
		}
	}
	return true
}
