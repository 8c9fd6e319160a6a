package ingest_test

import (
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gridgate/central/ingest"
	"gridgate/protocols/alert"
	contract "gridgate/protocols/ingest"
)

func sos(edge string) alert.Alert {
	a := raised(edge)
	a.Kind = alert.SOS
	return a
}

// An edge that sends more than its share is told when to come again; its SOS is taken, and so is another edge's alert.
func TestEventsQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serve(t, func(o *ingest.Options) { o.Quota.Events = 100 }) // its bucket still holds a whole batch: 1000
		many := make([]alert.Alert, 600)
		for i := range many {
			many[i] = raised("edge-1")
		}
		for range 2 { // the second takes more than there is
			receipts(t, f.do(request{body: batchOf(t, many...), headers: told("normal")}))
		}
		w := f.do(request{body: []byte("not even parsed"), headers: told("normal")})
		if w.Code != 429 || w.Header().Get("Retry-After") != "3" { // 200 events too many, 100 a second, and one
			t.Fatalf("status %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
		}
		checkProblem(t, w)
		receipts(t, f.do(request{body: batchOf(t, sos("edge-1")), headers: told("life-safety")}))
		receipts(t, f.do(request{body: batchOf(t, raised("edge-2")), headers: told("normal"), token: "edge-2"}))
		time.Sleep(3 * time.Second) // of synctest's clock
		receipts(t, f.do(request{body: batchOf(t, raised("edge-1")), headers: told("normal")}))
	})
}

func TestBatchesQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serve(t, func(o *ingest.Options) { o.Quota.Batches = 2 })
		f.blocking()
		var wg sync.WaitGroup
		f.post(t, &wg, alert.Normal, 2)
		<-f.memory.entered
		synctest.Wait()
		if w := f.do(request{headers: told("normal")}); w.Code != 429 || w.Header().Get("Retry-After") != "1" {
			t.Errorf("status %d of a third batch", w.Code)
		}
		urgent := f.post(t, &wg, alert.LifeSafety, 2)
		synctest.Wait()
		if w := f.do(request{headers: told("life-safety")}); w.Code != 429 {
			t.Errorf("status %d of a third urgent batch", w.Code)
		}
		f.memory.proceed <- struct{}{}
		<-f.memory.entered
		f.memory.proceed <- struct{}{}
		wg.Wait()
		f.memory.entered, f.memory.proceed = nil, nil
		for _, w := range urgent {
			receipts(t, w)
		}
		receipts(t, f.do(request{body: batchOf(t, raised("edge-1")), headers: told("normal")}))
	})
}

// One edge posts sixteen batches at once; the one batch of another is in the next commit all the same.
func TestSendersTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serve(t, func(o *ingest.Options) { o.Group = 4 })
		f.blocking()
		var wg sync.WaitGroup
		f.post(t, &wg, alert.Normal, 1)
		<-f.memory.entered
		f.post(t, &wg, alert.Normal, 15)
		synctest.Wait()
		var late *httptest.ResponseRecorder
		wg.Go(func() { late = f.do(request{body: batchOf(t, raised("edge-2")), token: "edge-2"}) })
		synctest.Wait()
		for range 4 {
			f.memory.proceed <- struct{}{}
			<-f.memory.entered
		}
		f.memory.proceed <- struct{}{}
		wg.Wait()
		receipts(t, late)
		if got := f.memory.senders; len(got) != 5 || !strings.Contains(got[1], "edge-2") {
			t.Fatalf("commits of %q", got)
		}
	})
}

// A refusal ends the connection over HTTP/1 alone: over HTTP/2 other batches are on it.
func TestRefusalsLeaveSharedConnections(t *testing.T) {
	f := serve(t)
	for major, want := range map[int]string{1: "close", 2: ""} {
		r := httptest.NewRequest("POST", contract.EventsPath, strings.NewReader("not a batch"))
		r.Header.Set("Authorization", "edge-1")
		r.ProtoMajor = major
		w := httptest.NewRecorder()
		f.Handler().ServeHTTP(w, r)
		if got := w.Header().Get("Connection"); w.Code < 400 || got != want {
			t.Errorf("HTTP/%d: status %d, Connection %q", major, w.Code, got)
		}
	}
}
