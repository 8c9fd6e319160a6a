package api

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"gridgate/central/auth"
	"gridgate/central/store"
)

// Staff are the accounts and the tokens.
type Staff interface {
	auth.Desk
	Users(ctx context.Context) ([]store.User, error)
	Tokens(ctx context.Context) ([]store.Token, error)
	RemoveToken(ctx context.Context, id string) error
}

// Account is a staff account.
type Account struct {
	Name     string    `json:"name"`
	Role     string    `json:"role"`
	Grids    []string  `json:"grids" nullable:"false"`
	Unit     string    `json:"unit,omitempty"`
	Disabled bool      `json:"disabled"`
	Password bool      `json:"password" doc:"it can sign in with a password"`
	Single   bool      `json:"singleSignOn" doc:"it can sign in by single sign-on"`
	Changed  time.Time `json:"changed"`
}

// Post is what an account is for and what it may see.
type Post struct {
	Role  string   `json:"role" enum:"operator,worker,supervisor,verifier,administrator,auditor,integrator"`
	Grids []string `json:"grids,omitempty" maxItems:"64" doc:"first digits of the codes of the grids that it may see; left out or empty: all"`
	Unit  string   `json:"unit,omitempty" maxLength:"64"`
}

func (p Post) place() auth.Place { return auth.Place{Role: p.Role, Grids: p.Grids, Unit: p.Unit} }

// Key is a token as it is listed: what it is nobody knows any more.
type Key struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Scopes  []string  `json:"scopes" nullable:"false"`
	Grids   []string  `json:"grids" nullable:"false"`
	Edge    string    `json:"edge,omitempty" doc:"the one edge that it speaks for"`
	Expires time.Time `json:"expires"`
	Made    time.Time `json:"made"`
	By      string    `json:"by"`
}

// AccountName names an account. It is exported because huma reads no members of others when they are embedded.
type AccountName struct {
	Name string `path:"name" maxLength:"256"`
}

type (
	accountOutput struct {
		ETag string `header:"ETag"`
		Body Account
	}
	accountsOutput struct {
		Body struct {
			Items []Account `json:"items" nullable:"false"`
		}
	}
	newAccountInput struct {
		Body struct {
			Name     string `json:"name" minLength:"1" maxLength:"256"`
			Password string `json:"password,omitempty" maxLength:"256"`
			Subject  string `json:"subject,omitempty" maxLength:"512" doc:"issuer and subject of single sign-on, separated by a space"`
			Post
		}
	}
	changeAccountInput struct {
		AccountName
		IfMatch string `header:"If-Match" maxLength:"64" doc:"ETag of the account as it was seen"`
		Body    struct {
			Post
			Disabled bool `json:"disabled,omitempty" doc:"it cannot sign in; its name stays in histories"`
		}
	}
	passwordInput struct {
		AccountName
		Body struct {
			Password string `json:"password" maxLength:"256"`
		}
	}
	ownPasswordInput struct {
		remote string
		Body   struct {
			Present string `json:"present" maxLength:"256"`
			Next    string `json:"next" maxLength:"256"`
		}
	}
	tokensOutput struct {
		Body struct {
			Items []Key `json:"items" nullable:"false"`
		}
	}
	newTokenInput struct {
		Body struct {
			Name   string   `json:"name" minLength:"1" maxLength:"256"`
			Scopes []string `json:"scopes" minItems:"1" maxItems:"6" enum:"read,operate,events,configure,administer,audit"`
			Grids  []string `json:"grids,omitempty" maxItems:"64"`
			Days   int      `json:"days" minimum:"1" maximum:"366" doc:"how long it is good"`
		}
	}
	newTokenOutput struct {
		Body struct {
			Key
			Token string `json:"token" doc:"told this once"`
		}
	}
	tokenInput struct {
		ID string `path:"id" pattern:"^[0-9a-f]{16}$"`
	}
)

// Resolve notes the address, since failed tries count per account and address.
func (in *ownPasswordInput) Resolve(ctx huma.Context) []error {
	in.remote = ctx.RemoteAddr()
	return nil
}

