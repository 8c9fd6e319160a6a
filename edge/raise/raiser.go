package raise

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"gridgate/protocols/alert"
)

// ErrInvalid is wrapped by the error of a signal or reading that can never become an alert, however often it is tried:
// acknowledge the message and count it. Every other error means that the storage failed: try again.
var ErrInvalid = errors.New("invalid observation")

// Windows in which a second momentary signal of the same key is the same moment, measured between the observed times.
// A life-safety button pressed twice is two calls for help, so only the bounce of its contact is removed.
const (
	MomentWindow           = time.Second
	LifeSafetyMomentWindow = 300 * time.Millisecond
)

// MomentArrival is how far apart, by a clock that nobody sets, two signals of one moment may arrive. A device whose clock stands
// still gives every press the same time: what arrives later than this is another call for help, whatever its time says. Where the
// edge told the time itself, the window above is the bound, so that no step of its clock makes one call of two.
const MomentArrival = 2 * time.Second

// Debounce is the patience of one kind. The zero value raises and clears at once.
type Debounce struct {
	// MinActive is how long a state must hold before it is raised. Of a life-safety kind it is always 0.
	MinActive time.Duration
	// ClearHold is how long a state must be over before it is cleared; if it returns meanwhile, the situation goes on.
	ClearHold time.Duration
}

// LongestWait is how long the state of a kind may at most be held back by the patience of one signal. What endangers life must not
// wait, unless a standard measures the danger itself by its duration: carbon monoxide (EN 50291-1: at 50 ppm the alarm comes between 60 and 90 min).
func LongestWait(k alert.Kind) time.Duration {
	switch {
	case k == alert.CO:
		return 90 * time.Minute
	case k.Lane() == alert.LifeSafety:
		return 2 * time.Minute
	}
	return 24 * time.Hour
}

// Options are what a [Raiser] needs. Log is demanded.
type Options struct {
	Log Log
	Now func() time.Time // the edge's clock (in replay: media time); nil means time.Now
	// Steady is a clock that nobody sets: how long the process runs. nil means the one that comes with Now, as far as it has one.
	Steady   func() time.Duration
	Debounce map[alert.Kind]Debounce
	// Uncertainty is by how much the edge's clock may be wrong; no alert says less. nil means not at all.
	Uncertainty func() time.Duration
}

// Raiser turns signals into alerts. Its methods are safe for concurrent use: calls that share a key follow each other,
// others run side by side, so that the log can group their commits.
type Raiser struct {
	log      Log
	now      func() time.Time
	steady   func() time.Duration
	debounce map[alert.Kind]Debounce
	unsure   func() time.Duration
	locks    keyLocks

	mu      sync.Mutex
	open    map[string]Situation
	moments map[string]moment
}

// moment is the last momentary signal of a key.
type moment struct {
	at   time.Time     // observed
	seen time.Duration // steady clock
}

