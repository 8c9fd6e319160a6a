package care

import (
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"gridgate/edge/sensor"
	"gridgate/protocols/observation"
)

// Thin leaves out readings that say nothing new, where a profile has a dead band. It is the last stage, so that every rule judges every
// reading. It compares with what was stored: what could not be stored and comes again passes again. It is safe for concurrent use.
type Thin struct {
	devices map[string]*thinned // never changed after NewThin
	left    atomic.Uint64
}

// thinned is a device and what was stored last of it.
type thinned struct {
	profile Profile
	mu      sync.Mutex
	last    map[string]point // by quantity, maxValues at most
}

type point struct {
	value float64
	unit  string
	at    time.Time
}

var (
	_ sensor.Stage  = (*Thin)(nil)
	_ sensor.Keeper = (*Thin)(nil)
)

// NewThin returns a Thin for those devices whose profile has a dead band.
func NewThin(devices map[string]Settings) *Thin {
	t := &Thin{devices: map[string]*thinned{}}
	for id, s := range devices {
		if s.Profile.thins() {
			t.devices[id] = &thinned{profile: s.Profile, last: map[string]point{}}
		}
	}
	return t
}

func (p Profile) thins() bool {
	for _, q := range p.Quantities {
		if q.Every > 0 {
			return true
		}
	}
	return false
}

// Left is how many readings were left out since the start.
func (t *Thin) Left() uint64 { return t.left.Load() }

// Take implements [sensor.Stage].
func (t *Thin) Take(told *sensor.Told) []sensor.Finding {
	d := t.devices[told.Device.ID]
	if d == nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	now := map[string]point{} // what this message tells before
	before := len(told.Readings)
	told.Readings = slices.DeleteFunc(told.Readings, func(r observation.Reading) bool {
		p := pointOf(r, told.Received)
		last, known := now[r.Quantity]
		if !known {
			last, known = d.last[r.Quantity]
		}
		if known && d.profile.Quantity(r.Quantity).within(last, p) {
			return true
		}
		now[r.Quantity] = p
		return false
	})
	t.left.Add(uint64(before - len(told.Readings)))
	return nil
}

// within says whether p need not be kept beside last.
func (q Quantity) within(last, p point) bool {
	age := p.at.Sub(last.at)
	return q.Every > 0 && p.unit == last.unit && age >= 0 && age < q.Every && math.Abs(p.value-last.value) <= q.Band
}

func pointOf(r observation.Reading, received time.Time) point {
	if r.At.IsZero() {
		return point{r.Value, r.Unit, received}
	}
	return point{r.Value, r.Unit, r.At}
}

// Keep implements [sensor.Keeper].
func (t *Thin) Keep(told *sensor.Told) {
	d := t.devices[told.Device.ID]
	if d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range told.Readings {
		last, known := d.last[r.Quantity]
		if p := pointOf(r, told.Received); !p.at.Before(last.at) && (known || len(d.last) < maxValues) {
			d.last[r.Quantity] = p
		}
	}
}

// Tick implements [sensor.Stage].
func (*Thin) Tick(time.Time) []sensor.Finding { return nil }
