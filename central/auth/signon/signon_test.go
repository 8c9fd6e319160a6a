package signon

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gridgate/central/auth"
	"gridgate/central/store"
	"gridgate/deploy/testkit/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// staff keeps accounts in memory as a store does.
type staff struct {
	mu    sync.Mutex
	users map[string]store.User
	err   error
}

func (s *staff) User(_ context.Context, name string) (store.User, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, ok := s.users[name]
	if !ok {
		return u, store.ErrNotFound
	}
	return u, nil
}

func (s *staff) UserBySubject(_ context.Context, subject string) (store.User, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range s.users {
		if u.Subject == subject {
			return u, nil
		}
	}
	if s.err != nil {
		return store.User{}, s.err
	}
	return store.User{}, store.ErrNotFound
}

func (s *staff) ReplaceUser(_ context.Context, u store.User, seen time.Time, keep string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	was, known := s.users[u.Name]
	if known && !was.At.Equal(seen) || !known && !seen.IsZero() {
		return store.ErrConflict
	}
	if was.Role == keep && u.Role != keep {
		return store.ErrLastOne
	}
	s.users[u.Name] = u
	return nil
}

func (s *staff) PutToken(context.Context, store.Token) error { return nil }

// office is a Service over an issuer, with a clock that a test sets.
type office struct {
	*Service
	t     *testing.T
	town  *town
	staff *staff
	now   time.Time
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{t: t, town: newTown(t), staff: &staff{users: map[string]store.User{}}, now: noon}
	o.Service = New(Options{
		Issuer: o.town.server.URL, ClientID: "gridgate", Secret: clientSecret, Redirect: "https://gridgate.example/v1/session/oidc/callback", Claim: "groups",
		Groups: []Group{
			{"night", auth.Place{Role: "operator", Grids: []string{"110101"}, Unit: "post-1"}}, {"chief", auth.Place{Role: "administrator"}},
		},
		Records: o.staff, Secure: true, Logger: slog.New(slog.DiscardHandler), Now: func() time.Time { return o.now },
		Client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
	})
	return o
}

// leave begins, and returns what the browser would bring back.
func (o *office) leave() Callback {
	o.t.Helper()
	to, cookie, err := o.Begin(o.t.Context())
	if err != nil {
		o.t.Fatal(err)
	}
	code, state := o.town.grant(to)
	return Callback{Code: code, State: state, Cookie: cookie.Value}
}

func (o *office) wantReason(c Callback, want Reason) {
	o.t.Helper()
	u, err := o.Finish(o.t.Context(), c)
	var refused RefusedError
	if !errors.As(err, &refused) || refused.Reason != want || !slices.Contains(Reasons(), want) {
		o.t.Errorf("account %+v, error %v; want reason %s", u, err, want)
	}
}

func TestSignOn(t *testing.T) {
	o := newOffice(t)
	u, err := o.Finish(t.Context(), o.leave())
	want := store.User{Name: "li.wei", Role: "operator", Grids: []string{"110101"}, Unit: "post-1", Subject: o.town.server.URL + " s-1", At: noon}
	if err != nil || !reflect.DeepEqual(u, want) {
		t.Fatalf("account %+v, error %v; want %+v", u, err, want)
	}
	if kept := o.staff.users["li.wei"]; len(o.staff.users) != 1 || !reflect.DeepEqual(kept, want) {
		t.Errorf("kept %+v: nothing else of the claims may be", o.staff.users)
	}
	again, err := o.Finish(t.Context(), o.leave())
	if err != nil || !reflect.DeepEqual(again, want) {
		t.Errorf("the second time: %+v, %v", again, err)
	}
}

// Role and grids follow the groups at each sign-in; the name stays, and so does that an account is disabled.
func TestPlaceFollowsGroups(t *testing.T) {
	o := newOffice(t)
	if _, err := o.Finish(t.Context(), o.leave()); err != nil {
		t.Fatal(err)
	}
	o.town.claims = map[string]any{"groups": "chief", "preferred_username": "other"}
	u, err := o.Finish(t.Context(), o.leave())
	if err != nil || u.Name != "li.wei" || u.Role != "administrator" || u.Grids != nil || u.Unit != "" || len(o.staff.users) != 1 {
		t.Errorf("account %+v, error %v", u, err)
	}
	o.town.claims = nil
	o.wantReason(o.leave(), LastOne)
	o.town.claims = map[string]any{"groups": []string{"elsewhere"}}
	o.wantReason(o.leave(), NoGroup)
	u = o.staff.users["li.wei"]
	u.Disabled = true
	o.staff.users["li.wei"] = u
	o.town.claims = map[string]any{"groups": "chief"}
	o.wantReason(o.leave(), Disabled)
}

