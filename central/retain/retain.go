// Package retain lets go of what central need not keep: closed cases with their alerts and histories, and pictures, after their time.
//
// In: how long things are kept. Out: small deletions, one slice after another, and then the objects that no evidence names any
// more. It never touches a case that is open, acknowledged or held: the store sees to that, see [store.Store.Prune]. It never
// decides what is held; people do.
package retain

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"gridgate/central/job"
	"gridgate/central/store"
	"gridgate/protocols/kit/backoff"
)

// Store is what this package needs of [store.Store].
type Store interface {
	Prune(ctx context.Context, h store.Horizon, limit int) (store.Pruned, error)
	Orphans(ctx context.Context, limit int) ([]string, error)
	ForgetOrphans(ctx context.Context, digests []string) error
}

// Objects keeps pictures and clips, see gridgate/central/store/objects. Delete is content with an object that is not there.
type Objects interface {
	Delete(ctx context.Context, sha256 string) error
}

// Options are what a [Job] is made of. Store and Objects are demanded.
type Options struct {
	Store   Store
	Objects Objects
	Lead    job.Lead // nil: this is the only central

	Cases    time.Duration // how long a closed case is kept after its last event; 0: for ever
	Evidence time.Duration // how long pictures and clips are kept after they came; 0: as long as their case
	Clips    time.Duration // sealed clips, where they are kept for another time; 0: as Evidence
	// Sources has another time for pictures and clips of some sources ("/edges/E/cameras/C").
	Sources map[string]time.Duration

	// Record keeps what one round deleted, before anything else is; nil: nothing is recorded. What cannot be recorded is told with the next round.
	Record func(ctx context.Context, d Deletion) error

	Every time.Duration // between rounds; 0: an hour
	Slice int           // rows of one transaction; 0: 500
	Pause time.Duration // between transactions, so that a writer gets its turn; 0: 50 ms

	Scrub func(ctx context.Context) error // has what was deleted vanish from the files of the store; nil: nothing is to be done

	Registerer prometheus.Registerer // nil: metrics are registered nowhere
	Logger     *slog.Logger          // nil: discards
	Now        func() time.Time      // nil: time.Now
}

func (o *Options) setDefaults() {
	if o.Every <= 0 {
		o.Every = time.Hour
	}
	if o.Slice <= 0 {
		o.Slice = 500
	}
	if o.Pause <= 0 {
		o.Pause = 50 * time.Millisecond
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
}

// Job deletes, round after round.
type Job struct {
	o       Options
	deleted *prometheus.CounterVec // by what
	pending Deletion               // deleted and not recorded yet; of Run alone
	unclean bool                   // deleted and not scrubbed yet
	success prometheus.Gauge       // the end of the last round that did all
}

// New returns a job that does nothing until [Job.Run].
func New(o Options) (*Job, error) {
	if o.Store == nil || o.Objects == nil {
		return nil, errors.New("retain: Store and Objects are demanded")
	}
	o.setDefaults()
	j := &Job{o: o, deleted: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "gridgate_retain_deleted_total", Help: "What retention deleted, by sort.",
	}, []string{"sort"})}
	j.success = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "gridgate_retain_last_success_timestamp_seconds", Help: "When retention last did all that was due, in this process; 0: not yet.",
	})
	for _, sort := range []string{"cases", "alerts", "events", "evidence", "objects"} {
		j.deleted.WithLabelValues(sort)
	}
	if o.Registerer != nil {
		if err := errors.Join(o.Registerer.Register(j.deleted), o.Registerer.Register(j.success)); err != nil {
			return nil, fmt.Errorf("retain: register metrics: %w", err)
		}
	}
	return j, nil
}

// Retries of what failed.
const (
	minRetry = 5 * time.Second
	maxRetry = 10 * time.Minute
)

// Run works until ctx ends and returns nil. What fails is logged and tried again.
func (j *Job) Run(ctx context.Context) error {
	lead := j.o.Lead
	if lead == nil {
		lead = job.Alone{}
	}
	retry := backoff.New(minRetry, maxRetry)
	for ctx.Err() == nil {
		err := lead.Lead(ctx, "retention", func(ctx context.Context) error { return j.rounds(ctx, retry) })
		if err != nil && ctx.Err() == nil {
			j.o.Logger.Warn("retention failed and is tried again", "error", err)
		}
		backoff.Wait(ctx, retry.Next())
	}
	return nil
}

// rounds works until ctx ends or something fails.
func (j *Job) rounds(ctx context.Context, retry *backoff.Backoff) error {
	for {
		if err := j.round(ctx); err != nil {
			return err
		}
		j.success.Set(float64(j.o.Now().Unix()))
		retry.Reset()
		if !backoff.Wait(ctx, j.o.Every) {
			return nil
		}
	}
}

// round deletes all that is due by now, then the objects.
func (j *Job) round(ctx context.Context) error {
	now := j.o.Now()
	if err := j.settle(ctx); err != nil { // of a round that could not
		return err
	}
	h := j.horizon(now)
	sum, err := j.prune(ctx, h)
	j.pending.add(sum, h)
	if err != nil {
		return err
	}
	objects, err := j.objects(ctx)
	if sum != (store.Pruned{}) || objects > 0 {
		j.o.Logger.Info("retention deleted", "cases", sum.Cases, "alerts", sum.Alerts, "events", sum.Events, "evidence", sum.Evidence, "objects", objects)
	}
	return errors.Join(err, j.settle(ctx))
}

// prune deletes slice after slice until nothing is due, or ctx ends.
func (j *Job) prune(ctx context.Context, h store.Horizon) (sum store.Pruned, err error) {
	for more := true; more; {
		p, err := j.o.Store.Prune(ctx, h, j.o.Slice)
		if err != nil {
			return sum, err
		}
		j.count(p, &sum)
		if more = p.More; more && !backoff.Wait(ctx, j.o.Pause) {
			return sum, ctx.Err()
		}
	}
	return sum, nil
}

// before is where a horizon stands; the zero time for what is kept for ever.
func before(now time.Time, keep time.Duration) time.Time {
	if keep <= 0 {
		return time.Time{}
	}
	return now.Add(-keep)
}

func (j *Job) count(p store.Pruned, sum *store.Pruned) {
	for sort, n := range map[string]int64{"cases": p.Cases, "alerts": p.Alerts, "events": p.Events, "evidence": p.Evidence} {
		j.deleted.WithLabelValues(sort).Add(float64(n))
	}
	sum.Cases, sum.Alerts, sum.Events, sum.Evidence = sum.Cases+p.Cases, sum.Alerts+p.Alerts, sum.Events+p.Events, sum.Evidence+p.Evidence
}

// objects deletes the objects that no evidence names. An object goes before its note does: after a crash in between it is
// deleted again, which is nothing.
func (j *Job) objects(ctx context.Context) (n int, err error) {
	for {
		digests, err := j.o.Store.Orphans(ctx, j.o.Slice)
		if err != nil || len(digests) == 0 {
			return n, err
		}
		for _, d := range digests {
			if err := j.o.Objects.Delete(ctx, d); err != nil {
				return n, err
			}
			j.deleted.WithLabelValues("objects").Inc()
			j.pending.object(d)
			n++
		}
		if err := j.o.Store.ForgetOrphans(ctx, digests); err != nil {
			return n, err
		}
		if !backoff.Wait(ctx, j.o.Pause) {
			return n, nil
		}
	}
}
