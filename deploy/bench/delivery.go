package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	_ "modernc.org/sqlite" // the peer: bare inserts

	"gridgate/central/correlate"
	centralingest "gridgate/central/ingest"
	"gridgate/central/store"
	"gridgate/central/store/objects"
	"gridgate/central/store/sqlite"
	"gridgate/central/tsdb"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// The delivery workload: every batch is sent once, by one of the clients; every 20th alert stands twice in its batch.
const (
	deliveryBatches = 1000
	deliveryBatch   = 100
	deliveryClients = 8
)

// deliveryTarget is what the design wants on two cores, the clients included.
const deliveryTarget = 35_000

// delivery sends alerts over HTTP to the real ingest over the real store, and inserts the same bytes into a bare table.
func delivery(ctx context.Context, dir string) ([]Result, error) {
	batches, distinct, err := encodeBatches(deliveryBatches)
	if err != nil {
		return nil, err
	}
	bare, err := bareInserts(ctx, filepath.Join(dir, "bare.db"), batches)
	if err != nil {
		return nil, fmt.Errorf("bare inserts: %w", err)
	}
	db, err := sqlite.Open(ctx, sqlite.Options{Path: filepath.Join(dir, "central.db")})
	if err != nil {
		return nil, err
	}
	defer db.Close()
	before := cpuTime()
	sent, err := deliver(ctx, dir, db, batches)
	if err != nil {
		return nil, err
	}
	cpu := cpuTime() - before
	if err := checkDelivered(ctx, db, distinct); err != nil {
		return nil, err
	}
	return []Result{
		Rate("delivery.sqlite_vs_insert", sent.rate, "alerts/s", "bare SQLite insert", bare, 0.1),
		Rate("delivery.sqlite", sent.rate, "alerts/s", "design", deliveryTarget, 1),
		Note("delivery.alert_cpu", millis(cpu)*1000/(deliveryBatches*deliveryBatch), "us"),
		Note("delivery.batch_p99", millis(percentile(sent.took, 99)), "ms"),
	}, nil
}

// encodeBatches makes the workload and says how many different alerts it holds.
func encodeBatches(n int) (batches [][][]byte, distinct int, err error) {
	now := time.Now()
	for b := range n {
		events := make([][]byte, deliveryBatch)
		for i := range events {
			if i%20 == 19 {
				events[i] = events[i-1]
				continue
			}
			if events[i], err = alert.Encode(makeAlert(b*deliveryBatch+i, now)); err != nil {
				return nil, 0, err
			}
			distinct++
		}
		batches = append(batches, events)
	}
	return batches, distinct, nil
}

// bareInserts writes every event as a row with a unique id, one synced commit for each batch, by one prepared statement:
// what the database can do without decoding, correlating and answering.
func bareInserts(ctx context.Context, path string, batches [][][]byte) (float64, error) {
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

func bareCommit(ctx context.Context, db *sql.DB, events [][]byte) error {
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
		if _, err := insert.ExecContext(ctx, alert.PeekID(e), e); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// deliver serves the ingest on loopback and sends all batches from a few clients.
func deliver(ctx context.Context, dir string, db *sqlite.Store, batches [][][]byte) (timed, error) {
	pictures, err := objects.Open(filepath.Join(dir, "objects"))
	if err != nil {
		return timed{}, err
	}
	server, err := centralingest.New(centralingest.Options{
		Store: db, Decide: correlate.ByKey, Objects: pictures, Readings: noReadings{},
		Authorize: func(*http.Request) (centralingest.Principal, error) {
			return centralingest.Principal{Name: benchEdge, Edge: benchEdge}, nil
		},
	})
	if err != nil {
		return timed{}, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return timed{}, err
	}
	web := &http.Server{Handler: server.Handler(), ReadHeaderTimeout: time.Second}
	running, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { _ = server.Run(running) })
	wg.Go(func() { _ = web.Serve(listener) })
	defer wg.Wait()
	defer stop()
	defer web.Close()
	return sendAll(ctx, "http://"+listener.Addr().String(), batches)
}

// noReadings takes no reading: the workload has none.
type noReadings struct{}

// Write refuses.
func (noReadings) Write(context.Context, []tsdb.Sample) error { return errors.ErrUnsupported }

func sendAll(ctx context.Context, base string, batches [][][]byte) (timed, error) {
	todo := make(chan []byte, len(batches))
	for _, events := range batches {
		todo <- alert.EncodeBatch(events)
	}
	close(todo)
	var mu sync.Mutex
	var all timed
	var failed error
	var wg sync.WaitGroup
	begin := time.Now()
	for range deliveryClients {
		wg.Go(func() {
			took, err := sendSome(ctx, base, todo)
			mu.Lock()
			defer mu.Unlock()
			all.took = append(all.took, took...)
			failed = errors.Join(failed, err)
		})
	}
	wg.Wait()
	all.rate = perSecond(len(all.took)*deliveryBatch, time.Since(begin))
	return all, failed
}

// sendSome sends batches over a connection of its own until there are no more.
func sendSome(ctx context.Context, base string, todo <-chan []byte) (took []time.Duration, err error) {
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for body := range todo {
		begin := time.Now()
		if err := send(ctx, client, base, body); err != nil {
			return took, err
		}
		took = append(took, time.Since(begin))
	}
	return took, nil
}

func send(ctx context.Context, client *http.Client, base string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+ingest.EventsPath, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", alert.BatchContentType)
	req.Header.Set(ingest.LaneHeader, string(alert.Normal))
	req.Header.Set(ingest.SchemaHeader, fmt.Sprint(ingest.SchemaVersion))
	answer, err := client.Do(req)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 512))
		return fmt.Errorf("central answered %s: %s", answer.Status, text)
	}
	var receipts ingest.Receipts
	if err := json.UnmarshalRead(answer.Body, &receipts); err != nil {
		return err
	}
	return checkReceipts(receipts)
}

func checkReceipts(r ingest.Receipts) error {
	if len(r.Receipts) != deliveryBatch {
		return fmt.Errorf("%d receipts for %d alerts", len(r.Receipts), deliveryBatch)
	}
	for _, one := range r.Receipts {
		if one.Outcome == ingest.Rejected {
			return fmt.Errorf("an alert was rejected: %s", one.Reason)
		}
	}
	return nil
}

// checkDelivered counts what the cases gathered: every alert once, whatever was sent twice.
func checkDelivered(ctx context.Context, db *sqlite.Store, want int) error {
	var gathered int64
	for q := (store.Query{Limit: 500}); ; {
		page, next, err := db.Cases(ctx, q)
		if err != nil {
			return err
		}
		for _, c := range page {
			gathered += c.Alerts
		}
		if q.Cursor = next; next == "" {
			break
		}
	}
	if gathered != int64(want) {
		return fmt.Errorf("the cases gathered %d alerts of %d", gathered, want)
	}
	return nil
}
