package backup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

const (
	lockName = ".lock"
	going    = ".going-" // before the name of one that is being removed
)

// lockDir takes a lock that ends with the process.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = fmt.Errorf("%w: %s", ErrBusy, dir)
		}
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// removePartial removes what was broken off. The caller has the lock.
func removePartial(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), partial) || strings.HasPrefix(e.Name(), going) {
			if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
				return fmt.Errorf("remove a backup that was broken off: %w", err)
			}
		}
	}
	return nil
}

// freeBytes is what the disk has left for this user.
func freeBytes(dir string) (int64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return int64(s.Bavail) * s.Bsize, nil
}

// known are entries of a data folder that are backed up by their own means, or that belong to what runs.
func known(path string) bool {
	if strings.Contains(path, "/") {
		return false
	}
	for _, prefix := range []string{"central.db", "central.sock", "evidence", "tsdb", "series-snapshot-", "lost+found", ".", asidePrefix} {
		if strings.HasPrefix(path, prefix) {
			return true
		}
	}
	return path == StateFile || path == Unfinished
}
