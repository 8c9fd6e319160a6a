// Package sqlitefile copies an SQLite database while it is written to: page by page, as one transaction sees it.
//
// In: the rows of [Query], read inside a transaction that has read something before. Out: the bytes of the database file as of that
// moment, with what its write-ahead log holds in their places. It opens nothing, and it needs no room beside the database: VACUUM INTO
// would write a second, unsealed copy first. While it runs the log is not written over, so that it grows by what is committed meanwhile.
package sqlitefile

import (
	"errors"
	"fmt"
	"io"
)

// Query asks for the pages of the database (the virtual table sqlite_dbpage, https://sqlite.org/dbpage.html).
const Query = "SELECT pgno, data FROM sqlite_dbpage('main') ORDER BY pgno"

// Rows is what is needed of *sql.Rows.
type Rows interface {
	Next() bool
	Scan(...any) error
	Err() error
	Close() error
}

// Write writes the pages, which must be all and in order, and closes rows. err is that of the query.
func Write(w io.Writer, rows Rows, err error) (err2 error) {
	if err != nil {
		return fmt.Errorf("read the pages of the database: %w", err)
	}
	defer func() { err2 = errors.Join(err2, rows.Close()) }()
	var number, want int64
	var page []byte
	for rows.Next() {
		if err := rows.Scan(&number, &page); err != nil {
			return fmt.Errorf("read the pages of the database: %w", err)
		}
		if want++; number != want {
			return fmt.Errorf("read the pages of the database: page %d came in the place of %d", number, want)
		}
		if _, err := w.Write(page); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read the pages of the database: %w", err)
	}
	if want == 0 {
		return errors.New("read the pages of the database: there are none")
	}
	return nil
}
