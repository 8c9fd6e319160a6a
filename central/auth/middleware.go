package auth

import (
	"context"
	"errors"
	"net/http"

	"gridgate/central/api/problem"
)

// Require lets only authenticated requests through, with their [Principal] in the context, which ends when the session or
// token does. Everything else is the same 401, or 503 if the store does not answer.
func (s *Service) Require(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, until, err := s.Authenticate(r)
		switch {
		case errors.Is(err, ErrDenied):
			Deny(w)
			return
		case err != nil:
			problem.Write(w, http.StatusServiceUnavailable, "the account cannot be checked now")
			return
		}
		ctx := With(r.Context(), p)
		if !until.IsZero() {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, until.Sub(s.now()))
			defer cancel()
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// Deny writes the one 401 that there is.
func Deny(w http.ResponseWriter) {
	w.Header().Set("WWW-Authenticate", `Bearer realm="gridgate"`)
	problem.Write(w, http.StatusUnauthorized, "sign in, or send a valid bearer token")
}

// Need lets only principals through that have one of the scopes; others get 403. It stands behind [Service.Require].
func Need(next http.Handler, scopes ...Scope) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, _ := From(r.Context())
		for _, s := range scopes {
			if p.May(s) {
				next.ServeHTTP(w, r)
				return
			}
		}
		problem.Write(w, http.StatusForbidden, "this needs a scope that you do not have")
	})
}
