package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/jackc/pgx/v5"

	"gridgate/central/store"
	"gridgate/central/store/postgres"
	"gridgate/central/store/storetest"
)

func TestCopies(t *testing.T) {
	storetest.Copies(t, storetest.Copying{
		Open: open,
		Copy: func(ctx context.Context, dir string, w io.Writer, object store.ObjectNamed) (store.Copied, error) {
			o, err := options(ctx, dir)
			if err != nil {
				return store.Copied{}, err
			}
			return postgres.Copy(ctx, o, w, object)
		},
		Restore: func(ctx context.Context, dir string, r io.Reader, end bool) (store.Copied, error) {
			o, err := bare(ctx, dir)
			if err != nil {
				return store.Copied{}, err
			}
			return postgres.Restore(ctx, o, r, "", end)
		},
		Rows: func(ctx context.Context, dir string) (map[string][]string, error) { return rowsOf(ctx, dir, "public") },
	})
}

// rowsOf reads every row of every table of a schema, in their order as text; rows with a position by that.
func rowsOf(ctx context.Context, dir, schema string) (map[string][]string, error) {
	name, err := database(ctx, dir)
	if err != nil {
		return nil, err
	}
	conn, err := pgx.Connect(ctx, running.URL(name))
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	names, err := textsOf(ctx, conn, "SELECT relname::text FROM pg_class WHERE relnamespace = '"+schema+"'::regnamespace AND relkind = 'r' AND relname <> 'goose_db_version'")
	if err != nil {
		return nil, err
	}
	all := map[string][]string{}
	for _, name := range names {
		if all[name], err = textsOf(ctx, conn, "SELECT t::text FROM "+schema+"."+name+" t ORDER BY (to_jsonb(t) ->> 'position')::bigint, t::text"); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return all, nil
}

func textsOf(ctx context.Context, conn *pgx.Conn, query string) ([]string, error) {
	rows, err := conn.Query(ctx, query)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// TestRestoreMovesAside: what is in the database goes into a schema of its own, and while a central runs nothing is done at all.
func TestRestoreMovesAside(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	s, err := open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	o, err := options(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	place, err := s.(*postgres.Store).Join(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	if err := postgres.Idle(t.Context(), o); !errors.Is(err, postgres.ErrNotAlone) {
		t.Errorf("beside a central that runs: %v", err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if err := errors.Join(place.Run(ended), s.Close()); err != nil {
		t.Fatal(err)
	}
	if err := postgres.Idle(t.Context(), o); err != nil {
		t.Error(err)
	}
	theirs, err := open(t.Context(), other)
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	if err := theirs.PutUser(t.Context(), store.User{Name: "night", Role: "operator"}); err != nil {
		t.Fatal(err)
	}
	r, w := io.Pipe()
	go func() {
		from, err := options(context.Background(), other)
		if err == nil {
			_, err = postgres.Copy(context.Background(), from, w, func(string, int64) error { return nil })
		}
		w.CloseWithError(err)
	}()
	if _, err := postgres.Restore(t.Context(), o, r, "before_restore", true); err != nil {
		t.Fatal(err)
	}
	now, err := rowsOf(t.Context(), dir, "public")
	before, err2 := rowsOf(t.Context(), dir, "before_restore")
	if err != nil || err2 != nil || len(now["users"]) != 1 || len(before["users"]) != 0 || len(before) != len(now) {
		t.Errorf("now %v, before %v, %v, %v", now["users"], before["users"], err, err2)
	}
}
