package forward

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"gridgate/protocols/ingest"
	"gridgate/protocols/kit/backoff"
)

// SyncOptions are what a [SyncLoop] needs. Central and Request are demanded; zero numbers mean the defaults.
type SyncOptions struct {
	Central Syncer
	// Request takes the snapshot that goes up. Schema and Now are filled in by the loop.
	Request  func(ctx context.Context) (ingest.SyncRequest, error)
	Changed  <-chan struct{}           // something worth telling at once has changed
	Answered func(ingest.SyncResponse) // is told each answer; nil: nobody is
	Clock    *Clock                    // is told central's; nil: one of its own
	Log      *slog.Logger
	Every    time.Duration // default 1 min
	Debounce time.Duration // how long changes are gathered, and the least gap between two syncs (default 1 s)
	// Hold is how long central may keep a question until it has new orders, in whole seconds, at most [ingest.MaxWait]; 0: not at all.
	// A held question is taken back when something has changed. Where central does hold, one question follows the other.
	Hold time.Duration
}

// SyncLoop tells central how the edge is, and hears what central wants.
type SyncLoop struct {
	o        SyncOptions
	measured time.Time // when central's clock was last heard, on the steady clock; of Run
	mu       sync.Mutex
	st       SyncStatus
}

// SyncStatus is what the last sync said.
type SyncStatus struct {
	Connected bool      `json:"connected"`
	Why       string    `json:"why,omitempty"` // why not, in one line without addresses
	Since     time.Time `json:"since,omitzero"`
	Last      time.Time `json:"last,omitzero"` // the last answer
	// Offset is central's clock less the edge's now, as if the answer had been written half way through the request; see [Clock].
	Offset        time.Duration `json:"offsetNs"`
	Schema        int           `json:"schema"`        // newest that central accepts
	ConfigVersion string        `json:"configVersion"` // that central wants; empty: no wish
}

// NewSync checks the options.
func NewSync(o SyncOptions) (*SyncLoop, error) {
	if o.Central == nil || o.Request == nil {
		return nil, errors.New("sync: Central and Request are demanded")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Clock == nil {
		o.Clock = NewClock(o.Log)
	}
	if o.Answered == nil {
		o.Answered = func(ingest.SyncResponse) {}
	}
	setDefault(&o.Every, time.Minute)
	setDefault(&o.Debounce, time.Second)
	o.Hold = min(o.Hold, ingest.MaxWait).Truncate(time.Second)
	return &SyncLoop{o: o, st: SyncStatus{Why: NotYet, Since: time.Now()}}, nil
}

// Status returns a snapshot.
func (l *SyncLoop) Status() SyncStatus {
	l.mu.Lock()
	defer l.mu.Unlock()
	st := l.st
	st.Offset = l.o.Clock.Offset()
	return st
}

// Run syncs at once, then every minute and on change, or as soon as central has let go of the question before, until ctx ends. After a
// failure it backs off, up to Every.
func (l *SyncLoop) Run(ctx context.Context) error {
	retry := backoff.New(l.o.Debounce, max(l.o.Every, l.o.Debounce))
	var next plan
	for {
		var err error
		next, err = l.once(ctx, next.hold)
		changed := l.o.Changed
		if ctx.Err() != nil {
			return nil
		} else if err != nil {
			l.failed(err)
			next, changed = plan{wait: asked(err, retry.Next())}, nil
		} else {
			retry.Reset()
		}
		if !l.sleep(ctx, next.wait, changed) {
			return nil
		}
	}
}

// plan is when the next question is due, and whether central may hold it. The one after a failure or a change is not held, so that it
// shows at once whether central is there.
type plan struct {
	wait time.Duration
	hold bool
}

// sleep waits for the next sync; false means that ctx ended.
func (l *SyncLoop) sleep(ctx context.Context, wait time.Duration, changed <-chan struct{}) bool {
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	case <-changed:
		return backoff.Wait(ctx, l.o.Debounce)
	}
}

// once asks once. A question that was taken back is no failure, and has no answer.
func (l *SyncLoop) once(ctx context.Context, hold bool) (plan, error) {
	select {
	case <-l.o.Changed: // what changed until here goes up now
	default:
	}
	request, err := l.o.Request(ctx)
	if err != nil {
		return plan{}, storage(err)
	}
	start := time.Now()
	request.Schema, request.Now = ingest.SchemaVersion, start.UTC()
	if hold {
		request.WaitSec = int(l.o.Hold / time.Second)
	}
	response, changed, err := l.ask(ctx, request)
	switch {
	case errors.Is(err, errTakenBack):
		return plan{}, nil
	case err != nil:
		return plan{}, err
	}
	end := time.Now()
	took := end.Sub(start)
	l.measure(response.Now, took, hold)
	l.connected(response, end) // first: whoever hears the answer may look at the line
	l.o.Answered(response)
	switch {
	case changed:
		return plan{wait: l.o.Debounce}, nil
	case l.o.Hold <= 0:
		return plan{wait: l.o.Every}, nil
	case hold && took < surelyHeld && response.Orders == nil: // central does not hold, or holds too many already
		return plan{wait: l.o.Every, hold: l.mayHold()}, nil
	}
	return plan{wait: l.o.Debounce, hold: l.mayHold()}, nil
}

const (
	// surelyHeld is how long an answer takes that was held.
	surelyHeld = 5 * time.Second
	// quick is how long an answer may take that could have been held and still tells central's clock.
	quick = 2 * time.Second
	// measureEvery is how often central's clock is heard at least: an answer that was held tells it to half of the time that it took.
	measureEvery = 15 * time.Minute
)

// measure hears central's clock, unless the answer may have been held for long.
func (l *SyncLoop) measure(now time.Time, took time.Duration, held bool) {
	if held && took > quick {
		return
	}
	l.o.Clock.set(now, took)
	l.measured = time.Now()
}

// mayHold says whether the next question may be held: central's clock was heard lately.
func (l *SyncLoop) mayHold() bool { return time.Since(l.measured) < measureEvery }

// errTakenBack is a question that was taken back since something has changed.
var errTakenBack = errors.New("taken back")

// ask makes one request. One that may be held is taken back when something has changed and changes were gathered; changed says that
// something did and is not in the request.
func (l *SyncLoop) ask(ctx context.Context, r ingest.SyncRequest) (answer ingest.SyncResponse, changed bool, err error) {
	if r.WaitSec == 0 {
		answer, err = l.o.Central.Sync(ctx, r)
		return answer, false, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case <-ctx.Done():
		case <-l.o.Changed:
			changed = true
			if backoff.Wait(ctx, l.o.Debounce) {
				cancel(errTakenBack)
			}
		}
	})
	answer, err = l.o.Central.Sync(ctx, r)
	cancel(nil)
	watch.Wait()
	if err != nil && errors.Is(context.Cause(ctx), errTakenBack) {
		err = errTakenBack
	}
	return answer, changed, err
}

// connected notes an answer.
func (l *SyncLoop) connected(r ingest.SyncResponse, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.st.Connected || l.st.Why != "" {
		l.st.Connected, l.st.Why, l.st.Since = true, "", at
	}
	l.st.Last, l.st.Schema, l.st.ConfigVersion = at, r.Schema, r.ConfigVersion
}

func (l *SyncLoop) failed(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	why, connected := reasonOf(err), busy(err)
	if l.st.Connected == connected && l.st.Why == why {
		return
	}
	l.st.Connected, l.st.Why, l.st.Since = connected, why, time.Now()
	l.o.Log.Warn("sync with central failed; will try again", "why", why)
}