// New returns a Raiser that goes on with the situations that the log holds.
func New(ctx context.Context, o Options) (*Raiser, error) {
	if o.Log == nil {
		return nil, errors.New("raise: Log is not set")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Steady == nil {
		begun := o.Now() // with its reading of the steady clock, which UTC and the like would take away
		o.Steady = func() time.Duration { return o.Now().Sub(begun) }
	}
	if o.Uncertainty == nil {
		o.Uncertainty = func() time.Duration { return 0 }
	}
	situations, err := o.Log.Situations(ctx)
	if err != nil {
		return nil, fmt.Errorf("load open situations: %w", err)
	}
	r := &Raiser{
		log: o.Log, now: o.Now, steady: o.Steady, debounce: maps.Clone(o.Debounce), unsure: o.Uncertainty,
		open: make(map[string]Situation, len(situations)), moments: map[string]moment{},
	}
	for _, s := range situations {
		r.open[s.Key] = s
	}
	return r, nil
}

// Raise applies the signals of one message, in their order, and returns the alerts that are now on stable storage.
// Message identifies what caused them (empty where a source has no identities): a message that was committed before
// changes nothing and returns no alerts. Readings are stored in the same transaction. On an error nothing has changed;
// see [ErrInvalid].
func (r *Raiser) Raise(ctx context.Context, message string, signals []Signal, readings []alert.Reading) ([]alert.Alert, error) {
	for i, reading := range readings {
		if err := reading.Validate(); err != nil {
			return nil, fmt.Errorf("%w: reading %d: %w", ErrInvalid, i, err)
		}
	}
	each, keys := keysOf(signals)
	if err := r.locks.lock(ctx, keys); err != nil {
		return nil, fmt.Errorf("wait for an earlier signal of the same key: %w", err)
	}
	defer r.locks.unlock(keys)

	p := r.plan(keys)
	for i := range signals {
		if err := p.apply(&signals[i], each[i]); err != nil {
			return nil, fmt.Errorf("%w: signal %d: %w", ErrInvalid, i, err)
		}
	}
	return r.commit(ctx, p, message, readings)
}

// maxAdvance bounds how many situations one [Raiser.Advance] settles in one transaction.
const maxAdvance = 500

// Advance raises what has been active long enough by now and clears what has been over long enough. Call it about
// once a second. It settles at most 500 situations a call, those longest due first.
func (r *Raiser) Advance(ctx context.Context, now time.Time) ([]alert.Alert, error) {
	keys := r.due(now)
	if len(keys) == 0 {
		return nil, nil
	}
	if err := r.locks.lock(ctx, keys); err != nil {
		return nil, fmt.Errorf("wait for a signal of the same key: %w", err)
	}
	defer r.locks.unlock(keys)

	p := r.plan(keys)
	p.now = now.UTC()
	for _, k := range keys {
		p.settle(k)
	}
	return r.commit(ctx, p, "", nil)
}

// Open returns the situations that hold now, raised or pending, sorted by key.
func (r *Raiser) Open() []Situation {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := slices.Collect(maps.Values(r.open))
	slices.SortFunc(out, func(a, b Situation) int { return compareKeys(a.Key, b.Key) })
	return out
}

// due returns the sorted keys of what is due and forgets moments that no later signal can equal.
func (r *Raiser) due(now time.Time) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	steady := r.steady()
	maps.DeleteFunc(r.moments, func(_ string, m moment) bool { return steady-m.seen > time.Minute })
	var waiting []Situation
	for _, s := range r.open {
		if s.dueBy(now) {
			waiting = append(waiting, s)
		}
	}
	slices.SortFunc(waiting, func(a, b Situation) int { return a.Due.Compare(b.Due) })
	var keys []string
	for _, s := range waiting[:min(len(waiting), maxAdvance)] {
		keys = append(keys, s.Key)
	}
	slices.Sort(keys)
	return keys
}

// plan copies the states of keys, which the caller has locked.
func (r *Raiser) plan(keys []string) *plan {
	p := &plan{now: r.now().UTC(), steady: r.steady(), unsure: r.unsure(), debounce: r.debounce}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, k := range keys {
		if s, ok := r.open[k]; ok {
			put(&p.open, k, s)
			put(&p.stored, k, true)
		}
		if m, ok := r.moments[k]; ok {
			put(&p.moments, k, m)
		}
	}
	return p
}

// commit writes a plan and only then remembers it.
func (r *Raiser) commit(ctx context.Context, p *plan, message string, readings []alert.Reading) ([]alert.Alert, error) {
	c := p.commit()
	c.Message, c.First = strings.CutPrefix(message, firstDelivery)
	c.Readings = readings
	if !c.empty() {
		duplicate, err := r.log.Commit(ctx, c)
		if err != nil {
			return nil, fmt.Errorf("commit %d alerts: %w", len(c.Alerts), err)
		}
		if duplicate {
			return nil, nil
		}
	}
	r.remember(p, c)
	return c.Alerts, nil
}

func (r *Raiser) remember(p *plan, c Commit) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range c.Opened {
		r.open[s.Key] = s
	}
	for _, k := range c.Closed {
		delete(r.open, k)
	}
	maps.Copy(r.moments, p.moments)
}

func (c Commit) empty() bool {
	return c.Message == "" && len(c.Alerts)+len(c.Readings)+len(c.Opened)+len(c.Closed) == 0
}
