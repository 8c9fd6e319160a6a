package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"gridgate/central/api/forwarded"
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

// Records is where accounts, sessions, tokens and the credentials of edges are kept. A missing one is [store.ErrNotFound]. They are read
// for each request and remembered by no one: what is revoked ends at once, at every replica.
type Records interface {
	User(ctx context.Context, name string) (store.User, error)
	UserBySubject(ctx context.Context, subject string) (store.User, error)
	ReplaceUser(ctx context.Context, u store.User, seen time.Time, keep string) error
	Token(ctx context.Context, sha256 string) (store.Token, error)
	PutSession(ctx context.Context, s store.Session, now time.Time, most int) error
	Session(ctx context.Context, sha256 string) (store.Session, store.User, error)
	RemoveSession(ctx context.Context, sha256 string) error
	Sessions(ctx context.Context, now time.Time) (int, error)
	Credential(ctx context.Context, sha256 string) (store.Credential, error)
	UseCredential(ctx context.Context, sha256 string, now, until time.Time) error
}

// Options of a [Service]. Records is demanded.
type Options struct {
	Records Records
	Fixed   []store.Token    // tokens of the configuration; they end when they leave it
	Secure  bool             // the console is served over TLS: the cookie is marked Secure, whatever a proxy tells
	Now     func() time.Time // time.Now if nil
}

// Service authenticates requests. It is safe for concurrent use.
type Service struct {
	records  Records
	fixed    map[string]store.Token
	secure   bool
	now      func() time.Time
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
	if _, active := principalOf(user); !ok || !active {
		return nil, Principal{}, ErrDenied
	}
	s.lockout.Succeed(key)
	return s.Enter(ctx, user)
}

// principalOf is who an account is; ok is false for one that may not sign in.
func principalOf(u store.User) (p Principal, ok bool) {
	role, err := ParseRole(u.Role)
	if err != nil || u.Disabled {
		return Principal{}, false
	}
	p = Principal{Name: u.Name, Role: role, Unit: u.Unit, Grids: u.Grids}
	return p.with(ScopesOf(role)), true
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
	case user.Hash == "": // single sign-on only
		user.Hash = nobody
	}
	return user, nil
}

func (s *Service) cookie(ctx context.Context, value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: CookieName, Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: s.secure || forwarded.HTTPS(ctx), SameSite: http.SameSiteStrictMode,
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
	var scopes []Scope
	for _, name := range t.Scopes {
		if scope, err := ParseScope(name); err == nil {
			scopes = append(scopes, scope)
		}
	}
	return p.with(scopes), t.Expires, nil
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
