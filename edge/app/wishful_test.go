package app

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/klauspost/compress/zstd"

	"gridgate/deploy/testkit/stage"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// wishful is a central that takes what comes and wants something.
type wishful struct {
	*httptest.Server
	syncs  chan ingest.SyncRequest
	events chan alert.Alert
	looks  chan put
	trials chan put

	mu    sync.Mutex
	wish  *ingest.Orders
	stirs chan struct{} // closed when there is another wish
}

type put struct {
	id   string
	data []byte
}

func newWishful(t *testing.T) *wishful {
	w := &wishful{
		syncs: make(chan ingest.SyncRequest, 1000), events: make(chan alert.Alert, 1000), looks: make(chan put, 100), trials: make(chan put, 100),
		stirs: make(chan struct{}),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/edges/obedient/sync", w.answer)
	mux.HandleFunc("POST /v1/events", w.take)
	mux.HandleFunc("PUT /v1/evidence/{id}", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusCreated)
	})
	mux.HandleFunc("PUT /v1/edges/obedient/looks/{id}", func(rw http.ResponseWriter, r *http.Request) { keep(rw, r, w.looks) })
	mux.HandleFunc("PUT /v1/edges/obedient/trials/{id}", func(rw http.ResponseWriter, r *http.Request) { keep(rw, r, w.trials) })
	w.Server = httptest.NewServer(mux)
	t.Cleanup(w.Close)
	return w
}

func keep(w http.ResponseWriter, r *http.Request, into chan put) {
	data, _ := io.ReadAll(r.Body)
	into <- put{id: r.PathValue("id"), data: data}
	w.WriteHeader(http.StatusNoContent)
}

func (w *wishful) want(o ingest.Orders) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wish = &o
	close(w.stirs)
	w.stirs = make(chan struct{})
}

// news is what is wanted, if it is not what the edge follows.
func (w *wishful) news(follows string) (*ingest.Orders, chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.wish == nil || w.wish.Revision == follows {
		return nil, w.stirs
	}
	return w.wish, w.stirs
}

func (w *wishful) answer(rw http.ResponseWriter, r *http.Request) {
	var in ingest.SyncRequest
	if err := json.UnmarshalRead(r.Body, &in); err != nil {
		rw.WriteHeader(http.StatusBadRequest)
		return
	}
	w.syncs <- in
	wish, stirs := w.news(in.Orders)
	if wish == nil && in.WaitSec > 0 {
		select {
		case <-stirs:
			wish, _ = w.news(in.Orders)
		case <-r.Context().Done():
			return
		case <-time.After(time.Duration(in.WaitSec) * time.Second):
		}
	}
	_ = json.MarshalWrite(rw, ingest.SyncResponse{Now: time.Now(), Schema: ingest.SchemaVersion, Orders: wish})
}

func (w *wishful) take(rw http.ResponseWriter, r *http.Request) {
	var body io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "zstd" {
		dec, err := zstd.NewReader(r.Body)
		if err != nil {
			return
		}
		defer dec.Close()
		body = dec
	}
	data, _ := io.ReadAll(body)
	events, _ := alert.SplitBatch(data, ingest.MaxBatch)
	var receipts ingest.Receipts
	for _, e := range events {
		if event, err := alert.DecodeEvent(e); err == nil && event.Alert != nil {
			w.events <- *event.Alert
		}
		receipts.Receipts = append(receipts.Receipts, ingest.Receipt{ID: alert.PeekID(e), Outcome: ingest.Accepted})
	}
	_ = json.MarshalWrite(rw, receipts)
}

// await returns the first of what comes that is as it should be.
func awaitOne[T any](t *testing.T, what string, from chan T, ok func(T) bool) T {
	t.Helper()
	patience := time.NewTimer(2 * patient)
	defer patience.Stop()
	var last T
	for {
		select {
		case last = <-from:
			if ok(last) {
				return last
			}
		case <-patience.C:
			t.Fatalf("never: %s; the last was %+v", what, last)
		}
	}
}

