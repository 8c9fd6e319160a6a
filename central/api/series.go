package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"gridgate/central/auth"
	"gridgate/central/tsdb"
)

// Bounds of a series query.
const (
	readingMetric = "gridgate_reading"
	maxSeries     = 100
	maxSteps      = 11_000 // points of one series
	defaultSteps  = 300
	defaultRange  = 6 * time.Hour
)

type seriesFilter struct {
	Quantity string    `query:"quantity" pattern:"^[a-z0-9][a-z0-9._-]{0,63}$" doc:"a reading, for example temperature"`
	Metric   string    `query:"metric" pattern:"^[a-z][a-z0-9_]{0,127}$" doc:"or a metric, for example gridgate_edge_outbox_pending"`
	Edge     string    `query:"edge" maxLength:"64"`
	Device   string    `query:"device" maxLength:"64"`
	Grid     string    `query:"grid" pattern:"^[0-9]{12,20}$" doc:"a whole grid code"`
	From     time.Time `query:"from" doc:"default: six hours before to"`
	To       time.Time `query:"to" doc:"default: now"`
	Step     string    `query:"step" maxLength:"16" doc:"one value per step, for example 1m; default: about 300 steps, of whole hours once they are longer than one" example:"1m"`

	Aggregate string `query:"aggregate" enum:"mean,min,max,count,last" default:"mean" doc:"which value of a step"`
}

// SeriesList is the answer to a series query.
type SeriesList struct {
	Items []tsdb.Series `json:"items" nullable:"false"`
}

type seriesListOutput struct{ Body SeriesList }

// selector judges the query; the error names the parameter.
func (f seriesFilter) selector(now time.Time) (tsdb.Selector, error) {
	sel := tsdb.Selector{Metric: f.Metric, Labels: map[string]string{}, From: f.From, To: f.To, Limit: maxSeries}
	if (f.Quantity == "") == (f.Metric == "") {
		return sel, errors.New("give either quantity or metric")
	}
	if f.Quantity != "" {
		sel.Metric = readingMetric
		sel.Labels["quantity"] = f.Quantity
	}
	for label, value := range map[string]string{"edge": f.Edge, "device": f.Device, "grid": f.Grid} {
		if value != "" {
			sel.Labels[label] = value
		}
	}
	if sel.To.IsZero() {
		sel.To = now
	}
	if sel.From.IsZero() {
		sel.From = sel.To.Add(-defaultRange)
	}
	span := sel.To.Sub(sel.From)
	if span <= 0 {
		return sel, errors.New("from is not before to")
	}
	step, err := stepOf(f.Step, span)
	sel.Step, sel.Aggregate = step, tsdb.Aggregate(f.Aggregate)
	return sel, err
}

func stepOf(text string, span time.Duration) (time.Duration, error) {
	if text == "" {
		step := max(time.Second, (span / defaultSteps).Truncate(time.Second))
		if step > time.Hour { // a roll-up answers whole hours
			step = (step + time.Hour - time.Second).Truncate(time.Hour)
		}
		return step, nil
	}
	step, err := time.ParseDuration(text)
	if err != nil || step < time.Second {
		return 0, errors.New("step is not a duration of at least 1s, for example 1m")
	}
	step = step.Truncate(time.Second)
	if span/step > maxSteps {
		return 0, errors.New("the range holds more than 11000 steps: ask for a shorter range or a longer step")
	}
	return step, nil
}

func (s *Server) seriesOperations() {
	huma.Register(s.huma, whole(operation(http.MethodGet, "/v1/series", "query-series", "Readings and edge metrics over time", auth.Read, http.StatusBadRequest)),
		func(ctx context.Context, in *seriesFilter) (*seriesListOutput, error) {
			sel, err := in.selector(s.o.Now())
			if err != nil {
				return nil, huma.Error400BadRequest(err.Error())
			}
			items, err := s.o.Series.Query(ctx, sel)
			if err != nil {
				return nil, s.failure(ctx, "query the time-series database", err)
			}
			if items == nil {
				items = []tsdb.Series{}
			}
			return &seriesListOutput{Body: SeriesList{Items: items}}, nil
		})
}
