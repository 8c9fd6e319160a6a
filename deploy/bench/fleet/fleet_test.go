package fleet

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"gridgate/central/auth"
	centralfleet "gridgate/central/fleet"
	"gridgate/central/store"
	"gridgate/central/tsdb"
	"gridgate/edge/forward"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
	"gridgate/protocols/kit/tlspin"
)

// centre is central's own handler of syncs, and one that takes alerts, over TLS.
type centre struct {
	*httptest.Server
	mu     sync.Mutex
	syncs  map[string]int
	alerts map[string]bool
	owners map[string]string // of connections, by the remote address
	shared bool
	refuse bool
}

func newCentre(t *testing.T) *centre {
	t.Helper()
	c := &centre{syncs: map[string]int{}, alerts: map[string]bool{}, owners: map[string]string{}}
	mux := http.NewServeMux()
	mux.Handle("POST "+centralfleet.Path, centralfleet.New(centralfleet.Options{Store: c, Series: c, Logger: slog.New(slog.DiscardHandler)}))
	mux.HandleFunc("POST "+ingest.EventsPath, c.take)
	c.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer token of ")
		c.owned(r.RemoteAddr, name)
		mux.ServeHTTP(w, r.WithContext(auth.With(r.Context(), auth.Principal{Name: name, Edge: name})))
	}))
	c.EnableHTTP2 = true
	c.StartTLS()
	t.Cleanup(c.Close)
	return c
}

// owned notes whose request came over a connection.
func (c *centre) owned(address, name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if was, known := c.owners[address]; known && was != name {
		c.shared = true
	}
	c.owners[address] = name
}

func (c *centre) SaveSync(_ context.Context, edges ...store.Edge) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refuse {
		return errors.New("refused")
	}
	for _, e := range edges {
		c.syncs[e.ID]++
	}
	return nil
}

func (c *centre) Write(_ context.Context, samples []tsdb.Sample) error {
	for _, s := range samples {
		if err := s.Validate(); err != nil {
			return err
		}
	}
	return nil
}

func (c *centre) take(w http.ResponseWriter, r *http.Request) {
	var body io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "zstd" {
		z, err := zstd.NewReader(body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		defer z.Close()
		body = z
	}
	batch, err := io.ReadAll(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	events, err := alert.SplitBatch(batch, 1)
	if err != nil || len(events) != 1 {
		http.Error(w, "not one event", http.StatusBadRequest)
		return
	}
	outcome := ingest.Rejected
	event, err := alert.DecodeEvent(events[0])
	if err == nil && strings.HasPrefix(event.Alert.Source, "/edges/"+strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer token of ")+"/") {
		outcome = ingest.Accepted
	}
	c.mu.Lock()
	c.alerts[event.Alert.ID] = true
	c.mu.Unlock()
	_ = json.NewEncoder(w).Encode(ingest.Receipts{Receipts: []ingest.Receipt{{ID: event.Alert.ID, Outcome: outcome}}})
}

func (c *centre) trust(t *testing.T) tlspin.Trust {
	t.Helper()
	sum := sha256.Sum256(c.Certificate().Raw)
	trust, err := tlspin.New(nil, hex.EncodeToString(sum[:]))
	if err != nil {
		t.Fatal(err)
	}
	return trust
}

// run lets a fleet of n run until enough is true of what happened, and returns that.
func (c *centre) run(t *testing.T, n int, enough func(Tally) bool) Tally {
	t.Helper()
	name := func(i int) string { return fmt.Sprintf("edge-%d", i) }
	f, err := New(Options{
		URL: c.URL, Trust: c.trust(t), Edges: n, Name: name, Token: func(i int) string { return "token of " + name(i) },
		Every: 50 * time.Millisecond, Senders: 2, AlertEvery: 10 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx) }()
	all := newTally()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !enough(all) {
		<-tick.C
		got := f.Take()
		all.Syncs, all.Alerts = append(all.Syncs, got.Syncs...), append(all.Alerts, got.Alerts...)
		for i, n := range got.Edges {
			all.Edges[i] += n
		}
		for why, n := range got.Failures {
			all.Failures[why] += n
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return all
}

// Every report is one that central's own handler takes, every alert one that it can read, and nobody shares a connection.
func TestEachEdgeHasItsOwnConnection(t *testing.T) {
	c := newCentre(t)
	const n = 6
	got := c.run(t, n, func(all Tally) bool {
		for i := range n {
			if all.Edges[i] < 3 {
				return false
			}
		}
		return len(all.Alerts) > 4
	})
	if got.Failed() > 0 {
		t.Errorf("failures: %v", got.Failures)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.shared || len(c.owners) != n {
		t.Errorf("%d connections for %d edges, shared: %v", len(c.owners), n, c.shared)
	}
	if len(c.syncs) != n || len(c.alerts) < 5 {
		t.Errorf("syncs of %d edges, %d alerts", len(c.syncs), len(c.alerts))
	}
}

func TestFailuresAreCounted(t *testing.T) {
	c := newCentre(t)
	c.refuse = true
	got := c.run(t, 2, func(all Tally) bool { return all.Failed() > 0 })
	if got.Failures["sync: central answered 503 Service Unavailable"] == 0 || len(got.Syncs) > 0 {
		t.Errorf("%d syncs, failures: %v", len(got.Syncs), got.Failures)
	}
}

func TestReasons(t *testing.T) {
	for want, err := range map[string]error{
		"central answered 503 Service Unavailable": fmt.Errorf("sync: %w", &forward.StatusError{Status: 503}),
		"no answer in time":                        fmt.Errorf("sync: %w", context.DeadlineExceeded),
		"too many open files":                      fmt.Errorf("sync: %w", syscall.EMFILE),
		errNotTaken.Error():                        errNotTaken,
		"the connection failed":                    io.ErrUnexpectedEOF,
	} {
		if got := reason(err); got != want {
			t.Errorf("%v is %q, want %q", err, got, want)
		}
	}
}

func TestSyncsAreSpreadEvenly(t *testing.T) {
	for i, want := range []time.Duration{0, 15 * time.Second, 30 * time.Second, 45 * time.Second} {
		if got := offset(i, 4, time.Minute); got != want {
			t.Errorf("edge %d begins after %v, want %v", i, got, want)
		}
	}
}

func TestOptionsAreDemanded(t *testing.T) {
	if _, err := New(Options{URL: "https://central.example"}); err == nil {
		t.Error("a fleet of nobody")
	}
}

func TestFiles(t *testing.T) {
	if err := Files(64); err != nil {
		t.Error(err)
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || limit.Cur < 64 {
		t.Errorf("%+v, %v", limit, err)
	}
}
