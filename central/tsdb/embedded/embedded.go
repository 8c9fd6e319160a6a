// Package embedded keeps readings in the Prometheus TSDB inside the process: for one centre, without a server beside it.
//
// In: samples, in any order within [Options.OutOfOrderWindow] (edges back-fill after an outage). Out: series. It belongs to one
// process: the directory is locked, and a second one that opens it is refused.
//
// What a crash loses: nothing that was acknowledged, be it a kill or a power cut. The TSDB does not sync its log at each commit, so this
// package does before a write returns; samples that come late are journalled first. After the log could not be synced every
// write is an error until the database is opened again: a repetition would be taken for a sample that is there.
//
// Each hour is rolled up when it is over, and again if late samples come; steps of whole hours are answered from that.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	prom "github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"gridgate/central/tsdb"
	"gridgate/central/tsdb/embedded/promql"
	"gridgate/central/tsdb/embedded/rollup"
)

var _ tsdb.DB = (*DB)(nil)

// Options configure a [DB]. Only Dir is demanded.
type Options struct {
	Dir              string           // created if missing
	Retention        time.Duration    // default 90 days; whole blocks older than this are deleted
	OutOfOrderWindow time.Duration    // how far behind the newest sample a write may reach; default 14 days, or the retention
	Ahead            time.Duration    // how far ahead of the clock; default one hour. One absurd time would make all others too old
	MaxSeries        int              // default 100,000, at about 2.2 KB of memory each
	RollUpRetention  time.Duration    // how long the hourly values are kept; default two years, and no shorter than Retention
	RollUpEvery      time.Duration    // how often the hours that ended are rolled up, and those into which late samples came; default one minute
	Now              func() time.Time // default time.Now
	Logger           *slog.Logger     // for warnings and errors; default: silent
}

// The defaults of [Options].
const (
	DefaultRetention        = 90 * 24 * time.Hour
	DefaultOutOfOrderWindow = 14 * 24 * time.Hour
	DefaultAhead            = time.Hour
	DefaultMaxSeries        = 100_000
	DefaultRollUpRetention  = 2 * 365 * 24 * time.Hour
	DefaultRollUpEvery      = time.Minute
)

// recountEvery is how often, at most, a full database looks whether old series have left it.
const recountEvery = 10 * time.Minute

