package indicators

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"gridgate/central/store"
)

// Counts sums what was counted, see [store.Jobs.Counts].
type Counts interface {
	Counts(ctx context.Context, q store.CountQuery) ([]store.Count, error)
}

// Row is one line of a report: what it is about, and its figures. Fields that the lines are not told apart by are empty.
type Row struct {
	Day    string `json:"day,omitempty" doc:"2006-01-02, or 2006-01 by month"`
	Grid   string `json:"grid,omitempty"`
	Unit   string `json:"unit,omitempty"`
	Class  string `json:"class,omitempty"`
	Source string `json:"source,omitempty" doc:"the device, in a report of devices"`

	Opened       int64 `json:"opened"`
	Closed       int64 `json:"closed"`
	ClosedInTime int64 `json:"closedInTime" doc:"closed before any milestone was passed"`
	Cleared      int64 `json:"cleared" doc:"closed by their own clear"`
	FalseAlarms  int64 `json:"falseAlarms"`
	Reopened     int64 `json:"reopened"`
	Overdue      int64 `json:"overdue"`
	Extended     int64 `json:"extended"`
	SentBack     int64 `json:"sentBack"`
	Reworked     int64 `json:"reworked"`
	Supervised   int64 `json:"supervised"`
	Parked       int64 `json:"parked"`
	Merged       int64 `json:"merged"`
	Rated        int64 `json:"rated"`

	InTimeRate     *float64 `json:"inTimeRate,omitempty" doc:"closed in time of closed, 0 to 1"`
	ReworkRate     *float64 `json:"reworkRate,omitempty" doc:"reworked of closed"`
	OverdueRate    *float64 `json:"overdueRate,omitempty" doc:"overdue of opened"`
	FalseAlarmRate *float64 `json:"falseAlarmRate,omitempty" doc:"false alarms of opened"`
	Rating         *float64 `json:"rating,omitempty" doc:"mean of the stars, 1 to 5"`

	// Steps say how long after opening cases came to each step of their loop.
	Steps []Reached `json:"steps,omitempty"`
}

// Reached is one step of a loop.
type Reached struct {
	Step        string  `json:"step"`
	Times       int64   `json:"times"`
	MeanSeconds float64 `json:"meanSeconds" doc:"from opening"`
}

// ErrTooMany means that a report would have more sums than are read at once: of a part of them no line would be right.
var ErrTooMany = errors.New("the report has too many lines: ask for fewer days, or tell fewer things apart")

// Report sums what q asks for. [ErrTooMany] if that is more than q.Size() sums.
func Report(ctx context.Context, c Counts, q store.CountQuery) ([]Row, error) {
	counts, err := c.Counts(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("sum the figures: %w", err)
	}
	if len(counts) >= q.Size() {
		return nil, ErrTooMany
	}
	type key struct{ day, grid, unit, class, source string }
	rows, order := map[key]*line{}, []*line{}
	for _, n := range counts {
		k := key{n.Day, n.Grid, n.Unit, n.Class, n.Source}
		l := rows[k]
		if l == nil {
			l = &line{row: Row{Day: n.Day, Grid: n.Grid, Unit: n.Unit, Class: n.Class, Source: n.Source}}
			rows[k], order = l, append(order, l)
		}
		l.take(n)
	}
	out := make([]Row, len(order))
	for i, l := range order {
		out[i] = l.finish()
	}
	return out, nil
}

// line is a row that is being added up.
type line struct {
	row   Row
	stars int64
	steps []Reached
	sums  []int64
}

func (l *line) take(n store.Count) {
	if field := l.field(n.Measure); field != nil {
		*field += n.N
	} else if step, ok := strings.CutPrefix(n.Measure, reached); ok {
		l.steps[l.step(step)].Times += n.N
	} else if step, ok := strings.CutPrefix(n.Measure, seconds); ok {
		l.sums[l.step(step)] += n.N
	}
}

// field is where a measure is added up, nil for one of a step.
func (l *line) field(measure string) *int64 {
	r := &l.row
	return map[string]*int64{
		Opened: &r.Opened, Closed: &r.Closed, ClosedInTime: &r.ClosedInTime, Cleared: &r.Cleared, FalseAlarms: &r.FalseAlarms,
		Reopened: &r.Reopened, Overdue: &r.Overdue, Extended: &r.Extended, SentBack: &r.SentBack, Reworked: &r.Reworked,
		Supervised: &r.Supervised, Parked: &r.Parked, Merged: &r.Merged, Rated: &r.Rated, Stars: &l.stars,
	}[measure]
}

func (l *line) step(name string) int {
	for i := range l.steps {
		if l.steps[i].Step == name {
			return i
		}
	}
	l.steps, l.sums = append(l.steps, Reached{Step: name}), append(l.sums, 0)
	return len(l.steps) - 1
}

func (l *line) finish() Row {
	r := l.row
	r.InTimeRate, r.ReworkRate = rate(r.ClosedInTime, r.Closed), rate(r.Reworked, r.Closed)
	r.OverdueRate, r.FalseAlarmRate = rate(r.Overdue, r.Opened), rate(r.FalseAlarms, r.Opened)
	r.Rating = rate(l.stars, r.Rated)
	for i, s := range l.steps {
		if s.Times > 0 {
			s.MeanSeconds = float64(l.sums[i]) / float64(s.Times)
		}
		r.Steps = append(r.Steps, s)
	}
	return r
}

// rate is nil where there is nothing to divide by.
func rate(part, whole int64) *float64 {
	if whole == 0 {
		return nil
	}
	f := float64(part) / float64(whole)
	return &f
}
