package camera

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"gridgate/edge/raise"
	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
)

// Own is what a camera tells by itself: the vendor's events beside our detectors.
type Own struct {
	Origin string       // name of the vendor's dialect in alerts; empty: the camera tells nothing
	Kinds  []alert.Kind // what it may tell; other kinds are left out
	// Zones names the zone for each region of the camera, by its number; a region that is not named belongs to no zone.
	Zones map[string]string
}

// own is what the camera told and has not ended. It is safe for concurrent use; calls of one camera follow each other.
type own struct {
	mu    sync.Mutex
	holds map[ownState]bool // what goes on, be its zone armed or not
	open  map[place]bool    // what was raised of it; true: as an exercise
	// early: the process is young, and all that the camera may tell could be open from before.
	early bool
}

// ownState is one state of the camera, as it numbers its parts. Several may be of one zone.
type ownState struct {
	channel, region string
	kind            alert.Kind
	object          alert.Object
}

// maxOwn bounds the states that are remembered: what begins beyond is raised, and not raised again when its zone is armed again.
const maxOwn = 256

// ownSkew is how far a camera's clock may be off for an event to have its time: what it tells, it tells at once.
const ownSkew = 5 * time.Second

// watched are the kinds that are seen in a zone; the others are about the camera, and cannot be disarmed.
var watched = []alert.Kind{alert.Motion, alert.Presence, alert.Tripwire, alert.Intrusion, alert.LeftObject, alert.Fire, alert.Smoke, alert.Other}

// Tell takes what the camera told, with channels and regions as it numbers them, and returns nil once it is on stable storage. What a
// disarmed zone would raise is left out until the zone is armed, if it goes on. What the camera found to hold when it was asked
// (Retained) is no alarm: it keeps open what was raised before, and raises nothing. An error that wraps [raise.ErrInvalid] will not
// heal and is none here: it is counted.
func (c *Camera) Tell(ctx context.Context, told []observation.Observation, received time.Time) error {
	c.own.mu.Lock()
	defer c.own.mu.Unlock()
	modes, holds := c.zones.snapshot(c.opt.Now()), maps.Clone(c.own.holds)
	var signals []raise.Signal
	var found []place
	for _, o := range told {
		if !slices.Contains(c.opt.Own.Kinds, o.Kind) {
			continue
		}
		holds = noteState(holds, o)
		if o.Retained && o.Phase == observation.Active {
			found = append(found, place{zone: c.ownZone(o.Kind, o.Zone), kind: o.Kind})
			continue
		}
		if s, ok := c.ownSignal(o, modes, received); ok && !c.outlived(o, holds) {
			signals = append(signals, s)
		}
	}
	if err := c.raiseOwn(ctx, signals, received); err != nil {
		return err
	}
	c.own.holds = holds
	c.own.found(found)
	c.own.raised(signals)
	return nil
}

// found takes what holds for raised already.
func (w *own) found(places []place) {
	for _, p := range places {
		if _, open := w.open[p]; !open {
			if w.open == nil {
				w.open = map[place]bool{}
			}
			w.open[p] = false
		}
	}
}

// noteState keeps what goes on. Of two states that differ in what was seen, the newer one is kept.
func noteState(holds map[ownState]bool, o observation.Observation) map[ownState]bool {
	if holds == nil {
		holds = map[ownState]bool{}
	}
	if o.Phase == observation.Momentary {
		return holds
	}
	state := ownState{o.Device, o.Zone, o.Kind, o.Object}
	maps.DeleteFunc(holds, func(s ownState, _ bool) bool { return s.same(state) })
	if o.Phase == observation.Active && len(holds) < maxOwn {
		holds[state] = true
	}
	return holds
}

func (s ownState) same(other ownState) bool {
	s.object, other.object = "", ""
	return s == other
}

// outlived says that o ends something which another region of the same zone still says.
func (c *Camera) outlived(o observation.Observation, holds map[ownState]bool) bool {
	if o.Phase != observation.Inactive {
		return false
	}
	at := place{zone: c.ownZone(o.Kind, o.Zone), kind: o.Kind}
	for s := range holds {
		if c.ownPlace(s) == at {
			return true
		}
	}
	return false
}

func (c *Camera) ownPlace(s ownState) place {
	return place{zone: c.ownZone(s.kind, s.region), kind: s.kind}
}

// ownZone is the zone that a region belongs to: none for what is about the camera, and for what is seen anywhere in the picture
// the only zone, if there is only one.
func (c *Camera) ownZone(kind alert.Kind, region string) string {
	names := c.zones.now().names
	named := c.opt.Own.Zones[region]
	switch {
	case !slices.Contains(watched, kind):
		return ""
	case named != "" && slices.Contains(names, named):
		return named
	case len(names) == 1:
		return names[0]
	}
	return ""
}

// ownSignal returns false for what is not to be raised now.
func (c *Camera) ownSignal(o observation.Observation, modes map[string]Mode, received time.Time) (raise.Signal, bool) {
	at := place{zone: c.ownZone(o.Kind, o.Zone), kind: o.Kind}
	mode, drill := ownMode(at, modes)
	if mode == Disarmed && o.Phase != observation.Inactive {
		return raise.Signal{}, false
	}
	s := c.base(o.Kind, o.Phase, received)
	s.Zone, s.Object, s.Score, s.Count, s.Retained = at.zone, o.Object, o.Score, o.Count, o.Retained
	s.Origin, s.Exercise = c.opt.Own.Origin, drill
	if !o.At.IsZero() && o.At.Sub(received).Abs() <= ownSkew {
		s.At, s.Clock = o.At.UTC(), alert.CameraClock
	}
	return s, true
}

