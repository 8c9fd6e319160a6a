package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"gridgate/central/store"
	"gridgate/protocols/ingest"
	"gridgate/protocols/kit/lockout"
)

// records is a store of accounts and tokens in memory.
type records struct {
	mu     sync.Mutex
	users  map[string]store.User
	tokens map[string]store.Token
	keys   map[string]store.Credential
	open   map[string]store.Session
	err    error
}

func (r *records) UserBySubject(_ context.Context, subject string) (store.User, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, u := range r.users {
		if u.Subject == subject && subject != "" {
			return u, r.err
		}
	}
	return store.User{}, errors.Join(r.err, store.ErrNotFound)
}

func (r *records) ReplaceUser(_ context.Context, u store.User, seen time.Time, _ string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if was, known := r.users[u.Name]; known && !was.At.Equal(seen) || !known && !seen.IsZero() {
		return store.ErrConflict
	}
	r.users[u.Name] = u
	return r.err
}

func (r *records) PutToken(_ context.Context, t store.Token) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tokens[t.SHA256] = t
	return r.err
}

func (r *records) PutSession(_ context.Context, s store.Session, _ time.Time, _ int) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.open == nil {
		r.open = map[string]store.Session{}
	}
	r.open[s.SHA256] = s
	return r.err
}

func (r *records) Session(_ context.Context, sum string) (store.Session, store.User, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, ok := r.open[sum]
	u, known := r.users[s.User]
	if r.err == nil && !(ok && known) {
		return s, u, store.ErrNotFound
	}
	return s, u, r.err
}

func (r *records) RemoveSession(_ context.Context, sum string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.open, sum)
	return r.err
}

func (r *records) Sessions(context.Context, time.Time) (int, error) { return len(r.open), r.err }

func (r *records) Credential(_ context.Context, sum string) (store.Credential, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k, ok := r.keys[sum]
	if r.err == nil && !ok {
		return k, store.ErrNotFound
	}
	return k, r.err
}

// UseCredential ends the others at until.
func (r *records) UseCredential(_ context.Context, sum string, now, until time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for other, k := range r.keys {
		if k.Expires = until; other == sum {
			k.Expires, k.Used = r.keys[sum].Expires, now
		}
		r.keys[other] = k
	}
	return r.err
}

func (r *records) User(_ context.Context, name string) (store.User, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	u, ok := r.users[name]
	if !ok {
		return u, errors.Join(r.err, store.ErrNotFound)
	}
	return u, r.err
}

func (r *records) Token(_ context.Context, sum string) (store.Token, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t, ok := r.tokens[sum]
	if r.err != nil {
		return t, r.err
	}
	if !ok {
		return t, store.ErrNotFound
	}
	return t, nil
}

// desk is a service with one account, a clock that the test moves, and its records.
type desk struct {
	*Service
	records *records
	now     time.Time
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{now: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)}
	d.records = &records{
		users:  map[string]store.User{"night": {Name: "night", Hash: mustHash(t, password), Role: "operator"}},
		tokens: map[string]store.Token{},
	}
	d.Service = New(Options{Records: d.records, Secure: true, Now: func() time.Time { return d.now }})
	return d
}

func (d *desk) signIn(t *testing.T) *http.Cookie {
	t.Helper()
	c, _, err := d.SignIn(t.Context(), "night", password, "192.0.2.1:5000")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (d *desk) ask(cookie *http.Cookie, token string) error {
	r := httptest.NewRequest(http.MethodGet, "/v1/cases", nil)
	if cookie != nil {
		r.AddCookie(cookie)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	_, _, err := d.Authenticate(r)
	return err
}

func TestSession(t *testing.T) {
	d := newDesk(t)
	c := d.signIn(t)
	if !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Name != "gridgate_session" {
		t.Errorf("cookie %+v is not HttpOnly, Secure, SameSite=Strict on /", c)
	}
	if len(c.Value) < 43 {
		t.Errorf("cookie has %d characters, 256 bit need 43", len(c.Value))
	}
	if err := d.ask(c, ""); err != nil {
		t.Errorf("a fresh session is refused: %v", err)
	}
	d.now = d.now.Add(SessionLife)
	if err := d.ask(c, ""); !errors.Is(err, ErrDenied) {
		t.Errorf("after %s: %v, want ErrDenied", SessionLife, err)
	}
}

func TestSignOut(t *testing.T) {
	d := newDesk(t)
	c := d.signIn(t)
	if gone, err := d.SignOut(t.Context(), c.Value); err != nil || gone.MaxAge >= 0 || gone.Value != "" {
		t.Errorf("cookie %+v does not remove the browser's, %v", gone, err)
	}
	if err := d.ask(c, ""); !errors.Is(err, ErrDenied) {
		t.Errorf("after signing out: %v, want ErrDenied", err)
	}
}

func TestSessionEndsWithItsAccount(t *testing.T) {
	for name, change := range map[string]func(*records){
		"new password": func(r *records) { r.users["night"] = store.User{Name: "night", Hash: "other", Role: "operator"} },
		"new role": func(r *records) {
			u := r.users["night"]
			u.Role = "auditor"
			r.users["night"] = u
		},
		"disabled": func(r *records) {
			u := r.users["night"]
			u.Disabled = true
			r.users["night"] = u
		},
		"removed": func(r *records) { delete(r.users, "night") },
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			c := d.signIn(t)
			change(d.records)
			if err := d.ask(c, ""); !errors.Is(err, ErrDenied) {
				t.Errorf("got %v, want ErrDenied", err)
			}
		})
	}
}

