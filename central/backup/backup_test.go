package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gridgate/central/store"
	"gridgate/protocols/kit/durable"
)

// townStore is a store of some bytes that fails where it is told to.
type townStore struct {
	size int64
	fail error
}

func (s townStore) Kind() string                        { return "sqlite" }
func (s townStore) Size(context.Context) (int64, error) { return s.size, nil }

func (s townStore) Copy(_ context.Context, w io.Writer, object store.ObjectNamed) (store.Copied, error) {
	err := object(strings.Repeat("ab", 32), 3)
	if err == nil {
		_, err = w.Write(bytes.Repeat([]byte("rows"), 1000))
	}
	return store.Copied{Alerts: 1, Objects: 1}, errors.Join(err, s.fail)
}

func optionsOf(t *testing.T, at time.Time) Options {
	t.Helper()
	return Options{
		To: filepath.Join(t.TempDir(), "backups"), Program: "test", Data: t.TempDir(), Now: func() time.Time { return at }, Source: townStore{size: 4000}, Elsewhere: "not here",
		Pictures: func(context.Context, string) (io.ReadCloser, error) { return nil, store.ErrNotFound },
	}
}

var night = time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)

// nothing fails unless the folder holds no finished backup and nothing that was begun.
func nothing(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if e.Name() != lockName {
			t.Errorf("%s is left", e.Name())
		}
	}
	if err != nil {
		t.Error(err)
	}
}

// TestNoRoom: too small a disk is told before anything is written, and one that fills up in the middle is told as that.
func TestNoRoom(t *testing.T) {
	o := optionsOf(t, night)
	o.Free = func(string) (int64, error) { return spare + 1000, nil }
	if _, err := Create(t.Context(), o); !errors.Is(err, ErrNoRoom) {
		t.Errorf("a small disk: %v", err)
	}
	nothing(t, o.To)
	o.Free = nil
	o.Source = townStore{fail: fmt.Errorf("write: %w", syscall.ENOSPC)}
	if _, err := Create(t.Context(), o); !errors.Is(err, ErrNoRoom) {
		t.Errorf("a disk that fills up: %v", err)
	}
	nothing(t, o.To)
}

// TestBrokenOff: what a killed process left is no backup, and goes with the next one; two at once do not meet.
func TestBrokenOff(t *testing.T) {
	o := optionsOf(t, night)
	left := filepath.Join(o.To, partial+"central-x")
	if err := os.MkdirAll(left, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := durable.Write(filepath.Join(left, manifestFile), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if all, bad, err := List(o.To); err != nil || len(all)+len(bad) > 0 {
		t.Errorf("%v, %v, %v", all, bad, err)
	}
	lock, err := lockDir(o.To)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Create(t.Context(), o); !errors.Is(err, ErrBusy) {
		t.Errorf("two at once: %v", err)
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	m, err := Create(t.Context(), o)
	if err != nil || m.Objects.Missing != 1 || m.Objects.Count != 0 {
		t.Fatalf("%+v, %v", m, err)
	}
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what was broken off is there still: %v", err)
	}
	if _, findings, err := Verify(t.Context(), filepath.Join(o.To, m.Name), nil); err != nil || len(findings) > 0 {
		t.Errorf("%v, %v", findings, err)
	}
}

// TestPrune keeps the newest of days, weeks and months, and always the newest of all.
func TestPrune(t *testing.T) {
	var all []Manifest
	for day := range 60 {
		for _, hour := range []int{3, 15} {
			at := night.AddDate(0, 0, day).Add(time.Duration(hour-3) * time.Hour)
			all = append(all, Manifest{Name: at.Format(time.RFC3339), MadeAt: at})
		}
	}
	for _, tc := range []struct {
		keep Keep
		want string
	}{
		{Keep{Daily: 2}, "2026-04-28T15:00:00Z 2026-04-29T15:00:00Z"},
		{Keep{Daily: 1, Weekly: 2}, "2026-04-26T15:00:00Z 2026-04-29T15:00:00Z"},
		{Keep{Monthly: 5}, "2026-03-31T15:00:00Z 2026-04-29T15:00:00Z"},
	} {
		stay, gone := tc.keep.Choose(all)
		var names []string
		for _, m := range stay {
			names = append(names, m.Name)
		}
		if got := strings.Join(names, " "); got != tc.want || len(stay)+len(gone) != len(all) {
			t.Errorf("%+v keeps %s, want %s", tc.keep, got, tc.want)
		}
	}
	if _, err := Prune(t.TempDir(), Keep{}); err == nil {
		t.Error("a prune that says nothing of what to keep went through")
	}
}

// TestPruneRemoves: what goes is gone, and what stays is whole.
func TestPruneRemoves(t *testing.T) {
	o := optionsOf(t, night)
	for n := range 3 {
		o.Now = func() time.Time { return night.AddDate(0, 0, n) }
		if _, err := Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	gone, err := Prune(o.To, Keep{Daily: 1})
	if err != nil || len(gone) != 2 {
		t.Fatalf("%v, %v", gone, err)
	}
	all, _, err := List(o.To)
	if err != nil || len(all) != 1 || !all[0].MadeAt.Equal(night.AddDate(0, 0, 2)) {
		t.Errorf("%v, %v", all, err)
	}
}