// ownMode is how a place is armed. What is seen in no zone of ours is watched while any zone is.
func ownMode(at place, modes map[string]Mode) (mode Mode, drill bool) {
	if !slices.Contains(watched, at.kind) || at.kind.Lane() == alert.LifeSafety {
		return Armed, false
	}
	if mode, ok := modes[at.zone]; ok {
		return mode, mode == WalkTest
	}
	for _, mode := range modes {
		if mode == Armed {
			return Armed, false
		}
	}
	return Disarmed, false
}

// raiseOwn hands signals to raise and asks for the evidence of what was raised.
func (c *Camera) raiseOwn(ctx context.Context, signals []raise.Signal, received time.Time) error {
	if len(signals) == 0 {
		return nil
	}
	alerts, err := c.opt.Raiser.Raise(ctx, "", signals, nil)
	switch {
	case errors.Is(err, raise.ErrInvalid):
		c.status.count.raise.Add(1)
		return nil
	case err != nil:
		c.raiseFailed(ctx, err)
		return fmt.Errorf("raise what camera %s told: %w", c.opt.ID, err)
	}
	c.wantEvidence(alerts, moment{edge: received, told: received, clock: alert.EdgeClock})
	return nil
}

// raised remembers what is open.
func (w *own) raised(signals []raise.Signal) {
	if w.open == nil {
		w.open = map[place]bool{}
	}
	for _, s := range signals {
		p := place{zone: s.Zone, kind: s.Kind}
		switch s.Phase {
		case observation.Active:
			w.open[p] = s.Exercise
		case observation.Inactive:
			delete(w.open, p)
		}
	}
}

// Settle ends what the camera may have told an earlier process and has not told this one.
func (c *Camera) Settle(ctx context.Context) error {
	c.own.mu.Lock()
	defer c.own.mu.Unlock()
	if !c.own.early {
		return nil
	}
	var over []place
	for p := range c.ownPlaces() {
		if _, open := c.own.open[p]; !open {
			over = append(over, p)
		}
	}
	if err := c.endOwn(ctx, over); err != nil {
		return err
	}
	c.own.early = false
	return nil
}

// ownPlaces are all that the camera may tell.
func (c *Camera) ownPlaces() map[place]bool {
	places := map[place]bool{}
	for _, kind := range c.opt.Own.Kinds {
		places[place{kind: kind}] = true
		if slices.Contains(watched, kind) {
			for _, name := range c.zones.now().names {
				places[place{zone: name, kind: kind}] = true
			}
		}
	}
	return places
}

// armOwn follows the modes: it ends what zones that are disarmed now, or are no more, had raised by the camera's own word, and raises what
// goes on in zones that are armed now.
func (c *Camera) armOwn(ctx context.Context) {
	if c.opt.Own.Origin == "" {
		return
	}
	c.own.mu.Lock()
	defer c.own.mu.Unlock()
	if len(c.own.open)+len(c.own.holds) == 0 {
		return
	}
	modes, places := c.zones.snapshot(c.opt.Now()), c.ownPlaces()
	var over []place
	for p := range c.own.open {
		if mode, _ := ownMode(p, modes); mode == Disarmed || !places[p] {
			over = append(over, p)
		}
	}
	if c.endOwn(ctx, over) == nil { // else the next tick tries again
		_ = c.resumeOwn(ctx, modes)
	}
}

// resumeOwn raises what goes on and is not raised, or only as an exercise that is over.
func (c *Camera) resumeOwn(ctx context.Context, modes map[string]Mode) error {
	now := c.opt.Now()
	var signals []raise.Signal
	for _, state := range slices.SortedFunc(maps.Keys(c.own.holds), compareOwn) {
		p := c.ownPlace(state)
		drill, open := c.own.open[p]
		if mode, _ := ownMode(p, modes); mode == Disarmed || open && (!drill || mode == WalkTest) {
			continue
		}
		o := observation.Observation{Device: state.channel, Zone: state.region, Kind: state.kind, Object: state.object, Phase: observation.Active}
		if s, ok := c.ownSignal(o, modes, now); ok {
			signals = append(signals, s)
		}
	}
	if err := c.raiseOwn(ctx, signals, now); err != nil {
		return err
	}
	c.own.raised(signals)
	return nil
}

func compareOwn(a, b ownState) int {
	return cmp.Or(strings.Compare(a.channel, b.channel), strings.Compare(a.region, b.region), strings.Compare(string(a.kind), string(b.kind)))
}

// endOwn ends situations by the camera's word, in a fixed order.
func (c *Camera) endOwn(ctx context.Context, over []place) error {
	slices.SortFunc(over, comparePlaces)
	now := c.opt.Now()
	var signals []raise.Signal
	for _, p := range over {
		s := c.base(p.kind, observation.Inactive, now)
		s.Zone, s.Origin = p.zone, c.opt.Own.Origin
		signals = append(signals, s)
	}
	if err := c.raiseOwn(ctx, signals, now); err != nil {
		return err
	}
	for _, p := range over {
		delete(c.own.open, p)
	}
	return nil
}