func TestRefusals(t *testing.T) {
	for name, tc := range map[string]struct {
		claims map[string]any
		want   Reason
	}{
		"wrong nonce":         {map[string]any{"nonce": "another"}, BadNonce},
		"no nonce":            {map[string]any{"nonce": ""}, BadNonce},
		"expired":             {map[string]any{"exp": noon.Add(-time.Second).Unix()}, BadToken},
		"wrong audience":      {map[string]any{"aud": "another"}, BadToken},
		"for another, too":    {map[string]any{"aud": []string{"gridgate", "another"}}, BadToken},
		"of another party":    {map[string]any{"azp": "another"}, BadToken},
		"another issuer":      {map[string]any{"iss": "https://another.example"}, BadToken},
		"no subject":          {map[string]any{"sub": ""}, BadToken},
		"subject of blanks":   {map[string]any{"sub": "a b"}, BadToken},
		"wrong token hash":    {map[string]any{"at_hash": "AAAA"}, BadToken},
		"name is a number":    {map[string]any{"preferred_username": 7}, BadToken},
		"unknown group":       {map[string]any{"groups": []string{"day"}}, NoGroup},
		"no groups":           {map[string]any{"groups": nil}, NoGroup},
		"groups of no form":   {map[string]any{"groups": map[string]any{"night": true}}, NoGroup},
		"no name":             {map[string]any{"preferred_username": ""}, BadName},
		"a name of no form":   {map[string]any{"preferred_username": "li wei"}, BadName},
		"a local name":        {map[string]any{"preferred_username": "admin"}, NameTaken},
		"another's name here": {map[string]any{"preferred_username": "taken"}, NameTaken},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			before := map[string]store.User{"admin": {Name: "admin", Hash: "x", Role: "administrator", At: noon}, "taken": {Name: "taken", Subject: "other s-1", At: noon}}
			o.staff.users = map[string]store.User{"admin": before["admin"], "taken": before["taken"]}
			o.town.claims = tc.claims
			o.wantReason(o.leave(), tc.want)
			if !reflect.DeepEqual(o.staff.users, before) {
				t.Errorf("accounts are now %+v", o.staff.users)
			}
		})
	}
}

func TestBadState(t *testing.T) {
	o := newOffice(t)
	good, other := o.leave(), o.leave()
	text, mac, _ := strings.Cut(good.Cookie, ".")
	for name, c := range map[string]Callback{
		"no state":             {Code: good.Code, Cookie: good.Cookie},
		"another's state":      {Code: good.Code, State: other.State, Cookie: good.Cookie},
		"no cookie":            {Code: good.Code, State: good.State},
		"another's cookie":     {Code: good.Code, State: good.State, Cookie: other.Cookie},
		"a cookie changed":     {Code: good.Code, State: good.State, Cookie: text + "AA." + mac},
		"a cookie of no key":   {Code: good.Code, State: good.State, Cookie: passage{State: good.State, Until: noon.Add(time.Hour).Unix()}.seal([]byte("guess"))},
		"a cookie of no text":  {Code: good.Code, State: good.State, Cookie: "!." + macOf(o.key, "!")},
		"a cookie too long":    {Code: good.Code, State: good.State, Cookie: strings.Repeat("x", 2000)},
		"sent back by another": {Code: good.Code, State: good.State, Cookie: good.Cookie, Issuer: "https://another.example"},
	} {
		t.Run(name, func(t *testing.T) { o.wantReason(c, BadState) })
	}
	o.wantReason(Callback{State: good.State, Cookie: good.Cookie, Error: "access_denied"}, NotGranted)
	o.now = noon.Add(StateLife)
	o.wantReason(good, BadState)
	o.now = noon
	if _, err := o.Finish(t.Context(), good); err != nil {
		t.Errorf("what was refused above is good: %v", err)
	}
}

