// Package api is the read side of central over HTTP: lists, cases, the feed, pictures, series, sessions and health.
//
// In: the store, the time-series database, the object store, and handlers that other packages own (ingest, fleet, feed,
// console). Out: one http.Handler, and its own description (OpenAPI 3.1, generated from the Go types). Everything under /v1 but signing in
// and an edge's enrolment needs a session or a bearer token. It decides nothing about cases: an operator's step is appended, and the store judges it.
package api

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/prometheus/client_golang/prometheus"

	"gridgate/central/api/forwarded"
	"gridgate/central/api/problem"
	"gridgate/central/auth"
	"gridgate/central/cases"
	"gridgate/central/overview"
	"gridgate/central/store"
	"gridgate/central/tsdb"
)

// Store is what the API reads, and the one thing that it appends.
type Store interface {
	Alerts(ctx context.Context, q store.Query) ([]store.StoredAlert, string, error)
	Cases(ctx context.Context, q store.Query) ([]cases.Case, string, error)
	Case(ctx context.Context, id string) (cases.Case, error)
	CaseFile(ctx context.Context, id string, before int64, limit int) (cases.Case, []cases.Event, error)
	Append(ctx context.Context, e cases.Event, expect int64) (cases.Case, error)
	Edges(ctx context.Context) ([]store.Edge, error)
	Edge(ctx context.Context, id string) (store.Edge, error)
	Gaps(ctx context.Context) ([]store.Tally, error)
	// EvidenceGrids lists the grids of the alerts that an evidence object belongs to.
	EvidenceGrids(ctx context.Context, sha256 string) ([]string, error)
	Ping(ctx context.Context) error
}

// Series answers queries for readings and metrics.
type Series interface {
	Query(ctx context.Context, s tsdb.Selector) ([]tsdb.Series, error)
}

// Pictures opens a stored object by its SHA-256. A missing one is [store.ErrNotFound].
type Pictures interface {
	Open(ctx context.Context, sha256 string) (io.ReadCloser, error)
}

// Route is an edge endpoint that another package serves. It gets authenticated requests only, unless it is open.
type Route struct {
	Method  string
	Path    string // with {name} segments
	Handler http.Handler
	Open    bool // it judges by itself who asks
}

// Options of [New]. All but Proxies, PublicURL, Version and Now are demanded.
type Options struct {
	Store     Store
	Series    Series
	PromQL    tsdb.PromQL // nil: readings are on another server, which is asked itself
	Pictures  Pictures
	Auth      *auth.Service
	SignOn    SignOn // nil: accounts are local
	Staff     Staff
	Audit     Recorder
	AuditLog  AuditLog
	Rules     RuleBook    // nil: the API tells nothing of rules, nor does it merge
	Changes   CaseChanges // demanded with Rules
	Setup     Setup       // what a centre sets up
	Notify    *Notify     // nil: the API tells nothing of notices
	Loops     Loops       // nil: cases are in no loop; else Changes is demanded
	LoopSetup LoopSetup   // nil: loops cannot be set up
	Reports   Reports     // nil: nobody reports by hand
	Orders    Orders      // nil: nothing can be wanted of edges
	Figures   Figures     // nil: nothing was counted

	Configurations Configurations // nil: nothing is written for edges
	Releases       Releases       // nil: builds are not kept here

	Zone      *time.Location // of the days of figures; demanded with Figures
	Filters   Filters        // nil: nobody saves filters of the feed
	Handovers Handovers      // nil: shifts are not handed over here
	Overview  Overview       // nil: there is no map; else Setup is demanded
	Tiles     Tiles          // nil: the map has polygons alone
	TileInfo  TileInfo       // of Tiles
	Cameras   Cameras        // nil: there is no register of cameras
	Unsealing Unsealing      // nil: no clip can be opened
	Replies   store.Replies  // nil: idempotency keys are not looked at
	Feed      http.Handler
	Edges     []Route
	Console   http.Handler
	Metrics   *prometheus.Registry
	Logger    *slog.Logger
	Wake      func(position int64) // called after each case event that an operator appended

	Proxies   []netip.Prefix // whose word for a client's address is taken
	PublicURL string         // for requests that reach central through a proxy under another name
	Version   string
	Now       func() time.Time // time.Now if nil
}

