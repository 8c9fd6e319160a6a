package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"testing"

	"gridgate/central/store"
	"gridgate/central/store/sqlite"
	"gridgate/central/store/storetest"
)

func TestCopies(t *testing.T) {
	path := func(dir string) string { return filepath.Join(dir, "central 中心?.db") }
	storetest.Copies(t, storetest.Copying{
		Open: open,
		Copy: func(ctx context.Context, dir string, w io.Writer, object store.ObjectNamed) (store.Copied, error) {
			return sqlite.Copy(ctx, path(dir), w, object)
		},
		Restore: func(ctx context.Context, dir string, r io.Reader, end bool) (store.Copied, error) {
			return sqlite.Restore(ctx, path(dir), r, end)
		},
		Rows: func(ctx context.Context, dir string) (map[string][]string, error) { return rowsOf(ctx, path(dir)) },
	})
}

// rowsOf reads every row of every table in the order of their keys.
func rowsOf(ctx context.Context, path string) (map[string][]string, error) {
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Opaque: url.PathEscape(path)}).String())
	if err != nil {
		return nil, err
	}
	defer db.Close()
	names, err := texts(ctx, db, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name <> 'goose_db_version'")
	if err != nil {
		return nil, err
	}
	all := map[string][]string{}
	for _, name := range names {
		if all[name], err = texts(ctx, db, "SELECT * FROM "+name+" ORDER BY 1, 2"); err != nil {
			if all[name], err = texts(ctx, db, "SELECT * FROM "+name+" ORDER BY 1"); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

func texts(ctx context.Context, db *sql.DB, query string) (out []string, err error) {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	values, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		if len(values) == 1 {
			out = append(out, fmt.Sprint(values[0]))
		} else {
			out = append(out, fmt.Sprintf("%q", values))
		}
	}
	return out, rows.Err()
}
