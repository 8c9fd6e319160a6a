package sqlite

import (
	"database/sql"
	"database/sql/driver"
	"fmt"
	"math"
	"reflect"
	"time"

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

// text stores an empty text as NULL.
func text[T ~string](s T) driver.Value {
	if s == "" {
		return nil
	}
	return string(s)
}

var severities = []alert.Severity{alert.Info, alert.Minor, alert.Major, alert.Critical}

// severityOf is the inverse of [alert.Severity.Rank]; a rank that no severity has gives "".
func severityOf(rank int64) alert.Severity {
	if rank < 0 || rank >= int64(len(severities)) {
		return ""
	}
	return severities[rank]
}

// assign copies a row of the driver into what a scan wants. Only the types of this package's columns are known.
func assign(dest []any, row []driver.Value) error {
	if len(dest) != len(row) {
		return fmt.Errorf("%d columns for %d values", len(row), len(dest))
	}
	for i, v := range row {
		d := reflect.ValueOf(dest[i]).Elem()
		switch x := v.(type) {
		case int64:
			if d.Kind() == reflect.Bool {
				d.SetBool(x != 0)
			} else {
				d.SetInt(x)
			}
		case string:
			d.SetString(x)
		default:
			return fmt.Errorf("column %d is a %T", i, v)
		}
	}
	return nil
}

// collect reads all rows and closes them.
func collect[T any](rows *sql.Rows, err error, one func(scan func(...any) error) (T, error)) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // Err tells what Close would
	var out []T
	for rows.Next() {
		v, err := one(rows.Scan)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}
