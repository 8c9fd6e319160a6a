package storetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"gridgate/central/audit"
	"gridgate/central/store"
	"gridgate/protocols/alert"
)

const administrator = "administrator"

func conflict(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("%s: %v, want %v", what, err, want)
	}
}

func testAccounts(t *testing.T, open Opener) {
	s, ctx := opened(t, open), t.Context()
	boss := store.User{Name: "boss", Hash: "h", Role: administrator, At: t0}
	good(t, s.ReplaceUser(ctx, boss, time.Time{}, administrator))
	conflict(t, "a name that exists", s.ReplaceUser(ctx, boss, time.Time{}, administrator), store.ErrConflict)
	post := store.User{Name: "post", Role: "worker", Grids: []string{"330106", "330107001"}, Unit: "fire", Subject: "https://sso.example 7", At: t0.Add(1)}
	good(t, s.ReplaceUser(ctx, post, time.Time{}, administrator))
	conflict(t, "a name that does not exist", s.ReplaceUser(ctx, store.User{Name: "ghost"}, t0, administrator), store.ErrConflict)
	conflict(t, "a subject that another has", s.ReplaceUser(ctx, store.User{Name: "twin", Subject: post.Subject}, time.Time{}, administrator), store.ErrConflict)
	for _, get := range []func() (store.User, error){
		func() (store.User, error) { return s.User(ctx, "post") },
		func() (store.User, error) { return s.UserBySubject(ctx, post.Subject) },
	} {
		if got, err := get(); err != nil || !reflect.DeepEqual(got, post) {
			t.Fatalf("account %+v, %v", got, err)
		}
	}
	absent(t, "an account without a subject", func() error { _, err := s.UserBySubject(ctx, ""); return err }())
	later := post
	later.Disabled, later.Grids, later.At = true, nil, t0.Add(2)
	good(t, s.ReplaceUser(ctx, later, post.At, administrator))
	conflict(t, "an account that changed meanwhile", s.ReplaceUser(ctx, post, post.At, administrator), store.ErrConflict)
	if list, err := s.Users(ctx); err != nil || !reflect.DeepEqual(list, []store.User{boss, later}) {
		t.Fatalf("accounts %+v, %v", list, err)
	}
}

func testLastAdministrator(t *testing.T, open Opener) {
	s, ctx := opened(t, open), t.Context()
	one := store.User{Name: "one", Hash: "h", Role: administrator, At: t0}
	two := store.User{Name: "two", Hash: "h", Role: administrator, At: t0}
	good(t, s.PutUser(ctx, one))
	for name, change := range map[string]func(*store.User){
		"another role": func(u *store.User) { u.Role = "auditor" },
		"disabled":     func(u *store.User) { u.Disabled = true },
		"bound":        func(u *store.User) { u.Grids = []string{"33"} },
	} {
		u := one
		change(&u)
		conflict(t, name, s.ReplaceUser(ctx, u, one.At, administrator), store.ErrLastOne)
	}
	if got, err := s.User(ctx, "one"); err != nil || !reflect.DeepEqual(got, one) {
		t.Fatalf("a refused change left %+v, %v", got, err)
	}
	good(t, s.PutUser(ctx, two))
	var wg sync.WaitGroup
	refusals := make(chan error, 2)
	for _, u := range []store.User{one, two} {
		wg.Go(func() {
			u.Disabled, u.At = true, t0.Add(1)
			refusals <- s.ReplaceUser(context.WithoutCancel(ctx), u, t0, administrator)
		})
	}
	wg.Wait()
	a, b := <-refusals, <-refusals
	if (a == nil) == (b == nil) || !errors.Is(errors.Join(a, b), store.ErrLastOne) {
		t.Fatalf("two that disable each other: %v, %v", a, b)
	}
}

