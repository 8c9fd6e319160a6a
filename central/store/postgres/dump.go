package postgres

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5"

	"gridgate/central/store"
)

// A copy is one line of JSON, its [contents], and then the rows of each table in turn, in the text format of COPY, cut into pieces: four
// bytes of length, big-endian, and so many bytes; a length of 0 ends a table. pg_dump is not asked: its program may be missing or older
// than the server, and what it writes makes tables, which here migrations do.
type contents struct {
	Format    int          `json:"format"`
	Copied    store.Copied `json:"copied"`
	Tables    []table      `json:"tables"`
	Sequences []sequence   `json:"sequences"`
}

type table struct {
	Table   string   `json:"table"`
	Columns []string `json:"columns"`
}

// sequence is one that numbers come from. A sequence knows no transactions: it is read after the tables' moment, so that it is no lower.
type sequence struct {
	Sequence string `json:"sequence"`
	Last     *int64 `json:"last"` // nil: nothing was taken from it
}

const copyFormat = 1

// maxContents bounds the first line of a copy, in bytes.
const maxContents = 1 << 20

// patient are the settings of a connection that copies: it may take hours, and it reads whole tables.
var patient = map[string]string{"statement_timeout": "0", "lock_timeout": "60000", "idle_in_transaction_session_timeout": "0", "enable_seqscan": "on", "enable_hashjoin": "on"}

// connectSlowly is [Store.connect] for a copy.
func (s *Store) connectSlowly(ctx context.Context) (*pgx.Conn, error) {
	c, err := s.o.config()
	if err != nil {
		return nil, err
	}
	for name, value := range patient {
		c.ConnConfig.RuntimeParams[name] = value
	}
	return pgx.ConnectConfig(ctx, c.ConnConfig)
}

