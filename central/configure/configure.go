// Package configure is central's half of desired configuration: what is written for the edges, judged, and rolled out to them in waves.
//
// In: texts by staff for all edges, for a group or for one edge; what edges report of the configuration that is wanted of them. Out: the
// text of each edge ([Service.Text]), the documents that central's orders tell edges of ([orders.KindConfiguration]), rollouts that stop by
// themselves, and how far each edge is from what is wanted ([Service.Edges]). It dials no edge and knows no secret: a text names the file
// that holds one. It never decides for an edge: the edge's own file says what central may say at all, and an edge that gets worse goes back
// by itself.
//
// A text is YAML with sections of the edge's configuration ([Sections]). The text of an edge is made of its layers: all < its groups, in
// their order < the edge. A section of a later layer takes the place of that of an earlier one as a whole; nothing is merged within it.
package configure

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"gridgate/central/job"
	"gridgate/central/store"
	"gridgate/protocols/ingest"
)

// The kinds of documents. All are kept in all their versions.
const (
	KindGroup    = "edge-group"         // id: its name
	KindLayer    = "configuration"      // id: all, group:NAME or edge:NAME
	KindText     = "configuration-text" // id: SHA-256 of the text; one version
	KindAssigned = "edge-configuration" // id: edge
	KindRollout  = "rollout"            // id: grows with time
	KindPlan     = "rollout-plan"       // id: of the rollout; one version
	KindOpen     = "rollout-open"       // id: now
	openID       = "now"
	textMember   = 1 << 20 // bytes of a text's document
	maxTries     = 5       // of a change that another central came before
	composedKept = 64      // texts that are remembered
)

// Bounds.
const (
	MaxGroups     = 256
	MaxListed     = 10_000 // edges of a group by name, and edges of a rollout
	MaxLayers     = 10_512 // layers
	MaxWhy        = 200    // runes
	MaxHistory    = 200    // versions of a layer that are listed
	MaxRollouts   = 50     // of a page
	inTouch       = 3 * time.Minute
	sendAtOnce    = 500 // edges of one transaction
	readOneByOne  = 32  // edges that are read one by one; more are read together
	keepMany      = 100 // edges: of fewer, always what is now is told
	keepFrom      = 20 * time.Millisecond
	keepTimes     = 10
	maxTrialLimit = int64(ingest.MaxTrialTime / time.Second)
)

// Why says what sort of [Refused] it is.
type Why int

// The sorts.
const (
	Invalid  Why = iota // something in it is not right
	Conflict            // not as things stand
)

// Refused says why something was not done. Problems name lines of the text in Layer.
type Refused struct {
	Why      Why
	Text     string
	Layer    string
	Problems []ingest.Problem
}

func (r *Refused) Error() string {
	text := r.Text
	for _, p := range r.Problems {
		text += fmt.Sprintf("\n%s:%d: %s: %s (%s)", r.Layer, p.Line, p.Field, p.What, p.Remedy)
	}
	return text
}

func refuse(why Why, format string, args ...any) error {
	return &Refused{Why: why, Text: fmt.Sprintf(format, args...)}
}

// Store is what this package needs of [store.Store].
type Store interface {
	PutDocuments(ctx context.Context, d []store.Document) error
	Document(ctx context.Context, kind, id string) (store.Document, error)
	DocumentsOf(ctx context.Context, kind string) ([]store.Document, error)
	DocumentsBefore(ctx context.Context, kind, before string, limit int) ([]store.Document, error)
	DocumentVersions(ctx context.Context, kind string) (map[string]int64, error)
	DocumentHistory(ctx context.Context, kind, id string, limit int) ([]store.Document, error)
	Edges(ctx context.Context) ([]store.Edge, error)
	Edge(ctx context.Context, id string) (store.Edge, error)
}

// Options of [New]. Store is demanded.
type Options struct {
	Store Store
	// Grid says whether the map has a grid; nil: there is no map, and every code is taken.
	Grid       func(code string) bool
	Lead       job.Lead // nil: this is the only central
	Registerer prometheus.Registerer
	Logger     *slog.Logger     // nil: discards
	Now        func() time.Time // nil: time.Now
}

// Service is safe for concurrent use. Any number of centrals may have one on one store; [Service.Run] of one of them drives.
type Service struct {
	o      Options
	judge  *judge
	texts  composedCache
	shelf  shelf
	driver driver
}

// New returns a Service. Nothing is driven before [Service.Run].
func New(o Options) (*Service, error) {
	if o.Store == nil {
		return nil, errors.New("configure: Store is demanded")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	j, err := newJudge(o.Grid)
	if err != nil {
		return nil, err
	}
	s := &Service{o: o, judge: j}
	if o.Registerer != nil {
		stopped := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "gridgate_configuration_rollout_stopped", Help: "1 while a rollout of a configuration has stopped by itself and waits for somebody, at the central that drives.",
		}, s.driver.stoppedGauge)
		if err := o.Registerer.Register(stopped); err != nil {
			return nil, fmt.Errorf("configure: register metrics: %w", err)
		}
	}
	return s, nil
}

// Run drives the rollout that is open, on one central at a time, until ctx ends; it returns nil.
func (s *Service) Run(ctx context.Context) error {
	return job.Loop{Name: "configuration", Begin: s.lead, CatchUp: s.drive, Lead: s.o.Lead, Logger: s.o.Logger}.Run(ctx)
}

// shelf holds what was read of all edges for a moment: a short reading, or one of few edges, is not kept, a long one ten times as long as it
// took.
type shelf struct {
	mu    sync.Mutex
	edges []store.Edge
	until time.Time
}

func (b *shelf) get(ctx context.Context, from Store) ([]store.Edge, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	began := time.Now()
	if began.Before(b.until) {
		return b.edges, nil
	}
	edges, err := from.Edges(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the edges: %w", err)
	}
	b.edges = edges
	if took := time.Since(began); took >= keepFrom && len(edges) >= keepMany {
		b.until = time.Now().Add(keepTimes * took)
	}
	return edges, nil
}
