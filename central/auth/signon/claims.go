package signon

import (
	"context"
	"crypto/hmac"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/oauth2"

	"gridgate/central/auth"
	"gridgate/central/store"
)

// subjectForm is what a subject may be: at most 255 ASCII characters (OpenID Connect Core 1.0, section 2), without blanks.
var subjectForm = regexp.MustCompile(`^[!-~]{1,255}$`)

// person is what is looked at of an ID token.
type person struct {
	subject string // as of [store.User]
	name    string
	groups  []string
}

// exchange turns the code into what the issuer says.
func (s *Service) exchange(ctx context.Context, p passage, code string) (person, error) {
	is, err := s.discover(ctx)
	if err != nil {
		return person{}, err
	}
	got, err := is.oauth.Exchange(s.with(ctx), code, oauth2.VerifierOption(p.Verifier))
	var said *oauth2.RetrieveError
	switch {
	case errors.As(err, &said) && said.ErrorCode == "invalid_grant":
		return person{}, RefusedError{Reason: BadCode}
	case errors.As(err, &said): // its body is the issuer's, and may say anything
		s.o.Logger.Warn("issuer refuses central", "status", said.Response.StatusCode)
		return person{}, ErrAway
	case err != nil:
		s.o.Logger.Warn("issuer gives no token", "error", err)
		return person{}, ErrAway
	}
	return s.judge(ctx, is, p, got)
}

// judge verifies the ID token (OpenID Connect Core 1.0, section 3.1.3.7).
func (s *Service) judge(ctx context.Context, is *issuer, p passage, got *oauth2.Token) (person, error) {
	raw, _ := got.Extra("id_token").(string)
	t, err := is.verifier.Verify(s.with(ctx), raw)
	switch {
	case err != nil && strings.Contains(err.Error(), "fetching keys"): // the library gives this failure no type
		s.o.Logger.Warn("issuer's keys cannot be read", "error", err)
		return person{}, ErrAway
	case err != nil:
		s.o.Logger.Warn("ID token refused", "error", err)
		return person{}, RefusedError{Reason: BadToken}
	case !hmac.Equal([]byte(t.Nonce), []byte(p.Nonce)):
		return person{}, RefusedError{Reason: BadNonce}
	}
	var claims struct {
		Name  string `json:"preferred_username"`
		Party string `json:"azp"`
	}
	all := map[string]json.RawMessage{}
	if err := errors.Join(t.Claims(&claims), t.Claims(&all)); err != nil {
		return person{}, RefusedError{Reason: BadToken}
	}
	another := claims.Party != s.o.ClientID && (claims.Party != "" || len(t.Audience) > 1)
	forged := t.AccessTokenHash != "" && t.VerifyAccessToken(got.AccessToken) != nil
	if another || forged || !subjectForm.MatchString(t.Subject) {
		return person{}, RefusedError{Reason: BadToken}
	}
	return person{subject: SubjectOf(s.o.Issuer, t.Subject), name: claims.Name, groups: groupsOf(all[s.o.Claim])}, nil
}

// SubjectOf is how a subject of an issuer stands in an account.
func SubjectOf(issuer, subject string) string { return issuer + " " + subject }

// groupsOf reads a claim that is a list of names, or one name.
func groupsOf(claim json.RawMessage) []string {
	var many []string
	var one string
	switch {
	case len(claim) == 0:
		return nil
	case json.Unmarshal(claim, &many) == nil:
		return many
	case json.Unmarshal(claim, &one) == nil:
		return []string{one}
	}
	return nil
}

// placeOf is the place of the first group of the configuration that somebody is in.
func (s *Service) placeOf(groups []string) (auth.Place, bool) {
	for _, g := range s.o.Groups {
		if slices.Contains(groups, g.Name) {
			return g.Place, true
		}
	}
	return auth.Place{}, false
}

// account finds or makes the account, and gives it the place that the groups stand for now. Its name stays as it was made.
func (s *Service) account(ctx context.Context, who person) (store.User, error) {
	u, err := s.o.Records.UserBySubject(ctx, who.subject)
	known := err == nil
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return u, err
	}
	refused := RefusedError{Account: u.Name}
	place, ok := s.placeOf(who.groups)
	switch {
	case !ok:
		refused.Reason = NoGroup
		return u, refused
	case !known:
		return s.create(ctx, who, place)
	case u.Disabled:
		refused.Reason = Disabled
		return u, refused
	case u.Role == place.Role && u.Unit == place.Unit && slices.Equal(u.Grids, place.Grids):
		return u, nil
	}
	changed, err := s.office.Change(ctx, u.Name, u.At, place, false)
	if errors.Is(err, store.ErrLastOne) {
		refused.Reason = LastOne
		return u, refused
	}
	return changed, err
}

func (s *Service) create(ctx context.Context, who person, place auth.Place) (store.User, error) {
	if !auth.ValidName(who.name) {
		return store.User{}, RefusedError{Reason: BadName}
	}
	u, err := s.office.Create(ctx, who.name, "", who.subject, place)
	if errors.Is(err, store.ErrConflict) {
		return store.User{}, RefusedError{Reason: NameTaken}
	}
	return u, err
}

// limited bounds what is read of an answer.
type limited struct{ next http.RoundTripper }

// RoundTrip implements [http.RoundTripper].
func (l limited) RoundTrip(r *http.Request) (*http.Response, error) {
	next := l.next
	if next == nil {
		next = http.DefaultTransport
	}
	answer, err := next.RoundTrip(r)
	if err == nil {
		answer.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(answer.Body, maxAnswer), answer.Body}
	}
	return answer, err
}
