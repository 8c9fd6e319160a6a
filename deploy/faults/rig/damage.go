package rig

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"gridgate/edge/outbox"
	"gridgate/protocols/alert"
)

const drainWithin = 3 * time.Minute

// damage lets the edge deliver what it holds, kills it and spoils its outbox as no power cut does. It must set the file aside, begin a
// new epoch and go on; what was in the file may be lost, and nothing else.
func damage(ctx context.Context, f *field) error {
	again := f.press.quiet() // what a sensor sends again is known by what is in the file
	defer again()
	if err := eventually(ctx, drainWithin, "the outbox was delivered", func() (bool, error) {
		n, err := waiting(ctx, f.Township)
		return err == nil && n == 0, err
	}); err != nil {
		return err
	}
	f.Edge.Kill()
	f.result.Kills++
	f.result.Damages++
	before, err := f.aside()
	if err != nil {
		return err
	}
	if err := f.forgive(ctx); err != nil {
		return fmt.Errorf("read what is about to be lost: %w", err)
	}
	if err := f.spoil(); err != nil {
		return fmt.Errorf("spoil the outbox: %w", err)
	}
	if err := f.StartEdge(ctx); err != nil {
		return err
	}
	after, err := f.aside()
	if err != nil {
		return err
	}
	if slices.Equal(before, after) {
		return errors.New("the damaged file was not set aside")
	}
	return nil
}

// aside are the files that the edge set aside.
func (f *field) aside() ([]string, error) {
	return filepath.Glob(f.Path("edge", outboxFile+".damaged-*-read"))
}

// forgive notes the alerts that came between the last look and the kill: they go with the file.
func (f *field) forgive(ctx context.Context) error {
	box, err := outbox.Open(ctx, outbox.Options{Dir: f.Path("edge"), LeaveDamaged: true})
	if err != nil {
		return err
	}
	defer box.Close()
	for _, lane := range alert.Lanes {
		entries, err := box.Peek(ctx, lane, outbox.Want{Limit: 1000})
		if err != nil {
			return err
		}
		for _, e := range entries {
			f.forgiven[e.ID] = true
		}
	}
	return nil
}

// spoil makes the file one that is no database, or one with unreadable pages.
func (f *field) spoil() error {
	file := f.Path("edge", outboxFile)
	for _, suffix := range []string{"-wal", "-shm"} {
		if err := os.Remove(file + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if f.rng.IntN(2) == 0 {
		copy(data, "no database any more")
	} else {
		for at := 4096; at < len(data); at += 4096 {
			copy(data[at:], make([]byte, 4096))
		}
	}
	return os.WriteFile(file, data, 0o600)
}
