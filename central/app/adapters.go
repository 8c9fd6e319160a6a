package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"

	"gridgate/central/auth"
	"gridgate/central/config"
	"gridgate/central/ingest"
	"gridgate/central/store"
	"gridgate/central/store/objects"
)

// minToken is the shortest token of an edge, in bytes: one that somebody made up is refused.
const minToken = 20

// edgeTokens reads the tokens of the configuration. They are held as hashes, in memory: a token that leaves the configuration ends.
func edgeTokens(c *config.Config) ([]store.Token, error) {
	var tokens []store.Token
	owner := map[string]string{}
	for i, e := range c.Edges {
		text, err := e.Token.Value()
		if err != nil {
			return nil, fmt.Errorf("edges[%d].token: %w", i, err)
		}
		if len(text) < minToken {
			return nil, fmt.Errorf("edges[%d].token: has fewer than %d bytes (make one with: openssl rand -hex 32)", i, minToken)
		}
		sum := auth.HashToken(text)
		if other := owner[sum]; other != "" {
			return nil, fmt.Errorf("edges[%d].token: is also that of %s (give each edge its own)", i, other)
		}
		owner[sum] = e.ID
		tokens = append(tokens, store.Token{SHA256: sum, Name: "edge-" + e.ID, Edge: e.ID})
	}
	return tokens, nil
}

// secureCookies says whether browsers reach central over TLS, here or at a proxy in front.
func secureCookies(c *config.Config) bool {
	return c.TLS.Set() || strings.HasPrefix(c.PublicURL, "https://")
}

// authorize hands the principal that the API found on to ingest.
func authorize(r *http.Request) (ingest.Principal, error) {
	p, ok := auth.From(r.Context())
	if !ok {
		return ingest.Principal{}, ingest.ErrUnauthorized
	}
	out := ingest.Principal{Name: p.Name, Edge: p.Edge}
	for _, s := range p.Scopes {
		out.Scopes = append(out.Scopes, string(s))
	}
	return out, nil
}

// stillAllowed says whether whoever sent r is still signed in, and may see what they could when they came; else they come again and find
// what they may see now. While the store cannot tell, they are.
func (a *App) stillAllowed(r *http.Request) bool {
	now, _, err := a.auth.Authenticate(r)
	then, _ := auth.From(r.Context())
	return err != nil && !errors.Is(err, auth.ErrDenied) || err == nil && slices.Equal(now.Grids, then.Grids)
}

// sees is what whoever sent r may see.
func sees(r *http.Request) func(grid string) bool {
	p, _ := auth.From(r.Context())
	return p.Sees
}

// pictures gives the objects the shape that the API reads.
type pictures struct{ dir *objects.Dir }

func (p pictures) Open(ctx context.Context, sha256 string) (io.ReadCloser, error) {
	o, err := p.dir.Open(ctx, sha256)
	if err != nil {
		return nil, err
	}
	return o, nil
}

// linked is the build that a package's linker names.
var linked string

// Version names this build: as the linker says, by the module's version, or the commit that it was built from.
func Version() string {
	if linked != "" {
		return linked
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	version := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && (version == "" || version == "(devel)") {
			version = s.Value[:min(12, len(s.Value))]
		}
	}
	if version == "" {
		return "(devel)"
	}
	return version
}
