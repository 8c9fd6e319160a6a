// Package follow is the job that lets the rules of central/correlate/rules work on the cases that ingest made.
//
// In: the case-event log behind a durable cursor. Out: the events that rules decide on, stored together with the cursor's move, so that each
// event of the log has its effect once, whoever is killed. The window of the rules is built anew from the log when the job begins, and
// whenever the rules change; what was before is noted, not judged again. It never touches ingest's transaction, works on one central at a
// time, and does not act on events older than [ActWithin]: nobody is helped by a merge of last week's cases.
package follow

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"gridgate/central/cases"
	"gridgate/central/correlate/rules"
	"gridgate/central/job"
	"gridgate/central/store"
)

// Name is the job's name in the store.
const Name = "rules"

// Bounds.
const (
	// ActWithin is how old an event may be for rules to act on it. Central that was down for longer catches up without acting on the rest.
	ActWithin = time.Hour

	pageSize = 500     // events of one step
	maxLearn = 200_000 // events, the newest, that a window is built of
	maxTries = 50      // to store a step while its cases go on changing

	// A cursor that passes events of which nothing came is stored every [Options.Every] and after so many events: each time is a commit
	// beside ingest's, and to read those events again makes nothing. What came of events is stored with the cursor at once.
	lazyEvents = 5000
	// paces is how often the log is read at most while something is committed all the time, in each [Options.Every].
	paces = 10
)

// Store is what this package needs of [store.Store].
type Store interface {
	Events(ctx context.Context, after int64, limit int) ([]cases.Event, error)
	LastPosition(ctx context.Context) (int64, error)
	Case(ctx context.Context, id string) (cases.Case, error)
	CaseFile(ctx context.Context, id string, before int64, limit int) (cases.Case, []cases.Event, error)
	Cursor(ctx context.Context, job string) (int64, error)
	Advance(ctx context.Context, a store.Advance) ([]cases.Case, error)
}

// Log is the part of the store that [Find] looks through.
type Log interface {
	Events(ctx context.Context, after int64, limit int) ([]cases.Event, error)
}

// Options are what a [Job] is made of. Store and Engine are demanded.
type Options struct {
	Store   Store
	Engine  func() *rules.Engine   // the rules as of now; another pointer means that they changed
	Lead    job.Lead               // nil: this is the only central
	Changed func() <-chan struct{} // closed when something is committed next; nil: Every is all there is
	Every   time.Duration          // how often the log is looked at all the same; 0: a second
	Wake    func(position int64)   // called after each step that stored events; nil: nobody

	Registerer prometheus.Registerer // nil: metrics are registered nowhere
	Logger     *slog.Logger          // nil: discards
	Now        func() time.Time      // nil: time.Now
}

