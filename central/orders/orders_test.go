package orders

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gridgate/central/auth"
	"gridgate/central/store"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

func TestArrangement(t *testing.T) {
	w := newTown(t, newMemory())
	ctx := t.Context()
	zones := []ingest.OrderZone{{Name: "door", Outline: triangle, MinArea: 0.01, MinDurationMs: 500}}
	w.good(w.s.Arrange(ctx, chief, "town-1", "north", zones, []ingest.Outline{triangle}, 0))
	a, err := w.s.Arrangement(ctx, night, "town-1", "north")
	if err != nil || a.Version != 1 || a.InForce || a.By != "chief" || len(a.Zones) != 1 || len(a.Masks) != 1 || !a.At.Equal(noon) {
		t.Fatalf("%+v, %v", a, err)
	}
	if err := w.s.Arrange(ctx, chief, "town-1", "north", zones, nil, 7); !errors.Is(err, store.ErrConflict) {
		t.Errorf("what somebody else changed: %v", err)
	}
	w.good(w.s.Arrange(ctx, chief, "town-1", "north", zones, nil, 1))
	if got := w.s.Newer(ctx, "town-1", "", 0); got == nil || got.Cameras[0].Version != 2 || got.Cameras[0].Camera != "north" {
		t.Errorf("the edge hears %+v", got)
	}
	e, err := w.store.Edge(ctx, "town-1")
	w.good(err)
	e.Report.Devices[0].Arrangement, e.Report.Devices[0].Refused = 2, ""
	w.good(w.store.SaveSync(ctx, e))
	if a, err := w.s.Arrangement(ctx, night, "town-1", "north"); err != nil || !a.InForce {
		t.Errorf("once the edge follows: %+v, %v", a, err)
	}
	w.good(w.s.Unarrange(ctx, chief, "town-1", "north", 2))
	if err := w.s.Unarrange(ctx, chief, "town-1", "north", 0); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("what is not there: %v", err)
	}
	w.good(w.s.Arrange(ctx, chief, "town-1", "north", zones, nil, 0))
	if a, err := w.s.Arrangement(ctx, night, "town-1", "north"); err != nil || a.Version != 4 {
		t.Errorf("a version comes twice: %+v, %v", a, err)
	}
	if _, err := w.s.Arrangement(ctx, person("far", auth.Operator, "99"), "town-1", "north"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("from another grid: %v", err)
	}
}

// All that is wanted of an edge fits into the answer to its sync.
func TestArrangementsFit(t *testing.T) {
	w := newTown(t, newMemory())
	var cameras []string
	for i := range 60 {
		cameras = append(cameras, fmt.Sprintf("cam-%02d", i))
	}
	w.report("town-1", cameras...)
	var zones []ingest.OrderZone
	var masks []ingest.Outline
	for i := range ingest.MaxOrderZones {
		zones, masks = append(zones, ingest.OrderZone{Name: fmt.Sprint("zone ", i), Outline: ring(64)}), append(masks, ring(64))
	}
	var err error
	kept := 0
	for _, camera := range cameras {
		if err = w.s.Arrange(t.Context(), chief, "town-1", camera, zones, masks, 0); err != nil {
			break
		}
		kept++
	}
	refusedAs(t, err, TooMany)
	if kept < 10 {
		t.Errorf("%d cameras with all that may be drawn fit", kept)
	}
}

