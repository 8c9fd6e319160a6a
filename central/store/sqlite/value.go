package sqlite

import (
	"database/sql"
	"database/sql/driver"
	"fmt"
	"reflect"
)

// text stores an empty text as NULL.
func text[T ~string](s T) driver.Value {
	if s == "" {
		return nil
	}
	return string(s)
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
