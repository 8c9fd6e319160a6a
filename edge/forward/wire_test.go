package forward

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"gridgate/edge/outbox"
	"gridgate/edge/raise"
	"gridgate/edge/raise/raisetest"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
	"gridgate/protocols/kit/tlspin"
)

// TestABatchSaysItsNumbers: what came, what was given up, and what still waits leave no gap at central.
func TestABatchSaysItsNumbers(t *testing.T) {
	box, err := outbox.Open(t.Context(), outbox.Options{Dir: t.TempDir(), MaxBytes: 40_000, Reserve: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { box.Close() })
	b := newBench(t, func(o *Options) { o.Queue, o.Appended, o.Urgent = box, box.Appended(), box.Urgent() })
	b.box = box
	b.put(alert.Covered, 200) // more than there is room for
	b.put(alert.Door, 5)
	seen := map[string]ingest.Ranges{}
	b.central.headers = func(h http.Header) {
		lane := h.Get(ingest.LaneHeader)
		came, err := ingest.ParseRanges(h.Get(ingest.SequenceHeader))
		shed, shedErr := ingest.ParseRanges(h.Get(ingest.ShedHeader))
		if err != nil || shedErr != nil || len(came) == 0 || h.Get(ingest.LowestHeader) == "" {
			t.Errorf("%v, %v: %v", err, shedErr, h)
		}
		seen[lane] = seen[lane].Add(came...).Add(shed...)
		if n, err := ingest.ParseRanges(h.Get(ingest.LowestHeader)); err != nil || n[0].First > came[0].First {
			t.Errorf("lowest %v in a batch of %v, %v", n, came, err)
		}
	}
	b.start()
	b.until("the outbox is empty", empty)
	s, err := box.Stats(t.Context())
	if err != nil || s.Lanes[2].Shed == 0 {
		t.Fatalf("nothing was shed: %+v, %v", s, err)
	}
	b.central.mu.Lock()
	defer b.central.mu.Unlock()
	if got := seen[string(alert.Bulk)].String(); got != "1-200" {
		t.Errorf("of 200 bulk alerts central knows %s", got)
	}
	if got := seen[string(alert.Normal)].String(); got != "1-5" {
		t.Errorf("of 5 normal alerts central knows %s", got)
	}
}

// TestFewConnectionsAreMade, whatever is answered: two for each stream of alerts, one for each other.
func TestFewConnectionsAreMade(t *testing.T) {
	var made atomic.Int64
	b := newBench(t, nil)
	b.central.Close()
	server := httptest.NewUnstartedServer(b.central.Config.Handler)
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			made.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	b.f.o.Central = newClient(t, server.URL)
	b.central.trouble = times(20, answer(503, "Content-Length", "0"))
	for range 20 {
		b.put(alert.SOS, 5)
		b.put(alert.Door, 20)
		b.put(alert.Covered, 20)
	}
	for i := range 10 {
		b.evidence([]byte{byte(i)})
		if _, err := b.box.Commit(t.Context(), raise.Commit{Readings: []alert.Reading{raisetest.Reading(i)}}); err != nil {
			t.Fatal(err)
		}
	}
	b.start()
	b.until("the outbox is empty", empty)
	if n, requests := made.Load(), b.central.requests; n > 2*window+4 || requests < 80 {
		t.Errorf("%d connections for %d requests", n, requests)
	}
}

// secureCentral is a central behind a certificate of its own.
func secureCentral(t *testing.T) (server *httptest.Server, made *atomic.Int64, protocols *sync.Map) {
	made, protocols = &atomic.Int64{}, &sync.Map{}
	server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protocols.Store(r.Proto, true)
		io.Copy(io.Discard, r.Body)
		writeJSON(w, ingest.Receipts{Receipts: []ingest.Receipt{{ID: "a", Outcome: ingest.Accepted}}})
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			made.Add(1)
		}
	}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	return server, made, protocols
}

// TestOneConnectionCarriesAllOverTLS: HTTP/2, to a central whose certificate is known by its fingerprint.
func TestOneConnectionCarriesAllOverTLS(t *testing.T) {
	server, made, protocols := secureCentral(t)
	sum := sha256.Sum256(server.Certificate().Raw)
	client := pinned(t, server.URL, hex.EncodeToString(sum[:]))
	if _, err := client.Deliver(t.Context(), Batch{Lane: alert.Normal}); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := client.Deliver(t.Context(), Batch{Lane: alert.Normal}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if _, second := protocols.Load("HTTP/2.0"); !second || made.Load() != 1 {
		t.Errorf("%d connections, HTTP/2: %v", made.Load(), second)
	}
}

// TestAnotherCentralGetsNothing: neither an alert nor the token goes to whom the fingerprint does not fit.
func TestAnotherCentralGetsNothing(t *testing.T) {
	server, _, protocols := secureCentral(t)
	sum := sha256.Sum256([]byte("another certificate"))
	client := pinned(t, server.URL, hex.EncodeToString(sum[:]))
	_, err := client.Deliver(t.Context(), Batch{Lane: alert.Normal})
	if err == nil || reasonOf(err) != "central's certificate is not trusted" {
		t.Errorf("%v", err)
	}
	protocols.Range(func(k, _ any) bool { t.Errorf("it got a request by %v", k); return true })
}

func pinned(t *testing.T, url, fingerprint string) *Client {
	t.Helper()
	trust, err := tlspin.New(nil, fingerprint)
	if err != nil {
		t.Fatal(err)
	}
	client, err := NewClient(ClientOptions{URL: url, Edge: "e1", Trust: trust, Token: func() (string, error) { return token, nil }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// TestSmallBodiesGoAsTheyAre, larger ones compressed.
func TestSmallBodiesGoAsTheyAre(t *testing.T) {
	var encodings []string
	var sizes []int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		encodings, sizes = append(encodings, r.Header.Get("Content-Encoding")), append(sizes, r.ContentLength)
		writeJSON(w, ingest.Receipts{})
	}))
	t.Cleanup(server.Close)
	client := newClient(t, server.URL)
	for _, size := range []int{100, 100_000} {
		if _, err := client.Deliver(context.Background(), Batch{Lane: alert.Normal, Events: [][]byte{make([]byte, size)}}); err != nil {
			t.Fatal(err)
		}
	}
	if encodings[0] != "" || encodings[1] != "zstd" || sizes[1] > 1000 {
		t.Errorf("%q of %v bytes", encodings, sizes)
	}
}
