package courier

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gridgate/central/cases"
	"gridgate/central/notify"
	"gridgate/central/store"
	"gridgate/protocols/kit/backoff"
)

// maxPages is how far a case's history is read back to see whether somebody answered. What is not known is told.
const maxPages = 8

// deliver brings one notice out and notes how that ended, however long the store takes; only ctx ends it before.
func (c *Courier) deliver(ctx context.Context, n store.Notice) ending {
	e := ending{id: n.ID, channel: n.Channel}
	n, e.sent, e.err = c.attempt(ctx, n)
	if ctx.Err() != nil && n.State == store.NoticeWaiting {
		return e // cut off: nothing is known
	}
	c.settle(ctx, n)
	return e
}

// settle stores n. While the store is away nothing else is sent in its place: a notice that was sent and is not noted would be sent again.
func (c *Courier) settle(ctx context.Context, n store.Notice) {
	retry := backoff.New(100*time.Millisecond, 10*time.Second)
	for {
		err := c.o.Store.SettleNotice(ctx, n)
		if err == nil || errors.Is(err, store.ErrNotFound) {
			c.metrics.settled(n)
			return
		}
		if !backoff.Wait(ctx, retry.Next()) {
			return
		}
		c.o.Logger.Warn("how a notice ended cannot be noted and is tried again", "error", err)
	}
}

// attempt returns n as it is to be noted, whether the channel was asked, and what it said.
func (c *Courier) attempt(ctx context.Context, n store.Notice) (_ store.Notice, asked bool, _ error) {
	now := c.o.Now().UTC()
	desk := c.o.Desk()
	standing, err := c.standing(ctx, n, now)
	switch {
	case errors.Is(err, store.ErrNotFound):
		n.State, n.Done = store.NoticeNeedless, now // retention took the case
		return n, false, nil
	case err != nil:
		return c.failed(n, now, now, errors.New("the case could not be read")), false, nil
	case desk.Needless(n, standing):
		n.State, n.Done = store.NoticeNeedless, now
		return n, false, nil
	}
	if at := desk.NotBefore(n, now); at.After(now) {
		n.At = at // a repetition that fell into quiet hours
		return n, false, nil
	}
	m, err := desk.Compose(n, standing.Case, standing.Event, c.o.Names)
	if err != nil {
		return c.failed(n, standing.Event.At, now, &notify.Trouble{Said: err.Error(), Permanent: true}), false, nil
	}
	way, ok := c.o.Ways[n.Channel]
	if !ok {
		return c.failed(n, standing.Event.At, now, errors.New("the channel is not configured")), false, nil
	}
	err = send(ctx, way.Channel, m)
	if err != nil {
		return c.failed(n, standing.Event.At, c.o.Now().UTC(), err), true, err
	}
	n.State, n.Done, n.Trouble = store.NoticeSent, c.o.Now().UTC(), ""
	n.Attempts++
	return n, true, nil
}

func send(ctx context.Context, channel notify.Channel, m notify.Message) error {
	ctx, cancel := context.WithTimeout(ctx, sendWithin)
	defer cancel()
	return channel.Send(ctx, m)
}

// failed notes an attempt that came to nothing: again later, or never.
func (c *Courier) failed(n store.Notice, event, now time.Time, err error) store.Notice {
	n.Attempts++
	n.Trouble = said(err)
	var t *notify.Trouble
	if errors.As(err, &t) && t.Permanent || now.Sub(event) >= GiveUp {
		n.State, n.Done = store.NoticeGivenUp, now
		c.o.Logger.Warn("a notice was given up", "case", n.CaseID, "channel", n.Channel, "recipient", n.To, "trouble", n.Trouble)
		return n
	}
	n.At = retryAt(now, n.Attempts, err)
	return n
}

// said is what may be kept of an error: our own words. What another package says may repeat an address.
func said(err error) string {
	var t *notify.Trouble
	if errors.As(err, &t) {
		return t.Said
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "the channel did not answer in time"
	}
	return "the channel failed"
}

// standing reads what is known about the case of n.
func (c *Courier) standing(ctx context.Context, n store.Notice, now time.Time) (s notify.Standing, err error) {
	s.Now = now
	if s.Case, s.Later, err = c.since(ctx, n); err != nil {
		return s, err
	}
	events, err := c.o.Store.Events(ctx, n.Position-1, 1)
	if err != nil {
		return s, fmt.Errorf("read the event: %w", err)
	}
	if len(events) == 0 || events[0].Position != n.Position {
		return s, store.ErrNotFound
	}
	s.Event = events[0]
	if _, step := notify.TemplateOf(n.Template); step > 0 {
		if s.Fellows, err = c.o.Store.NoticesOf(ctx, n.CaseID); err != nil {
			return s, fmt.Errorf("list the case's notices: %w", err)
		}
	}
	s.Silenced = c.o.Silenced(s.Case, now)
	return s, nil
}

// since returns the case and its events after that of n, for a step of a chain; others do not ask.
func (c *Courier) since(ctx context.Context, n store.Notice) (cases.Case, []cases.Event, error) {
	if _, step := notify.TemplateOf(n.Template); step == 0 {
		now, err := c.o.Store.Case(ctx, n.CaseID)
		return now, nil, err
	}
	now, events, err := c.o.Store.CaseFile(ctx, n.CaseID, 0, page)
	for range maxPages - 1 {
		if err != nil || len(events) == 0 || events[0].Position <= n.Position {
			break
		}
		var earlier []cases.Event
		_, earlier, err = c.o.Store.CaseFile(ctx, n.CaseID, events[0].Position, page)
		if len(earlier) == 0 {
			break
		}
		events = append(earlier, events...)
	}
	var later []cases.Event
	for _, e := range events {
		if e.Position > n.Position {
			later = append(later, e)
		}
	}
	return now, later, err
}
