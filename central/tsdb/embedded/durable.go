package embedded

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// syncer puts what was committed on stable storage. The TSDB leaves that to the operating system; syncing a file syncs what any
// process wrote to it, so a second descriptor does. Several writers that wait share one sync. The log of late samples is not
// synced: the journal has them.
type syncer struct {
	dir string // of the log

	mu     sync.Mutex
	synced uint64 // writes that are on stable storage
	broken error  // nothing is known any more of what is on it; a repetition would be taken for something that is there
}

// wait returns once the writes up to one are on stable storage; written tells the newest.
func (s *syncer) wait(one uint64, written func() uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil || s.synced >= one {
		return s.broken
	}
	newest := written()
	if err := syncLog(s.dir, 2); err != nil {
		s.broken = fmt.Errorf("sync the log; start again once the disk is in order: %w", err)
		return s.broken
	}
	s.synced = newest
	return nil
}

// all syncs what a process that was killed left behind: its repetition will be taken for something that is there.
func (s *syncer) all() error {
	if err := syncLog(s.dir, math.MaxInt); err != nil {
		return fmt.Errorf("sync the log: %w", err)
	}
	return nil
}

// syncLog syncs the newest segments of a log and the folder. A commit can end one segment and begin the next.
func syncLog(dir string, newest int) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	entries = slices.DeleteFunc(entries, func(e os.DirEntry) bool { return e.IsDir() })
	for _, e := range entries[max(0, len(entries)-newest):] {
		if err := syncFile(filepath.Join(dir, e.Name())); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err // one that is gone was put into a block
		}
	}
	return syncFile(dir)
}

func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
