package workflow

import (
	"fmt"

	"gridgate/central/cases"
)

// Kind says why something was refused.
type Kind string

// The kinds.
const (
	NoSuchAction Kind = "no-such-action" // the definition has none of that id
	NotAllowed   Kind = "not-allowed"    // not this role, or not this unit
	SamePerson   Kind = "same-person"    // who handled a case does not judge how
	NotFromHere  Kind = "not-from-here"  // the case does not stand where this can be done
	Exhausted    Kind = "exhausted"      // it was done as often as it may be
	Missing      Kind = "missing"        // a demanded field is not there
	BadField     Kind = "bad-field"      // a field has a value that it may not have, or is not taken at all
	NotCovered   Kind = "not-covered"    // the calendar does not cover the time of a deadline
)

// Refusal is why a request leads to no event. Nothing was changed.
type Refusal struct {
	Kind   Kind
	Action string
	Step   string // where the case stands
	Field  string // of Missing and BadField
	Words  cases.Words
	Err    error // beneath it; nil for none
}

func (r *Refusal) Error() string { return r.Words.EN }

// Unwrap returns what is beneath it.
func (r *Refusal) Unwrap() error { return r.Err }

// refuse builds a refusal; zh and en get the same arguments.
func (t *turn) refuse(kind Kind, field, zh, en string, args ...any) *Refusal {
	return &Refusal{
		Kind: kind, Action: t.r.Action, Step: t.from.ID, Field: field,
		Words: cases.Words{ZH: fmt.Sprintf(zh, args...), EN: fmt.Sprintf(en, args...)},
	}
}
