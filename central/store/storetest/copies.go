package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"gridgate/central/audit"
	"gridgate/central/correlate"
	"gridgate/central/store"
	"gridgate/protocols/alert"
)

// Copying is how a store is copied and restored, each by the folder that stands for it.
type Copying struct {
	Open    Opener
	Copy    func(ctx context.Context, dir string, w io.Writer, object store.ObjectNamed) (store.Copied, error)
	Restore func(ctx context.Context, dir string, r io.Reader, endSessions bool) (store.Copied, error)
	// Rows returns every row of every table but the one of migrations, as text.
	Rows func(ctx context.Context, dir string) (map[string][]string, error)
}

// appended are the tables whose rows do not change once they are there.
var appended = []string{"alerts", "case_events", "evidence", "audit", "document_versions"}

// Copies runs the contract of copying.
func Copies(t *testing.T, c Copying) {
	t.Run("restored is equal, row by row", func(t *testing.T) { testCopyIsEqual(t, c) })
	t.Run("a copy under load is one moment", func(t *testing.T) { testCopyUnderLoad(t, c) })
	t.Run("what is there is not written over", func(t *testing.T) { testCopyOverNothing(t, c) })
	t.Run("a copy that is cut off is refused", func(t *testing.T) { testCopyCutOff(t, c) })
}

