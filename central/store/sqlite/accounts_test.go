package sqlite_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"gridgate/central/store"
	"gridgate/central/store/sqlite"
)

// TestAccountsBesideTheWriter writes by both doors at once: what a command did holds for the running central at once.
func TestAccountsBesideTheWriter(t *testing.T) {
	ctx, path, now := t.Context(), filepath.Join(t.TempDir(), "central.db"), time.Now().UTC()
	s, err := sqlite.Open(ctx, sqlite.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	a, err := sqlite.OpenAccounts(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}()
	stop := make(chan struct{})
	var busy sync.WaitGroup
	busy.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				if err := s.SaveSync(ctx, store.Edge{ID: "edge-1", LastSync: now}); err != nil {
					t.Error(err)
					return
				}
			}
		}
	})
	for range 20 {
		if err := a.PutCode(ctx, store.Code{SHA256: "code", Edge: "edge-1", Expires: now.Add(time.Hour)}, now); err != nil {
			t.Fatal(err)
		}
		k := store.Credential{SHA256: "k", Edge: "edge-1", Issued: now, Expires: now.Add(time.Hour)}
		if err := s.Enrol(ctx, "code", k, now); err != nil {
			t.Fatal(err)
		}
		if list, err := a.Enrolments(ctx); err != nil || len(list) != 1 || !list[0].Revoked.IsZero() {
			t.Fatalf("enrolments %+v, %v", list, err)
		}
		if err := a.Revoke(ctx, "edge-1", now); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Credential(ctx, "k"); !errors.Is(err, store.ErrNotFound) {
			t.Fatalf("a revoked credential: %v", err)
		}
	}
	documentsByBothDoors(t, s, a)
	close(stop)
	busy.Wait()
	if err := a.Revoke(ctx, "edge-2", now); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a stranger: %v", err)
	}
}

// documentsByBothDoors puts versions of one document by either door in turn; what was checked before the other one wrote is refused.
func documentsByBothDoors(t *testing.T, s *sqlite.Store, a *sqlite.Accounts) {
	t.Helper()
	ctx := t.Context()
	put := []func(context.Context, int64, []store.Document) error{s.PutDocumentsAt, a.PutDocumentsAt}
	for i := range int64(10) {
		seen, err := a.DocumentsRevision(ctx)
		if err != nil {
			t.Fatal(err)
		}
		d := []store.Document{{Kind: "grid", ID: "330106109001001", Version: i + 1, Body: []byte(`{}`)}}
		if err := put[i%2](ctx, seen, d); err != nil {
			t.Fatal(err)
		}
		d[0].Version++
		if err := put[(i+1)%2](ctx, seen, d); !errors.Is(err, store.ErrConflict) {
			t.Fatalf("a put that was checked before another: %v", err)
		}
		if list, err := a.DocumentsOf(ctx, "grid"); err != nil || len(list) != 1 || list[0].Version != i+1 {
			t.Fatalf("documents %+v, %v", list, err)
		}
	}
}
