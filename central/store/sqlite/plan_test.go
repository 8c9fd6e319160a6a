package sqlite

import (
	"database/sql"
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
	tx, err := s.read.BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	for name, tt := range map[string]struct {
		q    store.Query
		want string
	}{
		"all":   {store.Query{}, "a USING INTEGER PRIMARY KEY (rowid<?)"},
		"kind":  {store.Query{Kind: alert.SOS}, "a USING INTEGER PRIMARY KEY (rowid<?)"},
		"since": {store.Query{Since: time.Now()}, "a USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"},
	} {
		c, err := alertConditions(t.Context(), tx, tt.q, 1<<40)
		if err != nil {
			t.Fatal(err)
		}
		wantPlan(t, s, name, tt.want, "SELECT "+alertColumns+c.where()+" ORDER BY a.position DESC LIMIT 10", c.args...)
	}
	c, err := alertConditions(t.Context(), tx, store.Query{Kind: alert.SOS}, 1<<40)
	if err != nil {
		t.Fatal(err)
	}
	query, args := chainQuery(c, 1, 10)
	wantPlan(t, s, "case", "SEARCH a USING INTEGER PRIMARY KEY (rowid=?)", query, args...)
	tail := c.with("a.position >= ? AND +a.place IN (SELECT value FROM json_each(?))", 0, "[1]")
	wantPlan(t, s, "tail", "a USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)", "SELECT "+alertColumns+tail.where()+" ORDER BY a.position DESC LIMIT 10", tail.args...)
	wantPlan(t, s, "segments", "i USING PRIMARY KEY (segment=? AND place=?)", selectOffsets, 0, 1, "[1]")
	some := c.with("a.position IN (SELECT value FROM json_each(?))", "[1]")
	wantPlan(t, s, "positions", "a USING INTEGER PRIMARY KEY (rowid=?)", "SELECT "+alertColumns+some.where()+" ORDER BY a.position DESC LIMIT 10", some.args...)
}

func wantPlan(t *testing.T, s *Store, name, want, query string, args ...any) {
	t.Helper()
	if got := plan(t, s, query, args...); !strings.Contains(got, want) {
		t.Errorf("%s:\n%s", name, got)
	}
}