func (w *wishful) sync(t *testing.T, what string, ok func(ingest.SyncRequest) bool) ingest.SyncRequest {
	t.Helper()
	return awaitOne(t, what, w.syncs, ok)
}

func (w *wishful) event(t *testing.T, what string, ok func(alert.Alert) bool) {
	t.Helper()
	awaitOne(t, what, w.events, ok)
}

func (w *wishful) look(t *testing.T, id string) []byte {
	t.Helper()
	return awaitOne(t, "a picture of "+id, w.looks, func(p put) bool { return p.id == id }).data
}

func (w *wishful) trial(t *testing.T, id string, ok func(ingest.TrialResult) bool) {
	t.Helper()
	p := awaitOne(t, "an answer to "+id, w.trials, func(p put) bool { return p.id == id })
	var r ingest.TrialResult
	if err := json.Unmarshal(p.data, &r); err != nil || !ok(r) {
		t.Errorf("trial %s: %s, %v", id, p.data, err)
	}
}

const obedientEdge = `edge: obedient
data: data
listen: %s
central: {url: "%s", token: {env: OBEDIENT_TOKEN}}
place: {grid: "110101001001001", kind: gate}
mqtt: {broker: {listen: %s, users: [{name: sensors, password: {env: OBEDIENT_MQTT}, publish: ["zigbee2mqtt/#"]}]}}
sensors: [{id: button, dialect: zigbee2mqtt, topic: zigbee2mqtt/button}]
cameras:
  - {id: gate, url: "%s", owner: o, purpose: p, legal_basis: l, sample: 500ms}
  - {id: dark, url: "rtsp://127.0.0.1:9/none", owner: o, purpose: p, legal_basis: l, pictures: off}
`

// obedient is an edge that can be started again.
type obedient struct {
	file, page, broker string
	trial              func(time.Duration) time.Duration // of configurations
	stop               func()
}

func newObedient(t *testing.T, central, camera string) *obedient {
	t.Helper()
	e := &obedient{file: filepath.Join(t.TempDir(), "edge.yaml")}
	var err error
	if e.page, err = stage.FreeAddress(""); err != nil {
		t.Fatal(err)
	}
	if e.broker, err = stage.FreeAddress(""); err != nil {
		t.Fatal(err)
	}
	t.Setenv("OBEDIENT_TOKEN", "token")
	t.Setenv("OBEDIENT_MQTT", mqttSecret)
	if err := os.WriteFile(e.file, fmt.Appendf(nil, obedientEdge, e.page, central, e.broker, camera), 0o600); err != nil {
		t.Fatal(err)
	}
	e.start(t)
	return e
}

func (e *obedient) start(t *testing.T) {
	t.Helper()
	var log bytes.Buffer
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan int, 1)
	go func() { done <- Run(ctx, RunOptions{Config: e.file, trialTime: e.trial}, "test", &log) }()
	e.stop = sync.OnceFunc(func() {
		cancel()
		if code := <-done; code != ExitOK {
			t.Errorf("the edge ended with %d: %s", code, log.String())
		}
	})
	t.Cleanup(e.stop)
}

// press presses the button.
func (e *obedient) press(t *testing.T) {
	t.Helper()
	c := connect(t, e.broker, "button", "sensors")
	if token := c.Publish("zigbee2mqtt/button", 1, false, `{"action":"emergency","sos":true}`); !token.WaitTimeout(patient) || token.Error() != nil {
		t.Fatal("press: ", token.Error())
	}
}

// status is what the edge tells programs.
func (e *obedient) status(t *testing.T) string {
	t.Helper()
	res, err := http.Get("http://" + e.page + "/status")
	if err != nil {
		return ""
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		return ""
	}
	return strings.ReplaceAll(strings.ReplaceAll(string(data), " ", ""), "\n", "")
}

// holds waits for a condition of the outside world.
func holds(t *testing.T, what string, ok func() bool) {
	t.Helper()
	patience := time.NewTimer(2 * patient)
	defer patience.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-patience.C:
			t.Fatalf("never: %s", what)
		}
	}
}
