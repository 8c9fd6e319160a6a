package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"gridgate/central/api/problem"
	"gridgate/central/auth"
	"gridgate/central/store"
)

// keyHeader is that of draft-ietf-httpapi-idempotency-key-header-07, section 2.1: a string of structured fields (RFC 9651, 3.3.3). One
// without its quotes is taken, too.
const keyHeader = "Idempotency-Key"

var validKey = regexp.MustCompile(`^("[!#-\[\]-~]{1,255}"|[!#-\[\]-~]{1,255})$`)

// secretive are the operations whose request or answer holds a password or a token: nothing of them is kept, not even a hash.
var secretive = []string{"sign-in", "change-password", "create-user", "reset-password", "create-token"}

// keyedOperations maps the patterns of the operations that take a key to how large their bodies may be, and says so in the document.
// Imports take none, since they are the same however often they are done.
func keyedOperations(doc *huma.OpenAPI) map[string]int64 {
	out := map[string]int64{}
	for path, item := range doc.Paths {
		op := item.Post
		if op == nil || op.Metadata[needs] == nil || op.MaxBodyBytes > maxPhoto || slices.Contains(secretive, op.OperationID) {
			continue
		}
		out[http.MethodPost+" "+path] = max(op.MaxBodyBytes, maxBody)
		longest := 257
		op.Parameters = append(op.Parameters, &huma.Param{
			Name: keyHeader, In: "header", Schema: &huma.Schema{Type: huma.TypeString, MaxLength: &longest},
			Description: "the same request under the same key is done once, and answered for 24 hours as it was first: 422 for another request, 409 while the first is at work",
		})
		if op.Responses["409"] == nil && op.Responses["422"] != nil {
			conflict := *op.Responses["422"]
			conflict.Description = http.StatusText(http.StatusConflict)
			op.Responses["409"] = &conflict
		}
	}
	return out
}

// keyed lets a request with a key be done once. Whoever sends it again gets the answer of the first time.
func (s *Server) keyed(pattern string, next http.Handler) http.Handler {
	most, takes := s.keys[pattern]
	if !takes || s.o.Replies == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		values := r.Header.Values(keyHeader)
		p, known := auth.From(r.Context())
		switch {
		case len(values) == 0 || !known:
			next.ServeHTTP(w, r)
		case len(values) > 1 || !validKey.MatchString(values[0]):
			problem.Write(w, http.StatusBadRequest, keyHeader+" is no string of 1 to 255 printable characters")
		default:
			claim := store.Reply{Principal: p.Actor(), Key: strings.Trim(values[0], `"`), At: s.o.Now().UTC()}
			s.once(w, r, next, p, claim, most)
		}
	})
}

// once claims the key and does the request, or answers as the request was answered before.
func (s *Server) once(w http.ResponseWriter, r *http.Request, next http.Handler, p auth.Principal, claim store.Reply, most int64) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		problem.Write(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is larger than %d bytes", most))
		return
	case err != nil:
		problem.Write(w, http.StatusBadRequest, "the body did not arrive")
		return
	}
	if claim.Hash, err = requestHash(r, p, body); err == nil {
		claim, err = s.claim(w, r, claim)
	}
	switch {
	case err != nil:
		s.o.Logger.Error("request failed", "doing", "claim an idempotency key", "error", err)
		problem.Write(w, http.StatusServiceUnavailable, "the key could not be noted, nothing was done; try again")
	case claim.Key != "":
		r.Body = io.NopCloser(bytes.NewReader(body))
		s.first(w, r, next, claim)
	}
}

// claim returns the claim, or an empty one after it has answered.
func (s *Server) claim(w http.ResponseWriter, r *http.Request, claim store.Reply) (store.Reply, error) {
	stands, fresh, err := s.o.Replies.ClaimReply(r.Context(), claim)
	switch {
	case err != nil || fresh:
		return stands, err
	case stands.Hash != claim.Hash:
		problem.Write(w, http.StatusUnprocessableEntity, "the key belongs to another request")
	case stands.Status == 0:
		problem.Write(w, http.StatusConflict, "the same request is still at work")
	default:
		noteOf(r.Context()).reason = "repeated"
		write(w, stands)
	}
	return store.Reply{}, nil
}

