package postgres_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"gridgate/central/store/postgres"
	server "gridgate/deploy/testkit/postgres"
	"gridgate/protocols/ingest"
)

// wire stands between a store and its server. Once armed it hands the next COMMIT on and breaks the connection before the answer.
type wire struct {
	folder string // of its socket
	armed  atomic.Bool
	cut    atomic.Int64 // connections that it broke
}

func between(t *testing.T) *wire {
	t.Helper()
	w := &wire{folder: t.TempDir()}
	l, err := net.Listen("unix", filepath.Join(w.folder, filepath.Base(running.Socket())))
	if err != nil {
		t.Fatal(err)
	}
	var open sync.WaitGroup
	open.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			open.Go(func() { w.carry(client) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close() // nothing was written to it
		open.Wait()
	})
	return w
}

func (w *wire) carry(client net.Conn) {
	db, err := net.Dial("unix", running.Socket())
	if err != nil {
		_ = client.Close()
		return
	}
	var broken atomic.Bool
	var up sync.WaitGroup
	up.Go(func() {
		buffer := make([]byte, 64<<10)
		for {
			n, err := client.Read(buffer)
			if bytes.Contains(bytes.ToLower(buffer[:n]), []byte("commit\x00")) && w.armed.CompareAndSwap(true, false) {
				broken.Store(true)
			}
			if _, e := db.Write(buffer[:n]); err != nil || e != nil {
				_ = db.Close()
				return
			}
		}
	})
	buffer := make([]byte, 64<<10)
	for {
		n, err := db.Read(buffer)
		if broken.Load() { // the server has answered, so the transaction is committed
			w.cut.Add(1)
			break
		}
		if _, e := client.Write(buffer[:n]); err != nil || e != nil {
			break
		}
	}
	_ = client.Close()
	_ = db.Close()
	up.Wait()
}

// A connection that breaks in the middle of a commit leaves nobody knowing: it is an error, and asking again tells duplicates.
func TestLostAnswerToACommit(t *testing.T) {
	o, err := options(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w := between(t)
	u, err := url.Parse(o.URL)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("host", w.folder)
	u.RawQuery = q.Encode()
	o.URL = u.String()
	s := opened(t, o)
	take(t, s, anAlert(1))
	lost := anAlert(2)
	w.armed.Store(true)
	if _, err := s.Ingest(t.Context(), groupOf(lost), byKey, lost.ReceivedAt); err == nil || !strings.Contains(err.Error(), "nobody knows") {
		t.Fatalf("a commit without an answer: %v", err)
	}
	if w.cut.Load() != 1 {
		t.Fatalf("%d connections were broken", w.cut.Load())
	}
	if got := take(t, s, lost, anAlert(3)); got[0] != ingest.Duplicate || got[1] != ingest.Accepted {
		t.Fatalf("asked again: %v", got)
	}
}

// A server that goes away and comes back is found again.
func TestServerRestarts(t *testing.T) {
	o, err := options(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := opened(t, o)
	take(t, s, anAlert(1))
	if _, err := session(t, o).Exec(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"); err != nil {
		t.Fatal(err)
	}
	again := anAlert(2)
	for range 20 { // each connection of the pool may have to fail once
		if _, err = s.Ingest(t.Context(), groupOf(again), byKey, again.ReceivedAt); err == nil {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if _, err = s.Alert(t.Context(), again.ID); err == nil {
			return
		}
	}
	t.Fatal(err)
}

func TestRefusedDatabases(t *testing.T) {
	for name, tt := range map[string]struct {
		spoil string
		want  string
		is    error
	}{
		"a newer schema":        {spoil: "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, true)", is: postgres.ErrNewer, want: "upgrade central"},
		"commits that may fade": {spoil: "ALTER ROLE postgres IN DATABASE %s SET synchronous_commit = off", want: "synchronous_commit=off"},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := options(t.Context(), t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			if err := opened(t, o).Ping(t.Context()); err != nil {
				t.Fatal(err)
			}
			conn := session(t, o)
			if _, err := conn.Exec(t.Context(), strings.ReplaceAll(tt.spoil, "%s", conn.Config().Database)); err != nil {
				t.Fatal(err)
			}
			s, err := postgres.Open(t.Context(), o)
			if err == nil {
				t.Fatal("opened", s.Close())
			}
			if !strings.Contains(err.Error(), tt.want) || tt.is != nil && !errors.Is(err, tt.is) {
				t.Error(err)
			}
		})
	}
}

func TestFsyncOffIsRefused(t *testing.T) {
	db, err := server.Start(t.Context(), "-c", "fsync=off")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Stop(); err != nil {
			t.Error(err)
		}
	}()
	s, err := postgres.Open(t.Context(), postgres.Options{URL: db.URL("postgres")})
	if err == nil {
		t.Fatal("opened", s.Close())
	}
	if !strings.Contains(err.Error(), "fsync=off") {
		t.Error(err)
	}
}

// No error repeats the password.
func TestPasswordStaysSecret(t *testing.T) {
	o, err := options(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	const secret = "correct-horse"
	o.Password = func() (string, error) { return secret, nil }
	for _, address := range []string{o.URL, "postgres://postgres@127.0.0.1:1/none", "postgres://%zz"} {
		o.URL = address
		s, err := postgres.Open(t.Context(), o)
		if err == nil {
			t.Fatal("opened", s.Close())
		}
		if strings.Contains(err.Error(), secret) {
			t.Error(err)
		}
	}
	o.Password = func() (string, error) { return "", io.ErrUnexpectedEOF }
	if _, err := postgres.Open(t.Context(), o); err == nil {
		t.Error("opened without its password")
	}
}

func TestCaseEventsAreNeverChanged(t *testing.T) {
	o, err := options(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	take(t, opened(t, o), anAlert(1))
	conn := session(t, o)
	for _, change := range []string{"UPDATE case_events SET at = 2", "DELETE FROM case_events", "TRUNCATE case_events"} {
		if _, err := conn.Exec(t.Context(), change); err == nil || !strings.Contains(err.Error(), "only ever appended") {
			t.Errorf("%s: %v", change, err)
		}
	}
}
