package postgres

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"gridgate/central/store"
	"gridgate/protocols/alert"
)

// nanos is how a time is stored: Unix nanoseconds, 0 for the zero time. A time that an edge's clock got absurdly wrong is
// clamped to what 64 bits hold (the years 1970 to 2262).
func nanos(t time.Time) int64 {
	switch {
	case t.IsZero():
		return 0
	case t.Unix() <= 0:
		return 1
	case t.Unix() >= math.MaxInt64/int64(time.Second):
		return math.MaxInt64
	}
	return t.UnixNano()
}

// instant is the inverse of nanos.
func instant(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

var severities = []alert.Severity{alert.Info, alert.Minor, alert.Major, alert.Critical}

// severityOf is the inverse of [alert.Severity.Rank]; a rank that no severity has gives "".
func severityOf(rank int16) alert.Severity {
	if rank < 0 || int(rank) >= len(severities) {
		return ""
	}
	return severities[rank]
}

// uuidOf is the id of a row; an id that is no UUID names nothing.
func uuidOf(id string) (uuid.UUID, error) {
	u, err := uuid.Parse(id)
	if err != nil || u.String() != id {
		return uuid.Nil, store.ErrNotFound
	}
	return u, nil
}

// found turns "no rows" into [store.ErrNotFound].
func found(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, pgx.ErrNoRows), errors.Is(err, store.ErrNotFound):
		return store.ErrNotFound
	}
	return fmt.Errorf("%s: %w", what, err)
}

// scanner reads the columns of a row.
type scanner func(dest ...any) error

// collect reads all rows and closes them.
func collect[T any](rows pgx.Rows, err error, one func(scan scanner) (T, error)) ([]T, error) {
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (T, error) { return one(row.Scan) })
}

// texts reads rows of one text.
func texts(rows pgx.Rows, err error) ([]string, error) {
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
