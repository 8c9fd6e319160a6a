package postgres_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"gridgate/central/correlate"
	"gridgate/central/store"
	"gridgate/protocols/alert"
)

// Of the workload: keys, size of a group (8 batches of 100), and what one in so many alerts is.
const (
	benchKeys      = 10_000
	benchGroup     = 800
	duplicateOneIn = 100
	clearOneIn     = 10
)

// groups makes groups of alerts over 10,000 keys: 1 % repeat an earlier one, 10 % clear what was raised before.
type groups struct {
	n       int
	last    [benchKeys]store.Received // newest raise of a key
	earlier store.Received
}

func (g *groups) next(now time.Time) store.Group {
	out := make([]store.Received, benchGroup)
	for i := range out {
		g.n++
		key := (g.n * 7919) % benchKeys
		switch raised := g.last[key]; {
		case g.n%duplicateOneIn == 0 && g.earlier.ID != "":
			out[i] = g.earlier
			continue
		case g.n%clearOneIn == 0 && raised.ID != "":
			raised.ID, raised.State = alert.NewID(), alert.Cleared
			out[i] = raised
		default:
			out[i] = raise(key, now)
			g.last[key] = out[i]
		}
		g.earlier = out[i]
	}
	return store.Group{Alerts: out}
}

func raise(key int, now time.Time) store.Received {
	id := alert.NewID()
	return store.Received{ReceivedAt: now, Alert: alert.Alert{
		ID: id, Source: alert.SensorSource("edge-1", fmt.Sprintf("s%05d", key)), Kind: alert.Motion, State: alert.Raised, Situation: id,
		Severity: alert.Info, Origin: "motion", Key: fmt.Sprintf("edge-1/s%05d/gate/motion", key),
		Grid: fmt.Sprintf("330106109%06d", key/10), OccurredAt: now, RaisedAt: now, Clock: alert.EdgeClock,
	}}
}

// BenchmarkIngest stores groups of 800 alerts from one and from two callers; GRIDGATE_BENCH_ROWS says how many are there before.
func BenchmarkIngest(b *testing.B) {
	rows, _ := strconv.Atoi(os.Getenv("GRIDGATE_BENCH_ROWS")) // none: an empty database
	for _, callers := range []int{1, 2, 3} {
		b.Run(fmt.Sprint("callers=", callers), func(b *testing.B) {
			ctx := context.Background()
			s, err := open(ctx, b.TempDir())
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			source := &groups{}
			now := time.Now().UTC()
			for n := 0; n < rows; n += benchGroup {
				ingestGroup(b, s, source.next(now), now)
			}
			work := make(chan store.Group, b.N)
			for range b.N {
				work <- source.next(now)
			}
			close(work)
			b.ResetTimer()
			var wg sync.WaitGroup
			for range callers {
				wg.Go(func() {
					for g := range work {
						ingestGroup(b, s, g, now)
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N*benchGroup)/b.Elapsed().Seconds(), "alerts/s")
		})
	}
}

func ingestGroup(b *testing.B, s store.Store, g store.Group, now time.Time) {
	if _, err := s.Ingest(context.Background(), g, correlate.ByKey, now); err != nil {
		b.Error(err)
	}
}
