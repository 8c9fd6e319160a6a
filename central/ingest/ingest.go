// Package ingest is step 7 of the pipeline: the server side of the edge contract (gridgate/protocols/ingest).
//
// In: HTTP requests of edges and of programs that post CloudEvents. Out: committed alerts, evidence and readings, and only
// then a receipt for each. It never refuses an alert for its time, never stores or logs a raw body, and never redacts:
// pictures come redacted from the edge.
package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"gridgate/central/store"
	"gridgate/central/tsdb"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// ScopeEvents is the scope of a principal that may post events of any edge.
const ScopeEvents = "events"

// Principal is who posts: a program, known by its token. Never a person.
type Principal struct {
	Name   string
	Edge   string // the one edge that it speaks for; empty for none: its ids may be foreign
	Scopes []string
}

// ErrUnauthorized makes a request end in 401: the token is missing, wrong or expired.
var ErrUnauthorized = errors.New("a valid bearer token is demanded")

// Store is what this package needs of [store.Store].
type Store interface {
	Ingest(ctx context.Context, g store.Group, decide store.Decider, now time.Time) ([]ingest.Outcome, error)
	AddEvidence(ctx context.Context, evidence []alert.Evidence, now time.Time) ([]ingest.Outcome, error)
	Gaps(ctx context.Context) ([]store.Tally, error)
	// NoteOrphan has an object deleted that no evidence names, see [store.Store.NoteOrphan].
	NoteOrphan(ctx context.Context, sha256 string) error
}

// Objects keeps evidence pictures, see gridgate/central/store/objects. Put verifies digest and size: the errors of
// [store] say which failed.
type Objects interface {
	Put(ctx context.Context, sha256 string, r io.Reader, max int64) (created bool, err error)
}

// Readings writes samples, see [tsdb.DB]. An error that is a [tsdb.Rejection] names the samples that were refused.
type Readings interface {
	Write(ctx context.Context, samples []tsdb.Sample) error
}

// Options are what a [Server] is made of. All fields without a default are demanded.
type Options struct {
	Store    Store
	Decide   store.Decider
	Objects  Objects
	Readings Readings
	// Authorize says who posts. [ErrUnauthorized] is answered with 401, any other error with 503.
	Authorize func(r *http.Request) (Principal, error)
	// OnCommit is called after each commit of alerts. It must not block. May be nil.
	OnCommit func()
	// Refuses says whether no pictures of a camera are taken, see [gridgate/central/register.Register.Refuses]. nil: of all they are.
	Refuses    func(ctx context.Context, edge, camera string) bool
	Registerer prometheus.Registerer // nil: metrics are kept but registered nowhere
	Logger     *slog.Logger          // nil: discards
	Now        func() time.Time      // nil: time.Now
	Quota      Quota                 // of each sender
	Queue      int                   // batches that may wait for a commit; 0: 64. A quarter is reserved to life-safety
	Group      int                   // batches in one commit at most; 0: 8
	GroupWait  time.Duration         // how long a batch waits for others at most; 0: 5 ms
}

func (o *Options) setDefaults() {
	if o.OnCommit == nil {
		o.OnCommit = func() {}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Queue <= 0 {
		o.Queue = 64
	}
	if o.Group <= 0 {
		o.Group = 8
	}
	if o.GroupWait <= 0 {
		o.GroupWait = 5 * time.Millisecond
	}
}

// Server is the committer and its handlers.
type Server struct {
	o         Options
	metrics   *metrics
	committer *committer
	quotas    *quotas
	uploads   chan struct{} // bounds concurrent uploads of pictures
	clips     chan struct{} // the same of sealed clips, which take minutes on a slow line and must not keep pictures out
	readings  chan struct{} // bounds concurrent readings uploads
}

// Bounds of requests that are served at a time; what comes on top is answered with 503.
const (
	maxUploads  = 16
	maxClips    = 8
	maxReadings = 8
)

// New returns a server that commits nothing until [Server.Run]. It fails if an option that is demanded is missing.
func New(o Options) (*Server, error) {
	if o.Store == nil || o.Decide == nil || o.Objects == nil || o.Readings == nil || o.Authorize == nil {
		return nil, errors.New("ingest: Store, Decide, Objects, Readings and Authorize are demanded")
	}
	o.setDefaults()
	s := &Server{
		o: o, committer: newCommitter(o), quotas: newQuotas(o.Quota),
		uploads: make(chan struct{}, maxUploads), clips: make(chan struct{}, maxClips), readings: make(chan struct{}, maxReadings),
	}
	var err error
	if s.metrics, err = newMetrics(o.Registerer, s.committer.waiting, o.Store); err != nil {
		return nil, fmt.Errorf("ingest: register metrics: %w", err)
	}
	s.committer.metrics = s.metrics
	return s, nil
}

// Run commits what the handlers take until ctx ends; then it commits what waits and returns nil. One Run per Server.
func (s *Server) Run(ctx context.Context) error { return s.committer.run(ctx) }

// Handler serves the paths of the edge contract: POST /v1/events, POST /v1/readings, PUT /v1/evidence/{sha256}, and
// [AlertmanagerPath]. Any method or path beside these is answered as [http.ServeMux] does.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST "+ingest.EventsPath, s.authorized(s.postEvents))
	mux.Handle("POST "+AlertmanagerPath, s.authorized(s.postAlertmanager))
	mux.Handle("POST "+ingest.ReadingsPath, s.authorized(s.postReadings))
	mux.Handle("PUT "+ingest.EvidencePath+"{sha256}", s.authorized(s.putEvidence))
	return mux
}

// handler serves a request of a principal that may post. A returned error is answered as a problem.
type handler func(w http.ResponseWriter, r *http.Request, p Principal) error

// readTimeout is how long a request may take to arrive in full; an upload has more, see uploadTimeout.
const readTimeout = time.Minute

// authorized lets only principals pass that may post for some edge.
func (s *Server) authorized(serve handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, err := s.o.Authorize(r)
		switch {
		case errors.Is(err, ErrUnauthorized):
			w.Header().Set("WWW-Authenticate", "Bearer")
			err = refuse(http.StatusUnauthorized, "%s", ErrUnauthorized)
		case err != nil:
			err = unavailable(fmt.Errorf("authorize: %w", err))
		case p.Edge == "" && !slices.Contains(p.Scopes, ScopeEvents):
			err = refuse(http.StatusForbidden, "this token may not post for an edge")
		default:
			// Not every ResponseWriter can: then the server's own timeout holds.
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(readTimeout))
			err = serve(w, r, p)
		}
		if err != nil {
			s.answerProblem(w, r, err)
		}
	})
}

// sender is what p's quota and its turn go by.
func (p Principal) sender() string {
	if p.foreign() {
		return "token " + p.Name
	}
	return p.Edge
}

// foreign says whether p is no edge: its ids are its own, see [alert.DecodeForeign].
func (p Principal) foreign() bool { return p.Edge == "" }

// mayPost says why p may not speak for the device at source, or nil.
func (p Principal) mayPost(source string) error {
	if p.foreign() {
		return nil
	}
	edge, _, _, err := alert.ParseSource(source)
	if err != nil {
		return err
	}
	if edge != p.Edge {
		return errors.New("source names another edge than the token's")
	}
	return nil
}
