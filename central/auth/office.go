package auth

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"gridgate/central/store"
	"gridgate/protocols/alert"
)

// MaxTokenLife is how long a token may be good.
const MaxTokenLife = 366 * 24 * time.Hour

// MaxGrids is how many prefixes of grids an account or a token may have.
const MaxGrids = 64

// BadError says what is wrong with an account or a token that somebody wants to make, in words for them.
type BadError struct{ What string }

func (e BadError) Error() string { return e.What }

// Desk is where accounts and tokens are kept for those who administer them.
type Desk interface {
	User(ctx context.Context, name string) (store.User, error)
	ReplaceUser(ctx context.Context, u store.User, seen time.Time, keep string) error
	PutToken(ctx context.Context, t store.Token) error
}

// Office makes and changes accounts and tokens, for the API and for commands.
type Office struct {
	Desk Desk
	Now  func() time.Time
}

// Place is what an account is for and what it may see.
type Place struct {
	Role  string
	Grids []string // prefixes; empty: all
	Unit  string
}

var (
	gridPrefix = regexp.MustCompile(`^[0-9]{1,20}$`)
	unitName   = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)
)

func checkGrids(grids []string) error {
	if len(grids) > MaxGrids {
		return BadError{fmt.Sprintf("there are more than %d grids: name the ones above them", MaxGrids)}
	}
	for _, g := range grids {
		if !gridPrefix.MatchString(g) {
			return BadError{"a grid is named by the first 1 to 20 digits of its code"}
		}
	}
	return nil
}

// Check returns a [BadError] for a place that no account may have.
func (p Place) Check() error {
	if _, err := ParseRole(p.Role); err != nil {
		return BadError{err.Error()}
	}
	if p.Unit != "" && !unitName.MatchString(p.Unit) {
		return BadError{"a unit's id has lower-case letters, digits, dot, dash and underscore, at most 64"}
	}
	if whole := Role(p.Role); len(p.Grids) > 0 && (whole == Administrator || whole == Auditor || whole == Integrator) {
		return BadError{"an " + p.Role + " has to do with the whole centre: leave the grids out"}
	}
	return checkGrids(p.Grids)
}

// Create adds an account with a password, or for single sign-on with none and a subject. [store.ErrConflict] if there is one of this
// name or subject; a [BadError] if something is wrong with it.
func (o Office) Create(ctx context.Context, name, password, subject string, p Place) (store.User, error) {
	u := store.User{Name: name, Role: p.Role, Grids: p.Grids, Unit: p.Unit, Subject: subject, At: o.Now().UTC()}
	if !ValidName(name) {
		return u, BadError{"an account's name has letters, digits, dot, dash and underscore, at most 64"}
	}
	if err := p.Check(); err != nil {
		return u, err
	}
	if subject == "" || password != "" {
		hash, err := HashPassword(password)
		if err != nil {
			return u, BadError{err.Error()}
		}
		u.Hash = hash
	}
	switch _, err := o.Desk.User(ctx, name); {
	case err == nil:
		return u, store.ErrConflict
	case !errors.Is(err, store.ErrNotFound):
		return u, err
	}
	return u, o.Desk.ReplaceUser(ctx, u, time.Time{}, string(Administrator))
}

// Change gives an account another place, or disables it. seen is its At as the caller knows it; the zero time: as it is now.
// [store.ErrLastOne] if no administrator would be left.
func (o Office) Change(ctx context.Context, name string, seen time.Time, p Place, disabled bool) (store.User, error) {
	if err := p.Check(); err != nil {
		return store.User{}, err
	}
	return o.change(ctx, name, seen, func(u *store.User) { u.Role, u.Grids, u.Unit, u.Disabled = p.Role, p.Grids, p.Unit, disabled })
}

// SetPassword gives an account another password, which ends its sessions.
func (o Office) SetPassword(ctx context.Context, name, password string) (store.User, error) {
	hash, err := HashPassword(password)
	if err != nil {
		return store.User{}, BadError{err.Error()}
	}
	return o.change(ctx, name, time.Time{}, func(u *store.User) { u.Hash = hash })
}

func (o Office) change(ctx context.Context, name string, seen time.Time, alter func(*store.User)) (store.User, error) {
	u, err := o.Desk.User(ctx, name)
	if err != nil {
		return u, err
	}
	was := u.At
	if !seen.IsZero() && !seen.Equal(was) {
		return u, store.ErrConflict
	}
	alter(&u)
	u.At = o.Now().UTC()
	if !u.At.After(was) {
		u.At = was.Add(1)
	}
	return u, o.Desk.ReplaceUser(ctx, u, was, string(Administrator))
}

// TokenRequest asks for a token.
type TokenRequest struct {
	Name   string
	Scopes []string
	Grids  []string
	Edge   string        // the one edge that it speaks for; empty for none
	Life   time.Duration // 0: the longest
	Actor  string        // who makes it
}

// MakeToken makes a token and returns its text: the only time that anybody sees it. A [BadError] if something is wrong with it.
func (o Office) MakeToken(ctx context.Context, r TokenRequest) (string, store.Token, error) {
	if err := r.check(); err != nil {
		return "", store.Token{}, err
	}
	if r.Life == 0 {
		r.Life = MaxTokenLife
	}
	text, now := NewToken(), o.Now().UTC()
	t := store.Token{SHA256: HashToken(text), Name: r.Name, Edge: r.Edge, Scopes: r.Scopes, Grids: r.Grids, Actor: r.Actor, Expires: now.Add(r.Life), At: now}
	if err := o.Desk.PutToken(ctx, t); err != nil {
		return "", store.Token{}, err
	}
	return text, t, nil
}

func (r TokenRequest) check() error {
	switch {
	case !ValidName(r.Name):
		return BadError{"a token's name has letters, digits, dot, dash and underscore, at most 64"}
	case len(r.Scopes) == 0 && r.Edge == "":
		return BadError{"a token needs a scope or an edge"}
	case r.Edge != "" && !alert.ValidEdgeName(r.Edge):
		return BadError{"an edge's name has lower-case letters, digits, dot, dash and underscore, at most 64"}
	case r.Life < 0 || r.Life > MaxTokenLife:
		return BadError{fmt.Sprintf("a token is good for at most %d days, and it cannot expire before it is made", int(MaxTokenLife.Hours()/24))}
	}
	for _, s := range r.Scopes {
		if err := r.allows(s); err != nil {
			return err
		}
	}
	return checkGrids(r.Grids)
}

func (r TokenRequest) allows(name string) error {
	scope, err := ParseScope(name)
	switch {
	case err != nil:
		return BadError{err.Error()}
	case r.Edge != "" && scope == Events:
		return BadError{"scope events is for any edge: leave out either it or the edge"}
	case len(r.Grids) > 0 && scope != Read && scope != Operate:
		return BadError{"scope " + strings.ToLower(name) + " has to do with the whole centre: leave the grids out"}
	}
	return nil
}

// Told gives an error of this package or of the store the words that whoever administers is told; ok is false for what is central's own trouble.
func Told(err error) (words string, ok bool) {
	var bad BadError
	switch {
	case errors.As(err, &bad):
		return bad.What, true
	case errors.Is(err, store.ErrLastOne):
		return "no administrator would be left who can sign in and has all grids", true
	case errors.Is(err, store.ErrConflict):
		return "there is such an account already, or it changed meanwhile", true
	case errors.Is(err, store.ErrNotFound):
		return "there is no such account", true
	}
	return "", false
}
