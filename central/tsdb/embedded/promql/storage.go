package promql

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	prom "github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"

	"gridgate/central/tsdb"
)

// restricted is a storage that holds what fits the matchers.
type restricted struct {
	storage.Queryable
	only []*labels.Matcher
}

// Querier implements [storage.Queryable].
func (r restricted) Querier(from, to int64) (storage.Querier, error) {
	q, err := r.Queryable.Querier(from, to)
	if err != nil {
		return nil, err
	}
	return querier{q, r.only}, nil
}

type querier struct {
	storage.Querier
	only []*labels.Matcher
}

func (q querier) with(m []*labels.Matcher) []*labels.Matcher { return slices.Concat(m, q.only) }

// Select implements [storage.Querier].
func (q querier) Select(ctx context.Context, sorted bool, hints *storage.SelectHints, m ...*labels.Matcher) storage.SeriesSet {
	m = q.with(m)
	if len(m) == 0 { // a selection without matchers is none
		m = []*labels.Matcher{labels.MustNewMatcher(labels.MatchNotEqual, model.MetricNameLabel, "")}
	}
	return q.Querier.Select(ctx, sorted, hints, m...)
}

// LabelValues implements [storage.LabelQuerier].
func (q querier) LabelValues(ctx context.Context, name string, hints *storage.LabelHints, m ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return q.Querier.LabelValues(ctx, name, hints, q.with(m)...)
}

// LabelNames implements [storage.LabelQuerier].
func (q querier) LabelNames(ctx context.Context, hints *storage.LabelHints, m ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return q.Querier.LabelNames(ctx, hints, q.with(m)...)
}

// names joins what look brings for each selector, in order and once.
func (e *Engine) names(ctx context.Context, f tsdb.PromFilter, look func(storage.Querier, *storage.LabelHints, []*labels.Matcher) ([]string, error)) (out []string, err error) {
	err = e.look(ctx, f, func(q storage.Querier, sets [][]*labels.Matcher, hints *storage.LabelHints) error {
		for _, one := range sets {
			found, err := look(q, hints, one)
			if err != nil {
				return err
			}
			for _, name := range found {
				out = append(out, string([]byte(name))) // the storage's own string ends with the querier
			}
		}
		slices.Sort(out)
		out = slices.Compact(out)
		out = out[:min(len(out), hints.Limit)]
		return nil
	})
	return out, err
}

// The forms of an answer, as the HTTP API of Prometheus has them: a time in seconds and a value as a string.
type (
	vector struct {
		Metric map[string]string `json:"metric"`
		Value  prom.FPoint       `json:"value"`
	}
	matrix struct {
		Metric map[string]string `json:"metric"`
		Values []prom.FPoint     `json:"values"`
	}
)

// detached copies a value, which is the engine's until the query is closed. The database holds floats only; what a function makes a
// histogram of is refused.
func detached(v parser.Value) (any, error) {
	switch v := v.(type) {
	case prom.Vector:
		out := make([]vector, 0, len(v))
		for _, s := range v {
			if s.H != nil {
				return nil, fmt.Errorf("%w: histograms are not answered", tsdb.ErrPromQLWork)
			}
			out = append(out, vector{s.Metric.Map(), prom.FPoint{T: s.T, F: s.F}})
		}
		return out, nil
	case prom.Matrix:
		out := make([]matrix, 0, len(v))
		for _, s := range v {
			if len(s.Histograms) > 0 {
				return nil, fmt.Errorf("%w: histograms are not answered", tsdb.ErrPromQLWork)
			}
			out = append(out, matrix{s.Metric.Map(), slices.Clone(s.Floats)})
		}
		return out, nil
	case prom.Scalar:
		return prom.FPoint{T: v.T, F: v.V}, nil
	case prom.String:
		return []any{float64(v.T) / float64(time.Second/time.Millisecond), v.V}, nil
	}
	return nil, fmt.Errorf("%w: no value of this type is answered", tsdb.ErrPromQLWork)
}
