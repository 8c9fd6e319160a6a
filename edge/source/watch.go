package source

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// maxUnitRate and maxFloodSeconds tell a flood from a burst.
const (
	maxUnitRate     = 240 // access units a second
	maxFloodSeconds = 3
)

// Trouble counts what was wrong with the packets of a stream.
type Trouble struct {
	Lost    uint64 // packets that never came
	Invalid uint64 // packets that are not RTP or not of the codec
	Dropped uint64 // access units left out: damaged, too large, or unusable until the next keyframe
}

// WatchOptions are the bounds of a stream. All are demanded.
type WatchOptions struct {
	Stall      time.Duration // without an access unit: [ErrStalled]
	NoKeyframe time.Duration // with units but none at which decoding could begin: [ErrNoKeyframe]
	MaxRate    int           // bytes a second; more than that for some seconds is a flood: [ErrUnsupported]
	// OnTrouble is told at most once a second what went wrong since the last time. It must not block.
	OnTrouble func(Trouble)
}

// Watch is the watchdog of one connection. Its counters are written by whoever receives, and read by [Watch.Run].
type Watch struct {
	Bytes         atomic.Uint64 // that came
	Lost, Invalid atomic.Uint64 // packets

	opt               WatchOptions
	dropped, units    atomic.Uint64 // access units
	started           time.Time
	lastUnit, lastUse atomic.Int64 // nanoseconds after started: the last unit, and the last that was of use
}

// NewWatch makes one that has not started.
func NewWatch(o WatchOptions) *Watch { return &Watch{opt: o} }

// Start says that the stream should begin to come.
func (w *Watch) Start() { w.started = time.Now() }

// Note counts what became of a picture or a packet.
func (w *Watch) Note(o Outcome) {
	switch o {
	case Invalid:
		w.Invalid.Add(1)
		return
	case Dropped:
		w.dropped.Add(1)
	}
	now := int64(time.Since(w.started))
	w.units.Add(1)
	w.lastUnit.Store(now)
	if o == Passed {
		w.lastUse.Store(now)
	}
}

// tally is a reading of the counters.
type tally struct {
	at    time.Time
	bytes uint64
	units uint64
	Trouble
}

func (w *Watch) read() tally {
	return tally{
		at: time.Now(), bytes: w.Bytes.Load(), units: w.units.Load(),
		Trouble: Trouble{Lost: w.Lost.Load(), Invalid: w.Invalid.Load(), Dropped: w.dropped.Load()},
	}
}

// Run returns why the stream must be given up, or nil when ctx ends.
func (w *Watch) Run(ctx context.Context) error {
	tick := time.NewTicker(min(time.Second, max(10*time.Millisecond, min(w.opt.Stall, w.opt.NoKeyframe)/4)))
	defer tick.Stop()
	before, floods := w.read(), 0
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := w.silence(); err != nil {
			return err
		}
		now := w.read()
		if now.at.Sub(before.at) < time.Second {
			continue
		}
		w.report(before, now)
		if floods = w.flood(before, now, floods); floods >= maxFloodSeconds {
			return fmt.Errorf("%w: it floods, with more than %d Mbit/s or %d pictures a second", ErrUnsupported, w.opt.MaxRate*8/1_000_000, maxUnitRate)
		}
		before = now
	}
}

// silence is the stall watchdog.
func (w *Watch) silence() error {
	now := time.Since(w.started)
	if now-time.Duration(w.lastUnit.Load()) > w.opt.Stall {
		if w.Invalid.Load() > 0 {
			return fmt.Errorf("%w: packets come, but no picture in them", ErrStalled)
		}
		return ErrStalled
	}
	if now-time.Duration(w.lastUse.Load()) > w.opt.NoKeyframe {
		return ErrNoKeyframe
	}
	return nil
}

func (w *Watch) report(before, now tally) {
	t := Trouble{Lost: now.Lost - before.Lost, Invalid: now.Invalid - before.Invalid, Dropped: now.Dropped - before.Dropped}
	if t != (Trouble{}) {
		w.opt.OnTrouble(t)
	}
}

// flood returns for how many readings on end the stream has been too fast.
func (w *Watch) flood(before, now tally, floods int) int {
	seconds := now.at.Sub(before.at).Seconds()
	if float64(now.bytes-before.bytes) > float64(w.opt.MaxRate)*seconds || float64(now.units-before.units) > maxUnitRate*seconds {
		return floods + 1
	}
	return 0
}
