// Package storetest is the contract of [store.Store], run on every implementation.
//
// In: a way to open a store on a folder. Out: test failures. It knows no implementation and nothing of SQL; what it asks for
// is what the comments of [store.Store] promise.
package storetest

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"gridgate/central/cases"
	"gridgate/central/correlate"
	"gridgate/central/store"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// Opener opens the store that lives in dir; opened again after a Close or a crash it has everything.
type Opener func(ctx context.Context, dir string) (store.Store, error)

// Run runs the contract.
func Run(t *testing.T, open Opener) {
	tests := map[string]func(t *testing.T, open Opener){
		"an alert comes back whole":                  testRoundTrip,
		"an absurd time is clamped":                  testAbsurdTimes,
		"an id counts once":                          testIdempotent,
		"one open case per key, from many at once":   testOneOpenCase,
		"a drill is apart":                           testExercise,
		"a clear that overtakes is remembered":       testTombstone,
		"a case reopens and links":                   testReopen,
		"a failing decision changes nothing":         testRollback,
		"alerts page without loss or doubling":       testAlertPages,
		"alerts filter":                              testAlertFilters,
		"cases page and filter":                      testCasePages,
		"a list stays in the grids of who asks":      testWithin,
		"a foreign cursor is refused":                testBadCursor,
		"an operator's event needs the case as seen": testAppend,
		"the history rebuilds the case":              testHistory,
		"events are read behind a cursor":            testEvents,
		"evidence may come first":                    testEvidence,
		"edges, users and tokens":                    testDirectory,
		"accounts are changed as they were seen":     testAccounts,
		"an administrator is left":                   testLastAdministrator,
		"a token is ended by its id":                 testTokens,
		"sessions outlast the process":               testSessions,
		"an object is in the grids of its alerts":    testEvidenceGrids,
		"the audit log is a chain":                   testAudit,
		"the audit log loses its oldest part":        testAuditPrune,
		"a code is spent once":                       testCode,
		"a code is spent once by many at once":       testCodeOnce,
		"a credential ends when the next is used":    testRenew,
		"clocks of centrals differ":                  testSkew,
		"a revoked edge has nothing left":            testRevoke,
		"closing and opening keeps everything":       testReopenStore,
		"a gap is told and closed":                   testGaps,
		"what is told of sequences is bounded":       testGapsAreBounded,
		"a storm is one case":                        testStorm,
		"retention deletes what ended":               testPrune,
		"retention goes by time":                     testPruneByTime,
		"retention works in slices":                  testPruneInSlices,
		"a hold keeps all of a case":                 testHold,
		"objects go with their last row":             testOrphans,
		"evidence goes by its kind and its source":   testEvidenceByKind,
		"pictures of a case stay and go with it":     testCasePictures,
		"documents keep their versions":              testDocuments,
		"documents are put all or none":              testDocumentsAllOrNone,
		"a document goes and comes back":             testDocumentGone,
		"documents are read backwards by their ids":  testDocumentsBackwards,
		"handovers alone are forgotten":              testDocumentsForgotten,
		"documents have a revision":                  testDocumentsRevision,
		"a key has one answer for a day":             testReplies, "a key is claimed once by many at once": testOneClaim, "answers that are over go": testRepliesGo,
		"a version of a document is stored once": testDocumentsAtOnce,
		"documents outlast the process":          testDocumentsReopen,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { test(t, open) })
	}
}

// t0 is when the timelines begin.
var t0 = time.Date(2026, 3, 1, 20, 0, 0, 0, time.UTC)