func TestModes(t *testing.T) {
	w := newTown(t, newMemory())
	ctx := t.Context()
	set := func(who auth.Principal, device, zone, mode, reason string, seen int64) error {
		return w.s.SetMode(ctx, who, "town-1", ingest.ModeOrder{Device: device, Zone: zone, Mode: mode, Until: noon.Add(time.Hour)}, reason, seen)
	}
	w.good(set(night, "north", "yard", Disarmed, "works in the yard", 0))
	w.good(set(night, "door", "", WalkTest, "", 1))
	w.good(set(person("boss", auth.Supervisor), "north", "yard", Armed, "", 2)) // in place of the first
	m, err := w.s.Modes(ctx, night, "town-1")
	if err != nil || m.Version != 3 || len(m.Items) != 2 || m.Items[1].Mode != Armed || m.Items[1].By != "boss" {
		t.Fatalf("%+v, %v", m, err)
	}
	if got := w.s.Newer(ctx, "town-1", "", 0); got == nil || len(got.Modes) != 2 || got.Modes[0] != (ingest.ModeOrder{Device: "door", Mode: WalkTest, Until: noon.Add(time.Hour)}) {
		t.Errorf("the edge hears %+v", got)
	}
	refusedAs(t, set(night, "smoke", "", Disarmed, "it beeps", 0), Conflict)
	refusedAs(t, set(night, "old", "", Disarmed, "it beeps", 0), Conflict)
	w.good(set(night, "smoke", "", WalkTest, "", 0))
	refusedAs(t, set(night, "north", "", Disarmed, "", 0), Invalid)
	refusedAs(t, set(night, "north", "pond", Armed, "", 0), Invalid)
	for _, role := range []auth.Role{auth.Worker, auth.Verifier, auth.Administrator, auth.Auditor, auth.Integrator} {
		refusedAs(t, set(person("x", role), "north", "", Armed, "", 0), Forbidden)
		refusedAs(t, w.s.EndMode(ctx, person("x", role), "town-1", "north", "yard", 0), Forbidden)
	}
	refusedAs(t, set(auth.Principal{Name: "bot", Scopes: []auth.Scope{auth.Operate}}, "north", "", Armed, "", 0), Forbidden)
	for err, want := range map[error]error{
		set(night, "west", "", Armed, "", 0):                                                                store.ErrNotFound,
		set(person("far", auth.Operator, "99"), "north", "", Armed, "", 0):                                  store.ErrNotFound,
		set(night, "north", "", Armed, "", 1):                                                               store.ErrConflict,
		w.s.EndMode(ctx, night, "town-1", "south", "", 0):                                                   store.ErrNotFound,
		w.s.EndMode(ctx, person("far", auth.Operator, "99"), "town-1", "north", "yard", 0):                  store.ErrNotFound,
		w.s.EndMode(ctx, night, "town-1", "north", "yard", 1):                                               store.ErrConflict,
		func() error { _, err := w.s.Modes(ctx, night, "town-9"); return err }():                            store.ErrNotFound,
		func() error { _, err := w.s.Modes(ctx, person("f", auth.Operator, "99"), "town-1"); return err }(): store.ErrNotFound,
	} {
		if !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
	w.good(w.s.EndMode(ctx, night, "town-1", "north", "yard", 0))
	w.clock.pass(time.Hour)
	if m, err := w.s.Modes(ctx, night, "town-1"); err != nil || len(m.Items) != 0 {
		t.Errorf("once all are over: %+v, %v", m, err)
	}
	w.report("town-1", "north")
	w.good(w.s.SetMode(ctx, night, "town-1", ingest.ModeOrder{Device: "north", Mode: Armed, Until: noon.Add(2 * time.Hour)}, "", 0))
	if m, err := w.s.Modes(ctx, night, "town-1"); err != nil || len(m.Items) != 1 {
		t.Errorf("those that are over are kept: %+v, %v", m, err)
	}
}

// A zone that was drawn here and that the edge does not report yet can be disarmed, too.
func TestModeOfDrawnZone(t *testing.T) {
	w := newTown(t, newMemory())
	w.good(w.s.Arrange(t.Context(), chief, "town-1", "north", []ingest.OrderZone{{Name: "pond"}}, nil, 0))
	w.good(w.s.SetMode(t.Context(), night, "town-1", ingest.ModeOrder{Device: "north", Zone: "pond", Mode: Armed, Until: noon.Add(time.Hour)}, "", 0))
}

// A change that another central came before is made of what is there then.
func TestRivals(t *testing.T) {
	db := newMemory()
	w := newTown(t, db)
	second := w.another(db)
	db.before = func() {
		w.good(second.SetMode(t.Context(), day, "town-1", ingest.ModeOrder{Device: "south", Mode: Armed, Until: noon.Add(time.Hour)}, "", 0))
	}
	w.good(w.s.SetMode(t.Context(), night, "town-1", ingest.ModeOrder{Device: "north", Mode: Armed, Until: noon.Add(time.Hour)}, "", 0))
	if m, err := second.Modes(t.Context(), night, "town-1"); err != nil || len(m.Items) != 2 {
		t.Errorf("%+v, %v", m, err)
	}
	w.open(night)
	db.before = func() { // the account's second look, at another edge
		w.report("town-2", "west")
		_, err := second.Open(t.Context(), night, LookRequest{Edge: "town-2", Camera: "west", Reason: "smoke"})
		w.good(err)
	}
	_, err := w.s.Open(t.Context(), night, LookRequest{Edge: "town-1", Camera: "south", Reason: "smoke"})
	refusedAs(t, err, TooMany)
}

// A document that is not what it should be is told of and has no effect; the others hold.
func TestSpoiltDocument(t *testing.T) {
	db := newMemory()
	w := newTown(t, db)
	w.good(db.PutDocuments(t.Context(), []store.Document{{Kind: KindModes, ID: "town-1", Version: 1, Body: []byte(`"spoilt"`), At: noon}}))
	w.good(w.s.Arrange(t.Context(), chief, "town-1", "north", []ingest.OrderZone{{Name: "yard"}}, nil, 0))
	if got := w.s.Newer(t.Context(), "town-1", "", 0); got == nil || len(got.Cameras) != 1 {
		t.Errorf("the edge hears %+v", got)
	}
	w.good(w.s.SetMode(t.Context(), night, "town-1", ingest.ModeOrder{Device: "north", Mode: Armed, Until: noon.Add(time.Hour)}, "", 0))
}

func TestTrial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, newMemory())
		ctx := t.Context()
		zones := []ingest.OrderZone{{Name: "yard"}}
		trial, err := w.s.Try(ctx, chief, "town-1", "north", zones, nil, 600)
		w.good(err)
		if got := w.s.Newer(ctx, "town-1", "", 0); got == nil || len(got.Trials) != 1 || got.Trials[0].LastSec != 600 || got.Trials[0].ID != trial.ID {
			t.Fatalf("the edge hears %+v", got)
		}
		tried := make(chan Tried, 1)
		wait := func() {
			r, err := w.s.Tried(ctx, chief, trial.ID, MaxWatch)
			if err != nil {
				t.Error(err)
			}
			tried <- r
		}
		go wait()
		if r := <-tried; r.Result != nil || r.Camera != "north" {
			t.Errorf("before the result: %+v", r)
		}
		go wait()
		time.Sleep(time.Second)
		result := ingest.TrialResult{From: noon.Add(-time.Hour), To: noon, Samples: 10, Would: []ingest.TrialEvent{{Zone: "yard", Kind: string(alert.Motion), From: noon, To: noon}}}
		result.Why = "two\nlines " + strings.Repeat("长", 300)
		result.Did = []ingest.TrialEvent{{Kind: string(alert.Motion), From: noon.Add(time.Millisecond), To: noon}}
		bad := result
		bad.Would = []ingest.TrialEvent{{Zone: "yard", Kind: "face", From: noon, To: noon}}
		refusedAs(t, w.s.Answer(ctx, "town-1", trial.ID, bad), Invalid)
		if err := w.s.Answer(ctx, "town-2", trial.ID, result); !errors.Is(err, ErrOver) {
			t.Errorf("from another edge: %v", err)
		}
		w.good(w.s.Answer(ctx, "town-1", trial.ID, result))
		r := <-tried
		if r.Result == nil || len(r.Result.Would) != 1 || !r.Result.Did[0].To.Equal(r.Result.Did[0].From) || len([]rune(r.Result.Why)) != MaxReason || strings.Contains(r.Result.Why, "\n") {
			t.Errorf("the result: %+v", r.Result)
		}
		if err := w.s.Answer(ctx, "town-1", trial.ID, result); !errors.Is(err, ErrOver) {
			t.Errorf("again: %v", err)
		}
		if _, err := w.s.Tried(ctx, person("far", auth.Operator, "99"), trial.ID, 0); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("from another grid: %v", err)
		}
		w.good(os.Chtimes(w.dir+"/"+trial.ID+".trial", noon, noon))
		w.clock.pass(KeepResult + time.Second)
		w.good(w.s.sweep(ctx))
		if _, err := w.s.Tried(ctx, chief, trial.ID, 0); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("kept long enough: %v", err)
		}
	})
}