func (o Options) withDefaults() Options {
	if o.Retention == 0 {
		o.Retention = DefaultRetention
	}
	if o.OutOfOrderWindow == 0 {
		o.OutOfOrderWindow = min(DefaultOutOfOrderWindow, o.Retention)
	}
	if o.Ahead == 0 {
		o.Ahead = DefaultAhead
	}
	if o.MaxSeries == 0 {
		o.MaxSeries = DefaultMaxSeries
	}
	if o.RollUpRetention == 0 {
		o.RollUpRetention = max(DefaultRollUpRetention, o.Retention)
	}
	if o.RollUpEvery == 0 {
		o.RollUpEvery = DefaultRollUpEvery
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

func (o Options) validate() error {
	switch {
	case o.Dir == "":
		return errors.New("directory is missing")
	case o.Retention < 0 || o.OutOfOrderWindow < 0 || o.Ahead < 0 || o.MaxSeries < 0 || o.RollUpRetention < 0 || o.RollUpEvery < 0:
		return errors.New("a duration or bound is negative")
	case o.OutOfOrderWindow > o.Retention:
		return fmt.Errorf("out-of-order window %v is longer than the retention %v", o.OutOfOrderWindow, o.Retention)
	case o.RollUpRetention < o.Retention:
		return fmt.Errorf("retention %v of the roll-up is shorter than that %v of the points", o.RollUpRetention, o.Retention)
	}
	return nil
}

// DB is the embedded database.
type DB struct {
	opts Options
	prom *prom.DB

	rollup *rollup.Store
	rolled atomic.Int64 // the hours before it are answered from the roll-up, in milliseconds; 0: none
	end    context.CancelFunc
	ended  sync.WaitGroup

	life   sync.RWMutex // held for reading by every call under way, so that Close waits for it
	closed bool

	syncer  syncer
	written atomic.Uint64 // writes that the log has taken

	mu        sync.Mutex // one writer at a time: what is looked up before an append still holds at its commit
	sealing   int64      // a sample before it is late: its hour was rolled up, or is being
	admission tsdb.Admission
	newest    map[string]int64 // newest time written per series since open, in milliseconds
	floor     int64            // newest time of any series at open, in milliseconds
	recounted time.Time
}

// Open opens or creates the database in opts.Dir. A damaged log is repaired by dropping what is behind the damage; the logger tells.
func Open(opts Options) (*DB, error) {
	opts = opts.withDefaults()
	if err := opts.validate(); err != nil {
		return nil, fmt.Errorf("open embedded time-series database: %w", err)
	}
	p, err := prom.Open(opts.Dir, quiet(opts.Logger), nil, promOptions(opts), nil)
	if err != nil {
		return nil, fmt.Errorf("open embedded time-series database in %s: %w", opts.Dir, err)
	}
	db := &DB{
		opts:      opts,
		prom:      p,
		syncer:    syncer{dir: filepath.Join(opts.Dir, "wal")},
		admission: tsdb.Admission{MaxSeries: opts.MaxSeries, Past: opts.Retention, Ahead: opts.Ahead, Now: opts.Now},
		newest:    map[string]int64{},
		floor:     newestTime(p),
	}
	if err := db.begin(context.Background()); err != nil {
		return nil, errors.Join(fmt.Errorf("open embedded time-series database in %s: %w", opts.Dir, err), p.Close())
	}
	return db, nil
}

// begin brings up what stands beside the TSDB.
func (db *DB) begin(ctx context.Context) error {
	if err := db.syncer.all(); err != nil {
		return err
	}
	if err := db.count(ctx); err != nil {
		return err
	}
	if err := db.openRollUp(ctx); err != nil {
		return err
	}
	if err := db.replay(ctx); err != nil {
		return errors.Join(err, db.rollup.Close())
	}
	ctx, db.end = context.WithCancel(ctx)
	db.ended.Go(func() { db.keepRollingUp(ctx) })
	return nil
}

func promOptions(o Options) *prom.Options {
	p := prom.DefaultOptions()
	p.RetentionDuration = o.Retention.Milliseconds()
	p.OutOfOrderTimeWindow = o.OutOfOrderWindow.Milliseconds()
	p.MaxBlockDuration = max(p.MinBlockDuration, min(o.Retention/10, 31*24*time.Hour).Milliseconds())
	p.StripeSize = 1 << 10 // the default is for millions of series and costs 16 MB of empty stripes
	return p
}

func newestTime(p *prom.DB) int64 {
	newest := p.Head().MaxTime() // math.MinInt64 when empty
	for _, b := range p.Blocks() {
		newest = max(newest, b.Meta().MaxTime)
	}
	return newest
}

// forgetAfter is how long a series counts after its last point. One that is silent for longer, of a device that was taken away, say, costs
// no memory; its points stay as long as the others, and it counts again when it speaks.
const forgetAfter = 7 * 24 * time.Hour

// count tells the admission which series there are.
func (db *DB) count(ctx context.Context) error {
	since := db.opts.Now().Add(-forgetAfter).UnixMilli()
	q, err := db.prom.Querier(since, maxTime)
	if err != nil {
		return fmt.Errorf("count series: %w", err)
	}
	defer q.Close()
	db.admission.Forget()
	db.recounted = db.opts.Now()
	set := q.Select(ctx, false, &storage.SelectHints{Start: since, End: maxTime, Func: "series"},
		labels.MustNewMatcher(labels.MatchNotEqual, model.MetricNameLabel, ""))
	for set.Next() {
		db.admission.Know(idOf(set.At().Labels()))
	}
	if err := set.Err(); err != nil {
		return fmt.Errorf("count series: %w", err)
	}
	return nil
}

// Query implements [tsdb.DB].
func (db *DB) Query(ctx context.Context, s tsdb.Selector) ([]tsdb.Series, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	db.life.RLock()
	defer db.life.RUnlock()
	if db.closed {
		return nil, tsdb.ErrClosed
	}
	answer, err := again(func() ([]tsdb.Series, error) {
		c := tsdb.NewCollector(s)
		if err := db.read(ctx, s, c); err != nil {
			return nil, err
		}
		return c.Result()
	})
	if err != nil {
		return nil, fmt.Errorf("query %s: %w", s.Metric, err)
	}
	return answer, ctx.Err()
}

// read puts what s asks for into c: from the roll-up as far as that fits and goes, the rest from the points.
func (db *DB) read(ctx context.Context, s tsdb.Selector, c *tsdb.Collector) error {
	from, to := s.Range()
	if step := s.Step.Milliseconds(); step > 0 && step%rollup.HourMs == 0 {
		until := min(to, db.rolled.Load())
		if from < until {
			if err := db.rollup.Collect(ctx, s, from, until, c); err != nil {
				return err
			}
			from = until
		}
	}
	if from >= to {
		return nil
	}
	q, err := db.prom.Querier(from, to-1)
	if err != nil {
		return err
	}
	defer q.Close()
	return gather(q.Select(ctx, true, nil, matchers(s.Metric, s.Labels)...), s.EffectiveLimit(), c)
}

// gather reads a sorted set, no further than the limit.
func gather(set storage.SeriesSet, limit int, c *tsdb.Collector) error {
	var it chunkenc.Iterator
	for n := 0; n < limit && set.Next(); {
		metric, names := split(set.At().Labels())
		g := c.Series(metric, names)
		it = set.At().Iterator(it)
		some := false
		for it.Next() == chunkenc.ValFloat {
			some = true
			if err := g.Add(it.At()); err != nil {
				return err
			}
		}
		if err := it.Err(); err != nil {
			return err
		}
		if some {
			n++
		}
	}
	return set.Err()
}

// PromQL returns what answers in the language of Prometheus, of the points alone: as far back as the retention.
func (db *DB) PromQL() tsdb.PromQL {
	return promql.New(promql.Options{Storage: db.prom, Enter: db.enter})
}

// enter keeps the database open until leave is called.
func (db *DB) enter() (leave func(), err error) {
	db.life.RLock()
	if db.closed {
		db.life.RUnlock()
		return nil, tsdb.ErrClosed
	}
	return db.life.RUnlock, nil
}

// Close waits for the calls under way, flushes and syncs the log and ends the database's goroutines. Later calls fail with [tsdb.ErrClosed].
func (db *DB) Close() error {
	db.life.Lock()
	defer db.life.Unlock()
	if db.closed {
		return nil
	}
	db.closed = true
	db.end()
	db.ended.Wait()
	if err := errors.Join(db.rollup.Close(), db.prom.Close()); err != nil {
		return fmt.Errorf("close embedded time-series database: %w", err)
	}
	return nil
}
