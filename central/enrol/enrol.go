// Package enrol is where edges get their credentials: POST /v1/enrol for a one-time code, POST /v1/edges/{id}/credential for the next.
//
// In: a code that central gave out, or the credential that is in use. Out: a bearer token, once; the store has its SHA-256. A code that
// is not good is answered in one way, whatever is wrong with it, and whoever tries several waits. It never gives out codes (a command
// does, beside the running central), and no log has a code or a token.
package enrol

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	strict "github.com/go-json-experiment/json"

	"gridgate/central/api/body"
	"gridgate/central/api/problem"
	"gridgate/central/auth"
	"gridgate/central/store"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
	"gridgate/protocols/kit/lockout"
)

// CredentialPath is the pattern that [Handler.Credential] serves; it needs {id} as a path value.
const CredentialPath = ingest.SyncPrefix + "{id}" + ingest.CredentialSuffix

// maxAtOnce is how many codes are judged at a time; what comes on top is answered with 503. Whoever is judged has readWithin to send the
// code: nobody keeps the others out by sending slowly.
const (
	maxAtOnce  = 4
	readWithin = 10 * time.Second
)

// Bounds of when an edge asks for its next credential.
const (
	soonest = time.Second
	latest  = 24 * time.Hour
)

// Records is what this package needs of [store.Enrolments].
type Records interface {
	Enrol(ctx context.Context, code string, c store.Credential, now time.Time) error
	Renew(ctx context.Context, by string, c store.Credential, now time.Time) error
	Credential(ctx context.Context, sha256 string) (store.Credential, error)
}

// Options of [New]. All but Now are demanded.
type Options struct {
	Records Records
	Life    time.Duration // of a credential; it is renewed after half of it
	Logger  *slog.Logger
	Now     func() time.Time // time.Now if nil
}

// Handler serves both paths.
type Handler struct {
	o     Options
	tries lockout.Table
	slots chan struct{}
}

// New returns a Handler.
func New(o Options) *Handler {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Handler{o: o, slots: make(chan struct{}, maxAtOnce)}
}

// Enrol trades a code for a credential. It needs no authentication: the code is one.
func (h *Handler) Enrol(w http.ResponseWriter, r *http.Request) {
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	default:
		wait(w, http.StatusServiceUnavailable, time.Second, "others enrol at this moment; try again")
		return
	}
	now, key := h.o.Now().UTC(), lockout.Key("", r.RemoteAddr)
	if left := h.tries.Try(key, now); left > 0 {
		wait(w, http.StatusTooManyRequests, left, "too many codes that were not good came from this address; wait")
		return
	}
	// Not every ResponseWriter can: then the server's own timeout holds.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(readWithin))
	in, status, err := read(w, r)
	if err != nil {
		problem.Write(w, status, err.Error())
		return
	}
	token, err := h.trade(r.Context(), in, now)
	switch {
	case errors.Is(err, store.ErrNotFound):
		h.o.Logger.Warn("an enrolment was refused", "remote", r.RemoteAddr)
		problem.Write(w, http.StatusForbidden, "this code does not let this edge in: it was mistyped, spent or replaced, has run out, or is another edge's")
	case err != nil:
		h.o.Logger.Error("an enrolment was not stored", "error", err)
		wait(w, http.StatusServiceUnavailable, time.Second, "central could not store the credential; try again")
	default:
		h.tries.Succeed(key)
		h.o.Logger.Info("an edge enrolled", "edge", in.Edge, "remote", r.RemoteAddr)
		answer(w, ingest.Credential{Edge: in.Edge, Token: token, Expires: now.Add(h.o.Life), AskSec: seconds(h.o.Life / 2)})
	}
}

// trade stores the hash of a new token in exchange for a code. [store.ErrNotFound] if the code is not good.
func (h *Handler) trade(ctx context.Context, in ingest.Enrolment, now time.Time) (string, error) {
	code, err := ingest.ParseCode(in.Code)
	if err != nil || !alert.ValidEdgeName(in.Edge) {
		return "", store.ErrNotFound
	}
	token, record := h.mint(in.Edge, now)
	return token, h.o.Records.Enrol(ctx, auth.HashToken(code), record, now)
}

func (h *Handler) mint(edge string, now time.Time) (token string, record store.Credential) {
	token = auth.NewCredential()
	return token, store.Credential{SHA256: auth.HashToken(token), Edge: edge, Issued: now, Expires: now.Add(h.o.Life)}
}

// Credential answers an edge that asks whether its credential is due for another. It stands behind authentication.
func (h *Handler) Credential(w http.ResponseWriter, r *http.Request) {
	p, _ := auth.From(r.Context())
	if p.Edge == "" || p.Edge != r.PathValue("id") {
		problem.Write(w, http.StatusForbidden, "an edge renews its own credential only")
		return
	}
	if p.Credential == "" { // a token that somebody made by hand
		answer(w, ingest.Credential{Edge: p.Edge, AskSec: seconds(latest)})
		return
	}
	c, err := h.next(r.Context(), p, h.o.Now().UTC())
	switch {
	case errors.Is(err, store.ErrNotFound):
		auth.Deny(w)
	case err != nil:
		h.o.Logger.Error("a credential was not renewed", "edge", p.Edge, "error", err)
		wait(w, http.StatusServiceUnavailable, time.Second, "central could not store the credential; go on with the one you have")
	default:
		answer(w, c)
	}
}

// next renews a credential that has half of its life behind it.
func (h *Handler) next(ctx context.Context, p auth.Principal, now time.Time) (ingest.Credential, error) {
	k, err := h.o.Records.Credential(ctx, p.Credential)
	if err != nil {
		return ingest.Credential{}, err
	}
	if due := k.Issued.Add(k.Expires.Sub(k.Issued) / 2); now.Before(due) {
		return ingest.Credential{Edge: p.Edge, Expires: k.Expires, AskSec: seconds(due.Sub(now))}, nil
	}
	token, record := h.mint(p.Edge, now)
	if err := h.o.Records.Renew(ctx, p.Credential, record, now); err != nil {
		return ingest.Credential{}, err
	}
	h.o.Logger.Info("an edge got its next credential", "edge", p.Edge)
	return ingest.Credential{Edge: p.Edge, Token: token, Expires: record.Expires, AskSec: seconds(h.o.Life / 2)}, nil
}

// read decodes the body strictly. Errors never repeat what was sent.
func read(w http.ResponseWriter, r *http.Request) (in ingest.Enrolment, status int, err error) {
	data, err := body.Read(w, r, ingest.MaxEnrolBody)
	if err != nil {
		return in, body.Status(err), err
	}
	if strict.Unmarshal(data, &in, strict.RejectUnknownMembers(true)) != nil {
		return in, http.StatusBadRequest, errors.New(`the body is not {"code": "...", "edge": "..."}`)
	}
	return in, 0, nil
}

// seconds rounds up, within bounds.
func seconds(d time.Duration) int64 {
	return int64((min(max(d, soonest), latest) + time.Second - 1) / time.Second)
}

// wait refuses for now.
func wait(w http.ResponseWriter, status int, left time.Duration, detail string) {
	w.Header().Set("Retry-After", strconv.FormatInt(int64((left+time.Second-1)/time.Second), 10))
	problem.Write(w, status, detail)
}

func answer(w http.ResponseWriter, c ingest.Credential) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(c) // the client is gone if this fails
}
