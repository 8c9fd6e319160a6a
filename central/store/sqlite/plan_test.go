package sqlite

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gridgate/central/cases"
	"gridgate/central/store"
	"gridgate/protocols/alert"
)

// plan asks SQLite how it would run a query.
func plan(t *testing.T, s *Store, query string, args ...any) string {
	t.Helper()
	rows, err := s.read.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, args...)
	lines, err := collect(rows, err, func(scan func(...any) error) (detail string, err error) {
		var id, parent, unused int
		err = scan(&id, &parent, &unused, &detail)
		return detail, err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

// Every filter is served by an index or by reading the log backwards; none reads a table from end to end and sorts it.
func TestPlans(t *testing.T) {
	s, err := Open(t.Context(), Options{Path: filepath.Join(t.TempDir(), "central.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	a := store.Received{Alert: alert.Alert{
		ID: alert.NewID(), Source: alert.CameraSource("edge-1", "cam"), State: alert.Momentary, Kind: alert.Motion, Key: "k", Grid: "330106109001",
		OccurredAt: time.Now(), RaisedAt: time.Now(), Severity: alert.Info,
	}}
	nothing := func(*cases.Case, []store.Received, func(string) bool, time.Time) []cases.Event { return nil }
	if _, err := s.Ingest(t.Context(), store.Group{Alerts: []store.Received{a}}, nothing, time.Now()); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		q    store.Query
		want string
	}{
		"all":      {store.Query{}, "a USING INTEGER PRIMARY KEY (rowid<?)"},
		"kind":     {store.Query{Kind: alert.SOS}, "a USING INTEGER PRIMARY KEY (rowid<?)"},
		"since":    {store.Query{Since: time.Now()}, "a USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"},
		"case":     {store.Query{CaseID: "x"}, "a USING INDEX alerts_case (case_ref=? AND rowid<?)"},
		"few":      {store.Query{Edge: "edge-1", Device: "cam"}, "a USING COVERING INDEX alerts_place (place=? AND rowid<?)"},
		"few, and": {store.Query{Edge: "edge-1", Kind: alert.SOS}, "a USING INDEX alerts_place (place=? AND rowid<?)"},
		"in case":  {store.Query{CaseID: "x", Edge: "edge-1"}, "a USING INDEX alerts_case (case_ref=? AND rowid<?)"},
		"no place": {store.Query{Edge: "edge-9"}, "a USING INTEGER PRIMARY KEY (rowid=?)"},
	} {
		query, args, err := s.alertPage(t.Context(), tt.q, 10)
		if err != nil {
			t.Fatal(err)
		}
		got := plan(t, s, query, args...)
		if !strings.Contains(got, tt.want) {
			t.Errorf("%s:\n%s", name, got)
		}
	}
}
