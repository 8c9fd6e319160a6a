package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"gridgate/central/auth/signon"
	"gridgate/central/store"
)

// SignOn is single sign-on at an OpenID Connect issuer.
type SignOn interface {
	Begin(ctx context.Context) (to string, cookie *http.Cookie, err error)
	Finish(ctx context.Context, c signon.Callback) (store.User, error)
	Forget() *http.Cookie
}

// Ways says how staff may sign in.
type Ways struct {
	Password bool `json:"password" doc:"POST /v1/session"`
	OIDC     bool `json:"oidc" doc:"GET /v1/session/oidc, in the browser"`
}

// maxCallback is how long a value that the issuer's browser brings back may be, in bytes.
const maxCallback = 4096

type (
	waysOutput    struct{ Body Ways }
	signOnInput   struct{}
	callbackInput struct {
		Code   string `query:"code" doc:"of the issuer"`
		State  string `query:"state"`
		Error  string `query:"error" doc:"of the issuer, where it does not grant it"`
		Issuer string `query:"iss" doc:"RFC 9207"`
		Cookie string `cookie:"gridgate_signon"`
	}
	awayOutput struct {
		Status    int
		Location  string         `header:"Location"`
		SetCookie []*http.Cookie `header:"Set-Cookie"`
	}
)

// openPaths are those of sessions that nobody needs to be signed in for.
var openPaths = []string{"POST /v1/session", "GET /v1/session/ways", "GET " + signOnPath, "GET " + signOnPath + "/callback"}

const signOnPath = "/v1/session/oidc"

func (s *Server) signOnOperations() {
	open := func(path, id, summary string, errors ...int) huma.Operation {
		op := operation(http.MethodGet, path, id, summary, "", errors...)
		op.Security = []map[string][]string{}
		return op
	}
	huma.Register(s.huma, open("/v1/session/ways", "list-sign-ins", "How staff may sign in"), func(context.Context, *struct{}) (*waysOutput, error) {
		return &waysOutput{Body: Ways{Password: true, OIDC: s.o.SignOn != nil}}, nil
	})
	begin := open(signOnPath, "begin-sign-on", "Go to the issuer of single sign-on", http.StatusNotFound, http.StatusServiceUnavailable)
	begin.DefaultStatus = http.StatusSeeOther
	huma.Register(s.huma, begin, s.beginSignOn)
	back := watched(open(signOnPath+"/callback", "finish-sign-on", "Come back from the issuer of single sign-on", http.StatusNotFound, http.StatusServiceUnavailable))
	back.DefaultStatus = http.StatusSeeOther
	back.SkipValidateParams = true // issuers send more than they must
	huma.Register(s.huma, back, s.finishSignOn)
}

func noSignOn() error { return huma.Error404NotFound("single sign-on is not set up here") }

func issuerAway() error {
	return huma.ErrorWithHeaders(huma.Error503ServiceUnavailable("the issuer of single sign-on does not answer; local accounts can sign in"), http.Header{"Retry-After": {"5"}})
}

func (s *Server) beginSignOn(ctx context.Context, _ *signOnInput) (*awayOutput, error) {
	if s.o.SignOn == nil {
		return nil, noSignOn()
	}
	to, cookie, err := s.o.SignOn.Begin(ctx)
	if err != nil {
		return nil, issuerAway()
	}
	return &awayOutput{Status: http.StatusSeeOther, Location: to, SetCookie: []*http.Cookie{cookie}}, nil
}

func (s *Server) finishSignOn(ctx context.Context, in *callbackInput) (*awayOutput, error) {
	if s.o.SignOn == nil {
		return nil, noSignOn()
	}
	n := noteOf(ctx)
	if len(in.Code)+len(in.State)+len(in.Error)+len(in.Issuer) > maxCallback {
		in = &callbackInput{}
	}
	u, err := s.o.SignOn.Finish(ctx, signon.Callback{Code: in.Code, State: in.State, Error: in.Error, Issuer: in.Issuer, Cookie: in.Cookie})
	if err != nil {
		return nil, s.signOnFailure(ctx, n, err)
	}
	cookie, p, err := s.o.Auth.Enter(ctx, u)
	if err != nil {
		return nil, s.failure(ctx, "sign in", err)
	}
	n.actor, n.role = p.Name, string(p.Role)
	return &awayOutput{Status: http.StatusSeeOther, Location: "/", SetCookie: []*http.Cookie{cookie, s.o.SignOn.Forget()}}, nil
}

// refusals are what whoever is refused reads.
var refusals = map[signon.Reason]string{
	signon.BadState:   "this sign-in was not begun in this browser, or more than ten minutes ago; begin again",
	signon.NotGranted: "the issuer did not grant it",
	signon.BadCode:    "the issuer does not know this sign-in any more; begin again",
	signon.BadToken:   "what the issuer says is not good here",
	signon.BadNonce:   "what the issuer says belongs to another sign-in; begin again",
	signon.NoGroup:    "you are in no group that has access here",
	signon.BadName:    "what the issuer calls you cannot name an account here",
	signon.NameTaken:  "there is another account of your name here; ask who administers it",
	signon.Disabled:   "your account here is disabled",
	signon.LastOne:    "your groups would leave nobody who can administer the centre",
}

func (s *Server) signOnFailure(ctx context.Context, n *note, err error) error {
	var refused signon.RefusedError
	switch {
	case errors.Is(err, signon.ErrAway):
		return issuerAway()
	case errors.As(err, &refused):
		n.actor, n.reason = refused.Account, string(refused.Reason)
		s.meter.denied.Inc()
		return huma.ErrorWithHeaders(huma.Error403Forbidden(refusals[refused.Reason]), http.Header{"Set-Cookie": {s.o.SignOn.Forget().String()}})
	}
	return s.failure(ctx, "sign in", err)
}
