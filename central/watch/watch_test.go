package watch

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"gridgate/central/cases"
	"gridgate/central/correlate"
	"gridgate/central/store"
	"gridgate/central/store/sqlite"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// town is a centre with some edges, a store of its own and a clock that is set by hand.
type town struct {
	t     *testing.T
	s     *sqlite.Store
	now   time.Time
	job   *Job
	known map[string]bool
	reg   *prometheus.Registry
}

func newTown(t *testing.T, edges int) *town {
	s, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "central.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	w := &town{t: t, s: s, now: noon, known: map[string]bool{}}
	for i := range edges {
		w.known[fmt.Sprintf("town-%d", i+1)] = true
	}
	w.sync(w.names()...)
	w.restart()
	return w
}

func (w *town) names() (names []string) {
	for edge := range w.known {
		names = append(names, edge)
	}
	slices.Sort(names)
	return names
}

// restart is a new process on the same store.
func (w *town) restart() {
	w.reg = prometheus.NewRegistry()
	job, err := New(Options{
		Store: w.s, Decide: correlate.ByKey, Expected: func(context.Context) (map[string]bool, error) { return w.known, nil },
		Now: func() time.Time { return w.now }, Registerer: w.reg,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.job = job
	if err := job.begin(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// sync is a report of each of some edges, with a device in a grid of its own.
func (w *town) sync(edges ...string) {
	w.t.Helper()
	for _, edge := range edges {
		grid := fmt.Sprintf("1101010010010000%04s", strings.TrimPrefix(edge, "town-"))
		r := ingest.SyncRequest{Schema: 1, Software: "v1", Now: w.now, StartedAt: noon, Devices: []ingest.DeviceState{{ID: "c1", Family: alert.Cameras, Grid: strings.ReplaceAll(grid, " ", "0"), State: "streaming"}}}
		if err := w.s.SaveSync(w.t.Context(), store.Edge{ID: edge, LastSync: w.now, ReportedAt: w.now, Report: r}); err != nil {
			w.t.Fatal(err)
		}
	}
}

// pass lets time pass; those who talk sync once a minute, and somebody looks every 15 seconds.
func (w *town) pass(d time.Duration, talk ...string) {
	w.t.Helper()
	for end := w.now.Add(d); w.now.Before(end); {
		w.now = w.now.Add(Every)
		if w.now.Second() == 0 {
			w.sync(talk...)
		}
		if err := w.job.round(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
	}
}

// cases are told as "edge state", by edge.
func (w *town) cases() string {
	w.t.Helper()
	list, _, err := w.s.Cases(w.t.Context(), store.Query{Limit: 100})
	if err != nil {
		w.t.Fatal(err)
	}
	var out []string
	for _, c := range list {
		edge, _, _ := strings.Cut(c.Key, "/")
		out = append(out, edge+" "+string(c.State))
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

func (w *town) want(what string) {
	w.t.Helper()
	if got := w.cases(); got != what {
		w.t.Fatalf("at %s the cases are %q, want %q", w.now.Format("15:04:05"), got, what)
	}
}

func TestASilentEdgeIsACaseUntilItSyncs(t *testing.T) {
	w := newTown(t, 3)
	w.pass(DefaultAfter+Settle-Every, "town-1", "town-2")
	w.want("")
	w.pass(2*Every, "town-1", "town-2")
	w.want("town-3 open")
	w.pass(time.Hour, "town-1", "town-2")
	w.want("town-3 open")
	found, _, err := w.s.Alerts(t.Context(), store.Query{Edge: "town-3", Limit: 10})
	if err != nil || len(found) != 1 {
		t.Fatalf("%d alerts, %v", len(found), err)
	}
	a := found[0]
	if a.Kind != alert.DeviceOffline || a.Grid != "11010100100100000003" || a.Severity != alert.Major || !a.OccurredAt.Equal(noon.Add(30*time.Second)) || a.Uncertainty != 30*time.Second {
		t.Fatalf("the alert is %+v", a.Alert)
	}
	w.pass(time.Minute, w.names()...)
	w.want("town-3 closed")
	w.pass(time.Hour, w.names()...)
	w.want("town-3 closed")
}

func TestARestartNeitherForgetsNorRepeats(t *testing.T) {
	w := newTown(t, 3)
	w.pass(8*time.Minute, "town-1", "town-2")
	w.want("town-3 open")
	w.restart()
	w.pass(time.Hour, "town-1", "town-2")
	w.want("town-3 open")
	if found, _, err := w.s.Alerts(t.Context(), store.Query{Limit: 10}); err != nil || len(found) != 1 {
		t.Fatalf("%d alerts, %v", len(found), err)
	}
	w.restart()
	w.pass(time.Minute, w.names()...)
	w.want("town-3 closed")
}

func TestACentralThatWasDownAccusesNobody(t *testing.T) {
	w := newTown(t, 3)
	w.now = noon.Add(9 * time.Hour) // nobody synced: there was nobody to sync with
	w.restart()
	w.pass(DefaultAfter-Every, "town-1", "town-2", "town-3")
	w.want("")
	w.now = w.now.Add(9 * time.Hour) // the machine slept; the process is the same
	w.pass(DefaultAfter-Every, "town-1", "town-2")
	w.want("")
	w.pass(Settle+2*Every, "town-1", "town-2")
	w.want("town-3 open")
}

func TestTheNetworkIsOneCase(t *testing.T) {
	w := newTown(t, 8)
	w.pass(20*time.Minute, "town-1", "town-2")
	w.want("all-edges open")
	list, _, err := w.s.Cases(t.Context(), store.Query{Limit: 10})
	if err != nil || list[0].Grid != "110101001001000" {
		t.Fatalf("%+v, %v", list[0].Grid, err)
	}
	w.restart()
	w.pass(20*time.Minute, "town-1", "town-2")
	w.want("all-edges open")
	// All come back but one, which has a case of its own now.
	w.pass(20*time.Minute, w.names()[:7]...)
	w.want("all-edges closed, town-8 open")
}

func TestOnlyEdgesThatAreAwaitedAreMissed(t *testing.T) {
	w := newTown(t, 3)
	delete(w.known, "town-3")
	w.pass(20*time.Minute, "town-1")
	w.want("town-2 open")
	delete(w.known, "town-2")
	w.pass(time.Minute, "town-1")
	w.want("town-2 closed")
}

func TestAnEdgeWithoutAPlaceIsTold(t *testing.T) {
	w := newTown(t, 2)
	w.known["bare"] = true
	if err := w.s.SaveSync(t.Context(), store.Edge{ID: "bare", LastSync: w.now, ReportedAt: w.now, Report: ingest.SyncRequest{Schema: 1, Now: w.now}}); err != nil {
		t.Fatal(err)
	}
	w.pass(10*time.Minute, "town-1", "town-2")
	w.want("")
	const metric = "gridgate_fleet_silent_since_timestamp_seconds"
	want := "# HELP " + metric + " Last sync of an edge that is silent; at most a hundred are named.\n# TYPE " + metric + " gauge\n" + metric + "{edge=\"bare\"} 1.7803152e+09\n"
	if err := testutil.GatherAndCompare(w.reg, strings.NewReader(want), metric); err != nil {
		t.Error(err)
	}
	w.pass(time.Minute, "town-1", "town-2", "bare")
	w.want("")
}

func TestTheMetricsCountEveryAwaitedEdge(t *testing.T) {
	w := newTown(t, 4)
	w.known["never"] = true
	w.pass(10*time.Minute, "town-1", "town-2", "town-3")
	const metric = "gridgate_fleet_edges"
	want := "# HELP " + metric + " Awaited edges: in-touch, silent, or never heard of.\n# TYPE " + metric + " gauge\n" +
		metric + "{state=\"in-touch\"} 3\n" + metric + "{state=\"never\"} 1\n" + metric + "{state=\"silent\"} 1\n"
	if err := testutil.GatherAndCompare(w.reg, strings.NewReader(want), metric); err != nil {
		t.Error(err)
	}
}

func TestPlace(t *testing.T) {
	for want, grids := range map[string][]string{
		"":                     nil,
		"11010100100100000001": {"11010100100100000001", "11010100100100000001"},
		"110101001001000":      {"11010100100100000001", "11010100100100000002", "110101001001000"},
		"110101001001":         {"110101001001000", "110101001001001"},
		"110101001002":         {"110101001002000", "110101001001001", "110101001002001"},
	} {
		if got := place(grids); got != want {
			t.Errorf("%v lie in %q, want %q", grids, got, want)
		}
	}
}

func TestIDsFollowFromWhatHappened(t *testing.T) {
	id := idOf("town-1", noon, alert.Raised)
	if id != idOf("town-1", noon, alert.Raised) || id == idOf("town-1", noon, alert.Cleared) || id == idOf("town-2", noon, alert.Raised) {
		t.Error("the id does not follow from edge, time and state alone")
	}
	if later := idOf("town-1", noon.Add(time.Minute), alert.Raised); later <= id {
		t.Errorf("%s does not sort after %s", later, id)
	}
}

// away fails until it is told to answer.
type away struct {
	Store
	answers atomic.Bool
	last    time.Time
}

func (a *away) LastSyncs(ctx context.Context) (map[string]time.Time, error) {
	if !a.answers.Load() {
		return nil, errors.New("away")
	}
	return map[string]time.Time{"town-1": a.last}, nil
}

func (a *away) Cases(context.Context, store.Query) ([]cases.Case, string, error) { return nil, "", nil }

func (a *away) Edge(context.Context, string) (store.Edge, error) {
	return store.Edge{Report: ingest.SyncRequest{Devices: []ingest.DeviceState{{Grid: "110101001001000"}}}}, nil
}

func (a *away) Ingest(_ context.Context, g store.Group, _ store.Decider, _ time.Time) ([]ingest.Outcome, error) {
	return make([]ingest.Outcome, len(g.Alerts)), nil
}

func TestAStoreThatWasAwayGivesEdgesTheirTimeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		s, commits := &away{last: time.Now()}, &atomic.Int64{}
		job, err := New(Options{
			Store: s, Decide: correlate.ByKey, OnCommit: func() { commits.Add(1) },
			Expected: func(context.Context) (map[string]bool, error) { return map[string]bool{"town-1": true}, nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- job.Run(ctx) }()
		time.Sleep(time.Hour)
		s.answers.Store(true)
		time.Sleep(DefaultAfter)
		synctest.Wait()
		if commits.Load() != 0 {
			t.Fatal("an edge is accused of the time in which the store was away")
		}
		time.Sleep(Settle + 2*time.Minute)
		synctest.Wait()
		if commits.Load() != 1 {
			t.Fatalf("%d commits, want one", commits.Load())
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
