package ingest_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"gridgate/central/correlate"
	"gridgate/central/ingest"
	"gridgate/central/store/sqlite"
	"gridgate/protocols/alert"
	contract "gridgate/protocols/ingest"
)

// central starts a server on a real database and a real connection.
func central(b *testing.B) string {
	s, err := sqlite.Open(b.Context(), sqlite.Options{Path: filepath.Join(b.TempDir(), "central.db")})
	if err != nil {
		b.Fatal(err)
	}
	srv, err := ingest.New(ingest.Options{Store: s, Decide: correlate.ByKey, Objects: &shelf{}, Readings: &samples{}, Authorize: authorize})
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = srv.Run(ctx) })
	web := httptest.NewServer(srv.Handler())
	b.Cleanup(func() {
		web.Close()
		stop()
		wg.Wait()
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	return web.URL + contract.EventsPath
}

// load makes batches over 5,000 keys; every twentieth alert repeats one of the batch before.
func load(b *testing.B, batches, size int) [][]byte {
	var out, last [][]byte
	n := 0
	for range batches {
		events := make([][]byte, size)
		for i := range events {
			if i%20 == 19 && last != nil {
				events[i] = last[i-1]
				continue
			}
			n++
			a, key := raised("edge-1"), (n*7919)%5000
			a.State, a.Situation = alert.Momentary, ""
			a.Source = alert.SensorSource("edge-1", fmt.Sprintf("s%04d", key))
			a.Key = fmt.Sprintf("edge-1/s%04d/gate/motion", key)
			a.Grid = fmt.Sprintf("330106109%06d", key/10)
			events[i] = encoded(b, a)
		}
		out, last = append(out, alert.EncodeBatch(events)), events
	}
	return out
}

func send(b *testing.B, url string, body []byte) {
	req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		b.Error(err)
		return
	}
	req.Header.Set("Authorization", "edge-1")
	req.Header.Set("Content-Type", alert.BatchContentType)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Error(err)
		return
	}
	defer func() { _ = resp.Body.Close() }()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		b.Errorf("status %d, %v", resp.StatusCode, err)
	}
}

// BenchmarkHTTP posts batches of 100 from 8 workers.
func BenchmarkHTTP(b *testing.B) {
	http.DefaultTransport.(*http.Transport).MaxIdleConnsPerHost = 16
	const size, workers = 100, 8
	url := central(b)
	bodies := make(chan []byte, b.N)
	for _, body := range load(b, b.N, size) {
		bodies <- body
	}
	close(bodies)
	b.ResetTimer()
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for body := range bodies {
				send(b, url, body)
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "alerts/s")
}

// BenchmarkSinglePost posts one alert at a time and reports how long it took to be committed.
func BenchmarkSinglePost(b *testing.B) {
	url := central(b)
	bodies := load(b, b.N, 1)
	took := make([]time.Duration, 0, b.N)
	b.ResetTimer()
	for _, body := range bodies {
		began := time.Now()
		send(b, url, body)
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}
