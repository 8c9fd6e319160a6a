package api

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"gridgate/central/auth"
	"gridgate/central/indicators"
	"gridgate/central/store"
)

// Figures sums what was counted, see [indicators.Report].
type Figures interface {
	Counts(ctx context.Context, q store.CountQuery) ([]store.Count, error)
}

// maxRows is how many lines one report may have.
const maxRows = 1000

type (
	// Period are the days of a report. It is exported because huma reads no members of others when they are embedded.
	Period struct {
		From     string `query:"from" format:"date" doc:"first day, of the centre's zone; left out: the first of this month"`
		To       string `query:"to" format:"date" doc:"day after the last; left out: tomorrow"`
		Exercise bool   `query:"exercise" doc:"drills instead of what happened"`
	}
	indicatorsInput struct {
		Period
		Grid  string `query:"grid" pattern:"^[0-9]{1,20}$" doc:"prefix of a grid code"`
		Unit  string `query:"unit" maxLength:"64"`
		Class string `query:"class" pattern:"^[0-9]{1,4}$" doc:"prefix of an event class"`
		By    string `query:"by" maxLength:"40" doc:"what lines are told apart by, separated by commas: day or month, grid, unit, class"`
		// Digits makes areas of grids: 6 counties, 9 townships, 12 communities.
		Digits int `query:"digits" minimum:"2" maximum:"20" doc:"with by=grid: grids whose codes begin with the same so many digits are one line (6 counties, 9 townships, 12 communities); left out: whole codes"`
	}
	devicesInput  struct{ Period }
	figuresOutput struct {
		Body struct {
			Items []indicators.Row `json:"items" nullable:"false"`
		}
	}
)

func (s *Server) indicatorOperations() {
	if s.o.Figures == nil {
		return
	}
	huma.Register(s.huma, operation(http.MethodGet, "/v1/indicators", "get-indicators", "What became of cases, by area, unit, class and period", auth.Read, http.StatusBadRequest), s.indicators)
	huma.Register(s.huma, watched(operation(http.MethodGet, "/v1/indicators.csv", "export-indicators", "The same as CSV (RFC 4180, UTF-8 with a byte order mark)", auth.Read, http.StatusBadRequest)), s.exportIndicators)
	huma.Register(s.huma, whole(operation(http.MethodGet, "/v1/indicators/devices", "get-device-indicators", "Cases and false alarms by device, so that a bad camera is found; whole months", auth.Read, http.StatusBadRequest)), s.deviceIndicators)
}

// query reads the days of a report.
func (p Period) query(now time.Time) (store.CountQuery, error) {
	q := store.CountQuery{From: p.From, To: p.To, Exercise: p.Exercise, Limit: maxRows * 64}
	if q.From == "" {
		q.From = now.Format("2006-01") + "-01"
	}
	if q.To == "" {
		q.To = now.AddDate(0, 0, 1).Format(time.DateOnly)
	}
	for _, day := range []string{q.From, q.To} {
		if _, err := time.Parse(time.DateOnly, day); err != nil {
			return q, huma.Error400BadRequest("from and to are days like 2026-01-31")
		}
	}
	return q, nil
}

func (s *Server) indicators(ctx context.Context, in *indicatorsInput) (*figuresOutput, error) {
	q, err := s.asked(ctx, in)
	if err != nil {
		return nil, err
	}
	return s.figures(ctx, q)
}

// asked is the query of a report.
func (s *Server) asked(ctx context.Context, in *indicatorsInput) (store.CountQuery, error) {
	q, err := in.query(s.o.Now().In(s.o.Zone))
	if err != nil {
		return q, err
	}
	q.Grid, q.Unit, q.Class, q.Within, q.Digits = in.Grid, in.Unit, in.Class, gridsOf(ctx), in.Digits
	for by := range strings.SplitSeq(in.By, ",") {
		switch by {
		case "":
		case "day", "month", "grid", "unit", "class":
			q.By = append(q.By, by)
		default:
			return q, huma.Error400BadRequest("by: day or month, grid, unit, class")
		}
	}
	return q, nil
}

func (s *Server) deviceIndicators(ctx context.Context, in *devicesInput) (*figuresOutput, error) {
	q, err := in.query(s.o.Now().In(s.o.Zone))
	if err != nil {
		return nil, err
	}
	q.By, q.Measures = []string{"source"}, indicators.ByDevice()
	return s.figures(ctx, q)
}

func (s *Server) figures(ctx context.Context, q store.CountQuery) (*figuresOutput, error) {
	rows, err := indicators.Report(ctx, s.o.Figures, q)
	if errors.Is(err, indicators.ErrTooMany) {
		return nil, huma.Error400BadRequest(err.Error())
	}
	if err != nil {
		return nil, s.failure(ctx, "sum the figures", err)
	}
	if len(rows) > maxRows {
		return nil, huma.Error400BadRequest("more than 1000 lines: ask for fewer days, or tell fewer things apart")
	}
	out := &figuresOutput{}
	if out.Body.Items = rows; rows == nil {
		out.Body.Items = []indicators.Row{}
	}
	return out, nil
}
