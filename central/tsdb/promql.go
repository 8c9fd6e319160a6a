package tsdb

import (
	"context"
	"errors"
	"time"
)

// PromQL is a database that answers in the language of Prometheus. Implementations are safe for concurrent use and bound what one
// question costs. The errors are [ErrPromQL], [ErrPromQLWork], [ErrPromQLBusy], [ErrClosed], that of a context, or one of the database.
type PromQL interface {
	Ask(ctx context.Context, q PromQuery) (PromAnswer, error)
	Found(ctx context.Context, f PromFilter) ([]map[string]string, error)     // the labels of series, __name__ too
	Labels(ctx context.Context, f PromFilter) ([]string, error)               // names of labels, in order
	Values(ctx context.Context, label string, f PromFilter) ([]string, error) // of one label, in order
}

// PromQuery is an expression with its times.
type PromQuery struct {
	Text     string
	From, To time.Time
	Step     time.Duration // 0: at To alone
	Lookback time.Duration // how old the newest point of a series may be; 0: five minutes
	Within   []string      // prefixes of grids: series elsewhere, and those without a grid, do not exist; none: all
}

// PromAnswer is the value of an expression. It encodes as the member data of the HTTP API of Prometheus.
type PromAnswer struct {
	Type     string   `json:"resultType"`
	Value    any      `json:"result"`
	Warnings []string `json:"-"`
	Infos    []string `json:"-"`
}

// PromFilter names series that have points in a time.
type PromFilter struct {
	Match    []string // selectors, of which one must fit; none: all series
	From, To time.Time
	Limit    int      // at most so many; 0 or too many: the implementation's bound
	Within   []string // as in [PromQuery]
}

// Errors of a question in PromQL.
var (
	ErrPromQL     = errors.New("promql")            // the expression or a selector makes no sense; wrapped with what is wrong
	ErrPromQLWork = errors.New("promql evaluation") // it cannot be evaluated, or costs more than one may
	ErrPromQLBusy = errors.New("too many questions at a time")
)
