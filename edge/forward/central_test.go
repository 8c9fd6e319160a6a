package forward

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/klauspost/compress/zstd"

	"gridgate/deploy/testkit/leak"
	"gridgate/edge/outbox"
	"gridgate/edge/raise"
	"gridgate/edge/raise/raisetest"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

func TestMain(m *testing.M) { leak.Main(m) }

const token = "edge-token"

// fakeCentral keeps events by id, as central does, and answers as trouble tells it to.
type fakeCentral struct {
	*httptest.Server
	t *testing.T

	mu       sync.Mutex
	stored   map[string]int // how often an id was sent and committed first
	order    []string       // lane of each request
	readings int
	objects  map[string]string
	refuse   int // status with which objects are refused; 0: none is
	puts     int // objects that came, refused ones too
	requests int
	// trouble sees a decoded batch before it is committed (after=false) and before it is answered (after=true). It returns
	// true if it has answered, or nil receipts to go on.
	trouble func(w http.ResponseWriter, ids []string, receipts []ingest.Receipt) (answered bool)
	headers func(http.Header) // sees those of each batch with numbers; nil: nobody does
	poison  map[string]bool   // a request that holds one of these ids is refused as a whole
}

func newCentral(t *testing.T) *fakeCentral {
	c := &fakeCentral{t: t, stored: map[string]int{}, objects: map[string]string{}, poison: map[string]bool{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+ingest.EventsPath, c.events)
	mux.HandleFunc("POST "+ingest.ReadingsPath, c.postReadings)
	mux.HandleFunc("PUT "+ingest.EvidencePath+"{sha256}", c.put)
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+token {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(c.Close)
	return c
}

func body(r *http.Request) ([]byte, error) {
	if r.Header.Get("Content-Encoding") == "" {
		return io.ReadAll(r.Body)
	}
	dec, err := zstd.NewReader(r.Body)
	if err != nil {
		return nil, err
	}
	defer dec.Close()
	return io.ReadAll(dec)
}

func (c *fakeCentral) events(w http.ResponseWriter, r *http.Request) {
	data, err := body(r)
	events, splitErr := alert.SplitBatch(data, ingest.MaxBatch)
	if err != nil || splitErr != nil || r.Header.Get(ingest.EpochHeader) == "" || r.Header.Get(ingest.SchemaHeader) != "1" {
		c.t.Errorf("bad batch: %v, %v, %v", err, splitErr, r.Header)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests++
	c.order = append(c.order, r.Header.Get(ingest.LaneHeader))
	if c.headers != nil {
		c.headers(r.Header)
	}
	var ids []string
	for _, e := range events {
		if _, err := alert.DecodeEvent(e); err != nil {
			c.t.Errorf("bad event: %v", err)
		}
		id := alert.PeekID(e)
		if c.poison[id] {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		ids = append(ids, id)
	}
	if c.trouble != nil && c.trouble(w, ids, nil) {
		return
	}
	var answer ingest.Receipts
	for _, id := range ids {
		outcome := ingest.Accepted
		if c.stored[id]++; c.stored[id] > 1 {
			outcome = ingest.Duplicate
		}
		answer.Receipts = append(answer.Receipts, ingest.Receipt{ID: id, Outcome: outcome})
	}
	if c.trouble != nil && c.trouble(w, ids, answer.Receipts) {
		return
	}
	writeJSON(w, answer)
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.MarshalWrite(w, v)
}

func (c *fakeCentral) postReadings(w http.ResponseWriter, r *http.Request) {
	var in ingest.Readings
	data, err := body(r)
	if err == nil {
		err = json.Unmarshal(data, &in)
	}
	if err != nil {
		c.t.Errorf("bad readings: %v", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	answer := ingest.ReadingsReceipt{Accepted: len(in.Readings)}
	for i, reading := range in.Readings {
		if reading.Value < 0 {
			answer.Accepted--
			answer.Rejected = append(answer.Rejected, ingest.RejectedReading{Index: i, Reason: "value"})
		}
	}
	c.readings += answer.Accepted
	writeJSON(w, answer)
}

func (c *fakeCentral) put(w http.ResponseWriter, r *http.Request) {
	data, _ := io.ReadAll(r.Body)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.puts++; c.refuse != 0 {
		w.WriteHeader(c.refuse)
		return
	}
	sum := sha256.Sum256(data)
	if got := hex.EncodeToString(sum[:]); got != r.PathValue("sha256") || r.Header.Get("Content-Type") != alert.JPEG {
		c.t.Errorf("object %s was sent as %s", got, r.PathValue("sha256"))
	}
	c.objects[r.PathValue("sha256")] = string(data)
	w.WriteHeader(http.StatusCreated)
}

// bench is an outbox, a central and a forwarder between them.
type bench struct {
	t       *testing.T
	box     *outbox.Outbox
	central *fakeCentral
	f       *Forwarder
	stop    func()
}

func newBench(t *testing.T, change func(*Options)) *bench {
	t.Helper()
	box, err := outbox.Open(context.Background(), outbox.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { box.Close() })
	c := newCentral(t)
	client := newClient(t, c.URL)
	o := Options{Queue: box, Central: client, Appended: box.Appended(), Urgent: box.Urgent(), Batch: 10,
		MinRetry: time.Millisecond, MaxRetry: 5 * time.Millisecond}
	if change != nil {
		change(&o)
	}
	f, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return &bench{t: t, box: box, central: c, f: f}
}

func newClient(t testing.TB, url string) *Client {
	t.Helper()
	client, err := NewClient(ClientOptions{URL: url, Edge: "e1", Token: func() (string, error) { return token, nil }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// start runs the forwarder until the test ends.
func (b *bench) start() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.f.Run(ctx) }()
	b.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			b.t.Errorf("Run: %v", err)
		}
	})
	b.t.Cleanup(b.stop)
}

// put appends n alerts of a kind and returns their ids.
func (b *bench) put(kind alert.Kind, n int) []string {
	b.t.Helper()
	var ids []string
	var c raise.Commit
	for i := range n {
		a := raisetest.Alert(kind, i)
		ids, c.Alerts = append(ids, a.ID), append(c.Alerts, a)
	}
	if _, err := b.box.Commit(context.Background(), c); err != nil {
		b.t.Fatal(err)
	}
	return ids
}

// until polls a condition of the outside world.
func (b *bench) until(what string, ok func(outbox.Stats) bool) {
	b.t.Helper()
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		s, err := b.box.Stats(context.Background())
		if err != nil {
			b.t.Fatal(err)
		}
		if ok(s) {
			return
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			b.t.Fatalf("never: %s; outbox %+v, status %+v", what, s, b.f.Status())
		}
	}
}

func empty(s outbox.Stats) bool {
	n := s.Readings.Pending + s.Evidence.Pending
	for _, l := range s.Lanes {
		n += l.Pending
	}
	return n == 0
}

// answered waits until nothing is left and all n answers are counted: that comes after the outbox let go of the last one.
func (b *bench) answered(n int64) {
	b.t.Helper()
	b.until("the outbox is empty and every answer counted", func(s outbox.Stats) bool {
		st := b.f.Status()
		return empty(s) && st.Delivered+st.Rejected >= n
	})
}

// hasAll checks that central committed each id, and how many it has at all.
func (b *bench) hasAll(ids []string) {
	b.t.Helper()
	b.central.mu.Lock()
	defer b.central.mu.Unlock()
	for _, id := range ids {
		if b.central.stored[id] == 0 {
			b.t.Errorf("%s is not at central", id)
		}
	}
	if len(b.central.stored) != len(ids) {
		b.t.Errorf("central has %d alerts, want %d", len(b.central.stored), len(ids))
	}
}

// first n calls get the trouble, later ones none.
func times(n int, f func(w http.ResponseWriter)) func(http.ResponseWriter, []string, []ingest.Receipt) bool {
	return func(w http.ResponseWriter, _ []string, receipts []ingest.Receipt) bool {
		if receipts != nil || n == 0 {
			return false
		}
		n--
		f(w)
		return true
	}
}

func drop(http.ResponseWriter) { panic(http.ErrAbortHandler) }

func answer(status int, header ...string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
	}
}

func say(text string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { fmt.Fprint(w, text) }
}
