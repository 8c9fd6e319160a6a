package raise

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
)

// plan works out what a call changes, on a copy of the states of its keys: nothing is lost if it is thrown away.
type plan struct {
	now      time.Time
	steady   time.Duration // as of now, by the clock that nobody sets
	unsure   time.Duration // of every time: a device's clock is believed because it agrees with the edge's
	debounce map[alert.Kind]Debounce

	// Most calls change nothing: maps are made when something is put into them.
	open    map[string]Situation
	stored  map[string]bool // keys that the log has open
	changed map[string]bool
	moments map[string]moment
	alerts  []alert.Alert
}

// put sets a key of a map, which may be nil.
func put[V any](m *map[string]V, key string, v V) {
	if *m == nil {
		*m = map[string]V{}
	}
	(*m)[key] = v
}

// commit is what the plan asks the log to write.
func (p *plan) commit() Commit {
	c := Commit{Alerts: p.alerts}
	if len(p.changed) == 0 {
		return c
	}
	for _, k := range slices.Sorted(maps.Keys(p.changed)) {
		if s, ok := p.open[k]; ok {
			c.Opened = append(c.Opened, s)
		} else if p.stored[k] {
			c.Closed = append(c.Closed, k)
		}
	}
	return c
}

func (p *plan) set(s Situation) {
	put(&p.open, s.Key, s)
	put(&p.changed, s.Key, true)
}

func (p *plan) remove(key string) {
	delete(p.open, key)
	put(&p.changed, key, true)
}

// apply takes one signal, whose key is given. The order of arrival decides, not the observed times: a source that sends late has said so last.
func (p *plan) apply(s *Signal, key string) error {
	if _, open := p.open[key]; !open && s.Phase == observation.Inactive {
		return nil // what does not hold cannot end: most of what sensors tell
	}
	a, err := s.alert(key, p.now)
	if err != nil {
		return err
	}
	a.Uncertainty = max(a.Uncertainty, p.unsure)
	p.settle(a.Key)
	switch s.Phase {
	case observation.Active:
		p.active(a, p.patience(s))
	case observation.Inactive:
		p.inactive(a, p.patience(s))
	case observation.Momentary:
		p.momentary(a, s.Retained)
	}
	return nil
}

// patience is how long a signal's state must hold, or be over, before it counts.
func (p *plan) patience(s *Signal) Debounce {
	d := p.debounce[s.Kind]
	switch {
	case s.Patience != nil:
		d = *s.Patience
		d.MinActive = min(d.MinActive, LongestWait(s.Kind))
	case s.Kind.Lane() == alert.LifeSafety:
		d.MinActive = 0
	}
	return d
}

// settle does what is due for a key.
func (p *plan) settle(key string) {
	s, ok := p.open[key]
	switch {
	case !ok || !s.dueBy(p.now):
	case s.Pending:
		p.raise(s)
	default:
		p.close(s)
	}
}

// close ends a situation whose end was waited for.
func (p *plan) close(s Situation) {
	end := *s.Ending
	end.RaisedAt = p.now
	p.alerts = append(p.alerts, end)
	p.remove(s.Key)
}

// dueBy says whether the wait is over. A clock that was set back by more than the wait is long ends it, too: nothing waits for more
// than twice its time.
func (s Situation) dueBy(now time.Time) bool {
	if s.Due.IsZero() {
		return false
	}
	begun := s.Since
	if s.Ending != nil {
		begun = s.Ending.RaisedAt
	}
	return !now.Before(s.Due) || s.Due.Sub(now) > 2*s.Due.Sub(begun)
}

func (p *plan) active(a alert.Alert, d Debounce) {
	s, ok := p.open[a.Key]
	if ok && s.Ending != nil {
		s.Ending, s.Due = nil, time.Time{}
		p.set(s)
	}
	if ok && s.Alert.Exercise && !a.Exercise {
		p.end(s, a)
		ok = false
	}
	if ok {
		return
	}
	s = Situation{Key: a.Key, AlertID: a.ID, Since: p.now, Alert: a}
	if d.MinActive > 0 {
		s.Pending, s.Due = true, p.now.Add(d.MinActive)
		p.set(s)
		return
	}
	p.raise(s)
}

