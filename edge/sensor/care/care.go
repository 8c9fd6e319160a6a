// Package care knows how each sensor measures and how it is: the first of the stages that work on what sensors told.
//
// In: what dialects understood, and which device was heard. Out: the same readings in the units of the device's profile, without what
// no instrument measures; findings that a device is broken or its battery nearly empty; which of its times are to be believed; and how long
// it may be silent. What it learns is kept in one file. It never keeps a payload, never judges what a value means for people (rules do), and
// tells of a device in a home nothing but its health: no value, no pause and no time of a message.
package care

import (
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"gridgate/edge/sensor"
	"gridgate/protocols/observation"
)

// Settings are what is configured of one device.
type Settings struct {
	Profile Profile
	Home    bool // stands in a home
}

// Options are what a [Care] needs.
type Options struct {
	Devices map[string]Settings // by id
	// File keeps what was learnt; empty: nothing is kept.
	File string
	// Linked is since when messages of a device could come; zero: they cannot. Nil: always.
	Linked func(device string) time.Time
	Log    *slog.Logger
	Now    func() time.Time
}

// Care is safe for concurrent use.
type Care struct {
	file    string
	linked  func(device string) time.Time
	log     *slog.Logger
	now     func() time.Time
	started time.Time
	devices map[string]*device // never changed after New
	counts  counts
	changed atomic.Bool
}

// Counts are readings that were left out since the start.
type Counts struct {
	Implausible uint64 `json:"implausible"` // beyond what can be measured
	OtherUnit   uint64 `json:"otherUnit"`   // in a unit that cannot be converted to that of the values before
}

type counts struct{ implausible, otherUnit atomic.Uint64 }

// device is a sensor and what is remembered of it.
type device struct {
	Settings
	mu sync.Mutex
	memory
	// name is what the dialect calls it; shared, that several devices speak on its topic, each by its name. What is learnt of one would be
	// wrong of the others.
	name   string
	shared bool
}

// isShared notes the name of who told something, and says whether it is one of several.
func (d *device) isShared(name string) bool {
	if d.name == "" {
		d.name = name
	}
	d.shared = d.shared || name != "" && name != d.name
	return d.shared
}

// memory is what the file keeps of a device.
type memory struct {
	Values  map[string]*value `json:"values,omitempty"` // by quantity, maxValues at most
	Clock   clock             `json:"clock"`
	Cadence cadence           `json:"cadence"`
	Charge  charge            `json:"charge"`
}

// maxValues is how many quantities are remembered of a device. Others pass, but are not watched.
const maxValues = 64

var (
	_ sensor.Stage = (*Care)(nil)
	_ sensor.Care  = (*Care)(nil)
)

// New returns a Care that knows what its file says. A file that cannot be used is set aside.
func New(o Options) (*Care, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Linked == nil {
		o.Linked = func(string) time.Time { return time.Unix(0, 0) }
	}
	c := &Care{file: o.File, linked: o.Linked, log: o.Log, now: o.Now, started: o.Now(), devices: map[string]*device{}}
	for id, s := range o.Devices {
		if id == "" {
			return nil, errors.New("care: a device has no id")
		}
		c.devices[id] = &device{Settings: s, memory: memory{Values: map[string]*value{}, Charge: charge{left: -1}}}
	}
	c.load()
	return c, nil
}

// Take implements [sensor.Stage].
func (c *Care) Take(told *sensor.Told) []sensor.Finding {
	d := c.devices[told.Device.ID]
	if d == nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	c.changed.Store(true)
	t := take{care: c, device: d, told: told}
	told.Readings = slices.DeleteFunc(told.Readings, func(r observation.Reading) bool { return r.Quantity == "" })
	kept := told.Readings[:0]
	for _, r := range told.Readings {
		if t.reading(&r) {
			kept = append(kept, r)
		}
	}
	told.Readings = kept
	t.battery()
	return t.found
}

// Tick implements [sensor.Stage]: the silence of devices is judged by the hub, which has [Care.Silent] for it.
func (*Care) Tick(time.Time) []sensor.Finding { return nil }

// Time implements [sensor.Care].
func (c *Care) Time(id string, told, received time.Time, live bool) (time.Time, bool) {
	d := c.devices[id]
	if d == nil {
		return told, received.Sub(told).Abs() <= unknownSkew
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if live {
		d.Clock.note(told, received)
	}
	return d.Clock.time(told, received)
}

// Heard implements [sensor.Care].
func (c *Care) Heard(id string, at time.Time) {
	d := c.devices[id]
	if d == nil {
		return
	}
	linked := c.linked(id)
	if linked.IsZero() {
		linked = at
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	c.changed.Store(true)
	d.Cadence.note(at, linked)
}

// intervals is how many times the longest pause of its profile a device may be silent: two messages may get lost.
const intervals = 3

// Silent implements [sensor.Care]. Time during which messages could not come does not count.
func (c *Care) Silent(id string, last, now time.Time) (silent, judged bool) {
	d := c.devices[id]
	if d == nil {
		return false, false
	}
	d.mu.Lock()
	patience := d.patience()
	d.mu.Unlock()
	linked := c.linked(id)
	if last.Before(linked) {
		last = linked
	}
	return patience > 0 && !linked.IsZero() && now.Sub(last) > patience, patience > 0
}

// patience is how long the device may be silent; 0: for ever.
func (d *device) patience() time.Duration {
	if d.Profile.Interval > 0 {
		return intervals * d.Profile.Interval
	}
	_, battery := d.Charge.known()
	return d.Cadence.silence(battery || d.Charge.Said, d.Home)
}

// Counts returns what was left out.
func (c *Care) Counts() Counts {
	return Counts{Implausible: c.counts.implausible.Load(), OtherUnit: c.counts.otherUnit.Load()}
}
