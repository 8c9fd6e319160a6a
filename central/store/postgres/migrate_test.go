package postgres

import (
	"io/fs"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	strict "github.com/go-json-experiment/json"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"gridgate/central/cases"
	"gridgate/central/correlate"
	"gridgate/central/store"
	server "gridgate/deploy/testkit/postgres"
	"gridgate/protocols/alert"
)

// firstVersion makes a database as the first version left it: a case with two alerts that somebody acknowledged, and a clear between them
// that found no case.
func firstVersion(t *testing.T, name string, ids [4]string, now time.Time) (history []cases.Event) {
	t.Helper()
	ctx := t.Context()
	if err := server.Create(ctx, os.Getenv("POSTGRES_TEST_SERVER"), name); err != nil {
		t.Fatal(err)
	}
	c, err := pgx.ParseConfig(os.Getenv("POSTGRES_TEST_SERVER"))
	if err != nil {
		t.Fatal(err)
	}
	c.Database = name
	db := stdlib.OpenDB(*c)
	defer func() { _ = db.Close() }()
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		t.Fatal(err)
	}
	p, err := goose.NewProvider(goose.DialectPostgres, db, files)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.UpTo(ctx, 1); err != nil {
		t.Fatal(err)
	}
	id, at := ids[3], store.Nanos(now)
	history = []cases.Event{
		{Position: 1, CaseID: id, Type: cases.EventOpened, At: now, AlertID: ids[0], Count: 1, Severity: alert.Info, Situation: ids[0], Opening: &cases.Opening{
			Key: "k", Kind: alert.Motion, Class: "0401", Grid: "330106109001", Source: alert.CameraSource("edge-1", "cam")}},
		{Position: 2, CaseID: id, Type: cases.EventAcknowledged, At: now, Actor: "zhang"},
		{Position: 3, CaseID: id, Type: cases.EventJoined, At: now, AlertID: ids[2], Count: 1, Situation: ids[2]},
	}
	run := func(query string, args ...any) {
		t.Helper()
		if _, err := db.ExecContext(ctx, query, args...); err != nil {
			t.Fatal(err)
		}
	}
	run("INSERT INTO places (source, edge, device, grid) VALUES ($1, 'edge-1', 'cam', '330106109001')", history[0].Opening.Source)
	for i, ref := range []int{1, 0, 1} {
		run(`INSERT INTO alerts VALUES (nextval('alert_positions'), $1, 1, $2, 'motion', 'momentary', 0, '{"k":"k","t":1,"r":1}')`, ids[i], at)
		run("INSERT INTO members VALUES ($1, $2)", i+1, ref)
	}
	run("INSERT INTO cases VALUES (1, $1, 'k', false, 'motion', '0401', '330106109001', $2, '', '', $3)", id, history[0].Opening.Source, at)
	run("INSERT INTO open_cases VALUES (1, 'k', false)")
	run("INSERT INTO heads VALUES (1, 'acknowledged', 'grid', 0, true, $1, 2, $2, 0, '', '', '', 3)", ids[2], at)
	for i, e := range history {
		raw, err := strict.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		run("INSERT INTO case_events VALUES ($1, 1, $2, $3, $4)", e.Position, i, at, string(raw))
	}
	return history
}

func TestAnOldDatabaseIsTaken(t *testing.T) {
	ctx, now := t.Context(), time.Date(2026, 3, 1, 20, 0, 0, 0, time.UTC)
	ids := [4]string{alert.NewID(), alert.NewID(), alert.NewID(), alert.NewID()}
	name := "first_version_" + ids[3][24:] // of this run
	history := firstVersion(t, name, ids, now)
	s := openedHere(t, name)
	want, err := cases.Rebuild(history)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.Case(ctx, ids[3]); err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("the case is %+v, %v\nits history says %+v", got, err, want)
	}
	more := store.Received{ReceivedAt: now, Alert: alert.Alert{
		ID: alert.NewID(), Source: history[0].Opening.Source, State: alert.Momentary, Kind: alert.Motion, Key: "k", Grid: "330106109001",
		OccurredAt: now, RaisedAt: now, Severity: alert.Info,
	}}
	if _, err := s.Ingest(ctx, store.Group{Alerts: []store.Received{more}}, correlate.ByKey, now); err != nil {
		t.Fatal(err)
	}
	if got := listed(t, s, store.Query{CaseID: ids[3]}); !reflect.DeepEqual(got, []string{more.ID, ids[2], ids[0]}) {
		t.Errorf("the case has the alerts %v", got)
	}
	if got := listed(t, s, store.Query{}); !reflect.DeepEqual(got, []string{more.ID, ids[2], ids[1], ids[0]}) {
		t.Errorf("the log has the alerts %v", got)
	}
	if did, err := s.Prune(ctx, store.Horizon{Cases: now.Add(time.Hour)}, 10); err != nil || did.Alerts != 1 || did.Cases != 0 {
		t.Errorf("retention: %+v, %v; only the clear without a case ends", did, err)
	}
}

func listed(t *testing.T, s *Store, q store.Query) (ids []string) {
	t.Helper()
	q.Limit = 500
	items, _, err := s.Alerts(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range items {
		ids = append(ids, a.ID)
	}
	return ids
}

// Each join writes its case's head: that stays in its page and touches no index (HOT) as long as no index has what it changes.
func TestJoinsTouchNoIndex(t *testing.T) {
	s := openedHere(t, "plans")
	indexes, err := texts(s.read.Query(t.Context(), "SELECT indexdef FROM pg_indexes WHERE tablename = 'heads'"))
	if err != nil || len(indexes) < 5 {
		t.Fatal(indexes, err)
	}
	for _, index := range indexes {
		_, columns, _ := strings.Cut(index, " USING ")
		for _, column := range []string{"active", "situation", "alerts", "last_at", "position", "tail"} {
			if strings.Contains(columns, column) {
				t.Errorf("a join changes %s of %s", column, index)
			}
		}
	}
}
