// Package watch notices edges that central does not hear of.
//
// In: when each edge synced last, and which edges are awaited. Out: for each silent edge one situation of the kind device-offline, raised
// and cleared like that of a device, so that people see it as a case; one for all of them where so many are silent at once that it is the
// network; and metrics. One of several centrals raises. Ids follow from the edge and its last sync: whoever is killed, nothing is raised
// twice. It never counts the time in which no central watched, asks no edge for anything, and decides nothing about cases.
package watch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"gridgate/central/cases"
	"gridgate/central/job"
	"gridgate/central/store"
	"gridgate/protocols/ingest"
)

// Name is the job's task.
const Name = "watch"

// Defaults and bounds.
const (
	DefaultAfter = 5 * time.Minute  // of an edge that syncs once a minute
	Settle       = 2 * time.Minute  // from being silent to the situation: whether it is the network shows meanwhile
	Every        = 15 * time.Second // between two looks
	suspended    = 4 * Every        // a pause between two looks in which nobody watched

	least = 5   // so many silent edges at least are the network's,
	share = 0.5 // and this share of all that are awaited; it is over at half of that

	maxBatch  = 256 // situations of one transaction
	maxNamed  = 100 // silent edges that the metrics name
	maxPlaces = 64  // silent edges whose grids are read for the place of the network's situation
)

// Store is what this package needs of [store.Store].
type Store interface {
	LastSyncs(ctx context.Context) (map[string]time.Time, error)
	Edge(ctx context.Context, id string) (store.Edge, error)
	Ingest(ctx context.Context, g store.Group, decide store.Decider, now time.Time) ([]ingest.Outcome, error)
	Cases(ctx context.Context, q store.Query) (items []cases.Case, next string, err error)
	Alerts(ctx context.Context, q store.Query) (items []store.StoredAlert, next string, err error)
}

// Options are what a [Job] is made of. Store, Decide and Expected are demanded.
type Options struct {
	Store    Store
	Decide   store.Decider
	Expected func(ctx context.Context) (map[string]bool, error) // edges that are let in by now: no other is awaited
	After    func(edge string) time.Duration                    // from its last sync until an edge is silent; nil: [DefaultAfter]
	Lead     job.Lead                                           // nil: this is the only central
	OnCommit func()                                             // after each commit; nil: nobody

	Registerer prometheus.Registerer // nil: metrics are registered nowhere
	Logger     *slog.Logger          // nil: discards
	Now        func() time.Time      // nil: time.Now
}

func (o *Options) setDefaults() {
	if o.After == nil {
		o.After = func(string) time.Duration { return DefaultAfter }
	}
	if o.OnCommit == nil {
		o.OnCommit = func() {}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
}

// Job watches.
type Job struct {
	o       Options
	begun   time.Time // of this process
	did     *prometheus.CounterVec
	network atomic.Bool // the network's situation is open

	// Of the one that leads.
	from time.Time            // since when somebody watches without a pause
	last time.Time            // the last look
	open map[string]situation // by edge; [Everybody] for the network's
}

// situation is one that was raised and not cleared.
type situation struct {
	id    string
	grid  string
	since time.Time // the last sync before it
}

// New returns a job that does nothing until [Job.Run].
func New(o Options) (*Job, error) {
	if o.Store == nil || o.Decide == nil || o.Expected == nil {
		return nil, errors.New("watch: Store, Decide and Expected are demanded")
	}
	o.setDefaults()
	j := &Job{o: o, begun: o.Now(), did: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "gridgate_fleet_situations_total", Help: "Situations of silent edges that were raised and cleared by this process.",
	}, []string{"did"})}
	j.did.WithLabelValues("raised")
	j.did.WithLabelValues("cleared")
	if o.Registerer != nil {
		if err := errors.Join(o.Registerer.Register(j.did), o.Registerer.Register(&fleet{job: j})); err != nil {
			return nil, fmt.Errorf("watch: register metrics: %w", err)
		}
	}
	return j, nil
}

// Run watches until ctx ends and returns nil. What fails is logged and tried again.
func (j *Job) Run(ctx context.Context) error {
	return job.Loop{Name: Name, Begin: j.begin, CatchUp: j.round, Lead: j.o.Lead, Every: Every, Logger: j.o.Logger}.Run(ctx)
}

// begin finds the situations that are open: another central may have raised them, or this one before it was started again.
func (j *Job) begin(ctx context.Context) error {
	j.from, j.last, j.open = j.o.Now(), j.o.Now(), map[string]situation{}
	for _, state := range []cases.State{cases.Open, cases.Acknowledged} {
		if err := j.recall(ctx, state); err != nil {
			return err
		}
	}
	j.note()
	return nil
}

// note tells the metrics whether the network's situation is open.
func (j *Job) note() {
	_, open := j.open[Everybody]
	j.network.Store(open)
}

// round looks once, clears what is over and raises what is new.
func (j *Job) round(ctx context.Context) error {
	now := j.o.Now()
	if now.Sub(j.last) > suspended || now.Before(j.last) {
		j.from = now // the machine slept, the store was away, or the clock was set: edges get their time again
	}
	j.last = now
	seen, err := j.look(ctx, j.from, now)
	if err != nil {
		return err
	}
	if err := j.clear(ctx, seen, now); err != nil {
		return err
	}
	return j.raise(ctx, seen, now)
}

// look reads who is silent, counting from `from` at the earliest.
func (j *Job) look(ctx context.Context, from, now time.Time) (view, error) {
	expected, err := j.o.Expected(ctx)
	if err != nil {
		return view{}, fmt.Errorf("read which edges are awaited: %w", err)
	}
	last, err := j.o.Store.LastSyncs(ctx)
	if err != nil {
		return view{}, err
	}
	return judge(expected, last, j.o.After, from, now), nil
}
