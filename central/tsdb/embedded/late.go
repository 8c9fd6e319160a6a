package embedded

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/prometheus/prometheus/tsdb/wlog"

	"gridgate/central/tsdb"
	"gridgate/central/tsdb/embedded/rollup"
)

const (
	inOrder = 30 * time.Minute // behind the newest sample of all: the TSDB may take what is older, of a new series, for late
	margin  = 2                // segments that the log of late samples may begin between our look at it and its own write
)

// keepLate journals, on stable storage and before they are written, the samples that come late, and remembers the days of the roll-up
// into which they fall. It is called with mu held.
//
// The TSDB returns no error if its log of late samples fails, and one that is killed while it makes a block of late samples forgets those
// that it has not reached (a series that gets another one meanwhile has its log cut at that point, before the older ones are on disk).
func (db *DB) keepLate(ctx context.Context, fresh []tsdb.Admitted) error {
	var late []tsdb.Admitted
	var days []rollup.Day
	seen := map[rollup.Day]bool{}
	before := max(minTime, db.prom.Head().MaxTime()) - inOrder.Milliseconds() // of an empty head it is the least number that there is
	for _, in := range fresh {
		if in.Ms < before || db.reachesBack(in) {
			late = append(late, in)
		}
		day := rollup.Day{Series: in.Series, Ms: rollup.DayOf(in.Ms)}
		if in.Ms < db.sealing && !seen[day] {
			seen[day] = true
			days = append(days, day)
		}
	}
	if len(late) == 0 && len(days) == 0 {
		return nil
	}
	_, last, err := wlog.Segments(db.lateLog())
	if err != nil {
		return err
	}
	slices.SortStableFunc(late, func(x, y tsdb.Admitted) int { return cmp.Compare(x.Series, y.Series) })
	return db.rollup.Keep(ctx, late, last+margin, days)
}

func (db *DB) lateLog() string { return filepath.Join(db.opts.Dir, wlog.WblDirName) }

// forgetLate takes from the journal what lies in blocks by now.
func (db *DB) forgetLate(ctx context.Context) error {
	first, _, err := wlog.Segments(db.lateLog())
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("look at the log of late samples: %w", err)
	}
	return db.rollup.Forget(ctx, first)
}

// replay writes what is in the journal and not in the TSDB.
func (db *DB) replay(ctx context.Context) error {
	return db.rollup.Kept(ctx, func(samples []tsdb.Sample) error {
		admitted, refused := db.admission.Screen(samples)
		fresh, err := db.unwritten(ctx, admitted, refused)
		if err != nil {
			return err
		}
		return db.append(ctx, fresh, refused) // what is refused was refused before, or is too old by now
	})
}
