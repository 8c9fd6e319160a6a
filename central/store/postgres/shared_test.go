package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"gridgate/central/correlate"
	"gridgate/central/store"
	"gridgate/central/store/postgres"
	"gridgate/central/store/storetest"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// patience bounds waits for what takes moments.
const patience = time.Minute

func TestShared(t *testing.T) { storetest.Shared(t, open) }

// two opens one database twice.
func two(t *testing.T) (a, b *postgres.Store) {
	t.Helper()
	o, err := options(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return opened(t, o), opened(t, o)
}

func opened(t *testing.T, o postgres.Options) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// session connects to the database of o as somebody else would.
func session(t *testing.T, o postgres.Options) *pgx.Conn {
	t.Helper()
	c, err := pgx.ParseConfig(o.URL)
	if err != nil {
		t.Fatal(err)
	}
	if c.Password, err = o.Password(); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.ConnectConfig(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func anAlert(n int) store.Received {
	now := time.Now().UTC()
	return raise(n, now)
}

var byKey = correlate.ByKey

func groupOf(alerts ...store.Received) store.Group { return store.Group{Alerts: alerts} }

func take(t *testing.T, s store.Store, alerts ...store.Received) []ingest.Outcome {
	t.Helper()
	outcomes, err := s.Ingest(t.Context(), groupOf(alerts...), byKey, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return outcomes
}

func within[T any](t *testing.T, what string, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatalf("%s did not happen", what)
	}
	panic("not reached")
}

// A commit of one process wakes the other, also after the connection that listens was broken.
func TestFollow(t *testing.T) {
	o, err := options(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	a, b := opened(t, o), opened(t, o)
	ctx, stop := context.WithCancel(t.Context())
	woken := make(chan int64, 100)
	done := make(chan error, 1)
	go func() { done <- b.Follow(ctx, slog.New(slog.DiscardHandler), func(p int64) { woken <- p }) }()
	if p := within(t, "the first look", woken); p != 0 {
		t.Errorf("an empty log ends at %d", p)
	}
	take(t, a, anAlert(1))
	if p := within(t, "a wake-up", woken); p != 1 {
		t.Errorf("woken for position %d", p)
	}
	if _, err := session(t, o).Exec(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN %'"); err != nil {
		t.Fatal(err)
	}
	take(t, a, anAlert(2))
	for within(t, "a wake-up after the break", woken) < 2 {
	}
	stop()
	if err := within(t, "the end", done); err != nil {
		t.Error(err)
	}
}

// holders are the sessions that hold the lock of a job.
const holders = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = 1735551332 AND objid::int & 3 = 3 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"

// One process leads at a time; when it is gone, the other does, and the job of the first was told to end.
func TestLead(t *testing.T) {
	o, err := options(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	stores := []*postgres.Store{opened(t, o), opened(t, o)}
	ctx, stop := context.WithCancel(t.Context())
	began, ended := make(chan int, 10), make(chan int, 10)
	done := make(chan error, 2)
	for i, s := range stores {
		go func() {
			done <- s.Lead(ctx, "job", func(ctx context.Context) error {
				began <- i
				<-ctx.Done()
				ended <- i
				return ctx.Err()
			})
		}()
	}
	leader := within(t, "a leader", began)
	var pid int
	conn := session(t, o)
	if err := conn.QueryRow(t.Context(), holders).Scan(&pid); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "SELECT pg_terminate_backend($1)", pid); err != nil {
		t.Fatal(err)
	}
	if got := within(t, "the end of the first term", ended); got != leader {
		t.Errorf("%d ended, %d led", got, leader)
	}
	within(t, "the next leader", began)
	if len(began) > 0 {
		t.Error("two lead at once")
	}
	stop()
	for range stores {
		if err := within(t, "the end", done); err != nil {
			t.Error(err)
		}
	}
}

// A job that ends by itself tells why.
func TestLeadOfAJobThatFails(t *testing.T) {
	a, _ := two(t)
	broken := errors.New("broken")
	if err := a.Lead(t.Context(), "job", func(context.Context) error { return broken }); !errors.Is(err, broken) {
		t.Error(err)
	}
}

func TestJoin(t *testing.T) {
	a, b := two(t)
	for _, tt := range []struct {
		first, second, fits bool
	}{{false, false, true}, {true, false, false}, {false, true, false}, {true, true, false}} {
		t.Run(fmt.Sprint(tt.first, tt.second), func(t *testing.T) {
			ctx, leave := context.WithCancel(t.Context())
			p, err := a.Join(ctx, tt.first)
			if err != nil {
				t.Fatal(err)
			}
			done := make(chan error, 1)
			go func() { done <- p.Run(ctx) }()
			q, err := b.Join(t.Context(), tt.second)
			if fits := err == nil; fits != tt.fits || !fits && !errors.Is(err, postgres.ErrNotAlone) {
				t.Errorf("the second: %v", err)
			}
			leave()
			if err := within(t, "the end", done); err != nil {
				t.Error(err)
			}
			if q == nil { // the place is free now
				if q, err = b.Join(t.Context(), tt.second); err != nil {
					t.Fatal(err)
				}
			}
			over, stop := context.WithCancel(t.Context())
			stop()
			if err := q.Run(over); err != nil {
				t.Error(err)
			}
		})
	}
}

// Whoever leaves leaves the place free, not only once the server sees that a connection was closed.
func TestAPlaceThatIsLeftIsFreeAtOnce(t *testing.T) {
	o, err := options(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	a, conn := opened(t, o), session(t, o)
	over, stop := context.WithCancel(t.Context())
	stop()
	for range 20 {
		p, err := a.Join(t.Context(), true)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Run(over); err != nil {
			t.Error(err)
		}
		var free bool
		if err := conn.QueryRow(t.Context(), "SELECT pg_try_advisory_lock(1735551332, 2)").Scan(&free); err != nil || !free {
			t.Fatalf("free: %v, %v", free, err)
		}
		if _, err := conn.Exec(t.Context(), "SELECT pg_advisory_unlock_all()"); err != nil {
			t.Fatal(err)
		}
	}
}

// A place that another took while the database was away is lost, and said so.
func TestLostPlace(t *testing.T) {
	o, err := options(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	a := opened(t, o)
	p, err := a.Join(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	conn := session(t, o)
	const steal = `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND classid = 1735551332 AND objid = 2
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`
	if _, err := conn.Exec(t.Context(), steal); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "SELECT pg_advisory_lock(1735551332, 2)"); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- p.Run(t.Context()) }()
	if err := within(t, "the end", done); !errors.Is(err, postgres.ErrNotAlone) {
		t.Errorf("ended with %v", err)
	}
}

// A process that remembers cases sees what a transaction of another one did, even if its own failed between.
func TestAFailedGroupIsForgotten(t *testing.T) {
	a, b := two(t)
	first := anAlert(1)
	take(t, a, first)
	bad := anAlert(1)
	bad.ID, bad.Situation = "not-a-uuid", "not-a-uuid"
	if _, err := a.Ingest(t.Context(), groupOf(bad), byKey, time.Now()); err == nil {
		t.Fatal("an id that is no UUID was stored")
	}
	second := anAlert(1)
	take(t, b, second)
	third := anAlert(1)
	third.State, third.Situation, third.ID = alert.Cleared, second.ID, alert.NewID()
	take(t, a, third)
	got, err := b.Alert(t.Context(), third.ID)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := b.Case(t.Context(), got.CaseID); err != nil || c.Alerts != 3 || c.Active {
		t.Errorf("case %+v, %v", c, err)
	}
}
