// Package vendor keeps the connections to cameras, recorders and platforms that tell their own events.
//
// In: a [vendor.Stream]. Out: the observations of each configured camera, to its [Teller], paired and in order; what is not stored is
// tried again, and the stream waits. One device's trouble stays its own. It never interprets a message (protocols/onvif and its
// siblings do) and never raises an alert (edge/camera and edge/raise do).
package vendor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"gridgate/protocols/kit/backoff"
	"gridgate/protocols/observation"
	"gridgate/protocols/vendor"
)

// Teller takes what a camera told of itself. [camera.Camera] is one.
type Teller interface {
	// Tell takes observations whose Device is the channel and whose Zone is the region, as the device numbers them. It returns nil once
	// everything is on stable storage; told again, a state changes nothing.
	Tell(ctx context.Context, told []observation.Observation, received time.Time) error
	// Settle says that the camera has had its time to tell what holds: what it has not told since the start of the process is over.
	Settle(ctx context.Context) error
}

// Target is a camera behind the connection.
type Target struct {
	Teller  Teller
	Channel string // of the device, as it numbers them; empty: any
}

// Options are what a [Line] needs. Name, Stream and Targets are demanded.
type Options struct {
	Name    string // in the log
	Stream  vendor.Stream
	Targets []Target
	// OnChange is told that the state of the connection changed. It must not block.
	OnChange func()
	Log      *slog.Logger
	Now      func() time.Time
}

// State says how a connection is.
type State string

// The states.
const (
	Connecting State = "connecting"
	Connected  State = "connected"
	AuthFailed State = "auth-failed"
	Failed     State = "failed"
)

// Status is a snapshot of a line.
type Status struct {
	State    State     `json:"state"`
	Why      string    `json:"why,omitzero"` // why it is not connected
	Since    time.Time `json:"since"`
	Messages uint64    `json:"messages"` // that the device sent since the start, heartbeats included
	Ignored  uint64    `json:"ignored"`  // of them, not understood
	LastWhy  string    `json:"lastIgnored,omitzero"`
}

// Line is the connection to one device. Run is called once.
type Line struct {
	o    Options
	told chan heard

	mu     sync.Mutex
	status Status

	// Owned by the goroutine that stores.
	held    vendor.Held
	settle  time.Time // when the device has had its time; zero: it has
	opening time.Time // when the connection that told last gave its first sign of life
}

// heard is a translation, when it came, and when the connection that it came by gave its first sign of life.
type heard struct {
	observation.Translation
	at, opened time.Time
}

// New checks o.
func New(o Options) (*Line, error) {
	if o.Name == "" || o.Stream == nil || len(o.Targets) == 0 {
		return nil, errors.New("vendor: Name, Stream and Targets must be set")
	}
	for _, t := range o.Targets {
		if t.Teller == nil {
			return nil, fmt.Errorf("vendor %s: a target without a camera", o.Name)
		}
	}
	if o.OnChange == nil {
		o.OnChange = func() {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Line{o: o, told: make(chan heard, queue), status: Status{State: Connecting, Since: o.Now().UTC()}}, nil
}

// queue is how many messages may wait to be stored before the stream does.
const queue = 256

// How long to wait before the next connection. Devices lock out whoever tries too often, and count failed passwords.
const (
	retryMin, retryMax         = 2 * time.Second, 2 * time.Minute
	authRetryMin, authRetryMax = time.Minute, 30 * time.Minute
	steady                     = 30 * time.Second // a connection that lasted so long was a good one
	settling                   = time.Minute      // in which a device tells what holds
)

// Run works until ctx ends, and returns nil then. Nothing that a device does makes it return earlier.
func (l *Line) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { l.store(ctx) })
	retry, authRetry := backoff.New(retryMin, retryMax), backoff.New(authRetryMin, authRetryMax)
	for {
		begun := l.o.Now()
		err := l.o.Stream.Run(ctx, l.emit(ctx))
		if ctx.Err() != nil {
			return nil
		}
		if l.o.Now().Sub(begun) >= steady {
			retry.Reset()
			authRetry.Reset()
		}
		wait := retry
		if errors.Is(err, vendor.ErrAuth) || errors.Is(err, vendor.ErrBlocked) {
			wait = authRetry
		}
		l.failed(err)
		if !backoff.Wait(ctx, wait.Next()) {
			return nil
		}
	}
}

// emit hands a message to the goroutine that stores.
func (l *Line) emit(ctx context.Context) vendor.Emit {
	return func(t observation.Translation) {
		now := l.o.Now()
		select {
		case l.told <- heard{t, now, l.heard(t)}:
		case <-ctx.Done():
		}
	}
}

// heard counts a message and returns since when there is a connection.
func (l *Line) heard(t observation.Translation) (opened time.Time) {
	l.mu.Lock()
	l.status.Messages++
	if t.Ignored != "" && !t.Quiet {
		l.status.Ignored++
		l.status.LastWhy = t.Ignored
	}
	l.mu.Unlock()
	if l.set(Connected, "") {
		l.o.Log.Info("connected to the events of a device", "device", l.o.Name)
	}
	return l.Status().Since
}

func (l *Line) failed(err error) {
	state := Failed
	if errors.Is(err, vendor.ErrAuth) {
		state = AuthFailed
	}
	why := "the connection ended"
	if err != nil {
		why = err.Error()
	}
	if l.set(state, why) {
		l.o.Log.Warn("the events of a device do not come; trying again", "device", l.o.Name, "why", why)
	}
}

// set reports whether the state or its reason changed.
func (l *Line) set(state State, why string) bool {
	l.mu.Lock()
	same := l.status.State == state && l.status.Why == why
	if l.status.State != state {
		l.status.Since = l.o.Now().UTC()
	}
	l.status.State, l.status.Why = state, why
	l.mu.Unlock()
	if !same {
		l.o.OnChange()
	}
	return !same
}

// Status is a snapshot.
func (l *Line) Status() Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.status
}