// Copy writes the database to w while centrals write to it: all of it as of one moment. object is told what evidence names, as of the
// same moment, before the first byte is written. Rows that change meanwhile are kept by the server in both forms.
func Copy(ctx context.Context, o Options, w io.Writer, object store.ObjectNamed) (c store.Copied, err error) {
	s := &Store{o: o}
	conn, err := s.connectSlowly(ctx)
	if err != nil {
		return c, fmt.Errorf("copy the database: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // it only read
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return c, fmt.Errorf("copy the database: %w", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	what, err := contentsOf(ctx, tx)
	if err == nil {
		what.Copied.Objects, err = objectsNamed(ctx, tx, object)
	}
	if err == nil {
		err = writeAll(ctx, tx, w, what)
	}
	if err != nil {
		return c, fmt.Errorf("copy the database: %w", err)
	}
	return what.Copied, nil
}

// Size is about how many bytes [Copy] will write.
func Size(ctx context.Context, o Options) (bytes int64, err error) {
	conn, err := (&Store{o: o}).connectSlowly(ctx)
	if err != nil {
		return 0, fmt.Errorf("look at the database: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	err = conn.QueryRow(ctx, "SELECT coalesce(sum(pg_table_size(c.oid)), 0)::bigint FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND relkind = 'r'").Scan(&bytes)
	return bytes, err
}

func contentsOf(ctx context.Context, tx pgx.Tx) (what contents, err error) {
	what.Format = copyFormat
	c := &what.Copied
	err = tx.QueryRow(ctx, `SELECT (SELECT max(version_id) FROM goose_db_version WHERE is_applied),
		(SELECT count(*) FROM alerts), (SELECT count(*) FROM cases), (SELECT count(*) FROM case_events), (SELECT count(*) FROM evidence),
		(SELECT coalesce(max(position), 0) FROM case_events), head, head_hash FROM audit_ends`).
		Scan(&c.Schema, &c.Alerts, &c.Cases, &c.Events, &c.Evidence, &c.Position, &c.AuditHead, &c.AuditHash)
	if err != nil {
		return what, err
	}
	if what.Tables, err = tables(ctx, tx); err != nil {
		return what, err
	}
	rows, err := tx.Query(ctx, "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = current_schema() AND sequencename NOT LIKE 'goose%' ORDER BY 1")
	what.Sequences, err = collect(rows, err, func(scan scanner) (q sequence, err error) {
		err = scan(&q.Sequence, &q.Last)
		return q, err
	})
	return what, err
}

// tables are all but the one that counts migrations.
func tables(ctx context.Context, tx pgx.Tx) ([]table, error) {
	rows, err := tx.Query(ctx, `SELECT c.relname, array_agg(a.attname::text ORDER BY a.attnum) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
		WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND c.relname <> 'goose_db_version'
		AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' GROUP BY c.relname ORDER BY c.relname`)
	return collect(rows, err, func(scan scanner) (t table, err error) {
		err = scan(&t.Table, &t.Columns)
		return t, err
	})
}

func objectsNamed(ctx context.Context, tx pgx.Tx, object store.ObjectNamed) (n int64, err error) {
	rows, err := tx.Query(ctx, "SELECT sha256, max(bytes) FROM evidence GROUP BY sha256 ORDER BY sha256")
	if err != nil {
		return 0, err
	}
	var digest string
	var bytes int64
	_, err = pgx.ForEachRow(rows, []any{&digest, &bytes}, func() error {
		n++
		return object(digest, bytes)
	})
	return n, err
}

func writeAll(ctx context.Context, tx pgx.Tx, w io.Writer, what contents) error {
	line, err := json.Marshal(what)
	if err != nil {
		return err
	}
	if _, err := w.Write(append(line, '\n')); err != nil {
		return err
	}
	for _, t := range what.Tables {
		rows := bufio.NewWriterSize(lengths{w}, 64<<10) // a piece is worth its length
		if _, err := tx.Conn().PgConn().CopyTo(ctx, rows, "COPY "+t.listed()+" TO STDOUT"); err != nil {
			return fmt.Errorf("table %s: %w", t.Table, err)
		}
		if err := rows.Flush(); err != nil {
			return fmt.Errorf("table %s: %w", t.Table, err)
		}
		if _, err := w.Write(make([]byte, 4)); err != nil {
			return fmt.Errorf("table %s: %w", t.Table, err)
		}
	}
	return nil
}

// listed is the table with its columns, as statements have it.
func (t table) listed() string {
	list := ""
	for i, c := range t.Columns {
		if i > 0 {
			list += ", "
		}
		list += pgx.Identifier{c}.Sanitize()
	}
	return pgx.Identifier{t.Table}.Sanitize() + " (" + list + ")"
}

// lengths writes each piece behind its length.
type lengths struct{ w io.Writer }

func (l lengths) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if _, err := l.w.Write(binary.BigEndian.AppendUint32(nil, uint32(len(p)))); err != nil {
		return 0, err
	}
	return l.w.Write(p)
}

// rowsOf reads the pieces of one table.
type rowsOf struct {
	r    io.Reader
	left uint32
	done bool
}

func (t *rowsOf) Read(p []byte) (int, error) {
	for t.left == 0 {
		if t.done {
			return 0, io.EOF
		}
		var head [4]byte
		if _, err := io.ReadFull(t.r, head[:]); err != nil {
			return 0, cutOff(err)
		}
		t.left = binary.BigEndian.Uint32(head[:])
		t.done = t.left == 0
	}
	n, err := t.r.Read(p[:min(len(p), int(t.left))])
	t.left -= uint32(n)
	if n > 0 {
		return n, nil
	}
	return 0, cutOff(err)
}

func cutOff(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the copy is cut off")
	}
	return err
}

func readContents(r *bufio.Reader) (what contents, err error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return what, fmt.Errorf("read what the copy holds: %w", cutOff(err))
	}
	if err := json.Unmarshal(line, &what); err != nil {
		return what, fmt.Errorf("read what the copy holds: %w", err)
	}
	if what.Format != copyFormat {
		return what, fmt.Errorf("the copy has format %d, this program knows %d: upgrade central", what.Format, copyFormat)
	}
	return what, nil
}
