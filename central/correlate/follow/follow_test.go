package follow_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"gridgate/central/cases"
	"gridgate/central/correlate"
	"gridgate/central/correlate/follow"
	"gridgate/central/correlate/rules"
	"gridgate/central/store"
	"gridgate/central/store/sqlite"
	"gridgate/central/store/sqlite/sqlitetest"
	"gridgate/protocols/alert"
)

var t0 = time.Date(2026, 3, 1, 20, 0, 0, 0, time.UTC)

const grid = "330106109001"

// bench is a real store, a clock and a job that can be stopped and started.
type bench struct {
	t     *testing.T
	store *sqlite.Store

	mu     sync.Mutex
	now    time.Time
	engine *rules.Engine
	n      int
}

func newBench(t *testing.T, text string) *bench {
	t.Helper()
	s, err := sqlitetest.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "central.db")})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, store: s, now: t0}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	b.rules(text)
	return b
}

func (b *bench) rules(text string) {
	b.t.Helper()
	f, err := rules.Parse("rules.yaml", []byte(text))
	if err != nil {
		b.t.Fatal(err)
	}
	e, err := rules.NewEngine(rules.Options{File: f})
	if err != nil {
		b.t.Fatal(err)
	}
	b.mu.Lock()
	b.engine = e
	b.mu.Unlock()
}

func (b *bench) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *bench) after(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

// start runs a job until its stop is called.
func (b *bench) start(change ...func(*follow.Options)) (stop func()) {
	b.t.Helper()
	o := follow.Options{Store: b.store, Now: b.clock, Every: 2 * time.Millisecond, Engine: func() *rules.Engine {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.engine
	}}
	for _, c := range change {
		c(&o)
	}
	job, err := follow.New(o)
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.t.Context())
	done := make(chan error, 1)
	go func() { done <- job.Run(ctx) }()
	return sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			b.t.Error(err)
		}
	})
}

// alert ingests one alert and returns its case.
func (b *bench) alert(kind alert.Kind, device string) string {
	b.t.Helper()
	b.n++
	a := received(fmt.Sprintf("0195d6a0-0000-7000-8000-%012x", b.n), kind, device, b.clock())
	if _, err := b.store.Ingest(b.t.Context(), store.Group{Alerts: []store.Received{a}}, correlate.ByKey, b.clock()); err != nil {
		b.t.Fatal(err)
	}
	stored, err := b.store.Alert(b.t.Context(), a.ID)
	if err != nil {
		b.t.Fatal(err)
	}
	return stored.CaseID
}

func received(id string, kind alert.Kind, device string, at time.Time) (r store.Received) {
	traits, _ := alert.TraitsOf(kind)
	r.ID, r.Source, r.Kind, r.State, r.Key = id, alert.SensorSource("e1", device), kind, alert.Momentary, alert.KeyOf("e1", device, "", kind)
	r.Severity, r.Grid, r.OccurredAt, r.RaisedAt, r.ReceivedAt, r.Clock, r.Origin = traits.Severity, grid, at, at, at, alert.EdgeClock, "test"
	return r
}

