package orders

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"sync"
	"time"

	"gridgate/protocols/ingest"
)

// Options are what a [Keeper] needs. File is demanded.
type Options struct {
	File  string // keeps what holds
	Known Known
	Now   func() time.Time // central's clock, as far as it is known; default [time.Now]
	Log   *slog.Logger
}

// Edge is what orders act on. Its methods are called one at a time.
type Edge struct {
	// Apply makes cameras and sensors be as held says at now. Doing it again changes nothing. It returns what could not be done, by device.
	Apply       func(held Held, now time.Time) map[string]error
	Looks       func([]ingest.Look)                                   // replaces those there were
	Trials      func(trials []ingest.Trial, spoilt map[string]string) // the same
	Discoveries func([]ingest.Discovery)                              // the same; nil: none is made
	// Configuration and Release hear what central wants the edge to run, nil for nothing; they must not block, and keep what they need by
	// themselves. nil: nothing is taken.
	Configuration func(*ingest.WantedConfiguration)
	Release       func(*ingest.WantedRelease)
}

// Unheard is the revision of an edge that has just started: it follows what it kept, and central's is never called so.
const Unheard = "unheard"

// Keeper follows what central wants. Its methods are safe for concurrent use.
type Keeper struct {
	o      Options
	began  time.Time // on the steady clock
	edge   Edge
	acting sync.Mutex // one at a time acts

	mu       sync.Mutex
	floor    time.Time // central's clock was not before it at the start
	held     Held
	revision string
	refused  map[string]string
	failed   map[string]error // what could not be done, by device
	unkept   bool             // the file does not say so yet
}

// Open returns a Keeper that goes on with what its file holds, as far as the edge's configuration still has room for it. A file that cannot
// be read is told to the log, and holds nothing: central tells it anew.
func Open(o Options) (*Keeper, error) {
	if o.File == "" {
		return nil, errors.New("orders: File is demanded")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	k := &Keeper{o: o, began: time.Now(), revision: Unheard}
	s, err := read(o.File)
	if err != nil {
		o.Log.Error("what central wanted is not known until it tells it again", "error", err)
	}
	k.floor = s.At
	judged := Judge(s.orders(), Held{}, o.Known, k.now())
	k.take(judged)
	return k, nil
}

// now is central's clock. An edge whose clock begins in the past after a power cut must not go on for years with a mode that had an end:
// time goes on from when the file was written, at least.
func (k *Keeper) now() time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.o.Now()
	if least := k.floor.Add(time.Since(k.began)); !k.floor.IsZero() && now.Before(least) {
		return least
	}
	return now
}

// Bind says what orders act on, and acts by what is held. It comes before Hear and Run.
func (k *Keeper) Bind(e Edge) {
	k.edge = e
	k.Act()
}

// Held is what holds; it must not be changed.
func (k *Keeper) Held() Held {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.held
}

// Mode is how a device shall be now; see [Held.Mode].
func (k *Keeper) Mode(device, zone string) (mode string, ok bool) {
	return k.Held().Mode(device, zone, k.now())
}

// Revision is that of the orders that were heard last.
func (k *Keeper) Revision() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.revision
}

// Refused says why something that central wants of a device is not followed; empty if all is.
func (k *Keeper) Refused(device string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.failed[device]; err != nil {
		return err.Error()
	}
	return k.refused[device]
}

// Hear follows orders; nil says that there are no others. What can be followed is kept and done before it returns; if it cannot be kept it is
// done all the same, and kept later.
func (k *Keeper) Hear(o *ingest.Orders) {
	if o == nil {
		return
	}
	before := k.Held()
	judged := Judge(*o, before, k.o.Known, k.now())
	for device, why := range judged.Refused {
		k.o.Log.Warn("something that central wants is not followed", "device", device, "why", why)
	}
	k.take(judged)
	k.mu.Lock()
	k.revision, k.unkept = o.Revision, k.unkept || !reflect.DeepEqual(before, judged.Held) // a look is worth no write
	k.mu.Unlock()
	k.keep()
	k.Act()
	k.edge.Looks(judged.Looks)
	k.edge.Trials(judged.Trials, judged.Spoilt)
	if k.edge.Discoveries != nil {
		k.edge.Discoveries(judged.Discoveries)
	}
	if k.edge.Configuration != nil {
		k.edge.Configuration(o.Configuration)
	}
	if k.edge.Release != nil {
		k.edge.Release(o.Release)
	}
	k.o.Log.Info("central's orders were heard", "arrangements", len(judged.Arrangements), "modes", len(judged.Modes), "looks", len(judged.Looks), "trials", len(judged.Trials), "discoveries", len(judged.Discoveries))
}

func (k *Keeper) take(j Judged) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.held, k.refused = j.Held, j.Refused
}

// keep writes the file if it does not say what holds.
func (k *Keeper) keep() {
	now := k.now()
	k.mu.Lock()
	s, unkept := stored{At: now.UTC(), Held: k.held}, k.unkept
	k.unkept = false
	k.mu.Unlock()
	if !unkept {
		return
	}
	if err := s.write(k.o.File); err != nil {
		k.o.Log.Error("what central wants is followed, but would be forgotten by a restart; trying again", "error", err)
		k.mu.Lock()
		k.unkept = true
		k.mu.Unlock()
	}
}

// Act does what is held, again.
func (k *Keeper) Act() {
	k.acting.Lock()
	defer k.acting.Unlock()
	failed := k.edge.Apply(k.Held(), k.now())
	k.mu.Lock()
	defer k.mu.Unlock()
	for device, err := range failed {
		if k.failed[device] == nil {
			k.o.Log.Error("what central wants could not be done; trying again", "device", device, "error", err)
		}
	}
	k.failed = failed
}

const (
	actEvery  = time.Second
	keepEvery = 30 * time.Second
)

// Run ends modes in their time, and tries again what failed, until ctx ends; it returns nil.
func (k *Keeper) Run(ctx context.Context) error {
	act, keep := time.NewTicker(actEvery), time.NewTicker(keepEvery)
	defer act.Stop()
	defer keep.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-act.C:
			k.expire()
			k.Act()
		case <-keep.C:
			k.keep()
		}
	}
}

// expire forgets modes that are over.
func (k *Keeper) expire() {
	now := k.now()
	k.mu.Lock()
	defer k.mu.Unlock()
	left, some := k.held.over(now)
	if some {
		k.held, k.unkept = left, true
	}
}