func accountOf(u store.User) Account {
	return Account{
		Name: u.Name, Role: u.Role, Grids: append([]string{}, u.Grids...), Unit: u.Unit, Disabled: u.Disabled,
		Password: u.Hash != "", Single: u.Subject != "", Changed: u.At.UTC(),
	}
}

func keyOf(t store.Token) Key {
	return Key{
		ID: t.SHA256[:min(store.TokenID, len(t.SHA256))], Name: t.Name, Scopes: append([]string{}, t.Scopes...), Grids: append([]string{}, t.Grids...),
		Edge: t.Edge, Expires: t.Expires.UTC(), Made: t.At.UTC(), By: t.Actor,
	}
}

func (s *Server) office() auth.Office { return auth.Office{Desk: s.o.Staff, Now: s.o.Now} }

func (s *Server) staffOperations() {
	faults := []int{http.StatusBadRequest, http.StatusNotFound, http.StatusConflict}
	huma.Register(s.huma, operation(http.MethodGet, "/v1/users", "list-users", "Staff accounts, by name", auth.Administer), s.listUsers)
	huma.Register(s.huma, operation(http.MethodGet, "/v1/users/{name}", "get-user", "One staff account", auth.Administer, http.StatusNotFound), s.oneUser)
	huma.Register(s.huma, operation(http.MethodPost, "/v1/users", "create-user", "Add a staff account", auth.Administer, faults...), s.createUser)
	huma.Register(s.huma, operation(http.MethodPut, "/v1/users/{name}", "change-user", "Give an account another role, other grids and another unit, or end it",
		auth.Administer, append(faults, http.StatusPreconditionFailed)...), s.changeUser)
	huma.Register(s.huma, operation(http.MethodPost, "/v1/users/{name}/password", "reset-password", "Give an account another password; its sessions end", auth.Administer, faults...), s.resetPassword)
	huma.Register(s.huma, operation(http.MethodPost, "/v1/session/password", "change-password", "Change one's own password; all sessions end", "",
		append(faults, http.StatusTooManyRequests)...), s.changePassword)
	huma.Register(s.huma, operation(http.MethodGet, "/v1/tokens", "list-tokens", "Tokens of programs, by name", auth.Administer), s.listTokens)
	huma.Register(s.huma, operation(http.MethodPost, "/v1/tokens", "create-token", "Make a token; it is told once", auth.Administer, faults...), s.createToken)
	huma.Register(s.huma, operation(http.MethodDelete, "/v1/tokens/{id}", "revoke-token", "End a token, at once", auth.Administer, http.StatusNotFound), s.revokeToken)
}

func (s *Server) listUsers(ctx context.Context, _ *struct{}) (*accountsOutput, error) {
	list, err := s.o.Staff.Users(ctx)
	if err != nil {
		return nil, s.failure(ctx, "list accounts", err)
	}
	out := &accountsOutput{}
	out.Body.Items = make([]Account, 0, len(list))
	for _, u := range list {
		out.Body.Items = append(out.Body.Items, accountOf(u))
	}
	return out, nil
}

func (s *Server) oneUser(ctx context.Context, in *AccountName) (*accountOutput, error) {
	u, err := s.o.Staff.User(ctx, in.Name)
	return s.account(ctx, "read the account", u, err)
}

// account is the answer to whatever was done with an account.
func (s *Server) account(ctx context.Context, doing string, u store.User, err error) (*accountOutput, error) {
	if err != nil {
		return nil, s.staffProblem(ctx, doing, err)
	}
	return &accountOutput{ETag: etag(max(u.At.UnixNano(), 1)), Body: accountOf(u)}, nil
}

// staffProblem tells who administers what is wrong.
func (s *Server) staffProblem(ctx context.Context, doing string, err error) error {
	words, ok := auth.Told(err)
	var bad auth.BadError
	switch {
	case !ok:
		return s.failure(ctx, doing, err)
	case errors.As(err, &bad):
		return huma.Error422UnprocessableEntity(words)
	case errors.Is(err, store.ErrNotFound):
		return huma.Error404NotFound(words)
	}
	return huma.Error409Conflict(words)
}

