// Package deadline is the job that takes cases into their loops and lets time work on them.
//
// In: the case-event log behind a durable cursor, the cases whose deadlines, acknowledgements and snoozes are due, and the loops that a centre
// set up. Out: case events: a new case's first step with its unit and clocks, "deadline" when one turns yellow or red, what the loop
// says then (supervise, escalate), "woke", the end of an acknowledgement, and the close of cases whose parent closed. Each has its effect
// once, whoever is killed. One of several centrals works. It tells nobody: what it wrote is in the log, which others follow.
package deadline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"gridgate/central/cases"
	"gridgate/central/job"
	"gridgate/central/store"
	"gridgate/central/workflow"
)

// Name is the job's name in the store, and its task.
const Name = "loop"

// Bounds.
const (
	pageSize  = 200 // events of one step, cases of one look at the clock
	maxRounds = 50  // looks at the clock before the log is read again
	maxTries  = 8   // on a case that goes on changing
	pollEach  = time.Second

	// A cursor that passes events of which nothing came is stored after so long or so many events: each time is a commit beside ingest's,
	// and to read those events again makes nothing.
	lazyTime   = time.Second
	lazyEvents = 5000
	pace       = 100 * time.Millisecond // the log is read so often at most while something is committed all the time
)

// Store is what this package needs of [store.Store] and [store.Jobs].
type Store interface {
	Events(ctx context.Context, after int64, limit int) ([]cases.Event, error)
	Case(ctx context.Context, id string) (cases.Case, error)
	Cases(ctx context.Context, q store.Query) ([]cases.Case, string, error)
	AppendAll(ctx context.Context, changes []store.Change) ([]cases.Case, error)
	Due(ctx context.Context, now time.Time, limit int) ([]cases.Case, error)
	Parents(ctx context.Context, ids []string) ([]string, error)
	Cursor(ctx context.Context, job string) (int64, error)
	Advance(ctx context.Context, a store.Advance) ([]cases.Case, error)
}

// Loops says which loop a case follows, and with whom and at which level a new one begins. All are pure lookups, asked for each case anew.
type Loops interface {
	Of(c cases.Case) workflow.Loop
	Responsible(grid, class string, at time.Time) string
	Lowest(class string) cases.Level
}

// Options are what a [Job] is made of. Store and Loops are demanded.
type Options struct {
	Store   Store
	Loops   Loops
	Lead    job.Lead               // nil: this is the only central
	Changed func() <-chan struct{} // closed when something is committed next; nil: the log is looked at once a second
	Wake    func(position int64)   // called after each step that stored events; nil: nobody

	Registerer prometheus.Registerer // nil: metrics are registered nowhere
	Logger     *slog.Logger          // nil: discards
	Now        func() time.Time      // nil: time.Now
}

func (o *Options) setDefaults() {
	if o.Changed == nil {
		o.Changed = func() <-chan struct{} { return nil }
	}
	if o.Wake == nil {
		o.Wake = func(int64) {}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
}

// Job does the work.
type Job struct {
	o      Options
	did    *prometheus.CounterVec // events, by what they did
	cursor int64                  // up to which events were read
	saved  int64                  // cursor in the store
	at     time.Time
}

// New returns a job that does nothing until [Job.Run].
func New(o Options) (*Job, error) {
	if o.Store == nil || o.Loops == nil {
		return nil, errors.New("deadline: Store and Loops are demanded")
	}
	o.setDefaults()
	j := &Job{o: o, did: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "gridgate_loop_events_total", Help: "Case events that the clock and the loops made, by what they did.",
	}, []string{"did"})}
	for _, did := range []string{"begin", "yellow", "red", "woke", "lapse", "fire", "follow", "uncovered"} {
		j.did.WithLabelValues(did)
	}
	if o.Registerer != nil {
		if err := o.Registerer.Register(j.did); err != nil {
			return nil, fmt.Errorf("deadline: register metrics: %w", err)
		}
	}
	return j, nil
}

// Run works until ctx ends and returns nil. What fails is logged and tried again.
func (j *Job) Run(ctx context.Context) error {
	return job.Loop{
		Name: Name, Begin: j.resume, Lead: j.o.Lead, Changed: j.o.Changed, Every: pollEach, Pace: pace, Logger: j.o.Logger,
		CatchUp: func(ctx context.Context) error {
			if err := j.round(ctx); err != nil {
				return err
			}
			return j.keep(ctx)
		},
	}.Run(ctx)
}

// resume goes to where the job was: another central may have worked meanwhile.
func (j *Job) resume(ctx context.Context) (err error) {
	if j.cursor, err = j.o.Store.Cursor(ctx, Name); err != nil {
		return fmt.Errorf("read the cursor: %w", err)
	}
	j.saved, j.at = j.cursor, time.Now()
	return nil
}

// keep stores the cursor if that was not done for a while.
func (j *Job) keep(ctx context.Context) error {
	if j.cursor == j.saved || time.Since(j.at) < lazyTime {
		return nil
	}
	return j.advance(ctx, j.cursor, nil)
}

// round reads the log to its end, then looks at the clock.
func (j *Job) round(ctx context.Context) error {
	for {
		n, err := j.page(ctx)
		if err != nil {
			return err
		}
		if n < pageSize {
			return j.clock(ctx)
		}
	}
}

// stored notes what became of changes.
func (j *Job) stored(after []cases.Case, did ...string) {
	for _, d := range did {
		j.did.WithLabelValues(d).Inc()
	}
	if n := len(after); n > 0 {
		j.o.Wake(after[n-1].Position)
	}
}
