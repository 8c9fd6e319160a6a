package courier

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"gridgate/central/notify"
	"gridgate/central/store"
	"gridgate/protocols/kit/backoff"
)

// sender brings notices out. Its fields belong to its loop; deliveries report by ended.
type sender struct {
	c      *Courier
	lanes  map[string]*lane
	under  map[string]bool // ids of notices under way
	ended  chan ending
	pruned time.Time
	failed bool // the last round
}

// ending is how a delivery ended, after it was noted in the store.
type ending struct {
	id      string
	channel string
	sent    bool  // the channel was asked
	err     error // of the channel
}

// send works until ctx ends, and then waits for what is under way, for a moment. What fails is logged and tried again.
func (c *Courier) send(ctx context.Context) {
	s := c.newSender()
	work, cutOff := context.WithCancel(context.WithoutCancel(ctx))
	defer cutOff()
	retry := backoff.New(poll, maxTrouble)
	wait := time.NewTimer(0)
	defer wait.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case e := <-s.ended:
			s.note(e)
			ring(c.due)
		case <-c.due:
			if s.failed {
				continue // the store is asked again when the wait is over
			}
			s.turn(ctx, work, retry, wait)
		case <-wait.C:
			s.turn(ctx, work, retry, wait)
		}
	}
	s.finish(cutOff)
}

// turn does a round and sets when the next one is, if nothing rings before.
func (s *sender) turn(ctx, work context.Context, retry *backoff.Backoff, wait *time.Timer) {
	err := s.round(ctx, work)
	s.failed = err != nil
	if err == nil {
		retry.Reset()
		wait.Reset(poll)
		return
	}
	if ctx.Err() == nil {
		s.c.o.Logger.Warn("due notices cannot be read and are looked for again", "error", err)
	}
	wait.Reset(retry.Next())
}

func (c *Courier) newSender() *sender {
	s := &sender{c: c, lanes: map[string]*lane{}, under: map[string]bool{}, ended: make(chan ending)}
	for name, w := range c.o.Ways {
		s.lanes[name] = newLane(w)
	}
	return s
}

// finish waits for deliveries under way; after a moment they are cut off, and what is not known then is sent again.
func (s *sender) finish(cutOff func()) {
	timer := time.AfterFunc(grace, cutOff)
	defer timer.Stop()
	for len(s.under) > 0 {
		s.note(<-s.ended)
	}
}

// note takes up an ending.
func (s *sender) note(e ending) {
	delete(s.under, e.id)
	if l := s.lanes[e.channel]; l != nil && e.sent {
		now := s.c.o.Now()
		l.done(now, e.err)
		s.c.metrics.resting(e.channel, l.resting(now))
	} else if l != nil {
		l.under--
	}
}

// round starts what is due and may go, and puts off the rest, the urgent first. work is the context of deliveries.
func (s *sender) round(ctx, work context.Context) error {
	now := s.c.o.Now()
	if err := s.prune(ctx, now); err != nil {
		return err
	}
	due, err := s.c.o.Store.Notices(ctx, now, page+len(s.under))
	if err != nil {
		return fmt.Errorf("list due notices: %w", err)
	}
	slices.SortStableFunc(due, func(a, b store.Notice) int { return -cmp.Compare(rank(a), rank(b)) })
	queue := map[string]int{}
	for _, n := range due {
		if s.under[n.ID] {
			continue
		}
		s.c.metrics.seen(n.ID)
		if err := s.start(ctx, work, n, now, queue); err != nil {
			return err
		}
	}
	return nil
}

func rank(n store.Notice) int {
	if n.Urgent {
		return 1
	}
	return 0
}

// start sends n or puts it off behind those of its channel that were put off before it.
func (s *sender) start(ctx, work context.Context, n store.Notice, now time.Time, queue map[string]int) error {
	l := s.lanes[n.Channel]
	if l != nil {
		if ok, wait := l.take(now, n.Urgent); !ok {
			s.c.metrics.resting(n.Channel, l.resting(now))
			n.At = now.Add(wait + time.Duration(queue[n.Channel])*l.interval).UTC()
			if queue[n.Channel]++; n.Urgent {
				l.urgent = later(l.urgent, n.At.Add(2*poll))
			}
			return ignoreGone(s.c.o.Store.SettleNotice(ctx, n))
		}
	}
	s.under[n.ID] = true
	go func() {
		e := s.c.deliver(work, n)
		s.ended <- e // the loop reads until nothing is under way
	}()
	return nil
}

// ignoreGone is content with a notice that retention took.
func ignoreGone(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("put off a notice: %w", err)
	}
	return nil
}

// prune lets go of what was settled long ago, a slice an hour.
func (s *sender) prune(ctx context.Context, now time.Time) error {
	if s.c.o.Keep <= 0 || now.Sub(s.pruned) < pruneEvery {
		return nil
	}
	n, err := s.c.o.Store.PruneNotices(ctx, now.Add(-s.c.o.Keep), page)
	if err != nil {
		return fmt.Errorf("prune notices: %w", err)
	}
	if n < page {
		s.pruned = now
	}
	return nil
}

// retryAt is when to try again after so many attempts: from 5 s on, twofold up to 10 min, with jitter, and not before the other side said.
func retryAt(now time.Time, attempts int, err error) time.Time {
	b := backoff.New(firstRetry, lastRetry)
	wait := b.Next()
	for range min(attempts-1, 16) {
		wait = b.Next()
	}
	var t *notify.Trouble
	if errors.As(err, &t) {
		wait = max(wait, t.After)
	}
	return now.Add(wait).UTC()
}
