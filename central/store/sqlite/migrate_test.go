package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/pressly/goose/v3"

	"gridgate/central/cases"
	"gridgate/central/correlate"
	"gridgate/central/store"
	"gridgate/protocols/alert"
)

// oldDatabase makes a database of the third version of the schema.
func oldDatabase(t *testing.T, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", dsn(path, 1<<20))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		t.Fatal(err)
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, files)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.UpTo(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	for _, s := range statements {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// Rows that the third version wrote: a case of two alerts that is open, one that closed before it, a clear without a case.
const (
	oldFirst  = "01890000-0000-7000-8000-000000000001"
	oldSecond = "01890000-0000-7000-8000-000000000002"
	oldClear  = "01890000-0000-7000-8000-000000000003"
	oldCase   = "01890000-0000-7000-8000-00000000000a"
	oldClosed = "01890000-0000-7000-8000-00000000000b"
)

var oldRows = []string{
	`INSERT INTO places VALUES (1, '/edges/edge-1/cameras/cam', 'edge-1', 'cam', '330106109001')`,
	`INSERT INTO cases (ref, id, key, exercise, kind, class, grid, source, opened_at, state, level, severity, active, alerts, last_at, closed_at, closed_by, reason, position)
		VALUES (1, '` + oldClosed + `', 'edge-1/cam/gate/motion', 0, 'motion', '0401', '330106109001', '/edges/edge-1/cameras/cam', 5, 'closed', 'grid', 1, 0, 1, 8, 8, 'zhang', 'handled', 2)`,
	`INSERT INTO cases (ref, id, key, exercise, kind, class, grid, source, zone, previous, opened_at, state, level, severity, active, situation, alerts, last_at, closed_at, position)
		VALUES (2, '` + oldCase + `', 'edge-1/cam/gate/motion', 0, 'motion', '0401', '330106109001', '/edges/edge-1/cameras/cam', 'gate', '` + oldClosed + `',
		10000000000, 'open', 'grid', 1, 1, '` + oldSecond + `', 2, 20000000000, 0, 4)`,
	`INSERT INTO case_events VALUES (3, 2, 0, 10000000000, '{"position":3,"caseId":"` + oldCase + `","type":"opened","at":"1970-01-01T00:00:10Z","alertId":"` + oldFirst + `","count":1,
		"severity":"minor","situation":"` + oldFirst + `","opening":{"key":"edge-1/cam/gate/motion","kind":"motion","class":"0401","grid":"330106109001",
		"source":"/edges/edge-1/cameras/cam","zone":"gate","previous":"` + oldClosed + `"}}')`,
	`INSERT INTO case_events VALUES (4, 2, 3, 20000000000, '{"position":4,"caseId":"` + oldCase + `","type":"joined","at":"1970-01-01T00:00:20Z","count":1,"situation":"` + oldSecond + `"}')`,
	`INSERT INTO alerts (position, id, case_ref, place, received_at, kind, state, key, severity, zone, occurred_at, clock, uncertainty_ms, raised_at, score, count_bucket, quantity, value, unit, origin, exercise)
		VALUES (1, '` + oldFirst + `', 2, 1, 10000000000, 'motion', 'raised', 'edge-1/cam/gate/motion', 1, 'gate', 9000000000, 'edge', 40, 9500000000, 0.5, '2-5', 'level', 1.5, 'm', 'motion', 0)`,
	`INSERT INTO alerts (position, id, case_ref, place, received_at, kind, state, key, severity, occurred_at, clock, uncertainty_ms, raised_at, origin, exercise)
		VALUES (2, '` + oldSecond + `', 2, 1, 20000000000, 'motion', 'raised', 'edge-1/cam/gate/motion', 1, 19000000000, 'edge', 0, 19000000000, 'motion', 0)`,
	`INSERT INTO alerts (position, id, case_ref, place, received_at, kind, state, situation, key, severity, occurred_at, clock, uncertainty_ms, raised_at, origin, exercise)
		VALUES (40000, '` + oldClear + `', NULL, 1, 30000000000, 'motion', 'cleared', '01890000-0000-7000-8000-0000000000ff', 'edge-1/other/gate/motion', 1, 29000000000, 'edge', 0, 29000000000, 'motion', 0)`,
	`INSERT INTO evidence (id, source, alert_id, sha256, media_type, bytes, sealed, at, received_at)
		VALUES ('01890000-0000-7000-8000-0000000000ee', '/edges/edge-1/cameras/cam', '` + oldFirst + `', 'ab', 'image/jpeg', 9, 0, 9000000000, 10000000000)`,
}

// TestAnOldDatabaseIsTaken opens a database with rows of an earlier schema: all is there, and goes on.
func TestAnOldDatabaseIsTaken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "central.db")
	oldDatabase(t, path, oldRows...)
	s, err := Open(t.Context(), Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	score := 0.5
	first := alert.Alert{
		ID: oldFirst, Source: "/edges/edge-1/cameras/cam", Kind: alert.Motion, State: alert.Raised, Situation: oldFirst, Key: "edge-1/cam/gate/motion",
		Severity: alert.Minor, Grid: "330106109001", Zone: "gate", OccurredAt: time.Unix(9, 0).UTC(), Clock: alert.EdgeClock, Uncertainty: 40 * time.Millisecond,
		RaisedAt: time.Unix(9, 500_000_000).UTC(), Score: &score, CountBucket: "2-5", Reading: &alert.Measure{Quantity: "level", Value: 1.5, Unit: "m"}, Origin: "motion",
	}
	got, err := s.Alert(t.Context(), oldFirst)
	if err != nil || !reflect.DeepEqual(got.Alert, first) || got.CaseID != oldCase || len(got.Evidence) != 1 || got.ReceivedAt.Unix() != 10 {
		t.Fatalf("the first alert: %+v, %v", got, err)
	}
	wantListed(t, s, store.Query{CaseID: oldCase}, oldSecond, oldFirst)
	wantListed(t, s, store.Query{Device: "cam"}, oldClear, oldSecond, oldFirst)

	third := benchAlert(1, time.Unix(40, 0).UTC())
	third.Key, third.Source, third.Grid = first.Key, first.Source, first.Grid
	group := store.Group{Alerts: []store.Received{{Alert: first}, third}}
	if _, err := s.Ingest(t.Context(), group, correlate.ByKey, time.Unix(40, 0).UTC()); err != nil {
		t.Fatal(err)
	}
	c, events, err := s.CaseFile(t.Context(), oldCase, 0, 10)
	if err != nil || c.Alerts != 3 || c.State != cases.Open || len(events) < 3 || events[0].CaseID != oldCase || events[1].Position != 4 {
		t.Fatalf("the case: %+v, %+v, %v", c, events, err)
	}
	if rebuilt, err := cases.Rebuild(events); err != nil || !reflect.DeepEqual(rebuilt, c) {
		t.Fatalf("it rebuilds to %+v, %v", rebuilt, err)
	}
	wantListed(t, s, store.Query{CaseID: oldCase}, third.ID, oldSecond, oldFirst)
	if old, err := s.Case(t.Context(), oldClosed); err != nil || old.ClosedBy != "zhang" {
		t.Fatalf("the closed case: %+v, %v", old, err)
	}
}

// wantListed pages through a list one by one.
func wantListed(t *testing.T, s *Store, q store.Query, want ...string) {
	t.Helper()
	var got []string
	for q.Limit = 1; ; {
		items, next, err := s.Alerts(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range items {
			got = append(got, a.ID)
		}
		if q.Cursor = next; next == "" {
			break
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%+v lists %q, want %q", q, got, want)
	}
}

// TestSegments lists the alerts of devices over several segments of the log, before and after a restart, and after some were pruned.
func TestSegments(t *testing.T) {
	path := filepath.Join(t.TempDir(), "central.db")
	s, err := Open(t.Context(), Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	want := map[int][]string{} // newest first, by device
	now := time.Unix(1000, 0).UTC()
	for n := range 12 {
		s.writer.lastAlert += segmentSize/4 - 3 // most of the log is other alerts'
		group := make([]store.Received, 6)
		for i := range group {
			group[i] = benchAlert((n+i)%4, now)
			want[(n+i)%4] = append([]string{group[i].ID}, want[(n+i)%4]...)
		}
		if _, err := s.Ingest(context.Background(), store.Group{Alerts: group}, correlate.ByKey, now); err != nil {
			t.Fatal(err)
		}
	}
	check := func() {
		t.Helper()
		for device, ids := range want {
			wantListed(t, s, store.Query{Device: fmt.Sprintf("sensor-%04d", device)}, ids...)
		}
		wantListed(t, s, store.Query{Device: "sensor-0001", Kind: alert.SOS})
	}
	check()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(t.Context(), Options{Path: path}); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	check()
	s.writer.lastAlert += 70 * segmentSize // more than one look holds
	last := benchAlert(1, now)
	if _, err := s.Ingest(context.Background(), store.Group{Alerts: []store.Received{last}}, correlate.ByKey, now); err != nil {
		t.Fatal(err)
	}
	want[1] = append([]string{last.ID}, want[1]...)
	check()
	items, _, err := s.Alerts(t.Context(), store.Query{Edge: "bench", Limit: 500})
	if err != nil || len(items) != 73 {
		t.Fatalf("%d alerts of the edge, %v", len(items), err)
	}
}
