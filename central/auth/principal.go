// Package auth says who may call central: staff by a session, programs by a bearer token.
//
// In: requests, passwords, tokens. Out: a [Principal] in the request's context, or 401 that tells nothing. Accounts are staff
// accounts only; no other person exists here. Passwords are kept as argon2id hashes and tokens as SHA-256, never in the clear.
// Sessions are kept by the SHA-256 of their cookie.
package auth

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Scope is one thing that a principal may do.
type Scope string

// The scopes.
const (
	Events  Scope = "events"  // post the events of any edge
	Read    Scope = "read"    // see alerts, cases, pictures and series
	Operate Scope = "operate" // do what a case's workflow allows

	Configure  Scope = "configure"  // grids, classes, calendars, workflows, rules, silences, notification
	Administer Scope = "administer" // staff accounts and tokens
	Audit      Scope = "audit"      // the audit log
)

// Scopes lists the scopes.
func Scopes() []Scope { return []Scope{Read, Operate, Events, Configure, Administer, Audit} }

// Role is what a staff account is for.
type Role string

// The roles. Which step of a case a role may do is said by the case's workflow; here stands which doors it opens. Nobody opens all: who
// makes accounts does not read the log of what was done with them, and the other way round.
const (
	Operator      Role = "operator"      // the post at the screen: takes cases in and dispatches them
	Worker        Role = "worker"        // of a grid or a unit: handles and feeds back
	Supervisor    Role = "supervisor"    // presses and evaluates
	Verifier      Role = "verifier"      // looks whether it was done
	Administrator Role = "administrator" // sets the centre up, and its accounts
	Auditor       Role = "auditor"       // reads everything, the audit log too, and changes nothing
	Integrator    Role = "integrator"    // of another system: posts its events and reads
)

var scopesOf = map[Role][]Scope{
	Operator:      {Read, Operate},
	Worker:        {Read, Operate},
	Supervisor:    {Read, Operate},
	Verifier:      {Read, Operate},
	Administrator: {Read, Configure, Administer},
	Auditor:       {Read, Audit},
	Integrator:    {Read, Events},
}

// Roles lists the roles.
func Roles() []Role {
	return []Role{Operator, Worker, Supervisor, Verifier, Administrator, Auditor, Integrator}
}

// ScopesOf lists what a role may do.
func ScopesOf(r Role) []Scope { return slices.Clone(scopesOf[r]) }

// ParseRole returns the role named s or an error that lists the roles.
func ParseRole(s string) (Role, error) {
	if _, ok := scopesOf[Role(s)]; !ok {
		return "", fmt.Errorf("unknown role %q, use one of %v", s, Roles())
	}
	return Role(s), nil
}

// ParseScope returns the scope named s or an error that lists the scopes.
func ParseScope(s string) (Scope, error) {
	if !slices.Contains(Scopes(), Scope(s)) {
		return "", fmt.Errorf("unknown scope %q, use one of %v", s, Scopes())
	}
	return Scope(s), nil
}

var accountName = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N}._-]{0,63}$`)

// ValidName says whether s may name a staff account or a token: letters, digits, dot, dash, underscore; at most 64.
func ValidName(s string) bool { return accountName.MatchString(s) }

// Principal is who a request comes from: a staff account (Role is set) or a program.
type Principal struct {
	Name   string
	Role   Role   // of a staff account
	Unit   string // that a staff account belongs to; empty for none
	Edge   string // the one edge that a token speaks for; empty for none
	Scopes []Scope
	Grids  []string // prefixes of the grids that it may see; empty: all
	// Credential is the SHA-256 of the edge's credential; empty for a token that is not renewed.
	Credential string
}

// Sees says whether p may see what lies in a grid. Who is bound to some grids does not see what has no grid.
func (p Principal) Sees(grid string) bool {
	return len(p.Grids) == 0 || slices.ContainsFunc(p.Grids, func(prefix string) bool { return strings.HasPrefix(grid, prefix) })
}

// with gives p scopes. What concerns the whole centre is not for somebody who may see a part of it.
func (p Principal) with(scopes []Scope) Principal {
	for _, s := range scopes {
		if len(p.Grids) == 0 || s == Read || s == Operate {
			p.Scopes = append(p.Scopes, s)
		}
	}
	return p
}

// Staff says whether p is a staff account.
func (p Principal) Staff() bool { return p.Role != "" }

// May says whether p has scope s.
func (p Principal) May(s Scope) bool { return slices.Contains(p.Scopes, s) }

// Actor is how p stands in a case's history.
func (p Principal) Actor() string {
	if p.Staff() {
		return p.Name
	}
	return "token:" + p.Name
}

type contextKey struct{}

// With returns ctx with p in it.
func With(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, contextKey{}, p)
}

// From returns the principal of a request that went through [Service.Require].
func From(ctx context.Context) (Principal, bool) {
	p, ok := ctx.Value(contextKey{}).(Principal)
	return p, ok
}
