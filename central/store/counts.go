package store

import (
	"fmt"
	"slices"
	"time"
)

// MaxCounts bounds how many sums [Jobs.Counts] returns: a thousand lines of some forty measures.
const MaxCounts = 50_000

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
	if q.Digits < 0 || q.Digits > 20 {
		return fmt.Errorf("digits %d: a grid has at most 20", q.Digits)
	}
	for _, day := range []string{q.From, q.To} {
		if _, err := time.Parse(time.DateOnly, day); day != "" && err != nil {
			return fmt.Errorf("%q is no day", day)
		}
	}
	return nil
}

// GridColumn is what sums by grid are told apart by, in SQL: the code, or as many of its digits as were asked for.
func (q CountQuery) GridColumn() string {
	if q.Digits == 0 {
		return "grid"
	}
	return fmt.Sprintf("substr(grid, 1, %d)", q.Digits)
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

// Sums are what counts of the same fields add up to. The Day of a key is a period, see [Span.Periods].
type Sums map[Count]int64

func (s Sums) add(c Count) {
	n := c.N
	c.N = 0
	s[c] += n
}

// SumsOf adds counts up as they are stored: by day and by month, for each grid, for each grid over all units and classes, and for all grids
// together; and the same by source, of each grid only.
func SumsOf(counts []Count) (all, bySource Sums) {
	all, bySource = Sums{}, Sums{}
	for _, c := range counts {
		day := c.Day
		for _, period := range []string{day, monthMark + day[:min(len(day), 7)]} {
			c.Day = period
			bySource.add(c)
			whole := c
			whole.Source = ""
			all.add(whole)
			town, grid := whole, whole
			town.Day, town.Grid = everywhere+period, ""
			all.add(town)
			grid.Day, grid.Unit, grid.Class = gridMark+period, "", ""
			all.add(grid)
		}
	}
	return all, bySource
}

// How periods are told apart in the order of their texts: days begin with a digit.
const (
	monthMark  = "M"
	everywhere = "A" // of all grids together
	gridMark   = "G" // of a grid over all units and classes

	// PeriodMarks are all letters that a stored period may begin with.
	PeriodMarks = everywhere + gridMark + monthMark
)

// Everywhere says whether the sums over all grids answer q.
func (q CountQuery) Everywhere() bool {
	return q.Grid == "" && len(q.Within) == 0 && q.Source == "" && !slices.Contains(q.By, "grid") && !slices.Contains(q.By, "source")
}

// mark begins the periods of the smallest sums that answer q.
func (q CountQuery) mark() string {
	tells := func(name, value string) bool { return value != "" || slices.Contains(q.By, name) }
	switch {
	case q.Everywhere():
		return everywhere
	case tells("unit", q.Unit) || tells("class", q.Class) || tells("source", q.Source):
		return ""
	}
	return gridMark
}

// maxListed is up to how many periods are asked for one by one, so that a grid is found within each.
const maxListed = 62

// Periods are those of a span of q as they are stored: one by one if they are few, else nil and the range.
func (q CountQuery) Periods(s Span) (list []string, from, to string) {
	mark := q.mark()
	form, months, days := time.DateOnly, 0, 1
	if s.Months {
		mark, form, months, days = mark+monthMark, "2006-01", 1, 0
	}
	from, to = mark+s.From, mark+s.To
	at, err := time.Parse(form, s.From)
	for ; err == nil && at.Format(form) < s.To; at = at.AddDate(0, months, days) {
		if list = append(list, mark+at.Format(form)); len(list) > maxListed {
			return nil, from, to
		}
	}
	return list, from, to
}
