package main

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the peer: bare inserts

	"gridgate/central/correlate"
	centralingest "gridgate/central/ingest"
	"gridgate/central/store"
	"gridgate/central/store/objects"
	"gridgate/central/store/sqlite"
)

// How delivery sends: every batch is sent once, by one of the clients, over a connection of its own, and every receipt is read.
const (
	deliveryBatches = 2000
	deliveryBatch   = 100
	deliveryClients = 8
)

// Bars of the design on two cores, the clients included, in alerts a second.
const (
	sqliteBar     = 35_000
	sqliteFullBar = 20_000
)

// deliveryParts are the figures of delivery.
var deliveryParts = []Part{
	{Name: "sqlite", Run: deliverySQLite},
	{Name: "sqlite_5m", Limit: 20 * time.Minute, Run: deliverySQLiteFull},
	{Name: "storm", Run: deliveryStorm},
}

// deliverySQLite sends alerts over HTTP to the real ingest over the real store. Beside it, in the same run: the same alerts to an
// Alertmanager, which keeps them in memory, and the same bytes into a bare table.
func deliverySQLite(ctx context.Context, dir string) ([]Result, error) {
	batches, err := newWorkload(1).batches(deliveryBatches, deliveryBatch)
	if err != nil {
		return nil, err
	}
	bare, err := bareInserts(ctx, filepath.Join(dir, "bare.db"), batches)
	if err != nil {
		return nil, fmt.Errorf("bare inserts: %w", err)
	}
	peer, err := alertmanagerRate(ctx, dir)
	if err != nil {
		return nil, fmt.Errorf("alertmanager: %w", err)
	}
	db, err := sqlite.Open(ctx, sqlite.Options{Path: filepath.Join(dir, "central.db")})
	if err != nil {
		return nil, err
	}
	defer db.Close()
	sent, err := deliver(ctx, dir, db, batches)
	if err != nil {
		return nil, err
	}
	return append(figures("delivery.sqlite", sent, sqliteBar),
		Rate("delivery.sqlite_vs_alertmanager", sent.rate, "alerts/s", "alertmanager, in memory", peer, 0.3),
		Rate("delivery.sqlite_vs_insert", sent.rate, "alerts/s", "bare SQLite insert", bare, 0.2),
	), nil
}

// figures are what is told of one delivery.
func figures(name string, sent delivered, bar float64) []Result {
	return []Result{
		Rate(name, sent.rate, "alerts/s", "design", bar, 1),
		Note(name+"_alert_cpu", millis(sent.cpu)*1000/float64(len(sent.took)*deliveryBatch), "us"),
		Note(name+"_batch_p99", millis(percentile(sent.took, 99)), "ms"),
	}
}

// deliverySQLiteFull sends the same alerts to a database that holds five million.
func deliverySQLiteFull(ctx context.Context, dir string) ([]Result, error) {
	path := filepath.Join(dir, "central.db")
	if err := preloaded(ctx, path); err != nil {
		return nil, fmt.Errorf("preload: %w", err)
	}
	batches, err := newWorkload(2).batches(deliveryBatches, deliveryBatch)
	if err != nil {
		return nil, err
	}
	db, err := sqlite.Open(ctx, sqlite.Options{Path: path})
	if err != nil {
		return nil, err
	}
	defer db.Close()
	sent, err := deliver(ctx, dir, db, batches)
	if err != nil {
		return nil, err
	}
	return figures("delivery.sqlite_5m", sent, sqliteFullBar), nil
}

// bareInserts writes every event as a row with a unique id, one synced commit for each batch, by one prepared statement:
// what the database can do without decoding, correlating and answering.
func bareInserts(ctx context.Context, path string, batches [][]event) (float64, error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		return 0, err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, `CREATE TABLE bare (id TEXT NOT NULL UNIQUE, body BLOB NOT NULL)`); err != nil {
		return 0, err
	}
	begin := time.Now()
	for _, events := range batches {
		if err := bareCommit(ctx, db, events); err != nil {
			return 0, err
		}
	}
	return perSecond(len(batches)*deliveryBatch, time.Since(begin)), nil
}

func bareCommit(ctx context.Context, db *sql.DB, events []event) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	insert, err := tx.PrepareContext(ctx, `INSERT OR IGNORE INTO bare VALUES (?, ?)`)
	if err != nil {
		return err
	}
	defer insert.Close()
	for _, e := range events {
		if _, err := insert.ExecContext(ctx, e.id, e.body); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// delivered is what a delivery took; cpu is that of this process, clients and server.
type delivered struct {
	timed
	accepted int64 // by their receipts
	cpu      time.Duration
}

// deliver sends batches to an ingest over db and checks that each different alert was taken once.
func deliver(ctx context.Context, dir string, db store.Store, batches [][]event) (sent delivered, err error) {
	before, err := gathered(ctx, db)
	if err != nil {
		return sent, err
	}
	base, stop, err := serveIngest(ctx, dir, db)
	if err != nil {
		return sent, err
	}
	defer stop()
	cpu := cpuTime()
	if sent, err = sendAll(ctx, base, batches); err != nil {
		return sent, err
	}
	sent.cpu = cpuTime() - cpu
	return sent, checkDelivered(ctx, db, before, sent.accepted, batches)
}

// serveIngest serves the ingest on loopback until stop.
func serveIngest(ctx context.Context, dir string, db store.Store) (base string, stop func(), err error) {
	pictures, err := objects.Open(filepath.Join(dir, "objects"))
	if err != nil {
		return "", nil, err
	}
	server, err := centralingest.New(centralingest.Options{
		Store: db, Decide: correlate.ByKey, Objects: pictures, Readings: noReadings{}, Quota: centralingest.Quota{Events: -1, Batches: -1},
		Authorize: func(*http.Request) (centralingest.Principal, error) {
			return centralingest.Principal{Name: benchEdge, Edge: benchEdge}, nil
		},
	})
	if err != nil {
		return "", nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	web := &http.Server{Handler: server.Handler(), ReadHeaderTimeout: time.Second}
	running, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { _ = server.Run(running) })
	wg.Go(func() { _ = web.Serve(listener) })
	return "http://" + listener.Addr().String(), func() {
		_ = web.Close()
		cancel()
		wg.Wait()
	}, nil
}

// gathered is how many alerts the cases have.
func gathered(ctx context.Context, db store.Store) (n int64, err error) {
	for q := (store.Query{Limit: 500}); ; {
		page, next, err := db.Cases(ctx, q)
		if err != nil {
			return 0, err
		}
		for _, c := range page {
			n += c.Alerts
		}
		if q.Cursor = next; next == "" {
			return n, nil
		}
	}
}

// checkDelivered: every different alert was accepted once, whatever was sent twice, and the cases gathered all but some clears: one
// that overtook the first alert of its key has no case.
func checkDelivered(ctx context.Context, db store.Store, before, accepted int64, batches [][]event) error {
	ids := make(map[string]bool)
	clears := int64(0)
	for _, events := range batches {
		for _, e := range events {
			if !ids[e.id] && e.clear {
				clears++
			}
			ids[e.id] = true
		}
	}
	after, err := gathered(ctx, db)
	if err != nil {
		return err
	}
	want := int64(len(ids))
	if got := after - before; accepted != want || got > want || got < want-clears {
		return fmt.Errorf("of %d different alerts %d were accepted and %d gathered", want, accepted, got)
	}
	return nil
}
