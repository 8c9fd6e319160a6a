package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"github.com/go-json-experiment/json"

	"gridgate/central/store"
)

// segmentBits: a segment of the alert log has 2^14 positions. An offset fits into two bytes, and what is behind the last full
// segment is few enough to be read through.
const (
	segmentBits = 14
	segmentSize = 1 << segmentBits
)

// tail is what place_segments will hold of the newest segment: the places of its alerts. It is written when the segment is full,
// in ascending order: so the index costs about one row for two alerts, at the end of its table.
type tail struct {
	segment int64
	offsets map[int64][]byte // by place
}

var segmentRows = newInserter("INSERT INTO place_segments (segment, place, offsets)", 3)

// add notes an alert; the first one of the next segment writes the one before.
func (t *tail) add(c *conn, position, place int64) error {
	if segment := position >> segmentBits; segment != t.segment {
		if err := t.write(c); err != nil {
			return err
		}
		t.segment, t.offsets = segment, make(map[int64][]byte)
	}
	t.offsets[place] = binary.BigEndian.AppendUint16(t.offsets[place], uint16(position&(segmentSize-1)))
	return nil
}

func (t *tail) write(c *conn) error {
	values := make([]driver.Value, 0, 3*len(t.offsets))
	for _, place := range slices.Sorted(maps.Keys(t.offsets)) {
		values = append(values, t.segment, place, t.offsets[place])
	}
	if err := segmentRows.run(c, values); err != nil {
		return fmt.Errorf("note the places of a segment: %w", err)
	}
	return nil
}

// recallTail reads the places of the alerts that are in no segment yet. An older version's database has none at all: its segments
// are written now.
func (w *writer) recallTail() error {
	first, err := w.firstUnsorted()
	if err != nil {
		return err
	}
	w.lastAlert = max(w.lastAlert, first<<segmentBits-1, 0) // a position that a segment names is not given out again
	w.tail = tail{segment: first, offsets: make(map[int64][]byte)}
	return w.c.transact(func() error {
		for segment := first; segment <= w.lastAlert>>segmentBits; segment++ {
			err := w.c.query(func(v []driver.Value) error {
				return w.tail.add(w.c, v[0].(int64), v[1].(int64))
			}, "SELECT position, place FROM alerts WHERE position >= ? AND position < ? ORDER BY position", segment<<segmentBits, (segment+1)<<segmentBits)
			if err != nil {
				return fmt.Errorf("read the places of alerts: %w", err)
			}
		}
		return nil
	})
}

// firstUnsorted is the first segment that is not in place_segments.
func (w *writer) firstUnsorted() (first int64, err error) {
	err = w.c.query(func(v []driver.Value) error {
		first = v[0].(int64)
		return nil
	}, selectTail)
	if err != nil {
		return 0, fmt.Errorf("find the newest segment: %w", err)
	}
	return first, nil
}

const selectTail = "SELECT coalesce(max(segment) + 1, 0) FROM place_segments"

// segmentsAtOnce is how many segments one statement looks into at most. The first looks into one, each next one into twice as many: a
// place of many alerts has a page in the first, and one of few costs few statements.
const segmentsAtOnce = 64

// placePage reads one page of the alerts of few places: first the tail of the log, then segment after segment, the newest first.
func placePage(ctx context.Context, tx *sql.Tx, c conditions, refs []int64, before int64, limit int) ([]store.StoredAlert, error) {
	list, err := json.Marshal(refs)
	if err != nil {
		return nil, err
	}
	var segment int64
	if err := tx.QueryRowContext(ctx, selectTail).Scan(&segment); err != nil {
		return nil, err
	}
	items, err := readAlerts(ctx, tx, c.with("a.position >= ? AND +a.place IN (SELECT value FROM json_each(?))", segment<<segmentBits, string(list)), limit)
	for err == nil && len(items) < limit && segment > 0 {
		var positions []int64
		if segment, positions, err = offsetsBefore(ctx, tx, string(list), min(segment, before>>segmentBits+1), limit); err != nil {
			break
		}
		var more []store.StoredAlert
		if more, err = readPositions(ctx, tx, c, positions, limit-len(items)); err == nil {
			items = append(items, more...)
		}
	}
	return items, err
}

const selectOffsets = `WITH RECURSIVE s (n) AS (SELECT ?1 UNION ALL SELECT n + 1 FROM s WHERE n < ?2)
	SELECT i.segment, i.offsets FROM s CROSS JOIN json_each(?3) p CROSS JOIN place_segments i ON i.segment = s.n AND i.place = p.value`

// offsetsBefore returns the positions, descending, of the alerts of some places in the segments before one: in those that have
// them, until there are enough. The segment that it returns is the last one that it looked into.
func offsetsBefore(ctx context.Context, tx *sql.Tx, places string, segment int64, enough int) (int64, []int64, error) {
	var positions []int64
	for step := int64(1); segment > 0 && len(positions) < enough; step = min(2*step, segmentsAtOnce) {
		first := max(segment-step, 0)
		rows, err := tx.QueryContext(ctx, selectOffsets, first, segment-1, places)
		_, err = collect(rows, err, func(scan func(...any) error) (none struct{}, err error) {
			var in int64
			var offsets []byte
			err = scan(&in, &offsets)
			for ; len(offsets) >= 2; offsets = offsets[2:] {
				positions = append(positions, in<<segmentBits|int64(binary.BigEndian.Uint16(offsets)))
			}
			return none, err
		})
		if err != nil {
			return 0, nil, err
		}
		segment = first
	}
	slices.SortFunc(positions, func(a, b int64) int { return int(b - a) })
	return segment, positions, nil
}

// readPositions reads those of positions, descending, that fit, at most limit.
func readPositions(ctx context.Context, tx *sql.Tx, c conditions, positions []int64, limit int) (items []store.StoredAlert, err error) {
	for chunk := range slices.Chunk(positions, 4*store.MaxPage) {
		list, err := json.Marshal(chunk)
		if err != nil {
			return nil, err
		}
		more, err := readAlerts(ctx, tx, c.with("a.position IN (SELECT value FROM json_each(?))", string(list)), limit-len(items))
		if err != nil {
			return nil, err
		}
		if items = append(items, more...); len(items) == limit {
			break
		}
	}
	return items, nil
}

// with returns c with one more term.
func (c conditions) with(term string, args ...any) conditions {
	return conditions{terms: append(slices.Clone(c.terms), term), args: append(slices.Clone(c.args), args...)}
}

func readAlerts(ctx context.Context, tx *sql.Tx, c conditions, limit int) ([]store.StoredAlert, error) {
	query := "SELECT " + alertColumns + c.where() + " ORDER BY a.position DESC LIMIT ?"
	rows, err := tx.QueryContext(ctx, query, append(slices.Clone(c.args), limit)...)
	return collect(rows, err, scanAlert)
}
