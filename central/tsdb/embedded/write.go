package embedded

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"gridgate/central/tsdb"
)

// The widest range that a querier takes without overflow, in milliseconds.
const (
	minTime = math.MinInt64 / 2
	maxTime = math.MaxInt64 / 2
)

// Write implements [tsdb.DB]. It returns once the samples are on stable storage.
func (db *DB) Write(ctx context.Context, samples []tsdb.Sample) error {
	db.life.RLock()
	defer db.life.RUnlock()
	if db.closed {
		return tsdb.ErrClosed
	}
	refused, one, err := db.commit(ctx, samples)
	if err == nil {
		// Also for samples that were there: who wrote them may still wait for the disk.
		err = db.syncer.wait(one, db.written.Load)
	}
	if err != nil {
		return fmt.Errorf("write samples: %w", err)
	}
	return refused.OrNil()
}

// commit puts samples into the log and tells the number of this write.
func (db *DB) commit(ctx context.Context, samples []tsdb.Sample) (tsdb.Rejection, uint64, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	if err := db.makeRoom(ctx); err != nil {
		return nil, 0, err
	}
	admitted, refused := db.admission.Screen(samples)
	fresh, err := db.unwritten(ctx, admitted, refused)
	if err != nil {
		return nil, 0, err
	}
	if err := db.keepLate(ctx, fresh); err != nil {
		return nil, 0, err
	}
	if err := db.append(ctx, fresh, refused); err != nil {
		return nil, 0, err
	}
	return refused, db.written.Load(), nil
}

// makeRoom counts the series of a full database anew, now and then: retention may have taken some.
func (db *DB) makeRoom(ctx context.Context) error {
	if !db.admission.Full() || db.opts.Now().Sub(db.recounted) < recountEvery {
		return nil
	}
	clear(db.newest)
	db.floor = newestTime(db.prom)
	return db.count(ctx)
}

// append writes samples, oldest first, in one commit. A sample that the database finds too old is refused by index.
func (db *DB) append(ctx context.Context, fresh []tsdb.Admitted, refused tsdb.Rejection) error {
	if len(fresh) == 0 {
		return nil
	}
	app := db.prom.Appender(ctx)
	written := fresh[:0]
	for _, in := range fresh {
		_, err := app.Append(0, labelsOf(in), in.Ms, in.Value)
		switch {
		case err == nil:
			written = append(written, in)
		case errors.Is(err, storage.ErrTooOldSample), errors.Is(err, storage.ErrOutOfBounds), errors.Is(err, storage.ErrOutOfOrderSample):
			refused[in.Index] = fmt.Sprintf("time is more than %v behind the newest sample", db.opts.OutOfOrderWindow)
		case errors.Is(err, storage.ErrDuplicateSampleForTimestamp):
			refused[in.Index] = tsdb.ReasonOtherValue
		default:
			return errors.Join(err, app.Rollback())
		}
	}
	if err := app.Commit(); err != nil {
		return err
	}
	db.written.Add(1)
	for _, in := range written {
		if last, ok := db.newest[in.Series]; !ok || in.Ms > last {
			db.newest[in.Series] = in.Ms
		}
	}
	return nil
}

// unwritten leaves out the samples that the database has already and refuses those that it has with another value. A sample newer
// than its series cannot be there, so only one that reaches back costs a look.
func (db *DB) unwritten(ctx context.Context, admitted []tsdb.Admitted, refused tsdb.Rejection) ([]tsdb.Admitted, error) {
	back := map[string][]tsdb.Admitted{}
	fresh := make([]tsdb.Admitted, 0, len(admitted))
	for _, in := range admitted {
		if db.reachesBack(in) {
			back[in.Series] = append(back[in.Series], in)
		} else {
			fresh = append(fresh, in)
		}
	}
	for _, samples := range back {
		stored, err := db.stored(ctx, samples)
		if err != nil {
			return nil, err
		}
		for _, in := range samples {
			value, exists := stored[in.Ms]
			switch {
			case !exists:
				fresh = append(fresh, in)
			case value != in.Value:
				refused[in.Index] = tsdb.ReasonOtherValue
			}
		}
	}
	// The commit drops a sample of one batch that stands behind a newer one of its series and is too far back: keep the order.
	slices.SortStableFunc(fresh, func(x, y tsdb.Admitted) int { return cmp.Compare(x.Ms, y.Ms) })
	return fresh, nil
}

func (db *DB) reachesBack(in tsdb.Admitted) bool {
	if last, ok := db.newest[in.Series]; ok && last > db.floor {
		return in.Ms <= last
	}
	return in.Ms <= db.floor
}

// stored reads what the one series of samples holds between the first and the last of them.
func (db *DB) stored(ctx context.Context, samples []tsdb.Admitted) (map[int64]float64, error) {
	return again(func() (map[int64]float64, error) { return db.storedOnce(ctx, samples) })
}

func (db *DB) storedOnce(ctx context.Context, samples []tsdb.Admitted) (map[int64]float64, error) {
	first, last := samples[0], samples[len(samples)-1]
	q, err := db.prom.Querier(first.Ms, last.Ms)
	if err != nil {
		return nil, err
	}
	defer q.Close()
	wanted := make(map[int64]bool, len(samples))
	for _, in := range samples {
		wanted[in.Ms] = true
	}
	found := map[int64]float64{}
	set := q.Select(ctx, false, nil, matchers(first.Metric, first.Labels)...)
	for set.Next() {
		if idOf(set.At().Labels()) != first.Series {
			continue // it has these labels and more
		}
		it := set.At().Iterator(nil)
		for it.Next() == chunkenc.ValFloat {
			if ms, v := it.At(); wanted[ms] {
				found[ms] = v
			}
		}
		if err := it.Err(); err != nil {
			return nil, err
		}
	}
	return found, set.Err()
}

func labelsOf(in tsdb.Admitted) labels.Labels {
	b := labels.NewScratchBuilder(len(in.Labels) + 1)
	b.Add(model.MetricNameLabel, in.Metric)
	for name, value := range in.Labels {
		b.Add(name, value)
	}
	b.Sort()
	return b.Labels()
}

func matchers(metric string, exact map[string]string) []*labels.Matcher {
	out := []*labels.Matcher{labels.MustNewMatcher(labels.MatchEqual, model.MetricNameLabel, metric)}
	for name, value := range exact {
		out = append(out, labels.MustNewMatcher(labels.MatchEqual, name, value))
	}
	return out
}

// split parts the metric name from the other labels.
func split(l labels.Labels) (metric string, others map[string]string) {
	others = make(map[string]string, l.Len())
	l.Range(func(one labels.Label) {
		if one.Name == model.MetricNameLabel {
			metric = one.Value
		} else {
			others[one.Name] = one.Value
		}
	})
	return metric, others
}

func idOf(l labels.Labels) string {
	metric, others := split(l)
	return tsdb.SeriesID(metric, others)
}