func write(w http.ResponseWriter, r store.Reply) {
	for name, value := range map[string]string{"ETag": r.ETag, "Content-Type": r.Type} {
		if value != "" {
			w.Header().Set(name, value)
		}
	}
	w.WriteHeader(r.Status)
	_, _ = w.Write(r.Body) // the client is gone if this fails
}

// first does the request and keeps its answer. What says nothing of the request, but of who asked, of the moment or of central, is not
// kept: the key is new again then, as it is if the handler did not come to an end.
func (s *Server) first(w http.ResponseWriter, r *http.Request, next http.Handler, claim store.Reply) {
	ctx := context.WithoutCancel(r.Context())
	out := &copying{ResponseWriter: w}
	settled := false
	defer func() {
		if !settled {
			s.settle(ctx, claim, s.o.Replies.DropReply)
		}
	}()
	next.ServeHTTP(out, r)
	settled = true
	switch claim.Status = out.status(); {
	case claim.Status >= http.StatusInternalServerError, slices.Contains([]int{http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests}, claim.Status):
		s.settle(ctx, claim, s.o.Replies.DropReply)
		return
	case out.body.Len() > store.MaxReply:
		claim.Status, claim.Type = http.StatusConflict, problem.ContentType
		claim.Body, _ = json.Marshal(problem.Details{ // of strings and a number
			Title: http.StatusText(http.StatusConflict), Status: http.StatusConflict, Detail: "this was done, and its answer was too large to be kept",
		})
	default:
		claim.ETag, claim.Type, claim.Body = w.Header().Get("ETag"), w.Header().Get("Content-Type"), out.body.Bytes()
	}
	s.settle(ctx, claim, s.o.Replies.EndReply)
}

// settle stores what became of a claim. If that fails the key stays at work until it is taken for lost.
func (s *Server) settle(ctx context.Context, claim store.Reply, how func(context.Context, store.Reply) error) {
	ctx, cancel := context.WithTimeout(ctx, workWithin)
	defer cancel()
	if err := how(ctx, claim); err != nil {
		s.o.Logger.Error("the answer to a request with a key is not kept", "error", err)
	}
}

// requestHash is the SHA-256 of all that the answer depends on: what is asked, and by somebody with which rights.
func requestHash(r *http.Request, p auth.Principal, body []byte) (string, error) {
	sum := sha256.New()
	head := []any{r.Method, r.URL.RequestURI(), r.Header.Get("Content-Type"), r.Header.Get("If-Match"), p.Role, p.Unit, p.Grids, p.Scopes, len(body)}
	if err := json.NewEncoder(sum).Encode(head); err != nil {
		return "", fmt.Errorf("hash the request: %w", err)
	}
	sum.Write(body)
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// copying keeps a bounded copy of an answer on its way.
type copying struct {
	http.ResponseWriter
	code int
	body bytes.Buffer
}

func (w *copying) status() int {
	if w.code == 0 {
		return http.StatusOK
	}
	return w.code
}

// WriteHeader implements [http.ResponseWriter].
func (w *copying) WriteHeader(code int) {
	if w.code == 0 && code >= http.StatusOK {
		w.code = code
	}
	w.ResponseWriter.WriteHeader(code)
}

func (w *copying) Write(p []byte) (int, error) {
	if w.code == 0 {
		w.code = http.StatusOK
	}
	if room := store.MaxReply + 1 - w.body.Len(); room > 0 {
		w.body.Write(p[:min(room, len(p))])
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap is for [http.ResponseController].
func (w *copying) Unwrap() http.ResponseWriter { return w.ResponseWriter }
