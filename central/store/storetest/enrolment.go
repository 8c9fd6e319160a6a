package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gridgate/central/store"
)

// key returns a credential of an edge that was issued at t0 plus after, for a day.
func key(edge, sha256 string, after time.Duration) store.Credential {
	return store.Credential{SHA256: sha256, Edge: edge, Issued: t0.Add(after), Expires: t0.Add(after + 24*time.Hour)}
}

func good(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func absent(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("%s: %v, want %v", what, err, store.ErrNotFound)
	}
}

func testCode(t *testing.T, open Opener) {
	s := opened(t, open)
	ctx := t.Context()
	good(t, s.PutCode(ctx, store.Code{SHA256: "old", Edge: "edge-1", Expires: t0.Add(time.Hour)}, t0))
	good(t, s.PutCode(ctx, store.Code{SHA256: "code", Edge: "edge-1", Expires: t0.Add(time.Hour)}, t0.Add(time.Minute)))
	good(t, s.PutCode(ctx, store.Code{SHA256: "other", Edge: "edge-2", Expires: t0.Add(time.Hour)}, t0))
	absent(t, "a code that was replaced", s.Enrol(ctx, "old", key("edge-1", "k", 0), t0))
	absent(t, "the code of another edge", s.Enrol(ctx, "other", key("edge-1", "k", 0), t0))
	absent(t, "no code", s.Enrol(ctx, "", key("edge-1", "k", 0), t0))
	absent(t, "an unknown edge", s.Enrol(ctx, "code", key("edge-3", "k", 0), t0))
	absent(t, "a code that is over", s.Enrol(ctx, "code", key("edge-1", "k", 0), t0.Add(time.Hour)))
	list, err := s.Enrolments(ctx)
	want := store.Enrolment{Edge: "edge-1", Added: t0, CodeExpires: t0.Add(time.Hour)}
	if err != nil || len(list) != 2 || list[0] != want {
		t.Fatalf("enrolments %+v, %v", list, err)
	}
	if _, err := s.Credential(ctx, "k"); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("a refused code left a credential: %v", err)
	}
	good(t, s.Enrol(ctx, "code", key("edge-1", "k", 0), t0))
	absent(t, "a code that was spent", s.Enrol(ctx, "code", key("edge-1", "k2", 0), t0))
	if got, err := s.Credential(ctx, "k"); err != nil || got != key("edge-1", "k", 0) {
		t.Fatalf("credential %+v, %v", got, err)
	}
}

func testCodeOnce(t *testing.T, open Opener) {
	s := opened(t, open)
	good(t, s.PutCode(t.Context(), store.Code{SHA256: "code", Edge: "edge-1", Expires: t0.Add(time.Hour)}, t0))
	var spent atomic.Int64
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			switch err := s.Enrol(t.Context(), "code", key("edge-1", fmt.Sprint("k", i), 0), t0); {
			case err == nil:
				spent.Add(1)
			case !errors.Is(err, store.ErrNotFound):
				t.Error(err)
			}
		})
	}
	all.Wait()
	if spent.Load() != 1 {
		t.Fatalf("one code was spent %d times", spent.Load())
	}
}

// enrolled returns a store in which edge-1 has the credential "a", used.
func enrolled(t *testing.T, open Opener) (context.Context, store.Store) {
	t.Helper()
	s, ctx := opened(t, open), t.Context()
	good(t, s.PutCode(ctx, store.Code{SHA256: "code", Edge: "edge-1", Expires: t0.Add(time.Hour)}, t0))
	good(t, s.Enrol(ctx, "code", key("edge-1", "a", 0), t0))
	good(t, s.UseCredential(ctx, "a", t0, t0))
	return ctx, s
}

func ends(t *testing.T, s store.Store, sha256 string, want time.Time) {
	t.Helper()
	if k, err := s.Credential(t.Context(), sha256); err != nil || !k.Expires.Equal(want) {
		t.Fatalf("credential %s ends at %s, %v, want %s", sha256, k.Expires, err, want)
	}
}