func opened(t *testing.T, open Opener) store.Store {
	t.Helper()
	s, err := open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// raised returns a raised alert of a camera of edge-1; change alters it.
func raised(device string, change ...func(*alert.Alert)) store.Received {
	id := alert.NewID()
	a := alert.Alert{
		ID: id, Source: alert.CameraSource("edge-1", device), Kind: alert.Motion, State: alert.Raised, Situation: id,
		Key: alert.KeyOf("edge-1", device, "gate", alert.Motion), Severity: alert.Minor, Grid: "330106109001",
		OccurredAt: t0, RaisedAt: t0.Add(time.Second), Clock: alert.EdgeClock, Origin: "motion",
	}
	for _, f := range change {
		f(&a)
	}
	return store.Received{Alert: a, ReceivedAt: t0}
}

// cleared returns the clear of a raised alert.
func cleared(of store.Received) store.Received {
	of.ID, of.State = alert.NewID(), alert.Cleared
	return of
}

// put ingests and fails the test unless every alert is accepted.
func put(t *testing.T, s store.Store, now time.Time, alerts ...store.Received) {
	t.Helper()
	for i := range alerts {
		alerts[i].ReceivedAt = now
	}
	outcomes, err := s.Ingest(t.Context(), store.Group{Alerts: alerts}, correlate.ByKey, now)
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range outcomes {
		if o != ingest.Accepted {
			t.Fatalf("alert %d of %d is %s", i, len(alerts), o)
		}
	}
}

// get returns an alert and its case.
func get(t *testing.T, s store.Store, id string) (store.StoredAlert, cases.Case) {
	t.Helper()
	a, err := s.Alert(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if a.CaseID == "" {
		return a, cases.Case{}
	}
	c, err := s.Case(t.Context(), a.CaseID)
	if err != nil {
		t.Fatal(err)
	}
	return a, c
}

// allCases and allAlerts page through a list with small pages.
func allCases(t *testing.T, s store.Store, q store.Query) []cases.Case {
	t.Helper()
	return all(t, func(cursor string) ([]cases.Case, string, error) {
		q.Cursor = cursor
		return s.Cases(t.Context(), q)
	})
}

func allAlerts(t *testing.T, s store.Store, q store.Query) []store.StoredAlert {
	t.Helper()
	return all(t, func(cursor string) ([]store.StoredAlert, string, error) {
		q.Cursor = cursor
		return s.Alerts(t.Context(), q)
	})
}

func all[T any](t *testing.T, page func(cursor string) ([]T, string, error)) (out []T) {
	t.Helper()
	for cursor := ""; ; {
		items, next, err := page(cursor)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, items...)
		if next == "" {
			return out
		}
		if next == cursor {
			t.Fatalf("the cursor does not move on from %q", cursor)
		}
		cursor = next
	}
}

// checkInvariant holds after whatever happened: the cases count the alerts that have one, each case is its history, and
// at most one case of a key is open.
func checkInvariant(t *testing.T, s store.Store) {
	t.Helper()
	var counted, stored int64
	open := make(map[string]string)
	for _, c := range allCases(t, s, store.Query{Limit: 100}) {
		counted += c.Alerts
		got, events, err := s.CaseFile(t.Context(), c.ID, 0, 1_000_000)
		if err != nil {
			t.Fatal(err)
		}
		rebuilt, err := cases.Rebuild(events)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(rebuilt, got) || !reflect.DeepEqual(got, c) {
			t.Fatalf("case rebuilds to %+v\nstored         %+v\nlisted         %+v", rebuilt, got, c)
		}
		key := fmt.Sprint(c.Key, c.Exercise)
		if other := open[key]; c.State != cases.Closed && other != "" {
			t.Fatalf("cases %s and %s of key %s are open", other, c.ID, c.Key)
		} else if c.State != cases.Closed {
			open[key] = c.ID
		}
	}
	for _, a := range allAlerts(t, s, store.Query{Limit: 500}) {
		if a.CaseID != "" {
			stored++
		}
	}
	if counted != stored {
		t.Fatalf("cases count %d alerts, %d have a case", counted, stored)
	}
}

func ids(items []store.StoredAlert) []string {
	var out []string
	for _, a := range items {
		out = append(out, a.ID)
	}
	return out
}

// sameSet compares regardless of order and tells doubles.
func sameSet(t *testing.T, what string, got, want []string) {
	t.Helper()
	got, want = slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))
	if !slices.Equal(got, want) {
		t.Fatalf("%s: got %d items, want %d\n%v\n%v", what, len(got), len(want), got, want)
	}
}
