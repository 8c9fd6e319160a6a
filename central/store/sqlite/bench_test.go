package sqlite

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"gridgate/central/correlate"
	"gridgate/central/store"
	"gridgate/protocols/alert"
)

// BenchmarkIngest stores groups of 800 alerts (8 batches of 100) over 10,000 keys: 1 % of them repeated, 10 % clears.
func BenchmarkIngest(b *testing.B) {
	s, err := Open(context.Background(), Options{Path: filepath.Join(b.TempDir(), "central.db")})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	const size, keys = 800, 10_000
	now := time.Now().UTC()
	random := rand.New(rand.NewPCG(1, 1))
	raised := make(map[int]string)
	var earlier []store.Received
	for b.Loop() {
		b.StopTimer()
		group := make([]store.Received, size)
		for i := range group {
			if i%100 == 99 && len(earlier) > 0 {
				group[i] = earlier[i-1]
				continue
			}
			key := random.IntN(keys)
			group[i] = benchAlert(key, now)
			if situation := raised[key]; situation != "" && random.IntN(10) == 0 {
				group[i].State, group[i].Situation = alert.Cleared, situation
				delete(raised, key)
			} else {
				raised[key] = group[i].ID
			}
		}
		earlier = group
		b.StartTimer()
		if _, err := s.Ingest(context.Background(), store.Group{Alerts: group}, correlate.ByKey, now); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "alerts/s")
}

func benchAlert(key int, now time.Time) store.Received {
	device, id := fmt.Sprintf("sensor-%04d", key), alert.NewID()
	return store.Received{ReceivedAt: now, Alert: alert.Alert{
		ID: id, Source: alert.SensorSource("bench", device), Kind: alert.WaterLevel, State: alert.Raised, Situation: id,
		Key: alert.KeyOf("bench", device, "", alert.WaterLevel), Severity: alert.Major, Grid: fmt.Sprintf("330106001001%03d", key%500),
		OccurredAt: now, Clock: alert.EdgeClock, RaisedAt: now, Origin: "bench",
		Reading: &alert.Measure{Quantity: "level", Value: float64(key%400) / 100, Unit: "m"},
	}}
}
