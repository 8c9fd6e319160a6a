package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"gridgate/central/tsdb"
	"gridgate/central/tsdb/embedded"
	"gridgate/central/tsdb/embedded/rollup"
)

// The roll-up of the workload: a year of hours of every series.
const (
	rollDays   = 365
	rollAtOnce = 5 // days of all series in one transaction
)

// longSeries measures a year of roll-ups, and what a series costs in memory.
func longSeries(ctx context.Context, dir string) ([]Result, error) {
	dir = filepath.Join(dir, "year")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	end := time.Now().UTC().Truncate(24 * time.Hour)
	rate, err := rollYear(ctx, dir, end)
	if err != nil {
		return nil, fmt.Errorf("roll up a year: %w", err)
	}
	size, err := folderBytes(dir)
	if err != nil {
		return nil, err
	}
	db, err := embedded.Open(embedded.Options{Dir: dir, RollUpEvery: time.Hour})
	if err != nil {
		return nil, err
	}
	defer db.Close()
	one, err := askYear(ctx, db, end, time.Hour, 50, 1)
	if err != nil {
		return nil, err
	}
	hundred, err := askYear(ctx, db, end, 24*time.Hour, 5, 100)
	if err != nil {
		return nil, err
	}
	perSeries, err := seriesMemory(ctx, db)
	if err != nil {
		return nil, err
	}
	return []Result{
		Note("tsdb.rollup_put", rate, "hours/s"),
		Note("tsdb.rollup_bytes_per_hour", size/(tsdbSeries*rollDays*24), "B"),
		Note("tsdb.rollup_year_1_series_hourly_p50", one, "ms"),
		Note("tsdb.rollup_year_100_series_daily_p50", hundred, "ms"),
		Note("tsdb.memory_per_series", perSeries, "B"),
	}, nil
}

// rollYear puts the hours of a year and returns how many a second.
func rollYear(ctx context.Context, dir string, end time.Time) (float64, error) {
	store, err := rollup.Open(dir)
	if err != nil {
		return 0, err
	}
	defer store.Close()
	begin := time.Now()
	for back := rollDays; back > 0; back -= rollAtOnce {
		var rows []rollup.Row
		for day := back; day > back-rollAtOnce; day-- {
			ms := end.AddDate(0, 0, -day).UnixMilli()
			for i := range tsdbSeries {
				rows = append(rows, rollRow(i, ms))
			}
		}
		if err := store.Put(ctx, rows, nil, rows[len(rows)-1].Ms+rollup.DayMs); err != nil {
			return 0, err
		}
	}
	return perSecond(tsdbSeries*rollDays*24, time.Since(begin)), nil
}

func rollRow(i int, ms int64) rollup.Row {
	r := rollup.Row{Metric: "bench_reading", Day: rollup.Day{Series: tsdb.SeriesID("bench_reading", deviceLabels(i)), Ms: ms}}
	for hour := range r.Hours {
		v := float64(i+hour) / 10
		r.Hours[hour] = tsdb.Bucket{Sum: 60 * v, Min: v - 1, Max: v + 1, Last: v, Count: 60}
	}
	return r
}

// askYear asks for a year of so many series and returns the median in milliseconds.
func askYear(ctx context.Context, db tsdb.DB, end time.Time, step time.Duration, times, series int) (float64, error) {
	var took []time.Duration
	for i := range times {
		s := tsdb.Selector{Metric: "bench_reading", From: end.AddDate(0, 0, -rollDays), To: end, Step: step, Limit: series}
		if series == 1 {
			s.Labels = map[string]string{"device": fmt.Sprintf("sensor-%04d", i*7)}
		}
		begin := time.Now()
		got, err := db.Query(ctx, s)
		if err != nil {
			return 0, err
		}
		if len(got) != series || len(got[0].Points) != int(rollDays*24*time.Hour/step) {
			return 0, fmt.Errorf("not %d series of %d steps", series, rollDays*24*time.Hour/step)
		}
		took = append(took, time.Since(begin))
	}
	return millis(percentile(took, 50)), nil
}

// seriesMemory writes two hours of new series, a point a minute, and returns the heap that one of them holds, in bytes.
func seriesMemory(ctx context.Context, db tsdb.DB) (float64, error) {
	const series, minutes = 20_000, 120
	before := heap()
	base := time.Now().UTC().Add(-minutes * time.Minute)
	for minute := range minutes {
		for first := 0; first < series; first += 1000 {
			batch := make([]tsdb.Sample, 1000)
			for i := range batch {
				labels := map[string]string{"edge": fmt.Sprintf("edge-%03d", (first+i)/100), "device": fmt.Sprintf("sensor-%05d", first+i), "grid": "110101001001001", "quantity": "level", "unit": "m"}
				batch[i] = tsdb.Sample{Metric: "bench_memory", Labels: labels, Value: float64(minute+i) / 10, At: base.Add(time.Duration(minute) * time.Minute)}
			}
			if err := db.Write(ctx, batch); err != nil {
				return 0, err
			}
		}
	}
	return float64(heap()-before) / series, nil
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse)
}

func folderBytes(dir string) (float64, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, err
	}
	total := 0.0
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return 0, err
		}
		total += float64(info.Size())
	}
	return total, nil
}
