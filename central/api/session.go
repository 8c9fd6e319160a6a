package api

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"gridgate/central/auth"
)

// Session says who is signed in.
type Session struct {
	User   string   `json:"user"`
	Role   string   `json:"role" enum:"operator,worker,supervisor,verifier,administrator,auditor,integrator,token" doc:"token: a program with a bearer token"`
	Scopes []string `json:"scopes" nullable:"false" doc:"what may be done"`
	Grids  []string `json:"grids" nullable:"false" doc:"prefixes of the grids that may be seen; empty: all"`
	Unit   string   `json:"unit,omitempty"`
}

type (
	signInInput struct {
		remote string
		Body   struct {
			User     string `json:"user" minLength:"1" maxLength:"64"`
			Password string `json:"password" minLength:"1" maxLength:"256"`
		}
	}
	signOutInput struct {
		Cookie string `cookie:"gridgate_session"`
	}
	sessionOutput struct {
		SetCookie string `header:"Set-Cookie"`
		Body      Session
	}
	whoOutput struct{ Body Session }
	byeOutput struct {
		SetCookie string `header:"Set-Cookie"`
	}
)

// Resolve notes the address, since failed tries count per account and address.
func (in *signInInput) Resolve(ctx huma.Context) []error {
	in.remote = ctx.RemoteAddr()
	return nil
}

func sessionOf(p auth.Principal) Session {
	out := Session{User: p.Name, Role: "token", Scopes: []string{}, Grids: append([]string{}, p.Grids...), Unit: p.Unit}
	if p.Staff() {
		out.Role = string(p.Role)
	}
	for _, scope := range p.Scopes {
		out.Scopes = append(out.Scopes, string(scope))
	}
	return out
}

func (s *Server) sessionOperations() {
	in := operation(http.MethodPost, "/v1/session", "sign-in", "Sign in with a staff account", "", http.StatusTooManyRequests)
	in.Security = []map[string][]string{}
	huma.Register(s.huma, in, s.signIn)
	huma.Register(s.huma, operation(http.MethodGet, "/v1/session", "get-session", "Who is signed in", ""),
		func(ctx context.Context, _ *struct{}) (*whoOutput, error) {
			p, _ := auth.From(ctx)
			return &whoOutput{Body: sessionOf(p)}, nil
		})
	huma.Register(s.huma, operation(http.MethodDelete, "/v1/session", "sign-out", "Sign out", ""),
		func(ctx context.Context, in *signOutInput) (*byeOutput, error) {
			cookie, err := s.o.Auth.SignOut(ctx, in.Cookie)
			if err != nil {
				return nil, s.failure(ctx, "end the session", err)
			}
			return &byeOutput{SetCookie: cookie.String()}, nil
		})
}

func (s *Server) signIn(ctx context.Context, in *signInInput) (*sessionOutput, error) {
	cookie, p, err := s.o.Auth.SignIn(ctx, in.Body.User, in.Body.Password, in.remote)
	n := noteOf(ctx)
	if s.o.Auth.Known(ctx, in.Body.User) { // what else somebody typed there may be anything
		n.actor, n.role = in.Body.User, string(p.Role)
	}
	var locked auth.LockedError
	switch {
	case errors.Is(err, auth.ErrDenied):
		s.meter.denied.Inc()
		return nil, huma.Error401Unauthorized("the account or the password is not right")
	case errors.As(err, &locked):
		s.meter.denied.Inc()
		wait := strconv.Itoa(int(math.Ceil(locked.Wait.Seconds())))
		return nil, huma.ErrorWithHeaders(huma.Error429TooManyRequests(locked.Error()), http.Header{"Retry-After": {wait}})
	case err != nil:
		return nil, s.failure(ctx, "sign in", err)
	}
	return &sessionOutput{SetCookie: cookie.String(), Body: sessionOf(p)}, nil
}
