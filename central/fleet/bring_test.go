package fleet

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"gridgate/central/auth"
	"gridgate/central/orders"
	"gridgate/protocols/ingest"
)

// errand remembers what was brought, and answers what it was told to.
type errand struct {
	edge, id string
	picture  []byte
	result   ingest.TrialResult
	found    ingest.DiscoveryResult
	err      error
}

func (e *errand) Bring(_ context.Context, edge, look string, picture []byte) error {
	e.edge, e.id, e.picture = edge, look, picture
	return e.err
}

func (e *errand) Answer(_ context.Context, edge, trial string, r ingest.TrialResult) error {
	e.edge, e.id, e.result = edge, trial, r
	return e.err
}

func (e *errand) Found(_ context.Context, edge, discovery string, r ingest.DiscoveryResult) error {
	e.edge, e.id, e.found = edge, discovery, r
	return e.err
}

func bring(e Errand, path, mediaType, body string, p auth.Principal) *httptest.ResponseRecorder {
	d := NewDesk(e, slog.New(slog.DiscardHandler))
	mux := http.NewServeMux()
	mux.HandleFunc("PUT "+LookPath, d.Look)
	mux.HandleFunc("PUT "+TrialPath, d.Trial)
	mux.HandleFunc("PUT "+DiscoveryPath, d.Discovery)
	r := httptest.NewRequest(http.MethodPut, path, strings.NewReader(body))
	r.Header.Set("Content-Type", mediaType)
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r.WithContext(auth.With(r.Context(), p)))
	return w
}

func TestBring(t *testing.T) {
	look, trial, discovery := ingest.LookPath("town-1", "l1"), ingest.TrialPath("town-1", "t1"), ingest.DiscoveryPath("town-1", "d1")
	var e errand
	if w := bring(&e, look, "image/jpeg", "a picture", itself); w.Code != http.StatusNoContent || e.edge != "town-1" || e.id != "l1" || string(e.picture) != "a picture" {
		t.Errorf("a picture: %d %+v", w.Code, e)
	}
	if w := bring(&e, trial, "application/json", `{"from":"2026-03-01T11:00:00Z","to":"2026-03-01T12:00:00Z","samples":3}`, itself); w.Code != http.StatusNoContent || e.id != "t1" || e.result.Samples != 3 {
		t.Errorf("a result: %d %s %+v", w.Code, w.Body, e)
	}
	if w := bring(&e, discovery, "application/json", `{"found":[{"address":"192.0.2.1","model":"X1"}]}`, itself); w.Code != http.StatusNoContent || e.id != "d1" || e.found.Found[0].Model != "X1" {
		t.Errorf("what was found: %d %s %+v", w.Code, w.Body, e)
	}
	for _, tc := range []struct {
		path, mediaType, body string
		who                   auth.Principal
		err                   error
		want                  int
	}{
		{look, "image/jpeg", "x", auth.Principal{Name: "edge-town-2", Edge: "town-2"}, nil, http.StatusForbidden},
		{look, "image/jpeg", "x", auth.Principal{Name: "night", Role: auth.Operator}, nil, http.StatusForbidden},
		{look, "image/png", "x", itself, nil, http.StatusUnsupportedMediaType},
		{look, "", "x", itself, nil, http.StatusUnsupportedMediaType},
		{look, "image/jpeg", strings.Repeat("x", ingest.MaxLookPicture+1), itself, nil, http.StatusRequestEntityTooLarge},
		{look, "image/jpeg", "x", itself, orders.ErrOver, http.StatusGone},
		{look, "image/jpeg", "x", itself, errors.Join(orders.ErrOver, errors.New("and the audit log is away")), http.StatusGone},
		{look, "image/jpeg", "x", itself, &orders.Refused{Why: orders.TooFast, Text: "too fast"}, http.StatusTooManyRequests},
		{look, "image/jpeg", "x", itself, &orders.Refused{Why: orders.BadPicture, Text: "no picture"}, http.StatusBadRequest},
		{look, "image/jpeg", "x", itself, errors.New("the disk /var/lib is full"), http.StatusServiceUnavailable},
		{trial, "application/json", `{"from":1}`, itself, nil, http.StatusBadRequest},
		{trial, "application/json", `{"who":"x"}`, itself, nil, http.StatusBadRequest},
		{trial, "application/json", `{}`, itself, &orders.Refused{Why: orders.Invalid, Text: "absurd"}, http.StatusUnprocessableEntity},
		{trial, "application/json", `{}`, itself, orders.ErrOver, http.StatusGone},
		{discovery, "application/json", `{"found":[{"address":"192.0.2.1","serialNumber":"1"}]}`, itself, nil, http.StatusBadRequest},
		{discovery, "application/json", `{"found":[{"address":"192.0.2.1","password":"1"}]}`, itself, nil, http.StatusBadRequest},
		{discovery, "application/json", strings.Repeat(" ", ingest.MaxDiscoveryResult+1), itself, nil, http.StatusRequestEntityTooLarge},
		{discovery, "application/json", `{}`, auth.Principal{Name: "edge-town-2", Edge: "town-2"}, nil, http.StatusForbidden},
	} {
		w := bring(&errand{err: tc.err}, tc.path, tc.mediaType, tc.body, tc.who)
		if w.Code != tc.want || strings.Contains(w.Body.String(), "/var/lib") {
			t.Errorf("%s %s %v: %d %s, want %d", tc.path, tc.mediaType, tc.err, w.Code, w.Body, tc.want)
		}
	}
}