func testTokens(t *testing.T, open Opener) {
	s, ctx := opened(t, open), t.Context()
	a := store.Token{SHA256: "0123456789abcdef00", Name: "map", Scopes: []string{"read"}, Grids: []string{"33"}, Actor: "boss", Expires: t0.Add(time.Hour), At: t0}
	b := store.Token{SHA256: "0123456789abcdff00", Name: "bus", Edge: "edge-1", Expires: t0, At: t0}
	good(t, s.PutToken(ctx, a))
	good(t, s.PutToken(ctx, b))
	if list, err := s.Tokens(ctx); err != nil || !reflect.DeepEqual(list, []store.Token{b, a}) {
		t.Fatalf("tokens %+v, %v", list, err)
	}
	absent(t, "part of an id", s.RemoveToken(ctx, "0123456789abcde"))
	absent(t, "an id of none", s.RemoveToken(ctx, "0123456789abcdee"))
	good(t, s.RemoveToken(ctx, "0123456789abcdef"))
	absent(t, "a token that was removed", s.RemoveToken(ctx, "0123456789abcdef"))
	if got, err := s.Token(ctx, b.SHA256); err != nil || !reflect.DeepEqual(got, b) {
		t.Fatalf("the other token is %+v, %v", got, err)
	}
}

func testSessions(t *testing.T, open Opener) {
	dir := t.TempDir()
	s, err := open(t.Context(), dir)
	good(t, err)
	ctx := t.Context()
	u := store.User{Name: "post", Hash: "h", Role: "worker", At: t0}
	good(t, s.PutUser(ctx, u))
	for i := range 4 {
		n := store.Session{SHA256: fmt.Sprint("s", i), User: "post", Stamp: "x", Expires: t0.Add(time.Duration(i) * time.Hour)}
		good(t, s.PutSession(ctx, n, t0, 2))
	}
	good(t, s.Close())
	s, err = open(ctx, dir)
	good(t, err)
	defer func() { good(t, s.Close()) }()
	n, owner, err := s.Session(ctx, "s3")
	if want := (store.Session{SHA256: "s3", User: "post", Stamp: "x", Expires: t0.Add(3 * time.Hour)}); err != nil || n != want || !reflect.DeepEqual(owner, u) {
		t.Fatalf("session %+v of %+v, %v", n, owner, err)
	}
	for _, gone := range []string{"s0", "s1", "none"} {
		_, _, err := s.Session(ctx, gone)
		absent(t, gone, err)
	}
	if n, err := s.Sessions(ctx, t0.Add(2*time.Hour)); err != nil || n != 1 {
		t.Fatalf("%d sessions, %v", n, err)
	}
	good(t, s.RemoveSession(ctx, "s3"))
	good(t, s.RemoveSession(ctx, "s3"))
	_, _, err = s.Session(ctx, "s3")
	absent(t, "a session that was ended", err)
}

func testEvidenceGrids(t *testing.T, open Opener) {
	s, ctx := opened(t, open), t.Context()
	here, there := raised("cam"), raised("other", func(a *alert.Alert) { a.Grid = "330106109002" })
	put(t, s, t0, here, there)
	var list []alert.Evidence
	for _, id := range []string{here.ID, there.ID, alert.NewID()} {
		list = append(list, alert.Evidence{ID: alert.NewID(), Source: here.Source, AlertID: id, SHA256: "ab", MediaType: alert.JPEG, Bytes: 1, At: t0})
	}
	if _, err := s.AddEvidence(ctx, list, t0); err != nil {
		t.Fatal(err)
	}
	grids, err := s.EvidenceGrids(ctx, "ab")
	if slices.Sort(grids); err != nil || !slices.Equal(grids, []string{"330106109001", "330106109002"}) {
		t.Fatalf("grids %v, %v", grids, err)
	}
	if grids, err := s.EvidenceGrids(ctx, "cd"); err != nil || len(grids) != 0 {
		t.Fatalf("grids of no object: %v, %v", grids, err)
	}
}