func TestCodes(t *testing.T) {
	o := newOffice(t)
	first, second := o.leave(), o.leave()
	swapped := first
	swapped.Code = second.Code // its verifier is another
	o.wantReason(swapped, BadCode)
	if _, err := o.Finish(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	o.wantReason(first, BadCode) // replayed
}

func TestSignatures(t *testing.T) {
	o := newOffice(t)
	back := o.leave()
	o.town.alg = "none"
	o.wantReason(back, BadToken)
	o.town.alg = "RS256"
	if _, err := o.Finish(t.Context(), o.leave()); err != nil {
		t.Fatal(err)
	}
	another, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	o.town.mu.Lock()
	known := o.town.key
	o.town.key, o.town.signer, o.town.kid = another, another, "second"
	o.town.mu.Unlock()
	if _, err := o.Finish(t.Context(), o.leave()); err != nil {
		t.Errorf("after the issuer changed its key: %v", err)
	}
	back = o.leave()
	o.town.mu.Lock()
	o.town.signer = known // no longer one of the issuer's, by the name of one that is
	o.town.mu.Unlock()
	o.wantReason(back, BadToken)
}

func TestIssuerAway(t *testing.T) {
	o := newOffice(t)
	back := o.leave()
	o.town.away = true
	if _, err := o.Finish(t.Context(), back); !errors.Is(err, ErrAway) {
		t.Errorf("a token endpoint that refuses central: %v", err)
	}
	o.town.away = false
	o.town.keyless = true
	if _, err := o.Finish(t.Context(), o.leave()); !errors.Is(err, ErrAway) {
		t.Errorf("keys that cannot be read: %v", err)
	}
	o.town.server.Close()
	if _, err := o.Finish(t.Context(), back); !errors.Is(err, ErrAway) {
		t.Errorf("an issuer that is gone: %v", err)
	}
}

// An issuer that does not answer is not asked by each browser, and is found once it is back.
func TestDiscovery(t *testing.T) {
	o := newOffice(t)
	o.town.away = true
	for range 5 {
		if _, _, err := o.Begin(t.Context()); !errors.Is(err, ErrAway) {
			t.Fatalf("error %v", err)
		}
	}
	if o.town.asked != 1 {
		t.Errorf("asked %d times", o.town.asked)
	}
	o.town.away, o.now = false, noon.Add(failedFor)
	for range 5 {
		o.leave()
	}
	o.now = o.now.Add(discoverAgain)
	o.leave()
	if o.town.asked != 3 {
		t.Errorf("asked %d times", o.town.asked)
	}
}

func TestTooManyAtOnce(t *testing.T) {
	o := newOffice(t)
	back := o.leave()
	for range maxAtOnce {
		o.places <- struct{}{}
	}
	if _, err := o.Finish(t.Context(), back); !errors.Is(err, ErrAway) {
		t.Errorf("error %v", err)
	}
}

func TestStoreFails(t *testing.T) {
	o := newOffice(t)
	o.staff.err = errors.New("disk")
	var refused RefusedError
	if _, err := o.Finish(t.Context(), o.leave()); err == nil || errors.As(err, &refused) || errors.Is(err, ErrAway) {
		t.Errorf("error %v", err)
	}
}

// The way out carries no secret, and any central that has the client's secret takes back what another sent out.
func TestBegin(t *testing.T) {
	o := newOffice(t)
	to, cookie, err := o.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p, ok := openPassage(o.key, cookie.Value, noon)
	u, err := url.Parse(to)
	if err != nil || !ok || strings.Contains(to, p.Verifier) || strings.Contains(to, url.QueryEscape(clientSecret)) {
		t.Errorf("the browser is sent to %s, cookie %+v, error %v", to, p, err)
	}
	if got := u.Query(); got.Get("nonce") != p.Nonce || got.Get("redirect_uri") != o.o.Redirect || !strings.Contains(got.Get("scope"), "openid") {
		t.Errorf("the issuer is asked %v", got)
	}
	if !cookie.HttpOnly || !cookie.Secure || cookie.SameSite != http.SameSiteLaxMode || cookie.MaxAge != 600 || cookie.Path != cookiePath || len(cookie.Value) > maxCookie {
		t.Errorf("cookie %+v", cookie)
	}
	if gone := o.Forget(); gone.MaxAge >= 0 || gone.Value != "" || gone.Path != cookie.Path {
		t.Errorf("cookie %+v", gone)
	}
	other := New(o.o)
	if _, ok := openPassage(other.key, cookie.Value, noon); !ok {
		t.Error("another central does not take the cookie")
	}
}
