package ingest

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"gridgate/central/store"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// errStopped means that the committer ended before it answered: the batch may or may not be stored.
var errStopped = errors.New("central is stopping")

// committer joins the batches of concurrent requests into few commits.
type committer struct {
	o       Options
	metrics *metrics

	slots   chan struct{} // one taken for each admitted batch
	reserve chan struct{} // the same, for life-safety only
	urgent  queue         // life-safety
	normal  queue         // the rest
	more    chan struct{} // told when a batch was queued
	parsing atomic.Int64  // admitted batches that are not in a queue yet
	stopped chan struct{} // closed when run has ended
}

// batch is what one request wants stored, and the answer.
type batch struct {
	sender   string // whose turn it takes
	alerts   []store.Received
	evidence []alert.Evidence
	delivery *store.Delivery // nil: it says nothing of sequences

	ofAlerts, ofEvidence []ingest.Outcome
	err                  error
	done                 chan struct{} // closed when the answer is there
}

func newCommitter(o Options) *committer {
	reserve := max(1, o.Queue/4)
	return &committer{
		o:     o,
		slots: make(chan struct{}, max(1, o.Queue-reserve)), reserve: make(chan struct{}, reserve),
		more: make(chan struct{}, 1), stopped: make(chan struct{}),
	}
}

// waiting is the number of batches that were admitted and are not committed.
func (c *committer) waiting() float64 { return float64(len(c.slots) + len(c.reserve)) }

// admit takes a slot for a batch of lane, or says that there is none. It comes before a batch is parsed.
func (c *committer) admit(lane alert.Lane) (release func(), err error) {
	select {
	case c.slots <- struct{}{}:
		return func() { <-c.slots }, nil
	default:
	}
	if lane == alert.LifeSafety {
		select {
		case c.reserve <- struct{}{}:
			return func() { <-c.reserve }, nil
		default:
		}
	}
	return nil, unavailable(errBusy)
}

// commit hands b over and waits until it is stored or ctx ends. A batch whose client has gone does not stay in the queue: its slot
// is free from then on, and so the slots bound the queue.
func (c *committer) commit(ctx context.Context, lane alert.Lane, b *batch) error {
	b.done = make(chan struct{})
	q := &c.normal
	if lane == alert.LifeSafety {
		q = &c.urgent
	}
	q.push(b)
	select {
	case c.more <- struct{}{}:
	default: // it is told already
	}
	select {
	case <-b.done:
		return b.err
	case <-ctx.Done():
		q.remove(b)
		return ctx.Err()
	case <-c.stopped:
		return errStopped
	}
}

// run commits until ctx ends, then what is left.
func (c *committer) run(ctx context.Context) error {
	defer close(c.stopped)
	flush := context.WithoutCancel(ctx)
	for {
		first, ok := c.next(ctx)
		if !ok {
			return nil
		}
		c.store(flush, c.collect(ctx, first))
	}
}

// next waits for a batch, a life-safety one first. Once ctx has ended it only takes what is there.
func (c *committer) next(ctx context.Context) (*batch, bool) {
	for {
		if b := c.poll(); b != nil {
			return b, true
		}
		select {
		case <-c.more:
		case <-ctx.Done():
			b := c.poll()
			return b, b != nil
		}
	}
}

// poll returns a batch that is there, or nil.
func (c *committer) poll() *batch {
	if b := c.urgent.pop(); b != nil {
		return b
	}
	return c.normal.pop()
}

// collect joins first with what else is there, and with what is being parsed if that comes within the group's time.
func (c *committer) collect(ctx context.Context, first *batch) []*batch {
	group := []*batch{first}
	var timeout <-chan time.Time
	for len(group) < c.o.Group {
		if b := c.poll(); b != nil {
			group = append(group, b)
			continue
		}
		if c.parsing.Load() == 0 {
			return group
		}
		if timeout == nil {
			t := time.NewTimer(c.o.GroupWait)
			defer t.Stop()
			timeout = t.C
		}
		select {
		case <-c.more:
		case <-timeout:
			return group
		case <-ctx.Done():
			return group
		}
	}
	return group
}

// store commits a group and answers its batches. If the group cannot be stored, each batch is tried alone, so that one
// which breaks the store spoils no other; not so if the store ran out of time, which each batch would again.
func (c *committer) store(ctx context.Context, group []*batch) {
	err := c.storeOnce(ctx, group)
	if err != nil && len(group) > 1 && !errors.Is(err, context.DeadlineExceeded) {
		for _, b := range group {
			c.store(ctx, []*batch{b})
		}
		return
	}
	if err != nil {
		c.o.Logger.Error("not stored; the senders are asked to come again", "error", err, "batches", len(group))
	}
	for _, b := range group {
		b.err = err
		close(b.done)
	}
}

// storeOnce commits the alerts of a group in one transaction and its evidence in another, and hands out the outcomes.
func (c *committer) storeOnce(ctx context.Context, group []*batch) error {
	began := time.Now()
	var in store.Group
	var evidence []alert.Evidence
	for _, b := range group {
		in.Alerts, evidence = append(in.Alerts, b.alerts...), append(evidence, b.evidence...)
		if b.delivery != nil {
			in.Deliveries = append(in.Deliveries, *b.delivery)
		}
	}
	now := c.o.Now().UTC()
	ofAlerts, err := c.storeAlerts(ctx, in, now)
	if err != nil {
		return err
	}
	var ofEvidence []ingest.Outcome
	if len(evidence) > 0 {
		if ofEvidence, err = c.o.Store.AddEvidence(ctx, evidence, now); err != nil {
			return err
		}
	}
	c.metrics.commit.Observe(time.Since(began).Seconds())
	c.metrics.group.Observe(float64(len(in.Alerts) + len(evidence)))
	for _, b := range group {
		n, m := len(b.alerts), len(b.evidence)
		b.ofAlerts, ofAlerts = ofAlerts[:n], ofAlerts[n:]
		b.ofEvidence, ofEvidence = ofEvidence[:m], ofEvidence[m:]
	}
	return nil
}

// storeAlerts commits alerts and tells the feed.
func (c *committer) storeAlerts(ctx context.Context, in store.Group, now time.Time) ([]ingest.Outcome, error) {
	if len(in.Alerts)+len(in.Deliveries) == 0 {
		return nil, nil
	}
	outcomes, err := c.o.Store.Ingest(ctx, in, c.o.Decide, now)
	if err != nil || len(in.Alerts) == 0 {
		return nil, err
	}
	c.metrics.observeDelays(in.Alerts, outcomes)
	c.o.OnCommit()
	return outcomes, nil
}