func read(actor string, after time.Duration) audit.Entry {
	return audit.Entry{At: t0.Add(after), Actor: actor, Role: "worker", Action: "get-evidence", Target: "ab", Outcome: audit.Done, Status: 200, Remote: "192.0.2.1"}
}

// judged reads the log from its beginning to its end, and judges it.
func judged(t *testing.T, s store.Store) []audit.Entry {
	t.Helper()
	pruned, head, err := s.AuditEnds(t.Context())
	good(t, err)
	v := audit.NewVerifier(pruned)
	var all []audit.Entry
	for {
		part, err := s.AuditEntries(t.Context(), v.Last().Position, 7)
		good(t, err)
		if len(part) == 0 {
			good(t, v.Ends(head))
			return all
		}
		for _, e := range part {
			good(t, v.Next(e))
		}
		all = append(all, part...)
	}
}

func testAudit(t *testing.T, open Opener) {
	s, ctx := opened(t, open), t.Context()
	if all := judged(t, s); len(all) != 0 {
		t.Fatalf("a new log has %v", all)
	}
	var wg sync.WaitGroup
	failures := make(chan error, 8)
	for i := range 8 {
		wg.Go(func() {
			failures <- s.Record(context.WithoutCancel(ctx), []audit.Entry{read(fmt.Sprint("a", i%2), time.Duration(i)), read("b", time.Duration(i))})
		})
	}
	wg.Wait()
	for range 8 {
		good(t, <-failures)
	}
	good(t, s.Record(ctx, nil))
	if all := judged(t, s); len(all) != 16 {
		t.Fatalf("%d entries", len(all))
	}
	for _, tc := range []struct {
		q    store.AuditQuery
		want int
	}{
		{store.AuditQuery{}, 16}, {store.AuditQuery{Actor: "a1"}, 4}, {store.AuditQuery{Action: "get-evidence"}, 16}, {store.AuditQuery{Action: "x"}, 0},
		{store.AuditQuery{Actor: "b", Since: t0.Add(2), Until: t0.Add(5)}, 3},
	} {
		tc.q.Limit = 3
		var list []audit.Entry
		for {
			items, next, err := s.AuditPage(ctx, tc.q)
			good(t, err)
			list = append(list, items...)
			if tc.q.Cursor = next; next == "" {
				break
			}
		}
		if len(list) != tc.want || !slices.IsSortedFunc(list, func(a, b audit.Entry) int { return int(b.Position - a.Position) }) {
			t.Errorf("%+v lists %d entries, want %d, newest first", tc.q, len(list), tc.want)
		}
	}
	_, _, err := s.AuditPage(ctx, store.AuditQuery{Cursor: "none"})
	conflict(t, "a foreign cursor", err, store.ErrBadCursor)
}

func testAuditPrune(t *testing.T, open Opener) {
	dir := t.TempDir()
	s, err := open(t.Context(), dir)
	good(t, err)
	ctx := t.Context()
	for i := range 10 {
		good(t, s.Record(ctx, []audit.Entry{read("a", time.Duration(i))}))
	}
	all := judged(t, s)
	conflict(t, "another hash", s.PruneAudit(ctx, audit.Checkpoint{Position: 4, Hash: all[4].Hash}), store.ErrConflict)
	conflict(t, "no entry", s.PruneAudit(ctx, audit.Checkpoint{Position: 11, Hash: all[4].Hash}), store.ErrConflict)
	good(t, s.PruneAudit(ctx, audit.Checkpoint{Position: 4, Hash: all[3].Hash}))
	good(t, s.Close())
	s, err = open(ctx, dir)
	good(t, err)
	defer func() { good(t, s.Close()) }()
	good(t, s.Record(ctx, []audit.Entry{read("b", time.Hour)}))
	if left := judged(t, s); len(left) != 7 || left[0].Position != 5 || left[0].Previous != all[3].Hash {
		t.Fatalf("%d entries are left: %+v", len(left), left)
	}
}
