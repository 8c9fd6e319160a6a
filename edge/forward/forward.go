package forward

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"gridgate/edge/outbox"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
	"gridgate/protocols/kit/backoff"
)

// Alerts is what the forwarder needs of the outbox for alerts. Peek removes nothing; Settle does, by receipt.
type Alerts interface {
	Epoch() string
	Peek(ctx context.Context, lane alert.Lane, w outbox.Want) ([]outbox.Entry, error)
	Settle(ctx context.Context, receipts ...ingest.Receipt) error
}

// Readings is [Alerts] for readings.
type Readings interface {
	PeekReadings(ctx context.Context, limit int) ([]outbox.ReadingEntry, error)
	SettleReadings(ctx context.Context, receipts ...outbox.ReadingReceipt) error
}

// Evidence is [Alerts] for evidence.
type Evidence interface {
	PeekEvidence(ctx context.Context, limit int) ([]outbox.EvidenceEntry, error)
	OpenEvidence(sha256 string) (io.ReadCloser, error)
	SettleEvidence(ctx context.Context, receipt ingest.Receipt) error
}

// Queue is the whole of it.
type Queue interface {
	Alerts
	Readings
	Evidence
}

var _ Queue = (*outbox.Outbox)(nil)

// Central is where it all goes.
type Central interface {
	Deliverer
	ReadingDeliverer
	ObjectPutter
}

// Options are what a [Forwarder] needs. Queue and Central are demanded; zero numbers mean the defaults.
type Options struct {
	Queue    Queue
	Central  Central
	Appended <-chan struct{} // see [outbox.Outbox.Appended]
	Urgent   <-chan struct{} // see [outbox.Outbox.Urgent]
	Log      *slog.Logger

	Batch    int           // events or readings a request (default 200, at most [ingest.MaxBatch])
	MinRetry time.Duration // first wait after a failure (default 500 ms); also the least gap before urgent work tries again
	MaxRetry time.Duration // longest wait (default 1 min)
	Idle     time.Duration // how often to look although nothing was announced (default 30 s)
}

// Forwarder empties the outbox into central.
type Forwarder struct {
	o Options

	life, alerts, rest *loop
	turn               int // of the alerts loop: normal or bulk
	restTurn           int // of the rest loop: readings or evidence
	refused            map[string]int
	stuck              atomic.Bool // central answers for none of the life-safety alerts that wait

	mu     sync.Mutex
	status Status
}

// Status is how the connection to central is.
type Status struct {
	Connected   bool      `json:"connected"`
	Why         string    `json:"why,omitempty"`        // why not, in one line without addresses; empty while connected
	Since       time.Time `json:"since,omitzero"`       // of Connected and Why
	LastReceipt time.Time `json:"lastReceipt,omitzero"` // when central last answered for an event or a reading
	Delivered   int64     `json:"delivered"`            // events and readings that central has, since the start
	Rejected    int64     `json:"rejected"`             // those that it refused
}

// New checks the options.
func New(o Options) (*Forwarder, error) {
	if o.Queue == nil || o.Central == nil {
		return nil, errors.New("forward: Queue and Central are demanded")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Batch <= 0 {
		o.Batch = 200
	}
	o.Batch = min(o.Batch, ingest.MaxBatch)
	setDefault(&o.MinRetry, 500*time.Millisecond)
	setDefault(&o.MaxRetry, time.Minute)
	setDefault(&o.Idle, 30*time.Second)
	f := &Forwarder{o: o, refused: map[string]int{}, status: Status{Why: "not connected yet", Since: time.Now()}}
	f.life = f.newLoop("life-safety", f.stepLifeSafety)
	f.alerts = f.newLoop("alerts", f.stepAlerts)
	f.rest = f.newLoop("readings and evidence", f.stepRest)
	return f, nil
}

func setDefault(v *time.Duration, d time.Duration) {
	if *v <= 0 {
		*v = d
	}
}

// Run forwards until ctx ends. It returns nil then, and nothing else ends it.
func (f *Forwarder) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, l := range []*loop{f.life, f.alerts, f.rest} {
		wg.Go(func() { l.run(ctx) })
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-f.o.Urgent:
			poke(f.life.urgent)
		case <-f.o.Appended:
			poke(f.life.wake)
			poke(f.alerts.wake)
			poke(f.rest.wake)
		}
	}
}

// Status returns a snapshot.
func (f *Forwarder) Status() Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.status
}

// connected notes an answer; n events were accepted, rejected refused.
func (f *Forwarder) connected(n, rejected int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	if !f.status.Connected {
		f.o.Log.Info("connected to central")
		f.status.Connected, f.status.Why, f.status.Since = true, "", now
	}
	f.status.Delivered += int64(n)
	f.status.Rejected += int64(rejected)
	if n+rejected > 0 {
		f.status.LastReceipt = now
	}
}

