package embedded

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"gridgate/central/tsdb"
)

// Snapshot puts all that was acknowledged before into dir, which is made, on the same file system: a folder that [Open] opens. What lies in
// blocks is linked, not copied. Writes go on meanwhile; of those the snapshot may have some and not others.
//
// The journal of late samples is copied before the points: a sample that lies in neither the journal nor a block is in the head's part in
// the order of time, and so in the block that is made of it.
func (db *DB) Snapshot(ctx context.Context, dir string) error {
	db.life.RLock()
	defer db.life.RUnlock()
	if db.closed {
		return tsdb.ErrClosed
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return fmt.Errorf("snapshot of the time series: %w", err)
	}
	if err := db.rollup.Copy(ctx, dir); err != nil {
		return fmt.Errorf("snapshot of the time series: %w", err)
	}
	if err := db.prom.Snapshot(dir, true); err != nil {
		return fmt.Errorf("snapshot of the time series: %w", err)
	}
	return nil
}

// Size is about how many bytes a snapshot of the database in a folder has, open or not.
func Size(dir string) (sum int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil // a block that was merged into another meanwhile
		}
		if info, err := d.Info(); err == nil {
			sum += info.Size()
		}
		return nil
	})
	return sum, err
}