// settled waits until the job has come to the end of the log, its own events included.
func (b *bench) settled() {
	b.t.Helper()
	for {
		last, err := b.store.LastPosition(b.t.Context())
		if err != nil {
			b.t.Fatal(err)
		}
		at, err := b.store.Cursor(b.t.Context(), follow.Name)
		if err != nil {
			b.t.Fatal(err)
		}
		if at == last {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func (b *bench) one(id string) cases.Case {
	b.t.Helper()
	c, err := b.store.Case(b.t.Context(), id)
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

func (b *bench) log() (events []cases.Event) {
	b.t.Helper()
	events, err := b.store.Events(b.t.Context(), 0, 10_000)
	if err != nil {
		b.t.Fatal(err)
	}
	return events
}

const group = "rules:\n  - {id: g, sort: group, name: {zh: 组, en: group}, same: [grid, kind], within: 10m}\n"

// TestMergesAndTellsTheParent: two cases of one kind become one; the parent's history says so, and the log ends.
func TestMergesAndTellsTheParent(t *testing.T) {
	b := newBench(t, group)
	defer b.start()()
	first, second, other := b.alert(alert.Door, "d1"), b.alert(alert.Door, "d2"), b.alert(alert.Motion, "d3")
	b.settled()
	if got := b.one(second); got.Parent != first || got.MergedBy != "g" {
		t.Errorf("the second case is part of %q by %q", got.Parent, got.MergedBy)
	}
	if got := b.one(first).Parent + b.one(other).Parent; got != "" {
		t.Errorf("others are part of %q", got)
	}
	var told []string
	for _, e := range b.log() {
		if e.Rule != "" {
			told = append(told, fmt.Sprint(e.Type, " ", e.CaseID == first, " ", e.Why.EN != ""))
		}
	}
	if want := []string{"merged false true", "annotated true true"}; !slices.Equal(told, want) {
		t.Errorf("the rules said %q, want %q", told, want)
	}
}

// TestRestart: whoever takes over knows the window, does nothing twice, and does not judge again what was before new rules.
func TestRestart(t *testing.T) {
	b := newBench(t, "rules: []")
	stop := b.start()
	first, second := b.alert(alert.Door, "d1"), b.alert(alert.Door, "d2")
	b.settled()
	stop()
	b.rules(group)
	third := b.alert(alert.Door, "d3")
	stop = b.start()
	b.settled()
	stop()
	before := b.log()
	stop = b.start()
	b.settled()
	stop()
	if b.one(second).Parent != "" || b.one(third).Parent != first {
		t.Errorf("parents %q and %q, want none and the first", b.one(second).Parent, b.one(third).Parent)
	}
	if after := b.log(); !reflect.DeepEqual(before, after) {
		t.Errorf("a restart added %d events", len(after)-len(before))
	}
}

// TestTooLate: central was down for two hours; what came then is passed over, what comes now is not.
func TestTooLate(t *testing.T) {
	b := newBench(t, group)
	b.alert(alert.Door, "d1")
	old := b.alert(alert.Door, "d2")
	b.after(follow.ActWithin + time.Minute)
	fresh := b.alert(alert.Door, "d3")
	stop := b.start()
	newest := b.alert(alert.Door, "d4")
	b.settled()
	stop()
	if b.one(old).Parent != "" || b.one(fresh).Parent != "" || b.one(newest).Parent != fresh {
		t.Errorf("parents %q, %q, %q", b.one(old).Parent, b.one(fresh).Parent, b.one(newest).Parent)
	}
}

// TestAPersonTookItOut: what a person unmerged is not merged again, even by a central that did not see it in its window.
func TestAPersonTookItOut(t *testing.T) {
	b := newBench(t, group)
	stop := b.start()
	first, second := b.alert(alert.Door, "d1"), b.alert(alert.Door, "d2")
	b.settled()
	if _, err := b.store.Append(t.Context(), cases.Event{CaseID: second, Type: cases.EventUnmerged, At: b.clock(), Into: first, Actor: "zhang"}, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := b.store.Append(t.Context(), cases.Event{CaseID: second, Type: cases.EventClosed, At: b.clock(), Reason: cases.ReasonHandled, Actor: "zhang"}, 0); err != nil {
		t.Fatal(err)
	}
	b.settled()
	stop()
	n := len(b.log())
	defer b.start()()
	if _, err := b.store.AppendAll(t.Context(), []store.Change{{Event: cases.Event{
		CaseID: second, Type: cases.EventStepped, At: b.clock(), Actor: "zhang", Action: "reopen", Workflow: "w", Step: "s", State: cases.Open,
	}}}); err != nil {
		t.Fatal(err)
	}
	b.alert(alert.Door, "d2")
	b.settled()
	if got := b.one(second).Parent; got != "" || len(b.log()) != n+2 {
		t.Errorf("it is part of %q again; %d events, want %d", got, len(b.log()), n+2)
	}
}

// shaky is a store whose first steps conflict, and in which somebody else does something at that moment.
type shaky struct {
	follow.Store
	left      int
	meanwhile func()
}

func (s *shaky) Advance(ctx context.Context, a store.Advance) ([]cases.Case, error) {
	if len(a.Changes) > 0 && s.left > 0 {
		s.left--
		s.meanwhile()
		return nil, store.ErrConflict
	}
	return s.Store.Advance(ctx, a)
}

// TestConflict: a case that changed meanwhile is looked at again; what does not hold any more is not done.
func TestConflict(t *testing.T) {
	b := newBench(t, group)
	first, second, third := b.alert(alert.Door, "d1"), b.alert(alert.Door, "d2"), b.alert(alert.Door, "d3")
	defer b.start(func(o *follow.Options) {
		o.Store = &shaky{Store: b.store, left: 3, meanwhile: sync.OnceFunc(func() {
			_, err := b.store.Append(t.Context(), cases.Event{CaseID: second, Type: cases.EventMerged, At: b.clock(), Into: third, Actor: "zhang"}, 0)
			if err != nil {
				t.Error(err)
			}
		})}
	})()
	b.settled()
	if b.one(second).Parent != third || b.one(third).Parent != first {
		t.Errorf("parents %q and %q", b.one(second).Parent, b.one(third).Parent)
	}
}

// TestAnotherLeader: a cursor that somebody else moved ends the lead; nothing is done twice.
func TestAnotherLeader(t *testing.T) {
	b := newBench(t, group)
	first, second := b.alert(alert.Door, "d1"), b.alert(alert.Door, "d2")
	lead := &once{}
	stop := b.start(func(o *follow.Options) {
		o.Lead = lead
		o.Store = &shaky{Store: b.store, left: 1, meanwhile: func() {
			if _, err := b.store.Advance(t.Context(), store.Advance{Job: follow.Name, From: 0, To: 2}); err != nil {
				t.Error(err)
			}
		}}
	})
	for lead.ended() == nil {
		time.Sleep(time.Millisecond)
	}
	stop()
	if !errors.Is(lead.ended(), store.ErrConflict) || b.one(second).Parent == first {
		t.Errorf("the lead ended by %v, parent %q", lead.ended(), b.one(second).Parent)
	}
}

// once leads one time and keeps how that ended.
type once struct {
	mu  sync.Mutex
	err error
}

func (o *once) ended() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}

func (o *once) Lead(ctx context.Context, task string, do func(context.Context) error) error {
	if task != follow.Name || o.ended() != nil {
		<-ctx.Done()
		return nil
	}
	err := do(ctx)
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil {
		o.err = err
	}
	return err
}
