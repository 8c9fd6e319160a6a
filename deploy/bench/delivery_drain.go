package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"gridgate/edge/forward"
	"gridgate/edge/outbox"
	"gridgate/edge/raise"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
	"gridgate/protocols/kit/backoff"
)

// What is drained: a week of a central that was away, and meanwhile what is raised live.
const (
	drainAlerts  = 1_000_000
	drainWeek    = 7 * 24 * time.Hour
	drainEvery   = 50 * time.Millisecond // between live alerts
	drainUrgent  = 10                    // every so manieth of them is an SOS
	drainBar     = 15_000                // alerts/s
	drainLiveBar = 1000.0                // ms
)

// drainVersion names the cached outbox; another schema, or another workload, needs another.
const drainVersion = "outbox-1m-schema2"

// deliveryDrain empties an outbox of a million alerts into a central by the edge's own forwarder, while alerts are raised.
func deliveryDrain(ctx context.Context, dir string) (_ []Result, err error) {
	backlog, err := kept(drainVersion, func(dir string) error { return fillOutbox(ctx, dir, drainAlerts) })
	if err != nil {
		return nil, err
	}
	own := filepath.Join(dir, "outbox")
	if err := os.Mkdir(own, 0o700); err != nil {
		return nil, err
	}
	if err := copyFile(filepath.Join(backlog, "outbox.db"), filepath.Join(own, "outbox.db")); err != nil {
		return nil, err
	}
	box, err := outbox.Open(ctx, outbox.Options{Dir: own})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, box.Close()) }()
	c, err := newCentre(dir)
	if err != nil {
		return nil, err
	}
	if err := c.start(ctx); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.process.Stop()) }()
	return drain(ctx, c, box)
}

// fillOutbox writes a backlog of n alerts, spread over the week before the last hour.
func fillOutbox(ctx context.Context, dir string, n int) (err error) {
	at := time.Now().Add(-drainWeek - time.Hour)
	box, err := outbox.Open(ctx, outbox.Options{Dir: dir, Now: func() time.Time { return at }})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, box.Close()) }()
	w := newWorkload(4)
	for w.made < n {
		at = at.Add(drainWeek * ingest.MaxBatch / time.Duration(n+ingest.MaxBatch))
		if err := fillCommit(ctx, box, w, n, at); err != nil {
			return err
		}
	}
	return nil
}

// fillCommit writes one commit, up to n alerts in all. What the workload repeats is left out: an outbox has each alert once.
func fillCommit(ctx context.Context, box *outbox.Outbox, w *workload, n int, at time.Time) error {
	var commit raise.Commit
	for w.made < n && len(commit.Alerts) < ingest.MaxBatch {
		before := w.made
		e, err := w.next(at)
		if err != nil {
			return err
		}
		if w.made == before {
			continue
		}
		decoded, err := alert.DecodeEvent(e.body)
		if err != nil {
			return err
		}
		commit.Alerts = append(commit.Alerts, *decoded.Alert)
	}
	_, err := box.Commit(ctx, commit)
	return err
}

// drain forwards until the backlog is empty.
func drain(ctx context.Context, c *centre, box *outbox.Outbox) ([]Result, error) {
	client, err := forward.NewClient(forward.ClientOptions{
		URL: c.url(), Edge: benchEdge, Trust: c.trust, Token: func() (string, error) { return benchToken, nil },
	})
	if err != nil {
		return nil, err
	}
	defer client.Close()
	w := &watched{Client: client, raised: map[string]time.Time{}, left: drainAlerts, drained: make(chan struct{}), settled: make(chan struct{}, 1)}
	f, err := forward.New(forward.Options{Queue: box, Central: w, Appended: box.Appended(), Urgent: box.Urgent()})
	if err != nil {
		return nil, err
	}
	before, err := usageOf(c.process.PID())
	if err != nil {
		return nil, err
	}
	cpu, begin := cpuTime(), time.Now()
	running, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { _ = f.Run(running) }) // returns nil only
	defer wg.Wait()
	defer stop()
	if err := raiseUntil(ctx, box, w); err != nil {
		return nil, err
	}
	took, cpu := w.ended.Sub(begin), cpuTime()-cpu
	after, err := usageOf(c.process.PID())
	if err != nil {
		return nil, err
	}
	if err := w.check(ctx, box); err != nil {
		return nil, err
	}
	return []Result{
		Rate("delivery.drain", perSecond(drainAlerts, took), "alerts/s", "design", drainBar, 1),
		Note("delivery.drain_central_alert_cpu", micros(after.cpu-before.cpu)/drainAlerts, "us"),
		Note("delivery.drain_central_rss", float64(after.rss)/1e6, "MB"),
		Note("delivery.drain_edge_alert_cpu", micros(cpu)/drainAlerts, "us"),
		AtMost("delivery.drain_live_p99", millis(percentile(w.live, 99)), "ms", drainLiveBar),
		Note("delivery.drain_live_p50", millis(percentile(w.live, 50)), "ms"),
		AtMost("delivery.drain_sos_p99", millis(percentile(w.urgent, 99)), "ms", drainLiveBar),
		Note("delivery.drain_sos_p50", millis(percentile(w.urgent, 50)), "ms"),
	}, nil
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// raiseUntil raises alerts until the backlog is gone, and waits until those are answered for, too.
func raiseUntil(ctx context.Context, box *outbox.Outbox, w *watched) error {
	next := time.NewTicker(drainEvery)
	defer next.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d of %d are not answered for: %w", w.undone(), drainAlerts, ctx.Err())
		case <-w.drained:
			return w.await(ctx)
		case <-next.C:
			if err := raiseLive(ctx, box, w, n); err != nil {
				return err
			}
		}
	}
}

