package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"gridgate/central/audit"
	"gridgate/central/cases"
	"gridgate/central/store"
	"gridgate/protocols/alert"
)

// View is a door to the database for a command that looks at everything and changes nothing: no schema is brought up to date, no lock is
// taken. The process that has the database open goes on.
type View struct{ Reader }

// Look opens the door. The database must be there; its schema may be another than this program's, see [View.Health].
func Look(ctx context.Context, path string) (_ *View, err error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("look at the database: %w", err)
	}
	read, err := openReaders(ctx, lookDSN(path), 2)
	if err != nil {
		return nil, fmt.Errorf("look at the database %s: %w", path, err)
	}
	return &View{Reader{s: &Store{read: read}}}, nil
}

// lookDSN names the database as it is: it must be there, and its journal stays what it is.
func lookDSN(path string) string {
	q := url.Values{"mode": {"rw"}, "_pragma": {"busy_timeout(5000)", "temp_store(MEMORY)", "cache_size(-8192)"}} // reading a write-ahead log takes a lock in a file
	return (&url.URL{Scheme: "file", Opaque: url.PathEscape(path), RawQuery: q.Encode()}).String()
}

// plan prepares what is asked for by statements that are planned once. A schema that does not hold them is an error.
func (s *Store) plan(ctx context.Context) (err error) {
	for query, to := range map[string]**sql.Stmt{selectCase: &s.oneCase, selectAlert: &s.oneAlert, selectEvidence: &s.evidence} {
		if *to == nil {
			if *to, err = s.read.PrepareContext(ctx, query); err != nil {
				return err
			}
		}
	}
	return nil
}

// Health tells of the database; with deep it is read for damage (SQLite's quick_check), for as long as ctx lasts.
func (v *View) Health(ctx context.Context, deep bool) (h store.Health, err error) {
	row := v.s.read.QueryRowContext(ctx, `SELECT (SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied),
		(SELECT page_count * page_size FROM pragma_page_count, pragma_page_size)`)
	if err := row.Scan(&h.Schema, &h.Bytes); err != nil {
		return h, fmt.Errorf("read the schema's version: %w", err)
	}
	if h.Known, err = newest(migrations); err != nil || !deep {
		return h, err
	}
	rows, err := v.s.read.QueryContext(ctx, "PRAGMA quick_check(5)")
	lines, err := collect(rows, err, func(scan func(...any) error) (line string, err error) { return line, scan(&line) })
	switch {
	case err != nil:
		return h, fmt.Errorf("look for damage: %w", err)
	case len(lines) != 1 || lines[0] != "ok":
		h.Damage = lines
	}
	return h, nil
}

// newest is the highest number of the migrations' files.
func newest(files fs.FS) (n int64, err error) {
	names, err := fs.Glob(files, "migrations/*.sql")
	for _, name := range names {
		digits, _, _ := strings.Cut(strings.TrimPrefix(name, "migrations/"), "_")
		number, err := strconv.ParseInt(digits, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read the number of migration %s: %w", name, err)
		}
		n = max(n, number)
	}
	return n, err
}

// Alert is [Store.Alert].
func (v *View) Alert(ctx context.Context, id string) (store.StoredAlert, error) {
	if err := v.s.plan(ctx); err != nil {
		return store.StoredAlert{}, err
	}
	return v.s.Alert(ctx, id)
}

// Alerts is [Store.Alerts].
func (v *View) Alerts(ctx context.Context, q store.Query) ([]store.StoredAlert, string, error) {
	if err := v.s.plan(ctx); err != nil {
		return nil, "", err
	}
	return v.s.Alerts(ctx, q)
}

// Case is [Store.Case].
func (v *View) Case(ctx context.Context, id string) (cases.Case, error) {
	if err := v.s.plan(ctx); err != nil {
		return cases.Case{}, err
	}
	return v.s.Case(ctx, id)
}

// Cases is [Store.Cases].
func (v *View) Cases(ctx context.Context, q store.Query) ([]cases.Case, string, error) {
	return v.s.Cases(ctx, q)
}

// CaseFile is [Store.CaseFile].
func (v *View) CaseFile(ctx context.Context, id string, before int64, limit int) (cases.Case, []cases.Event, error) {
	return v.s.CaseFile(ctx, id, before, limit)
}

// EvidenceOf is [Store.EvidenceOf].
func (v *View) EvidenceOf(ctx context.Context, id string) ([]alert.Evidence, error) {
	if err := v.s.plan(ctx); err != nil {
		return nil, err
	}
	return v.s.EvidenceOf(ctx, id)
}

// EvidenceAlerts is [Store.EvidenceAlerts].
func (v *View) EvidenceAlerts(ctx context.Context, sha256 string) ([]string, error) {
	return v.s.EvidenceAlerts(ctx, sha256)
}

// NoticesOf is [Store.NoticesOf].
func (v *View) NoticesOf(ctx context.Context, caseID string) ([]store.Notice, error) {
	return v.s.NoticesOf(ctx, caseID)
}

// Edges is [Store.Edges].
func (v *View) Edges(ctx context.Context) ([]store.Edge, error) { return v.s.Edges(ctx) }

// Edge is [Store.Edge].
func (v *View) Edge(ctx context.Context, id string) (store.Edge, error) { return v.s.Edge(ctx, id) }

// Gaps is [Store.Gaps].
func (v *View) Gaps(ctx context.Context) ([]store.Tally, error) { return v.s.Gaps(ctx) }

// Enrolments is [Store.Enrolments].
func (v *View) Enrolments(ctx context.Context) ([]store.Enrolment, error) { return v.s.Enrolments(ctx) }

// Users is [Store.Users].
func (v *View) Users(ctx context.Context) ([]store.User, error) { return v.s.Users(ctx) }

// AuditEntries is [Store.AuditEntries].
func (v *View) AuditEntries(ctx context.Context, after int64, limit int) ([]audit.Entry, error) {
	return v.s.AuditEntries(ctx, after, limit)
}

// AuditEnds is [Store.AuditEnds].
func (v *View) AuditEnds(ctx context.Context) (pruned, head audit.Checkpoint, err error) {
	return v.s.AuditEnds(ctx)
}

// Notices is [Store.Notices].
func (v *View) Notices(ctx context.Context, now time.Time, limit int) ([]store.Notice, error) {
	return v.s.Notices(ctx, now, limit)
}

// EvidenceAlerts lists the alerts, or cases, that an evidence object belongs to, at most 100.
func (s *Store) EvidenceAlerts(ctx context.Context, sha256 string) ([]string, error) {
	rows, err := s.read.QueryContext(ctx, "SELECT DISTINCT alert_id FROM evidence WHERE sha256 = ? LIMIT 100", sha256)
	ids, err := collect(rows, err, func(scan func(...any) error) (id string, err error) { return id, scan(&id) })
	if err != nil {
		return nil, fmt.Errorf("read evidence: %w", err)
	}
	return ids, nil
}