func testRenew(t *testing.T, open Opener) {
	ctx, s := enrolled(t, open)
	soon, until := t0.Add(time.Hour), t0.Add(time.Hour+time.Minute)
	good(t, s.Renew(ctx, "a", key("edge-1", "lost", time.Hour), soon)) // its answer never arrives
	good(t, s.Renew(ctx, "a", key("edge-1", "b", 2*time.Hour), soon))
	_, err := s.Credential(ctx, "lost")
	absent(t, "a credential that was never used, after the next one", err)
	ends(t, s, "a", t0.Add(24*time.Hour)) // "b" was not used: "a" is good as before
	ends(t, s, "b", t0.Add(26*time.Hour))

	good(t, s.UseCredential(ctx, "b", soon, until))
	good(t, s.UseCredential(ctx, "b", soon.Add(time.Hour), soon))
	ends(t, s, "a", until)
	if b, err := s.Credential(ctx, "b"); err != nil || !b.Used.Equal(soon) || !b.Expires.Equal(t0.Add(26*time.Hour)) {
		t.Fatalf("after two uses: %+v, %v", b, err)
	}
	absent(t, "renewing by one that was replaced", s.Renew(ctx, "a", key("edge-1", "c", 3*time.Hour), soon))
	absent(t, "renewing for another edge", s.Renew(ctx, "b", key("edge-2", "c", 3*time.Hour), soon))
	absent(t, "renewing by one that is over", s.Renew(ctx, "b", key("edge-1", "c", 3*time.Hour), t0.Add(26*time.Hour)))
	absent(t, "using none", s.UseCredential(ctx, "none", soon, until))

	good(t, s.Renew(ctx, "b", key("edge-1", "c", 3*time.Hour), until))
	_, err = s.Credential(ctx, "a")
	absent(t, "one that is over, after the next one", err)
	list, err := s.Enrolments(ctx)
	if err != nil || len(list) != 1 || !list[0].Issued.Equal(t0.Add(2*time.Hour)) || !list[0].Expires.Equal(t0.Add(26*time.Hour)) {
		t.Fatalf("enrolments %+v, %v", list, err)
	}
}

// testSkew enrols again at a replica whose clock is behind that of the first.
func testSkew(t *testing.T, open Opener) {
	ctx, s := enrolled(t, open)
	good(t, s.PutCode(ctx, store.Code{SHA256: "again", Edge: "edge-1", Expires: t0.Add(time.Hour)}, t0))
	good(t, s.Enrol(ctx, "again", key("edge-1", "b", -time.Second), t0))
	good(t, s.UseCredential(ctx, "b", t0, t0.Add(time.Minute)))
	good(t, s.Renew(ctx, "b", key("edge-1", "c", time.Hour), t0.Add(time.Minute)))
}

func testRevoke(t *testing.T, open Opener) {
	ctx, s := enrolled(t, open)
	good(t, s.PutCode(ctx, store.Code{SHA256: "again", Edge: "edge-1", Expires: t0.Add(time.Hour)}, t0))
	good(t, s.PutCode(ctx, store.Code{SHA256: "other", Edge: "edge-2", Expires: t0.Add(time.Hour)}, t0))
	good(t, s.PutToken(ctx, store.Token{SHA256: "token", Name: "n", Edge: "edge-1"}))
	good(t, s.Revoke(ctx, "edge-1", t0.Add(time.Minute)))
	_, err := s.Credential(ctx, "a")
	absent(t, "a revoked credential", err)
	_, err = s.Token(ctx, "token")
	absent(t, "a token of a revoked edge", err)
	absent(t, "renewing", s.Renew(ctx, "a", key("edge-1", "b", 0), t0))
	absent(t, "using", s.UseCredential(ctx, "a", t0, t0))
	absent(t, "enrolling", s.Enrol(ctx, "again", key("edge-1", "b", 0), t0))
	absent(t, "revoking a stranger", s.Revoke(ctx, "edge-3", t0))
	list, err := s.Enrolments(ctx)
	if err != nil || len(list) != 2 || list[0] != (store.Enrolment{Edge: "edge-1", Added: t0, Revoked: t0.Add(time.Minute)}) {
		t.Fatalf("enrolments %+v, %v", list, err)
	}
	good(t, s.Enrol(ctx, "other", key("edge-2", "x", 0), t0)) // the neighbour noticed nothing
	good(t, s.PutCode(ctx, store.Code{SHA256: "new", Edge: "edge-1", Expires: t0.Add(time.Hour)}, t0))
	good(t, s.Enrol(ctx, "new", key("edge-1", "c", 0), t0))
	if list, err = s.Enrolments(ctx); err != nil || !list[0].Revoked.IsZero() || !list[0].CodeExpires.IsZero() {
		t.Fatalf("enrolled again: %+v, %v", list, err)
	}
}
