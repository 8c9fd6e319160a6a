package postgres

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"gridgate/central/cases"
	"gridgate/central/store"
	server "gridgate/deploy/testkit/postgres"
	"gridgate/protocols/alert"
)

// plan asks PostgreSQL how it would run a query whatever its parameters are.
func plan(t *testing.T, s *Store, query string, args []any) string {
	t.Helper()
	rows, err := s.read.Query(t.Context(), "EXPLAIN "+query, args...)
	lines, err := texts(rows, err)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

// openedHere opens a database of that name, made if missing.
func openedHere(t *testing.T, name string) *Store {
	t.Helper()
	if err := server.Create(t.Context(), os.Getenv("POSTGRES_TEST_SERVER"), name); err != nil {
		t.Fatal(err)
	}
	address, err := server.Without(os.Getenv("POSTGRES_TEST_SERVER"), name)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), Options{URL: address, Password: func() (string, error) { return server.Password, nil }})
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

// Every filter is served by an index or by reading the log backwards; none reads a table from end to end, or sorts more than a page.
func TestPlans(t *testing.T) {
	ctx := t.Context()
	s := openedHere(t, "plans")
	a := store.Received{Alert: alert.Alert{
		ID: alert.NewID(), Source: alert.CameraSource("edge-1", "cam"), State: alert.Momentary, Kind: alert.Motion, Key: "k", Grid: "330106109001",
		OccurredAt: time.Now(), RaisedAt: time.Now(), Severity: alert.Info,
	}}
	nothing := func(*cases.Case, []store.Received, func(string) bool, time.Time) []cases.Event { return nil }
	if _, err := s.Ingest(ctx, store.Group{Alerts: []store.Received{a}}, nothing, time.Now()); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		page func(ctx context.Context, q store.Query, limit int) (string, []any, error)
		q    store.Query
		want string
	}{
		"alerts":           {s.alertPage, store.Query{}, "Index Scan Backward using alerts_pkey on alerts a"},
		"alerts by kind":   {s.alertPage, store.Query{Kind: alert.SOS}, "Index Scan Backward using alerts_pkey on alerts a"},
		"alerts of a case": {s.alertPage, store.Query{CaseID: alert.NewID()}, "using alerts_pkey on alerts e"},
		"alerts of few":    {s.alertPage, store.Query{Edge: "edge-1"}, "using alerts_place on alerts a"},
	} {
		query, args, err := tt.page(ctx, tt.q, 10)
		if err != nil {
			t.Fatal(err)
		}
		if got := plan(t, s, query, args); !strings.Contains(got, tt.want) || strings.Contains(got, "Seq Scan") {
			t.Errorf("%s:\n%s", name, got)
		}
	}
	for name, tt := range map[string]struct {
		q    store.Query
		want string // of one of the ways
	}{
		"state":        {store.Query{State: "open"}, "heads_state"},
		"severity":     {store.Query{Severity: alert.Major}, "heads_severity"},
		"level":        {store.Query{Level: cases.TownshipLevel}, "heads_level"},
		"step":         {store.Query{Step: "verify"}, "heads_step"},
		"unit":         {store.Query{Unit: "u"}, "heads_unit"},
		"assignee":     {store.Query{Assignee: "li"}, "heads_assignee"},
		"parent":       {store.Query{Parent: alert.NewID()}, "heads_parent"},
		"due":          {store.Query{DueBefore: time.Now()}, "heads_state"},
		"kind":         {store.Query{Kind: alert.SOS}, "cases_kind"},
		"main class":   {store.Query{Class: "04"}, "cases_class2"},
		"class":        {store.Query{Class: "0401"}, "cases_class4"},
		"origin":       {store.Query{Origin: cases.ByStaff}, "cases_origin"},
		"exercise":     {store.Query{Exercise: store.Yes}, "cases_exercise"},
		"township":     {store.Query{Grid: "330106109"}, "cases_grid9"},
		"community":    {store.Query{Within: []string{"330106109001", "330106109002"}}, "cases_grid12"},
		"grid":         {store.Query{Grid: "330106109001003"}, "cases_grid15"},
		"none of them": {store.Query{}, "cases_pkey"},
	} {
		wantWay(t, s, name, tt.q, tt.want)
	}
}

// wantWay wants that a way of q goes along an index, and that its page reads no table from end to end.
func wantWay(t *testing.T, s *Store, name string, q store.Query, want string) {
	t.Helper()
	var plans []string
	for _, w := range append(waysOf(q), wayOfAll) {
		var c conditions
		rows := w.rows(&c, 0, 1<<40, probe)
		plans = append(plans, plan(t, s, rows, c.args))
		query, args := w.page(caseConditions(q), 0, 1<<40, 10)
		if got := plan(t, s, query, args); strings.Contains(got, "Seq Scan") {
			t.Errorf("%s: a page:\n%s", name, got)
		}
	}
	if !strings.Contains(strings.Join(plans, "\n"), "Backward using "+want+" ") {
		t.Errorf("%s: no way along %s:\n%s", name, want, strings.Join(plans, "\n"))
	}
}
