package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"gridgate/central/correlate"
	"gridgate/central/store"
	"gridgate/central/store/sqlite"
	"gridgate/protocols/alert"
)

// What a full database holds, and how it is filled: by the store itself, in large groups.
const (
	fullAlerts = 5_000_000
	fullGroup  = 20_000
)

// fullVersion names the cached file; another schema, or another workload, needs another.
const fullVersion = "central-5m-schema4"

// preloaded makes a database of five million alerts at path: a copy of one that is made once and kept.
func preloaded(ctx context.Context, path string) error {
	cache, err := os.UserCacheDir()
	if err != nil {
		return err
	}
	dir := filepath.Join(cache, "gridgate", "bench", fullVersion)
	kept := filepath.Join(dir, "central.db")
	if _, err := os.Stat(kept); errors.Is(err, os.ErrNotExist) {
		if err := fill(ctx, dir); err != nil {
			return err
		}
	}
	return copyFile(kept, path)
}

// fill makes the database in a folder beside dir, which is given its name once it is whole.
func fill(ctx context.Context, dir string) error {
	making := dir + ".part"
	if err := errors.Join(os.RemoveAll(making), os.MkdirAll(making, 0o755)); err != nil {
		return err
	}
	db, err := sqlite.Open(ctx, sqlite.Options{Path: filepath.Join(making, "central.db")})
	if err != nil {
		return err
	}
	w := newWorkload(3)
	for n := 0; n < fullAlerts && err == nil; n += fullGroup {
		err = fillGroup(ctx, db, w)
	}
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	return os.Rename(making, dir)
}

func fillGroup(ctx context.Context, db store.Store, w *workload) error {
	now := time.Now().UTC()
	group := make([]store.Received, fullGroup)
	for i := range group {
		e, err := w.next(now)
		if err != nil {
			return err
		}
		decoded, err := alert.DecodeEvent(e.body)
		if err != nil {
			return err
		}
		group[i] = store.Received{Alert: *decoded.Alert, ReceivedAt: now}
	}
	_, err := db.Ingest(ctx, store.Group{Alerts: group}, correlate.ByKey, now)
	return err
}

func copyFile(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		return errors.Join(fmt.Errorf("copy %s: %w", from, err), out.Close())
	}
	return errors.Join(out.Sync(), out.Close())
}
