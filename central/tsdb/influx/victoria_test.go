package influx

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"gridgate/central/tsdb"
	"gridgate/central/tsdb/tsdbtest"
	"gridgate/central/tsdb/tsdbtest/server"
	"gridgate/deploy/testkit/leak"
	"gridgate/deploy/testkit/stage"
)

func TestMain(m *testing.M) { leak.Main(m) }

// victoria starts Debian's VictoriaMetrics for one test.
func victoria(t *testing.T) *server.Server {
	t.Helper()
	s, err := server.Victoria(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

func open(t *testing.T, o Options) *DB {
	t.Helper()
	if o.Bucket == "" {
		o.Bucket = "gridgate/autogen"
	}
	db, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func flush(t *testing.T, s *server.Server) {
	t.Helper()
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestContractOnVictoriaMetrics(t *testing.T) {
	s := victoria(t)
	tsdbtest.Run(t, tsdbtest.Harness{
		Open: func(t *testing.T, o tsdbtest.Options) tsdb.DB {
			return open(t, Options{URL: s.URL(), MaxSeries: o.MaxSeries})
		},
		Settle: func(t *testing.T) { flush(t, s) },
	})
}

func TestNothingIsLostWhileTheServerIsAway(t *testing.T) {
	s := victoria(t)
	checkOutage(t, s, open(t, Options{URL: s.URL()}), func() { flush(t, s) })
}

// checkOutage writes while the server goes and comes back, and sends again what failed, as the caller of a [tsdb.DB] does.
func checkOutage(t *testing.T, s *server.Server, db tsdb.DB, settle func()) {
	base := time.Now().UTC().Truncate(time.Minute).Add(-time.Hour)
	batch := func(i int) []tsdb.Sample {
		return []tsdb.Sample{{Metric: "outage_value", Labels: map[string]string{"edge": "e"}, Value: float64(i), At: base.Add(time.Duration(i) * time.Second)}}
	}
	var pending []int
	for i := range 9 {
		switch i {
		case 3:
			s.Stop()
		case 6:
			if err := s.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		err := db.Write(t.Context(), batch(i))
		var refused tsdb.Rejection
		if errors.As(err, &refused) {
			t.Fatalf("write %d: %v: an outage is no fault of the samples", i, err)
		}
		if err != nil {
			pending = append(pending, i)
		}
	}
	if fmt.Sprint(pending) != "[3 4 5]" {
		t.Fatalf("writes that failed: %v", pending)
	}
	for _, i := range []int{2, 3, 4, 5, 8} { // two of them were taken before: no matter
		if err := db.Write(t.Context(), batch(i)); err != nil {
			t.Fatalf("write %d again: %v", i, err)
		}
	}
	settle()
	got, err := db.Query(t.Context(), tsdb.Selector{Metric: "outage_value", From: base, To: base.Add(time.Minute)})
	if err != nil || len(got) != 1 || len(got[0].Points) != 9 {
		t.Fatalf("got %v, %v, want nine points", got, err)
	}
}

func TestAQueryToAServerThatIsAwayIsAnError(t *testing.T) {
	address, err := stage.FreeAddress("")
	if err != nil {
		t.Fatal(err)
	}
	for _, language := range []string{Auto, Flux, PromQL} {
		db := open(t, Options{URL: "http://" + address, Query: language})
		_, err := db.Query(context.Background(), tsdb.Selector{Metric: "a_b", From: time.Unix(0, 0), To: time.Unix(1, 0)})
		if err == nil {
			t.Errorf("%q: no error", language)
		}
	}
	if _, err := os.Stat(server.VictoriaMetrics); err != nil {
		t.Error("the real server is not installed: apt-get install victoria-metrics")
	}
}
