package rule

import (
	"maps"
	"slices"
	"sync"
	"time"

	"gridgate/edge/sensor"
	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
)

// Finding is what a rule says.
type Finding = sensor.Finding

// Options are what a [Stage] needs.
type Options struct {
	Applied []Applied // see [Set.Apply]; those that are refused are left out
	// Mode is how a sensor is armed; nil: armed.
	Mode func(device string) sensor.Mode
	// Convert returns a value in another unit; nil: none is converted. What cannot be is not looked at.
	Convert func(value float64, from, to string) (float64, bool)
	Now     func() time.Time
}

// Stage evaluates rules. It is a [sensor.Stage]; its memory is bounded by the rules and their sensors.
type Stage struct {
	mode    func(device string) sensor.Mode
	convert func(value float64, from, to string) (float64, bool)
	devices map[string]*device
	timed   []ticker // besides the channels of devices
	applies map[string]map[string]bool
}

var _ sensor.Stage = (*Stage)(nil)

// ticker is what time alone can change.
type ticker func(now time.Time, out []Finding) []Finding

// device is what watches one sensor.
type device struct {
	mu     sync.Mutex
	id     string
	values map[string][]*watch // by quantity as it is told; those of channels are added when they are first heard
	base   map[string]int      // channels that were added, by the quantity without a number
	states map[string][]*watch // by the part of the device that is told; those of parts are added when they are first heard
	silent []absence
	feeds  []feed
}

// absence is where a device is listened for.
type absence struct {
	group  *roll
	member *member
}

// feed is where what a device tells goes in a combination.
type feed struct {
	*mix
	name string
	in   Input
}

// New builds the stage.
func New(o Options) *Stage {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Mode == nil {
		o.Mode = func(string) sensor.Mode { return sensor.Armed }
	}
	if o.Convert == nil {
		o.Convert = func(v float64, from, to string) (float64, bool) { return v, from == to }
	}
	s := &Stage{mode: o.Mode, convert: o.Convert, devices: map[string]*device{}, applies: map[string]map[string]bool{}}
	groups := map[*Rule]*roll{}
	for _, a := range o.Applied {
		if a.Refused != "" {
			continue
		}
		if s.applies[a.Sensor] == nil {
			s.applies[a.Sensor] = map[string]bool{}
		}
		s.applies[a.Sensor][a.Rule.Origin()] = true
		switch {
		case a.Rule.Combination != nil:
			s.combine(a)
		case a.Rule.Absence != nil:
			s.listen(a, groups, o.Now())
		default:
			s.look(a)
		}
	}
	return s
}

// Applies says whether a sensor has the rule of that [Rule.Origin]: what another one raised, nobody will call over.
func (s *Stage) Applies(sensor, origin string) bool { return s.applies[sensor][origin] }

func (s *Stage) device(id string) *device {
	d := s.devices[id]
	if d == nil {
		d = &device{id: id, values: map[string][]*watch{}, base: map[string]int{}, states: map[string][]*watch{}}
		s.devices[id] = d
	}
	return d
}

func (s *Stage) look(a Applied) {
	d := s.device(a.Sensor)
	w := s.watch(a.Rule, a.Sensor, a.Rule.Zone)
	if l := a.Rule.level(); l != nil {
		d.values[l.Quantity] = append(d.values[l.Quantity], w)
	} else {
		d.states[""] = append(d.states[""], w)
	}
	if !a.Rule.timed() {
		return
	}
	s.timed = append(s.timed, func(now time.Time, out []Finding) []Finding {
		d.mu.Lock()
		defer d.mu.Unlock()
		return add(out)(w.tick(now))
	})
}

func (s *Stage) listen(a Applied, groups map[*Rule]*roll, now time.Time) {
	g := groups[a.Rule]
	if g == nil {
		g = &roll{rule: a.Rule}
		groups[a.Rule] = g
		s.timed = append(s.timed, g.tick)
	}
	m := &member{watch: s.watch(a.Rule, a.Sensor, a.Rule.Zone), last: now}
	g.members = append(g.members, m)
	d := s.device(a.Sensor)
	d.silent = append(d.silent, absence{g, m})
}

func (s *Stage) combine(a Applied) {
	m := s.mix(a.Rule, a.Sensor)
	for _, name := range slices.Sorted(maps.Keys(m.inputs)) {
		in := m.inputs[name].Input
		d := s.device(in.Sensor)
		d.feeds = append(d.feeds, feed{m, name, in})
	}
	s.timed = append(s.timed, func(now time.Time, out []Finding) []Finding { return add(out)(m.tick(now)) })
}

