package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"time"

	"gridgate/central/store"
	"gridgate/protocols/ingest"
	"gridgate/protocols/kit/lockout"
	passwords "gridgate/protocols/kit/password"
)

// CookieName is the name of the session cookie.
const CookieName = "gridgate_session"

// Errors of signing in and of authenticating.
var (
	// ErrDenied says that the account or password, the session or the token is not good; it never says which.
	ErrDenied = errors.New("not signed in")
)

// LockedError says that an account must wait before its next try from this address.
type LockedError struct{ Wait time.Duration }

func (e LockedError) Error() string {
	return fmt.Sprintf("too many failed tries, wait %s", e.Wait.Round(time.Second))
}

// Records is where accounts, tokens and the credentials of edges are kept. A missing one is [store.ErrNotFound]. They are read
// for each request and remembered by no one: what is revoked ends at once, at every replica.
type Records interface {
	User(ctx context.Context, name string) (store.User, error)
	Token(ctx context.Context, sha256 string) (store.Token, error)
	Credential(ctx context.Context, sha256 string) (store.Credential, error)
	UseCredential(ctx context.Context, sha256 string, now, until time.Time) error
}

// Options of a [Service]. Records is demanded.
type Options struct {
	Records Records
	Fixed   []store.Token    // tokens of the configuration; they end when they leave it
	Secure  bool             // the console is served over TLS: the cookie is marked Secure
	Now     func() time.Time // time.Now if nil
}

// Service authenticates requests. It is safe for concurrent use.
type Service struct {
	records  Records
	fixed    map[string]store.Token
	secure   bool
	now      func() time.Time
	sessions sessions
	lockout  lockout.Table
	verifier passwords.Verifier
}

// New returns a Service.
func New(o Options) *Service {
	s := &Service{records: o.Records, fixed: map[string]store.Token{}, secure: o.Secure, now: o.Now, verifier: passwords.NewVerifier(2)}
	if s.now == nil {
		s.now = time.Now
	}
	for _, t := range o.Fixed {
		s.fixed[t.SHA256] = t
	}
	return s
}

// Sessions is how many sessions are held.
func (s *Service) Sessions() int { return s.sessions.count() }

// SignIn checks a password and returns a cookie for a new session. An unknown account takes as long as a known one. The errors
// are [ErrDenied], a [LockedError], or that of the store.
func (s *Service) SignIn(ctx context.Context, name, given, remote string) (*http.Cookie, Principal, error) {
	key, now := lockout.Key(name, remote), s.now()
	if wait := s.lockout.Try(key, now); wait > 0 {
		return nil, Principal{}, LockedError{Wait: wait}
	}
	user, err := s.account(ctx, name)
	if err != nil {
		return nil, Principal{}, err
	}
	ok, err := s.verifier.Verify(ctx, user.Hash, given)
	if err != nil {
		return nil, Principal{}, fmt.Errorf("check password: %w", err)
	}
	p, active := principalOf(user)
	if !ok || !active {
		return nil, Principal{}, ErrDenied
	}
	s.lockout.Succeed(key)
	value, _ := s.sessions.add(p, user.Hash, now)
	return s.cookie(value, int(SessionLife.Seconds())), p, nil
}

// principalOf is who an account is; ok is false for one that may not sign in.
func principalOf(u store.User) (p Principal, ok bool) {
	role, err := ParseRole(u.Role)
	if err != nil || u.Disabled {
		return Principal{}, false
	}
	return Principal{Name: u.Name, Role: role, Unit: u.Unit, Grids: u.Grids, Scopes: ScopesOf(role)}, true
}

// account returns the account, or one that nobody can sign in to.
func (s *Service) account(ctx context.Context, name string) (store.User, error) {
	stranger := store.User{Hash: nobody}
	if !ValidName(name) {
		return stranger, nil
	}
	user, err := s.records.User(ctx, name)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return stranger, nil
	case err != nil:
		return stranger, fmt.Errorf("read account: %w", err)
	}
	return user, nil
}

// SignOut ends the session of a request, if it has one, and returns a cookie that removes the browser's.
func (s *Service) SignOut(cookie string) *http.Cookie {
	if cookie != "" && len(cookie) <= maxToken {
		s.sessions.remove(HashToken(cookie))
	}
	return s.cookie("", -1)
}

func (s *Service) cookie(value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: CookieName, Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: s.secure, SameSite: http.SameSiteStrictMode,
	}
}

// Authenticate says who sent r, and until when that holds (the zero time: no end). A request with an Authorization header is
// judged by that alone. The error is [ErrDenied] whatever was wrong, or that of the store.
func (s *Service) Authenticate(r *http.Request) (Principal, time.Time, error) {
	if token, ok := bearer(r); ok {
		return s.byToken(r.Context(), token)
	}
	c, err := r.Cookie(CookieName)
	if err != nil || c.Value == "" || len(c.Value) > maxToken {
		return Principal{}, time.Time{}, ErrDenied
	}
	return s.bySession(r.Context(), HashToken(c.Value))
}

func (s *Service) byToken(ctx context.Context, token string) (Principal, time.Time, error) {
	sum := HashToken(token)
	t, ok := s.fixed[sum]
	if !ok && isCredential(token) {
		return s.byCredential(ctx, sum)
	}
	if !ok {
		var err error
		t, err = s.records.Token(ctx, sum)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return Principal{}, time.Time{}, fmt.Errorf("read token: %w", err)
		}
		ok = err == nil
	}
	if !ok || token == "" || !t.Expires.IsZero() && !s.now().Before(t.Expires) {
		return Principal{}, time.Time{}, ErrDenied
	}
	p := Principal{Name: t.Name, Edge: t.Edge, Grids: t.Grids}
	for _, name := range t.Scopes {
		if scope, err := ParseScope(name); err == nil {
			p.Scopes = append(p.Scopes, scope)
		}
	}
	return p, t.Expires, nil
}

// byCredential also notes the first use of a credential, which ends the one before it.
func (s *Service) byCredential(ctx context.Context, sum string) (Principal, time.Time, error) {
	now := s.now()
	k, err := s.records.Credential(ctx, sum)
	if err == nil && now.Before(k.Expires) && k.Used.IsZero() {
		err = s.records.UseCredential(ctx, sum, now, now.Add(ingest.Overlap))
	}
	switch {
	case errors.Is(err, store.ErrNotFound):
		return Principal{}, time.Time{}, ErrDenied
	case err != nil:
		return Principal{}, time.Time{}, fmt.Errorf("read credential: %w", err)
	case !now.Before(k.Expires):
		return Principal{}, time.Time{}, ErrDenied
	}
	return Principal{Name: "edge-" + k.Edge, Edge: k.Edge, Credential: sum}, k.Expires, nil
}

// bySession also ends a session whose account was given a new password or role since.
func (s *Service) bySession(ctx context.Context, id string) (Principal, time.Time, error) {
	now := s.now()
	e, ok := s.sessions.get(id, now)
	if !ok {
		return Principal{}, time.Time{}, ErrDenied
	}
	if now.Sub(e.checked) < recheckAccount {
		return e.principal, e.expires, nil
	}
	user, err := s.records.User(ctx, e.principal.Name)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return Principal{}, time.Time{}, fmt.Errorf("read account: %w", err)
	}
	if p, active := principalOf(user); err != nil || !active || user.Hash != e.hash || !reflect.DeepEqual(p, e.principal) {
		s.sessions.remove(id)
		return Principal{}, time.Time{}, ErrDenied
	}
	s.sessions.confirm(id, now)
	return e.principal, e.expires, nil
}
