package embedded

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"gridgate/central/tsdb"
	"gridgate/central/tsdb/embedded/rollup"
)

// Bounds of one transaction of the roll-up, so that writers of late samples do not wait long for it.
const (
	rowsAtOnce  = 1000
	marksAtOnce = 500
	daysAtOnce  = 5000 // that retention deletes
)

// settle is how long after its end an hour is rolled up: what comes later costs making a day of its series again.
const settle = 5 * time.Minute

// openRollUp reads how far the roll-up is. What a process that was killed was about is done again.
func (db *DB) openRollUp(ctx context.Context) (err error) {
	if db.rollup, err = rollup.Open(db.opts.Dir); err != nil {
		return err
	}
	sealed, _, err := db.rollup.Sealed(ctx)
	if err != nil {
		_ = db.rollup.Close() // the first error tells more
		return err
	}
	db.sealing = sealed
	db.rolled.Store(sealed)
	return nil
}

// keepRollingUp ends with ctx. A round that failed is tried again at the next.
func (db *DB) keepRollingUp(ctx context.Context) {
	tick := time.NewTicker(db.opts.RollUpEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := db.rollUp(ctx); err != nil && ctx.Err() == nil {
			db.opts.Logger.Warn("readings could not be rolled up; their points are there still", "error", err)
		}
	}
}

// rollUp does one round: the hours that ended, the days into which late samples came, and what is too old.
func (db *DB) rollUp(ctx context.Context) error {
	target := rollup.HourOf(db.opts.Now().Add(-settle).UnixMilli())
	for from := db.seal(target); from < target; {
		to := min(target, rollup.DayOf(from)+rollup.DayMs)
		if err := db.rollSpan(ctx, from, to); err != nil {
			return fmt.Errorf("roll up: %w", err)
		}
		from = to
	}
	if err := db.remake(ctx); err != nil {
		return fmt.Errorf("roll up late samples: %w", err)
	}
	if err := db.forgetLate(ctx); err != nil {
		return err
	}
	before := db.opts.Now().Add(-db.opts.RollUpRetention).UnixMilli()
	for more := true; more; {
		var err error
		if more, err = db.rollup.Prune(ctx, before, daysAtOnce); err != nil {
			return err
		}
	}
	return nil
}

// seal makes every sample before target that is written from now on a late one; those of before can be read. It returns where
// the roll-up is to go on.
func (db *DB) seal(target int64) (from int64) {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.sealing = max(db.sealing, target)
	from = db.rolled.Load()
	if from == 0 {
		from = min(target, rollup.HourOf(oldestTime(db)))
	}
	return max(from, rollup.HourOf(db.opts.Now().Add(-db.opts.Retention).UnixMilli()))
}

// oldestTime is the time of the oldest sample, in milliseconds; far in the future if there is none.
func oldestTime(db *DB) int64 {
	oldest := min(int64(math.MaxInt64/2), db.prom.Head().MinTime(), db.prom.Head().MinOOOTime())
	for _, b := range db.prom.Blocks() {
		oldest = min(oldest, b.Meta().MinTime)
	}
	return oldest
}

// rollSpan rolls up the hours of all series in [from, to), which lie in one day.
func (db *DB) rollSpan(ctx context.Context, from, to int64) error {
	all := labels.MustNewMatcher(labels.MatchNotEqual, model.MetricNameLabel, "")
	rows, err := db.make(ctx, nil, from, to, all)
	if err != nil {
		return err
	}
	for len(rows) > rowsAtOnce {
		if err := db.rollup.Put(ctx, rows[:rowsAtOnce], nil, 0); err != nil {
			return err
		}
		rows = rows[rowsAtOnce:]
	}
	if err := db.rollup.Put(ctx, rows, nil, to); err != nil {
		return err
	}
	db.rolled.Store(to)
	return nil
}

// make reads the points in [from, to), which lie in one day, and appends the hours of each series.
func (db *DB) make(ctx context.Context, rows []rollup.Row, from, to int64, which ...*labels.Matcher) ([]rollup.Row, error) {
	made, err := again(func() ([]rollup.Row, error) { return db.makeOnce(ctx, from, to, which) })
	return append(rows, made...), err
}

func (db *DB) makeOnce(ctx context.Context, from, to int64, which []*labels.Matcher) (rows []rollup.Row, err error) {
	q, err := db.prom.Querier(from, to-1)
	if err != nil {
		return nil, err
	}
	defer q.Close()
	var it chunkenc.Iterator
	for set := q.Select(ctx, false, nil, which...); ; {
		if !set.Next() {
			return rows, set.Err()
		}
		metric, others := split(set.At().Labels())
		row := rollup.Row{Metric: metric, Day: rollup.Day{Series: tsdb.SeriesID(metric, others), Ms: rollup.DayOf(from)}}
		some := false
		it = set.At().Iterator(it)
		for it.Next() == chunkenc.ValFloat {
			ms, v := it.At()
			row.Hours[(ms-row.Ms)/rollup.HourMs].Merge(tsdb.BucketOf(v))
			some = true
		}
		if err := it.Err(); err != nil {
			return nil, err
		}
		if some {
			rows = append(rows, row)
		}
	}
}

// remake makes the marked days again. A day whose points retention took stays as it is.
func (db *DB) remake(ctx context.Context) error {
	for {
		marks, err := db.rollup.Marks(ctx, marksAtOnce)
		if err != nil || len(marks) == 0 {
			return err
		}
		db.mu.Lock() // who marked them has written by then
		sealed := db.rolled.Load()
		db.mu.Unlock()
		var rows []rollup.Row
		for _, m := range marks {
			if rows, err = db.makeOne(ctx, rows, m.Day, sealed); err != nil {
				return err
			}
		}
		if err := db.rollup.Put(ctx, rows, marks, 0); err != nil {
			return err
		}
	}
}

// makeOne appends the hours of one series and day.
func (db *DB) makeOne(ctx context.Context, rows []rollup.Row, d rollup.Day, sealed int64) ([]rollup.Row, error) {
	to := min(d.Ms+rollup.DayMs, sealed)
	if d.Ms >= to {
		return rows, nil
	}
	n := len(rows)
	rows, err := db.make(ctx, rows, d.Ms, to, matchers(tsdb.ParseSeriesID(d.Series))...)
	if err != nil {
		return nil, err
	}
	others := func(r rollup.Row) bool { return r.Series != d.Series } // they have these labels and more
	return append(rows[:n], slices.DeleteFunc(rows[n:], others)...), nil
}
