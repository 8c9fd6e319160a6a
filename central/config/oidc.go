package config

import (
	"fmt"
	"net/url"
	"regexp"

	"gridgate/central/auth"
	"gridgate/protocols/kit/conf"
	"gridgate/protocols/kit/loopback"
)

// OIDC lets staff sign in at an OpenID Connect issuer, too. An empty section: they do not. The address that the issuer sends browsers back
// to is public_url with /v1/session/oidc/callback.
type OIDC struct {
	Issuer   string      `yaml:"issuer"` // as it calls itself, to the letter
	ClientID string      `yaml:"client_id"`
	Secret   conf.Secret `yaml:"secret"`
	CA       string      `yaml:"ca"`     // PEM of the authority, where it is not a public one
	Claim    string      `yaml:"groups"` // of the ID token, a list of names or one
	Roles    []OIDCRole  `yaml:"roles"`  // the first group that somebody is in holds; who is in none has no access
}

// OIDCRole gives the members of a group of the issuer a place.
type OIDCRole struct {
	Group string   `yaml:"group"`
	Role  string   `yaml:"role"`
	Grids []string `yaml:"grids"` // prefixes; none: all
	Unit  string   `yaml:"unit"`
}

// MaxOIDCRoles is how many groups may have access.
const MaxOIDCRoles = 1000

// Set says whether single sign-on is configured.
func (o OIDC) Set() bool {
	return o.Issuer != "" || o.ClientID != "" || o.Secret.Set() || o.CA != "" || len(o.Roles) > 0
}

// claimName keeps to names of one level: a dot in it is a letter of the name, as in the addresses that some issuers use.
var claimName = regexp.MustCompile(`^[!-~]{1,128}$`)

func (c *Config) validateOIDC(j *judge) {
	o := c.OIDC
	if !o.Set() {
		return
	}
	if u, err := url.Parse(o.Issuer); err != nil || !web(u) || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && !loopback.Host(u.Hostname()) {
		j.bad("oidc.issuer", "is not an https address without user, password and query", "for example https://login.town.example/realms/town")
	}
	if c.PublicURL == "" {
		j.bad("public_url", "is missing, and the issuer sends browsers there", "for example https://gridgate.example")
	}
	if o.ClientID == "" || len(o.ClientID) > 256 {
		j.bad("oidc.client_id", "is missing, or longer than 256 bytes", "write the name that the issuer gave central")
	}
	switch {
	case !o.Secret.Set():
		j.bad("oidc.secret", "is missing", "name a file or env that holds the client's secret")
	case o.Secret.File != "" && o.Secret.Env != "":
		j.bad("oidc.secret", "has both file and env", "keep one of the two")
	}
	if !claimName.MatchString(o.Claim) {
		j.bad("oidc.groups", "is not the name of a claim", "for example groups")
	}
	c.validateOIDCRoles(j)
}

func (c *Config) validateOIDCRoles(j *judge) {
	if n := len(c.OIDC.Roles); n == 0 || n > MaxOIDCRoles {
		j.bad("oidc.roles", fmt.Sprintf("are none, or more than %d", MaxOIDCRoles), "name the groups that have access")
		return
	}
	seen := map[string]bool{}
	for i, r := range c.OIDC.Roles {
		field := fmt.Sprintf("oidc.roles[%d]", i)
		if r.Group == "" || len(r.Group) > 256 || seen[r.Group] {
			j.bad(field+".group", "is missing, longer than 256 bytes, or stands twice", "give each group one role")
		}
		seen[r.Group] = true
		if err := (auth.Place{Role: r.Role, Grids: r.Grids, Unit: r.Unit}).Check(); err != nil {
			j.bad(field, "is no place at the centre: "+err.Error(), "for example {group: night, role: operator}")
		}
	}
}
