package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gridgate/central/store"
	"gridgate/central/store/sqlite"
	"gridgate/central/store/sqlite/sqlitetest"
	"gridgate/central/store/storetest"
)

func open(ctx context.Context, dir string) (store.Store, error) {
	return sqlitetest.Open(ctx, sqlite.Options{Path: filepath.Join(dir, "central 中心?.db"), CacheBytes: 4 << 20})
}

func TestMain(m *testing.M) { os.Exit(storetest.Main(m, open)) }

func TestContract(t *testing.T) { storetest.Run(t, open) }

func TestJobs(t *testing.T) { storetest.Jobs(t, open) }

func TestCrash(t *testing.T) { storetest.Crash(t, open) }

func TestOneWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "central.db")
	s, err := sqlite.Open(t.Context(), sqlite.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(t.Context(), sqlite.Options{Path: path}); !errors.Is(err, sqlite.ErrInUse) {
		t.Fatalf("opened twice: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.AddEvidence(t.Context(), nil, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := s.PutUser(t.Context(), store.User{Name: "zhang"}); err == nil {
		t.Fatal("a closed database took a user")
	}
}

func TestCaseEventsAreNeverChanged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "central.db")
	s, err := sqlite.Open(t.Context(), sqlite.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(t.Context(), "INSERT INTO case_events (position, case_ref, previous, at, event) VALUES (1, 1, 0, 1, '{}')"); err != nil {
		t.Fatal(err)
	}
	for _, change := range []string{"UPDATE case_events SET at = 2", "DELETE FROM case_events"} {
		if _, err := db.ExecContext(t.Context(), change); err == nil || !strings.Contains(err.Error(), "only ever appended") {
			t.Errorf("%s: %v", change, err)
		}
	}
}

func TestMissingFolder(t *testing.T) {
	_, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "none", "central.db")})
	if err == nil || !strings.Contains(err.Error(), "open database") {
		t.Fatal(err)
	}
}
