package orders

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gridgate/central/auth"
	"gridgate/central/store"
	"gridgate/protocols/ingest"
)

// A look goes down without who and why, its pictures come up and are seen by whom they are for, and what it cost is written down.
func TestLook(t *testing.T) {
	w := newTown(t, newMemory())
	ctx := t.Context()
	l := w.open(night)
	got := w.s.Newer(ctx, "town-1", "", 0)
	if got == nil || len(got.Looks) != 1 || got.Looks[0] != (ingest.Look{ID: l.ID, Camera: "north", Until: noon.Add(5 * time.Minute), EveryMs: 500}) {
		t.Fatalf("the edge hears %+v", got)
	}
	if p, err := w.s.Watch(ctx, night, l.ID, "", 0); err != nil || p.Data != nil || p.Tag != "" {
		t.Errorf("before the first picture: %+v, %v", p, err)
	}
	first, second := picture(t, 10, 64), picture(t, 20, 64)
	w.good(w.s.Bring(ctx, "town-1", l.ID, first))
	p, err := w.s.Watch(ctx, night, l.ID, "", 0)
	if err != nil || string(p.Data) != string(first) || p.Pictures != 1 {
		t.Fatalf("the first picture: %+v, %v", p.Tally, err)
	}
	if same, err := w.s.Watch(ctx, night, l.ID, p.Tag, 0); err != nil || same.Data != nil || same.Tag != p.Tag {
		t.Errorf("the same again: %v, %v", same.Tag, err)
	}
	w.clock.pass(time.Second)
	w.good(w.s.Bring(ctx, "town-1", l.ID, second))
	if p, err = w.s.Watch(ctx, night, l.ID, p.Tag, 0); err != nil || string(p.Data) != string(second) {
		t.Errorf("the second picture: %v", err)
	}
	_, err = w.s.Watch(ctx, day, l.ID, "", 0)
	refusedAs(t, err, Forbidden)
	if _, err := w.s.Watch(ctx, person("far", auth.Operator, "99"), l.ID, "", 0); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("from another grid: %v", err)
	}
	w.good(w.s.Stop(ctx, day, l.ID))
	if _, err := w.s.Watch(ctx, night, l.ID, "", 0); !errors.Is(err, ErrOver) {
		t.Errorf("after its end: %v", err)
	}
	if err := w.s.Bring(ctx, "town-1", l.ID, first); !errors.Is(err, ErrOver) {
		t.Errorf("a picture after its end: %v", err)
	}
	told, err := w.s.Look(ctx, night, l.ID)
	if err != nil || told.Cause != Stopped || told.Pictures != 2 || told.Bytes != int64(len(first)+len(second)) || told.Last.Sub(told.First) != time.Second {
		t.Errorf("it is told as %+v, %v", told, err)
	}
	if len(w.diary.entries) != 1 || w.diary.entries[0].Actor != "night" || !strings.Contains(w.diary.entries[0].Target, "pictures=2,bytes=") || w.diary.entries[0].Reason != "stopped" {
		t.Errorf("the audit log has %+v", w.diary.entries)
	}
	if left, _ := os.ReadDir(w.dir); len(left) != 0 {
		t.Errorf("%d files are left", len(left))
	}
	if got := w.s.Newer(ctx, "town-1", got.Revision, 0); got == nil || got.Revision != "" || len(got.Looks) != 0 {
		t.Errorf("afterwards the edge hears %+v", got)
	}
}

// A look ends by itself: by its time, because nobody watches, because it has its pictures, because its account may no longer look.
func TestLooksEnd(t *testing.T) {
	for want, end := range map[Cause]func(w *town, l Look){
		Over: func(w *town, l Look) {
			for w.clock.Now().Before(l.Until) {
				w.clock.pass(9 * time.Second)
				_, _ = w.s.Watch(w.t.Context(), night, l.ID, "", 0)
			}
		},
		Left: func(w *town, l Look) { w.clock.pass(Unwatched) },
		Forbade: func(w *town, l Look) {
			w.account("night", auth.Operator, "99")
			w.clock.pass(accountsAt)
		},
		Counted: func(w *town, l Look) {
			still, err := w.s.Open(w.t.Context(), night, LookRequest{Edge: "town-1", Camera: "south", Reason: "to draw zones", Count: 1})
			w.good(err)
			w.good(w.s.Stop(w.t.Context(), night, l.ID))
			w.diary.entries = nil
			w.good(w.s.Bring(w.t.Context(), "town-1", still.ID, picture(w.t, 1, 64)))
			if err := w.s.Bring(w.t.Context(), "town-1", still.ID, picture(w.t, 1, 64)); !errors.Is(err, ErrOver) {
				w.t.Errorf("a second picture of a still: %v", err)
			}
			if p, err := w.s.Watch(w.t.Context(), night, still.ID, "", 0); err != nil || p.Data == nil {
				w.t.Errorf("the still: %v", err)
			}
			w.clock.pass(Unwatched)
		},
	} {
		w := newTown(t, newMemory())
		end(w, w.open(night))
		w.good(w.s.sweep(t.Context()))
		w.good(w.s.sweep(t.Context()))
		if len(w.diary.entries) != 1 || w.diary.entries[0].Reason != string(want) {
			t.Errorf("%s: the audit log has %+v", want, w.diary.entries)
		}
		if looks, _ := w.s.underWay(); len(looks) != 0 {
			t.Errorf("%s: %d looks are under way", want, len(looks))
		}
	}
}

