package outbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"syscall"

	"github.com/google/uuid"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

const (
	fileName    = "outbox.db"
	lockName    = "outbox.lock"
	evidenceDir = "evidence"
)

// steps make the tables: those of version n are made by the first n of them. A file says in its user_version how many it has had.
var steps = []string{`
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE lanes (lane INTEGER PRIMARY KEY, next INTEGER NOT NULL, shed INTEGER NOT NULL);
CREATE TABLE alerts (
	lane INTEGER NOT NULL, seq INTEGER NOT NULL, id TEXT NOT NULL, at INTEGER NOT NULL, event BLOB NOT NULL,
	PRIMARY KEY (lane, seq)) WITHOUT ROWID;
CREATE UNIQUE INDEX alerts_id ON alerts (id);
CREATE TABLE readings (seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, reading BLOB NOT NULL);
CREATE TABLE messages (seq INTEGER PRIMARY KEY AUTOINCREMENT, digest BLOB NOT NULL UNIQUE);
CREATE TABLE situations (
	key TEXT PRIMARY KEY, since INTEGER NOT NULL, pending INTEGER NOT NULL, due INTEGER NOT NULL,
	alert BLOB NOT NULL, ending BLOB) WITHOUT ROWID;
CREATE TABLE evidence (
	seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, alert TEXT NOT NULL, sha256 TEXT NOT NULL,
	bytes INTEGER NOT NULL, event BLOB NOT NULL);
CREATE INDEX evidence_sha256 ON evidence (sha256);
CREATE TABLE dead_letters (
	seq INTEGER PRIMARY KEY AUTOINCREMENT, stream TEXT NOT NULL, id TEXT NOT NULL, at INTEGER NOT NULL, reason TEXT NOT NULL,
	body BLOB NOT NULL);
CREATE INDEX dead_letters_id ON dead_letters (id);
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO lanes (lane, next, shed) VALUES (0, 1, 0), (1, 1, 0), (2, 1, 0);
`, `
ALTER TABLE lanes ADD COLUMN coalesced INTEGER NOT NULL DEFAULT 0;
ALTER TABLE lanes ADD COLUMN given_up TEXT NOT NULL DEFAULT '';
ALTER TABLE alerts ADD COLUMN need INTEGER NOT NULL DEFAULT 1;
ALTER TABLE alerts ADD COLUMN key TEXT NOT NULL DEFAULT '';
ALTER TABLE alerts ADD COLUMN situation TEXT NOT NULL DEFAULT '';
CREATE INDEX alerts_need ON alerts (lane, need) WHERE need > 1;
CREATE INDEX alerts_key ON alerts (key, seq) WHERE lane = 0;
CREATE INDEX alerts_situation ON alerts (situation) WHERE lane = 2;
CREATE TABLE given_up (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE);
`, `
CREATE TABLE messages_without_index (seq INTEGER PRIMARY KEY AUTOINCREMENT, digest BLOB NOT NULL);
INSERT INTO messages_without_index (seq, digest) SELECT seq, digest FROM messages ORDER BY seq;
DROP TABLE messages;
ALTER TABLE messages_without_index RENAME TO messages;
`}

// fileVersion is the version of a file of this release.
var fileVersion = len(steps)

// ReadableSince is the oldest file version whose releases can work with a file of this release and lose nothing of it. A step that only adds
// columns that have defaults, tables or indexes leaves it as it is; one that changes what is there raises it to its own number, and then no
// edge can take the release over the air: it comes with the package. A file says it, so that a release before can tell.
const ReadableSince = 3

// FileVersion is the version of the file that this release leaves behind.
func FileVersion() int { return fileVersion }

// errDamaged is the result of an integrity check that found something.
var errDamaged = errors.New("the integrity check failed")

func damaged(err error) bool {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return errors.Is(err, errDamaged)
	}
	switch e.Code() { // what the disk cannot read any more is as good as damaged
	case sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_DATA, sqlite3.SQLITE_IOERR_CORRUPTFS:
		return true
	}
	code := e.Code() & 0xff
	return code == sqlite3.SQLITE_CORRUPT || code == sqlite3.SQLITE_NOTADB
}

// full says that the disk has no room for a write.
func full(err error) bool {
	return sqliteCode(err) == sqlite3.SQLITE_FULL || errors.Is(err, syscall.ENOSPC)
}