// slowErrand is one that takes until it is let go.
type slowErrand struct {
	errand
	here, free chan struct{}
}

func (s *slowErrand) Bring(context.Context, string, string, []byte) error {
	s.here <- struct{}{}
	<-s.free
	return nil
}

func TestBringIsBounded(t *testing.T) {
	s := &slowErrand{here: make(chan struct{}), free: make(chan struct{})}
	d := NewDesk(s, slog.New(slog.DiscardHandler))
	mux := http.NewServeMux()
	mux.HandleFunc("PUT "+LookPath, d.Look)
	put := func() int {
		r := httptest.NewRequest(http.MethodPut, ingest.LookPath("town-1", "l1"), strings.NewReader("x"))
		r.Header.Set("Content-Type", "image/jpeg")
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r.WithContext(auth.With(r.Context(), itself)))
		return w.Code
	}
	done := make(chan int, maxBroughtOfEdge)
	for range maxBroughtOfEdge {
		go func() { done <- put() }()
		<-s.here
	}
	if code := put(); code != http.StatusServiceUnavailable {
		t.Errorf("one more: %d", code)
	}
	close(s.free)
	for range maxBroughtOfEdge {
		if code := <-done; code != http.StatusNoContent {
			t.Errorf("one of those: %d", code)
		}
	}
}

// waiting holds syncs until it is told to answer.
type waiting struct {
	here   chan string
	answer chan *ingest.Orders
}

func (w *waiting) Newer(ctx context.Context, edge, revision string, _ time.Duration) *ingest.Orders {
	w.here <- edge + " " + revision
	select {
	case o := <-w.answer:
		return o
	case <-ctx.Done():
		w.here <- "gone"
		return nil
	}
}

// A sync is saved and gives its slot back before its answer is held; it is answered with what is new, and let go when its edge goes.
func TestHeldSync(t *testing.T) {
	var d desk
	hold := &waiting{here: make(chan string), answer: make(chan *ingest.Orders)}
	h := New(Options{Store: &d, Series: &d, Logger: slog.New(slog.DiscardHandler), Orders: hold})
	mux := http.NewServeMux()
	mux.Handle("POST "+Path, h)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mux.ServeHTTP(w, r.WithContext(auth.With(r.Context(), itself)))
	}))
	defer server.Close()
	asks := report()
	asks.Orders, asks.WaitSec = "r1", 30
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	answers := make(chan string, maxReportsOfEdge+2)
	post := func() {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+ingest.SyncPrefix+"town-1"+ingest.SyncSuffix, strings.NewReader(text(t, asks)))
		if err != nil {
			t.Error(err)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			answers <- "gone"
			return
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Error(err)
		}
		answers <- string(body)
	}
	for range maxReportsOfEdge + 2 { // more than there are slots
		go post()
		if got := <-hold.here; got != "town-1 r1" {
			t.Fatalf("held as %q", got)
		}
	}
	if len(d.saved) != maxReportsOfEdge+2 || d.saved[0].Report.Orders != "" || d.saved[0].Report.WaitSec != 0 {
		t.Errorf("%d are saved: %+v", len(d.saved), d.saved[0].Report)
	}
	hold.answer <- &ingest.Orders{Revision: "r2"}
	if got := <-answers; !strings.Contains(got, `"orders":{"revision":"r2"}`) {
		t.Errorf("new orders: %s", got)
	}
	hold.answer <- nil
	if got := <-answers; strings.Contains(got, `"orders"`) || !strings.Contains(got, `"schema":1`) {
		t.Errorf("nothing new: %s", got)
	}
	cancel()
	for range maxReportsOfEdge {
		if got := <-hold.here; got != "gone" {
			t.Errorf("its edge went: %s", got)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}

// An edge that asks for nothing is answered as ever.
func TestOldEdge(t *testing.T) {
	var d desk
	hold := &waiting{here: make(chan string, 1), answer: make(chan *ingest.Orders, 1)}
	hold.answer <- nil
	h := New(Options{Store: &d, Series: &d, Logger: slog.New(slog.DiscardHandler), Orders: hold})
	if w := post(h, "town-1", text(t, report()), itself); w.Code != http.StatusOK || strings.Contains(w.Body.String(), "orders") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestBadAsks(t *testing.T) {
	for _, change := range []func(*ingest.SyncRequest){
		func(r *ingest.SyncRequest) { r.WaitSec = -1 }, func(r *ingest.SyncRequest) { r.Orders = strings.Repeat("x", maxText+1) },
		func(r *ingest.SyncRequest) { r.Devices[0].Lane = "urgent" }, func(r *ingest.SyncRequest) { r.Devices[0].Arrangement = -1 },
	} {
		var d desk
		bad := report()
		change(&bad)
		if w := d.post("town-1", text(t, bad), itself); w.Code != http.StatusUnprocessableEntity || len(d.saved) != 0 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
}
