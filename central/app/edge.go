package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"gridgate/central/api"
	"gridgate/central/auth"
	"gridgate/central/certs"
	"gridgate/central/config"
	"gridgate/central/enrol"
	"gridgate/central/store"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// MaxCodeLife is how long a one-time code may be good.
const MaxCodeLife = 30 * 24 * time.Hour

// enrolRoutes serve what an edge asks for its credentials.
func (a *App) enrolRoutes(c *config.Config) []api.Route {
	h := enrol.New(enrol.Options{Records: a.store, Life: c.Credentials.Life, Logger: a.log.With("step", "enrol")})
	return []api.Route{
		{Method: http.MethodPost, Path: ingest.EnrolPath, Handler: http.HandlerFunc(h.Enrol), Open: true},
		{Method: http.MethodPost, Path: enrol.CredentialPath, Handler: http.HandlerFunc(h.Credential)},
	}
}

// Invitation is what the person at an edge needs to let it in.
type Invitation struct {
	Edge        string
	Code        string // shown this once
	Expires     time.Time
	URL         string // of central, as far as central can know
	Fingerprint string // of the certificate that central shows there; empty: none that central knows
}

// AddEdge adds an edge and gives out a code for it. Central may be running.
func AddEdge(ctx context.Context, file, name string, valid time.Duration, now time.Time) (Invitation, error) {
	return invite(ctx, file, name, valid, now, false)
}

// NewCode gives out another code for an edge that was added before; the last one, if it is open, ends. Central may be running.
func NewCode(ctx context.Context, file, name string, valid time.Duration, now time.Time) (Invitation, error) {
	return invite(ctx, file, name, valid, now, true)
}

func invite(ctx context.Context, file, name string, valid time.Duration, now time.Time, again bool) (in Invitation, err error) {
	if !alert.ValidEdgeName(name) {
		return in, errors.New("an edge's name has lower-case letters, digits, dot, dash and underscore, at most 64")
	}
	if valid < time.Minute || valid > MaxCodeLife {
		return in, fmt.Errorf("a code is good for 1m to %s", MaxCodeLife)
	}
	in = Invitation{Edge: name, Code: ingest.NewCode(), Expires: now.Add(valid).UTC()}
	err = withAccounts(ctx, file, func(c *config.Config, a accounts) error {
		in.URL, in.Fingerprint = whereabouts(c)
		list, err := a.Enrolments(ctx)
		if err != nil {
			return err
		}
		switch known := slices.ContainsFunc(list, func(e store.Enrolment) bool { return e.Edge == name }); {
		case known && !again:
			return fmt.Errorf("%s was added before; a new code comes from: gridgate-central edge code %s", name, name)
		case !known && again:
			return fmt.Errorf("%s was not added yet: gridgate-central edge add %s", name, name)
		case !known && len(list)+len(c.Edges) >= config.MaxEdges:
			return fmt.Errorf("there are %d edges already: split the township", config.MaxEdges)
		}
		if err := recordCommand(ctx, a, "edge-code", name, now, nil); err != nil {
			return err
		}
		return a.PutCode(ctx, store.Code{SHA256: auth.HashToken(in.Code), Edge: name, Expires: in.Expires}, now.UTC())
	})
	if err != nil {
		return Invitation{}, err
	}
	return in, nil
}

// RevokeEdge ends whatever lets an edge in, at once. A token that stands in the configuration cannot be ended from here: that is an error.
// Central may be running.
func RevokeEdge(ctx context.Context, file, name string, now time.Time) error {
	return withAccounts(ctx, file, func(c *config.Config, a accounts) error {
		if err := recordCommand(ctx, a, "edge-revoke", name, now, nil); err != nil {
			return err
		}
		err := a.Revoke(ctx, name, now.UTC())
		fixed := slices.ContainsFunc(c.Edges, func(e config.Edge) bool { return e.ID == name })
		switch {
		case err != nil && !errors.Is(err, store.ErrNotFound):
			return err
		case fixed:
			return fmt.Errorf("%s also has a token in %s: remove it there and restart central; until then it is let in", name, file)
		case err != nil:
			return fmt.Errorf("there is no edge %s", name)
		}
		return nil
	})
}

// ListEdges lists the edges that were added, by name.
func ListEdges(ctx context.Context, file string) (list []store.Enrolment, err error) {
	err = withAccounts(ctx, file, func(_ *config.Config, a accounts) error {
		list, err = a.Enrolments(ctx)
		return err
	})
	return list, err
}

// whereabouts says where edges find central, and the fingerprint of what it shows there.
func whereabouts(c *config.Config) (address, fingerprint string) {
	var leaf *x509.Certificate
	if pair, err := tls.LoadX509KeyPair(c.TLS.Cert, c.TLS.Key); c.TLS.Set() && err == nil {
		leaf = pair.Leaf
	}
	if c.PublicURL != "" { // perhaps a proxy's, which has a certificate of its own
		if u, err := url.Parse(c.PublicURL); err == nil && leaf != nil && leaf.VerifyHostname(u.Hostname()) == nil {
			return c.PublicURL, certs.Fingerprint(leaf.Raw)
		}
		return c.PublicURL, ""
	}
	if leaf == nil {
		return "http://" + c.Listen, ""
	}
	host, port, err := net.SplitHostPort(c.Listen)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip != nil && ip.IsUnspecified()) {
		host = nameOf(leaf)
	}
	return "https://" + net.JoinHostPort(host, port), certs.Fingerprint(leaf.Raw)
}

// nameOf is the first name that a certificate is for.
func nameOf(leaf *x509.Certificate) string {
	switch {
	case len(leaf.DNSNames) > 0:
		return leaf.DNSNames[0]
	case len(leaf.IPAddresses) > 0:
		return leaf.IPAddresses[0].String()
	}
	return "central.example"
}
