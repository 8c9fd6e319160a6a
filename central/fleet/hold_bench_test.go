package fleet

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"gridgate/central/audit"
	"gridgate/central/auth"
	"gridgate/central/orders"
	"gridgate/central/store/sqlite"
	"gridgate/central/tsdb"
	"gridgate/protocols/ingest"
)

// heldEdges is as many as the descriptors of one process allow that is both sides of each connection.
const heldEdges = 9_500

type noLog struct{}

func (noLog) Record(context.Context, audit.Entry) error { return nil }

type noSeries struct{}

func (noSeries) Write(context.Context, []tsdb.Sample) error { return nil }

// BenchmarkHeldSyncs holds the syncs of thousands of edges over TCP, each saved first, and lets go of one after the other by an order. It tells
// what one costs in memory while it waits, and how long after the order was given its edge has it.
func BenchmarkHeldSyncs(b *testing.B) {
	db, err := sqlite.Open(b.Context(), sqlite.Options{Path: filepath.Join(b.TempDir(), "central.db")})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	o, err := orders.New(b.Context(), orders.Options{Store: db, Audit: noLog{}, Folder: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	h := New(Options{Store: db, Series: noSeries{}, Logger: slog.New(slog.DiscardHandler), Orders: o})
	mux := http.NewServeMux()
	mux.Handle("POST "+Path, h)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		edge := strings.Split(r.URL.Path, "/")[3]
		mux.ServeHTTP(w, r.WithContext(auth.With(r.Context(), auth.Principal{Name: edge, Edge: edge})))
	}))
	defer server.Close()
	defer o.Drain()
	before := memoryInUse()
	conns := holdAll(b, server.Listener.Addr().String(), o)
	defer func() {
		for _, c := range conns {
			_ = c.Close()
		}
	}()
	each := float64(memoryInUse()-before) / heldEdges
	var took []time.Duration
	n := 0
	for b.Loop() {
		took = append(took, wakeOne(b, o, fmt.Sprintf("edge-%d", n%heldEdges), conns[n%heldEdges], int64(n)))
		n++
	}
	slices.Sort(took)
	b.ReportMetric(each, "B/held")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "ms-p99")
	b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "ms-max")
}

func memoryInUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}

func syncOf(edge string) string {
	r := report()
	r.Now, r.StartedAt, r.WaitSec, r.Metrics = time.Now(), time.Now(), 50, nil
	data, err := json.Marshal(r)
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf("POST %s%s%s HTTP/1.1\r\nHost: central\r\nContent-Length: %d\r\n\r\n%s", ingest.SyncPrefix, edge, ingest.SyncSuffix, len(data), data)
}

// holdAll posts the sync of each edge, no more at a time than there are slots, and waits until all are held.
func holdAll(b *testing.B, address string, o *orders.Service) []net.Conn {
	b.Helper()
	conns := make([]net.Conn, heldEdges)
	for i := range conns {
		c, err := net.Dial("tcp", address)
		if err == nil {
			_, err = c.Write([]byte(syncOf(fmt.Sprintf("edge-%d", i))))
		}
		if err != nil {
			b.Fatal(err)
		}
		conns[i] = c
		for o.Held() < i+1-maxReports/2 {
			runtime.Gosched()
		}
	}
	for o.Held() < heldEdges {
		runtime.Gosched()
	}
	return conns
}

// wakeOne gives an order and waits until its edge has it.
func wakeOne(b *testing.B, o *orders.Service, edge string, c net.Conn, n int64) time.Duration {
	b.Helper()
	who := auth.Principal{Name: "night", Role: auth.Operator, Scopes: auth.ScopesOf(auth.Operator)}
	order := ingest.ModeOrder{Device: "gate", Mode: "armed", Until: time.Now().Add(time.Hour + time.Duration(n)*time.Second)}
	began := time.Now()
	if err := o.SetMode(b.Context(), who, edge, order, "", 0); err != nil {
		b.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		b.Fatal(err)
	}
	took := time.Since(began)
	var got ingest.SyncResponse
	if err := json.NewDecoder(answer.Body).Decode(&got); err != nil || got.Orders == nil {
		b.Fatalf("%+v, %v", got, err)
	}
	return took
}
