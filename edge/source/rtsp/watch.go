package rtsp

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"gridgate/edge/source"
)

// maxUnitRate and maxFloodSeconds tell a flood from a burst; see [Source.Run].
const (
	maxUnitRate     = 240 // access units a second
	maxFloodSeconds = 3
)

// meter counts what happens to a session. It is written by the library's goroutines and read by the watchdog.
type meter struct {
	bytes             atomic.Uint64 // of the RTSP connection, and of RTP payloads over UDP
	lost, invalid     atomic.Uint64 // packets
	dropped, units    atomic.Uint64 // access units
	started           time.Time
	lastUnit, lastUse atomic.Int64 // nanoseconds after started: the last unit, and the last that was of use
}

func (m *meter) start() { m.started = time.Now() }

func (m *meter) note(o outcome) {
	switch o {
	case invalid:
		m.invalid.Add(1)
		return
	case dropped:
		m.dropped.Add(1)
	}
	now := int64(time.Since(m.started))
	m.units.Add(1)
	m.lastUnit.Store(now)
	if o == passed {
		m.lastUse.Store(now)
	}
}

// tally is a reading of the meter.
type tally struct {
	at    time.Time
	bytes uint64
	units uint64
	Trouble
}

func (m *meter) read() tally {
	return tally{
		at: time.Now(), bytes: m.bytes.Load(), units: m.units.Load(),
		Trouble: Trouble{Lost: m.lost.Load(), Invalid: m.invalid.Load(), Dropped: m.dropped.Load()},
	}
}

// watch returns why the stream must be given up, or nil when ctx ends.
func (ss *session) watch(ctx context.Context) error {
	tick := time.NewTicker(min(time.Second, max(10*time.Millisecond, min(ss.opt.Stall, ss.opt.NoKeyframe)/4)))
	defer tick.Stop()
	before, floods := ss.meter.read(), 0
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := ss.silence(); err != nil {
			return err
		}
		now := ss.meter.read()
		if now.at.Sub(before.at) < time.Second {
			continue
		}
		ss.report(before, now)
		if floods = ss.flood(before, now, floods); floods >= maxFloodSeconds {
			return fmt.Errorf("%w: it floods, with more than %d Mbit/s or %d pictures a second", source.ErrUnsupported, ss.opt.MaxRate*8/1_000_000, maxUnitRate)
		}
		before = now
	}
}

// silence is the stall watchdog.
func (ss *session) silence() error {
	now := time.Since(ss.meter.started)
	if now-time.Duration(ss.meter.lastUnit.Load()) > ss.opt.Stall {
		if ss.meter.invalid.Load() > 0 {
			return fmt.Errorf("%w: packets come, but no picture in them", source.ErrStalled)
		}
		return source.ErrStalled
	}
	if now-time.Duration(ss.meter.lastUse.Load()) > ss.opt.NoKeyframe {
		return source.ErrNoKeyframe
	}
	return nil
}

func (ss *session) report(before, now tally) {
	t := Trouble{Lost: now.Lost - before.Lost, Invalid: now.Invalid - before.Invalid, Dropped: now.Dropped - before.Dropped}
	if t != (Trouble{}) {
		ss.opt.OnTrouble(t)
	}
}

// flood returns for how many readings on end the stream has been too fast.
func (ss *session) flood(before, now tally, floods int) int {
	seconds := now.at.Sub(before.at).Seconds()
	if float64(now.bytes-before.bytes) > float64(ss.opt.MaxRate)*seconds || float64(now.units-before.units) > maxUnitRate*seconds {
		return floods + 1
	}
	return 0
}