// raise makes a situation out of what was pending or is new.
func (p *plan) raise(s Situation) {
	s.Pending, s.Due = false, time.Time{}
	s.Alert.RaisedAt = p.now
	p.alerts = append(p.alerts, s.Alert)
	p.set(s)
}

func (p *plan) inactive(a alert.Alert, d Debounce) {
	s, ok := p.open[a.Key]
	if !ok || s.Ending != nil && d.ClearHold > 0 {
		return
	}
	if s.Ending != nil { // it is not to be waited for any longer
		p.close(s)
		return
	}
	if s.Pending || d.ClearHold <= 0 {
		p.end(s, a)
		return
	}
	end := clearOf(s, a)
	s.Ending, s.Due = &end, p.now.Add(d.ClearHold)
	p.set(s)
}

// end closes a situation now; one that was only pending ends without a word. The signal a tells when, and what it was read from.
func (p *plan) end(s Situation, a alert.Alert) {
	if !s.Pending {
		p.alerts = append(p.alerts, clearOf(s, a))
	}
	p.remove(s.Key)
}

// clearOf pairs a clear with the alert that raised s.
func clearOf(s Situation, a alert.Alert) alert.Alert {
	end := s.Alert
	end.ID, end.State, end.Situation = alert.NewID(), alert.Cleared, s.AlertID
	end.OccurredAt, end.Clock, end.Uncertainty, end.RaisedAt = a.OccurredAt, a.Clock, a.Uncertainty, a.RaisedAt
	end.Origin, end.Reading, end.Score, end.CountBucket = a.Origin, a.Reading, nil, ""
	return end
}

func (p *plan) momentary(a alert.Alert, retained bool) {
	if retained {
		return // a moment that is told again is over
	}
	window := MomentWindow
	if a.Lane() == alert.LifeSafety {
		window = LifeSafetyMomentWindow
	}
	arrival := MomentArrival
	if a.Clock != alert.CameraClock {
		arrival = window // the edge told the time itself: had its clock been set back meanwhile, two moments would look like one
	}
	last, ok := p.moments[a.Key]
	if ok && a.OccurredAt.Sub(last.at).Abs() < window && p.steady-last.seen <= arrival {
		return
	}
	put(&p.moments, a.Key, moment{at: a.OccurredAt, seen: p.steady})
	p.alerts = append(p.alerts, a)
}

// alert builds the raised or momentary alert of a signal, whose key is given. The id is minted here, once.
func (s *Signal) alert(key string, now time.Time) (alert.Alert, error) {
	a := alert.Alert{
		ID: alert.NewID(), Source: s.Source, Kind: s.Kind, Object: s.Object, Severity: s.Severity, Key: key,
		Grid: s.Grid, Zone: s.Zone, OccurredAt: s.At.UTC(), Clock: s.Clock, Uncertainty: s.Uncertainty, RaisedAt: now.UTC(),
		Score: s.Score, Reading: s.Reading, Origin: s.Origin, Exercise: s.Exercise,
	}
	if t, ok := alert.TraitsOf(s.Kind); ok && a.Severity == "" {
		a.Severity = t.Severity
	}
	if s.Count != nil {
		a.CountBucket = alert.CountBucket(*s.Count)
	}
	switch s.Phase {
	case observation.Active, observation.Inactive:
		a.State, a.Situation = alert.Raised, a.ID
	case observation.Momentary:
		a.State = alert.Momentary
	default:
		return a, errors.New("unknown phase")
	}
	if edge, _, device, err := alert.ParseSource(s.Source); err == nil && (edge != s.Edge || device != s.Device) {
		return a, fmt.Errorf("source %q is not that of device %q of edge %q", s.Source, s.Device, s.Edge)
	}
	return a, a.Validate()
}

// keysOf returns the key of each signal, and all of them sorted and each once, which is the order in which they are locked.
func keysOf(signals []Signal) (each, sorted []string) {
	if len(signals) == 0 {
		return nil, nil
	}
	each = make([]string, len(signals))
	for i := range signals {
		each[i] = signals[i].Key()
	}
	if len(each) == 1 {
		return each, each
	}
	sorted = slices.Clone(each)
	slices.SortFunc(sorted, compareKeys)
	return each, slices.Compact(sorted)
}

func compareKeys(a, b string) int { return strings.Compare(a, b) }