func (s *Server) createUser(ctx context.Context, in *newAccountInput) (*accountOutput, error) {
	noteOf(ctx).target = in.Body.Name
	subject := in.Body.Subject
	if issuer, name, ok := strings.Cut(subject, " "); subject != "" && (!ok || issuer == "" || name == "") {
		return nil, huma.Error422UnprocessableEntity("a subject is an issuer and its subject, separated by a space")
	}
	u, err := s.office().Create(ctx, in.Body.Name, in.Body.Password, subject, in.Body.place())
	return s.account(ctx, "add the account", u, err)
}

func (s *Server) changeUser(ctx context.Context, in *changeAccountInput) (*accountOutput, error) {
	seen, err := parseIfMatch(in.IfMatch)
	if err != nil {
		return nil, huma.Error400BadRequest("If-Match is not the ETag of an account")
	}
	at := time.Time{}
	if seen > 1 {
		at = time.Unix(0, seen).UTC()
	}
	u, err := s.office().Change(ctx, in.Name, at, in.Body.place(), in.Body.Disabled)
	if errors.Is(err, store.ErrConflict) && seen != 0 {
		return nil, huma.Error412PreconditionFailed("the account changed meanwhile, read it again")
	}
	return s.account(ctx, "change the account", u, err)
}

func (s *Server) resetPassword(ctx context.Context, in *passwordInput) (*accountOutput, error) {
	u, err := s.office().SetPassword(ctx, in.Name, in.Body.Password)
	return s.account(ctx, "change the password", u, err)
}

func (s *Server) changePassword(ctx context.Context, in *ownPasswordInput) (*byeOutput, error) {
	p, _ := auth.From(ctx)
	if !p.Staff() {
		return nil, huma.Error403Forbidden("a token has no password")
	}
	err := s.o.Auth.ChangePassword(ctx, p, in.Body.Present, in.Body.Next, in.remote)
	var locked auth.LockedError
	switch {
	case errors.Is(err, auth.ErrDenied):
		return nil, huma.Error409Conflict("the present password is not right")
	case errors.As(err, &locked):
		wait := strconv.Itoa(int(math.Ceil(locked.Wait.Seconds())))
		return nil, huma.ErrorWithHeaders(huma.Error429TooManyRequests(locked.Error()), http.Header{"Retry-After": {wait}})
	case err != nil:
		return nil, s.staffProblem(ctx, "change the password", err)
	}
	gone, err := s.o.Auth.SignOut(ctx, "")
	if err != nil {
		return nil, s.failure(ctx, "end the session", err)
	}
	return &byeOutput{SetCookie: gone.String()}, nil
}

func (s *Server) listTokens(ctx context.Context, _ *struct{}) (*tokensOutput, error) {
	list, err := s.o.Staff.Tokens(ctx)
	if err != nil {
		return nil, s.failure(ctx, "list tokens", err)
	}
	out := &tokensOutput{}
	out.Body.Items = make([]Key, 0, len(list))
	for _, t := range list {
		out.Body.Items = append(out.Body.Items, keyOf(t))
	}
	return out, nil
}

func (s *Server) createToken(ctx context.Context, in *newTokenInput) (*newTokenOutput, error) {
	noteOf(ctx).target = in.Body.Name
	p, _ := auth.From(ctx)
	text, t, err := s.office().MakeToken(ctx, auth.TokenRequest{
		Name: in.Body.Name, Scopes: in.Body.Scopes, Grids: in.Body.Grids, Life: time.Duration(in.Body.Days) * 24 * time.Hour, Actor: p.Actor(),
	})
	if err != nil {
		return nil, s.staffProblem(ctx, "make the token", err)
	}
	out := &newTokenOutput{}
	out.Body.Key, out.Body.Token = keyOf(t), text
	return out, nil
}

func (s *Server) revokeToken(ctx context.Context, in *tokenInput) (*struct{}, error) {
	if err := s.o.Staff.RemoveToken(ctx, in.ID); err != nil {
		return nil, s.failure(ctx, "end the token", err)
	}
	return nil, nil
}
