package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"gridgate/central/tsdb"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// noReadings takes no reading: the workload has none.
type noReadings struct{}

// Write refuses.
func (noReadings) Write(context.Context, []tsdb.Sample) error { return errors.ErrUnsupported }

func sendAll(ctx context.Context, base string, batches [][]event) (delivered, error) {
	todo := make(chan []byte, len(batches))
	for _, events := range batches {
		todo <- alert.EncodeBatch(bodies(events))
	}
	close(todo)
	var mu sync.Mutex
	var all delivered
	var failed error
	var wg sync.WaitGroup
	begin := time.Now()
	for range deliveryClients {
		wg.Go(func() {
			took, accepted, err := sendSome(ctx, base, todo)
			mu.Lock()
			defer mu.Unlock()
			all.took, all.accepted = append(all.took, took...), all.accepted+accepted
			failed = errors.Join(failed, err)
		})
	}
	wg.Wait()
	all.rate = perSecond(len(all.took)*len(batches[0]), time.Since(begin))
	return all, failed
}

// sendSome sends batches over a connection of its own until there are no more.
func sendSome(ctx context.Context, base string, todo <-chan []byte) (took []time.Duration, accepted int64, err error) {
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for body := range todo {
		begin := time.Now()
		n, err := send(ctx, client, base, body)
		if err != nil {
			return took, accepted, err
		}
		took, accepted = append(took, time.Since(begin)), accepted+n
	}
	return took, accepted, nil
}

func send(ctx context.Context, client *http.Client, base string, body []byte) (accepted int64, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+ingest.EventsPath, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", alert.BatchContentType)
	req.Header.Set(ingest.LaneHeader, string(alert.Normal))
	req.Header.Set(ingest.SchemaHeader, fmt.Sprint(ingest.SchemaVersion))
	answer, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 512))
		return 0, fmt.Errorf("central answered %s: %s", answer.Status, text)
	}
	var receipts ingest.Receipts
	if err := json.UnmarshalRead(answer.Body, &receipts); err != nil {
		return 0, err
	}
	return countAccepted(receipts)
}

func countAccepted(r ingest.Receipts) (n int64, err error) {
	if len(r.Receipts) != deliveryBatch {
		return 0, fmt.Errorf("%d receipts for %d alerts", len(r.Receipts), deliveryBatch)
	}
	for _, one := range r.Receipts {
		if one.Outcome == ingest.Rejected {
			return 0, fmt.Errorf("an alert was rejected: %s", one.Reason)
		}
		if one.Outcome == ingest.Accepted {
			n++
		}
	}
	return n, nil
}

func bodies(events []event) [][]byte {
	out := make([][]byte, len(events))
	for i, e := range events {
		out[i] = e.body
	}
	return out
}
