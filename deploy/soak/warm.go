package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"gridgate/deploy/faults/rig"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
	"gridgate/protocols/kit/backoff"
)

// What is sent and read before the watch begins: more than the page caches of central's database hold, so that what grows afterwards is
// no cache that fills.
const (
	warmBatches = 400
	warmDevices = 2000
	warmReads   = 40 // times that each of the lists is read
)

// warm fills central's caches.
func warm(ctx context.Context, load *rig.Load) error {
	to := &http.Client{Timeout: time.Minute}
	defer to.CloseIdleConnections()
	for n := range warmBatches {
		if err := offer(ctx, to, load, n); err != nil {
			return fmt.Errorf("fill central's caches: %w", err)
		}
	}
	for range warmReads {
		for _, list := range []string{"/v1/alerts?limit=200", "/v1/cases?limit=200", "/v1/cases?state=open&limit=200", "/v1/edges"} {
			if _, err := ask(ctx, to, load, http.MethodGet, list, nil); err != nil {
				return fmt.Errorf("read lists: %w", err)
			}
		}
	}
	return nil
}

// offer sends a batch until central takes it: it may ask to come again.
func offer(ctx context.Context, to *http.Client, load *rig.Load, n int) error {
	body, err := batch(n)
	if err != nil {
		return err
	}
	again := backoff.New(100*time.Millisecond, time.Second)
	for {
		status, err := ask(ctx, to, load, http.MethodPost, ingest.EventsPath, body)
		if err == nil || status != http.StatusTooManyRequests && status != http.StatusServiceUnavailable {
			return err
		}
		if !backoff.Wait(ctx, again.Next()) {
			return ctx.Err()
		}
	}
}

// batch are readings of the water level of as many devices, each a situation of its own.
func batch(n int) ([]byte, error) {
	events := make([][]byte, ingest.MaxBatch)
	for i := range events {
		device, now := fmt.Sprintf("warm-%04d", (n*ingest.MaxBatch+i)%warmDevices), time.Now()
		id := alert.NewID()
		var err error
		events[i], err = alert.Encode(alert.Alert{
			ID: id, Source: alert.SensorSource("warm", device), Kind: alert.WaterLevel, State: alert.Raised, Situation: id,
			Key: alert.KeyOf("warm", device, "", alert.WaterLevel), Severity: alert.Minor, Grid: "330106109001003",
			OccurredAt: now, Clock: alert.EdgeClock, RaisedAt: now, Reading: &alert.Measure{Quantity: "level", Value: 1, Unit: "m"}, Origin: "soak",
		})
		if err != nil {
			return nil, err
		}
	}
	return alert.EncodeBatch(events), nil
}

func ask(ctx context.Context, to *http.Client, load *rig.Load, method, path string, body []byte) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, method, load.CentralURL()+path, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Authorization", "Bearer "+load.Token())
	if body != nil {
		req.Header.Set("Content-Type", alert.BatchContentType)
		req.Header.Set(ingest.LaneHeader, string(alert.Normal))
		req.Header.Set(ingest.SchemaHeader, fmt.Sprint(ingest.SchemaVersion))
	}
	resp, err := to.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 8<<20))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %.200s", path, resp.Status, text)
	}
	return resp.StatusCode, err
}
