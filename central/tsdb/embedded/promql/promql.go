// Package promql evaluates PromQL over a storage of Prometheus, with Prometheus' own engine.
//
// In: expressions and selectors. Out: values, series, labels. Whoever may see some grids only is shown the series of those: the restriction
// is laid on the storage, so that no expression gets around it. It serves no HTTP and writes nothing.
package promql

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	prom "github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"

	"gridgate/central/tsdb"
)

var _ tsdb.PromQL = (*Engine)(nil)

// Bounds of one question, and of all at a time.
const (
	MaxSamples = 5_000_000 // in memory, about 16 bytes each
	MaxNames   = 10_000    // series, labels or values of one answer
	Timeout    = 15 * time.Second
	AtATime    = 4
)

// gridLabel is the label that says where a series is from.
const gridLabel = "grid"

// Options of [New]. All are demanded.
type Options struct {
	Storage storage.Queryable
	Enter   func() (leave func(), err error) // keeps the storage open during a question
}

// Engine answers questions.
type Engine struct {
	o      Options
	engine *prom.Engine
	slots  chan struct{}
}

// New returns an engine. It has no goroutines of its own.
func New(o Options) *Engine {
	return &Engine{
		o:     o,
		slots: make(chan struct{}, AtATime),
		engine: prom.NewEngine(prom.EngineOpts{
			MaxSamples: MaxSamples, Timeout: Timeout, EnableAtModifier: true, EnableNegativeOffset: true,
			NoStepSubqueryIntervalFn: func(int64) int64 { return time.Minute.Milliseconds() },
		}),
	}
}

// enter takes a slot and keeps the storage open.
func (e *Engine) enter() (leave func(), err error) {
	select {
	case e.slots <- struct{}{}:
	default:
		return nil, tsdb.ErrPromQLBusy
	}
	done, err := e.o.Enter()
	if err != nil {
		<-e.slots
		return nil, err
	}
	return func() { done(); <-e.slots }, nil
}

// Ask implements [tsdb.PromQL].
func (e *Engine) Ask(ctx context.Context, q tsdb.PromQuery) (tsdb.PromAnswer, error) {
	leave, err := e.enter()
	if err != nil {
		return tsdb.PromAnswer{}, err
	}
	defer leave()
	query, err := e.prepare(ctx, q)
	if err != nil {
		return tsdb.PromAnswer{}, fmt.Errorf("%w: %w", tsdb.ErrPromQL, err)
	}
	defer query.Close()
	result := query.Exec(ctx)
	if result.Err != nil {
		return tsdb.PromAnswer{}, failure(ctx, result.Err)
	}
	warnings, infos := result.Warnings.AsStrings(q.Text, 10, 10)
	value, err := detached(result.Value)
	if err != nil {
		return tsdb.PromAnswer{}, err
	}
	return tsdb.PromAnswer{Type: string(result.Value.Type()), Value: value, Warnings: warnings, Infos: infos}, nil
}

func (e *Engine) prepare(ctx context.Context, q tsdb.PromQuery) (prom.Query, error) {
	opts := prom.NewPrometheusQueryOpts(false, q.Lookback)
	over := restricted{e.o.Storage, within(q.Within)}
	if q.Step == 0 {
		return e.engine.NewInstantQuery(ctx, over, opts, q.Text, q.To)
	}
	return e.engine.NewRangeQuery(ctx, over, opts, q.Text, q.From, q.To, q.Step)
}

// failure sorts an error of the engine.
func failure(ctx context.Context, err error) error {
	var broken prom.ErrStorage
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &broken):
		return fmt.Errorf("read the time-series database: %w", broken.Err)
	}
	return fmt.Errorf("%w: %w", tsdb.ErrPromQLWork, err)
}

// Found implements [tsdb.PromQL].
func (e *Engine) Found(ctx context.Context, f tsdb.PromFilter) (out []map[string]string, err error) {
	err = e.look(ctx, f, func(q storage.Querier, sets [][]*labels.Matcher, hints *storage.LabelHints) error {
		var all []storage.SeriesSet
		for _, one := range sets {
			all = append(all, q.Select(ctx, true, &storage.SelectHints{Start: f.From.UnixMilli(), End: f.To.UnixMilli(), Func: "series", Limit: hints.Limit}, one...))
		}
		merged := storage.NewMergeSeriesSet(all, hints.Limit, storage.ChainedSeriesMerge)
		for len(out) < hints.Limit && merged.Next() {
			out = append(out, merged.At().Labels().Map())
		}
		return merged.Err()
	})
	return out, err
}

// Labels implements [tsdb.PromQL].
func (e *Engine) Labels(ctx context.Context, f tsdb.PromFilter) ([]string, error) {
	return e.names(ctx, f, func(q storage.Querier, hints *storage.LabelHints, m []*labels.Matcher) ([]string, error) {
		found, _, err := q.LabelNames(ctx, hints, m...)
		return found, err
	})
}

// Values implements [tsdb.PromQL].
func (e *Engine) Values(ctx context.Context, label string, f tsdb.PromFilter) ([]string, error) {
	return e.names(ctx, f, func(q storage.Querier, hints *storage.LabelHints, m []*labels.Matcher) ([]string, error) {
		found, _, err := q.LabelValues(ctx, label, hints, m...)
		return found, err
	})
}

// look opens the storage for the time and the selectors of f. One set without matchers stands for no selector.
func (e *Engine) look(ctx context.Context, f tsdb.PromFilter, do func(storage.Querier, [][]*labels.Matcher, *storage.LabelHints) error) error {
	sets := [][]*labels.Matcher{{}}
	if len(f.Match) > 0 {
		var err error
		if sets, err = parser.ParseMetricSelectors(f.Match); err != nil {
			return fmt.Errorf("%w: %w", tsdb.ErrPromQL, err)
		}
	}
	leave, err := e.enter()
	if err != nil {
		return err
	}
	defer leave()
	q, err := restricted{e.o.Storage, within(f.Within)}.Querier(f.From.UnixMilli(), f.To.UnixMilli())
	if err != nil {
		return fmt.Errorf("read the time-series database: %w", err)
	}
	defer q.Close()
	limit := f.Limit
	if limit <= 0 || limit > MaxNames {
		limit = MaxNames
	}
	if err := do(q, sets, &storage.LabelHints{Limit: limit}); err != nil {
		return errors.Join(ctx.Err(), fmt.Errorf("read the time-series database: %w", err))
	}
	return ctx.Err()
}

// within are the matchers that leave the series of some grids.
func within(grids []string) []*labels.Matcher {
	if len(grids) == 0 {
		return nil
	}
	quoted := make([]string, len(grids))
	for i, g := range grids {
		quoted[i] = regexp.QuoteMeta(g)
	}
	return []*labels.Matcher{labels.MustNewMatcher(labels.MatchRegexp, gridLabel, "(?:"+strings.Join(quoted, "|")+").+|"+strings.Join(quoted, "|"))}
}
