package setup_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gridgate/central/setup"
	"gridgate/central/store"
	"gridgate/central/store/sqlite"
	"gridgate/central/store/sqlite/sqlitetest"
)

func opened(t *testing.T) *sqlite.Store {
	t.Helper()
	s, err := sqlitetest.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "central.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// sum adds up the numbers in the bodies; a number below zero is refused.
func sum(kind string) func(setup.Documents) (int, error) {
	return func(docs setup.Documents) (total int, err error) {
		for _, d := range docs[kind] {
			var n int
			if err := json.Unmarshal(d.Body, &n); err != nil {
				return 0, err
			}
			if n < 0 {
				return 0, fmt.Errorf("%s: %d is below zero", d.ID, n)
			}
			total += n
		}
		return total, nil
	}
}

func number(kind, id string, version int64, n int) store.Document {
	return store.Document{Kind: kind, ID: id, Version: version, Body: []byte(fmt.Sprint(n)), At: time.Unix(1, 0), Actor: "zhang"}
}

type world struct {
	store *sqlite.Store
	cache *setup.Cache
	a, b  *setup.Part[int]
}

func newWorld(t *testing.T, s *sqlite.Store) world {
	t.Helper()
	c := setup.New(setup.Options{Store: s})
	w := world{store: s, cache: c, a: setup.Add(c, "sum of a", []string{"a"}, -1, sum("a")), b: setup.Add(c, "sum of b", []string{"b"}, -2, sum("b"))}
	if w.a.Get() != -1 || w.b.Get() != -2 {
		t.Fatal("a part is not what it is to be before anything is loaded")
	}
	return w
}

func (w world) want(t *testing.T, a, b int) {
	t.Helper()
	if w.a.Get() != a || w.b.Get() != b {
		t.Fatalf("%d and %d, want %d and %d", w.a.Get(), w.b.Get(), a, b)
	}
}

func good(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestPutChecksEverything(t *testing.T) {
	w := newWorld(t, opened(t))
	ctx := t.Context()
	good(t, w.cache.Load(ctx))
	w.want(t, 0, 0)
	good(t, w.cache.Put(ctx, []store.Document{number("a", "x", 0, 3), number("a", "y", 1, 4), number("b", "x", 1, 5)}))
	w.want(t, 7, 5)
	var refused *setup.Refused
	err := w.cache.Put(ctx, []store.Document{number("a", "x", 0, 100), number("b", "z", 0, -1)})
	if !errors.As(err, &refused) || refused.Part != "sum of b" || !strings.Contains(err.Error(), "z: -1 is below zero") {
		t.Fatal(err)
	}
	w.want(t, 7, 5)
	if err := w.cache.Put(ctx, []store.Document{number("a", "x", 1, 100)}); !errors.Is(err, store.ErrConflict) {
		t.Fatalf("a stale version: %v", err)
	}
	if err := w.cache.Put(ctx, []store.Document{number("c", "x", 1, 100)}); err == nil || !strings.Contains(err.Error(), `kind "c"`) {
		t.Fatalf("a kind of which nothing is made: %v", err)
	}
	good(t, w.cache.Check(ctx, []store.Document{number("a", "x", 0, 100)}))
	w.want(t, 7, 5)
	good(t, w.cache.Put(ctx, []store.Document{{Kind: "a", ID: "x", Gone: true}, number("a", "w", 0, 1)}))
	w.want(t, 5, 5)
	good(t, w.cache.Put(ctx, []store.Document{number("a", "x", 3, 2)})) // comes back
	w.want(t, 7, 5)
	good(t, w.cache.Load(ctx))
	w.want(t, 7, 5)
}

// TestTwoCentrals puts by two caches on one database: each sees the other's, and what was checked with old documents is checked again.
func TestTwoCentrals(t *testing.T) {
	s := opened(t)
	first, second := newWorld(t, s), newWorld(t, s)
	ctx := t.Context()
	good(t, first.cache.Load(ctx))
	good(t, second.cache.Load(ctx))
	good(t, first.cache.Put(ctx, []store.Document{number("a", "x", 0, 1)}))
	good(t, second.cache.Put(ctx, []store.Document{number("a", "y", 0, 2)}))
	second.want(t, 3, 0)
	first.want(t, 1, 0)
	good(t, first.cache.Load(ctx))
	first.want(t, 3, 0)
}

// TestRivals changes the store between the check and the put.
func TestRivals(t *testing.T) {
	s := opened(t)
	rival := &rivalStore{Store: s}
	c := setup.New(setup.Options{Store: rival})
	a := setup.Add(c, "a", []string{"a"}, 0, sum("a"))
	rival.before = func() {
		rival.before = nil
		good(t, s.PutDocuments(t.Context(), []store.Document{number("a", "theirs", 1, 10)}))
	}
	good(t, c.Put(t.Context(), []store.Document{number("a", "ours", 0, 1)}))
	if a.Get() != 11 {
		t.Fatalf("%d, want what both put", a.Get())
	}
	n := int64(1)
	rival.before = func() {
		n++
		good(t, s.PutDocuments(t.Context(), []store.Document{number("a", "theirs", n, 10)}))
	}
	if err := c.Put(t.Context(), []store.Document{number("a", "ours", 0, 2)}); !errors.Is(err, store.ErrConflict) {
		t.Fatalf("a rival that never rests: %v", err)
	}
}

type rivalStore struct {
	*sqlite.Store
	before func()
}

func (r *rivalStore) PutDocumentsAt(ctx context.Context, revision int64, d []store.Document) error {
	if r.before != nil {
		r.before()
	}
	return r.Store.PutDocumentsAt(ctx, revision, d)
}

func TestWhatDoesNotBuildKeepsTheOld(t *testing.T) {
	s := opened(t)
	w := newWorld(t, s)
	ctx := t.Context()
	good(t, s.PutDocuments(ctx, []store.Document{number("a", "x", 1, 3), number("b", "x", 1, -5)}))
	var refused *setup.Refused
	if err := w.cache.Load(ctx); !errors.As(err, &refused) || refused.Part != "sum of b" {
		t.Fatal(err)
	}
	w.want(t, 3, -2)
	if trouble := w.cache.Trouble(); len(trouble) != 1 || trouble["sum of b"] == nil {
		t.Fatalf("trouble %v", trouble)
	}
	good(t, w.cache.Put(ctx, []store.Document{number("b", "x", 0, 5)})) // a put mends it
	w.want(t, 3, 5)
	good(t, w.cache.Load(ctx))
	if trouble := w.cache.Trouble(); len(trouble) != 0 {
		t.Fatalf("trouble %v", trouble)
	}
}

// counted is a store in memory that counts what is read of it.
type counted struct {
	mu       sync.Mutex
	revision int64
	docs     []store.Document
	lists    int
	fail     error
}

func (c *counted) set(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
}

func (c *counted) DocumentsRevision(context.Context) (int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.revision, c.fail
}

func (c *counted) DocumentVersions(_ context.Context, kind string) (map[string]int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := map[string]int64{}
	for _, d := range c.docs {
		if d.Kind == kind {
			out[d.ID] = d.Version
		}
	}
	return out, c.fail
}

func (c *counted) DocumentsOf(_ context.Context, kind string) (out []store.Document, _ error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lists++
	for _, d := range c.docs {
		if d.Kind == kind {
			out = append(out, d)
		}
	}
	return out, c.fail
}

func (c *counted) PutDocumentsAt(context.Context, int64, []store.Document) error { return nil }

func TestRunNoticesChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &counted{revision: 1, docs: []store.Document{number("a", "x", 1, 3), number("b", "x", 1, 5)}}
		c := setup.New(setup.Options{Store: s})
		a := setup.Add(c, "a", []string{"a"}, 0, sum("a"))
		b := setup.Add(c, "b", []string{"b"}, 0, sum("b"))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- c.Run(ctx) }()
		next := func(lists int, wantA, wantB int) {
			t.Helper()
			time.Sleep(1500 * time.Millisecond) // of the bubble's clock
			synctest.Wait()
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.lists != lists || a.Get() != wantA || b.Get() != wantB {
				t.Fatalf("%d lists, %d and %d, want %d, %d and %d", s.lists, a.Get(), b.Get(), lists, wantA, wantB)
			}
		}
		next(2, 3, 5)
		next(2, 3, 5) // nothing changed, nothing is read
		s.set(func() { s.revision, s.docs = 2, []store.Document{number("a", "x", 2, 4), number("b", "x", 1, 5)} })
		next(3, 4, 5) // only what changed is read
		s.set(func() { s.revision, s.docs, s.fail = 3, nil, errors.New("no database") })
		next(3, 4, 5)
		s.set(func() { s.fail = nil })
		next(5, 0, 0)
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	})
}
