package sqlite_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gridgate/central/store"
	"gridgate/central/store/sqlite"
	"gridgate/central/store/storetest"
)

func TestLook(t *testing.T) {
	storetest.View(t, open, func(ctx context.Context, dir string) (storetest.Viewer, error) {
		v, err := sqlite.Look(ctx, filepath.Join(dir, "central 中心?.db"))
		if err != nil {
			return nil, err
		}
		return v, nil
	})
}

// Who looks makes nothing, takes no lock, and tells of damage.
func TestLookingChangesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "central.db")
	if _, err := sqlite.Look(t.Context(), path); err == nil {
		t.Fatal("a database that is not there was opened")
	}
	s, err := sqlite.Open(t.Context(), sqlite.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SaveSync(t.Context(), store.Edge{ID: "town-1", LastSync: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path + ".lock"); err != nil {
		t.Fatal(err)
	}
	damage(t, path)
	v, err := sqlite.Look(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	h, err := v.Health(t.Context(), true)
	if err != nil || len(h.Damage) == 0 {
		t.Errorf("a damaged database: %+v, %v", h, err)
	}
	if err := v.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path + ".lock"); err == nil {
		t.Error("whoever looks takes a lock")
	}
}

// damage writes over the last page of a database.
func damage(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	junk := make([]byte, 4096)
	for i := range junk {
		junk[i] = 0xa5
	}
	if _, err := f.WriteAt(junk, info.Size()-int64(len(junk))); err != nil {
		t.Fatal(err)
	}
}