// An edge that does not answer is not waited for any longer than a minute, and that is told.
func TestTrialWithoutAnswer(t *testing.T) {
	w := newTown(t, newMemory())
	zones := []ingest.OrderZone{{Name: "yard"}}
	var last Trial
	for range TrialsOfAccount {
		var err error
		last, err = w.s.Try(t.Context(), chief, "town-1", "north", zones, nil, 60)
		w.good(err)
	}
	_, err := w.s.Try(t.Context(), chief, "town-1", "north", zones, nil, 60)
	refusedAs(t, err, TooMany)
	for _, bad := range []int64{0, -1, 86401} {
		_, err := w.s.Try(t.Context(), chief, "town-1", "north", zones, nil, bad)
		refusedAs(t, err, Invalid)
	}
	w.clock.pass(TrialWithin)
	w.good(w.s.sweep(t.Context()))
	r, err := w.s.Tried(t.Context(), chief, last.ID, 0)
	if err != nil || r.Result == nil || r.Result.Why == "" {
		t.Errorf("%+v, %v", r, err)
	}
	if got := w.s.Newer(t.Context(), "town-1", "stale", 0); got == nil || len(got.Trials) != 0 {
		t.Errorf("the edge hears %+v", got)
	}
}

// A store that is away ends nothing, and nothing is done halfway.
func TestStoreAway(t *testing.T) {
	db := newMemory()
	w := newTown(t, db)
	l := w.open(night)
	db.fail = errors.New("no database")
	w.clock.pass(Unwatched)
	if err := w.s.sweep(t.Context()); err == nil {
		t.Error("nothing is told")
	}
	if _, ok := w.s.found(l.ID); !ok {
		t.Error("the look is forgotten")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.s.Run(ctx); err != nil {
		t.Error(err)
	}
	db.fail = nil
	w.good(w.s.sweep(t.Context()))
	if len(w.diary.entries) != 1 {
		t.Errorf("%d ends are written down", len(w.diary.entries))
	}
}
