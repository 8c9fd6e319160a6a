package forward

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"gridgate/edge/outbox"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// Alerts is what the forwarder needs of the outbox for alerts. Peek removes nothing; Settle does, by receipt.
type Alerts interface {
	Epoch() string
	Peek(ctx context.Context, lane alert.Lane, w outbox.Want) ([]outbox.Entry, error)
	Lane(ctx context.Context, lane alert.Lane) (outbox.LaneView, error)
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

	Batch    int           // events or readings a request at most (default and most [ingest.MaxBatch]); how many is found out
	MinRetry time.Duration // first wait after a failure (default 500 ms); also the least gap before urgent work tries again
	MaxRetry time.Duration // longest wait (default 1 min)
	Idle     time.Duration // how often to look although nothing was announced (default 30 s)

	// EvidenceRate is how many bytes of evidence a second may go up at a time; 0: as many as the link takes. nil: always.
	EvidenceRate func(time.Time) int64
}

func (o Options) withDefaults() (Options, error) {
	if o.Queue == nil || o.Central == nil {
		return o, errors.New("forward: Queue and Central are demanded")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Batch <= 0 {
		o.Batch = ingest.MaxBatch
	}
	if o.EvidenceRate == nil {
		o.EvidenceRate = func(time.Time) int64 { return 0 }
	}
	o.Batch = min(o.Batch, ingest.MaxBatch)
	setDefault(&o.MinRetry, 500*time.Millisecond)
	setDefault(&o.MaxRetry, time.Minute)
	setDefault(&o.Idle, 30*time.Second)
	return o, nil
}

func setDefault(v *time.Duration, d time.Duration) {
	if *v <= 0 {
		*v = d
	}
}

// Forwarder empties the outbox into central.
type Forwarder struct {
	o Options

	life, alerts       *stream
	readings, evidence *loop
	readingPace        *pace
	tries              tries
	budget             *budget

	schema     atomic.Int64 // newest that central accepts; 0: not known
	quietBelow atomic.Int64 // life-safety alerts with lower numbers hold up nothing
	waits      atomic.Bool  // a life-safety alert waits or is on its way

	mu      sync.Mutex
	refused map[string]int
	status  Status
}

// NotYet is the reason of a [Forwarder] that has sent nothing so far.
const NotYet = "not connected yet"

// Status is how the connection to central is.
type Status struct {
	Connected   bool      `json:"connected"`
	Why         string    `json:"why,omitempty"`        // why not, or why nothing is sent although it is; in one line without addresses
	Since       time.Time `json:"since,omitzero"`       // of Connected and Why
	LastReceipt time.Time `json:"lastReceipt,omitzero"` // when central last answered for an event or a reading
	Delivered   int64     `json:"delivered"`            // events and readings that central has, since the start
	Rejected    int64     `json:"rejected"`             // those that it refused
}

// New checks the options.
func New(o Options) (*Forwarder, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	f := &Forwarder{
		o: o, refused: map[string]int{}, status: Status{Why: NotYet, Since: time.Now()},
		readingPace: newPace(o.Batch), budget: &budget{rate: o.EvidenceRate},
	}
	f.life = f.newStream("life-safety", newLane(alert.LifeSafety, o))
	f.life.looked, f.life.ended = f.lifeLooked, f.lifeEnded
	f.alerts = f.newStream("alerts", newLane(alert.Normal, o), newLane(alert.Bulk, o))
	f.alerts.may = f.mayGo
	f.readings = f.newLoop("readings", f.sendReadings)
	f.evidence = f.newLoop("evidence", f.sendEvidence)
	return f, nil
}

// Run forwards until ctx ends. It returns nil then, and nothing else ends it.
func (f *Forwarder) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, run := range []func(context.Context){f.life.run, f.alerts.run, f.readings.run, f.evidence.run} {
		wg.Go(func() { run(ctx) })
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-f.o.Urgent:
			f.waits.Store(true)
			poke(f.life.urgent)
		case <-f.o.Appended:
			poke(f.life.wake)
			f.wakeOthers()
		}
	}
}

func (f *Forwarder) wakeOthers() {
	poke(f.alerts.wake)
	poke(f.readings.wake)
	poke(f.evidence.wake)
}

// Schema is the newest version that central accepts, as far as is known; 0 until it has said so.
func (f *Forwarder) Schema() int { return int(f.schema.Load()) }

// SetSchema says what central accepts, as a sync or a refusal tells it. What needs a newer one is held until then.
func (f *Forwarder) SetSchema(newest int) {
	if was := f.schema.Swap(int64(newest)); was != int64(newest) {
		f.o.Log.Info("central accepts another schema version than was known", "schema", newest, "before", was)
		poke(f.life.wake)
		f.wakeOthers()
	}
}

// mayGo says whether nothing of life-safety waits, before which nothing else is sent.
func (f *Forwarder) mayGo(ctx context.Context) (bool, error) {
	view, err := f.o.Queue.Lane(ctx, alert.LifeSafety)
	if err != nil {
		return false, storage(err)
	}
	return view.Next <= f.quietBelow.Load(), nil
}

// lifeLooked notes whether there is anything to send. What is held or set aside holds up nothing.
func (f *Forwarder) lifeLooked(j *job) {
	if len(j.entries) > 0 {
		f.waits.Store(true)
	} else if f.life.flying == 0 {
		f.quiet(j.view.Next)
	}
}

// lifeEnded lets the others go on if central answers, but takes none of the life-safety alerts: those are tried again and again.
func (f *Forwarder) lifeEnded(j *job) {
	var status *StatusError
	if errors.Is(j.err, errNoReceipts) || errors.As(j.err, &status) && !busy(j.err) {
		f.quiet(j.view.Next)
	}
}

func (f *Forwarder) quiet(below int64) {
	before := f.quietBelow.Swap(below)
	if f.waits.Swap(false) || before != below {
		f.wakeOthers()
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
	if !f.status.Connected || f.status.Why != "" {
		f.o.Log.Info("central takes what it is sent")
		f.status.Connected, f.status.Why, f.status.Since = true, "", now
	}
	f.status.Delivered += int64(n)
	f.status.Rejected += int64(rejected)
	if n+rejected > 0 {
		f.status.LastReceipt = now
	}
}

// failed notes why something is not taken. A central that asks to wait is connected.
func (f *Forwarder) failed(name string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	why, connected := reasonOf(err), busy(err)
	if f.status.Connected == connected && f.status.Why == why {
		return
	}
	f.status.Connected, f.status.Why, f.status.Since = connected, why, time.Now()
	f.o.Log.Warn("central does not take what it is sent; will try again", "stream", name, "why", why)
}
