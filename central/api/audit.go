package api

import (
	"context"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"gridgate/central/api/problem"
	"gridgate/central/audit"
	"gridgate/central/auth"
	"gridgate/central/store"
)

// Recorder puts an entry into the audit log, and returns once it is on stable storage.
type Recorder interface {
	Record(ctx context.Context, e audit.Entry) error
}

// AuditLog is what is read of the audit log.
type AuditLog interface {
	AuditPage(ctx context.Context, q store.AuditQuery) ([]audit.Entry, string, error)
}

// deliveries are the operations of edges and other programs whose record is what they deliver: alerts, readings, reports, objects.
var deliveries = []string{"post-events", "post-readings", "post-alertmanager", "sync-edge", "put-evidence", "enrol-edge", "renew-credential", "put-look-picture", "put-trial-result"}

// looks are the operations that change nothing and are recorded all the same: whoever sees evidence leaves a trace. An operation elsewhere
// says so by [watched].
var looks = []string{"get-evidence"}

// asked are the operations that only look, by POST.
var asked = []string{"prometheus-query-form", "prometheus-query-range-form", "prometheus-series-form", "prometheus-labels-form", "preview-configuration"}

const watchedKey = "watched" // metadata: recorded although it changes nothing

// watched marks an operation that is recorded although it changes nothing.
func watched(op huma.Operation) huma.Operation {
	op.Metadata[watchedKey] = true
	return op
}

// recordWithin is how long an answer waits for its entry.
const recordWithin = 15 * time.Second

// Entries of somebody who is not known and was refused: so many at once, then one each so often. What is above is counted in the next one.
const (
	strangersAtOnce = 60
	strangerEvery   = time.Second
)

// note is what a handler tells of its request beyond what the address says.
type note struct {
	actor, role, target, reason string
}

type noteKey struct{}

// noteOf is where a handler writes what the audit log should say.
func noteOf(ctx context.Context) *note {
	if n, ok := ctx.Value(noteKey{}).(*note); ok {
		return n
	}
	return &note{}
}

// recordedOperations maps the patterns of the operations that are recorded to their ids.
func recordedOperations(doc *huma.OpenAPI) map[string]string {
	out := map[string]string{}
	for path, item := range doc.Paths {
		for method, op := range map[string]*huma.Operation{
			http.MethodGet: item.Get, http.MethodPost: item.Post, http.MethodPut: item.Put, http.MethodPatch: item.Patch, http.MethodDelete: item.Delete,
		} {
			if op == nil {
				continue
			}
			seen, _ := op.Metadata[watchedKey].(bool)
			changes := method != http.MethodGet && !slices.Contains(deliveries, op.OperationID) && !slices.Contains(asked, op.OperationID)
			if changes || seen || slices.Contains(looks, op.OperationID) {
				out[method+" "+path] = op.OperationID
			}
		}
	}
	return out
}

// audited lets no answer of a recorded operation out before its entry is on stable storage. If it cannot be written, the answer is 503:
// nobody sees evidence, or is told that a change was made, without a trace.
func (s *Server) audited(v1 *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, pattern := v1.Handler(r)
		operation, ok := s.recorded[pattern]
		if !ok {
			v1.ServeHTTP(w, r)
			return
		}
		n := &note{}
		r = r.WithContext(context.WithValue(r.Context(), noteKey{}, n))
		out := &recording{ResponseWriter: w, before: w.Header().Clone(), record: func(status int) error {
			return s.record(r, entryOf(r, operation, pattern, n, status))
		}, server: s}
		defer func() {
			if p := recover(); p != nil {
				out.WriteHeader(http.StatusInternalServerError)
				panic(p)
			}
			out.WriteHeader(http.StatusOK) // of a handler that wrote nothing
		}()
		s.keyed(pattern, v1).ServeHTTP(out, r)
	})
}

func (s *Server) record(r *http.Request, e audit.Entry) error {
	if e.Actor == "" && e.Outcome == audit.Refused {
		written, omitted := s.strangers.admit(s.o.Now())
		if !written {
			return nil
		}
		e.Omitted = omitted
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), recordWithin)
	defer cancel()
	return s.o.Audit.Record(ctx, e)
}

