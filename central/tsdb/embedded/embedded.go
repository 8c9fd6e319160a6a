// Package embedded keeps readings in the Prometheus TSDB inside the process: for one centre, without a server beside it.
//
// In: samples, in any order within [Options.OutOfOrderWindow] (edges back-fill after an outage). Out: series. It belongs to one
// process: the directory is locked, and a second one that opens it is refused.
//
// What a crash loses: every acknowledged write is in the operating system's hands, so a killed process loses nothing. The
// log is not synced at each write, so a power cut can lose the last seconds; readings that must survive one are
// journalled before they come here (DESIGN section 3). A write that reaches back behind newer samples goes to a second log whose
// write error the TSDB only logs.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	prom "github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"gridgate/central/tsdb"
)

var _ tsdb.DB = (*DB)(nil)

// Options configure a [DB]. Only Dir is demanded.
type Options struct {
	Dir              string           // created if missing
	Retention        time.Duration    // default 90 days; whole blocks older than this are deleted
	OutOfOrderWindow time.Duration    // how far behind the newest sample a write may reach; default 14 days
	Ahead            time.Duration    // how far ahead of the clock; default one hour. One absurd time would make all others too old
	MaxSeries        int              // default 50,000
	Now              func() time.Time // default time.Now
	Logger           *slog.Logger     // for warnings and errors; default: silent
}

// The defaults of [Options].
const (
	DefaultRetention        = 90 * 24 * time.Hour
	DefaultOutOfOrderWindow = 14 * 24 * time.Hour
	DefaultAhead            = time.Hour
	DefaultMaxSeries        = 50_000
)

// recountEvery is how often, at most, a full database looks whether old series have left it.
const recountEvery = 10 * time.Minute

func (o Options) withDefaults() Options {
	if o.Retention == 0 {
		o.Retention = DefaultRetention
	}
	if o.OutOfOrderWindow == 0 {
		o.OutOfOrderWindow = DefaultOutOfOrderWindow
	}
	if o.Ahead == 0 {
		o.Ahead = DefaultAhead
	}
	if o.MaxSeries == 0 {
		o.MaxSeries = DefaultMaxSeries
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

func (o Options) validate() error {
	switch {
	case o.Dir == "":
		return errors.New("directory is missing")
	case o.Retention < 0 || o.OutOfOrderWindow < 0 || o.Ahead < 0 || o.MaxSeries < 0:
		return errors.New("a duration or bound is negative")
	case o.OutOfOrderWindow > o.Retention:
		return fmt.Errorf("out-of-order window %v is longer than the retention %v", o.OutOfOrderWindow, o.Retention)
	}
	return nil
}

// DB is the embedded database.
type DB struct {
	opts Options
	prom *prom.DB

	life   sync.RWMutex // held for reading by every call under way, so that Close waits for it
	closed bool

	mu        sync.Mutex // one writer at a time: what is looked up before an append still holds at its commit
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
		admission: tsdb.Admission{MaxSeries: opts.MaxSeries, Past: opts.Retention, Ahead: opts.Ahead, Now: opts.Now},
		newest:    map[string]int64{},
		floor:     newestTime(p),
	}
	if err := db.count(context.Background()); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return db, nil
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

// count tells the admission which series exist.
func (db *DB) count(ctx context.Context) error {
	q, err := db.prom.Querier(minTime, maxTime)
	if err != nil {
		return fmt.Errorf("count series: %w", err)
	}
	defer q.Close()
	db.admission.Forget()
	db.recounted = db.opts.Now()
	set := q.Select(ctx, false, &storage.SelectHints{Start: minTime, End: maxTime, Func: "series"},
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
	from, to := s.Range()
	q, err := db.prom.Querier(from, to-1)
	if err != nil {
		return nil, fmt.Errorf("query %s: %w", s.Metric, err)
	}
	defer q.Close()
	answer, err := db.gather(q.Select(ctx, true, nil, matchers(s.Metric, s.Labels)...), s)
	if err != nil {
		return nil, fmt.Errorf("query %s: %w", s.Metric, err)
	}
	return answer, ctx.Err()
}

// gather reads a sorted set, no further than the limit of s demands.
func (db *DB) gather(set storage.SeriesSet, s tsdb.Selector) ([]tsdb.Series, error) {
	c := tsdb.NewCollector(s)
	var it chunkenc.Iterator
	for n := 0; n < s.EffectiveLimit() && set.Next(); {
		metric, names := split(set.At().Labels())
		g := c.Series(metric, names)
		it = set.At().Iterator(it)
		some := false
		for it.Next() == chunkenc.ValFloat {
			some = true
			if err := g.Add(it.At()); err != nil {
				return nil, err
			}
		}
		if err := it.Err(); err != nil {
			return nil, err
		}
		if some {
			n++
		}
	}
	if err := set.Err(); err != nil {
		return nil, err
	}
	return c.Result()
}

// Close waits for the calls under way, flushes and syncs the log and ends the database's goroutines. Later calls fail with [tsdb.ErrClosed].
func (db *DB) Close() error {
	db.life.Lock()
	defer db.life.Unlock()
	if db.closed {
		return nil
	}
	db.closed = true
	if err := db.prom.Close(); err != nil {
		return fmt.Errorf("close embedded time-series database: %w", err)
	}
	return nil
}
