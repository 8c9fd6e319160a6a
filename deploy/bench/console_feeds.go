package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"gridgate/deploy/e2e/browser"
	"gridgate/deploy/testkit/township"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

const (
	feedScreens = 1000 // as many as central serves at once; one of them is a real page
	feedRate    = 50   // alerts a second
	feedAlerts  = 500
	feedSlots   = 3                // alerts on their way at once: central takes no more of one sender
	feedSettle  = 20 * time.Second // within which the last alert must be everywhere
)

// feedMark stands before the number of an alert, in the name of its device.
const feedMark = "bench-"

// consoleFeeds opens as many feeds as central serves and sends alerts at a steady rate: how long from the moment that an alert is sent, its
// commit included, until a feed has it, over all feeds and alerts; and until a row of it is drawn on a page in Chromium. The peer is a bare
// server of events with as many connections, messages and bytes, and nothing behind it.
func consoleFeeds(ctx context.Context, dir string) (_ []Result, err error) {
	town, err := consoleTown(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, town.Stop()) }()
	page, err := browser.Open(town.CentralURL())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, page.Close()) }()
	for _, command := range [][]string{{"login", township.Operator, town.Secret(township.OperatorPassword)}, {"see", "[data-testid=line-state][data-state=live]"}, {"watch"}} {
		if _, err := page.Do(command[0], command[1:]...); err != nil {
			return nil, err
		}
	}
	screens, err := openScreens(ctx, feedScreens-1, town.CentralURL()+"/v1/feed", town.Token())
	if err != nil {
		return nil, err
	}
	defer screens.close()
	ids := make([]string, feedAlerts)
	took, err := screens.measure(ctx, func(ctx context.Context, n int) error { return postAlert(ctx, town, n, ids) })
	if err != nil {
		return nil, err
	}
	drawn, err := drawnAfter(page, ids, screens.sent)
	if err != nil {
		return nil, err
	}
	bare, err := bareFeeds(ctx, screens.messages, screens.bytes)
	if err != nil {
		return nil, err
	}
	return []Result{
		AtMost("console.feeds_p99", millis(percentile(took, 99)), "ms", feedTarget), Note("console.feeds_p50", millis(percentile(took, 50)), "ms"),
		AtMost("console.feeds_drawn_p99", millis(percentile(drawn, 99)), "ms", feedTarget), Note("console.feeds_drawn_p50", millis(percentile(drawn, 50)), "ms"),
		Note("console.feeds_drawn", float64(len(drawn)), "of 500 alerts"), Note("console.feeds_messages", float64(screens.messages)/feedAlerts, "an alert"),
		Note("console.feeds_bytes", float64(screens.bytes)/feedAlerts, "an alert and feed"),
		Note("console.feeds_bare_p99", millis(percentile(bare, 99)), "ms"), Note("console.feeds_bare_p50", millis(percentile(bare, 50)), "ms"),
	}, nil
}

// postAlert sends alert n, of a device of its own, so that it opens a case.
func postAlert(ctx context.Context, town *township.Township, n int, ids []string) error {
	id, now := alert.NewID(), time.Now()
	ids[n] = id
	device := fmt.Sprintf("%s%06d", feedMark, n)
	e, err := alert.Encode(alert.Alert{
		ID: id, Source: alert.SensorSource("hall", device), Kind: alert.Smoke, State: alert.Raised, Situation: id, Key: alert.KeyOf("hall", device, "", alert.Smoke),
		Severity: alert.Major, Grid: "330106109001", OccurredAt: now, Clock: alert.EdgeClock, RaisedAt: now, Origin: "zigbee2mqtt",
	})
	if err != nil {
		return err
	}
	return post(ctx, town.CentralURL()+ingest.EventsPath, town.Token(), alert.BatchContentType, alert.EncodeBatch([][]byte{e}))
}

func post(ctx context.Context, url, token, contentType string, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", contentType)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("post an alert: %s", answer.Status)
	}
	return nil
}

