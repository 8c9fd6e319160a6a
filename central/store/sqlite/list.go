package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"gridgate/central/store"
)

// conditions is a WHERE clause in the making.
type conditions struct {
	terms []string
	args  []any
}

func (c *conditions) add(term string, args ...any) {
	c.terms, c.args = append(c.terms, term), append(c.args, args...)
}

// prefix wants the texts of a column that begin with digits.
func (c *conditions) prefix(column, digits string) {
	c.add(column+" >= ? AND "+column+" < ?", digits, digits+"~")
}

// within wants the texts of a column that begin with one of some.
func (c *conditions) within(column string, prefixes []string) {
	var any conditions
	for _, p := range prefixes {
		any.add("("+column+" >= ? AND "+column+" < ?)", p, p+"~")
	}
	c.add("("+strings.Join(any.terms, " OR ")+")", any.args...)
}

func (c *conditions) where() string { return " WHERE " + strings.Join(c.terms, " AND ") }

// querier is a database or a transaction.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// firstAt is [store.FirstAt] of a table with a column of positions and one of times.
func firstAt(ctx context.Context, db querier, table, order, column string, t time.Time) (int64, error) {
	var newest int64
	if err := db.QueryRowContext(ctx, "SELECT coalesce(max("+order+"), 0) FROM "+table).Scan(&newest); err != nil {
		return 0, err
	}
	probe := "SELECT " + column + " FROM " + table + " WHERE " + order + " >= ? ORDER BY " + order + " LIMIT 1"
	return store.FirstAt(newest, t, func(position int64) (at int64, found bool, err error) {
		err = db.QueryRowContext(ctx, probe, position).Scan(&at)
		if errors.Is(err, sql.ErrNoRows) {
			return 0, false, nil
		}
		return at, true, err
	})
}
