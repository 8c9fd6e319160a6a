package sqlite

import (
	"database/sql"
	"path/filepath"
	"slices"
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

// openYear puts cases of four units into s: every tenth is open.
func openYear(t *testing.T, s *Store, n int) (open []string) {
	t.Helper()
	var changes []store.Change
	for i := range n {
		id, at := alert.NewID(), time.Unix(int64(1000+i), 0).UTC()
		state := cases.Closed
		if i%10 == 0 {
			state, open = cases.Open, append([]string{id}, open...)
		}
		opening := cases.Opening{Key: id, Kind: alert.Motion, Class: "0401", Grid: "330106109001003", Source: "/staff", Origin: cases.ByStaff}
		changes = append(changes,
			store.Change{Event: cases.Event{CaseID: id, Type: cases.EventOpened, At: at, Severity: alert.Minor, Opening: &opening}},
			store.Change{Event: cases.Event{CaseID: id, Type: cases.EventStepped, At: at, Actor: "li", Action: "go", Workflow: "base", Step: "s", State: state, Unit: "u"}})
	}
	if _, err := s.AppendAll(t.Context(), changes); err != nil {
		t.Fatal(err)
	}
	return open
}

// A list goes on behind the cases that it looked at for a page, whether one of them fitted or not.
func TestShortPages(t *testing.T) {
	s, _ := openedHere(t)
	open := openYear(t, s, 95)
	tx, err := s.read.BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	for _, q := range []store.Query{{State: "open"}, {State: "open", Unit: "u"}, {State: "open", Grid: "3"}, {State: "open", Since: time.Unix(0, 0)}} {
		for _, looks := range []int{1, 7, 10, 1000} {
			var got []string
			empty := 0
			for next := int64(1 << 40); next != 0; {
				l := caseList{tx: tx, before: next, limit: 2, looks: looks}
				var items []cases.Case
				way := wayOfAll // the worst
				if looks == 1000 {
					way, err = l.choose(t.Context(), waysOf(q))
				}
				if err == nil {
					items, next, err = l.along(t.Context(), way, q)
				}
				if err != nil || len(items) > 2 {
					t.Fatal(len(items), err)
				}
				if len(items) == 0 {
					empty++
				}
				for _, c := range items {
					got = append(got, c.ID)
				}
			}
			if !slices.Equal(got, open) || looks == 7 && empty == 0 {
				t.Errorf("%+v, %d looked at, %d pages empty: got %v, want %v", q, looks, empty, got, open)
			}
		}
	}
}

// Cases are read along the index that has the fewest of them, and no way reads a table from end to end or sorts it.
func TestCasePlans(t *testing.T) {
	s, _ := openedHere(t)
	openYear(t, s, 95)
	now := time.Unix(2000, 0)
	full := store.Query{
		State: "open", Unit: "u", Step: "s", Assignee: "li", Kind: alert.Motion, Class: "0401", Level: cases.GridLevel, Severity: alert.Minor, Parent: "p",
		Grid: "330106109001003", Within: []string{"330106109001", "330106109002"}, DueBefore: now, Since: now, Until: now, Exercise: store.Yes,
	}
	ways := append(waysOf(full), wayOfAll)
	if len(ways) < 13 {
		t.Errorf("%d ways", len(ways))
	}
	for _, w := range append(ways, waysOf(store.Query{Unit: "u", DueBefore: now, Class: "04"})...) {
		for _, a := range w.arms {
			if strings.Contains(a.term, ".ref") {
				t.Errorf("%q bounds the rows beside the list's own bounds", a.term)
			}
		}
		query, args := w.rows(1, 100)
		probe := plan(t, s, "SELECT count(*), min(ref) FROM ("+query+")", append(args, 10)...)
		query, args = w.page(caseConditions(full), 1, 100)
		page := plan(t, s, query, append(args, 10)...)
		for what, got := range map[string]string{"probe": probe, "page": page} {
			if strings.Contains(got, "TEMP B-TREE") || strings.Contains(got, "SCAN c") || strings.Contains(got, "SCAN s") || !strings.Contains(got, "rowid>? AND rowid<?") {
				t.Errorf("%s along %q:\n%s", what, w.index, got)
			}
			if w.index != "" && !strings.Contains(got, "INDEX "+w.index+" (") {
				t.Errorf("%s does not go along %s:\n%s", what, w.index, got)
			}
		}
	}
	wantPlan(t, s, "due", "s USING INDEX case_states_next (next_at>? AND next_at<?)", selectDue, 5, 10)
	wantPlan(t, s, "waiting notices", "notices USING INDEX notices_waiting (at<?)", selectWaiting, 5, 10)
	wantPlan(t, s, "notices of a case", "notices USING INDEX notices_case (case_id=?)", selectNotices, "c")
}