// raiseLive raises an alert of an edge's device, as an edge does: its time runs from before it is on the disk.
func raiseLive(ctx context.Context, box *outbox.Outbox, w *watched, n int) error {
	begin := time.Now()
	a := makeAlert(n, begin)
	a.Source, a.Key = alert.SensorSource(benchEdge, "live"), alert.KeyOf(benchEdge, "live", "", a.Kind)
	if n%drainUrgent == 0 {
		a.Kind, a.Severity, a.Reading = alert.SOS, alert.Critical, nil
		a.Key = alert.KeyOf(benchEdge, "live", "", alert.SOS)
	}
	w.mu.Lock()
	w.raised[a.ID] = begin
	w.mu.Unlock()
	_, err := box.Commit(ctx, raise.Commit{Message: a.ID, Alerts: []alert.Alert{a}})
	return err
}

// watched is the client, and what its receipts say.
type watched struct {
	*forward.Client
	mu           sync.Mutex
	raised       map[string]time.Time // live alerts without a receipt
	live, urgent []time.Duration      // from raised to receipt
	left         int                  // of the backlog, without a receipt
	strange      int                  // receipts that do not say accepted
	ended        time.Time
	drained      chan struct{} // closed when the backlog is answered for
	settled      chan struct{} // receives when a live alert is answered for
}

// Deliver implements [forward.Deliverer].
func (w *watched) Deliver(ctx context.Context, b forward.Batch) ([]ingest.Receipt, error) {
	receipts, err := w.Client.Deliver(ctx, b)
	now := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range receipts {
		w.note(r, b.Lane, now)
	}
	return receipts, err
}

func (w *watched) note(r ingest.Receipt, lane alert.Lane, now time.Time) {
	if r.Outcome != ingest.Accepted {
		w.strange++
	}
	begin, live := w.raised[r.ID]
	switch {
	case !live:
		if w.left--; w.left == 0 {
			w.ended = now
			close(w.drained)
		}
		return
	case lane == alert.LifeSafety:
		w.urgent = append(w.urgent, now.Sub(begin))
	default:
		w.live = append(w.live, now.Sub(begin))
	}
	delete(w.raised, r.ID)
	select {
	case w.settled <- struct{}{}:
	default:
	}
}

func (w *watched) undone() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.left
}

func (w *watched) waiting() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.raised)
}

// await waits until every live alert is answered for.
func (w *watched) await(ctx context.Context) error {
	for w.waiting() > 0 {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d live alerts are not answered for: %w", w.waiting(), ctx.Err())
		case <-w.settled:
		}
	}
	return nil
}

// check: every alert was accepted once, and the outbox knows.
func (w *watched) check(ctx context.Context, box *outbox.Outbox) error {
	w.mu.Lock()
	strange, left := w.strange, w.left
	w.mu.Unlock()
	if strange > 0 || left != 0 {
		return fmt.Errorf("%d receipts do not say accepted, %d alerts of the backlog have too few or too many", strange, left)
	}
	for {
		stats, err := box.Stats(ctx)
		if err != nil {
			return err
		}
		pending := int64(0)
		for _, lane := range stats.Lanes {
			pending += lane.Pending
		}
		if pending == 0 {
			return nil
		}
		if !backoff.Wait(ctx, 10*time.Millisecond) {
			return fmt.Errorf("%d alerts are still in the outbox: %w", pending, ctx.Err())
		}
	}
}
