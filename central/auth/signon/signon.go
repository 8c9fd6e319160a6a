// Package signon lets staff sign in with the account that they have at an OpenID Connect issuer (Core 1.0, authorization code flow with
// PKCE, RFC 7636).
//
// In: what a browser brings back from the issuer. Out: a staff account, made or brought up to date, or a refusal with a reason from a
// closed list. Of the issuer's claims it keeps issuer and subject, the name of a new account, and what the groups stand for; no other claim,
// and none of the issuer's tokens. It gives nobody a role that the configuration does not name, and takes over no local account.
package signon

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"gridgate/central/auth"
	"gridgate/central/store"
)

// Bounds.
const (
	StateLife     = 10 * time.Minute // from leaving for the issuer to coming back
	discoverAgain = time.Hour        // how long what the issuer says of itself is believed
	failedFor     = 5 * time.Second  // how long nobody asks an issuer that did not answer
	issuerWithin  = 10 * time.Second // for one answer of the issuer
	maxAnswer     = 1 << 20          // bytes of one answer of the issuer
	maxAtOnce     = 16               // exchanges with the issuer
)

// Reason says why somebody was refused.
type Reason string

// The reasons.
const (
	BadState   Reason = "state"              // not the browser that left, or too late
	NotGranted Reason = "not-granted"        // the issuer said no
	BadCode    Reason = "code"               // the issuer does not know the code, or it was used
	BadToken   Reason = "token"              // not signed by the issuer, not for central, or expired
	BadNonce   Reason = "nonce"              // a token of another sign-in
	NoGroup    Reason = "no-group"           // in no group that has access
	BadName    Reason = "name"               // what the issuer calls them cannot name an account
	NameTaken  Reason = "name-taken"         // there is another account of this name
	Disabled   Reason = "disabled"           // the account may not sign in
	LastOne    Reason = "last-administrator" // their groups would leave nobody who can administer
)

// Reasons lists the reasons.
func Reasons() []Reason {
	return []Reason{BadState, NotGranted, BadCode, BadToken, BadNonce, NoGroup, BadName, NameTaken, Disabled, LastOne}
}

// RefusedError says that somebody may not sign in.
type RefusedError struct {
	Reason  Reason
	Account string // if there is one that they proved to have
}

func (e RefusedError) Error() string { return "single sign-on is refused: " + string(e.Reason) }

// ErrAway says that the issuer does not answer, or not as an issuer does.
var ErrAway = errors.New("the issuer does not answer")

// Group gives those who are in a group of the issuer a place at the centre.
type Group struct {
	Name  string
	Place auth.Place
}

// Records is where accounts are kept.
type Records interface {
	auth.Desk
	UserBySubject(ctx context.Context, subject string) (store.User, error)
}

// Options of [New]. All but Client and Now are demanded.
type Options struct {
	Issuer   string // as it calls itself
	ClientID string
	Secret   string // of the client; also the key of [Service.Begin]'s cookie, so that any central takes back what another sent out
	Redirect string // where the issuer sends browsers back to
	Claim    string // of the ID token that lists the groups
	Groups   []Group
	Records  Records
	Secure   bool // the console is served over TLS: the cookie is marked Secure
	Logger   *slog.Logger
	Client   *http.Client // nil: one that trusts the system's authorities
	Now      func() time.Time
}

// Service signs in. It is safe for concurrent use.
type Service struct {
	o      Options
	key    []byte
	office auth.Office
	places chan struct{}

	mu     sync.Mutex
	found  *issuer
	failed time.Time
}

// issuer is what an issuer said of itself.
type issuer struct {
	at       time.Time
	oauth    oauth2.Config
	verifier *oidc.IDTokenVerifier
}

// New returns a Service. It asks the issuer nothing yet: central starts without it.
func New(o Options) *Service {
	if o.Now == nil {
		o.Now = time.Now
	}
	client := http.Client{}
	if o.Client != nil {
		client = *o.Client
	}
	client.Timeout = issuerWithin
	client.Transport = limited{client.Transport}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // the issuer is whom the configuration names
	o.Client = &client
	mac := hmac.New(sha256.New, []byte(o.Secret))
	_, _ = mac.Write([]byte("gridgate single sign-on state")) // never fails
	return &Service{o: o, key: mac.Sum(nil), office: auth.Office{Desk: o.Records, Now: o.Now}, places: make(chan struct{}, maxAtOnce)}
}

// Begin returns the address at the issuer where somebody signs in, and the cookie that their browser brings back within [StateLife].
// The error is [ErrAway].
func (s *Service) Begin(ctx context.Context) (string, *http.Cookie, error) {
	is, err := s.discover(ctx)
	if err != nil {
		return "", nil, err
	}
	p := newPassage(s.o.Now())
	to := is.oauth.AuthCodeURL(p.State, oidc.Nonce(p.Nonce), oauth2.S256ChallengeOption(p.Verifier))
	return to, s.cookie(p.seal(s.key), int(StateLife.Seconds())), nil
}

// discover returns what the issuer says of itself, not older than [discoverAgain].
func (s *Service) discover(ctx context.Context) (*issuer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.o.Now()
	if s.found != nil && now.Sub(s.found.at) < discoverAgain {
		return s.found, nil
	}
	if !s.failed.IsZero() && now.Sub(s.failed) < failedFor {
		return nil, ErrAway
	}
	// Not the request's own context: that a browser goes away says nothing of the issuer. The client has a timeout.
	provider, err := oidc.NewProvider(s.with(context.WithoutCancel(ctx)), s.o.Issuer)
	if err != nil {
		s.failed = s.o.Now()
		s.o.Logger.Warn("issuer cannot be read", "error", err)
		return nil, ErrAway
	}
	s.failed = time.Time{}
	s.found = &issuer{
		at:       now,
		verifier: provider.Verifier(&oidc.Config{ClientID: s.o.ClientID, Now: s.o.Now}),
		oauth: oauth2.Config{
			ClientID: s.o.ClientID, ClientSecret: s.o.Secret, Endpoint: provider.Endpoint(), RedirectURL: s.o.Redirect,
			Scopes: []string{oidc.ScopeOpenID, oidc.ScopeProfile},
		},
	}
	return s.found, nil
}

func (s *Service) with(ctx context.Context) context.Context {
	return oidc.ClientContext(ctx, s.o.Client)
}

// Callback is what a browser brings back.
type Callback struct {
	Code   string
	State  string
	Error  string // of the issuer, if it did not grant it
	Issuer string // who sent the browser back (RFC 9207); empty where the issuer does not say
	Cookie string // of [Service.Begin]
}

// Finish returns the account of whoever comes back. The errors are [RefusedError], [ErrAway], or that of the store.
func (s *Service) Finish(ctx context.Context, c Callback) (store.User, error) {
	p, ok := openPassage(s.key, c.Cookie, s.o.Now())
	if !ok || !hmac.Equal([]byte(p.State), []byte(c.State)) || c.Issuer != "" && c.Issuer != s.o.Issuer {
		return store.User{}, RefusedError{Reason: BadState}
	}
	if c.Error != "" || c.Code == "" {
		return store.User{}, RefusedError{Reason: NotGranted}
	}
	select {
	case s.places <- struct{}{}:
		defer func() { <-s.places }()
	default:
		return store.User{}, ErrAway
	}
	who, err := s.exchange(ctx, p, c.Code)
	if err != nil {
		return store.User{}, err
	}
	return s.account(ctx, who)
}

// Forget is the cookie that removes that of [Service.Begin].
func (s *Service) Forget() *http.Cookie { return s.cookie("", -1) }
