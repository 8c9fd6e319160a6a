package app

import (
	"context"
	"errors"
	"time"

	"gridgate/central/auth"
	"gridgate/central/config"
	"gridgate/central/store"
	"gridgate/protocols/alert"
)

// NewToken is a bearer token to be made.
type NewToken struct {
	Name    string
	Scopes  []string      // read, events, operate
	Edge    string        // the one edge that it speaks for; empty for none
	Expires time.Duration // from now; 0: never
}

// AddToken makes a token and returns it: the only time that anybody sees it. Central may be running.
func AddToken(ctx context.Context, file string, n NewToken, now time.Time) (string, error) {
	if err := n.check(); err != nil {
		return "", err
	}
	text := auth.NewToken()
	t := store.Token{SHA256: auth.HashToken(text), Name: n.Name, Edge: n.Edge, Scopes: n.Scopes}
	if n.Expires > 0 {
		t.Expires = now.Add(n.Expires).UTC()
	}
	err := withAccounts(ctx, file, func(_ *config.Config, a accounts) error { return a.PutToken(ctx, t) })
	if err != nil {
		return "", err
	}
	return text, nil
}

func (n NewToken) check() error {
	if !auth.ValidName(n.Name) {
		return errors.New("a token's name has letters, digits, dot, dash and underscore, at most 64")
	}
	if len(n.Scopes) == 0 && n.Edge == "" {
		return errors.New("a token needs a scope or an edge")
	}
	if n.Edge != "" && !alert.ValidEdgeName(n.Edge) {
		return errors.New("an edge's name has lower-case letters, digits, dot, dash and underscore, at most 64")
	}
	if n.Expires < 0 {
		return errors.New("a token cannot expire before it is made")
	}
	for _, s := range n.Scopes {
		scope, err := auth.ParseScope(s)
		if err != nil {
			return err
		}
		if n.Edge != "" && scope == auth.Events {
			return errors.New("scope events is for any edge: leave out either it or the edge")
		}
	}
	return nil
}
