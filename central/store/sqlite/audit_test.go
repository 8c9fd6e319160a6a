package sqlite_test

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"gridgate/central/audit"
	"gridgate/central/store/sqlite"
)

func TestAuditIsNeverChanged(t *testing.T) {
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
	if err := s.Record(t.Context(), []audit.Entry{{Action: "sign-in"}, {Action: "sign-out"}}); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for change, words := range map[string]string{
		"UPDATE audit SET at = 2": "only ever appended", "DELETE FROM audit": "only ever appended",
		"INSERT INTO audit VALUES (7, 1, '{}')": "follows the newest",
	} {
		if _, err := db.ExecContext(t.Context(), change); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", change, err)
		}
	}
}
