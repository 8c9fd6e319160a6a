package outbox

import (
	"fmt"
	"strings"
)

// batch is what the calls of a transaction add to the tables that take the most rows. It is written with few statements, before
// anything of the transaction looks at those tables, and at its end.
type batch struct {
	messages []any // digests
	fresh    map[identity]bool
	newest   int64 // number of the last one, once they are written
	readings []any // at and body of each
}

// rowsAtOnce are how many rows a statement adds. A batch is written with the largest that it fills.
var rowsAtOnce = []int{64, 8, 1}

var (
	insertMessages = inserts(`INSERT INTO messages (digest) VALUES `, `(?)`)
	insertReadings = inserts(`INSERT INTO readings (at, reading) VALUES `, `(?, ?)`)
)

// inserts are the statements for [rowsAtOnce].
func inserts(statement, row string) []string {
	out := make([]string, len(rowsAtOnce))
	for i, n := range rowsAtOnce {
		out[i] = statement + strings.Repeat(row+`, `, n-1) + row
	}
	return out
}

func (b *batch) addMessage(digest []byte) {
	if b.fresh == nil {
		b.fresh = map[identity]bool{}
	}
	b.fresh[identity(digest)] = true
	b.messages = append(b.messages, digest)
}

// flush writes the batch.
func (t *tx) flush() error {
	if err := t.flushReadings(); err != nil {
		return err
	}
	return t.flushMessages()
}

func (t *tx) flushReadings() error {
	if _, err := t.insert(insertReadings, 2, t.batch.readings); err != nil {
		return fmt.Errorf("write readings: %w", err)
	}
	t.batch.readings = nil
	return nil
}

// insert adds rows of so many columns and returns the number of the last one.
func (t *tx) insert(statements []string, columns int, values []any) (last int64, err error) {
	for i, n := range rowsAtOnce {
		for len(values) >= n*columns {
			res, err := t.exec(statements[i], values[:n*columns]...)
			if err != nil {
				return 0, err
			}
			if last, err = res.LastInsertId(); err != nil {
				return 0, err
			}
			values = values[n*columns:]
		}
	}
	return last, nil
}