// Server is the whole of central's HTTP surface.
type Server struct {
	o       Options
	handler http.Handler
	huma    huma.API
	meter   *meter

	recorded  map[string]string // pattern -> operation that the audit log tells of
	keys      map[string]int64  // pattern -> bytes of the body of an operation that takes an idempotency key
	strangers strangers
	outlines  *overview.Outlines // nil: there is no map
	drawings  drawings
	shelf     *shelf
}

// New builds the server and its document.
func New(o Options) (*Server, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Store = scoped{o.Store}
	if o.Changes != nil {
		o.Changes = scopedChanges{o.Changes, o.Store}
	}
	s := &Server{o: o, meter: newMeter(o.Metrics), shelf: newShelf()}
	v1 := http.NewServeMux()
	s.huma = humago.New(v1, humaConfig(o.Version))
	s.huma.UseMiddleware(s.authorize)
	s.operations()
	s.plain(v1)
	s.keys = keyedOperations(s.huma.OpenAPI())
	describe(s.huma.OpenAPI())
	s.recorded = recordedOperations(s.huma.OpenAPI())
	root, err := s.root(v1)
	if err != nil {
		return nil, err
	}
	s.handler = root
	return s, nil
}

// ServeHTTP serves everything.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// operations registers what huma serves, in the order of the document.
func (s *Server) operations() {
	s.sessionOperations()
	s.signOnOperations()
	s.staffOperations()
	s.auditOperations()
	s.alertOperations()
	s.filterOperations()
	s.caseOperations()
	s.stepOperations()
	s.undoOperations()
	s.bulkOperations()
	s.colleagueOperations()
	s.neighbourOperations()
	s.workflowOperations()
	s.ruleOperations()
	s.notifyOperations()
	s.edgeOperations()
	s.orderOperations()
	s.configurationOperations()
	s.releaseOperations()
	s.seriesOperations()
	s.gridOperations()
	s.mapOperations()
	s.unitOperations()
	s.classOperations()
	s.reportOperations()
	s.indicatorOperations()
	s.handoverOperations()
	s.exportOperations()
	s.registerOperations()
	s.filingOperations()
	s.unsealingOperations()
	s.traceOperations()
}

// plain registers what streams or what other packages serve.
func (s *Server) plain(v1 *http.ServeMux) {
	v1.Handle("GET /v1/feed", auth.Need(s.o.Feed, auth.Read))
	v1.Handle("GET /v1/evidence/{sha256}", auth.Need(http.HandlerFunc(s.picture), auth.Read))
	s.prometheus(v1)
	for _, route := range s.o.Edges {
		v1.Handle(route.Method+" "+route.Path, route.Handler)
	}
	v1.Handle("/", s.unknown(v1))
}

// root puts sign-in, health and the console around the authenticated part.
func (s *Server) root(v1 *http.ServeMux) (http.Handler, error) {
	crossSite, err := crossSiteProtection(s.o.PublicURL)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	inner := s.audited(v1)
	for _, open := range openPaths {
		mux.Handle(open, inner)
	}
	for _, route := range s.o.Edges {
		if route.Open {
			mux.Handle(route.Method+" "+route.Path, inner)
		}
	}
	mux.Handle("/v1/", s.o.Auth.Require(inner))
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.Handle("GET /metrics", s.metrics())
	mux.Handle("GET /openapi.json", s.document())
	mux.Handle("/", s.o.Console)
	proxies := forwarded.New(forwarded.Options{Trusted: s.o.Proxies, Registerer: s.o.Metrics, Logger: s.o.Logger, Now: s.o.Now})
	return s.survive(proxies.Handler(s.meter.wrap(v1, secure(bounded(crossSite.Handler(mux)))))), nil
}

// document serves the API's own description, written down when it is first asked for.
func (s *Server) document() http.Handler {
	write := sync.OnceValues(func() ([]byte, error) { return json.Marshal(s.huma.OpenAPI()) })
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		document, err := write()
		if err != nil {
			s.o.Logger.Error("the API's document was not written", "error", err)
			problem.Write(w, http.StatusInternalServerError, "the API's document could not be written")
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(document) // the client is gone if this fails
	})
}
