// Package courier follows the case-event log, keeps the notices that come of it, and brings them to their channels.
//
// In: case events and what the centre set up. Out: notices in the store, made in the same transaction as the cursor's move, so that an
// event makes its notices once; messages on the channels; how each of them ended. At least once towards the other side: a central that
// dies between a channel's yes and the note of it sends again under the same id, which a webhook and a mail carry and a robot cannot. It
// decides nothing about who is told what: central/notify does. One of several centrals works.
package courier

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"gridgate/central/cases"
	"gridgate/central/job"
	"gridgate/central/notify"
	"gridgate/central/store"
	"gridgate/protocols/kit/backoff"
)

// Store is what this package needs of [store.Store].
type Store interface {
	Events(ctx context.Context, after int64, limit int) ([]cases.Event, error)
	Case(ctx context.Context, id string) (cases.Case, error)
	CaseFile(ctx context.Context, id string, before int64, limit int) (cases.Case, []cases.Event, error)
	Cursor(ctx context.Context, job string) (int64, error)
	Advance(ctx context.Context, a store.Advance) ([]cases.Case, error)
	Notices(ctx context.Context, now time.Time, limit int) ([]store.Notice, error)
	NoticesOf(ctx context.Context, caseID string) ([]store.Notice, error)
	SettleNotice(ctx context.Context, n store.Notice) error
	PruneNotices(ctx context.Context, t time.Time, limit int) (int, error)
}

// Job names the cursor and the task.
const Job = "notify"

// Times of this package.
const (
	// GiveUp is how long after its event a notice is tried. The longest quiet hours, chain and quiet hours again leave 16 h of it.
	GiveUp = 48 * time.Hour
	// Stale is how old an event may be when it is found and still tell anybody: what a central that was off for days finds is no news.
	Stale = 24 * time.Hour

	poll       = time.Second // finds what another process committed, and what became due
	sendWithin = 30 * time.Second
	grace      = 3 * time.Second // for messages under way when central stops
	pruneEvery = time.Hour
	firstRetry = 5 * time.Second
	lastRetry  = 10 * time.Minute
	maxTrouble = 30 * time.Second // between two tries of a store that fails
)

// Way is a configured channel.
type Way struct {
	Channel   notify.Channel
	PerMinute int // messages in any minute, at least 1
	AtOnce    int // messages under way, at least 1
}

// Options of [New]. Store, Desk and Ways are demanded; Ways may be empty.
type Options struct {
	Store Store
	Ways  map[string]Way
	// Desk returns what is set up now. It is asked for each page of events and each notice.
	Desk func() *notify.Desk
	// Silenced says whether a silence or a maintenance window covers a case at a moment. nil: never.
	Silenced func(c cases.Case, now time.Time) bool
	Names    notify.Names
	// Changed returns a channel that is closed once case events were committed. nil: the log is looked at once a second.
	Changed func() <-chan struct{}
	Lead    job.Lead      // nil: this is the only central
	Keep    time.Duration // how long settled notices are kept; 0: for ever

	Registerer prometheus.Registerer // nil: metrics are registered nowhere
	Logger     *slog.Logger          // nil: discards
	Now        func() time.Time      // nil: time.Now
}

func (o *Options) setDefaults() {
	if o.Silenced == nil {
		o.Silenced = func(cases.Case, time.Time) bool { return false }
	}
	if o.Changed == nil {
		o.Changed = func() <-chan struct{} { return nil }
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
}

// Courier does the work.
type Courier struct {
	o       Options
	metrics *metrics
	due     chan struct{} // there may be notices
}

// New returns a courier that does nothing until [Courier.Run].
func New(o Options) (*Courier, error) {
	if o.Store == nil || o.Desk == nil {
		return nil, errors.New("courier: Store and Desk are demanded")
	}
	for name, w := range o.Ways {
		if w.Channel == nil || w.PerMinute < 1 || w.AtOnce < 1 {
			return nil, fmt.Errorf("courier: way %s has no channel or no limits", name)
		}
	}
	o.setDefaults()
	c := &Courier{o: o, metrics: newMetrics(o.Now), due: make(chan struct{}, 1)}
	for name := range o.Ways {
		c.metrics.know(name)
	}
	if err := c.metrics.register(o.Registerer); err != nil {
		return nil, fmt.Errorf("courier: register metrics: %w", err)
	}
	return c, nil
}

// ring leaves a note for a loop; one is as good as several.
func ring(bell chan struct{}) {
	select {
	case bell <- struct{}{}:
	default:
	}
}

// Run works until ctx ends and returns nil. What fails is logged and tried again.
func (c *Courier) Run(ctx context.Context) error {
	lead := c.o.Lead
	if lead == nil {
		lead = job.Alone{}
	}
	retry := backoff.New(time.Second, time.Minute)
	for ctx.Err() == nil {
		began := c.o.Now()
		if err := lead.Lead(ctx, Job, c.work); err != nil && ctx.Err() == nil {
			c.o.Logger.Warn("telling people failed and is tried again", "error", err)
		}
		if c.o.Now().Sub(began) > lastRetry {
			retry.Reset()
		}
		backoff.Wait(ctx, retry.Next())
	}
	return nil
}

// work runs both loops while this central leads.
func (c *Courier) work(ctx context.Context) error {
	defer c.metrics.forget()
	var loops sync.WaitGroup
	loops.Go(func() { c.follow(ctx) })
	loops.Go(func() { c.send(ctx) })
	loops.Wait()
	return nil
}
