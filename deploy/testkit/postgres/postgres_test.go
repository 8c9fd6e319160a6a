package postgres

import (
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestServer(t *testing.T) {
	s, err := Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time it is there
		if err := s.Create(t.Context(), "town"); err != nil {
			t.Fatal(err)
		}
	}
	conn, err := pgx.Connect(t.Context(), s.URL("town"))
	if err != nil {
		t.Fatal(err)
	}
	var fsync, sync string
	if err := conn.QueryRow(t.Context(), "SELECT current_setting('fsync'), current_setting('synchronous_commit')").Scan(&fsync, &sync); err != nil {
		t.Fatal(err)
	}
	if fsync != "on" || sync != "on" {
		t.Errorf("fsync is %s, synchronous_commit %s: tests would prove less than production", fsync, sync)
	}
	if _, err := pgx.Connect(t.Context(), s.PublicURL("town")); err == nil {
		t.Error("the server asks for no password")
	}
	if err := s.Stop(); err != nil { // conn is still open
		t.Fatal(err)
	}
	if err := conn.Ping(t.Context()); err == nil {
		t.Error("the server lives after its end")
	}
	if _, err := os.Stat(s.dir); !os.IsNotExist(err) {
		t.Errorf("its folder is left: %v", err)
	}
}

func TestServerThatCannotStart(t *testing.T) {
	if s, err := Start(t.Context(), "-c", "no_such_setting=1"); err == nil {
		t.Errorf("started: %v", s.Stop())
	}
}
