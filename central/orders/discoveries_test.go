package orders

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"gridgate/central/auth"
	"gridgate/central/store"
	"gridgate/protocols/ingest"
)

var harvest = ingest.DiscoveryResult{Found: []ingest.Found{{
	Address: "192.0.2.10", Protocols: []string{"onvif"}, Manufacturer: "Hikvision", Model: "DS-7608NI-K2", Notes: []string{"its clock is 2m0s off"}, Proposal: "  - id: cam-192-0-2-10\n",
}}}

// A search goes down, its result comes up once, from the edge that was asked, and is kept for a week.
func TestDiscovery(t *testing.T) {
	db := newMemory()
	w := newTown(t, db)
	ctx := t.Context()
	d, err := w.s.Discover(ctx, chief, "town-1", 5)
	w.good(err)
	got := w.s.Newer(ctx, "town-1", "", 0)
	if got == nil || len(got.Discoveries) != 1 || got.Discoveries[0].ID != d.ID || got.Discoveries[0].ForSec != 5 || got.Revision == "" {
		t.Fatalf("the edge hears %+v", got)
	}
	_, err = w.s.Discover(ctx, chief, "town-1", 5)
	refusedAs(t, err, TooMany)
	if r, err := w.s.Discovered(ctx, chief, d.ID, 0); err != nil || r.Done || r.Result != nil {
		t.Errorf("before the result: %+v, %v", r, err)
	}
	if err := w.s.Found(ctx, "town-2", d.ID, harvest); !errors.Is(err, ErrOver) {
		t.Errorf("from another edge: %v", err)
	}
	w.good(w.s.Found(ctx, "town-1", d.ID, harvest))
	if err := w.s.Found(ctx, "town-1", d.ID, harvest); !errors.Is(err, ErrOver) {
		t.Errorf("again: %v", err)
	}
	if got := w.s.Newer(ctx, "town-1", "stale", 0); got == nil || len(got.Discoveries) != 0 {
		t.Errorf("the edge hears %+v", got)
	}
	for _, s := range []*Service{w.s, w.another(db)} {
		r, err := s.Discovered(ctx, chief, d.ID, 0)
		if err != nil || !r.Done || r.Result == nil || r.Result.Found[0].Model != "DS-7608NI-K2" {
			t.Errorf("the result: %+v, %v", r, err)
		}
	}
	w.clock.pass(KeepDiscovery)
	if _, err := w.s.Discovered(ctx, chief, d.ID, 0); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("after a week: %v", err)
	}
	w.good(w.s.sweep(ctx))
	if list, err := w.s.Discoveries(ctx, chief, "town-1"); err != nil || len(list) != 0 || len(w.s.book.edges) != 0 {
		t.Errorf("after a week: %+v, %v", list, err)
	}
	for _, doc := range db.docs[[2]string{KindDiscoveries, "town-1"}] {
		if strings.Contains(string(doc.Body), "192.0.2.10") {
			t.Error("a version of a document, which stays for ever, holds what was found")
		}
	}
}

func TestDiscoveryWithoutAnswer(t *testing.T) {
	w := newTown(t, newMemory())
	ctx := t.Context()
	var last Discovery
	for range DiscoveriesKept + 1 {
		var err error
		last, err = w.s.Discover(ctx, chief, "town-1", 5)
		w.good(err)
		w.clock.pass(last.Until.Sub(last.At))
		w.good(w.s.sweep(ctx))
		w.report("town-1", "north")
	}
	if r, err := w.s.Discovered(ctx, chief, last.ID, 0); err != nil || !r.Done || r.Result == nil || r.Result.Why == "" {
		t.Errorf("%+v, %v", r, err)
	}
	if list, err := w.s.Discoveries(ctx, chief, "town-1"); err != nil || len(list) != DiscoveriesKept || list[0].ID != last.ID {
		t.Errorf("%d kept, %v", len(list), err)
	}
}

// A result that comes while a central, which has not heard of it, finds that nobody answered in time is not lost.
func TestAResultAtTheLastMomentStays(t *testing.T) {
	w := newTown(t, newMemory())
	ctx := t.Context()
	d, err := w.s.Discover(ctx, chief, "town-1", 5)
	w.good(err)
	trial, err := w.s.Try(ctx, chief, "town-1", "north", []ingest.OrderZone{{Name: "yard"}}, nil, 60)
	w.good(err)
	w.good(w.s.Found(ctx, "town-1", d.ID, harvest))
	w.good(w.s.Answer(ctx, "town-1", trial.ID, ingest.TrialResult{Samples: 7}))
	w.good(w.s.unanswered(ctx, d))
	w.good(w.s.untried(ctx, trial))
	if r, err := w.s.Discovered(ctx, chief, d.ID, 0); err != nil || r.Result == nil || len(r.Result.Found) != 1 || r.Result.Why != "" {
		t.Errorf("the search: %+v, %v", r, err)
	}
	if r, err := w.s.Tried(ctx, chief, trial.ID, 0); err != nil || r.Result == nil || r.Result.Samples != 7 || r.Result.Why != "" {
		t.Errorf("the trial: %+v, %v", r, err)
	}
	if left, err := os.ReadDir(w.dir); err != nil || len(left) != 2 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestDiscoveryIsRefused(t *testing.T) {
	w := newTown(t, newMemory())
	ctx := t.Context()
	for _, who := range []auth.Principal{night, person("part", auth.Administrator, "110101")} {
		_, err := w.s.Discover(ctx, who, "town-1", 5)
		refusedAs(t, err, Forbidden)
		_, err = w.s.Discoveries(ctx, who, "town-1")
		refusedAs(t, err, Forbidden)
		_, err = w.s.Discovered(ctx, who, "x", 0)
		refusedAs(t, err, Forbidden)
	}
	for _, seconds := range []int64{0, 31} {
		_, err := w.s.Discover(ctx, chief, "town-1", seconds)
		refusedAs(t, err, Invalid)
	}
	if _, err := w.s.Discover(ctx, chief, "town-9", 5); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("at an edge that is none: %v", err)
	}
	d, err := w.s.Discover(ctx, chief, "town-1", 5)
	w.good(err)
	for name, f := range map[string]ingest.Found{
		"no address":     {Address: "gate.example"},
		"protocol":       {Address: "192.0.2.1", Protocols: []string{"telnet"}},
		"model":          {Address: "192.0.2.1", Model: strings.Repeat("x", 65)},
		"two lines":      {Address: "192.0.2.1", Manufacturer: "a\nb"},
		"long note":      {Address: "192.0.2.1", Notes: []string{strings.Repeat("x", 201)}},
		"many notes":     {Address: "192.0.2.1", Notes: make([]string, 9)},
		"long proposal":  {Address: "192.0.2.1", Proposal: strings.Repeat("x", ingest.MaxProposal+1)},
		"control in one": {Address: "192.0.2.1", Proposal: "a\x1b[2Jb"},
	} {
		t.Run(name, func(t *testing.T) {
			refusedAs(t, w.s.Found(ctx, "town-1", d.ID, ingest.DiscoveryResult{Found: []ingest.Found{f}}), Invalid)
		})
	}
	refusedAs(t, w.s.Found(ctx, "town-1", d.ID, ingest.DiscoveryResult{Found: make([]ingest.Found, ingest.MaxFound+1)}), Invalid)
	w.clock.pass(time.Hour)
	_, err = w.s.Discover(ctx, chief, "town-1", 5)
	refusedAs(t, err, Conflict)
}
