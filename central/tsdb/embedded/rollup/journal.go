package rollup

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"gridgate/central/tsdb"
)

// The journal keeps samples that came late until the TSDB has them in a block: killed while it makes one of late samples, it
// forgets what it had taken into the log.

// Keep puts samples into the journal and remembers the days that must be made again, on stable storage, all or nothing. until is the
// segment of the TSDB's log of late samples behind which they lie in a block.
func (s *Store) Keep(ctx context.Context, samples []tsdb.Admitted, until int, days []Day) error {
	return s.change(ctx, "keep late samples", func(tx *sql.Tx) error {
		if err := mark(ctx, tx, days); err != nil || len(samples) == 0 {
			return err
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO journal (until, samples) VALUES (?, ?)", until, encodeSamples(samples))
		return err
	})
}

// Kept calls take for each write in the journal, the oldest first.
func (s *Store) Kept(ctx context.Context, take func([]tsdb.Sample) error) error {
	for id := int64(0); ; {
		var blob []byte
		err := s.db.QueryRowContext(ctx, "SELECT id, samples FROM journal WHERE id > ? ORDER BY id LIMIT 1", id).Scan(&id, &blob)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read late samples: %w", err)
		}
		samples, err := decodeSamples(blob)
		if err != nil {
			return fmt.Errorf("read late samples: %w", err)
		}
		if err := take(samples); err != nil {
			return err
		}
	}
}

// Forget takes what lies in blocks out of the journal: the log of late samples begins with the segment first.
func (s *Store) Forget(ctx context.Context, first int) error {
	if _, err := s.db.ExecContext(ctx, "DELETE FROM journal WHERE until < ?", first); err != nil {
		return fmt.Errorf("forget late samples: %w", err)
	}
	return nil
}

// encodeSamples writes runs of samples of one series: its name, their number, then time and value of each.
func encodeSamples(samples []tsdb.Admitted) (out []byte) {
	for len(samples) > 0 {
		n := 1
		for n < len(samples) && samples[n].Series == samples[0].Series {
			n++
		}
		out = binary.AppendUvarint(out, uint64(len(samples[0].Series)))
		out = append(out, samples[0].Series...)
		out = binary.AppendUvarint(out, uint64(n))
		for _, in := range samples[:n] {
			out = binary.LittleEndian.AppendUint64(out, uint64(in.Ms))
			out = binary.LittleEndian.AppendUint64(out, math.Float64bits(in.Value))
		}
		samples = samples[n:]
	}
	return out
}

const sampleBytes = 8 + 8

func decodeSamples(in []byte) (out []tsdb.Sample, err error) {
	for len(in) > 0 {
		name, rest, err := piece(in, 1)
		if err != nil {
			return nil, err
		}
		run, rest, err := piece(rest, sampleBytes)
		if err != nil {
			return nil, err
		}
		metric, labels := tsdb.ParseSeriesID(string(name))
		for ; len(run) > 0; run = run[sampleBytes:] {
			out = append(out, tsdb.Sample{
				Metric: metric, Labels: labels, At: timeOf(binary.LittleEndian.Uint64(run)), Value: math.Float64frombits(binary.LittleEndian.Uint64(run[8:])),
			})
		}
		in = rest
	}
	return out, nil
}

// piece cuts a number and so many units of size bytes off.
func piece(in []byte, size uint64) (units, rest []byte, err error) {
	n, used := binary.Uvarint(in)
	if used <= 0 || n > uint64(len(in)-used)/size {
		return nil, nil, errDamaged
	}
	end := used + int(n*size)
	return in[used:end], in[end:], nil
}
