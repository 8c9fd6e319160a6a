package sqlite

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"gridgate/central/cases"
	"gridgate/central/correlate"
	"gridgate/central/store"
)

func openedHere(t *testing.T) (s *Store, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "central.db")
	s, err := Open(t.Context(), Options{Path: path, CacheBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, path
}

func takeOne(t *testing.T, s *Store, key int) (store.StoredAlert, error) {
	t.Helper()
	a := benchAlert(key, time.Now().UTC())
	if _, err := s.Ingest(t.Context(), store.Group{Alerts: []store.Received{a}}, correlate.ByKey, a.ReceivedAt); err != nil {
		return store.StoredAlert{}, err
	}
	return s.Alert(t.Context(), a.ID)
}

// TestARecallThatFailsIsMadeUpFor loses a transaction and, with it, what the writer remembers: until that could be read again nothing
// is written, and then no position was given out in vain.
func TestARecallThatFailsIsMadeUpFor(t *testing.T) {
	s, path := openedHere(t)
	if _, err := takeOne(t, s, 1); err != nil {
		t.Fatal(err)
	}
	other, err := openConn(dsn(path, 1<<20))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := other.close(); err != nil {
			t.Error(err)
		}
	}()
	if _, err := s.writer.c.exec("PRAGMA busy_timeout = 0"); err != nil {
		t.Fatal(err)
	}
	err = s.writer.transact(func() error {
		s.writer.last, s.writer.lastAlert = s.writer.last+7, s.writer.lastAlert+7
		if _, err := s.writer.c.exec("ROLLBACK"); err != nil {
			t.Error(err)
		}
		if _, err := other.exec("BEGIN IMMEDIATE"); err != nil { // nobody else writes from now on
			t.Error(err)
		}
		return errors.New("broken")
	})
	if err == nil || !s.writer.astray {
		t.Fatalf("the writer is not astray after %v", err)
	}
	if _, err := takeOne(t, s, 2); err == nil {
		t.Fatal("a writer that is astray wrote")
	}
	if _, err := other.exec("ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	a, err := takeOne(t, s, 3)
	if err != nil || a.Position != 2 {
		t.Fatalf("the second alert has position %d, %v", a.Position, err)
	}
	if last, err := s.LastPosition(t.Context()); err != nil || last != 2 {
		t.Errorf("the second event has position %d, %v", last, err)
	}
}

// An operator who comes too late costs the writer nothing of what it remembers.
func TestARefusedEventForgetsNothing(t *testing.T) {
	s, _ := openedHere(t)
	a, err := takeOne(t, s, 1)
	if err != nil {
		t.Fatal(err)
	}
	e := cases.Event{CaseID: a.CaseID, Type: cases.EventAcknowledged, At: a.ReceivedAt, Actor: "zhang"}
	if _, err := s.Append(t.Context(), e, 99); !errors.Is(err, store.ErrConflict) {
		t.Errorf("an outdated view: %v", err)
	}
	e.Type = cases.EventReleased
	if _, err := s.Append(t.Context(), e, 0); !errors.Is(err, store.ErrConflict) {
		t.Errorf("an illegal event: %v", err)
	}
	e.CaseID = a.ID
	if _, err := s.Append(t.Context(), e, 0); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("no case: %v", err)
	}
	if len(s.writer.newest) != 1 {
		t.Errorf("%d cases are remembered", len(s.writer.newest))
	}
}

// TestNobodyWaitsAtTheDoor has every reader busy with lists: who an edge is can be told all the same.
func TestNobodyWaitsAtTheDoor(t *testing.T) {
	s, _ := openedHere(t)
	for range s.read.Stats().MaxOpenConnections {
		c, err := s.read.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // only a failure waits for it
	defer cancel()
	for what, look := range map[string]func() error{
		"token":      func() error { _, err := s.Token(ctx, "x"); return err },
		"credential": func() error { _, err := s.Credential(ctx, "x"); return err },
		"user":       func() error { _, err := s.User(ctx, "x"); return err },
	} {
		if err := look(); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestANewerDatabaseIsLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "central.db")
	s, err := Open(t.Context(), Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.put(t.Context(), "spoil", "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)"); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if again, err := Open(t.Context(), Options{Path: path}); !errors.Is(err, ErrNewer) {
		t.Errorf("a newer database: %v", err)
		if err == nil {
			_ = again.Close()
		}
	}
}