// An edge that brings a picture that nobody watches is told to stop, whether anybody swept or not.
func TestUnwatchedPicture(t *testing.T) {
	w := newTown(t, newMemory())
	l := w.open(night)
	w.clock.pass(Unwatched)
	if err := w.s.Bring(t.Context(), "town-1", l.ID, picture(t, 1, 64)); !errors.Is(err, ErrOver) {
		t.Errorf("it is answered %v", err)
	}
	if told, err := w.s.Look(t.Context(), night, l.ID); err != nil || told.Cause != Left {
		t.Errorf("it is told as %+v, %v", told, err)
	}
}

func TestLookLimits(t *testing.T) {
	w := newTown(t, newMemory())
	ctx := t.Context()
	ask := func(who auth.Principal, camera string) error {
		_, err := w.s.Open(ctx, who, LookRequest{Edge: "town-1", Camera: camera, Reason: "smoke"})
		return err
	}
	first := w.open(night)
	w.open(night, "south")
	refusedAs(t, ask(night, "north"), TooMany) // two at a time
	w.open(day)
	w.open(day)
	w.account("third", auth.Supervisor)
	refusedAs(t, ask(person("third", auth.Supervisor), "south"), TooMany) // four at an edge
	w.good(w.s.Stop(ctx, night, first.ID))
	for n := 2; n < LooksAnHour; n++ {
		w.good(w.s.Stop(ctx, night, w.open(night, "south").ID))
	}
	refusedAs(t, ask(night, "south"), TooMany) // in an hour
	w.clock.pass(time.Hour)
	w.good(w.s.sweep(ctx))
	w.report("town-1", "north", "south")
	w.good(ask(night, "north"))
	if left, _ := os.ReadDir(w.dir); len(left) != 1 {
		t.Errorf("%d files for one look", len(left))
	}
}

func TestLooksADay(t *testing.T) {
	w := newTown(t, newMemory())
	for n := range LooksADay {
		who := []auth.Principal{night, day}[n%2]
		w.good(w.s.Stop(t.Context(), who, w.open(who).ID))
	}
	w.clock.pass(time.Hour)
	w.report("town-1", "north", "south")
	_, err := w.s.Open(t.Context(), night, LookRequest{Edge: "town-1", Camera: "north", Reason: "smoke"})
	refusedAs(t, err, TooMany)
	w.good(w.s.Stop(t.Context(), night, w.open(night, "south").ID))
	w.clock.pass(24 * time.Hour)
	w.report("town-1", "north", "south")
	w.open(night)
}

func TestWhoMayLook(t *testing.T) {
	w := newTown(t, newMemory())
	for _, role := range auth.Roles() {
		for count, may := range map[int]bool{
			0: role == auth.Operator || role == auth.Supervisor, 1: role == auth.Operator || role == auth.Supervisor || role == auth.Administrator,
		} {
			l, err := w.s.Open(t.Context(), person("the-"+string(role), role), LookRequest{Edge: "town-1", Camera: "north", Reason: "smoke", Count: count})
			if (err == nil) != may {
				t.Errorf("%s, %d pictures: %v", role, count, err)
			}
			if err == nil {
				w.good(w.s.Stop(t.Context(), night, l.ID))
			}
		}
	}
	program := auth.Principal{Name: "bot", Scopes: []auth.Scope{auth.Read, auth.Operate, auth.Configure}}
	_, err := w.s.Open(t.Context(), program, LookRequest{Edge: "town-1", Camera: "north", Reason: "smoke", Count: 1})
	refusedAs(t, err, Forbidden)
}

func TestBadLooks(t *testing.T) {
	w := newTown(t, newMemory())
	for _, r := range map[string]LookRequest{
		"no reason": {}, "a number": {Reason: "13812345678"}, "too long": {Reason: "smoke", Seconds: 301}, "too fast": {Reason: "smoke", EveryMs: 499},
		"negative": {Reason: "smoke", Count: -1}, "too wide": {Reason: "smoke", MaxSide: 4000},
	} {
		r.Edge, r.Camera = "town-1", "north"
		_, err := w.s.Open(t.Context(), night, r)
		refusedAs(t, err, Invalid)
	}
	for _, at := range [][2]string{{"town-2", "north"}, {"town-1", "west"}, {"town-1", "smoke"}} {
		if _, err := w.s.Open(t.Context(), night, LookRequest{Edge: at[0], Camera: at[1], Reason: "smoke"}); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%v: %v", at, err)
		}
	}
	w.clock.pass(inTouch + time.Second)
	_, err := w.s.Open(t.Context(), night, LookRequest{Edge: "town-1", Camera: "north", Reason: "smoke"})
	refusedAs(t, err, Conflict)
}