// furnish puts a little of everything into a store.
func furnish(t *testing.T, s store.Store) {
	t.Helper()
	ctx := t.Context()
	a, b := raised("cam1"), raised("cam2")
	put(t, s, t0, a, b, cleared(a))
	e := Filled[alert.Evidence]()
	e.ID, e.AlertID, e.SHA256 = alert.NewID(), a.ID, strings.Repeat("ab", 32)
	if _, err := s.AddEvidence(ctx, []alert.Evidence{e}, t0); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		s.PutUser(ctx, store.User{Name: "night", Hash: "x\ty\\N\n", Role: "operator", At: t0}),
		s.PutSession(ctx, store.Session{SHA256: strings.Repeat("1", 64), User: "night", Expires: t0.Add(time.Hour)}, t0, 10),
		s.Record(ctx, []audit.Entry{{At: t0, Role: "command", Action: "command-user-add", Target: "night", Outcome: audit.Done}}),
		s.SaveSync(ctx, store.Edge{ID: "edge-1", LastSync: t0}),
		advanceOnce(ctx, s),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func closed(t *testing.T, s store.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func testCopyIsEqual(t *testing.T, c Copying) {
	from, to := t.TempDir(), t.TempDir()
	s, err := c.Open(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	furnish(t, s)
	var copied bytes.Buffer
	var named []string
	made, err := c.Copy(t.Context(), from, &copied, func(digest string, _ int64) error {
		named = append(named, digest)
		return nil
	})
	if err != nil || !slices.Equal(named, []string{strings.Repeat("ab", 32)}) || made.Objects != 1 || made.Alerts != 3 || made.AuditHead != 1 {
		t.Fatalf("copied %+v, named %v, %v", made, named, err)
	}
	want, err := c.Rows(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	closed(t, s)
	got, err := c.Restore(t.Context(), to, &copied, false)
	if err != nil || got != made {
		t.Fatalf("restored %+v, %v, copied %+v", got, err, made)
	}
	have, err := c.Rows(t.Context(), to)
	if err != nil {
		t.Fatal(err)
	}
	sameRows(t, have, want)
	testRestoredGoesOn(t, c, to, made)
}

// sameRows compares all tables; among the cursors of jobs, a restored store has one more.
func sameRows(t *testing.T, have, want map[string][]string) {
	t.Helper()
	have["job_cursors"] = slices.DeleteFunc(have["job_cursors"], func(row string) bool { return strings.Contains(row, store.Restored) })
	for name, rows := range want {
		if !slices.Equal(have[name], rows) {
			t.Errorf("table %s is\n%q\nwant\n%q", name, have[name], rows)
		}
	}
	if len(have) != len(want) || len(want) < 15 || len(want["sessions"]) != 1 {
		t.Errorf("%d tables of %d, %d sessions", len(have), len(want), len(want["sessions"]))
	}
}

// testRestoredGoesOn: positions are above all that may have been given out, and the audit log is a chain.
func testRestoredGoesOn(t *testing.T, c Copying, dir string, made store.Copied) {
	s, err := c.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, s)
	put(t, s, t0.Add(time.Hour), raised("cam3"))
	events, err := s.Events(t.Context(), made.Position, 10)
	if err != nil || len(events) == 0 || events[0].Position <= made.Position+store.PositionJump {
		t.Errorf("after position %d: %+v, %v", made.Position, events, err)
	}
	put(t, s, t0.Add(time.Hour), raised("cam3"))
	if err := s.Record(t.Context(), []audit.Entry{{At: t0, Role: "command", Action: "command-backup-restore", Outcome: audit.Done}}); err != nil {
		t.Fatal(err)
	}
	entries, err := s.AuditEntries(t.Context(), 0, 100)
	v := audit.NewVerifier(audit.Checkpoint{})
	for _, e := range entries {
		err = errors.Join(err, v.Next(e))
	}
	if err != nil || len(entries) != 2 {
		t.Errorf("%d entries, %v", len(entries), err)
	}
}

func testCopyUnderLoad(t *testing.T, c Copying) {
	from, to := t.TempDir(), t.TempDir()
	s, err := c.Open(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	furnish(t, s)
	ctx, stop := context.WithCancel(t.Context())
	begun, loaded := make(chan bool, 1), make(chan error, 1)
	go func() { loaded <- load(ctx, s, begun) }()
	<-begun
	var copied bytes.Buffer
	made, err := c.Copy(t.Context(), from, &slowly{w: &copied, begun: begun}, func(string, int64) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	stop()
	if err := <-loaded; err != nil {
		t.Fatal(err)
	}
	want, err := c.Rows(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	closed(t, s)
	if got, err := c.Restore(t.Context(), to, &copied, true); err != nil || got != made {
		t.Fatalf("restored %+v, %v, copied %+v", got, err, made)
	}
	have, err := c.Rows(t.Context(), to)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range appended {
		if n := len(have[name]); n > len(want[name]) || !slices.Equal(have[name], want[name][:n]) {
			t.Errorf("table %s is no beginning of what it became", name)
		}
	}
	if int64(len(have["alerts"])) != made.Alerts || len(have["alerts"]) >= len(want["alerts"]) || len(have["sessions"]) != 0 {
		t.Errorf("%d alerts of %d, copied %d, %d sessions", len(have["alerts"]), len(want["alerts"]), made.Alerts, len(have["sessions"]))
	}
}

// load ingests until ctx ends, and tells each time that it did.
func load(ctx context.Context, s store.Store, begun chan<- bool) error {
	for n := 0; ctx.Err() == nil; n++ {
		a := raised(fmt.Sprintf("cam%d", n%40))
		_, err := s.Ingest(context.WithoutCancel(ctx), store.Group{Alerts: []store.Received{a, cleared(a)}}, correlate.ByKey, t0.Add(time.Duration(n)*time.Second))
		if err != nil {
			return err
		}
		select {
		case begun <- true:
		default:
		}
	}
	return nil
}

// slowly takes the first pieces of a copy only after something was committed meanwhile.
type slowly struct {
	w     io.Writer
	begun <-chan bool
	n     int
}

func (s *slowly) Write(p []byte) (int, error) {
	if s.n++; s.n <= 5 {
		<-s.begun
	}
	return s.w.Write(p)
}

func copyOf(t *testing.T, c Copying) (dir string, copied []byte) {
	t.Helper()
	dir = t.TempDir()
	s, err := c.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	furnish(t, s)
	closed(t, s)
	var out bytes.Buffer
	if _, err := c.Copy(t.Context(), dir, &out, func(string, int64) error { return nil }); err != nil {
		t.Fatal(err)
	}
	return dir, out.Bytes()
}

func testCopyOverNothing(t *testing.T, c Copying) {
	dir, copied := copyOf(t, c)
	before, err := c.Rows(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Restore(t.Context(), dir, bytes.NewReader(copied), true); err == nil {
		t.Error("restored over a store that is there")
	}
	after, err := c.Rows(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	for name := range before {
		if !slices.Equal(before[name], after[name]) {
			t.Errorf("table %s was changed", name)
		}
	}
}

func testCopyCutOff(t *testing.T, c Copying) {
	_, copied := copyOf(t, c)
	for _, n := range []int{len(copied) / 2, len(copied) - 3} {
		if _, err := c.Restore(t.Context(), t.TempDir(), bytes.NewReader(copied[:n]), true); err == nil {
			t.Errorf("%d bytes of %d were taken for a copy", n, len(copied))
		}
	}
}
