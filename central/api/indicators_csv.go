package api

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"slices"
	"strconv"

	"gridgate/central/indicators"
)

// figureColumns are those of every export of figures; two for each step that a case came to follow.
var figureColumns = []string{
	"day", "grid", "unit", "class", "opened", "closed", "closed_in_time", "cleared", "false_alarms", "reopened", "overdue", "extended", "sent_back",
	"reworked", "supervised", "parked", "merged", "rated", "in_time_rate", "rework_rate", "overdue_rate", "false_alarm_rate", "rating",
}

func (s *Server) exportIndicators(ctx context.Context, in *indicatorsInput) (*fileOutput, error) {
	q, err := s.asked(ctx, in)
	if err != nil {
		return nil, err
	}
	rows, err := s.figures(ctx, q)
	if err != nil {
		return nil, err
	}
	body, err := figuresCSV(rows.Body.Items)
	if err != nil {
		return nil, s.failure(ctx, "write the figures", err)
	}
	return &fileOutput{ContentType: "text/csv; charset=utf-8", Disposition: `attachment; filename="indicators.csv"`, Body: body}, nil
}

func figuresCSV(rows []indicators.Row) ([]byte, error) {
	steps := stepsOf(rows)
	head := slices.Clone(figureColumns)
	for _, step := range steps {
		head = append(head, "reached_"+step, "mean_seconds_to_"+step)
	}
	var out bytes.Buffer
	out.WriteString("\ufeff") // spreadsheets take it for a local encoding without
	lines := csv.NewWriter(&out)
	if err := lines.Write(safe(head)); err != nil {
		return nil, fmt.Errorf("write the head: %w", err)
	}
	for _, r := range rows {
		if err := lines.Write(safe(figureRow(r, steps))); err != nil {
			return nil, fmt.Errorf("write a line: %w", err)
		}
	}
	lines.Flush()
	return out.Bytes(), lines.Error()
}

// stepsOf are all steps of some rows, by name.
func stepsOf(rows []indicators.Row) (steps []string) {
	for _, r := range rows {
		for _, s := range r.Steps {
			steps = append(steps, s.Step)
		}
	}
	slices.Sort(steps)
	return slices.Compact(steps)
}

func figureRow(r indicators.Row, steps []string) []string {
	row := []string{r.Day, r.Grid, r.Unit, r.Class}
	for _, n := range []int64{
		r.Opened, r.Closed, r.ClosedInTime, r.Cleared, r.FalseAlarms, r.Reopened, r.Overdue, r.Extended, r.SentBack, r.Reworked, r.Supervised, r.Parked, r.Merged, r.Rated,
	} {
		row = append(row, strconv.FormatInt(n, 10))
	}
	for _, rate := range []*float64{r.InTimeRate, r.ReworkRate, r.OverdueRate, r.FalseAlarmRate, r.Rating} {
		row = append(row, decimal(rate))
	}
	for _, step := range steps {
		times, mean := "", ""
		if i := slices.IndexFunc(r.Steps, func(s indicators.Reached) bool { return s.Step == step }); i >= 0 {
			times, mean = strconv.FormatInt(r.Steps[i].Times, 10), decimal(&r.Steps[i].MeanSeconds)
		}
		row = append(row, times, mean)
	}
	return row
}

// decimal is empty where there was nothing to divide by.
func decimal(f *float64) string {
	if f == nil {
		return ""
	}
	return strconv.FormatFloat(*f, 'f', 4, 64)
}
