package sqlite

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"gridgate/central/store"
)

// addCounts adds to the sums of the day and of its month, by source and over all sources.
func (w *writer) addCounts(a store.Advance) error {
	all, bySource := store.SumsOf(a.Counts)
	for c, n := range all {
		_, err := w.c.exec(`INSERT INTO counts (measure, exercise, period, grid, unit, class, n) VALUES (?,?,?,?,?,?,?)
			ON CONFLICT DO UPDATE SET n = n + excluded.n`, c.Measure, c.Exercise, c.Day, c.Grid, c.Unit, c.Class, n)
		if err != nil {
			return fmt.Errorf("count: %w", err)
		}
	}
	for c, n := range bySource {
		_, err := w.c.exec(`INSERT INTO source_counts (measure, exercise, period, source, grid, unit, class, n) VALUES (?,?,?,?,?,?,?,?)
			ON CONFLICT DO UPDATE SET n = n + excluded.n`, c.Measure, c.Exercise, c.Day, c.Source, c.Grid, c.Unit, c.Class, n)
		if err != nil {
			return fmt.Errorf("count by source: %w", err)
		}
	}
	return nil
}

// Counts implements [store.Jobs].
func (s *Store) Counts(ctx context.Context, q store.CountQuery) ([]store.Count, error) {
	query, args, err := countQuery(q)
	if err != nil {
		return nil, fmt.Errorf("counts: %w", err)
	}
	rows, err := s.read.QueryContext(ctx, query, args...)
	sums, err := collect(rows, err, func(scan func(...any) error) (c store.Count, err error) {
		c.Exercise = q.Exercise
		err = scan(&c.Measure, &c.Day, &c.Grid, &c.Unit, &c.Class, &c.Source, &c.N)
		return c, err
	})
	if err != nil {
		return nil, fmt.Errorf("counts: %w", err)
	}
	return sums, nil
}

// countQuery sums the days of the query; whole months among them are taken from the sums of months, unless days are told apart.
func countQuery(q store.CountQuery) (query string, args []any, err error) {
	if err := q.Check(); err != nil {
		return "", nil, err
	}
	by := func(name, column string) string {
		if slices.Contains(q.By, name) {
			return column
		}
		return "''"
	}
	day := by("day", "ltrim(period, '"+store.PeriodMarks+"')")
	if day == "''" {
		day = by("month", "substr(ltrim(period, '"+store.PeriodMarks+"'), 1, 7)")
	}
	table, source := "counts", "''"
	if q.Source != "" || slices.Contains(q.By, "source") {
		table, source = "source_counts", by("source", "source")
	}
	columns := strings.Join([]string{"measure", day + " AS day", by("grid", q.GridColumn()) + " AS grid", by("unit", "unit") + " AS unit",
		by("class", "class") + " AS class", source + " AS source", "n"}, ", ")
	var parts []string
	for _, span := range q.Spans() {
		c := countConditions(q, table, span)
		parts = append(parts, "SELECT "+columns+" FROM "+table+c.where())
		args = append(args, c.args...)
	}
	return "SELECT measure, day, grid, unit, class, source, sum(n) FROM (" + strings.Join(parts, " UNION ALL ") +
		") GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6 LIMIT ?", append(args, q.Size()), nil
}

// countConditions are those of a span of days or of months.
func countConditions(q store.CountQuery, table string, span store.Span) (c conditions) {
	if len(q.Measures) == 0 {
		c.add("measure IN (" + strings.ReplaceAll(allMeasures, "counts", table) + ")")
	} else {
		c.add("measure IN (?"+strings.Repeat(",?", len(q.Measures)-1)+")", anys(q.Measures)...)
	}
	c.add("exercise = ?", q.Exercise)
	if list, from, to := q.Periods(span); list != nil {
		c.add("period IN (?"+strings.Repeat(",?", len(list)-1)+")", anys(list)...)
	} else {
		c.add("period >= ? AND period < ?", from, to)
	}
	if q.Source != "" {
		c.add("source = ?", q.Source)
	}
	if q.Grid != "" {
		c.prefix("grid", q.Grid)
	}
	if len(q.Within) > 0 {
		c.within("grid", q.Within)
	}
	if q.Unit != "" {
		c.add("unit = ?", q.Unit)
	}
	if q.Class != "" {
		c.prefix("class", q.Class)
	}
	return c
}

// allMeasures skips from one measure to the next: the key of the table begins with it, and there are few.
const allMeasures = `WITH RECURSIVE m (name) AS (SELECT min(measure) FROM counts UNION ALL
	SELECT (SELECT min(measure) FROM counts WHERE measure > name) FROM m WHERE name IS NOT NULL) SELECT name FROM m WHERE name IS NOT NULL`

func anys[T any](values []T) []any {
	out := make([]any, len(values))
	for i, v := range values {
		out[i] = v
	}
	return out
}
