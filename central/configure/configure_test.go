package configure

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gridgate/central/orders"
	"gridgate/central/rollout"
	"gridgate/central/store"
	"gridgate/central/store/sqlite"
	"gridgate/deploy/testkit/leak"
	"gridgate/protocols/ingest"
)

func TestMain(m *testing.M) { leak.Main(m) }

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// world is a service on a store, a clock, and edges that report what they are told to.
type world struct {
	*Service
	t   *testing.T
	db  *sqlite.Store
	now time.Time
}

func newWorld(t *testing.T, edges ...string) *world {
	t.Helper()
	db, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "central.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	w := &world{t: t, db: db, now: noon}
	w.Service, err = New(Options{Store: db, Now: func() time.Time { return w.now }})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range edges {
		w.sync(e, nil)
	}
	return w
}

// sync lets an edge report a second later.
func (w *world) sync(edge string, c *ingest.ConfigurationState, devices ...ingest.DeviceState) {
	w.t.Helper()
	w.now = w.now.Add(time.Second)
	if last, err := w.db.Edge(w.t.Context(), edge); err == nil && devices == nil {
		devices = last.Report.Devices
	}
	report := ingest.SyncRequest{Schema: 1, Software: "test", Now: w.now, StartedAt: noon, Configuration: c, Devices: devices}
	if err := w.db.SaveSync(w.t.Context(), store.Edge{ID: edge, LastSync: w.now, Report: report, ReportedAt: w.now}); err != nil {
		w.t.Fatal(err)
	}
}

// says lets an edge report a state of what is wanted of it now.
func (w *world) says(edge string, state ingest.WantedState, problems ...ingest.Problem) {
	w.t.Helper()
	wanted := w.wanted(edge)
	if wanted == "" {
		w.t.Fatalf("nothing is wanted of %s", edge)
	}
	c := &ingest.ConfigurationState{Wanted: wanted, State: state, Since: w.now, Problems: problems}
	if state == ingest.WantedInForce {
		c.Running = wanted
	}
	if len(problems) > 0 {
		c.Why = "it is refused"
	}
	w.sync(edge, c)
}

