package main

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"gridgate/central/correlate"
	"gridgate/central/store"
	"gridgate/central/store/sqlite"
	"gridgate/protocols/alert"
)

// The storm: 100,000 alerts of one key, over 10,000 open cases.
const (
	stormAlerts = 100_000
	stormReads  = 20 * time.Millisecond // between two reads
)

// stormBar is how long a first page of the case list may take meanwhile, in milliseconds: as long as the console allows any page.
const stormBar = 50

// deliveryStorm posts the storm while an operator keeps reading the list of cases.
func deliveryStorm(ctx context.Context, dir string) ([]Result, error) {
	db, err := sqlite.Open(ctx, sqlite.Options{Path: filepath.Join(dir, "central.db")})
	if err != nil {
		return nil, err
	}
	defer db.Close()
	return storm(ctx, dir, "delivery.storm", db)
}

// storm posts the storm to an empty store and reads its list of cases meanwhile.
func storm(ctx context.Context, dir, name string, db store.Store) ([]Result, error) {
	if err := openCases(ctx, db); err != nil {
		return nil, err
	}
	idle, err := readList(ctx, db, time.Second)
	if err != nil {
		return nil, err
	}
	batches, err := stormBatches()
	if err != nil {
		return nil, err
	}
	base, stop, err := serveIngest(ctx, dir, db)
	if err != nil {
		return nil, err
	}
	defer stop()
	reading, enough := context.WithCancel(ctx)
	var reads []time.Duration
	var readError error
	var wg sync.WaitGroup
	wg.Go(func() { reads, readError = readList(reading, db, time.Hour) })
	sent, err := sendAll(ctx, base, batches)
	enough()
	wg.Wait()
	if err == nil {
		err = readError
	}
	if err != nil {
		return nil, err
	}
	if err := checkStorm(ctx, db); err != nil {
		return nil, err
	}
	return []Result{
		AtMost(name+"_read_p99", millis(percentile(reads, 99)), "ms", stormBar),
		Note(name+"_idle_read_p99", millis(percentile(idle, 99)), "ms"),
		Note(name, sent.rate, "alerts/s"),
	}, nil
}

// openCases opens a case for each key of the workload.
func openCases(ctx context.Context, db store.Store) error {
	now := time.Now().UTC()
	group := make([]store.Received, benchDevices)
	for i := range group {
		group[i] = store.Received{Alert: makeAlert(i, now), ReceivedAt: now}
	}
	_, err := db.Ingest(ctx, store.Group{Alerts: group}, correlate.ByKey, now)
	return err
}

// stormBatches are alerts of the first key, each a situation of its own.
func stormBatches() ([][]event, error) {
	out := make([][]event, stormAlerts/deliveryBatch)
	for b := range out {
		out[b] = make([]event, deliveryBatch)
		for i := range out[b] {
			a := makeAlert(0, time.Now())
			body, err := alert.Encode(a)
			if err != nil {
				return nil, err
			}
			out[b][i] = event{id: a.ID, body: body}
		}
	}
	return out, nil
}

// readList reads the first page of the open cases again and again until ctx ends or for some time.
func readList(ctx context.Context, db store.Store, during time.Duration) (took []time.Duration, err error) {
	pause := time.NewTicker(stormReads)
	defer pause.Stop()
	for begin := time.Now(); time.Since(begin) < during; {
		started := time.Now()
		items, _, err := db.Cases(context.WithoutCancel(ctx), store.Query{State: "open", Limit: 50})
		if err != nil {
			return took, err
		}
		if len(items) != 50 {
			return took, fmt.Errorf("%d cases in a page", len(items))
		}
		took = append(took, time.Since(started))
		select {
		case <-pause.C:
		case <-ctx.Done():
			return took, nil
		}
	}
	return took, nil
}

// checkStorm: the storm is one case.
func checkStorm(ctx context.Context, db store.Store) error {
	newest, _, err := db.Alerts(ctx, store.Query{Limit: 1})
	if err != nil {
		return err
	}
	c, err := db.Case(ctx, newest[0].CaseID)
	if err != nil {
		return err
	}
	if c.Alerts != stormAlerts+1 {
		return fmt.Errorf("the storm is not one case of %d alerts: %+v", stormAlerts+1, c)
	}
	return nil
}
