package app

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"strings"

	"gridgate/central/api"
	"gridgate/central/auth"
	"gridgate/central/auth/signon"
	"gridgate/central/config"
)

// signOnCallback is where the issuer sends browsers back to, below public_url.
const signOnCallback = "/v1/session/oidc/callback"

// openSignOn makes single sign-on; none without its section. The issuer need not be there yet.
func (a *App) openSignOn(_ context.Context, c *config.Config) error {
	o := c.OIDC
	if !o.Set() {
		return nil
	}
	secret, err := o.Secret.Value()
	if err != nil {
		return fmt.Errorf("oidc.secret: %w", err)
	}
	roots, err := authorities(o.CA)
	if err != nil {
		return fmt.Errorf("oidc.ca: %w", err)
	}
	var groups []signon.Group
	for _, r := range o.Roles {
		groups = append(groups, signon.Group{Name: r.Group, Place: auth.Place{Role: r.Role, Grids: r.Grids, Unit: r.Unit}})
	}
	a.signOn = signon.New(signon.Options{
		Issuer: o.Issuer, ClientID: o.ClientID, Secret: secret, Redirect: strings.TrimSuffix(c.PublicURL, "/") + signOnCallback, Claim: o.Claim, Groups: groups,
		Records: a.store, Secure: secureCookies(c), Logger: a.log.With("step", "sign-on"),
		Client: &http.Client{Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true,
		}},
	})
	return nil
}

// signOnAPI is nil without single sign-on.
func (a *App) signOnAPI() api.SignOn {
	if a.signOn == nil {
		return nil
	}
	return a.signOn
}
