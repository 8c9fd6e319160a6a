package vendor

import (
	"slices"
	"time"
)

// Pulse learns how often a device gives a sign of life and says when it is overdue. The zero value is not ready: see [NewPulse].
// It is for one goroutine at a time.
type Pulse struct {
	least, most time.Duration
	gaps        []time.Duration // the last ones, at most pulseGaps
	next        int
	last        time.Time
}

// pulseGaps is how many gaps are remembered, and pulseFactor how many of the longest may pass in silence.
const (
	pulseGaps   = 32
	pulseFactor = 3
)

// NewPulse returns a pulse that allows most until something is learnt, and then three of the longest gaps seen lately, but never
// less than least and never more than most. Firmware sends heartbeats every 0.3 to 60 s, or none beside its events.
func NewPulse(least, most time.Duration) *Pulse { return &Pulse{least: least, most: most} }

// Beat notes a sign of life: any message, not a heartbeat alone, since some firmware stops its heartbeat while an event repeats.
func (p *Pulse) Beat(now time.Time) {
	if !p.last.IsZero() {
		gap := max(0, now.Sub(p.last))
		if len(p.gaps) < pulseGaps {
			p.gaps = append(p.gaps, gap)
		} else {
			p.gaps[p.next] = gap
			p.next = (p.next + 1) % pulseGaps
		}
	}
	p.last = now
}

// Patience is how long the device may be silent. Fewer than four gaps say nothing yet.
func (p *Pulse) Patience() time.Duration {
	if len(p.gaps) < 4 {
		return p.most
	}
	return min(p.most, max(p.least, pulseFactor*slices.Max(p.gaps)))
}
