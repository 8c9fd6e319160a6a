package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"gridgate/central/tsdb"
	"gridgate/central/tsdb/embedded"
	"gridgate/central/tsdb/influx"
	"gridgate/central/tsdb/tsdbtest/server"
)

// The readings of the workload: one sample a minute of every series, in batches as an edge uploads them.
const (
	tsdbSeries  = 1000
	tsdbMinutes = 240
)

// timeSeries writes the same readings into the embedded database and into a VictoriaMetrics, then asks both for means.
func timeSeries(ctx context.Context, dir string) ([]Result, error) {
	own, err := embedded.Open(embedded.Options{Dir: filepath.Join(dir, "embedded")})
	if err != nil {
		return nil, err
	}
	defer own.Close()
	victoria, err := server.Victoria(dir)
	if err != nil {
		return nil, err
	}
	if err := victoria.Start(ctx); err != nil {
		return nil, err
	}
	defer victoria.Stop()
	peer, err := influx.New(influx.Options{URL: victoria.URL(), Bucket: "bench"})
	if err != nil {
		return nil, err
	}
	defer peer.Close()

	base := time.Now().UTC().Truncate(time.Hour).Add(-tsdbMinutes * time.Minute)
	ours, err := writeReadings(ctx, own, base)
	if err != nil {
		return nil, fmt.Errorf("embedded: %w", err)
	}
	theirs, err := writeReadings(ctx, peer, base)
	if err != nil {
		return nil, fmt.Errorf("victoria-metrics: %w", err)
	}
	if err := victoria.Flush(ctx); err != nil {
		return nil, err
	}
	ourQuery, err := askMeans(ctx, own, base)
	if err != nil {
		return nil, fmt.Errorf("embedded: %w", err)
	}
	theirQuery, err := askMeans(ctx, peer, base)
	if err != nil {
		return nil, fmt.Errorf("victoria-metrics: %w", err)
	}
	long, err := longSeries(ctx, dir)
	if err != nil {
		return nil, err
	}
	return append([]Result{
		Rate("tsdb.write", ours, "samples/s", "victoria-metrics", theirs, 1),
		Cost("tsdb.query_p50", ourQuery, "ms", "victoria-metrics", theirQuery, 1),
	}, long...), nil
}

// writeReadings writes minute after minute and returns samples per second.
func writeReadings(ctx context.Context, db tsdb.DB, base time.Time) (float64, error) {
	labels := make([]map[string]string, tsdbSeries)
	for i := range labels {
		labels[i] = deviceLabels(i)
	}
	begin := time.Now()
	for minute := range tsdbMinutes {
		batch := make([]tsdb.Sample, tsdbSeries)
		for i := range batch {
			at := base.Add(time.Duration(minute) * time.Minute)
			batch[i] = tsdb.Sample{Metric: "bench_reading", Labels: labels[i], Value: float64(minute+i) / 10, At: at}
		}
		if err := db.Write(ctx, batch); err != nil {
			return 0, err
		}
	}
	return perSecond(tsdbMinutes*tsdbSeries, time.Since(begin)), nil
}

func deviceLabels(i int) map[string]string {
	return map[string]string{"edge": benchEdge, "device": fmt.Sprintf("sensor-%04d", i), "quantity": "level", "unit": "m"}
}

// askMeans asks for the means of ten minutes over the whole range, for one series after the other, and returns the median in milliseconds.
func askMeans(ctx context.Context, db tsdb.DB, base time.Time) (float64, error) {
	var took []time.Duration
	for i := range 50 {
		begin := time.Now()
		got, err := db.Query(ctx, tsdb.Selector{
			Metric: "bench_reading", Labels: map[string]string{"device": fmt.Sprintf("sensor-%04d", i*7)},
			From: base, To: base.Add(tsdbMinutes * time.Minute), Step: 10 * time.Minute,
		})
		if err != nil {
			return 0, err
		}
		if len(got) != 1 || len(got[0].Points) != tsdbMinutes/10 {
			return 0, fmt.Errorf("query %d: not one series of %d means", i, tsdbMinutes/10)
		}
		took = append(took, time.Since(begin))
	}
	return millis(percentile(took, 50)), nil
}
