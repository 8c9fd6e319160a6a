package faultlink

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"gridgate/protocols/ingest"
	"gridgate/protocols/kit/backoff"
)

// open returns a link, a client that keeps no connection, and what arrives at its end.
func open(t *testing.T) (*Link, *http.Client, <-chan string) {
	t.Helper()
	arrived := make(chan string, 100)
	central := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		arrived <- string(body)
		w.Header().Set("Gridgate-Test", "yes")
		w.WriteHeader(http.StatusAccepted)
		_, _ = w.Write(body)
	}))
	l, err := Listen()
	if err != nil {
		t.Fatal(err)
	}
	l.Aim(central.URL)
	transport := &http.Transport{DisableKeepAlives: true}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		central.Close()
	})
	return l, &http.Client{Transport: transport}, arrived
}

func post(ctx context.Context, c *http.Client, l *Link, body string) (*http.Response, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.URL()+ingest.EventsPath, strings.NewReader(body))
	if err != nil {
		return nil, "", err
	}
	res, err := c.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	return res, string(data), err
}

func TestAGoodLinkChangesNothing(t *testing.T) {
	l, c, arrived := open(t)
	res, body, err := post(t.Context(), c, l, "one")
	if err != nil || res.StatusCode != http.StatusAccepted || res.Header.Get("Gridgate-Test") != "yes" || body != "one" || <-arrived != "one" {
		t.Errorf("%v, %q, %v", res, body, err)
	}
}

func TestLosses(t *testing.T) {
	l, c, arrived := open(t)
	l.Set(Weather{LoseAnswers: 1})
	if _, _, err := post(t.Context(), c, l, "one"); err == nil || <-arrived != "one" {
		t.Errorf("an answer that is lost: %v", err)
	}
	l.Set(Weather{LoseRequests: 1})
	if _, _, err := post(t.Context(), c, l, "two"); err == nil || len(arrived) != 0 {
		t.Errorf("a request that is lost: %v, %d arrived", err, len(arrived))
	}
	l.Set(Weather{Cut: true})
	if _, _, err := post(t.Context(), c, l, "three"); err == nil || len(arrived) != 0 {
		t.Errorf("a link that is cut: %v, %d arrived", err, len(arrived))
	}
	l.Set(Weather{})
	if _, _, err := post(t.Context(), c, l, "four"); err != nil || <-arrived != "four" {
		t.Errorf("a link that is good again: %v", err)
	}
	if n := l.Counts(); n.LostAnswers != 1 || n.LostRequests != 1 || n.Requests != 3 {
		t.Errorf("%+v", n)
	}
}

func TestReplay(t *testing.T) {
	l, c, arrived := open(t)
	l.Set(Weather{Replay: 1})
	for _, body := range []string{"one", "two"} {
		if _, _, err := post(t.Context(), c, l, body); err != nil {
			t.Fatal(err)
		}
	}
	if got := []string{<-arrived, <-arrived, <-arrived}; strings.Join(got, " ") != "one two one" {
		t.Errorf("%v", got)
	}
}

// TestADelayedRequestArrivesAfterItsSenderGaveUp, which is how an old one comes behind a newer.
func TestADelayedRequestArrivesAfterItsSenderGaveUp(t *testing.T) {
	l, c, arrived := open(t)
	l.Set(Weather{Delay: 2 * time.Second})
	for tries := int64(1); ; tries++ {
		ctx, cancel := context.WithCancel(t.Context())
		failed := make(chan error, 1)
		go func() {
			_, _, err := post(ctx, c, l, "late")
			failed <- err
		}()
		for l.Counts().Requests < tries && backoff.Wait(t.Context(), time.Millisecond) {
		}
		cancel()
		if got := <-arrived; got != "late" {
			t.Fatalf("%q arrived", got)
		}
		if <-failed != nil {
			return // else it was let through at once
		}
	}
}

func TestSlow(t *testing.T) {
	l, c, arrived := open(t)
	l.Set(Weather{BytesPerSecond: 20_000})
	begun := time.Now()
	if _, _, err := post(t.Context(), c, l, strings.Repeat("x", 4000)); err != nil || len(<-arrived) != 4000 {
		t.Fatal(err)
	}
	if took := time.Since(begun); took < 300*time.Millisecond {
		t.Errorf("4000 bytes each way took %v at 20,000 a second", took)
	}
}