func (o *Options) setDefaults() {
	if o.Every <= 0 {
		o.Every = time.Second
	}
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

// Job follows the log.
type Job struct {
	o    Options
	did  *prometheus.CounterVec // events, by type
	late prometheus.Counter

	engine *rules.Engine // nil: the window must be built
	state  *rules.State
	cursor int64 // up to which events were read
	stored int64 // cursor in the store
	at     time.Time
}

// New returns a job that does nothing until [Job.Run].
func New(o Options) (*Job, error) {
	if o.Store == nil || o.Engine == nil {
		return nil, errors.New("follow: Store and Engine are demanded")
	}
	o.setDefaults()
	j := &Job{
		o:    o,
		did:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gridgate_rules_events_total", Help: "Case events that rules made, by type."}, []string{"type"}),
		late: prometheus.NewCounter(prometheus.CounterOpts{Name: "gridgate_rules_too_late_total", Help: "Decisions of rules that came too late to act on."}),
	}
	for _, typ := range []cases.EventType{cases.EventMerged, cases.EventRaised, cases.EventRelated, cases.EventAnnotated} {
		j.did.WithLabelValues(string(typ))
	}
	if o.Registerer != nil {
		for _, c := range []prometheus.Collector{j.did, j.late} {
			if err := o.Registerer.Register(c); err != nil {
				return nil, fmt.Errorf("follow: register metrics: %w", err)
			}
		}
	}
	return j, nil
}

// Run works until ctx ends and returns nil. What fails is logged and tried again from the cursor.
func (j *Job) Run(ctx context.Context) error {
	return job.Loop{
		Name: Name, Lead: j.o.Lead, Changed: j.o.Changed, Every: j.o.Every, Pace: j.o.Every / paces, Logger: j.o.Logger,
		Begin: func(context.Context) error {
			j.engine = nil // another central may have worked meanwhile
			return nil
		},
		CatchUp: func(ctx context.Context) error {
			if err := j.catchUp(ctx); err != nil {
				return err
			}
			return j.keep(ctx, j.o.Every)
		},
	}.Run(ctx)
}

// catchUp takes in all that the log has.
func (j *Job) catchUp(ctx context.Context) error {
	for ctx.Err() == nil {
		if engine := j.o.Engine(); engine != j.engine {
			if err := j.keep(ctx, 0); err != nil { // new rules do not judge what the old ones did
				return err
			}
			if err := j.begin(ctx, engine); err != nil {
				return fmt.Errorf("build the window of the rules: %w", err)
			}
		}
		n, err := j.page(ctx)
		if err != nil {
			j.engine = nil
			return err
		}
		if n < pageSize {
			return nil
		}
	}
	return nil
}

// page takes one step, and says how many events it took in.
func (j *Job) page(ctx context.Context) (int, error) {
	events, err := j.o.Store.Events(ctx, j.cursor, pageSize)
	if err != nil || len(events) == 0 {
		return 0, err
	}
	items, err := j.items(ctx, j.engine, events)
	if err != nil {
		return 0, err
	}
	decisions := j.timely(j.engine.Next(j.state, items))
	to := events[len(events)-1].Position
	if err := j.advance(ctx, to, decisions); err != nil {
		return 0, fmt.Errorf("follow the case log from %d to %d: %w", j.cursor, to, err)
	}
	j.cursor = to
	return len(events), nil
}

// items joins events with the cases that the window wants to know.
func (j *Job) items(ctx context.Context, engine *rules.Engine, events []cases.Event) ([]rules.Item, error) {
	known := map[string]*cases.Case{}
	for _, id := range engine.Wants(j.state, events) {
		c, err := j.o.Store.Case(ctx, id)
		switch {
		case errors.Is(err, store.ErrNotFound): // retention took it
		case err != nil:
			return nil, fmt.Errorf("read case %s: %w", id, err)
		default:
			known[id] = &c
		}
	}
	items := make([]rules.Item, len(events))
	for i, e := range events {
		items[i] = rules.Item{Event: e, Case: known[e.CaseID]}
	}
	return items, nil
}

// timely leaves out what is too old to act on.
func (j *Job) timely(decisions []rules.Decision) (kept []rules.Decision) {
	for _, d := range decisions {
		if j.o.Now().Sub(d.At) > ActWithin {
			j.late.Inc()
			continue
		}
		kept = append(kept, d)
	}
	return kept
}

// advance stores a step, and looks at its cases again as long as they change under its hands.
func (j *Job) advance(ctx context.Context, to int64, decisions []rules.Decision) error {
	for try := 1; ; try++ {
		changes, denied, err := j.settle(ctx, decisions)
		if err != nil {
			return err
		}
		if len(changes) == 0 && to-j.stored < lazyEvents {
			j.deny(denied)
			return nil
		}
		after, err := j.o.Store.Advance(ctx, store.Advance{Job: Name, From: j.stored, To: to, Changes: changes})
		if errors.Is(err, store.ErrConflict) && try < maxTries && ctx.Err() == nil {
			if at, lookErr := j.o.Store.Cursor(ctx, Name); lookErr != nil || at != j.stored {
				return errors.Join(err, lookErr) // another central leads
			}
			continue
		}
		if err != nil {
			return err
		}
		j.stored, j.at = to, time.Now()
		j.deny(denied)
		j.tell(changes, after)
		return nil
	}
}

// keep stores the cursor if that was not done for so long.
func (j *Job) keep(ctx context.Context, since time.Duration) error {
	if j.engine == nil || j.cursor == j.stored || time.Since(j.at) < since {
		return nil
	}
	if _, err := j.o.Store.Advance(ctx, store.Advance{Job: Name, From: j.stored, To: j.cursor}); err != nil {
		j.engine = nil
		return fmt.Errorf("move the cursor from %d to %d: %w", j.stored, j.cursor, err)
	}
	j.stored, j.at = j.cursor, time.Now()
	return nil
}

func (j *Job) deny(denied []rules.Decision) {
	for _, d := range denied {
		j.state.Deny(d)
	}
}

func (j *Job) tell(changes []store.Change, after []cases.Case) {
	for _, c := range changes {
		j.did.WithLabelValues(string(c.Event.Type)).Inc()
	}
	if len(after) > 0 {
		j.o.Wake(after[len(after)-1].Position)
	}
}
