package rollup

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"gridgate/central/tsdb"
)

// Hours are the hours of one day (UTC).
type Hours [24]tsdb.Bucket

const (
	maskBytes = 3       // a bit for each hour that has points, the first in the lowest
	hourBytes = 4*8 + 4 // sum, min, max, last; count
	maxBlob   = maskBytes + 24*hourBytes
)

// encode writes the hours that have points, little-endian.
func (h *Hours) encode() []byte {
	out := make([]byte, maskBytes, maxBlob)
	for i, b := range h {
		if b.Count == 0 {
			continue
		}
		out[i/8] |= 1 << (i % 8)
		for _, v := range []float64{b.Sum, b.Min, b.Max, b.Last} {
			out = binary.LittleEndian.AppendUint64(out, math.Float64bits(v))
		}
		out = binary.LittleEndian.AppendUint32(out, b.Count)
	}
	return out
}

var errDamaged = errors.New("a row is damaged")

func decode(in []byte) (h Hours, err error) {
	if len(in) < maskBytes {
		return h, errDamaged
	}
	mask, in := in[:maskBytes], in[maskBytes:]
	for i := range h {
		if mask[i/8]&(1<<(i%8)) == 0 {
			continue
		}
		if len(in) < hourBytes {
			return h, errDamaged
		}
		value := func(n int) float64 { return math.Float64frombits(binary.LittleEndian.Uint64(in[8*n:])) }
		h[i] = tsdb.Bucket{Sum: value(0), Min: value(1), Max: value(2), Last: value(3), Count: binary.LittleEndian.Uint32(in[32:])}
		in = in[hourBytes:]
	}
	if len(in) > 0 {
		return h, errDamaged
	}
	return h, nil
}

// over puts the hours that have points over those that were there.
func (h *Hours) over(before Hours) {
	for i := range h {
		if h[i].Count == 0 {
			h[i] = before[i]
		}
	}
}

// writer holds the statements of one transaction.
type writer struct{ find, add, read, write *sql.Stmt }

func prepare(ctx context.Context, tx *sql.Tx) (w writer, err error) {
	for to, query := range map[**sql.Stmt]string{
		&w.find:  "SELECT id FROM series WHERE name = ?",
		&w.add:   "INSERT INTO series (metric, name) VALUES (?, ?) RETURNING id",
		&w.read:  "SELECT hours FROM days WHERE series = ? AND day = ?",
		&w.write: "INSERT INTO days (series, day, hours) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET hours = excluded.hours",
	} {
		if *to, err = tx.PrepareContext(ctx, query); err != nil {
			return w, err
		}
	}
	return w, nil // the end of the transaction closes them
}

func putRows(ctx context.Context, tx *sql.Tx, rows []Row) error {
	w, err := prepare(ctx, tx)
	if err != nil {
		return err
	}
	for i := range rows {
		if err := w.put(ctx, &rows[i]); err != nil {
			return err
		}
	}
	return nil
}

func (w writer) put(ctx context.Context, r *Row) error {
	var id int64
	err := w.find.QueryRowContext(ctx, []byte(r.Series)).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		err = w.add.QueryRowContext(ctx, r.Metric, []byte(r.Series)).Scan(&id)
	}
	if err != nil {
		return err
	}
	var blob []byte
	err = w.read.QueryRowContext(ctx, id, r.Ms).Scan(&blob)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	hours := r.Hours
	if err == nil {
		before, err := decode(blob)
		if err != nil {
			return err
		}
		hours.over(before)
	}
	_, err = w.write.ExecContext(ctx, id, r.Ms, hours.encode())
	return err
}

// one is a series that was selected.
type one struct {
	id     int64
	labels map[string]string
}

// selected lists the series of s in the order of their labels.
func (s *Store) selected(ctx context.Context, sel tsdb.Selector) (out []one, err error) {
	rows, err := s.db.QueryContext(ctx, "SELECT id, name FROM series WHERE metric = ? ORDER BY name", sel.Metric)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var name []byte
		if err := rows.Scan(&id, &name); err != nil {
			return nil, err
		}
		if labels, ok := match(string(name), sel.Labels); ok {
			out = append(out, one{id, labels})
		}
	}
	return out, rows.Err()
}

// match reads the labels of a series' name if it has the wanted ones.
func match(name string, want map[string]string) (map[string]string, bool) {
	for n, v := range want {
		if !strings.Contains(name+"\x00", "\x00"+n+"\x01"+v+"\x00") {
			return nil, false
		}
	}
	_, labels := tsdb.ParseSeriesID(name)
	return labels, true
}

// collect reads the hours of one series that begin in [from, to) and tells whether there are any.
func collect(ctx context.Context, days *sql.Stmt, o one, from, to int64, g *tsdb.Gatherer) (some bool, err error) {
	rows, err := days.QueryContext(ctx, o.id, DayOf(from), to)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	for rows.Next() {
		var day int64
		var blob sql.RawBytes
		if err := rows.Scan(&day, &blob); err != nil {
			return some, err
		}
		hours, err := decode(blob)
		if err != nil {
			return some, fmt.Errorf("day %d: %w", day, err)
		}
		for i, b := range hours {
			at := day + int64(i)*HourMs
			if b.Count == 0 || at < from || at >= to {
				continue
			}
			some = true
			if err := g.AddBucket(at, b); err != nil {
				return some, err
			}
		}
	}
	return some, rows.Err()
}

// DayOf is the beginning of the day (UTC) of a time, both in milliseconds since the Unix epoch.
func DayOf(ms int64) int64 { return ms - mod(ms, DayMs) }

// HourOf is the beginning of the hour of a time, both in milliseconds since the Unix epoch.
func HourOf(ms int64) int64 { return ms - mod(ms, HourMs) }

func mod(ms, unit int64) int64 { return (ms%unit + unit) % unit }

func timeOf(ms uint64) time.Time { return time.UnixMilli(int64(ms)).UTC() }
