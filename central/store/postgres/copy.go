package postgres

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// copying are rows for COPY in its binary format (PostgreSQL's manual, COPY, "Binary Format"): the server puts them into their table page
// by page, at half the price of an INSERT. Each row has the same number of columns, in the order of the statement.
type copying struct {
	columns int
	rows    int
	data    []byte
}

const copySignature = "PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00" // no flags, no extension

func newCopying(columns, rows, width int) *copying {
	c := &copying{columns: columns, data: make([]byte, 0, len(copySignature)+rows*width)}
	c.data = append(c.data, copySignature...)
	return c
}

// row begins a row; its columns follow.
func (c *copying) row() {
	c.rows++
	c.data = binary.BigEndian.AppendUint16(c.data, uint16(c.columns))
}

func (c *copying) int64(v int64) {
	c.data = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(c.data, 8), uint64(v))
}

func (c *copying) int16(v int16) {
	c.data = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint32(c.data, 2), uint16(v))
}

func (c *copying) text(s string) {
	c.data = append(binary.BigEndian.AppendUint32(c.data, uint32(len(s))), s...)
}

func (c *copying) bytes(b []byte) {
	c.data = append(binary.BigEndian.AppendUint32(c.data, uint32(len(b))), b...)
}

// send writes the rows in the transaction.
func (c *copying) send(ctx context.Context, tx pgx.Tx, table string) error {
	if c.rows == 0 {
		return nil
	}
	data := binary.BigEndian.AppendUint16(c.data, 0xffff) // -1: the end
	tag, err := tx.Conn().PgConn().CopyFrom(ctx, bytes.NewReader(data), "COPY "+table+" FROM STDIN BINARY")
	if err == nil && tag.RowsAffected() != int64(c.rows) {
		err = errors.New("not all rows were taken")
	}
	if err != nil {
		return fmt.Errorf("copy %d rows: %w", c.rows, err)
	}
	return nil
}