// drawnAfter is how long after it was sent each alert was drawn on the page; one that never was is left out.
func drawnAfter(page *browser.Page, ids []string, sent []time.Time) ([]time.Duration, error) {
	answer, err := page.Do("watched")
	if err != nil {
		return nil, err
	}
	var at map[string]float64 // milliseconds since 1970
	if err := json.Unmarshal([]byte(answer), &at); err != nil {
		return nil, fmt.Errorf("what was drawn: %w", err)
	}
	var took []time.Duration
	for n, id := range ids {
		if ms, ok := at[id]; ok {
			took = append(took, time.UnixMicro(int64(ms*1000)).Sub(sent[n]))
		}
	}
	if len(took) == 0 {
		return nil, errors.New("the page drew nothing")
	}
	return took, nil
}

// screens are open feeds that note when each alert came.
type screens struct {
	close    func()
	readers  sync.WaitGroup
	sent     []time.Time // by alert; written before it is sent
	mu       sync.Mutex
	took     []time.Duration
	failed   error
	messages int // of one screen, of all alerts
	bytes    int
	n        int
	done     chan struct{} // one for each screen that has everything
}

// openScreens opens n feeds and returns once all are.
func openScreens(ctx context.Context, n int, url, token string) (*screens, error) {
	ctx, cancel := context.WithCancel(ctx)
	web := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: n}}
	s := &screens{sent: make([]time.Time, feedAlerts), n: n, done: make(chan struct{}, n)}
	s.close = func() {
		cancel()
		s.readers.Wait()
		web.CloseIdleConnections()
	}
	for range n {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			s.close()
			return nil, err
		}
		r.Header.Set("Authorization", "Bearer "+token)
		answer, err := web.Do(r)
		if err == nil && answer.StatusCode != http.StatusOK {
			answer.Body.Close()
			err = errors.New(answer.Status)
		}
		if err != nil {
			s.close()
			return nil, fmt.Errorf("open a feed: %w", err)
		}
		s.readers.Go(func() {
			defer answer.Body.Close()
			s.follow(bufio.NewReaderSize(answer.Body, 16<<10))
		})
	}
	return s, nil
}

// follow reads one feed until it has every alert, and then until it ends. Only the first message of an alert counts.
func (s *screens) follow(in *bufio.Reader) {
	took := make([]time.Duration, feedAlerts)
	left, messages, size := feedAlerts, 0, 0
	for {
		line, err := in.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
		size += len(line)
		if !bytes.HasPrefix(line, []byte("data:")) {
			continue
		}
		messages++
		n := alertIn(line)
		if n < 0 || took[n] != 0 {
			continue
		}
		took[n] = time.Since(s.sent[n])
		if left--; left == 0 {
			s.mu.Lock()
			s.took, s.messages, s.bytes = append(s.took, took...), messages, size
			s.mu.Unlock()
			s.done <- struct{}{}
		}
	}
}

// alertIn is the number of the alert that a message is about; -1 for none.
func alertIn(line []byte) int {
	_, after, ok := bytes.Cut(line, []byte(feedMark))
	if !ok || len(after) < 6 {
		return -1
	}
	n, err := strconv.Atoi(string(after[:6]))
	if err != nil || n >= feedAlerts {
		return -1
	}
	return n
}

// measure sends every alert at its time, or as soon after it as a slot is free, and waits until every screen has all of them. An alert's
// clock starts at its time.
func (s *screens) measure(ctx context.Context, send func(context.Context, int) error) ([]time.Duration, error) {
	var sending sync.WaitGroup
	slots := make(chan struct{}, feedSlots)
	tick := time.NewTicker(time.Second / feedRate)
	defer tick.Stop()
	for n := range feedAlerts {
		s.sent[n] = time.Now()
		sending.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			if err := send(ctx, n); err != nil {
				s.mu.Lock()
				s.failed = errors.Join(s.failed, err)
				s.mu.Unlock()
			}
		})
		<-tick.C
	}
	sending.Wait()
	late := time.After(feedSettle)
	for have := range s.n {
		select {
		case <-s.done:
		case <-late:
			return nil, errors.Join(fmt.Errorf("%d of %d feeds have every alert", have, s.n), s.failed)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.took, s.failed
}
