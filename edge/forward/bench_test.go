package forward

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"gridgate/edge/outbox"
	"gridgate/edge/raise"
	"gridgate/edge/raise/raisetest"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// quickCentral gives a receipt for everything at once, counts, and notes when the awaited ids came.
type quickCentral struct {
	*httptest.Server
	dec    *zstd.Decoder
	events atomic.Int64
	conns  atomic.Int64

	mu      sync.Mutex
	awaited map[string]chan struct{}
}

func newQuickCentral(tb testing.TB) *quickCentral {
	dec, err := zstd.NewReader(nil)
	if err != nil {
		tb.Fatal(err)
	}
	c := &quickCentral{dec: dec, awaited: map[string]chan struct{}{}}
	c.Server = httptest.NewUnstartedServer(http.HandlerFunc(c.receive))
	c.Server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			c.conns.Add(1)
		}
	}
	c.Server.Start()
	tb.Cleanup(func() { c.Close(); dec.Close() })
	return c
}

func (c *quickCentral) receive(w http.ResponseWriter, r *http.Request) {
	data, err := io.ReadAll(r.Body)
	if err == nil && r.Header.Get("Content-Encoding") == "zstd" {
		data, err = c.dec.DecodeAll(data, nil)
	}
	events, splitErr := alert.SplitBatch(data, ingest.MaxBatch)
	if err != nil || splitErr != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	var answer ingest.Receipts
	for _, e := range events {
		answer.Receipts = append(answer.Receipts, ingest.Receipt{ID: alert.PeekID(e), Outcome: ingest.Accepted})
	}
	c.note(answer.Receipts)
	writeJSON(w, answer)
}

func (c *quickCentral) note(receipts []ingest.Receipt) {
	c.events.Add(int64(len(receipts)))
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range receipts {
		if ch, ok := c.awaited[r.ID]; ok {
			close(ch)
			delete(c.awaited, r.ID)
		}
	}
}

// await returns a channel that is closed when central has an id.
func (c *quickCentral) await(id string) <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	ch := make(chan struct{})
	c.awaited[id] = ch
	return ch
}

// BenchmarkDrain drains a backlog of b.N alerts while a live one is raised every 20 ms. Run it with -benchtime=1000000x.
func BenchmarkDrain(b *testing.B) {
	now := time.Now().Add(-time.Hour)
	var age atomic.Pointer[time.Time]
	age.Store(&now)
	box, err := outbox.Open(b.Context(), outbox.Options{Dir: b.TempDir(), MaxBytes: 8 << 30, Now: func() time.Time {
		if t := age.Load(); t != nil {
			return *t
		}
		return time.Now()
	}})
	if err != nil {
		b.Fatal(err)
	}
	defer box.Close()
	fill(b, box, b.N)
	age.Store(nil)
	central := newQuickCentral(b)
	f, err := New(Options{Queue: box, Central: newClient(b, central.URL), Appended: box.Appended(), Urgent: box.Urgent()})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	var wg sync.WaitGroup
	b.ResetTimer()
	wg.Go(func() { f.Run(ctx) })
	waits := raiseLive(b, box, central, func() bool { return central.events.Load() >= int64(b.N) })
	b.StopTimer()
	cancel()
	wg.Wait()
	slices.Sort(waits)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "alerts/s")
	b.ReportMetric(float64(waits[len(waits)*99/100].Milliseconds()), "live-p99-ms")
	b.ReportMetric(float64(waits[len(waits)/2].Milliseconds()), "live-p50-ms")
	b.ReportMetric(float64(central.conns.Load()), "connections")
}

func fill(b *testing.B, box *outbox.Outbox, n int) {
	for n > 0 {
		var c raise.Commit
		for range min(n, 1000) {
			c.Alerts = append(c.Alerts, raisetest.Alert(alert.Door, n))
			n--
		}
		if _, err := box.Commit(b.Context(), c); err != nil {
			b.Fatal(err)
		}
	}
}

// raiseLive raises a live alert every 20 ms until done, and tells how long each took from its commit to central.
func raiseLive(b *testing.B, box *outbox.Outbox, central *quickCentral, done func() bool) (waits []time.Duration) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for i := 0; !done(); i++ {
		a := raisetest.Alert(alert.Door, i)
		came := central.await(a.ID)
		if _, err := box.Commit(b.Context(), raise.Commit{Alerts: []alert.Alert{a}}); err != nil {
			b.Fatal(err)
		}
		start := time.Now()
		wg.Go(func() {
			<-came
			mu.Lock()
			defer mu.Unlock()
			waits = append(waits, time.Since(start))
		})
		<-tick.C
	}
	wg.Wait()
	return waits
}