// Other grids hold from the next request on, and the session goes on.
func TestGridsOfASessionFollowTheAccount(t *testing.T) {
	d := newDesk(t)
	c := d.signIn(t)
	u := d.records.users["night"]
	u.Grids, u.Unit = []string{"330106"}, "fire"
	d.records.users["night"] = u
	r := httptest.NewRequest(http.MethodGet, "/v1/cases", nil)
	r.AddCookie(c)
	p, _, err := d.Authenticate(r)
	if err != nil || p.Unit != "fire" || !p.Sees("330106109001") || p.Sees("330107109001") || p.Sees("") {
		t.Errorf("principal %+v, %v", p, err)
	}
}

func TestWrongPasswordAndUnknownAccountAreTheSame(t *testing.T) {
	d := newDesk(t)
	for _, tc := range []struct{ name, password string }{
		{"night", "wrong horse"}, {"nobody", password}, {"", password}, {"night", ""}, {"night\x00", password},
		{"night", strings.Repeat("x", MaxPassword+1)},
	} {
		if _, _, err := d.SignIn(t.Context(), tc.name, tc.password, "192.0.2.9:1"); err != ErrDenied {
			t.Errorf("%q/%d bytes: %v, want ErrDenied itself", tc.name, len(tc.password), err)
		}
		d.now = d.now.Add(time.Hour)
	}
}

func TestLockout(t *testing.T) {
	d := newDesk(t)
	try := func(password, remote string) error {
		_, _, err := d.SignIn(t.Context(), "night", password, remote)
		return err
	}
	for range lockout.Free + 1 {
		if err := try("wrong horse", "192.0.2.1:1"); err != ErrDenied {
			t.Fatalf("a free failure: %v", err)
		}
	}
	var locked LockedError
	if err := try(password, "192.0.2.1:2"); !errors.As(err, &locked) || locked.Wait != lockout.FirstWait {
		t.Fatalf("the right password while locked: %v, want a wait of %s", err, lockout.FirstWait)
	}
	if err := try(password, "192.0.2.2:1"); err != nil {
		t.Errorf("another address is locked, too: %v", err)
	}
	d.now = d.now.Add(lockout.FirstWait)
	if err := try("wrong horse", "192.0.2.1:3"); err != ErrDenied {
		t.Errorf("after the wait: %v", err)
	}
	if err := try(password, "192.0.2.1:4"); !errors.As(err, &locked) || locked.Wait != 2*lockout.FirstWait {
		t.Errorf("the second wait is %s, want %s", locked.Wait, 2*lockout.FirstWait)
	}
	d.now = d.now.Add(2 * lockout.FirstWait)
	if err := try(password, "192.0.2.1:5"); err != nil {
		t.Errorf("the right password after the wait: %v", err)
	}
	if err := try("wrong horse", "192.0.2.1:6"); err != ErrDenied {
		t.Errorf("a success does not forget the failures: %v", err)
	}
}

func TestLockoutCountsGuessesSentAtOnce(t *testing.T) {
	d := newDesk(t)
	var mu sync.Mutex
	var judged int
	var wg sync.WaitGroup
	for range 40 {
		wg.Go(func() {
			_, _, err := d.SignIn(context.Background(), "night", "wrong horse", "192.0.2.1:1")
			mu.Lock()
			defer mu.Unlock()
			if err == ErrDenied {
				judged++
			}
		})
	}
	wg.Wait()
	if judged != lockout.Free+1 {
		t.Errorf("%d of 40 guesses sent at once were judged, want %d", judged, lockout.Free+1)
	}
}

func TestToken(t *testing.T) {
	d := newDesk(t)
	good, ended := NewToken(), NewToken()
	d.records.tokens[HashToken(good)] = store.Token{Name: "map", Scopes: []string{"read", "fly"}, Expires: d.now.Add(time.Second)}
	d.records.tokens[HashToken(ended)] = store.Token{Name: "old", Scopes: []string{"read"}, Expires: d.now}
	if err := d.ask(nil, good); err != nil {
		t.Errorf("a good token is refused: %v", err)
	}
	for name, token := range map[string]string{"unknown": NewToken(), "ended": ended, "long": strings.Repeat("x", 10_000)} {
		if err := d.ask(nil, token); err != ErrDenied {
			t.Errorf("%s token: %v, want ErrDenied itself", name, err)
		}
	}
	if err := d.ask(d.signIn(t), "wrong"); err != ErrDenied {
		t.Errorf("a wrong token beside a good session: %v", err)
	}
	d.records.err = errors.New("disk")
	if err := d.ask(nil, good); err == nil || errors.Is(err, ErrDenied) {
		t.Errorf("a store that fails: %v, want its error", err)
	}
}

