package orders

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"gridgate/central/store/postgres"
	"gridgate/central/store/sqlite"
	"gridgate/central/store/sqlite/sqlitetest"
	server "gridgate/deploy/testkit/postgres"
	"gridgate/protocols/ingest"
)

func TestOnSQLite(t *testing.T) {
	db, err := sqlitetest.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "central.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	testCentrals(t, db, db)
}

// Two centrals, each with its own connections to one PostgreSQL.
func TestOnPostgreSQL(t *testing.T) {
	running, err := server.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := running.Stop(); err != nil {
			t.Error(err)
		}
	})
	open := func() *postgres.Store {
		o := postgres.Options{URL: running.PublicURL("postgres"), Password: func() (string, error) { return server.Password, nil }}
		db, err := postgres.Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
		return db
	}
	testCentrals(t, open(), open())
}

// testCentrals goes through everything with two centrals that share a database and a folder: whatever one does, the other carries on.
func testCentrals(t *testing.T, first, second directory) {
	w := newTown(t, first)
	other := w.another(second)
	ctx := t.Context()
	w.good(w.s.Arrange(ctx, chief, "town-1", "north", []ingest.OrderZone{{Name: "yard", Outline: triangle}}, nil, 0))
	w.good(other.Arrange(ctx, chief, "town-1", "north", []ingest.OrderZone{{Name: "gate"}}, nil, 1))
	if a, err := w.s.Arrangement(ctx, night, "town-1", "north"); err != nil || a.Version != 2 || a.Zones[0].Name != "gate" {
		t.Fatalf("%+v, %v", a, err)
	}
	w.good(w.s.SetMode(ctx, night, "town-1", ingest.ModeOrder{Device: "door", Mode: WalkTest, Until: noon.Add(time.Hour)}, "", 0))
	w.good(other.EndMode(ctx, day, "town-1", "door", "", 1))
	l := w.open(night)
	if l2, err := other.Look(ctx, night, l.ID); err != nil || l2.Reason != l.Reason {
		t.Fatalf("at the other central: %+v, %v", l2, err)
	}
	heard := other.Newer(ctx, "town-1", "", 0)
	if heard == nil || len(heard.Looks) != 1 || len(heard.Modes) != 0 || len(heard.Cameras) != 1 {
		t.Fatalf("the edge hears %+v", heard)
	}
	if again := w.s.Newer(ctx, "town-1", heard.Revision, 0); again != nil {
		t.Errorf("the two centrals want different things: %+v", again)
	}
	w.good(other.Bring(ctx, "town-1", l.ID, picture(t, 3, 64)))
	if p, err := w.s.Watch(ctx, night, l.ID, "", 0); err != nil || p.Data == nil {
		t.Errorf("a picture that came to the other: %v", err)
	}
	w.good(other.Stop(ctx, night, l.ID))
	if _, err := w.s.Watch(ctx, night, l.ID, "", 0); !errors.Is(err, ErrOver) {
		t.Errorf("after its end at the other: %v", err)
	}
	trial, err := w.s.Try(ctx, chief, "town-1", "south", []ingest.OrderZone{{Name: "yard"}}, nil, 60)
	w.good(err)
	w.good(other.Answer(ctx, "town-1", trial.ID, ingest.TrialResult{Samples: 4}))
	if r, err := w.s.Tried(ctx, chief, trial.ID, 0); err != nil || r.Result == nil || r.Result.Samples != 4 {
		t.Errorf("%+v, %v", r, err)
	}
	limit(t, w, other)
	if list, err := other.Looks(ctx, night, "town-1"); err != nil || len(list) != 1+LooksOfAccount {
		t.Errorf("%d looks, %v", len(list), err)
	}
}

// limit asks both at the same moment for more than an account may have.
func limit(t *testing.T, w *town, other *Service) {
	t.Helper()
	done := make(chan error)
	for i := range 6 {
		s := []*Service{w.s, other}[i%2]
		go func() {
			_, err := s.Open(context.WithoutCancel(t.Context()), day, LookRequest{Edge: "town-1", Camera: "south", Reason: "smoke"})
			done <- err
		}()
	}
	opened := 0
	for range 6 {
		if err := <-done; err == nil {
			opened++
		} else {
			refusedAs(t, err, TooMany)
		}
	}
	if opened != LooksOfAccount {
		t.Errorf("%d looks were opened at once, want %d", opened, LooksOfAccount)
	}
}
