package rtspload

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/pion/rtp"

	"gridgate/protocols/kit/backoff"
)

// player is one path.
type player struct {
	path   Path
	clip   *clip
	media  *description.Media
	stream *gortsplib.ServerStream
	brake  *brake
	begin  time.Time // when the first unit is due, while nothing is held

	units   atomic.Uint64
	dropped atomic.Uint64
	viewers atomic.Int64

	mu         sync.Mutex
	departures []Departure
}

// brake holds all paths at once.
type brake struct {
	mu    sync.RWMutex  // read while a unit is sent
	held  time.Duration // in all; under mu
	since time.Time     // of the hold under way, zero if none; under mu
}

// hold returns when no unit is being sent; none follows until release.
func (b *brake) hold() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.since.IsZero() {
		b.since = time.Now()
	}
}

func (b *brake) release() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.since.IsZero() {
		b.held += time.Since(b.since)
		b.since = time.Time{}
	}
}

// run plays until ctx ends.
func (p *player) run(ctx context.Context) {
	var seq uint16
	period := float64(time.Second) / p.path.FPS
	for n := 0; ; {
		due := p.begin.Add(time.Duration(float64(n) * period))
		if !backoff.Wait(ctx, p.brake.left(due)) {
			return
		}
		p.brake.mu.RLock()
		if p.brake.since.IsZero() && time.Until(due.Add(p.brake.held)) <= 0 {
			seq = p.send(n, seq)
			n++
		}
		p.brake.mu.RUnlock()
	}
}

// left is how long to wait for a unit that would be due if nothing had been held.
func (b *brake) left(due time.Time) time.Duration {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if !b.since.IsZero() {
		return 10 * time.Millisecond
	}
	return max(0, time.Until(due.Add(b.held)))
}

// send plays the n-th unit since the start and returns the next sequence number. The brake is read-locked.
func (p *player) send(n int, seq uint16) uint16 {
	at := (n + p.path.Offset) % len(p.clip.units)
	// The clock of the camera stands while it is held.
	stamp := uint32(uint64(float64(n)*90000/p.path.FPS) + uint64(p.brake.held.Seconds()*90000))
	for _, packed := range p.clip.units[at] {
		pkt := rtp.Packet{Header: packed.Header, Payload: packed.Payload}
		pkt.SequenceNumber, pkt.Timestamp = seq, stamp
		seq++
		_ = p.stream.WritePacketRTP(p.media, &pkt) // fails only once the stream is closed
	}
	p.units.Add(1)
	if slices.Contains(p.path.Marks, at) {
		p.depart(at)
	}
	return seq
}

func (p *player) depart(unit int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.departures) == maxDepartures {
		p.departures = p.departures[1:]
	}
	p.departures = append(p.departures, Departure{unit, time.Now()})
}

func (p *player) report() Report {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Report{
		Name: p.path.Name, Units: p.units.Load(), Viewers: int(p.viewers.Load()), Dropped: p.dropped.Load(),
		Departures: slices.Clone(p.departures),
	}
}
