package ingest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/prometheus/client_golang/prometheus"

	"gridgate/central/cases"
	"gridgate/central/ingest"
	"gridgate/central/store"
	"gridgate/central/tsdb"
	"gridgate/deploy/testkit/leak"
	"gridgate/protocols/alert"
	contract "gridgate/protocols/ingest"
)

func TestMain(m *testing.M) { leak.Main(m) }

var t0 = time.Date(2026, 3, 1, 20, 0, 0, 0, time.UTC)

// memory is a store that keeps ids, waits where it is told and refuses what it is told.
type memory struct {
	mu       sync.Mutex
	ids      map[string]bool
	groups   []int         // alerts of each call
	entered  chan struct{} // nil, or told when a call begins
	proceed  chan struct{} // nil, or what each call waits for
	poison   string        // an id that breaks the call
	broken   error         // breaks every call
	evidence []alert.Evidence
	told     []store.Delivery
	senders  []string // the edges of each call, in order
	gaps     []store.Tally
	orphans  []string
}

func (m *memory) NoteOrphan(_ context.Context, digest string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.orphans = append(m.orphans, digest)
	return m.broken
}

func (m *memory) Gaps(context.Context) ([]store.Tally, error) { return m.gaps, m.broken }

func (m *memory) Ingest(_ context.Context, g store.Group, _ store.Decider, _ time.Time) ([]contract.Outcome, error) {
	if m.proceed != nil {
		m.entered <- struct{}{}
		<-m.proceed
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	alerts := g.Alerts
	for _, a := range alerts {
		if m.broken != nil || a.ID == m.poison {
			return nil, errors.Join(m.broken, errors.New("disk on fire"))
		}
	}
	m.groups, m.told = append(m.groups, len(alerts)), append(m.told, g.Deliveries...)
	edges := ""
	for _, a := range alerts {
		edges += strings.Split(a.Source, "/")[2] + " "
	}
	m.senders = append(m.senders, edges)
	out := make([]contract.Outcome, len(alerts))
	for i, a := range alerts {
		out[i] = contract.Accepted
		if m.ids[a.ID] {
			out[i] = contract.Duplicate
		}
		m.ids[a.ID] = true
	}
	return out, nil
}

func (m *memory) AddEvidence(_ context.Context, evidence []alert.Evidence, _ time.Time) ([]contract.Outcome, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.evidence = append(m.evidence, evidence...)
	out := make([]contract.Outcome, len(evidence))
	for i := range out {
		out[i] = contract.Accepted
	}
	return out, nil
}

// shelf keeps no object; it answers what it is told.
type shelf struct {
	created bool
	err     error
	got     []byte
}

func (s *shelf) Put(_ context.Context, _ string, r io.Reader, _ int64) (bool, error) {
	if s.err != nil || !s.created {
		return false, s.err
	}
	var err error
	s.got, err = io.ReadAll(r)
	return true, err
}

// samples takes samples, or answers what it is told.
type samples struct {
	got []tsdb.Sample
	err error
}

func (s *samples) Write(_ context.Context, in []tsdb.Sample) error {
	s.got = append(s.got, in...)
	return s.err
}

// fixture is a server with its surroundings.
type fixture struct {
	*ingest.Server
	memory   *memory
	shelf    *shelf
	samples  *samples
	registry *prometheus.Registry
	commits  chan struct{}
}

// tokens are who the tests post as.
var tokens = map[string]ingest.Principal{
	"edge-1":  {Name: "edge-1", Edge: "edge-1"},
	"edge-2":  {Name: "edge-2", Edge: "edge-2"},
	"foreign": {Name: "weather service", Scopes: []string{ingest.ScopeEvents}},
	"reader":  {Name: "dashboard", Scopes: []string{"read"}},
}

func authorize(r *http.Request) (ingest.Principal, error) {
	switch name := r.Header.Get("Authorization"); {
	case name == "broken":
		return ingest.Principal{}, errors.New("no database")
	case tokens[name].Name == "":
		return ingest.Principal{}, ingest.ErrUnauthorized
	default:
		return tokens[name], nil
	}
}

// serve starts a server; change alters its options. It is stopped, and waited for, at the end of the test.
func serve(t *testing.T, change ...func(*ingest.Options)) *fixture {
	t.Helper()
	f := newFixture(t, change...)
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := f.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		stop()
		wg.Wait()
	})
	return f
}

// newFixture makes a server without running it.
func newFixture(t *testing.T, change ...func(*ingest.Options)) *fixture {
	t.Helper()
	f := &fixture{
		memory: &memory{ids: make(map[string]bool)}, shelf: &shelf{created: true}, samples: &samples{},
		registry: prometheus.NewRegistry(), commits: make(chan struct{}, 100),
	}
	o := ingest.Options{
		Store: f.memory, Objects: f.shelf, Readings: f.samples, Authorize: authorize, Registerer: f.registry,
		Decide:   func(*cases.Case, []store.Received, func(string) bool, time.Time) []cases.Event { return nil },
		OnCommit: func() { f.commits <- struct{}{} },
		Now:      func() time.Time { return t0 },
	}
	for _, c := range change {
		c(&o)
	}
	s, err := ingest.New(o)
	if err != nil {
		t.Fatal(err)
	}
	f.Server = s
	return f
}

// request is what a test sends; the zero fields are those of edge-1 posting a batch.
type request struct {
	method, path, token, typ, coding string
	headers                          map[string]string
	body                             []byte
}

func (f *fixture) do(r request) *httptest.ResponseRecorder {
	or := func(s, otherwise string) string {
		if s == "" {
			return otherwise
		}
		return s
	}
	req := httptest.NewRequest(or(r.method, "POST"), or(r.path, contract.EventsPath), bytes.NewReader(r.body))
	req.Header.Set("Authorization", or(r.token, "edge-1"))
	req.Header.Set("Content-Type", or(r.typ, alert.BatchContentType))
	if r.coding != "" {
		req.Header.Set("Content-Encoding", r.coding)
	}
	for k, v := range r.headers {
		req.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	f.Handler().ServeHTTP(w, req)
	return w
}

// raised returns a raised alert of a camera of an edge.
func raised(edge string) alert.Alert {
	id := alert.NewID()
	return alert.Alert{
		ID: id, Source: alert.CameraSource(edge, "cam"), Kind: alert.Motion, State: alert.Raised, Situation: id,
		Key: alert.KeyOf(edge, "cam", "gate", alert.Motion), Severity: alert.Minor, Grid: "330106109001",
		OccurredAt: t0, RaisedAt: t0, Clock: alert.EdgeClock, Origin: "motion",
	}
}

func encoded(t testing.TB, a alert.Alert) []byte {
	t.Helper()
	b, err := alert.Encode(a)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func batchOf(t testing.TB, alerts ...alert.Alert) []byte {
	t.Helper()
	var events [][]byte
	for _, a := range alerts {
		events = append(events, encoded(t, a))
	}
	return alert.EncodeBatch(events)
}

func zipped(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func zstded(t testing.TB, b []byte) []byte {
	t.Helper()
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = z.Close() }()
	return z.EncodeAll(b, nil)
}
