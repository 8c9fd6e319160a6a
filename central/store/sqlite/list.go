package sqlite

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"

	"gridgate/central/store"
)

// maxLimit bounds a page.
const maxLimit = 500

// slack is how far central's clock may have been set back and a list by time still misses nothing.
const slack = time.Minute

// cursorOf names a position of a list; list is one letter.
func cursorOf(list string, position int64) string {
	return base64.RawURLEncoding.EncodeToString([]byte(list + strconv.FormatInt(position, 36)))
}

// positionOf is the inverse of cursorOf; an empty cursor is before the newest.
func positionOf(list, cursor string) (int64, error) {
	if cursor == "" {
		return 1<<63 - 1, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	digits, ok := strings.CutPrefix(string(raw), list)
	if err != nil || !ok {
		return 0, store.ErrBadCursor
	}
	n, err := strconv.ParseInt(digits, 36, 64)
	if err != nil || n <= 0 {
		return 0, store.ErrBadCursor
	}
	return n, nil
}

// conditions is a WHERE clause in the making.
type conditions struct {
	terms []string
	args  []any
}

func (c *conditions) add(term string, args ...any) {
	c.terms, c.args = append(c.terms, term), append(c.args, args...)
}

func (c *conditions) where() string { return " WHERE " + strings.Join(c.terms, " AND ") }

func pageSize(limit int) int { return min(max(limit, 1), maxLimit) }

// querier is a database or a transaction.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// firstAt returns the first position of a log whose time is at or after t, give or take what the clock was set back: the times
// of a log grow with its positions.
func firstAt(ctx context.Context, db querier, table, column string, t time.Time) (int64, error) {
	from := nanos(t.Add(-slack))
	var low, high int64
	if err := db.QueryRowContext(ctx, "SELECT coalesce(max(position), 0) FROM "+table).Scan(&high); err != nil {
		return 0, err
	}
	probe := "SELECT " + column + " FROM " + table + " WHERE position >= ? ORDER BY position LIMIT 1"
	for high++; low < high; {
		middle := low + (high-low)/2
		var at int64
		err := db.QueryRowContext(ctx, probe, middle).Scan(&at)
		switch {
		case errors.Is(err, sql.ErrNoRows) || err == nil && at >= from:
			high = middle
		case err != nil:
			return 0, err
		default:
			low = middle + 1
		}
	}
	return low, nil
}