// add appends a finding, if there is one.
func add(out []Finding) func(Finding, bool) []Finding {
	return func(f Finding, ok bool) []Finding {
		if ok {
			out = append(out, f)
		}
		return out
	}
}

// Take implements [sensor.Stage]. It changes nothing of what was told.
func (s *Stage) Take(told *sensor.Told) []Finding {
	d := s.devices[told.Device.ID]
	if d == nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []Finding
	for _, r := range told.Readings {
		if told.Retained && r.At.IsZero() {
			continue // nobody knows when it was taken
		}
		for _, w := range s.watches(d, r.Quantity) {
			if v, ok := s.in(r, w.rule.level().Unit); ok {
				if f, ok := w.number(v, told.Received); ok {
					out = append(out, f)
				}
			}
		}
		out = s.feed(d, r, told.Received, out)
	}
	for _, o := range told.Observations {
		out = s.tell(d, o, told.Received, out)
	}
	if !told.Retained {
		out = d.hear(told, out)
	}
	return out
}

// Tick implements [sensor.Stage].
func (s *Stage) Tick(now time.Time) []Finding {
	var out []Finding
	for _, tick := range s.timed {
		out = tick(now, out)
	}
	return out
}

// watches are those of a quantity; those of temperature watch temperature_2, too, each channel for itself.
func (s *Stage) watches(d *device, quantity string) []*watch {
	list, known := d.values[quantity]
	if known || len(quantity) == 0 || quantity[len(quantity)-1] > '9' || quantity[len(quantity)-1] < '0' {
		return list
	}
	base := plain(quantity)
	models := d.values[base]
	if base == quantity || len(models) == 0 || d.base[base] >= maxChannels {
		return nil
	}
	d.base[base]++
	for _, m := range models {
		list = append(list, s.watch(m.rule, d.id, zoneOf(m.rule.Zone, quantity[len(base)+1:])))
	}
	d.values[quantity] = list
	return list
}

// parts are the watches of states, those of each part of a device for themselves: one of two doors may be closed.
func (s *Stage) parts(d *device, zone string) []*watch {
	list, known := d.states[zone]
	models := d.states[""]
	if known || len(models) == 0 || len(d.states) > maxChannels {
		return list
	}
	for _, m := range models {
		list = append(list, s.watch(m.rule, d.id, zoneOf(m.rule.Zone, zone)))
	}
	d.states[zone] = list
	return list
}

// in is a reading in another unit.
func (s *Stage) in(r observation.Reading, unit string) (observation.Reading, bool) {
	if r.Unit == unit {
		return r, true
	}
	v, ok := s.convert(r.Value, r.Unit, unit)
	r.Value, r.Unit = v, unit
	return r, ok
}

func (s *Stage) feed(d *device, r observation.Reading, now time.Time, out []Finding) []Finding {
	for _, f := range d.feeds {
		if f.in.Quantity != r.Quantity {
			continue
		}
		if v, ok := s.in(r, f.in.Unit); ok {
			if found, ok := f.take(f.name, v.Value, v.At, now); ok {
				out = append(out, found)
			}
		}
	}
	return out
}

// tell takes a state. One that was retained holds: it is told at every start.
func (s *Stage) tell(d *device, o observation.Observation, now time.Time, out []Finding) []Finding {
	if o.Phase == observation.Momentary {
		return out // it has no end
	}
	for _, w := range s.parts(d, o.Zone) {
		if w.rule.State == o.Kind {
			if f, ok := w.state(o, now); ok {
				out = append(out, f)
			}
		}
	}
	for _, f := range d.feeds {
		if f.in.State == o.Kind && f.in.State != "" {
			if found, ok := f.take(f.name, o.Phase == observation.Active, o.At, now); ok {
				out = append(out, found)
			}
		}
	}
	return out
}

// hear notes that the device spoke.
func (d *device) hear(told *sensor.Told, out []Finding) []Finding {
	for _, a := range d.silent {
		q := a.group.rule.Absence.Quantity
		if q == "" || slices.ContainsFunc(told.Readings, func(r observation.Reading) bool { return plain(r.Quantity) == q || r.Quantity == q }) {
			if f, ok := a.group.hear(a.member, told.Received); ok {
				out = append(out, f)
			}
		}
	}
	return out
}

// zoneOf is a part of a part.
func zoneOf(zone, part string) string {
	switch {
	case part == "":
		return zone
	case zone == "" || len(zone)+len(part) >= alert.MaxName:
		return part
	}
	return zone + " " + part
}
