package rule

import (
	"fmt"
	"math"
	"slices"
	"time"

	"gridgate/edge/raise"
	"gridgate/edge/sensor"
	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
)

// How often a rule says what it has said. Told twice, a state changes nothing, and a message that could not be stored comes again: so
// what changed is said with every reading for a while, and then now and then.
const (
	insists = 2 * time.Minute
	reminds = 30 * time.Second // that it holds
	calms   = 5 * time.Minute  // that it does not
)

// reminder is how long a phase that was said need not be said again.
func reminder(p observation.Phase) time.Duration {
	if p == observation.Active {
		return reminds
	}
	return calms
}

// latest is how long a number that was told with an older time than the one before it is left out. After that the device's
// clock was set back, and its times begin anew.
const latest = 5 * time.Minute

// setBack is how much earlier than the number before it a number may come, while messages are handled side by side. What comes earlier
// still shows that our own clock was set back.
const setBack = 10 * time.Second

// recent says whether a number that came at arrived still keeps older ones out.
func recent(arrived, now time.Time) bool {
	since := now.Sub(arrived)
	return since < latest && since > -setBack
}

// watch is one rule on one device, or on one channel of it.
type watch struct {
	rule   *Rule
	origin string
	device string
	zone   string // of the rule, and the channel
	mode   func(device string) sensor.Mode

	patience *raise.Debounce // of what is found; never changed
	trail    *trail          // of a rate
	newest   time.Time       // of the numbers that were taken, by their own times
	arrived  time.Time       // when that one came
	phase    observation.Phase
	measure  alert.Measure // from which phase was concluded; of a rate, named and in the unit of what changes
	measured bool
	told     observation.Phase // last
	changed  time.Time         // when told changed
	said     time.Time
}

func (s *Stage) watch(r *Rule, device, zone string) *watch {
	w := &watch{
		rule: r, origin: r.Origin(), device: device, zone: zone, mode: s.mode,
		patience: &raise.Debounce{MinActive: r.For, ClearHold: r.Hold},
	}
	if r.Rate != nil {
		w.trail = &trail{over: r.Rate.Over}
	}
	return w
}

// number takes a value in the unit of the rule and says what follows from it.
func (w *watch) number(r observation.Reading, received time.Time) (Finding, bool) {
	l := w.rule.level()
	at := r.At
	if at.IsZero() {
		at = received
	}
	if !w.inOrder(at, received) && !w.urgent(l, r.Value) {
		return Finding{}, false
	}
	measure, phase := w.judge(l, r, at)
	if phase != "" {
		w.phase, w.measure, w.measured = phase, measure, true
	}
	return w.say(phase, at, received)
}

// urgent says whether a number counts however late it is: it may be a clock that was set back, and not a number that was kept.
func (w *watch) urgent(l *Level, v float64) bool {
	return w.rule.Rate == nil && w.rule.Kind.Lane() == alert.LifeSafety && l.on(v)
}

// inOrder says whether a number is no older than all that were taken.
func (w *watch) inOrder(at, received time.Time) bool {
	if !w.newest.IsZero() && at.Before(w.newest) {
		if recent(w.arrived, received) {
			return false
		}
		if w.trail != nil {
			w.trail.n = 0
		}
	}
	w.newest, w.arrived = at, received
	return true
}

// judge compares a number, or the rate that it makes. Between on and off, and without enough numbers for a rate, there is nothing to say.
func (w *watch) judge(l *Level, r observation.Reading, at time.Time) (m alert.Measure, phase observation.Phase) {
	m = alert.Measure{Quantity: r.Quantity, Value: r.Value, Unit: r.Unit}
	sure := true
	if rate := w.rule.Rate; rate != nil {
		w.trail.add(at, r.Value)
		slope, enough, known := w.trail.rate(rate.calm())
		if !known {
			return m, ""
		}
		sure = enough
		m.Value = math.Round(slope*rate.Per.Seconds()*1e6) / 1e6
	}
	if math.IsInf(m.Value, 0) || math.IsNaN(m.Value) {
		return m, ""
	}
	switch {
	case l.on(m.Value) && sure:
		return m, observation.Active
	case l.off(m.Value):
		return m, observation.Inactive
	}
	return m, ""
}

// rateOf names the rate of a quantity.
func rateOf(quantity string) string {
	const suffix = "_rate"
	return quantity[:min(len(quantity), alert.MaxName-len(suffix))] + suffix
}

// timeUnit is the UCUM code of a time, or that of seconds as often as it has them.
func timeUnit(d time.Duration) string {
	switch d {
	case time.Second:
		return "s"
	case time.Minute:
		return "min"
	case time.Hour:
		return "h"
	case 24 * time.Hour:
		return "d"
	}
	return fmt.Sprintf("(%d.s)", d/time.Second)
}

// state takes what the device says of a state.
func (w *watch) state(o observation.Observation, received time.Time) (Finding, bool) {
	w.phase = o.Phase
	at := o.At
	if at.IsZero() {
		at = received
	}
	return w.say(o.Phase, at, received)
}

// tick says again what holds, where the clock or the mode may have changed what it means.
func (w *watch) tick(now time.Time) (Finding, bool) { return w.say(w.phase, now, now) }

// say makes a finding of what the condition is, unless it was said often enough. A rule that does not watch says that it is over.
func (w *watch) say(phase observation.Phase, at, now time.Time) (Finding, bool) {
	if !w.awake(now) {
		phase = observation.Inactive
	}
	switch {
	case phase == "":
		return Finding{}, false
	case phase != w.told:
		w.told, w.changed = phase, now
	case now.Sub(w.changed) >= insists && now.Sub(w.said) < reminder(phase) && !now.Before(w.said):
		return Finding{}, false
	}
	w.said = now
	return w.finding(phase, at), true
}

func (w *watch) awake(now time.Time) bool {
	r := w.rule
	if len(r.Modes) > 0 && !slices.Contains(r.Modes, w.mode(w.device)) {
		return false
	}
	return r.Schedule.Always() || r.Schedule.Awake(now)
}

func (w *watch) finding(phase observation.Phase, at time.Time) Finding {
	r := w.rule
	f := Finding{
		Device:      w.device,
		Observation: observation.Observation{Device: w.device, Kind: r.Kind, Phase: phase, At: at, Zone: w.zone},
		Origin:      w.origin, By: w.origin, Severity: r.Severity,
		Patience: w.patience,
	}
	if w.measured {
		m := w.measure
		if r.Rate != nil {
			m.Quantity, m.Unit = rateOf(m.Quantity), m.Unit+"/"+timeUnit(r.Rate.Per)
		}
		f.Reading = &m
	}
	return f
}
