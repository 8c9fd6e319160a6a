package store

import (
	"fmt"
	"slices"
	"time"
)

// MaxCounts bounds how many sums [Jobs.Counts] returns.
const MaxCounts = 10_000

// Size is how many sums are returned at most.
func (q CountQuery) Size() int {
	if q.Limit <= 0 {
		return MaxCounts
	}
	return min(q.Limit, MaxCounts)
}

// Check says why q cannot be answered, or nil.
func (q CountQuery) Check() error {
	for _, name := range q.By {
		if !slices.Contains([]string{"day", "month", "grid", "unit", "class", "source"}, name) {
			return fmt.Errorf("by %q: it must be day, month, grid, unit, class or source", name)
		}
	}
	for _, day := range []string{q.From, q.To} {
		if _, err := time.Parse(time.DateOnly, day); day != "" && err != nil {
			return fmt.Errorf("%q is no day", day)
		}
	}
	return nil
}

// Span is a range of days, or of whole months (2006-01); To is exclusive.
type Span struct {
	From, To string
	Months   bool
}

// Spans are the days of q, in which whole months stand for their days unless q tells days apart. q was checked.
func (q CountQuery) Spans() []Span {
	from, to := q.From, q.To
	if from == "" {
		from = "0001-01-01"
	}
	if to == "" {
		to = "9999-12-31"
	}
	if slices.Contains(q.By, "day") {
		return []Span{{From: from, To: to}}
	}
	first, last := monthAfter(from), to[:7] // of the whole months
	if first >= last {
		return []Span{{From: from, To: to}}
	}
	spans := []Span{{From: first, To: last, Months: true}}
	if from != first+"-01" {
		spans = append(spans, Span{From: from, To: first + "-01"})
	}
	if to != last+"-01" {
		spans = append(spans, Span{From: last + "-01", To: to})
	}
	return spans
}

// monthAfter is the first month that begins on or after a day.
func monthAfter(day string) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	if t.Day() != 1 {
		t = t.AddDate(0, 1, 1-t.Day())
	}
	return t.Format("2006-01")
}
