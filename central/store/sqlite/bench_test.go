package sqlite

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"gridgate/central/correlate"
	"gridgate/central/store"
	"gridgate/protocols/alert"
)

// BenchmarkIngest stores groups of 800 alerts (8 batches of 100) over 5,000 keys, 5 % of them duplicates.
func BenchmarkIngest(b *testing.B) {
	s, err := Open(context.Background(), Options{Path: filepath.Join(b.TempDir(), "central.db")})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	const size = 800
	now := time.Now().UTC()
	var earlier []store.Received
	n := 0
	for b.Loop() {
		b.StopTimer()
		group := make([]store.Received, 0, size)
		for i := range size {
			if i%20 == 19 && len(earlier) > 0 {
				group = append(group, earlier[i])
				continue
			}
			n++
			key := (n * 7919) % 5000
			source := alert.SensorSource("edge-1", fmt.Sprintf("s%04d", key))
			group = append(group, store.Received{ReceivedAt: now, Alert: alert.Alert{
				ID: alert.NewID(), Source: source, Kind: alert.Motion, State: alert.Momentary, Severity: alert.Info, Origin: "motion",
				Key: fmt.Sprintf("edge-1/s%04d/gate/motion", key), Grid: fmt.Sprintf("330106109%06d", key/10), OccurredAt: now, RaisedAt: now, Clock: alert.EdgeClock,
			}})
		}
		earlier = group
		b.StartTimer()
		if _, err := s.Ingest(context.Background(), store.Group{Alerts: group}, correlate.ByKey, now); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "alerts/s")
}
