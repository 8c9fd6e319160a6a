package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"gridgate/central/store"
)

// queueCounts adds to the sums of the day and of its month, by source and over all sources.
func queueCounts(b *pgx.Batch, counts []store.Count) {
	all, bySource := store.SumsOf(counts)
	queueSums(b, all, "counts", "measure, exercise, period, grid, unit, class, n", "u.measure, u.exercise, u.period, u.grid, u.unit, u.class, u.n")
	queueSums(b, bySource, "source_counts", "measure, exercise, period, source, grid, unit, class, n",
		"u.measure, u.exercise, u.period, u.source, u.grid, u.unit, u.class, u.n")
}

func queueSums(b *pgx.Batch, s store.Sums, table, columns, values string) {
	if len(s) == 0 {
		return
	}
	var measure, period, source, grid, unit, class []string
	var exercise []bool
	var added []int64
	for c, n := range s {
		measure, period, source = append(measure, c.Measure), append(period, c.Day), append(source, c.Source)
		grid, unit, class = append(grid, c.Grid), append(unit, c.Unit), append(class, c.Class)
		exercise, added = append(exercise, c.Exercise), append(added, n)
	}
	b.Queue("INSERT INTO "+table+" ("+columns+") SELECT "+values+` FROM unnest($1::text[], $2::boolean[], $3::text[], $4::text[], $5::text[], $6::text[],
		$7::text[], $8::bigint[]) AS u (measure, exercise, period, source, grid, unit, class, n) ON CONFLICT ON CONSTRAINT `+table+`_pkey
		DO UPDATE SET n = `+table+".n + excluded.n", measure, exercise, period, source, grid, unit, class, added)
}

// Counts implements [store.Jobs].
func (s *Store) Counts(ctx context.Context, q store.CountQuery) ([]store.Count, error) {
	query, args, err := countQuery(q)
	if err != nil {
		return nil, fmt.Errorf("counts: %w", err)
	}
	rows, err := s.read.Query(ctx, query, args...)
	sums, err := collect(rows, err, func(scan scanner) (c store.Count, err error) {
		c.Exercise = q.Exercise
		err = scan(&c.Measure, &c.Day, &c.Grid, &c.Unit, &c.Class, &c.Source, &c.N)
		return c, err
	})
	if err != nil {
		return nil, fmt.Errorf("counts: %w", err)
	}
	if len(sums) == 0 {
		return nil, nil
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
		day = by("month", "left(ltrim(period, '"+store.PeriodMarks+"'), 7)")
	}
	table, source := "counts", "''"
	if q.Source != "" || slices.Contains(q.By, "source") {
		table, source = "source_counts", by("source", "source")
	}
	columns := strings.Join([]string{"measure", day + ` COLLATE "C" AS day`, by("grid", q.GridColumn()) + " AS grid", by("unit", "unit") + " AS unit",
		by("class", "class") + " AS class", source + " AS source", "n"}, ", ")
	var c conditions
	var parts []string
	for _, span := range q.Spans() {
		parts = append(parts, "SELECT "+columns+" FROM "+countRows(&c, q, table, span))
	}
	return "SELECT measure, day, grid, unit, class, source, sum(n)::bigint FROM (" + strings.Join(parts, " UNION ALL ") +
		") u GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6 LIMIT " + c.bind(q.Size()), c.args, nil
}

// countRows are those of a span of days or of months. Each measure, and each period if they are few, is looked up for itself along the
// table's key, and OFFSET 0 holds the planner to that: it takes the measures for many and would read the whole table.
func countRows(c *conditions, q store.CountQuery, table string, span store.Span) string {
	from := "(" + strings.ReplaceAll(allMeasures, "counts", table) + ") m"
	if len(q.Measures) > 0 {
		from = "unnest(" + c.bind(q.Measures) + "::text[]) m (name)"
	}
	each := conditions{args: c.args}
	each.add("measure = m.name AND exercise = ?", q.Exercise)
	if list, first, end := q.Periods(span); list != nil {
		from += " CROSS JOIN unnest(" + each.bind(list) + "::text[]) p (name)"
		each.add("period = p.name")
	} else {
		each.add("period >= ? AND period < ?", first, end)
	}
	countConditions(&each, q)
	c.args = each.args
	return from + " CROSS JOIN LATERAL (SELECT * FROM " + table + each.where() + " OFFSET 0) k"
}

// countConditions are those of the filters.
func countConditions(c *conditions, q store.CountQuery) {
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
}

// allMeasures skips from one measure to the next: the key of the table begins with it, and there are few.
const allMeasures = `WITH RECURSIVE m (name) AS (SELECT (SELECT min(measure) FROM counts) UNION ALL
	SELECT (SELECT min(measure) FROM counts WHERE measure > m.name) FROM m WHERE m.name IS NOT NULL) SELECT name FROM m WHERE name IS NOT NULL`