// sqliteCode is the primary result code of an error of SQLite, 0 for others.
func sqliteCode(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return 0
}

// applicationID tells our files from those of other programs ("Grdg").
const applicationID = 0x47726467

func openFile(ctx context.Context, path string, o Options) (*sql.DB, error) {
	if err := checkWAL(path + "-wal"); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) // SQLite would make it readable by all; its other files take after it
	if err != nil {
		return nil, fmt.Errorf("make the file: %w", err)
	}
	f.Close()
	db, err := sql.Open("sqlite", dsn(path, "synchronous(FULL)", "journal_mode(WAL)", "journal_size_limit(67108864)", "cache_size(-8192)"))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	if err := prepareFile(ctx, db, o); err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

// prepareFile checks a file that exists and fills an empty one.
func prepareFile(ctx context.Context, db *sql.DB, o Options) error {
	version, err := readVersion(ctx, db)
	if err != nil {
		return err
	}
	if err := checkIntegrity(ctx, db, o); err != nil {
		return err
	}
	if err := migrate(ctx, db, version); err != nil {
		return err
	}
	if err := os.Remove(suspectFile(o.Dir)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("take back a suspicion: %w", err)
	}
	return nil
}

// readVersion tells how many steps a file has had. A file of a newer release is an error that does not tell of damage.
func readVersion(ctx context.Context, db *sql.DB) (version int, err error) {
	var id int
	if err := db.QueryRowContext(ctx, `PRAGMA application_id`).Scan(&id); err != nil {
		return 0, fmt.Errorf("read application id: %w", err)
	}
	if err := db.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&version); err != nil {
		return 0, fmt.Errorf("read file version: %w", err)
	}
	switch {
	case id != applicationID && (id != 0 || version > 1 || version < 0): // the first version had no id
		return 0, fmt.Errorf("%w: it is not a file of this program", errDamaged)
	case version > fileVersion:
		return version, checkNewer(ctx, db, version)
	}
	return version, nil
}

// checkNewer says whether a file of a newer release, which this one was put back in the place of, says that this one can work with it.
func checkNewer(ctx context.Context, db *sql.DB, version int) error {
	var since int
	err := db.QueryRowContext(ctx, `SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'readable since'`).Scan(&since)
	switch {
	case err != nil && !errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("read which releases can work with the file: %w", err)
	case err != nil || since < 1 || since > fileVersion:
		return fmt.Errorf("%w: it has version %d, this release knows %d", ErrNewer, version, fileVersion)
	}
	return nil
}

// migrate brings a file of an older version, 0 for an empty one, to that of this release.
func migrate(ctx context.Context, db *sql.DB, version int) error {
	if version >= fileVersion {
		return nil
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer tx.Rollback()
	for i, step := range steps[version:] {
		if _, err := tx.ExecContext(ctx, step); err != nil {
			return fmt.Errorf("make tables of version %d: %w", version+i+1, err)
		}
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO meta (name, value) VALUES ('epoch', ?) ON CONFLICT DO NOTHING`, uuid.NewString()); err != nil {
		return fmt.Errorf("begin epoch: %w", err)
	}
	if _, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO meta (name, value) VALUES ('readable since', ?)`, ReadableSince); err != nil {
		return fmt.Errorf("say which releases can work with the file: %w", err)
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf(`PRAGMA user_version = %d; PRAGMA application_id = %d`, fileVersion, applicationID)); err != nil {
		return fmt.Errorf("set file version: %w", err)
	}
	return tx.Commit()
}

// openReaders opens the file for reading beside the writer: in WAL mode neither blocks the other.
func openReaders(dir string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", dsn(filepath.Join(dir, fileName), "query_only(1)"))
	if err != nil {
		return nil, fmt.Errorf("open outbox for reading: %w", err)
	}
	db.SetMaxOpenConns(2)
	return db, nil
}

func dsn(path string, pragmas ...string) string {
	q := url.Values{"_txlock": {"immediate"}, "_pragma": append([]string{"busy_timeout(5000)"}, pragmas...)}
	return (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: q.Encode()}).String()
}

// Exists says whether there is an outbox in a directory.
func Exists(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, fileName))
	return err == nil
}

// lockDir takes the lock that keeps a second process out. It is given back when the file is closed, by a crash too.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, ErrInUse
		}
		return nil, err
	}
	return f, nil
}
