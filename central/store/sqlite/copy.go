package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"gridgate/central/store"
	"gridgate/protocols/kit/durable"
	"gridgate/protocols/kit/sqlitefile"
)

// Copy writes the database at path to w while another process writes to it: all of it as of one moment. object is told what evidence names,
// as of the same moment, before the first byte is written. The log of the database is not written over meanwhile: w should not be slow for
// hours.
func Copy(ctx context.Context, path string, w io.Writer, object store.ObjectNamed) (_ store.Copied, err error) {
	if _, err := os.Stat(path); err != nil {
		return store.Copied{}, fmt.Errorf("copy the database: %w", err)
	}
	db, err := openReaders(ctx, dsn(path, 2<<20), 1)
	if err != nil {
		return store.Copied{}, fmt.Errorf("copy the database: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return store.Copied{}, fmt.Errorf("copy the database: %w", err)
	}
	defer tx.Rollback()
	c, err := copiedOf(ctx, tx)
	if err == nil {
		c.Objects, err = objectsNamed(ctx, tx, object)
	}
	if err != nil {
		return c, fmt.Errorf("copy the database: %w", err)
	}
	rows, err := tx.QueryContext(ctx, sqlitefile.Query)
	if err := sqlitefile.Write(w, rows, err); err != nil {
		return c, fmt.Errorf("copy the database: %w", err)
	}
	return c, nil
}

// copiedOf is the first to read in a transaction: the moment.
func copiedOf(ctx context.Context, tx *sql.Tx) (c store.Copied, err error) {
	err = tx.QueryRowContext(ctx, `SELECT (SELECT max(version_id) FROM goose_db_version WHERE is_applied),
		(SELECT count(*) FROM alerts), (SELECT count(*) FROM cases), (SELECT count(*) FROM case_events), (SELECT count(*) FROM evidence),
		(SELECT coalesce(max(position), 0) FROM case_events), head, head_hash FROM audit_ends`).
		Scan(&c.Schema, &c.Alerts, &c.Cases, &c.Events, &c.Evidence, &c.Position, &c.AuditHead, &c.AuditHash)
	return c, err
}

func objectsNamed(ctx context.Context, tx *sql.Tx, object store.ObjectNamed) (n int64, err error) {
	rows, err := tx.QueryContext(ctx, "SELECT sha256, max(bytes) FROM evidence GROUP BY sha256 ORDER BY sha256")
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var digest string
		var bytes int64
		if err := rows.Scan(&digest, &bytes); err != nil {
			return n, err
		}
		if err := object(digest, bytes); err != nil {
			return n, err
		}
		n++
	}
	return n, rows.Err()
}

// Size is about how many bytes [Copy] will write.
func Size(path string) (int64, error) {
	var sum int64
	for _, suffix := range []string{"", "-wal"} {
		info, err := os.Stat(path + suffix)
		switch {
		case errors.Is(err, os.ErrNotExist) && suffix != "":
		case err != nil:
			return 0, fmt.Errorf("look at the database: %w", err)
		default:
			sum += info.Size()
		}
	}
	return sum, nil
}

// Known is the version of the tables that this program makes.
func Known() (int64, error) { return store.NewestMigration(migrations) }

// Restore makes a database at path, where none may be, of what [Copy] wrote, brings its tables up to date and says what it holds. Sessions
// end, if endSessions says so; positions of case events go on far above those of the copy.
func Restore(ctx context.Context, path string, r io.Reader, endSessions bool) (c store.Copied, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("restore the database %s: %w", path, err)
		}
	}()
	lock, err := lockFile(path + ".lock")
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if err := writeNew(path, r); err != nil {
		return c, err
	}
	if err := examine(ctx, path, &c); err != nil {
		return c, err
	}
	if err := migrate(ctx, dsn(path, 8<<20)); err != nil {
		return c, err
	}
	return c, settle(ctx, dsn(path, 8<<20), c.Position, endSessions)
}

func writeNew(path string, r io.Reader) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close(), durable.SyncDir(filepath.Dir(path)))
}

// examine refuses a file that is not whole, or of a newer program.
func examine(ctx context.Context, path string, c *store.Copied) (err error) {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	db, err := openReaders(ctx, dsn(path, 8<<20), 1)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var pages int64
	if err := db.QueryRowContext(ctx, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size").Scan(&pages); err != nil {
		return err
	}
	if pages != info.Size() {
		return fmt.Errorf("the copy is damaged: it has %d bytes, and says %d", info.Size(), pages)
	}
	var verdict string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		return err
	}
	if verdict != "ok" {
		return fmt.Errorf("the copy is damaged: %s", verdict)
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if *c, err = copiedOf(ctx, tx); err != nil {
		return err
	}
	c.Objects, err = objectsNamed(ctx, tx, func(string, int64) error { return nil })
	return err
}

// settle does what follows from having been restored.
func settle(ctx context.Context, dsn string, position int64, endSessions bool) (err error) {
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	_, err = tx.ExecContext(ctx, `INSERT INTO job_cursors (job, position) VALUES (?1, ?2 + ?3)
		ON CONFLICT (job) DO UPDATE SET position = max(position, ?2) + ?3`, store.Restored, position, store.PositionJump)
	if err == nil && endSessions {
		_, err = tx.ExecContext(ctx, "DELETE FROM sessions")
	}
	if err != nil {
		return err
	}
	return tx.Commit()
}

// Idle is [ErrInUse] if a process has the database at path open.
func Idle(path string) error {
	if _, err := os.Stat(path + ".lock"); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	lock, err := lockFile(path + ".lock")
	if err != nil {
		return err
	}
	return lock.Close()
}
