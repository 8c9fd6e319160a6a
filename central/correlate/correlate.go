// Package correlate is step 8 of the pipeline: it says which case an alert joins.
//
// In: the newest case of a key and the new alerts of that key. Out: the case events that follow. It is pure apart from
// minting the ids of new cases: no clock, no store, so that a rule can be dry-run on history. It never looks at who or what
// an alert is about, only at its key.
package correlate

import (
	"time"

	"gridgate/central/cases"
	"gridgate/central/store"
	"gridgate/protocols/alert"
)

// ReopenWithin is how long after an automatic close the same key reopens its case instead of opening a new one.
const ReopenWithin = 30 * time.Minute

// ByKey is the rule "same key, same case" with its documented times, see [KeyRule.Decide].
var ByKey store.Decider = KeyRule{ReopenWithin: ReopenWithin, NewID: alert.NewID}.Decide

// KeyRule gathers the alerts of one key in one open case.
type KeyRule struct {
	ReopenWithin time.Duration // after an automatic close, by central's clock
	NewID        func() string // mints the id of a case
}

// Decide implements [store.Decider].
//
//   - The first raised or momentary alert of a key opens a case: class from the kind, level from the alert's severity. If the
//     newest case of the key is closed, it becomes Previous of the new one; if it was closed automatically less than
//     ReopenWithin ago, it is reopened instead.
//   - Further ones join. All joins of one call are one event with a count; a graver severity adds level-raised.
//   - A clear is an alert of the newest case too. It closes the case if it ends the newest situation, nobody acknowledged the
//     case and the kind is not life-safety; otherwise it is an annotation. Without any case it leads to nothing.
//   - The newest situation is the one minted last: ids are UUIDv7, so a raise from a backlog does not displace the one that
//     goes on now, and a late clear of an older situation closes nothing. A situation that is over is displaced by any other.
//   - A raise whose situation is already over (its clear overtook it) opens or reopens like any other and is cleared at once, which
//     closes the case again unless it is life-safety; if the case goes on for another reason, the raise merely joins.
//
// Several alerts in one call leave the case as the same alerts one by one would; what happened twice within the call (closed
// and reopened) is not told. At most one event of each type concerns one case.
func (r KeyRule) Decide(newest *cases.Case, alerts []store.Received, ended func(string) bool, now time.Time) []cases.Event {
	f := fold{rule: r, now: now, ended: ended}
	if newest != nil {
		f.c = *newest
	}
	for _, a := range alerts {
		if a.State == alert.Cleared {
			f.clear(a)
		} else {
			f.raise(a)
		}
	}
	return f.events()
}