func (f *Forwarder) failed(loop string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	why := reasonOf(err)
	if !f.status.Connected && f.status.Why == why {
		return
	}
	f.status.Connected, f.status.Why, f.status.Since = false, why, time.Now()
	f.o.Log.Warn("central does not take what it is sent; will try again", "stream", loop, "why", why)
}

// loop repeats a step: at once while it finds work, after a wake or a while when it finds none, after a back-off when it fails.
type loop struct {
	f            *Forwarder
	name         string
	step         func(context.Context) (worked bool, err error)
	wake, urgent chan struct{}
	backoff      *backoff.Backoff
}

func (f *Forwarder) newLoop(name string, step func(context.Context) (bool, error)) *loop {
	return &loop{
		f: f, name: name, step: step, wake: make(chan struct{}, 1), urgent: make(chan struct{}, 1),
		backoff: backoff.New(f.o.MinRetry, f.o.MaxRetry),
	}
}

func poke(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (l *loop) run(ctx context.Context) {
	for ctx.Err() == nil {
		worked, err := l.step(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			l.f.failed(l.name, err)
			l.pause(ctx, err)
		case worked:
			l.backoff.Reset()
		default:
			l.rest(ctx)
		}
	}
}

// rest waits for work.
func (l *loop) rest(ctx context.Context) {
	t := time.NewTimer(l.f.o.Idle)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-l.wake:
	case <-l.urgent:
	case <-t.C:
	}
}

// pause waits out a back-off, or what central asked for if that is longer. Urgent work ends it early, but never sooner
// than MinRetry after the failure and without making the next wait shorter.
func (l *loop) pause(ctx context.Context, err error) {
	wait := l.backoff.Next()
	var status *StatusError
	if errors.As(err, &status) {
		wait = max(wait, status.RetryAfter)
	}
	least := min(wait, l.f.o.MinRetry)
	if !backoff.Wait(ctx, least) || wait == least {
		return
	}
	t := time.NewTimer(wait - least)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-l.urgent:
	case <-t.C:
	}
}

// stepLifeSafety sends one batch of the life-safety lane and lets the other loops go on when it is empty or stuck.
func (f *Forwarder) stepLifeSafety(ctx context.Context) (bool, error) {
	worked, err := f.sendLane(ctx, alert.LifeSafety)
	stuck := errors.Is(err, errNoReceipts) || poisonous(err)
	f.stuck.Store(stuck)
	if stuck || !worked && err == nil {
		poke(f.alerts.wake)
		poke(f.rest.wake)
	}
	return worked, err
}

// mustYield says whether a life-safety alert is waiting, before which nothing else is sent. Those that central answers
// without a receipt are tried again and again, and must not hold up the rest for ever.
func (f *Forwarder) mustYield(ctx context.Context) (bool, error) {
	if f.stuck.Load() {
		return false, nil
	}
	entries, err := f.o.Queue.Peek(ctx, alert.LifeSafety, outbox.Want{Limit: 1})
	if err != nil {
		return false, storage(err)
	}
	return len(entries) > 0, nil
}

// stepAlerts sends one batch of normal or of bulk alerts, in turns while both have some.
func (f *Forwarder) stepAlerts(ctx context.Context) (bool, error) {
	if yield, err := f.mustYield(ctx); yield || err != nil {
		return false, err
	}
	lanes := [2]alert.Lane{alert.Normal, alert.Bulk}
	for range lanes {
		lane := lanes[f.turn%2]
		f.turn++
		if worked, err := f.sendLane(ctx, lane); worked || err != nil {
			return worked, err
		}
	}
	return false, nil
}

// stepRest sends one batch of readings or one piece of evidence, in turns.
func (f *Forwarder) stepRest(ctx context.Context) (bool, error) {
	if yield, err := f.mustYield(ctx); yield || err != nil {
		return false, err
	}
	steps := [2]func(context.Context) (bool, error){f.sendReadings, f.sendEvidence}
	for range steps {
		step := steps[f.restTurn%2]
		f.restTurn++
		if worked, err := step(ctx); worked || err != nil {
			return worked, err
		}
	}
	return false, nil
}

// errStorage marks errors of the outbox, errNoReceipts an answer that answers for nothing.
var (
	errStorage    = errors.New("outbox")
	errNoReceipts = errors.New("central's answer holds no receipt for what was sent")
)

func storage(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", errStorage, err)
}

// poisonous says that central refused the whole of a request for what is in it.
func poisonous(err error) bool {
	var s *StatusError
	if !errors.As(err, &s) {
		return false
	}
	return s.Status == http.StatusBadRequest || s.Status == http.StatusRequestEntityTooLarge || s.Status == http.StatusUnprocessableEntity
}