func TestCredential(t *testing.T) {
	d := newDesk(t)
	first, second, ended := NewCredential(), NewCredential(), NewCredential()
	d.records.keys = map[string]store.Credential{
		HashToken(first):  {Edge: "a", Expires: d.now.Add(time.Hour), Used: d.now},
		HashToken(second): {Edge: "a", Expires: d.now.Add(2 * time.Hour)},
		HashToken(ended):  {Edge: "a", Expires: d.now},
	}
	ask := func(token string) (Principal, error) {
		r := httptest.NewRequestWithContext(t.Context(), "POST", "/", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		p, _, err := d.Authenticate(r)
		return p, err
	}
	for name, token := range map[string]string{"unknown": NewCredential(), "ended": ended} {
		if _, err := ask(token); !errors.Is(err, ErrDenied) {
			t.Errorf("a credential that is %s: %v", name, err)
		}
	}
	for range 2 { // the first of which ends the other, after a while
		if p, err := ask(second); err != nil || p.Edge != "a" || p.Credential != HashToken(second) || len(p.Scopes) != 0 || p.Staff() {
			t.Fatalf("got %+v, %v", p, err)
		}
		if _, err := ask(first); err != nil {
			t.Fatalf("the one before, while requests may be under way: %v", err)
		}
	}
	d.now = d.now.Add(ingest.Overlap)
	if _, err := ask(first); !errors.Is(err, ErrDenied) {
		t.Errorf("the one before, later: %v", err)
	}
	d.records.keys = nil
	if _, err := ask(second); !errors.Is(err, ErrDenied) {
		t.Errorf("a revoked one is remembered: %v", err)
	}
	d.records.err = errors.New("disk")
	if _, err := ask(second); err == nil || errors.Is(err, ErrDenied) {
		t.Errorf("a store that fails: %v", err)
	}
}

func TestFixedToken(t *testing.T) {
	d := newDesk(t)
	s := New(Options{Records: d.records, Fixed: []store.Token{{SHA256: HashToken("0123456789"), Name: "edge-a", Edge: "a"}}})
	r := httptest.NewRequest(http.MethodPost, "/v1/events", nil)
	r.Header.Set("Authorization", "bearer 0123456789")
	p, _, err := s.Authenticate(r)
	if err != nil || p.Edge != "a" || p.May(Events) || p.May(Read) {
		t.Errorf("principal %+v, %v: want one that speaks for edge a only", p, err)
	}
}

func TestRequire(t *testing.T) {
	d := newDesk(t)
	token, ended := NewToken(), NewToken()
	d.records.tokens[HashToken(token)] = store.Token{Name: "map", Scopes: []string{"read"}, Expires: d.now.Add(time.Hour)}
	d.records.tokens[HashToken(ended)] = store.Token{Name: "old", Expires: d.now.Add(-time.Hour)}
	var seen Principal
	var deadline bool
	h := d.Require(Need(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		seen, _ = From(r.Context())
		_, deadline = r.Context().Deadline()
	}), Read))
	ask := func(authorization string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, "/v1/cases", nil)
		r.Header.Set("Authorization", authorization)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	if w := ask("Bearer " + token); w.Code != http.StatusOK || seen.Name != "map" || !deadline {
		t.Errorf("a good token: %d, %+v, deadline %v", w.Code, seen, deadline)
	}
	unknown := ask("Bearer " + NewToken())
	for _, other := range []string{"Bearer " + ended, "Basic bmlnaHQ6eA==", "Bearer", "x"} {
		w := ask(other)
		if w.Code != http.StatusUnauthorized || w.Body.String() != unknown.Body.String() || fmt.Sprint(w.Header()) != fmt.Sprint(unknown.Header()) {
			t.Errorf("%q gets %d %s, another answer than an unknown token", other, w.Code, w.Body)
		}
	}
	d.records.err = errors.New("disk")
	if w := ask("Bearer " + token); w.Code != http.StatusServiceUnavailable || strings.Contains(w.Body.String(), "disk") {
		t.Errorf("a store that fails: %d %s", w.Code, w.Body)
	}
}

func TestRolesAndScopes(t *testing.T) {
	for role, want := range map[Role]map[Scope]bool{
		Operator: {Read: true, Operate: true, Events: false},
		Auditor:  {Read: true, Operate: false, Events: false},
	} {
		p := Principal{Name: "x", Role: role, Scopes: scopesOf[role]}
		for scope, may := range want {
			if p.May(scope) != may {
				t.Errorf("%s may %s: %v", role, scope, !may)
			}
		}
	}
	if _, err := ParseRole("root"); err == nil {
		t.Error("role root is taken")
	}
	if _, err := ParseScope("fly"); err == nil {
		t.Error("scope fly is taken")
	}
	if (Principal{Name: "x", Role: Operator}).Actor() != "x" || (Principal{Name: "x"}).Actor() != "token:x" {
		t.Error("an actor does not say whether it is staff or a program")
	}
}
