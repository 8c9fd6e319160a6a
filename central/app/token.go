package app

import (
	"context"
	"time"

	"gridgate/central/auth"
)

// NewToken is a bearer token to be made.
type NewToken struct {
	Name    string
	Scopes  []string      // see central/auth
	Grids   []string      // prefixes; empty: all
	Edge    string        // the one edge that it speaks for; empty for none
	Expires time.Duration // from now; 0: the longest, [auth.MaxTokenLife]
}

// AddToken makes a token and returns it: the only time that anybody sees it. Central may be running.
func AddToken(ctx context.Context, file string, n NewToken, now time.Time) (text string, err error) {
	err = atDesk(ctx, file, "token-add", n.Name, now, func(a accounts) (err error) {
		r := auth.TokenRequest{Name: n.Name, Scopes: n.Scopes, Grids: n.Grids, Edge: n.Edge, Life: n.Expires, Actor: "command"}
		text, _, err = office(a, now).MakeToken(ctx, r)
		return err
	})
	if err != nil {
		return "", err
	}
	return text, nil
}
