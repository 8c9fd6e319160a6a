package postgres

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"gridgate/central/store"
)

// conditions are a WHERE clause and its parameters in the making. In a term each "?" stands for the next parameter.
type conditions struct {
	terms []string
	args  []any
}

func (c *conditions) add(term string, args ...any) {
	for _, a := range args {
		term = strings.Replace(term, "?", c.bind(a), 1)
	}
	c.terms = append(c.terms, term)
}

// bind adds a parameter and returns its name.
func (c *conditions) bind(arg any) string {
	c.args = append(c.args, arg)
	return "$" + strconv.Itoa(len(c.args))
}

// prefix wants the texts of a column that begin with digits.
func (c *conditions) prefix(column, digits string) {
	c.add(column+" >= ? AND "+column+" < ?", digits, digits+"~")
}

// within wants the texts of a column that begin with one of some.
func (c *conditions) within(column string, prefixes []string) {
	var parts []string
	for _, p := range prefixes {
		parts = append(parts, "("+column+" >= "+c.bind(p)+" AND "+column+" < "+c.bind(p+"~")+")")
	}
	c.terms = append(c.terms, "("+strings.Join(parts, " OR ")+")")
}

func (c *conditions) where() string {
	if len(c.terms) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(c.terms, " AND ")
}

// firstAt is [store.FirstAt] of a table with a position and a column with times.
func firstAt(ctx context.Context, q querier, table, column string, t time.Time) (int64, error) {
	return firstBy(ctx, q, table, "position", column, t)
}

// firstBy is [store.FirstAt] of a table by a column with positions and one with times.
func firstBy(ctx context.Context, q querier, table, position, column string, t time.Time) (int64, error) {
	var newest int64
	if err := q.QueryRow(ctx, "SELECT coalesce(max("+position+"), 0) FROM "+table).Scan(&newest); err != nil {
		return 0, err
	}
	probe := "SELECT " + column + " FROM " + table + " WHERE " + position + " >= $1 ORDER BY " + position + " LIMIT 1"
	return store.FirstAt(newest, t, func(position int64) (at int64, found bool, err error) {
		err = q.QueryRow(ctx, probe, position).Scan(&at)
		if errors.Is(err, pgx.ErrNoRows) {
			return 0, false, nil
		}
		return at, true, err
	})
}
