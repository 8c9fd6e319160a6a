package postgres_test

import (
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"gridgate/central/audit"
	"gridgate/central/store/postgres"
)

func TestAuditIsNeverChanged(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	o, err := options(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	s, err := postgres.Open(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := s.Record(ctx, []audit.Entry{{Action: "sign-in"}, {Action: "sign-out"}}); err != nil {
		t.Fatal(err)
	}
	c, err := pgx.ParseConfig(os.Getenv(serverURL))
	if err != nil {
		t.Fatal(err)
	}
	if c.Database, err = database(ctx, dir); err != nil {
		t.Fatal(err)
	}
	db, err := pgx.ConnectConfig(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close(t.Context()) }()
	for _, change := range []string{"UPDATE audit SET at = 2", "UPDATE audit SET entry = '{}' WHERE position = 1", "DELETE FROM audit WHERE position = 1", "TRUNCATE audit"} {
		if _, err := db.Exec(ctx, change); err == nil || !strings.Contains(err.Error(), "only ever appended") {
			t.Errorf("%s: %v", change, err)
		}
	}
	if left, err := s.AuditEntries(ctx, 0, 10); err != nil || len(left) != 2 {
		t.Errorf("%d entries are left, error %v", len(left), err)
	}
}
