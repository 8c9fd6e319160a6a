package postgres

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5"

	"gridgate/central/store"
)

// ErrNotEmpty means that there is something in the database, which a restore does not write over.
var ErrNotEmpty = errors.New("the database is not empty")

// Known is the version of the tables that this program makes.
func Known() (int64, error) { return store.NewestMigration(migrations) }

// Restore fills an empty database with what [Copy] wrote, brings its tables up to date and says what it holds. A database that is not
// empty is [ErrNotEmpty], unless aside names a schema: what is there then goes into that, and can be looked at and dropped. Rows come
// in one transaction: broken off, the database has empty tables at most. Sessions end, if endSessions says so; positions of case events go
// on far above those of the copy. [ErrNotAlone] if a central runs on the database.
func Restore(ctx context.Context, o Options, r io.Reader, aside string, endSessions bool) (c store.Copied, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("restore the database: %w", err)
		}
	}()
	s := &Store{o: o}
	alone, err := s.Join(ctx, true)
	if err != nil {
		return c, err
	}
	defer alone.leave(ctx)
	in := bufio.NewReaderSize(r, maxContents)
	what, err := readContents(in)
	if err != nil {
		return c, err
	}
	switch known, err := Known(); {
	case err != nil:
		return c, err
	case what.Copied.Schema > known:
		return c, fmt.Errorf("%w (the copy is at %d, this program knows %d)", ErrNewer, what.Copied.Schema, known)
	}
	if err := s.makeRoom(ctx, aside); err != nil {
		return c, err
	}
	if err := s.migrateTo(ctx, what.Copied.Schema); err != nil {
		return c, err
	}
	if err := s.fill(ctx, in, what, endSessions); err != nil {
		return c, err
	}
	return what.Copied, s.migrate(ctx)
}

// makeRoom sees to it that the schema is empty.
func (s *Store) makeRoom(ctx context.Context, aside string) error {
	conn, err := s.connectSlowly(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	var schema string
	var things int
	err = conn.QueryRow(ctx, "SELECT current_schema(), count(*) FROM pg_class WHERE relnamespace = current_schema()::regnamespace").Scan(&schema, &things)
	switch {
	case err != nil || things == 0:
		return err
	case aside == "":
		return ErrNotEmpty
	}
	here, there := pgx.Identifier{schema}.Sanitize(), pgx.Identifier{aside}.Sanitize()
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "ALTER SCHEMA "+here+" RENAME TO "+there); err != nil {
			return fmt.Errorf("move what is there aside (the user must own the schema %s): %w", schema, err)
		}
		_, err := tx.Exec(ctx, "CREATE SCHEMA "+here)
		return err
	})
}

// fill writes all rows, in one transaction. The triggers that forbid changes to logs are off in it, and what migrations wrote goes.
func (s *Store) fill(ctx context.Context, r io.Reader, what contents, endSessions bool) error {
	conn, err := s.connectSlowly(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		for _, t := range what.Tables {
			if err := fillTable(ctx, tx, r, t); err != nil {
				return fmt.Errorf("table %s: %w", t.Table, err)
			}
		}
		switch n, err := io.Copy(io.Discard, r); {
		case err != nil:
			return err
		case n > 0:
			return errors.New("there is more in the copy than its tables")
		}
		return settle(ctx, tx, what, endSessions)
	})
}

func fillTable(ctx context.Context, tx pgx.Tx, r io.Reader, t table) error {
	name := pgx.Identifier{t.Table}.Sanitize()
	for _, do := range []string{"ALTER TABLE " + name + " DISABLE TRIGGER USER", "TRUNCATE " + name} {
		if _, err := tx.Exec(ctx, do); err != nil {
			return err
		}
	}
	rows := &rowsOf{r: r}
	if _, err := tx.Conn().PgConn().CopyFrom(ctx, rows, "COPY "+t.listed()+" FROM STDIN"); err != nil {
		return err
	}
	if !rows.done {
		return errors.New("the copy is cut off")
	}
	_, err := tx.Exec(ctx, "ALTER TABLE "+name+" ENABLE TRIGGER USER")
	return err
}

// settle sets what numbers come from, and does what follows from having been restored.
func settle(ctx context.Context, tx pgx.Tx, what contents, endSessions bool) error {
	for _, q := range what.Sequences {
		if q.Last == nil {
			continue
		}
		if _, err := tx.Exec(ctx, "SELECT setval($1::text::regclass, $2)", pgx.Identifier{q.Sequence}.Sanitize(), *q.Last); err != nil {
			return fmt.Errorf("sequence %s: %w", q.Sequence, err)
		}
	}
	_, err := tx.Exec(ctx, `INSERT INTO job_cursors (job, position) VALUES ($1, $2::bigint + $3::bigint)
		ON CONFLICT (job) DO UPDATE SET position = greatest(job_cursors.position, $2::bigint) + $3::bigint`, store.Restored, what.Copied.Position, int64(store.PositionJump))
	if err == nil && endSessions {
		_, err = tx.Exec(ctx, "DELETE FROM sessions")
	}
	return err
}

// Idle is [ErrNotAlone] if a central runs on the database.
func Idle(ctx context.Context, o Options) error {
	alone, err := (&Store{o: o}).Join(ctx, true)
	if err == nil {
		alone.leave(ctx)
	}
	return err
}