// Pictures may come unevenly, not more often than agreed.
func TestPictureRate(t *testing.T) {
	w := newTown(t, newMemory())
	l := w.open(night)
	taken := 0
	for range 100 { // ten seconds
		_, err := w.s.Watch(t.Context(), night, l.ID, "", 0)
		w.good(err)
		if err := w.s.Bring(t.Context(), "town-1", l.ID, picture(t, 1, 64)); err == nil {
			taken++
		} else {
			refusedAs(t, err, TooFast)
		}
		w.clock.pass(100 * time.Millisecond)
	}
	if taken < 20 || taken > 22 {
		t.Errorf("%d pictures in ten seconds, want 20 and one in advance", taken)
	}
	if err := w.s.Bring(t.Context(), "town-2", l.ID, picture(t, 1, 64)); !errors.Is(err, ErrOver) {
		t.Errorf("from another edge: %v", err)
	}
	w.clock.pass(time.Second)
	refusedAs(t, w.s.Bring(t.Context(), "town-1", l.ID, []byte("GIF89a")), BadPicture)
}

// Whoever waits for a picture has it as soon as it comes, or nothing after a while, or learns that the look is over.
func TestWatchWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, newMemory())
		l := w.open(night)
		got := make(chan Picture, 1)
		watch := func() {
			p, err := w.s.Watch(t.Context(), night, l.ID, "", MaxWatch)
			if err != nil && !errors.Is(err, ErrOver) {
				t.Error(err)
			}
			got <- p
		}
		began := time.Now()
		go watch()
		time.Sleep(3 * time.Second)
		w.good(w.s.Bring(t.Context(), "town-1", l.ID, picture(t, 1, 64)))
		if p := <-got; p.Data == nil || time.Since(began) > 3*time.Second+2*watchEvery {
			t.Errorf("it came after %s", time.Since(began))
		}
		w.good(w.s.Stop(t.Context(), night, l.ID))
		l = w.open(night)
		began = time.Now()
		go watch()
		if p := <-got; p.Data != nil || time.Since(began) != MaxWatch {
			t.Errorf("nothing came after %s", time.Since(began))
		}
		began = time.Now()
		go watch()
		time.Sleep(time.Second)
		w.good(w.s.Stop(t.Context(), night, l.ID))
		if <-got; time.Since(began) > time.Second+2*watchEvery {
			t.Errorf("the end was told after %s", time.Since(began))
		}
		l = w.open(night)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if p, err := w.s.Watch(ctx, night, l.ID, "", MaxWatch); err != nil || p.Data != nil {
			t.Errorf("somebody who is gone: %v", err)
		}
		w.s.Drain()
		began = time.Now()
		go watch()
		if <-got; time.Since(began) != 0 {
			t.Errorf("central stops after %s", time.Since(began))
		}
	})
}

// What a crash leaves is removed by the next sweep; what a look has is not.
func TestLitter(t *testing.T) {
	w := newTown(t, newMemory())
	l := w.open(night)
	w.good(w.s.Bring(t.Context(), "town-1", l.ID, picture(t, 1, 64)))
	stray := w.s.shelf
	w.good(stray.open("0190a1b2-0000-7000-8000-000000000000", noon))
	w.good(os.WriteFile(w.dir+"/0190a1b2-0000-7000-8000-000000000000.look.123", nil, 0o600))
	w.good(os.WriteFile(w.dir+"/other", nil, 0o600))
	for _, name := range []string{"0190a1b2-0000-7000-8000-000000000000.look.123", "other"} {
		w.good(os.Chtimes(w.dir+"/"+name, noon, noon))
	}
	w.clock.pass(litterAt + time.Second)
	w.good(w.s.shelf.watch(l.ID, w.clock.Now()))
	w.good(w.s.sweep(t.Context()))
	left, err := os.ReadDir(w.dir)
	w.good(err)
	if len(left) != 3 { // two of the look, and what is not ours
		t.Errorf("left: %v", left)
	}
}

// The list of looks has those of earlier versions, each once, as those who may see the camera see it.
func TestLookHistory(t *testing.T) {
	w := newTown(t, newMemory())
	for n := range keptEnded + 5 {
		l := w.open(night)
		w.clock.pass(time.Second)
		w.good(w.s.Stop(t.Context(), night, l.ID))
		if n == keptEnded {
			w.clock.pass(tellEnded)
			w.report("town-1", "north", "south")
		}
	}
	w.open(day)
	list, err := w.s.Looks(t.Context(), night, "town-1")
	if err != nil || len(list) != keptEnded+6 || !list[0].live() || list[0].By != "day" || list[1].live() || list[1].Reason == "" {
		t.Fatalf("%d looks, %v", len(list), err)
	}
	if kept := len(w.s.book.edges["town-1"].looks.Ended); kept != 4 {
		t.Errorf("the document repeats %d looks that ended", kept)
	}
	if list, err := w.s.Looks(t.Context(), person("far", auth.Operator, "99"), "town-1"); err != nil || len(list) != 0 {
		t.Errorf("from another grid: %d looks, %v", len(list), err)
	}
}
