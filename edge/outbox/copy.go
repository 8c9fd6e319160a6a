package outbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"gridgate/protocols/kit/sqlitefile"
)

// Counted says what waits in a copy of an outbox.
type Counted struct {
	Alerts   int64 `json:"alerts"`
	Readings int64 `json:"readings"`
	Evidence int64 `json:"evidence"`
}

// Copy writes the file of the outbox in a folder to w, as of one moment, whether a process has it open or not; before that, object is told
// the digests of what waits to be sent as of the same moment.
func Copy(ctx context.Context, dir string, w io.Writer, object func(digest string) error) (c Counted, err error) {
	db, err := openReaders(dir)
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	conn, err := db.Conn(ctx)
	if err != nil {
		return c, fmt.Errorf("copy the outbox: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if _, err := conn.ExecContext(ctx, "BEGIN DEFERRED"); err != nil { // a transaction of this handle would be a writer's
		return c, fmt.Errorf("copy the outbox: %w", err)
	}
	defer func() {
		_, end := conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		err = errors.Join(err, end)
	}()
	err = conn.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM alerts), (SELECT count(*) FROM readings), (SELECT count(*) FROM evidence)`).Scan(&c.Alerts, &c.Readings, &c.Evidence)
	if err == nil {
		err = objectsOf(ctx, conn, object)
	}
	if err != nil {
		return c, fmt.Errorf("copy the outbox: %w", err)
	}
	rows, err := conn.QueryContext(ctx, sqlitefile.Query)
	if err := sqlitefile.Write(w, rows, err); err != nil {
		return c, fmt.Errorf("copy the outbox: %w", err)
	}
	return c, nil
}

func objectsOf(ctx context.Context, conn *sql.Conn, object func(digest string) error) error {
	rows, err := conn.QueryContext(ctx, "SELECT DISTINCT sha256 FROM evidence ORDER BY sha256")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var digest string
		if err := rows.Scan(&digest); err != nil {
			return err
		}
		if err := object(digest); err != nil {
			return err
		}
	}
	return rows.Err()
}

// ObjectPath is where the object of a digest lies in the folder of an outbox.
func ObjectPath(dir, digest string) string { return (&Outbox{o: Options{Dir: dir}}).object(digest) }

// ErrExists says that there is an outbox where one was to be made.
var ErrExists = errors.New("there is an outbox by now")

// Adopt makes an outbox in o.Dir, where there is none, of a copy that [Copy] wrote to path: what waited in it waits again, under the same
// ids and in the same order, in a new epoch whose numbers begin with 1, so that central misses none. What central took after the copy
// was made it will call a duplicate. The objects must be in the folder by then; the copy is not changed.
func Adopt(ctx context.Context, o Options, path string) (c Counted, err error) {
	if Exists(o.Dir) {
		return c, fmt.Errorf("%w in %s", ErrExists, o.Dir)
	}
	if err := checkCopy(ctx, path); err != nil {
		return c, fmt.Errorf("adopt an outbox: %w", err)
	}
	o.LeaveDamaged = true // nothing is swept before the rows are there
	box, err := Open(ctx, o)
	if err != nil {
		return c, fmt.Errorf("adopt an outbox: %w", err)
	}
	var d Damage
	box.salvage(ctx, path, &d)
	if err = box.Close(); err == nil && len(d.Lost) > 0 {
		err = fmt.Errorf("not all of it could be read: %v", d.Lost)
	}
	if err != nil {
		return c, fmt.Errorf("adopt an outbox: %w", err)
	}
	return Counted{Alerts: int64(d.Saved.Alerts), Readings: int64(d.Saved.Readings), Evidence: int64(d.Saved.Evidence)}, nil
}

// checkCopy refuses a copy that is not whole, or of a newer release.
func checkCopy(ctx context.Context, path string) (err error) {
	db, err := sql.Open("sqlite", readOnly(path))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	version, err := readVersion(ctx, db)
	if err != nil {
		return err
	}
	if version != fileVersion {
		return fmt.Errorf("the copy has version %d, this release makes %d: restore it with the release that made it, and upgrade then", version, fileVersion)
	}
	var bytes int64
	if err := db.QueryRowContext(ctx, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size").Scan(&bytes); err != nil {
		return err
	}
	if bytes != info.Size() {
		return fmt.Errorf("%w: %s has %d bytes, and says %d", errDamaged, filepath.Base(path), info.Size(), bytes)
	}
	findings, err := integrity(ctx, db)
	if err == nil && len(findings) > 0 {
		err = fmt.Errorf("%w: %s", errDamaged, findings[0])
	}
	return err
}