// wanted is the revision that orders have of an edge.
func (w *world) wanted(edge string) string {
	w.t.Helper()
	d, err := w.db.Document(w.t.Context(), orders.KindConfiguration, edge)
	if errors.Is(err, store.ErrNotFound) {
		return ""
	}
	var c ingest.WantedConfiguration
	if err == nil {
		err = json.Unmarshal(d.Body, &c)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return c.Revision
}

func (w *world) push(layer, text string) LayerVersion {
	w.t.Helper()
	v, err := w.Push(w.t.Context(), "chief", layer, text, "a test", -1)
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

func (w *world) start(layer string, waves ...string) Rollout {
	w.t.Helper()
	r, err := w.Start(w.t.Context(), "chief", Ask{Layer: layer, Why: "a test", Waves: waves})
	if err != nil {
		w.t.Fatalf("start %s: %v", layer, err)
	}
	w.drives()
	return r
}

func (w *world) drives() {
	w.t.Helper()
	if err := w.drive(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	w.driver.until, w.shelf.until = time.Time{}, time.Time{}
}

// stands demands the state of a rollout and, of each edge, whether something is wanted of it.
func (w *world) stands(id string, state rollout.State, wanted string) RolloutFile {
	w.t.Helper()
	r, err := w.Rollout(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	got := ""
	for _, e := range r.Edges {
		if w.wanted(e.Edge) != "" {
			got += e.Edge + " "
		}
	}
	if got = strings.TrimSpace(got); r.State != state || got != wanted {
		w.t.Fatalf("the rollout is %s with %q, want %s with %q: %+v", r.State, got, state, wanted, r)
	}
	return r
}

func TestARolloutGoesOnWaveByWave(t *testing.T) {
	w := newWorld(t, "a", "b", "c")
	w.push(All, "timezone: UTC\n")
	r := w.start(All, "1", "100%")
	w.stands(r.ID, rollout.Running, "a")
	w.says("a", ingest.WantedTrying)
	w.drives()
	w.stands(r.ID, rollout.Running, "a")
	w.says("a", ingest.WantedInForce)
	w.drives()
	w.stands(r.ID, rollout.Running, "a b c")
	w.says("b", ingest.WantedInForce)
	w.says("c", ingest.WantedInForce)
	w.drives()
	w.stands(r.ID, rollout.Done, "a b c")
	if _, err := w.Start(t.Context(), "chief", Ask{Layer: All, Why: "again"}); err == nil {
		t.Error("a rollout that changes nothing begins")
	}
	text, err := w.Text(t.Context(), "b", w.wanted("b"))
	if err != nil || text != "timezone: UTC\n" {
		t.Errorf("%q, %v", text, err)
	}
}

func TestARolloutStopsByItselfAndCanBeAborted(t *testing.T) {
	w := newWorld(t, "a", "b", "c")
	w.push(All, "timezone: UTC\n")
	first := w.start(All, "100%")
	for _, e := range []string{"a", "b", "c"} {
		w.says(e, ingest.WantedInForce)
	}
	w.drives()
	w.stands(first.ID, rollout.Done, "a b c")
	good := w.wanted("a")
	w.push(All, "rules: {default: off}\ntimezone: Asia/Shanghai\n")
	r := w.start(All, "2", "100%")
	w.says("a", ingest.WantedRefused, ingest.Problem{Line: 1, Field: "timezone", What: "not for this edge"})
	w.drives()
	file := w.stands(r.ID, rollout.Stopped, "a b c")
	if file.Stop == nil || file.Stop.Edge != "a" || len(file.Stop.Problems) != 1 || file.Stop.Problems[0].LineIn != 2 || file.Stop.Problems[0].Layer != All {
		t.Errorf("why it stopped: %+v", file.Stop)
	}
	if w.wanted("a") == good || w.wanted("b") != good || w.wanted("c") != good {
		t.Error("it was not taken back from an edge that had not begun")
	}
	if w.driver.stoppedGauge() != 1 {
		t.Error("the metric does not tell it")
	}
	w.now = w.now.Add(time.Second)
	if _, err := w.Act(t.Context(), "chief", r.ID, "abort"); err != nil {
		t.Fatal(err)
	}
	w.drives()
	w.stands(r.ID, rollout.Aborted, "a b c")
	if w.wanted("a") != good || w.driver.stoppedGauge() != 0 {
		t.Error("an aborted rollout left something behind")
	}
	if _, err := w.Act(t.Context(), "chief", r.ID, "resume"); err == nil {
		t.Error("an aborted rollout was resumed")
	}
}

// A central that leads no more says of nothing that it has stopped, though it finds it out that very moment.
func TestOnlyWhoLeadsTellsThatARolloutStopped(t *testing.T) {
	w := newWorld(t, "a")
	w.push(All, "timezone: UTC\n")
	id := w.start(All).ID
	w.says("a", ingest.WantedRefused)
	was, err := w.rollout(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	members, err := w.members(t.Context(), was, []string{"a"})
	if err != nil {
		t.Fatal(err)
	}
	leads, over := context.WithCancel(t.Context())
	defer over()
	for _, want := range []float64{1, 0} {
		next := was
		next.State = rollout.Stopped
		if err := w.stopping(leads, was, &next, members); err != nil || next.Stop == nil || w.driver.stoppedGauge() != want {
			t.Errorf("%+v, %v; the metric is %v, want %v", next.Stop, err, w.driver.stoppedGauge(), want)
		}
		over()
	}
}

func TestOnlyOneRolloutIsOpenAndThoseThatAreAwayAreNotWaitedFor(t *testing.T) {
	w := newWorld(t, "away", "b")
	w.now = w.now.Add(time.Hour)
	w.sync("b", nil)
	w.push(All, "timezone: UTC\n")
	r := w.start(All)
	w.stands(r.ID, rollout.Running, "b")
	w.push("edge:b", "discovery: {orders: off}\n")
	if _, err := w.Start(t.Context(), "chief", Ask{Layer: "edge:b", Why: "meanwhile"}); err == nil {
		t.Error("two rollouts are open")
	}
	w.says("b", ingest.WantedInForce)
	w.drives()
	w.sync("away", nil)
	w.drives()
	w.stands(r.ID, rollout.Running, "b away")
	w.now = w.now.Add(time.Hour)
	w.sync("b", &ingest.ConfigurationState{Wanted: w.wanted("b"), Running: w.wanted("b"), State: ingest.WantedInForce, Since: w.now})
	page, err := w.Edges(t.Context(), DriftFilter{State: Away})
	if err != nil || len(page.Items) != 1 || page.Items[0].Edge != "away" || page.Counts["in-force"] != 1 {
		t.Errorf("%+v, %v", page, err)
	}
}

func TestGroupsComeBetweenAllAndTheEdge(t *testing.T) {
	w := newWorld(t, "town-1", "town-2", "hill")
	w.sync("hill", nil, ingest.DeviceState{ID: "s", Family: "sensors", Grid: "110101001001001"})
	for _, g := range []EdgeGroup{{Name: "late", Order: 2, Pattern: "town-*"}, {Name: "early", Order: 1, Edges: []string{"town-1"}}, {Name: "place", Grid: "1101"}} {
		if err := w.PutGroup(t.Context(), "chief", g); err != nil {
			t.Fatal(err)
		}
	}
	for layer, zone := range map[string]string{All: "UTC", "group:late": "Asia/Shanghai", "group:early": "Europe/Berlin", "group:place": "Asia/Urumqi"} {
		w.push(layer, "timezone: "+zone+"\n")
	}
	for _, layer := range []string{All, "group:late", "group:early", "group:place"} {
		r := w.start(layer, "100%")
		for _, e := range w.stands(r.ID, rollout.Running, w.all(r.ID)).Edges {
			w.says(e.Edge, ingest.WantedInForce)
		}
		w.drives()
	}
	for edge, zone := range map[string]string{"town-1": "Asia/Shanghai", "town-2": "Asia/Shanghai", "hill": "Asia/Urumqi"} {
		f, err := w.Edge(t.Context(), edge)
		if err != nil || f.Text != "timezone: "+zone+"\n" {
			t.Errorf("%s: %q, %v", edge, f.Text, err)
		}
	}
}

// all are the edges of a rollout, in its order.
func (w *world) all(id string) string {
	r, err := w.Rollout(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	var names []string
	for _, e := range r.Edges {
		names = append(names, e.Edge)
	}
	return strings.Join(names, " ")
}

// What layers make together is judged before anything is sent.
func TestWhatEdgesWouldGetIsJudged(t *testing.T) {
	w := newWorld(t, "a")
	w.push(All, "sensors:\n  - id: gate\n    dialect: auto\n")
	r := w.start(All)
	w.says("a", ingest.WantedInForce)
	w.drives()
	w.stands(r.ID, rollout.Done, "a")
	w.push("edge:a", "# ours\n"+goodCamera)
	_, err := w.Start(t.Context(), "chief", Ask{Layer: "edge:a", Why: "a camera"})
	var refused *Refused
	if !errors.As(err, &refused) || len(refused.Problems) != 1 || refused.Layer != All || refused.Problems[0].Line != 2 || refused.Problems[0].Field != "sensors[0].id" {
		t.Errorf("%v", err)
	}
}

func TestATextIsOfTheRevisionThatIsWanted(t *testing.T) {
	w := newWorld(t, "a", "b")
	w.push("edge:a", "timezone: UTC\n")
	w.start("edge:a")
	for _, c := range []struct {
		edge, revision string
		good           bool
	}{{"a", w.wanted("a"), true}, {"b", w.wanted("a"), false}, {"a", strings.Repeat("0", 64), false}, {"a", "", false}} {
		text, err := w.Text(t.Context(), c.edge, c.revision)
		if good := err == nil && text == "timezone: UTC\n"; good != c.good || !good && !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%+v: %q, %v", c, text, err)
		}
	}
}

func TestLayersHaveVersions(t *testing.T) {
	w := newWorld(t)
	for i := range 3 {
		if v := w.push("edge:a", fmt.Sprintf("timezone: UTC\n# %d\n", i)); v.Version != int64(i+1) {
			t.Errorf("version %d is %d", i+1, v.Version)
		}
	}
	if _, err := w.Push(t.Context(), "chief", "edge:a", "timezone: UTC\n", "late", 1); err == nil {
		t.Error("a change of what was not seen was kept")
	}
	if _, err := w.Push(t.Context(), "chief", "edge:a", "", "  ", -1); err == nil {
		t.Error("a version without a reason was kept")
	}
	list, err := w.History(t.Context(), "edge:a")
	if err != nil || len(list) != 3 || list[0].Version != 3 || list[0].By != "chief" || list[0].Why != "a test" {
		t.Errorf("%+v, %v", list, err)
	}
	old, err := w.Version(t.Context(), "edge:a", 2)
	if err != nil || old.Text != "timezone: UTC\n# 1\n" {
		t.Errorf("%+v, %v", old, err)
	}
	p, err := w.Preview(t.Context(), "edge:a", "timezone: Asia/Shanghai\n", "")
	if err != nil || p.Count != 0 {
		t.Errorf("an edge that nobody knows would change: %+v, %v", p, err)
	}
}

func TestARolloutIsPausedAndForgives(t *testing.T) {
	w := newWorld(t, "a", "b")
	w.push(All, "timezone: UTC\n")
	r := w.start(All, "1", "100%")
	w.now = w.now.Add(time.Second)
	for _, action := range []string{"pause", "resume"} {
		if _, err := w.Act(t.Context(), "chief", r.ID, action); err != nil {
			t.Fatal(err)
		}
	}
	w.says("a", ingest.WantedRolledBack)
	w.drives()
	w.stands(r.ID, rollout.Stopped, "a")
	if _, err := w.Act(t.Context(), "chief", r.ID, "resume"); err != nil {
		t.Fatal(err)
	}
	w.drives()
	w.stands(r.ID, rollout.Running, "a")
}

func TestDiffTellsWhatChanges(t *testing.T) {
	got := strings.Join(Diff("a\nb\nc\nd\n", "a\nc\nx\nd\n"), "|")
	if want := "  a|- b|  c|+ x|  d"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if Diff("", "") != nil || len(Diff("", "a\n")) != 1 || len(Diff("a\n", "")) != 1 {
		t.Error("a text that appears or goes is not one line")
	}
}
