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
}

// SyncLoop tells central how the edge is, and hears what central wants.
type SyncLoop struct {
	o  SyncOptions
	mu sync.Mutex
	st SyncStatus
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

// Run syncs at once, then every minute and on change, until ctx ends. After a failure it backs off, up to Every.
func (l *SyncLoop) Run(ctx context.Context) error {
	retry := backoff.New(l.o.Debounce, max(l.o.Every, l.o.Debounce))
	for {
		wait, changed := l.o.Every, l.o.Changed
		if err := l.once(ctx); ctx.Err() != nil {
			return nil
		} else if err != nil {
			l.failed(err)
			wait, changed = asked(err, retry.Next()), nil
		} else {
			retry.Reset()
		}
		if !l.sleep(ctx, wait, changed) {
			return nil
		}
	}
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

func (l *SyncLoop) once(ctx context.Context) error {
	request, err := l.o.Request(ctx)
	if err != nil {
		return storage(err)
	}
	start := time.Now()
	request.Schema, request.Now = ingest.SchemaVersion, start.UTC()
	response, err := l.o.Central.Sync(ctx, request)
	if err != nil {
		return err
	}
	end := time.Now()
	l.o.Clock.set(response.Now, end.Sub(start))
	l.o.Answered(response)
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.st.Connected || l.st.Why != "" {
		l.st.Connected, l.st.Why, l.st.Since = true, "", end
	}
	l.st.Last, l.st.Schema, l.st.ConfigVersion = end, response.Schema, response.ConfigVersion
	return nil
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