// entryOf is the entry of a request that is about to be answered.
func entryOf(r *http.Request, operation, pattern string, n *note, status int) audit.Entry {
	e := audit.Entry{Actor: n.actor, Role: n.role, Action: operation, Target: n.target, Reason: n.reason, Outcome: audit.Done, Status: status, Remote: hostOf(r.RemoteAddr)}
	if p, ok := auth.From(r.Context()); ok {
		e.Actor, e.Role = p.Actor(), string(p.Role)
		if !p.Staff() {
			e.Role = "token"
		}
	}
	if e.Target == "" {
		e.Target = strings.Join(parametersOf(pattern, r.URL.Path), ",")
	}
	switch {
	case status >= http.StatusInternalServerError:
		e.Outcome = audit.Failed
	case status >= http.StatusBadRequest:
		e.Outcome = audit.Refused
	}
	return e
}

func hostOf(remote string) string {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		return ""
	}
	return host
}

// parametersOf are the segments of a path that stand for the {names} of a pattern.
func parametersOf(pattern, path string) (values []string) {
	_, pattern, _ = strings.Cut(pattern, " ")
	segments := strings.Split(path, "/")
	for i, name := range strings.Split(pattern, "/") {
		if strings.HasPrefix(name, "{") && i < len(segments) {
			values = append(values, segments[i])
		}
	}
	return values
}

// recording holds an answer back until its entry is written.
type recording struct {
	http.ResponseWriter
	server  *Server
	before  http.Header // as it was before the handler
	record  func(status int) error
	decided bool
	blocked bool
}

// WriteHeader writes the entry, then the answer.
func (w *recording) WriteHeader(status int) {
	if w.decided || status < http.StatusOK {
		return
	}
	w.decided = true
	if err := w.record(status); err != nil {
		w.server.o.Logger.Error("request not recorded, its answer is withheld", "error", err)
		w.blocked = true
		h := w.Header()
		clear(h)
		for name, values := range w.before {
			h[name] = values
		}
		problem.Write(w.ResponseWriter, http.StatusServiceUnavailable, "this could not be written into the audit log; look whether it was done before you try again")
		return
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recording) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.blocked {
		return len(p), nil
	}
	return w.ResponseWriter.Write(p)
}

// FlushError is for http.ResponseController: nothing flows before the entry is written.
func (w *recording) FlushError() error {
	w.WriteHeader(http.StatusOK)
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Unwrap is for http.ResponseController.
func (w *recording) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// strangers bounds how much somebody who is not known can make the log grow.
type strangers struct {
	mu      sync.Mutex
	last    time.Time
	places  float64
	omitted int64
}

// admit says whether an entry may be written, and if so how many were not before it.
func (l *strangers) admit(now time.Time) (bool, int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last.IsZero() {
		l.places = strangersAtOnce
	} else if passed := now.Sub(l.last); passed > 0 {
		l.places = min(strangersAtOnce, l.places+passed.Seconds()/strangerEvery.Seconds())
	}
	l.last = now
	if l.places < 1 {
		l.omitted++
		return false, 0
	}
	l.places--
	omitted := l.omitted
	l.omitted = 0
	return true, omitted
}

type auditFilter struct {
	Actor  string    `query:"actor" maxLength:"80"`
	Action string    `query:"action" pattern:"^[a-z][a-z0-9-]{0,63}$" doc:"id of an operation"`
	Since  time.Time `query:"since" doc:"at or after"`
	Until  time.Time `query:"until" doc:"before"`
	Cursor string    `query:"cursor" maxLength:"256" doc:"next of the page before"`
	Limit  int       `query:"limit" minimum:"1" maximum:"500" default:"50"`
}

// AuditPage is one page of the audit log, newest first.
type AuditPage struct {
	Items []audit.Entry `json:"items" nullable:"false"`
	Next  string        `json:"next" doc:"cursor of the next page, empty on the last"`
}

type auditPageOutput struct{ Body AuditPage }

func (s *Server) auditOperations() {
	op := operation(http.MethodGet, "/v1/audit", "list-audit", "Who did what, newest first", auth.Audit, http.StatusBadRequest)
	huma.Register(s.huma, watched(op), func(ctx context.Context, in *auditFilter) (*auditPageOutput, error) {
		q := store.AuditQuery{Actor: in.Actor, Action: in.Action, Since: in.Since, Until: in.Until, Cursor: in.Cursor, Limit: in.Limit}
		items, next, err := s.o.AuditLog.AuditPage(ctx, q)
		if err != nil {
			return nil, s.failure(ctx, "list the audit log", err)
		}
		if items == nil {
			items = []audit.Entry{}
		}
		return &auditPageOutput{Body: AuditPage{Items: items, Next: next}}, nil
	})
}
