package sensor

import (
	"context"
	"errors"
	"time"

	"gridgate/edge/raise"
	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
)

// Told is what one message said of one device.
type Told struct {
	Device       *Device
	Received     time.Time
	Retained     bool
	Observations []observation.Observation
	Readings     []observation.Reading
}

// Finding is what a stage concludes of a device: that a state began or ended, or a moment. Told twice, a state changes nothing.
type Finding struct {
	Device      string // configured id
	Observation observation.Observation
	Origin      string         // name of what found it; empty: the device's dialect
	Severity    alert.Severity // empty: the device's, or the default of the kind
	Reading     *alert.Measure // what it was concluded from
	// By names who says so, if its situations are its own beside the device's: see [raise.Signal.By]. Patience is as there, too.
	By       string
	Patience *raise.Debounce
}

// Stage works on what devices told, between their dialect and the signals. What it remembers is statistics: if a message cannot
// be stored it comes again, and is taken a second time. Whether a state holds is remembered by raise alone.
//
// A stage is safe for concurrent use. Its memory is bounded by the configured devices.
type Stage interface {
	// Take may change, add and remove readings and observations, and returns what it concludes of this or other devices.
	Take(told *Told) []Finding
	// Tick is called every ten seconds and returns what the passing of time alone means.
	Tick(now time.Time) []Finding
}

// found completes a finding with what the configuration knows of its device. What must not leave a home does not, whoever found it.
func (h *Hub) found(f Finding, received time.Time) (raise.Signal, bool) {
	d := h.devices.byID[f.Device]
	if d == nil || d.Home && !leavesHome(f.Observation.Kind) {
		return raise.Signal{}, false
	}
	o := f.Observation
	if o.Phase != observation.Inactive { // the end of what did not begin tells nothing
		h.noteLane(d.ID, o.Kind.Lane())
	}
	if o.Phase != observation.Inactive && Disarmable(o.Kind) && h.Mode(d.ID) == Disarmed {
		return raise.Signal{}, false
	}
	at, clock := clockOf(o.At, received)
	if o.At.IsZero() {
		clock = alert.EdgeClock
	}
	s := h.signal(d, o, at, clock)
	s.Reading, s.By, s.Patience = f.Reading, f.By, f.Patience
	if f.Origin != "" {
		s.Origin = f.Origin
	}
	if f.Severity != "" {
		s.Severity = f.Severity
	}
	return s, true
}

// tick raises what the passing of time means to the stages.
func (h *Hub) tick(ctx context.Context) error {
	now := h.now()
	var signals []raise.Signal
	for _, stage := range h.stages {
		for _, f := range stage.Tick(now) {
			if s, ok := h.found(f, now); ok {
				signals = append(signals, s)
			}
		}
	}
	if len(signals) == 0 {
		return nil
	}
	_, err := h.raiser.Raise(ctx, "", signals, nil)
	if !errors.Is(err, raise.ErrInvalid) {
		return err
	}
	for _, s := range signals { // one that breaks the rules of an alert must not hold back the others
		if _, err := h.raiser.Raise(ctx, "", []raise.Signal{s}, nil); err != nil && !errors.Is(err, raise.ErrInvalid) {
			return err
		}
	}
	return nil
}

// TickEvery is how often the stages are told that time passed.
const TickEvery = checkEvery

// Advance raises what the passing of time means to the stages, as [Hub.Run] does every ten seconds: for a replay.
func (h *Hub) Advance(ctx context.Context) error { return h.tick(ctx) }

// LeavesHome says whether a sensor in a home may tell a kind: smoke, gas, water, a call for help, and its own failure.
func LeavesHome(k alert.Kind) bool { return leavesHome(k) }

// MeasuredAtHome says whether a reading of a quantity may leave a home: how much there is of a hazard, and how the device is.
func MeasuredAtHome(quantity string) bool { return measuredAtHome(quantity) }
